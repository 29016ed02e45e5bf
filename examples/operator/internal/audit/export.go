package audit

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Filter chooses entries. What is zero is not looked at.
type Filter struct {
	From     time.Time // the first moment
	To       time.Time // the first moment that is too late
	Actor    string    // one of the actors
	Customer string
	Domain   string // in any case
	Verb     string
}

// Match reports whether a filter chooses an entry. Times are those that the entries tell.
func (f Filter) Match(e Entry) bool {
	return (f.From.IsZero() || !e.Time.Before(f.From)) &&
		(f.To.IsZero() || e.Time.Before(f.To)) &&
		(f.Actor == "" || slices.Contains(e.Actors, f.Actor)) &&
		(f.Customer == "" || e.Customer == f.Customer) &&
		(f.Domain == "" || strings.EqualFold(e.Domain, f.Domain)) &&
		(f.Verb == "" || e.Verb == f.Verb)
}

// errEnough ends a scan early.
var errEnough = errors.New("enough")

// Read reads the entries of a file, in their order, and chooses by a filter. It ends
// where the chain breaks, with the [*BreakError] of [Verify].
func Read(r io.Reader, f Filter) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		c := newChain()
		err := c.scan(r, func(e *Entry) error {
			if f.Match(*e) && !yield(*e, nil) {
				return errEnough
			}
			return nil
		})
		if errors.Is(err, errEnough) {
			return
		}
		if err == nil {
			err = c.broken()
		}
		if err != nil {
			yield(Entry{}, err)
		}
	}
}

// columns are those of [WriteCSV].
var columns = []string{"seq", "time", "actors", "source", "customer", "domain", "verb", "proposal", "outcome", "report", "requests",
	"repaired bytes", "prev", "hash"}

// WriteCSV writes entries as a table. No cell is a formula for a spreadsheet: where one
// could begin, an apostrophe stands before it. After an error of the entries, those
// before it are written.
func WriteCSV(w io.Writer, entries iter.Seq2[Entry, error]) error {
	out := csv.NewWriter(w)
	err := out.Write(columns)
	for e, failed := range entries {
		if err = errors.Join(err, failed); err != nil {
			break
		}
		repaired := ""
		if e.Repair != nil {
			repaired = strconv.FormatInt(e.Repair.Bytes, 10)
		}
		row := []string{strconv.FormatUint(e.Seq, 10), e.Time.Format(time.RFC3339Nano), strings.Join(e.Actors, "; "), e.Source, e.Customer,
			e.Domain, e.Verb, e.Proposal, e.Outcome, e.Report, strings.Join(e.Requests, "; "), repaired, e.Prev, e.Hash}
		for i, s := range row {
			row[i] = Cell(s)
		}
		if err = out.Write(row); err != nil {
			break
		}
	}
	out.Flush()
	return errors.Join(err, out.Error())
}

// Cell returns a text in which no formula begins for a spreadsheet, neither at its start
// nor after what may be taken for the end of a cell: an apostrophe stands before it there.
func Cell(s string) string {
	var b strings.Builder
	begins := true
	for _, r := range s {
		switch {
		case strings.ContainsRune("=+-@＝＋－＠", r):
			if begins {
				b.WriteByte('\'')
			}
			begins = false
		case strings.ContainsRune(",;|\t\r\n", r):
			begins = true
		case r > ' ' && !strings.ContainsRune("\"'\u00a0\ufeff\u200b", r):
			begins = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// WriteJSON writes entries as a JSON array. After an error of the entries, those before
// it are written, and the array is not closed: nobody takes it for whole.
func WriteJSON(w io.Writer, entries iter.Seq2[Entry, error]) error {
	between := "[\n"
	for e, err := range entries {
		if err != nil {
			return err
		}
		b, err := json.Marshal(e)
		if err != nil {
			return err
		}
		if _, err := io.WriteString(w, between+string(b)); err != nil {
			return err
		}
		between = ",\n"
	}
	if between[0] == '[' {
		_, err := io.WriteString(w, "[]\n")
		return err
	}
	_, err := io.WriteString(w, "\n]\n")
	return err
}
