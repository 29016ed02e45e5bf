package assumptions

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/jumpcloud"
)

// Look asks both services how they behave, and only reads: it calls no method that
// writes, the clients should be ReadOnly, and w, which both must have been made with, lets
// no write through. It sends [MaxRequests] requests at most, one after the other. domain
// is the one that is to be federated; empty means none in particular.
//
// The findings are never nil, and have an answer to each entry of [All]; that something
// differs is no error. The error says that a service, of which Microsoft's login service
// is one, could not be asked at all (in the words of its client), that the context ended,
// or that w does not see a client.
func Look(ctx context.Context, w *Watch, jc *jumpcloud.Client, ad *aad.Client, domain string) (*Findings, error) {
	l := &looker{w: w, jc: jc, ad: ad, domain: strings.ToLower(strings.TrimSuffix(domain, ".")), answers: make(map[string]Answer)}
	if w == nil || jc == nil || ad == nil {
		return l.findings(0), errors.New("assumptions: Look needs a Watch and both clients")
	}
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if !w.begin(cancel) {
		return l.findings(0), errors.New("assumptions: the Watch is in use by another Look")
	}
	l.ctx = inner
	err := l.ask()
	found := l.findings(w.end())
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return found, err
}

// looker is one look. What a question has found out is there for the next ones.
type looker struct {
	ctx    context.Context
	w      *Watch
	jc     *jumpcloud.Client
	ad     *aad.Client
	domain string

	answers map[string]Answer
	lost    map[bool]string // why a service cannot be asked; by whether it is JumpCloud

	organization string
	app          *jumpcloud.Application // nil: there is none
	directory    *jumpcloud.Directory   // nil: there is none

	domains   map[string]*aad.Domain
	federated string          // a domain of the tenant that is federated; by SAML, if there is one
	fed       *aad.Federation // its configuration
	people    string          // the domain whose people are looked at

	noLogin error // why Microsoft's login service, which is a host of its own, could not be asked
}

// ask asks everything. A service whose first question fails is not asked any more.
func (l *looker) ask() error {
	l.lost = make(map[bool]string)
	var errs []error
	for _, service := range []struct {
		name      string
		jumpCloud bool
		first     func() error
		then      []func()
	}{
		{"Azure AD", false, l.askDomains, []func(){l.askManaged, l.askFederated, l.askSubdomain, l.askPolicy, l.askPermissions, l.askRoles,
			l.askPeople, l.askStartsWith, l.askNobody, l.askRealm, l.askSignIns, l.costs}},
		{"JumpCloud", true, l.askOrganization, []func(){l.askTemplate, l.askApplication, l.askMetadata, l.askDirectories, l.askOffice365s,
			l.askDirectoryDomains, l.askBound, l.askMissing, l.askGroup, l.askEvents}},
	} {
		if err := l.first(service.jumpCloud, service.first); err != nil && !l.isSpent() {
			l.lost[service.jumpCloud] = service.name + " could not be asked"
			errs = append(errs, err)
			continue
		}
		for _, f := range service.then {
			if l.ctx.Err() != nil {
				break
			}
			f()
		}
	}
	l.clocks()
	return errors.Join(append(errs, l.noLogin)...)
}

// first asks a service for the first time. What is denied does not end the look.
func (l *looker) first(jumpCloud bool, ask func() error) error {
	err := ask()
	if seen, _ := l.w.since(0, jumpCloud); len(seen) == 0 {
		if err == nil || !errors.Is(err, aad.ErrUnauthenticated) && !errors.Is(err, jumpcloud.ErrUnauthenticated) && l.ctx.Err() == nil {
			return errors.Join(errNotWatched, err)
		}
	}
	if errors.Is(err, aad.ErrDenied) || errors.Is(err, jumpcloud.ErrDenied) {
		return nil
	}
	return err
}

// findings puts the answers into the order of the list.
func (l *looker) findings(requests int) *Findings {
	f := &Findings{Domain: l.domain, Requests: requests}
	for _, a := range All() {
		got, ok := l.answers[a.ID]
		switch {
		case a.Kind != Readable:
			got = Answer{Assumption: a, Result: CouldNotTell, Seen: fmt.Sprintf("it %s; nothing is tried on a live service", a.Kind)}
		case !ok:
			got = Answer{Assumption: a, Result: CouldNotTell, Seen: l.unasked(a)}
		default:
			advice := got.Advice
			if got.Assumption = a; advice != "" {
				got.Advice = advice
			}
		}
		f.Answers = append(f.Answers, got)
	}
	return f
}

// isSpent reports whether no request is left.
func (l *looker) isSpent() bool { return l.ctx != nil && errors.Is(context.Cause(l.ctx), errSpent) }

func (l *looker) unasked(a Assumption) string {
	switch text := l.lost[a.jumpCloud()]; {
	case text != "":
		return text
	case l.isSpent():
		return fmt.Sprintf("%d requests were sent, and this was not asked any more", MaxRequests)
	}
	return "it was not asked"
}

func (l *looker) holds(id, format string, args ...any) {
	l.answers[id] = Answer{Result: Holds, Seen: fmt.Sprintf(format, args...)}
}

func (l *looker) differs(id, format string, args ...any) {
	l.answers[id] = Answer{Result: Differs, Seen: fmt.Sprintf(format, args...)}
}

// but gives the answer to id another advice than the list's.
func (l *looker) but(id string, advice Advice) {
	a := l.answers[id]
	a.Advice = advice
	l.answers[id] = a
}

// unknown says why none of ids can be told. What is answered already stays; a look that
// has ended answers nothing.
func (l *looker) unknown(why string, ids ...string) {
	for _, id := range ids {
		if _, ok := l.answers[id]; !ok && l.ctx.Err() == nil {
			l.answers[id] = Answer{Result: CouldNotTell, Seen: why}
		}
	}
}

// fails is unknown with the reason that err is.
func (l *looker) fails(err error, ids ...string) { l.unknown(why(err), ids...) }

// check says that id holds or differs.
func (l *looker) check(id string, holds bool, format string, args ...any) {
	if holds {
		l.holds(id, format, args...)
	} else {
		l.differs(id, format, args...)
	}
}

// why says why something could not be read. It names nobody.
func why(err error) string {
	var je *jumpcloud.Error
	var ae *aad.Error
	switch {
	case errors.As(err, &je) && errors.Is(err, jumpcloud.ErrDenied):
		return "the credential may not read this: it needs the scope " + je.Scope
	case errors.As(err, &ae) && errors.Is(err, aad.ErrDenied):
		return "the credential may not read this: it needs " + ae.Permission
	}
	return strings.Join(strings.Fields(err.Error()), " ")
}

// during runs f and returns what was exchanged with a service meanwhile.
func (l *looker) during(jumpCloud bool, f func()) []*exchange {
	_, n := l.w.since(0, jumpCloud)
	f()
	seen, _ := l.w.since(n, jumpCloud)
	return seen
}

// last is the last exchange that was answered, or an empty one.
func last(seen []*exchange) *exchange {
	for i := len(seen) - 1; i >= 0; i-- {
		if seen[i].status != 0 {
			return seen[i]
		}
	}
	return new(exchange)
}
