package page

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/jcaad/jcaad/examples/operator/internal/approve"
	"github.com/jcaad/jcaad/examples/operator/internal/audit"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
)

// viewer is who looks at a page or sends a form, with the roles of that moment.
type viewer struct {
	p     *page
	actor approve.Actor
	roles approve.Roles
}

// Errors of what is asked for. A domain that somebody may not see is not found.
var (
	errNotFound  = errors.New("there is nothing at this address, or nothing that you may see")
	errForbidden = errors.New("your role does not allow that")
)

// wrongError is of an address that asks for what cannot be.
type wrongError struct{ error }

// can reports whether the viewer has a role with a customer.
func (v *viewer) can(customer string, role approve.Role) bool {
	return v.roles.Allows(v.actor.Name, customer, role)
}

// canAll reports whether the viewer has a role with all customers.
func (v *viewer) canAll(role approve.Role) bool { return v.roles.AllowsAll(v.actor.Name, role) }

// domains are the states of all domains that the viewer may see.
func (v *viewer) domains() []flow.State {
	var out []flow.State
	for _, s := range v.p.o.Backend.Domains() {
		if v.can(s.Customer, approve.View) {
			out = append(out, s)
		}
	}
	return out
}

// domain is the state of one of them, or errNotFound.
func (v *viewer) domain(name string) (flow.State, error) {
	s, ok := v.p.o.Backend.Domain(name)
	if !ok || !v.can(s.Customer, approve.View) {
		return flow.State{}, errNotFound
	}
	return s, nil
}

// who tells who sends a request; without a name it has answered.
func (p *page) who(w http.ResponseWriter, r *http.Request) (*viewer, bool) {
	actor, err := p.o.Guard.Actor(r)
	if err == nil {
		return &viewer{p: p, actor: actor, roles: p.o.Backend.Roles()}, true
	}
	switch {
	case errors.Is(err, approve.ErrLoggedOut) && r.Method == http.MethodGet && r.Header.Get(partsHeader) == "" && r.URL.Path != "/events":
		http.Redirect(w, r, "/log-in?to="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
	case errors.Is(err, approve.ErrLoggedOut):
		p.problem(w, nil, http.StatusUnauthorized, err)
	default:
		if p.strange.allow(p.o.Now()) {
			p.log(audit.Entry{Source: actor.From, Verb: "refuse", Outcome: err.Error()})
		}
		p.problem(w, nil, http.StatusForbidden, err)
	}
	return nil, false
}

// log tells the audit what the page has seen itself, and the log if that fails.
func (p *page) log(e audit.Entry) {
	if err := p.o.Backend.Log(e); err != nil {
		p.o.Log.Error("the audit could not be written", "verb", e.Verb, "error", err.Error())
	}
}

// refused tells the audit that somebody may not do something.
func (v *viewer) refused(verb string, s flow.State, err error) {
	v.p.log(audit.Entry{
		Actors: []string{v.actor.Name}, Source: v.actor.From, Customer: s.Customer, Domain: s.Domain,
		Verb: "refuse", Outcome: verb + ": " + err.Error(),
	})
}

// crossed answers a form that was sent from another site.
func (p *page) crossed(w http.ResponseWriter, r *http.Request) {
	err := errors.New("the form was sent from another site, and nothing was done: open this page itself, and send it from there")
	actor, _ := p.o.Guard.Actor(r)
	if p.strange.allow(p.o.Now()) {
		p.log(audit.Entry{Source: actor.From, Verb: "refuse", Outcome: err.Error()})
	}
	p.problem(w, nil, http.StatusForbidden, err)
}

// inside returns an address of this site, or the overview for any other.
func inside(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || u.Opaque != "" ||
		!strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n\t") {
		return "/"
	}
	return to
}
