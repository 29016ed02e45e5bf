package page

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/jcaad/jcaad/examples/operator/internal/approve"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/internal/text"
)

// domainRoutes are the pages of one domain, and what is done about it.
func (p *page) domainRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /domain/{domain}", canonical(p.get(p.domainPage)))
	mux.HandleFunc("GET /domain/{domain}/preflight", canonical(p.get(p.preflightPage)))
	mux.HandleFunc("GET /domain/{domain}/report", canonical(p.get(p.reportPage)))
	mux.HandleFunc("GET /domain/{domain}/evidence", canonical(p.evidence))
	mux.HandleFunc("GET /domain/{domain}/proposal", canonical(p.proposalFile))
	mux.HandleFunc("POST /domain/{domain}/{verb}", p.post(p.decide))
}

// canonical leads to the one spelling of a domain.
func canonical(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		given := r.PathValue("domain")
		name := text.Domain(given)
		if name == given || text.WrongDomain(name) != "" {
			next(w, r)
			return
		}
		u := *r.URL
		u.Path, u.RawPath = "/domain/"+name+strings.TrimPrefix(u.Path, "/domain/"+given), ""
		http.Redirect(w, r, u.RequestURI(), http.StatusPermanentRedirect)
	}
}

// domainOf is the state of the domain that an address names, or errNotFound.
func (v *viewer) domainOf(r *http.Request) (flow.State, error) {
	name := r.PathValue("domain")
	if text.Domain(name) != name || text.WrongDomain(name) != "" {
		return flow.State{}, errNotFound
	}
	s, err := v.domain(name)
	s.Domain = name
	return s, err
}

// domainView is what the page of a domain shows. What is below Proposal is not live.
type domainView struct {
	flow.State
	p        *page
	Owner    string
	Labels   []string
	Standing []string // what may be written without an approval
	Can      struct{ Approve, Admin bool }

	Layers   []layerView
	Steps    []string
	Rotating *rotationView

	Proposal  *proposalView
	Preflight *preflightBrief
	History   *historyView
	Offers    *offers
}

// domainParts are what is live of the page of a domain.
var domainParts = []string{"status", "problem", "steps", "layers", "certificates", "rotation"}

// domainPage is the page of a domain. What is not live is not looked up for the script.
func (p *page) domainPage(v *viewer, r *http.Request) (*screen, error) {
	s, err := v.domainOf(r)
	if err != nil {
		return nil, err
	}
	d := &domainView{State: s, p: p}
	d.Can.Approve, d.Can.Admin = v.can(s.Customer, approve.Approve), v.can(s.Customer, approve.Admin)
	if c, ok := p.o.Backend.File().ByDomain(s.Domain); ok {
		d.Owner = c.Owner
		for _, name := range slices.Sorted(maps.Keys(c.Labels)) {
			d.Labels = append(d.Labels, name+": "+c.Labels[name])
		}
		for _, what := range c.Standing {
			d.Standing = append(d.Standing, string(what))
		}
	}
	d.live()
	d.Offers = v.offers(s)
	token := d.Offers.token(s) // before what is looked up for the page alone
	if r.Header.Get(partsHeader) == "" {
		d.Proposal = v.proposal(s, d.Offers)
		d.Preflight = p.preflightBrief(s.Domain)
		d.History = v.history(s)
	}
	return &screen{name: "domain", Title: s.Domain, Data: d, parts: domainParts, Acts: token}, nil
}

// token changes when other forms are to be shown, or the same for something else.
func (o *offers) token(s flow.State) string {
	h := sha256.New()
	add := func(text string) { h.Write([]byte(text + "\x00")) }
	for _, one := range o.all() {
		if one.Form != nil {
			add("form " + one.Form.kind)
		} else {
			add("none " + one.Why)
		}
	}
	if s.Open != nil {
		add("open " + s.Open.Hash)
	}
	add(strings.Join(o.First, ","))
	add(strings.Join(o.RetireFirst, ","))
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// PhaseWords say what the domain does or waits for.
func (d *domainView) PhaseWords() string {
	words := map[flow.Phase]string{
		flow.Looking: "It is being looked at", flow.Approval: "A proposal waits for an approval",
		flow.Turn: "Approved; it waits for its turn", flow.Running: "It is being written",
		flow.Verifying: "Written; it waits until people can sign in", flow.Watching: "Nothing is to be done; it is watched",
		flow.People: "It waits until somebody does something", flow.Retired: "It is managed no more",
	}
	return cmp.Or(words[d.Phase], string(d.Phase))
}

// PhaseClass is the class of the phase, for its colour.
func (d *domainView) PhaseClass() string {
	switch {
	case d.Phase == flow.People || d.Unlisted:
		return "bad"
	case d.Phase == flow.Watching && d.Effective:
		return "good"
	case d.Phase == flow.Retired:
		return "muted"
	}
	return "warn"
}

// ModeWords say what may be done for the customer.
func (d *domainView) ModeWords() string {
	switch d.Mode {
	case "watch":
		return "watch: it is only looked at, and nothing is written"
	case "manage":
		return "manage: what is approved is written"
	case "":
		return "not known yet"
	}
	return d.Mode
}

// Address is an address below that of the domain.
func (d *domainView) Address() string { return "/domain/" + d.Domain }
