package data

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"
)

const (
	approvals     = "approvals"
	notes         = "notes"
	verifications = "verifications"
	rotations     = "rotations"

	// few is how many verifications and rotations of a domain are kept: more than one,
	// since what was saved last may be of a call whose answer nobody got.
	few = 20
)

// SaveApproval keeps an approval, for ever: approvals/<SHA-256>.json.
func (d *Dir) SaveApproval(b []byte) (Ref, error) {
	return d.save("the approval", approvals+"/"+sum(b)+".json", b)
}

// SaveNote keeps a note, for ever: notes/<SHA-256>.json.
func (d *Dir) SaveNote(b []byte) (Ref, error) {
	return d.save("the note", notes+"/"+sum(b)+".json", b)
}

// SaveVerification keeps a verification of a domain: verifications/<domain>/<SHA-256>.json.
// Of a domain the last 20 are kept; older ones are removed by this call.
func (d *Dir) SaveVerification(domain string, b []byte) (Ref, error) {
	return d.saveFew("the verification", verifications, domain, b)
}

// SaveRotation keeps how far a rotation of a domain has come:
// rotations/<domain>/<SHA-256>.json. Of a domain the last 20 are kept; older ones are
// removed by this call.
func (d *Dir) SaveRotation(domain string, b []byte) (Ref, error) {
	return d.saveFew("the rotation", rotations, domain, b)
}

func (d *Dir) saveFew(what, folder, domain string, b []byte) (Ref, error) {
	domain = strings.ToLower(strings.TrimSuffix(domain, "."))
	if !goodDomain(domain) {
		return Ref{}, fmt.Errorf("data: %q is no name of a domain: letters, digits, hyphens and dots, as in the DNS", domain)
	}
	ref, err := d.save(what, folder+"/"+domain+"/"+sum(b)+".json", b)
	if err != nil {
		return Ref{}, err
	}
	d.thin(folder+"/"+domain, ref.Name)
	return ref, nil
}

// thin removes all but the last few files of a folder, and never the newest. What cannot
// be removed stays until the next call: nothing is lost by it.
func (d *Dir) thin(folder, newest string) {
	if d.enter() != nil {
		return
	}
	defer d.leave()
	files, err := fs.ReadDir(d.root.FS(), folder)
	if err != nil || len(files) <= few {
		return
	}
	type file struct {
		name  string
		saved time.Time
	}
	var old []file
	for _, f := range files {
		name := folder + "/" + f.Name()
		if info, err := f.Info(); err == nil && name != newest && checkName(name) == nil {
			old = append(old, file{name, info.ModTime()})
		}
	}
	slices.SortFunc(old, func(a, b file) int { return cmp.Or(b.saved.Compare(a.saved), cmp.Compare(a.name, b.name)) })
	for _, f := range old[min(few-1, len(old)):] {
		_ = d.root.Remove(f.name)
	}
}
