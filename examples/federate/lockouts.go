package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/jcaad/jcaad/federation"
)

// byteOrderMark tells spreadsheets that what follows is UTF-8.
const byteOrderMark = "\ufeff"

// withBOM writes to standard output, after a byte order mark if one is asked for.
func (j *job) withBOM(write func(io.Writer) error) error {
	if j.bom {
		if _, err := io.WriteString(j.doc, byteOrderMark); err != nil {
			return err
		}
	}
	return write(j.doc)
}

// writeLockOuts lists those who would be locked out: to standard output, or a file
// for each reason.
func (j *job) writeLockOuts(pre *federation.Preflight) error {
	reasons := pre.People.LockOutReasons()
	if len(j.reasons) > 0 {
		reasons = nil
		for _, r := range j.reasons {
			reasons = append(reasons, code(r))
		}
	}
	if j.into == "" {
		return j.withBOM(func(w io.Writer) error { return pre.People.WriteLockOuts(w, reasons...) })
	}
	for _, reason := range reasons {
		path := filepath.Join(j.into, fmt.Sprintf("%s-%s.csv", pre.Domain, short(reason)))
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		if j.bom {
			_, err = io.WriteString(f, byteOrderMark)
		}
		if err = errors.Join(err, pre.People.WriteLockOuts(f, reason), f.Close()); err != nil {
			return err
		}
		fmt.Fprintf(j.tell, "%s\n", path)
	}
	return nil
}

// code is the code of a reason, as it is called here.
func code(reason string) federation.Code {
	return federation.Code("person-" + strings.TrimPrefix(reason, "person-"))
}

// short is how a reason is called here.
func short(c federation.Code) string { return strings.TrimPrefix(string(c), "person-") }
