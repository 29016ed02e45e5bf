package page

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/jcaad/jcaad/examples/operator/internal/flow"
)

// overviewRoutes are the pages of many domains: all, several to approve, batches, and what
// was done.
func (p *page) overviewRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", p.get(overview))
	mux.HandleFunc("GET /approve", p.get(several))
	mux.HandleFunc("POST /batch", p.post(beginBatch))
	mux.HandleFunc("GET /batches", p.get(batches))
	mux.HandleFunc("GET /batch/{id}", p.get(oneBatch))
	mux.HandleFunc("POST /batch/{id}/pause", p.post(holdBatch(flow.UpdatePause)))
	mux.HandleFunc("POST /batch/{id}/resume", p.post(holdBatch(flow.UpdateResume)))
	mux.HandleFunc("POST /batch/{id}/skip", p.post(skipDomain))
	mux.HandleFunc("GET /audit", p.get(auditPage))
}

// domainAddress is where the page of a domain is.
func domainAddress(domain string) string { return "/domain/" + url.PathEscape(domain) }

// offered is the token of what a page offers to do.
func offered(what ...string) string {
	h := sha256.Sum256([]byte(strings.Join(what, "\x00")))
	return hex.EncodeToString(h[:8])
}

// counted is how many domains there are of something, and where they are listed.
type counted struct {
	Words, Link string
	N           int
	Chosen      bool
}

// overviewView is what the overview shows.
type overviewView struct {
	Choice  choice
	All     int // domains that the viewer may see
	Counts  []counted
	Waits   []waiting
	More    int // that wait, and are not listed
	Several bool
	Chart   chart
	Rows    []domainRow
	Matched int
	Pages   pages
	Phases  []option
	Days    []option
	Labels  []string // that there are
}

// Export is where all that match are in another form.
func (d overviewView) Export(format string) string {
	return with(&url.URL{Path: "/", RawQuery: d.Choice.Query()}, "format", format)
}

// option is one of a list to choose from.
type option struct {
	Value, Words string
	Chosen       bool
}

// mostWaits is how many things that wait for the viewer are listed above all domains.
const mostWaits = 6

// overview is the page of all domains.
func overview(v *viewer, r *http.Request) (*screen, error) {
	all := v.rows()
	c := chosen(r.URL.Query())
	d := overviewView{Choice: c, All: len(all), Waits: v.waits(all), Chart: newChart(all, c), Labels: labelsOf(all)}
	rows := c.of(all)
	d.Matched = len(rows)
	d.Rows, d.Pages = paged(rows, r.URL)
	for _, row := range all {
		d.Several = d.Several || row.Together
	}
	if len(d.Waits) > mostWaits {
		d.More = len(d.Waits) - mostWaits
		d.Waits = d.Waits[:mostWaits]
	}
	by := make(map[flow.Phase]int)
	for _, row := range all {
		by[row.State.Phase]++
	}
	for _, p := range phases {
		on := c.Phase == string(p.phase)
		d.Phases = append(d.Phases, option{Value: string(p.phase), Words: p.words, Chosen: on})
		if by[p.phase] > 0 || on {
			d.Counts = append(d.Counts, counted{Words: p.words, Link: "/?state=" + string(p.phase), N: by[p.phase], Chosen: on})
		}
	}
	for _, b := range buckets {
		d.Days = append(d.Days, option{Value: b.key, Words: b.words, Chosen: c.Days == b.key})
	}
	return &screen{
		name: "overview", Title: "Domains", Data: d, parts: []string{"counts", "waits", "chart", "domains"},
		csv: rowsCSV(rows), json: rowsJSON(rows), file: "domains",
	}, nil
}

// onePage is how many lines of a table are shown at once.
const onePage = 200

// mostPages is how many pages can be turned to.
const mostPages = 500

// pages are those of a table.
type pages struct {
	At, Last   int
	Prev, Next string // "" if there is none
}

// pageNumber is the page that an address asks for, from 1.
func pageNumber(u *url.URL) int {
	n, err := strconv.Atoi(u.Query().Get("page"))
	if err != nil {
		return 1
	}
	return min(max(n, 1), mostPages)
}

// pagesOf are the pages of a table of n lines, at the one that is asked for.
func pagesOf(n int, u *url.URL) pages {
	p := pages{Last: max(1, (n+onePage-1)/onePage)}
	p.At = min(pageNumber(u), p.Last)
	if p.At > 1 {
		p.Prev = with(u, "page", strconv.Itoa(p.At-1))
	}
	if p.At < min(p.Last, mostPages) {
		p.Next = with(u, "page", strconv.Itoa(p.At+1))
	}
	return p
}

// paged are the lines of the page that is asked for.
func paged[T any](all []T, u *url.URL) ([]T, pages) {
	p := pagesOf(len(all), u)
	return all[(p.At-1)*onePage : min(p.At*onePage, len(all))], p
}

// with is an address with another value of its query, and without what came of a form.
func with(u *url.URL, name, value string) string {
	q := u.Query()
	q.Del("sent")
	q.Set(name, value)
	return u.EscapedPath() + "?" + q.Encode()
}
