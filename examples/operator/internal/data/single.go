package data

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
)

// Files of which there is one, written whole.
const (
	retiringName = "retiring.json"
	toldName     = "told.json"
)

// SaveRetiring keeps the first approvals of two that domains are managed no more, by
// domain, in the place of those that were kept before.
func (d *Dir) SaveRetiring(firsts map[string]Ref) error {
	return saveSingle(d, "the approvals to retire", retiringName, firsts)
}

// Retiring returns what [Dir.SaveRetiring] has kept: nothing if it never did. Whether the
// approvals are good, whoever uses them sees.
func (d *Dir) Retiring() (map[string]Ref, error) {
	m, err := single[Ref](d, "the approvals to retire", retiringName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return m, err
}

// SaveTold keeps what the workflows were told of the customers file, in the place of what
// was kept before: the SHA-256 of the plan of each domain that is listed.
func (d *Dir) SaveTold(plans map[string]string) error {
	return saveSingle(d, "what the workflows were told", toldName, plans)
}

// Told returns what [Dir.SaveTold] has kept. The error is an [fs.ErrNotExist] if it never
// did.
func (d *Dir) Told() (map[string]string, error) {
	return single[string](d, "what the workflows were told", toldName)
}

func saveSingle[T any](d *Dir, what, name string, m map[string]T) error {
	if err := d.enter(); err != nil {
		return err
	}
	defer d.leave()
	b, err := json.Marshal(m)
	if err == nil {
		err = d.replace(name, append(b, '\n'))
	}
	if err != nil {
		return d.explain(what+" could not be saved", err)
	}
	return nil
}

func single[T any](d *Dir, what, name string) (map[string]T, error) {
	if err := d.enter(); err != nil {
		return nil, err
	}
	defer d.leave()
	b, err := d.read(name, most)
	if err != nil {
		return nil, fmt.Errorf("data: %s cannot be read: %w", what, err)
	}
	var m map[string]T
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, fmt.Errorf("data: %s cannot be understood: restore %s from a backup, or remove it: %w", what, name, err)
	}
	return m, nil
}
