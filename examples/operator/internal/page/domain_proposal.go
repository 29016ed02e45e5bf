package page

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"strings"

	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/federation"
)

const (
	mostChanges = 2000 // that are shown; the file of the proposal has all
	mostLosers  = 1000
)

// proposalView is the open proposal, as it is to be approved or rejected.
type proposalView struct {
	Open              *flow.Open
	Verb, Means       string
	Hash, Short       string
	Made, Until, Left string
	Expired           bool
	Customer          string      // IDs of tenant and organisation
	Asked             []askedPair // of a rotation
	Plan              string
	Changes           []changeView
	MoreChanges       int
	Findings          []findingView
	Consents          []findingView
	Lose              []personView
	MoreLose          int
	Passwords         []personView // who may have no password
	MorePasswords     int
	TellsPasswords    bool
	// Lacks is why the proposal cannot be shown: what cannot be seen is not approved.
	Lacks string
}

type askedPair struct{ Name, Value string }

// findingView is a finding.
type findingView struct {
	Severity, Class, Code    string
	Subject, Message, Repair string
	Consent                  string
}

// personView is somebody about whom something was found.
type personView struct {
	Label, Class           string
	Who, Name, Email, Code string
	Evidence, Repair       string
}

// proposal is the open proposal, nil if there is none. What cannot be shown can be rejected
// only.
func (v *viewer) proposal(s flow.State, o *offers) *proposalView {
	if s.Open == nil {
		return nil
	}
	out := &proposalView{Open: s.Open, Verb: string(s.Open.Verb), Hash: s.Open.Hash}
	out.Short = s.Open.Hash[:min(12, len(s.Open.Hash))]
	out.Means = verbMeans(s.Open.Verb)
	p, err := v.p.o.Backend.Proposal(s.Domain)
	switch {
	case err != nil:
		out.Lacks = "The proposal cannot be shown, and so not be approved: " + sentence(err.Error()) + " Look again for a new one."
	case p.Hash != s.Open.Hash:
		out.Lacks = "The proposal has just changed: load the page again."
	}
	if out.Lacks != "" {
		o.Approve = offer{Why: out.Lacks}
		return out
	}
	now := v.p.o.Now()
	out.Made, out.Until, out.Left = clock(p.Created), clock(p.Expires), span(p.Expires.Sub(now))
	if out.Expired = !now.Before(p.Expires); out.Expired {
		o.Approve = offer{Why: "The proposal has expired: look again for a new one."}
	}
	if p.Tenant != "" || p.Organization != "" {
		out.Customer = "tenant " + cmp.Or(p.Tenant, "not known") + ", organisation " + cmp.Or(p.Organization, "not known")
	}
	out.Changes = changesOf(p.Changes[:min(len(p.Changes), mostChanges)])
	out.MoreChanges = len(p.Changes) - len(out.Changes)
	out.asked(p)
	out.people(p)
	return out
}

// asked tells what was asked for.
func (out *proposalView) asked(p *federation.Proposal) {
	var plan any
	switch {
	case p.Plan != nil:
		plan = p.Plan
	case p.Defederate != nil:
		plan = p.Defederate
	case p.Repair != nil:
		plan = p.Repair
	case p.Rotate != nil:
		r := p.Rotate
		plan = r
		out.Asked = append(out.Asked, askedPair{"Method", methodWords(r.Method)})
		if r.Cancel {
			out.Asked = append(out.Asked, askedPair{"Led back", "yes: the rotation under way is taken back as far as that is possible"})
		}
		if r.Replace != "" {
			out.Asked = append(out.Asked, askedPair{"Replaces", r.Replace})
		}
		settle := "as federation decides: 2 hours, or 24 for an application younger than a day"
		if r.Settle > 0 {
			settle = span(r.Settle)
		}
		out.Asked = append(out.Asked, askedPair{"Waited for after each change", settle})
		for _, c := range rotateConsents {
			if c.of(&r.Consent) {
				out.Consents = append(out.Consents, findingView{Consent: c.Name, Message: c.Means})
			}
		}
	}
	if plan == nil {
		return
	}
	if b, err := json.MarshalIndent(plan, "", "  "); err == nil {
		out.Plan = string(b)
	}
}

