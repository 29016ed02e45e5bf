package keyfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
	"filippo.io/age/armor"
)

func isEncrypted(b []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(b), []byte(armor.Header)) }

// encrypt encrypts text with the passphrase.
func (s *Store) encrypt(text []byte) ([]byte, error) {
	to, err := age.NewScryptRecipient(s.Passphrase)
	if err != nil {
		return nil, err
	}
	if s.workFactor > 0 {
		to.SetWorkFactor(s.workFactor)
	}
	var out bytes.Buffer
	lines := armor.NewWriter(&out)
	w, err := age.Encrypt(lines, to)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	if err := errors.Join(w.Close(), lines.Close()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// decrypt decrypts a file with the passphrase. Its errors say nothing of what is in it.
func (s *Store) decrypt(path string, b []byte) ([]byte, error) {
	with, err := age.NewScryptIdentity(s.Passphrase)
	if err != nil {
		return nil, err
	}
	damaged := fmt.Errorf("%s is damaged: restore it from a backup", path)
	r, err := age.Decrypt(armor.NewReader(bytes.NewReader(b)), with)
	var wrong *age.NoIdentityMatchError
	switch {
	case errors.As(err, &wrong):
		return nil, fmt.Errorf("%s cannot be decrypted: the passphrase is wrong, or it was encrypted for somebody else", path)
	case err != nil:
		return nil, damaged
	}
	var text bytes.Buffer
	text.Grow(most) // so that no copy of the key stays behind
	if _, err := text.ReadFrom(io.LimitReader(r, most)); err != nil {
		clear(text.Bytes())
		return nil, damaged
	}
	return text.Bytes(), nil
}
