package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/jcaad/jcaad/examples/internal/cli"
	"github.com/jcaad/jcaad/federation/recording"
)

// keep shows what remains in the recording as it came, asks, and writes it to a new file.
func (p *probe) keep(ctx context.Context) error {
	page := io.Writer(cli.NewPage(p.out, os.Getenv))
	if p.form != "table" {
		page = p.err // the result stands alone
	}
	n := len(p.recorder.Recording().Exchanges)
	fmt.Fprintf(page, "\nThe recording has %d requests with their answers. Names, addresses, domains, IDs, certificates, tokens and free "+
		"text in it are replaced by others of the same form. This remains as it came:\n\n", n)
	remaining(page, p.recorder.Remains())
	if !p.yes {
		if err := cli.Confirm(ctx, p.stdin, cli.IsTerminal(p.stdin), page, fmt.Sprintf("Write it to %s?", p.save)); err != nil {
			return err
		}
	}
	f, err := os.OpenFile(p.save, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = p.recorder.WriteTo(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(p.save))
	}
	fmt.Fprintf(page, "\nWritten to %s. Read it before you hand it over.\n", p.save)
	return nil
}

// remaining lists everything that remains, a paragraph for each kind.
func remaining(w io.Writer, all []recording.Remain) {
	for len(all) > 0 {
		kind := all[0].Kind
		var values []string
		for len(all) > 0 && all[0].Kind == kind {
			values, all = append(values, all[0].Value), all[1:]
		}
		fmt.Fprintf(w, "  %-9s %s\n", kind, strings.Join(values, ", "))
	}
}
