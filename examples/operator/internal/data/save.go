package data

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// Ref is what a workflow carries in the place of a file: no person can be read from it.
type Ref struct {
	Name   string `json:"name"`   // in the folder, with slashes
	SHA256 string `json:"sha256"` // of what was saved, in hexadecimal
}

// ErrChanged means that a file is not what was saved under its [Ref].
var ErrChanged = errors.New("the file is not what was saved")

// SaveReport keeps the report of a run: reports/<domain>/<time>-<run>.json. One of the
// same domain, run and time is replaced, so that a run that gives the time of its start
// has one file, which is stored again before each write; [Dir.Report] finds it after a
// kill. Reports are kept for ever.
func (d *Dir) SaveReport(domain, run string, at time.Time, b []byte) (Ref, error) {
	name, err := reportName(domain, run, at)
	if err != nil {
		return Ref{}, err
	}
	return d.save("the report", name, b)
}

// SaveProposal keeps a proposal by its own hash: proposals/<hash>.json. One of the same
// hash is replaced, and its earlier Ref is then [ErrChanged].
func (d *Dir) SaveProposal(hash string, b []byte) (Ref, error) {
	if !goodHash(hash) {
		return Ref{}, fmt.Errorf("data: %.80q is no hash of a proposal: 64 hexadecimal digits", hash)
	}
	return d.save("the proposal", proposals+"/"+hash+".json", b)
}

func (d *Dir) save(what, name string, b []byte) (Ref, error) {
	if err := d.enter(); err != nil {
		return Ref{}, err
	}
	defer d.leave()
	if len(b) == 0 || len(b) > most {
		return Ref{}, fmt.Errorf("data: %s has %d bytes, and must have 1 to %d", what, len(b), most)
	}
	if err := d.makeFolder(path.Dir(name)); err != nil {
		return Ref{}, err
	}
	if err := d.replace(name, b); err != nil {
		return Ref{}, d.explain(what+" was not saved", err)
	}
	return Ref{Name: name, SHA256: sum(b)}, nil
}

// Load returns what was saved, and nothing else: the error is [ErrChanged] if the file's
// SHA-256 is another, and an [fs.ErrNotExist] if it is gone, as lists of people are
// after their time. A name that this package does not give is refused.
func (d *Dir) Load(ref Ref) ([]byte, error) {
	if err := checkName(ref.Name); err != nil {
		return nil, err
	}
	if !goodHash(ref.SHA256) {
		return nil, fmt.Errorf("data: %.80q is no SHA-256", ref.SHA256)
	}
	if err := d.enter(); err != nil {
		return nil, err
	}
	defer d.leave()
	b, err := d.read(ref.Name, most)
	packed := strings.HasPrefix(ref.Name, people+"/")
	switch {
	case packed && errors.Is(err, fs.ErrNotExist) && d.keep > 0:
		return nil, fmt.Errorf("data: the list of people is gone; such lists are kept for %d days: %w", d.keep/(24*time.Hour), err)
	case err != nil:
		return nil, fmt.Errorf("data: %w", err)
	case packed:
		b, err = unpack(b, ref.Name)
	}
	if err != nil || sum(b) != ref.SHA256 {
		return nil, fmt.Errorf("data: %s: %w: if it was not replaced by a later one, restore it from a backup", ref.Name, ErrChanged)
	}
	return b, nil
}

// Report returns the newest report of a run, as it is in the folder now: what a run that
// was killed had stored before its last write. The error is an [fs.ErrNotExist] if there
// is none.
func (d *Dir) Report(domain, run string) (Ref, error) {
	all, err := d.reports(domain, func(r string) bool { return r == run })
	if err != nil {
		return Ref{}, err
	}
	if len(all) == 0 {
		return Ref{}, fmt.Errorf("data: there is no report of this run: %w", fs.ErrNotExist)
	}
	return d.refer(all[len(all)-1])
}

// Reports returns all reports of a domain, the oldest first, as they are in the folder
// now: none if there are none.
func (d *Dir) Reports(domain string) ([]Ref, error) {
	all, err := d.reports(domain, func(string) bool { return true })
	if err != nil {
		return nil, err
	}
	var refs []Ref
	for _, name := range all {
		ref, err := d.refer(name)
		if err != nil {
			return nil, err
		}
		refs = append(refs, ref)
	}
	return refs, nil
}

// reports returns the names of the reports of a domain, the oldest first.
func (d *Dir) reports(domain string, of func(run string) bool) ([]string, error) {
	domain = strings.ToLower(strings.TrimSuffix(domain, "."))
	if !goodDomain(domain) {
		return nil, fmt.Errorf("data: %q is no name of a domain", domain)
	}
	if err := d.enter(); err != nil {
		return nil, err
	}
	defer d.leave()
	files, err := fs.ReadDir(d.root.FS(), reports+"/"+domain)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("data: the reports cannot be listed: %w", err)
	}
	var names []string
	for _, f := range files {
		if run, ok := runOf(f.Name()); ok && of(run) {
			names = append(names, reports+"/"+domain+"/"+f.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

func (d *Dir) refer(name string) (Ref, error) {
	if err := d.enter(); err != nil {
		return Ref{}, err
	}
	defer d.leave()
	b, err := d.read(name, most)
	if err != nil {
		return Ref{}, fmt.Errorf("data: %w", err)
	}
	return Ref{Name: name, SHA256: sum(b)}, nil
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

func unpack(b []byte, name string) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return all(r, name, most)
}
