package flow

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/jcaad/jcaad/examples/operator/internal/data"
)

// How long the lists of a State may be, in bytes of JSON. What does not fit is counted.
const (
	reportBytes = 6 << 10
	noteBytes   = 3 << 10
	maxRan      = 2
)

// Earlier stands for the oldest files of a list, which a [State] does not name any more so
// that it does not grow for ever. That they are all there, and as they were, [CheckFiles]
// can tell.
type Earlier struct {
	Count int `json:"count,omitempty"`
	// SHA256 is over all of them, the oldest first: of each it is, in hexadecimal, that of the
	// one before it (nothing before the first), its name and its SHA-256, each with a newline.
	SHA256 string `json:"sha256,omitempty"`
	// First and Last are the names of the oldest and the newest of them.
	First string `json:"first,omitempty"`
	Last  string `json:"last,omitempty"`
}

// with is e and one file more.
func (e Earlier) with(ref data.Ref) Earlier {
	sum := sha256.Sum256([]byte(e.SHA256 + "\n" + ref.Name + "\n" + ref.SHA256 + "\n"))
	if e.Count == 0 {
		e.First = ref.Name
	}
	return Earlier{Count: e.Count + 1, SHA256: hex.EncodeToString(sum[:]), First: e.First, Last: ref.Name}
}

// shorten takes the oldest out of a list until it fits, but for the newest.
func shorten(refs []data.Ref, e Earlier, limit int) ([]data.Ref, Earlier) {
	size := 0
	for _, r := range refs {
		size += refBytes(r)
	}
	for ; len(refs) > 1 && size > limit; refs = refs[1:] {
		size -= refBytes(refs[0])
		e = e.with(refs[0])
	}
	return refs, e
}

func refBytes(r data.Ref) int { return len(r.Name) + len(r.SHA256) + len(`{"name":"","sha256":""},`) }

// shorten bounds the lists of a state.
func (s *State) shorten() {
	s.Reports, s.EarlierReports = shorten(s.Reports, s.EarlierReports, reportBytes)
	s.Notes, s.EarlierNotes = shorten(s.Notes, s.EarlierNotes, noteBytes)
	if over := len(s.Kept.Ran) - maxRan; over > 0 {
		s.Kept.Ran = s.Kept.Ran[over:]
	}
}

// A LostError says which of the files that a workflow knows of are missing, or are not what
// they were.
type LostError struct {
	// Names are those of the newer ones.
	Names []string
	// Earlier is how many of the older ones there are too few: 0 with Changed if none, but one
	// is not what it was.
	Earlier int
	Changed bool
	// Of is how many files there are to be.
	Of int
}

// Error names them, and says what to do.
func (e *LostError) Error() string {
	var parts []string
	if len(e.Names) > 0 {
		parts = append(parts, strings.Join(e.Names, ", "))
	}
	switch {
	case e.Earlier > 0:
		parts = append(parts, fmt.Sprintf("at least %d of the older ones", e.Earlier))
	case e.Changed:
		parts = append(parts, "at least one of the older ones")
	}
	return fmt.Sprintf("of %d files these are missing, or are not what they were: %s: restore them from a backup",
		e.Of, strings.Join(parts, " and "))
}

// CheckFiles compares files as they are in the folder now, the oldest first, such as
// [data.Dir.Reports] returns them, with what a workflow knows: those that it names, and the
// earlier ones. There may be more of them in the folder, such as those of a run that is under
// way. The error is nil if all that the workflow knows are there unchanged, else a
// [*LostError].
func CheckFiles(e Earlier, named, stored []data.Ref) error {
	lost := LostError{Of: e.Count + len(named)}
	rest := make([]data.Ref, 0, len(stored))
	for _, r := range stored {
		if e.First <= r.Name && r.Name <= e.Last && !slices.ContainsFunc(named, func(n data.Ref) bool { return n.Name == r.Name }) {
			rest = append(rest, r)
		}
	}
	for _, r := range named {
		if !slices.Contains(stored, r) {
			lost.Names = append(lost.Names, r.Name)
		}
	}
	switch {
	case e.Count == 0:
	case len(rest) < e.Count:
		lost.Earlier = e.Count - len(rest)
	case !e.among(rest):
		lost.Changed = true
	}
	if len(lost.Names) > 0 || lost.Earlier > 0 || lost.Changed {
		return &lost
	}
	return nil
}

// CheckReports is [CheckFiles] for the reports of a domain.
func (s State) CheckReports(stored []data.Ref) error {
	return CheckFiles(s.EarlierReports, s.Reports, stored)
}

// mostTries is how many files among a few too many are looked at before that is given up.
const mostTries = 1 << 20

// among reports whether files are those of e, in their order, with few between them that no
// workflow was told of.
func (e Earlier) among(files []data.Ref) bool {
	tries := 0
	var try func(now Earlier, files []data.Ref, spare int) bool
	try = func(now Earlier, files []data.Ref, spare int) bool {
		if now.Count == e.Count {
			return now == e
		}
		if tries++; len(files) == 0 || tries > mostTries {
			return false
		}
		return try(now.with(files[0]), files[1:], spare) || spare > 0 && try(now, files[1:], spare-1)
	}
	return try(Earlier{}, files, len(files)-e.Count)
}