// people tells what was found, what is consented to, and who would lose their sign-in.
func (out *proposalView) people(p *federation.Proposal) {
	out.TellsPasswords = p.Verb == federation.VerbRevert || p.Verb == federation.VerbDefederate
	for _, f := range p.Findings {
		one := findingOf(f)
		switch {
		case f.Code == federation.CodePasswordNeeded && (len(f.People) > 0 || strings.Contains(f.Subject, "@")):
			for _, who := range f.People {
				out.Passwords = append(out.Passwords, personOf(who))
			}
			if len(f.People) == 0 {
				out.Passwords = append(out.Passwords, personView{
					Label: string(f.Severity), Class: severityClass(f.Severity), Who: f.Subject, Evidence: f.Message, Repair: f.Repair,
				})
			}
		case f.Consented:
			out.Consents = append(out.Consents, one)
		default:
			out.Findings = append(out.Findings, one)
		}
	}
	for _, who := range p.People {
		out.Lose = append(out.Lose, personOf(who))
	}
	out.Lose, out.MoreLose = firstOf(out.Lose, mostLosers)
	out.Passwords, out.MorePasswords = firstOf(out.Passwords, mostLosers)
}

// firstOf are the first of many, and how many more there are.
func firstOf[T any](all []T, most int) ([]T, int) {
	if len(all) <= most {
		return all, 0
	}
	return slices.Clip(all[:most]), len(all) - most
}

func findingOf(f federation.Finding) findingView {
	return findingView{
		Severity: string(f.Severity), Class: severityClass(f.Severity), Code: string(f.Code), Subject: f.Subject,
		Message: f.Message, Repair: f.Repair, Consent: f.Consent,
	}
}

func findingsOf(fs []federation.Finding) []findingView {
	var out []findingView
	for _, f := range fs {
		out = append(out, findingOf(f))
	}
	return out
}

func severityClass(s federation.Severity) string {
	switch s {
	case federation.Alarm, federation.Refusal:
		return "bad"
	case federation.Warning:
		return "warn"
	}
	return "muted"
}

func personOf(f federation.PersonFinding) personView {
	out := personView{
		Label: string(f.Severity), Class: severityClass(f.Severity), Who: f.Who(), Name: f.DisplayName, Email: f.Email, Code: string(f.Code),
		Evidence: f.Evidence, Repair: f.Repair,
	}
	switch {
	case f.LockedOut:
		out.Label, out.Class = "locked out", "bad"
	case f.AlreadyOut:
		out.Label = "out already"
	}
	if out.Email == out.Who {
		out.Email = ""
	}
	if out.Name == out.Who {
		out.Name = ""
	}
	return out
}

func verbMeans(verb federation.Verb) string {
	words := map[federation.Verb]string{
		federation.VerbFederate:   "people will sign in through JumpCloud, as the plan says",
		federation.VerbDefederate: "people will sign in with Azure AD passwords again",
		federation.VerbRepair:     "what keeps people from signing in is mended, person by person",
		federation.VerbRevert:     "what this operator has done is taken back",
		federation.VerbRotate:     "the certificate that JumpCloud signs with is replaced, in several calls",
	}
	return words[verb]
}

// proposalFile is the open proposal, whole.
func (p *page) proposalFile(w http.ResponseWriter, r *http.Request) {
	p.file(w, r, "proposal.json", "application/json", func(s flow.State) (func(io.Writer) error, error) {
		proposal, err := p.o.Backend.Proposal(s.Domain)
		return func(w io.Writer) error { return writeIndented(w, proposal) }, err
	})
}

// file answers with a file about a domain, to be saved. What load does not find is not
// found.
func (p *page) file(w http.ResponseWriter, r *http.Request, name, contentType string, load func(flow.State) (func(io.Writer) error,
	error)) {
	v, ok := p.who(w, r)
	if !ok {
		return
	}
	s, err := v.domainOf(r)
	var write func(io.Writer) error
	if err == nil {
		write, err = load(s)
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = errNotFound
	}
	if err != nil {
		p.failed(w, v, err)
		return
	}
	w.Header().Set("Content-Disposition", `attachment; filename="`+s.Domain+"-"+name+`"`)
	p.write(w, contentType, write)
}

func writeIndented(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
