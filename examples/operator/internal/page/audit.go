package page

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/jcaad/jcaad/examples/operator/internal/approve"
	"github.com/jcaad/jcaad/examples/operator/internal/audit"
)

// auditView is what the page of the audit shows.
type auditView struct {
	From, To, Actor, Customer, Domain, Verb string
	Wrong                                   string
	Entries                                 []audit.Entry
	N                                       int
	Pages                                   pages
	CSV, JSON                               string
}

// errChain is told to those who may not know what belongs to no customer.
var errChain = errors.New("the audit cannot be read to its end: ask an administrator to run operator audit verify")

// entries are those of a filter that the viewer may see, the oldest first. It ends with an
// error where the chain breaks.
func (v *viewer) entries(f audit.Filter) iter.Seq2[audit.Entry, error] {
	return func(yield func(audit.Entry, error) bool) {
		for e, err := range v.p.o.Backend.Audit(f) {
			if err != nil {
				if !v.canAll(approve.View) {
					err = errChain
				}
				yield(audit.Entry{}, err)
				return
			}
			may := e.Customer == "" && v.canAll(approve.View) || e.Customer != "" && v.can(e.Customer, approve.View)
			if may && !yield(e, nil) {
				return
			}
		}
	}
}

// moment reads a date, or a moment, of a filter. A date alone is its first moment, in UTC,
// or with end the first one after it.
func moment(text, what string, end bool) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		if end {
			t = t.AddDate(0, 0, 1)
		}
		return t, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s is a date such as 2026-03-14, or a moment such as 2026-03-14T09:00:00Z", what)
	}
	return t, nil
}

// auditPage is the page of what was done.
func auditPage(v *viewer, r *http.Request) (*screen, error) {
	s := &screen{name: "audit", Title: "Audit", Data: auditView{}, file: "audit"}
	if r.Header.Get(partsHeader) != "" {
		return s, nil // nothing is live: the file is not read for it
	}
	q := r.URL.Query()
	get := func(name string) string { return strings.TrimSpace(q.Get(name)) }
	d := auditView{
		From: get("from"), To: get("to"), Actor: get("actor"), Customer: get("customer"), Domain: get("domain"), Verb: get("verb"),
		CSV: with(r.URL, "format", "csv"), JSON: with(r.URL, "format", "json"),
	}
	f := audit.Filter{Actor: strings.ToLower(d.Actor), Customer: d.Customer, Domain: d.Domain, Verb: d.Verb}
	var err, err2 error
	f.From, err = moment(d.From, "from", false)
	f.To, err2 = moment(d.To, "to", true)
	if err = errors.Join(err, err2); err != nil {
		d.Wrong, d.Pages = sentence(err.Error()), pages{At: 1, Last: 1}
		if format(r) != "" {
			return nil, wrongError{err}
		}
		s.Data = d
		return s, nil
	}
	if format(r) == "" {
		if err := d.fill(v.entries(f), r.URL); err != nil {
			d.Wrong = sentence(err.Error())
		}
	}
	s.csv = func(w io.Writer) error { return audit.WriteCSV(w, v.entries(f)) }
	s.json = func(w io.Writer) error { return audit.WriteJSON(w, v.entries(f)) }
	s.Data = d
	return s, nil
}

// fill takes the page that is asked for of entries, the newest first, and keeps no more of
// them than it needs.
func (d *auditView) fill(all iter.Seq2[audit.Entry, error], u *url.URL) error {
	keep := pageNumber(u) * onePage
	var last []audit.Entry
	var broken error
	for e, err := range all {
		if err != nil {
			broken = err
			break
		}
		d.N++
		if last = append(last, e); len(last) >= 2*keep {
			last = append(last[:0], last[len(last)-keep:]...)
		}
	}
	d.Pages = pagesOf(d.N, u)
	newest := (d.Pages.At - 1) * onePage // entries that are newer than the page
	for i := len(last) - 1 - newest; i >= 0 && len(d.Entries) < onePage; i-- {
		d.Entries = append(d.Entries, last[i])
	}
	return broken
}
