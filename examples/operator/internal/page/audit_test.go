package page

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/examples/operator/internal/audit"
)

// auditEntry is an entry that has a text everywhere.
func auditEntry(text string) audit.Entry {
	return audit.Entry{Seq: 1, Time: then, Actors: []string{text}, Source: text, Customer: text, Domain: text, Verb: text, Proposal: text,
		Outcome: text, Report: text, Requests: []string{text}}
}

// told puts entries into the audit: of Contoso, of Fabrikam, and of no customer.
func (f *fake) told() {
	for i, e := range []audit.Entry{
		{Actors: []string{"ada"}, Verb: "log-in", Outcome: "logged in"},
		{Actors: []string{"bob"}, Verb: "approve", Customer: "Contoso", Domain: "a.example", Outcome: "asked", Proposal: "hash"},
		{Actors: []string{"ada"}, Verb: "approve", Customer: "Fabrikam", Domain: "m.example", Outcome: "=asked"},
		{Actors: []string{"ada", "bob"}, Verb: "federate", Customer: "Contoso", Domain: "b.example", Outcome: "done"},
	} {
		e.Seq, e.Time = uint64(i+1), then.AddDate(0, 0, i)
		f.entries = append(f.entries, e)
	}
}

func TestAudit(t *testing.T) {
	f := newFake(people()...)
	f.told()
	srv := site(t, f)
	for _, tt := range []struct {
		actor, query string
		want         string // verbs with domains, newest first
	}{
		{"ada", "", "federate b.example, approve m.example, approve a.example, log-in"},
		{"all", "", "federate b.example, approve m.example, approve a.example, log-in"},
		{"bob", "", "federate b.example, approve a.example"},
		{"eve", "", "federate b.example, approve a.example"},
		{"sam", "", ""},
		{"ada", "from=2026-03-15", "federate b.example, approve m.example, approve a.example"},
		{"ada", "from=2026-03-15&to=2026-03-15", "approve a.example"},
		{"ada", "to=2026-03-15T08:59:59Z", "log-in"},
		{"ada", "actor=Bob", "federate b.example, approve a.example"},
		{"ada", "verb=approve", "approve m.example, approve a.example"},
		{"ada", "domain=A.EXAMPLE", "approve a.example"},
		{"ada", "customer=Fabrikam", "approve m.example"},
		{"eve", "customer=Fabrikam", ""},
		{"eve", "domain=m.example", ""},
		{"eve", "verb=log-in", ""},
		{"ada", "from=yesterday", ""},
	} {
		got := as(t, srv, tt.actor).get("/audit?" + tt.query)
		var list []string
		_, body, _ := strings.Cut(got.body, "<tbody>")
		body, _, _ = strings.Cut(body, "</tbody>")
		for _, row := range strings.Split(body, "<tr>")[1:] {
			cells := strings.Split(row, "<td")
			list = append(list, strings.TrimSpace(readable("<"+cells[3])+" "+readable("<"+cells[4])))
		}
		if s := strings.Join(list, ", "); s != tt.want || got.status != http.StatusOK {
			t.Errorf("%q for %s: %d, %q, want %q", tt.query, tt.actor, got.status, s, tt.want)
		}
		var entries []audit.Entry
		file := as(t, srv, tt.actor).get("/audit?format=json&" + tt.query)
		if tt.query == "from=yesterday" {
			if file.status != http.StatusBadRequest || !strings.Contains(got.body, "From is a date such as") {
				t.Errorf("a date that is none: %d\n%s", file.status, got.body)
			}
			continue
		}
		if err := json.Unmarshal([]byte(file.body), &entries); err != nil || len(entries) != len(list) {
			t.Errorf("%q for %s: %d entries in JSON, %d on the page, %v", tt.query, tt.actor, len(entries), len(list), err)
		}
	}
	want := "seq,time,actors,source,customer,domain,verb,proposal,outcome,report,requests,repaired bytes,prev,hash\n" +
		"3,2026-03-16T09:00:00Z,ada,,Fabrikam,m.example,approve,,'=asked,,,,,\n"
	if diff := cmp.Diff(want, as(t, srv, "ada").get("/audit?customer=Fabrikam&format=csv").body); diff != "" {
		t.Errorf("CSV (-want +got):\n%s", diff)
	}
}

