package data

import (
	"cmp"
	"errors"
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

// Rotation returns the rotation of a domain that was saved last, as it is in the folder
// now: also by a call whose answer nobody got. The error is an [fs.ErrNotExist] if there
// is none.
func (d *Dir) Rotation(domain string) (Ref, error) {
	domain = strings.ToLower(strings.TrimSuffix(domain, "."))
	if !goodDomain(domain) {
		return Ref{}, fmt.Errorf("data: %q is no name of a domain", domain)
	}
	names, err := d.newest(rotations + "/" + domain)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Ref{}, fmt.Errorf("data: the rotations cannot be listed: %w", err)
	}
	if len(names) == 0 {
		return Ref{}, fmt.Errorf("data: there is no rotation of this domain: %w", fs.ErrNotExist)
	}
	return d.refer(names[0])
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
	names, err := d.newest(folder)
	if err != nil || len(names) <= few || d.enter() != nil {
		return
	}
	defer d.leave()
	names = slices.DeleteFunc(names, func(name string) bool { return name == newest })
	for _, name := range names[min(few-1, len(names)):] {
		_ = d.root.Remove(name)
	}
}

// newest returns the names of the files of a folder, the one that was saved last first.
func (d *Dir) newest(folder string) ([]string, error) {
	if err := d.enter(); err != nil {
		return nil, err
	}
	defer d.leave()
	files, err := fs.ReadDir(d.root.FS(), folder)
	if err != nil {
		return nil, err
	}
	saved := make(map[string]time.Time)
	var names []string
	for _, f := range files {
		name := folder + "/" + f.Name()
		if info, err := f.Info(); err == nil && checkName(name) == nil {
			names, saved[name] = append(names, name), info.ModTime()
		}
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(saved[b].Compare(saved[a]), cmp.Compare(a, b)) })
	return names, nil
}
