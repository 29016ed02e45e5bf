package page

import (
	"encoding/csv"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/jcaad/jcaad/examples/operator/internal/audit"
	"github.com/jcaad/jcaad/federation"
)

const (
	mostPeople = 200 // rows of people that are shown
	fewPeople  = 20  // on the page of the domain
	mostQuery  = 200 // bytes
)

// preflightBrief is what the page of a domain shows of its last preflight.
type preflightBrief struct {
	Made, Summary string
	Unread        bool // people could not be read
	Gates         []findingView
	LockedOut     []personView
	More          int
	Codes         []codeView
	Lacks         string
}

// codeView is how many people something was found about.
type codeView struct {
	Code string
	N    int
	On   bool // only these are shown
}

// preflightBrief is the last preflight, nil if there was none.
func (p *page) preflightBrief(domain string) *preflightBrief {
	pre, err := p.o.Backend.Preflight(domain)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return &preflightBrief{Lacks: sentence(err.Error())}
	}
	out := &preflightBrief{Made: clock(pre.Time), Gates: findingsOf(pre.Gates), Unread: pre.People == nil}
	if pre.People != nil {
		out.Summary = sentence(pre.People.Counts.Summary())
	}
	var last string
	for _, f := range searchPeople(pre.People, "", "") {
		if who := f.AzureADID + " " + f.JumpCloudID + " " + f.Who(); f.LockedOut && who != last { // one may have several findings
			out.LockedOut, last = append(out.LockedOut, personOf(f)), who
		}
	}
	out.LockedOut, out.More = firstOf(out.LockedOut, fewPeople)
	out.Codes = codes(pre.People, "")
	return out
}

// codes are the kinds of findings about people, the most frequent first.
func codes(people *federation.People, on string) []codeView {
	n := make(map[string]int)
	for _, f := range people.All() {
		n[string(f.Code)]++
	}
	var out []codeView
	for code, n := range n {
		out = append(out, codeView{code, n, code == on})
	}
	slices.SortFunc(out, func(a, b codeView) int {
		if a.N != b.N {
			return b.N - a.N
		}
		return strings.Compare(a.Code, b.Code)
	})
	return out
}

// preflightView is the page of a preflight.
type preflightView struct {
	preflightBrief
	Domain      string
	Q, Code     string
	People      []personView
	Found, Left int
}

// preflightPage is everything that a preflight has found, with a search. The same address
// has it as CSV and as JSON, of all rows that the search has found.
func (p *page) preflightPage(v *viewer, r *http.Request) (*screen, error) {
	s, err := v.domainOf(r)
	if err != nil {
		return nil, err
	}
	pre, err := p.o.Backend.Preflight(s.Domain)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNotFound
	}
	if err != nil {
		return nil, err
	}
	d := &preflightView{Domain: s.Domain}
	d.Q, d.Code = strings.TrimSpace(r.URL.Query().Get("q")), r.URL.Query().Get("code")
	if len(d.Q) > mostQuery {
		d.Q = strings.ToValidUTF8(d.Q[:mostQuery], "")
	}
	d.Made, d.Gates, d.Unread = clock(pre.Time), findingsOf(pre.Gates), pre.People == nil
	if pre.People != nil {
		d.Summary = sentence(pre.People.Counts.Summary())
	}
	d.Codes = codes(pre.People, d.Code)
	people := searchPeople(pre.People, d.Q, d.Code)
	for _, f := range people[:min(len(people), mostPeople)] {
		d.People = append(d.People, personOf(f))
	}
	d.Found, d.Left = len(people), len(people)-len(d.People)
	return &screen{
		name: "domain-preflight", Title: "Preflight of " + s.Domain, Data: d, file: s.Domain + "-preflight",
		csv: func(w io.Writer) error { return preflightCSV(w, pre.Gates, people) },
		json: func(w io.Writer) error {
			return writeIndented(w, struct {
				Domain  string                     `json:"domain"`
				Time    time.Time                  `json:"time"`
				Gates   []federation.Finding       `json:"gates"`
				Found   []federation.PersonFinding `json:"people"`
				Summary string                     `json:"summary,omitempty"`
			}{s.Domain, pre.Time, pre.Gates, people, d.Summary})
		},
	}, nil
}

// searchPeople are the findings about people that a text and a code choose; who would be locked
// out comes first.
func searchPeople(people *federation.People, q, code string) []federation.PersonFinding {
	q = strings.ToLower(q)
	out := []federation.PersonFinding{}
	for _, f := range people.All() {
		if code != "" && string(f.Code) != code {
			continue
		}
		all := []string{f.UserPrincipalName, f.Email, f.DisplayName, string(f.Code), f.Evidence, f.JumpCloudID, f.AzureADID}
		if q == "" || slices.ContainsFunc(all, func(s string) bool { return strings.Contains(strings.ToLower(s), q) }) {
			out = append(out, f)
		}
	}
	slices.SortStableFunc(out, func(a, b federation.PersonFinding) int { return lossRank(a) - lossRank(b) })
	return out
}

func lossRank(f federation.PersonFinding) int {
	switch {
	case f.LockedOut:
		return 0
	case f.AlreadyOut:
		return 1
	}
	return 2
}

// preflightCSV writes a preflight as a table in which no cell is a formula.
func preflightCSV(w io.Writer, gates []federation.Finding, people []federation.PersonFinding) error {
	out := csv.NewWriter(w)
	rows := [][]string{{"about", "severity", "lockedOut", "alreadyOut", "code", "subject", "email", "name", "found", "what to do",
		"jumpCloudID", "azureADID"}}
	for _, f := range gates {
		rows = append(rows, []string{"services", string(f.Severity), "", "", string(f.Code), f.Subject, "", "", f.Message, f.Repair, "", ""})
	}
	for _, f := range people {
		rows = append(rows, []string{"person", string(f.Severity), yesNo(f.LockedOut), yesNo(f.AlreadyOut), string(f.Code), f.UserPrincipalName,
			f.Email, f.DisplayName, f.Evidence, f.Repair, f.JumpCloudID, f.AzureADID})
	}
	for _, row := range rows {
		for i, s := range row {
			row[i] = audit.Cell(s)
		}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func yesNo(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}