func TestAuditPages(t *testing.T) {
	f := newFake(people()...)
	for i := range 1050 {
		at := then.Add(time.Duration(i) * time.Second)
		f.entries = append(f.entries, audit.Entry{Seq: uint64(i + 1), Time: at, Verb: "note", Customer: "Contoso"})
	}
	eve := as(t, site(t, f), "eve")
	for page, want := range map[int][2]int{1: {1050, 851}, 2: {850, 651}, 5: {250, 51}, 6: {50, 1}, 7: {50, 1}, -1: {1050, 851}} {
		got := eve.get(fmt.Sprintf("/audit?verb=note&page=%d", page))
		rows := strings.Split(got.body, `<th scope="row" class="number">`)[1:]
		if len(rows) == 0 {
			t.Fatalf("page %d is empty", page)
		}
		first, last := strings.Split(rows[0], "<")[0], strings.Split(rows[len(rows)-1], "<")[0]
		if first != fmt.Sprint(want[0]) || last != fmt.Sprint(want[1]) || len(rows) != want[0]-want[1]+1 {
			t.Errorf("page %d: %d entries from %s to %s, want %v", page, len(rows), first, last, want)
		}
		if page == 2 && !(strings.Contains(got.body, `href="/audit?page=1&amp;verb=note" rel="prev"`) &&
			strings.Contains(got.body, `href="/audit?page=3&amp;verb=note" rel="next"`)) {
			t.Error("the pages beside it are not linked")
		}
	}
	if n := strings.Count(eve.get("/audit?format=csv&page=2").body, "\n"); n != 1051 {
		t.Errorf("%d lines of CSV", n)
	}
}

// broken is a fake whose audit breaks after its entries.
type broken struct {
	*fake
	read int
}

func (b *broken) Audit(f audit.Filter) iter.Seq2[audit.Entry, error] {
	b.read++
	return func(yield func(audit.Entry, error) bool) {
		for e, err := range b.fake.Audit(f) {
			if !yield(e, err) {
				return
			}
		}
		yield(audit.Entry{}, &audit.BreakError{Line: 5, After: 4, Reason: "somebody has changed it"})
	}
}

func TestAuditThatBreaks(t *testing.T) {
	b := &broken{fake: newFake(people()...)}
	b.told()
	srv := serve(t, Options{Backend: b, Guard: proxied(t), Now: func() time.Time { return then }})
	for actor, want := range map[string]string{"ada": "Audit: line 5", "eve": "The audit cannot be read to its end"} {
		got := as(t, srv, actor).get("/audit")
		if !strings.Contains(got.body, want) || !strings.Contains(got.body, "b.example") {
			t.Errorf("%s is not told where it breaks:\n%s", actor, got.body)
		}
		if actor == "eve" && strings.Contains(got.body, "somebody has changed it") {
			t.Error("eve is told what belongs to no customer")
		}
		for _, form := range []string{"csv", "json"} {
			if got, err := whole(srv.URL+"/audit?format="+form, actor); err == nil {
				t.Errorf("%s: the half of the %s looks whole: %s", actor, form, got)
			}
		}
	}
	before := b.read
	as(t, srv, "ada").get("/audit", partsHeader, "1")
	if b.read != before {
		t.Error("the script has the whole file read, for nothing")
	}
}

// whole reads an export as a program does: it is an error if it is not whole.
func whole(address, actor string) (string, error) {
	req, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	req.Header.Set(identity, actor)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", errors.New(resp.Status)
	}
	b, err := io.ReadAll(resp.Body)
	return string(b), err
}
