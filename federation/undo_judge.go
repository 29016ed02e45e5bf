package federation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/jumpcloud"
)

// Codes of findings that keep Revert from undoing anything.
const (
	CodeRevertForeign Code = "revert-federation-elsewhere"
	CodeRevertNothing Code = "revert-nothing-to-restore"
)

// A sighting is what the sign-in of a domain depends on at one moment, with the
// domain read by its name rather than from a list.
type sighting struct {
	read bool
	st   observation
}

func (s *sighting) state(p Plan) State {
	if !s.read {
		return ""
	}
	return s.st.classify(p)
}

// authentication reads a domain and its configuration by name. Both are nil for
// a domain that the tenant does not have.
func (f *Federator) authentication(ctx context.Context, domain string) (*aad.Domain, *aad.Federation, error) {
	d, err := f.ad.Domain(ctx, domain)
	if errors.Is(err, aad.ErrNotFound) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	fed, err := f.ad.Federation(ctx, domain)
	if errors.Is(err, aad.ErrNotFederated) || errors.Is(err, aad.ErrNotFound) {
		return d, nil, nil
	}
	return d, fed, err
}

// lookAtDomain takes a sighting. A federated domain whose configuration does not show, or a managed
// one with a configuration, is looked at for half a minute: one of two answers may
// be older than the other.
func (f *Federator) lookAtDomain(ctx context.Context, p Plan) (sighting, error) {
	s := sighting{read: true}
	for n := 1; ; n++ {
		d, fed, err := f.authentication(ctx, p.Domain)
		if err != nil && (!temporary(err) || n == halfStateLooks) {
			return s, err
		}
		if err == nil {
			s.st.domains, s.st.fed = nil, fed
			if d != nil {
				s.st.domains = []*aad.Domain{d}
			}
			if s.st.federated(p.Domain) == (fed != nil) || n == halfStateLooks {
				break
			}
		}
		if err := sleep(ctx, 5*time.Second); err != nil {
			return s, err
		}
	}
	err := f.lookAtApplications(ctx, p, &s.st)
	return s, err
}

// lookAtApplications reads the applications that the plan may mean, each by its
// ID: a list may show one that is gone.
func (f *Federator) lookAtApplications(ctx context.Context, p Plan, st *observation) error {
	if err := f.applications(ctx, p, st); err != nil {
		return err
	}
	listed := st.apps
	st.apps, st.metadata = nil, nil
	for _, a := range listed {
		a, err := f.jc.Application(ctx, a.ID)
		switch {
		case err == nil:
			st.apps = append(st.apps, a)
		case !errors.Is(err, jumpcloud.ErrNotFound):
			return err
		}
	}
	if a := st.app(p); a != nil {
		m, err := f.jc.Metadata(ctx, a.OrganizationID, a.ID)
		if err != nil && !errors.Is(err, jumpcloud.ErrNotFound) {
			return err
		}
		st.metadata = m
	}
	return nil
}

// depends says why people sign in through the plan's application as things
// stand; "" means that the domain depends on it no more: it is managed, gone, or
// federated with another issuer.
func depends(p Plan, app *jumpcloud.Application, d *aad.Domain, fed *aad.Federation) string {
	switch {
	case d == nil:
		return ""
	case !strings.EqualFold(string(d.AuthenticationType), string(aad.Federated)):
		if fed == nil {
			return ""
		}
		return p.Domain + " is managed, and yet its federation can be read"
	case fed == nil:
		return p.Domain + " is federated, and its configuration cannot be read"
	case fed.IssuerURI == p.Application.IdPEntityID,
		app != nil && (fed.IssuerURI == app.IdPEntityID || fed.PassiveSignInURI == app.SSOURL):
		return p.Domain + " is federated with this application"
	}
	return ""
}

// judge finds out where every step stands, which of them stay, and whether
// anything keeps all of them from being undone.
func (u *undoing) judge(ctx context.Context) error {
	u.f.emit(ctx, Event{Phase: PhaseObserve, Domain: u.p.Domain, Text: "judging every step before the first is undone"})
	for _, s := range u.steps {
		s.at, s.why = asLeft, ""
	}
	if err := u.identifyAll(ctx); err != nil {
		return reading(PhaseObserve, err)
	}
	if err := u.placeAll(ctx); err != nil {
		return err
	}
	if err := u.lookAround(ctx); err != nil {
		return reading(PhaseObserve, err)
	}
	if err := u.observeKey(ctx); err != nil {
		return reading(PhaseObserve, err)
	}
	u.rep.Before = u.sight.state(u.p)
	var ps findings
	u.judgeRotation(&ps)
	if err := u.judgeFederation(ctx, &ps); err != nil {
		return reading(PhaseCheck, err)
	}
	u.judgeLine()
	if err := u.judgeShared(ctx); err != nil {
		return reading(PhaseCheck, err)
	}
	perms, err := u.f.ad.Permissions(ctx)
	if err != nil && !errors.Is(err, aad.ErrOpaqueToken) {
		return reading(PhaseCheck, err)
	}
	var todo Changes
	for _, s := range u.steps {
		if s.at == asLeft && s.why == "" {
			todo = append(todo, s.Change)
		}
	}
	if perms != nil {
		gatePermissions(&ps, todo, perms)
	}
	u.rep.note(ps)
	return ps.differs()
}

// lookAround reads what the domain's sign-in depends on. If that is another story
// than the federation's step has told, which was looked at twice and apart, one of
// the answers is old.
func (u *undoing) lookAround(ctx context.Context) (err error) {
	for n := 1; ; n++ {
		if u.sight, err = u.f.lookAtDomain(ctx, u.p); err != nil {
			u.sight.read = false
			return err
		}
		if s := u.federation(); s == nil || s.at == differs || u.agrees(s) || n == halfStateLooks {
			return nil
		}
		if err := sleep(ctx, 5*time.Second); err != nil {
			return err
		}
	}
}

// agrees reports whether the look at the domain tells what the federation's step has
// told.
func (u *undoing) agrees(s *undoStep) bool {
	switch s.Change.Action {
	case Delete:
		return (s.at == undone) != u.sight.st.federated(u.p.Domain)
	case Update:
		return u.sight.st.fed != nil
	}
	return true
}

// judgeLine lets everything stay that sign-in through the application depends
// on, if the domain will still depend on it.
func (u *undoing) judgeLine() {
	app := u.sight.st.app(u.p)
	reason := depends(u.p, app, u.sight.st.domain(u.p.Domain), u.sight.st.fed)
	if reason == "" {
		return
	}
	if s := u.federation(); s != nil && s.at == asLeft && s.why == "" && s.frees() {
		return
	}
	reason += u.wayOut()
	for _, s := range u.steps {
		if s.losing && s.at != undone && s.why == "" {
			s.why = reason
		}
	}
}

// wayOut says what to do about what stays because the domain is federated.
func (u *undoing) wayOut() string {
	if s := u.federation(); s != nil && s.frees() {
		return ", and people sign in through it: call again once its federation can be taken away"
	}
	return ", and people sign in through it: revert the report of the run that federated the domain first, or call Defederate"
}

// release waits until the domain is seen, twice and apart, to depend on the
// application no more. It returns why it does, if it stays so.
func (u *undoing) release(ctx context.Context) (reason string, err error) {
	if u.freed && time.Since(u.freedAt) > freshRead {
		if u.freed, err = u.stillFree(ctx); err != nil {
			return "", reading(PhaseWait, err)
		}
	}
	if u.freed || u.stuck != "" {
		return u.stuck, nil
	}
	parent := ctx
	ctx, cancel := context.WithTimeoutCause(ctx, u.f.opts.Settle, ErrNotConverged)
	defer cancel()
	app := u.sight.st.app(u.p)
	// Where the domain looked free when the steps were judged, or was freed by this
	// call, an answer that says otherwise is most likely an old one.
	expected := u.took || depends(u.p, app, u.sight.st.domain(u.p.Domain), u.sight.st.fed) == ""
	var alone time.Time
	for n, bound := 1, 0; ; n++ {
		pause := backoff(n)
		d, fed, err := u.f.authentication(ctx, u.p.Domain)
		switch {
		case err != nil && (!temporary(err) || parent.Err() != nil):
			u.stuck = "it could not be seen that " + u.p.Domain + " depends on it no more: call Revert again"
			return "", reading(PhaseWait, err)
		case err != nil:
			alone = time.Time{}
		default:
			reason = depends(u.p, app, d, fed)
			if reason != "" {
				alone = time.Time{}
				if bound++; bound == differsLooks && !expected {
					u.stuck = reason + u.wayOut()
					return u.stuck, nil
				}
				break
			}
			bound = 0
			if alone.IsZero() {
				alone = time.Now()
			} else if since(ctx, alone) >= apart {
				u.freed, u.freedAt = true, time.Now()
				if fed == nil {
					u.f.ad.Switches().Forget(u.p.Domain)
				}
				return "", nil
			}
			pause = apart
		}
		u.f.emit(ctx, Event{Phase: PhaseWait, Domain: u.p.Domain, Attempt: n,
			Text: "making sure that the domain depends on the application no more", Err: err})
		if serr := sleep(ctx, pause); serr != nil {
			u.stuck = "it did not show that " + u.p.Domain + " depends on it no more: call Revert again"
			if parent.Err() != nil || err != nil {
				return "", &StepError{Phase: PhaseWait, Err: errors.Join(serr, err)}
			}
			return u.stuck, nil
		}
	}
}

// stillFree looks once more at a domain that was seen to depend on the application no
// more, a while ago.
func (u *undoing) stillFree(ctx context.Context) (bool, error) {
	began := time.Now()
	d, fed, err := u.f.authentication(ctx, u.p.Domain)
	if temporary(err) {
		return false, nil
	}
	u.freedAt = began
	return err == nil && depends(u.p, u.sight.st.app(u.p), d, fed) == "", err
}

// differs returns the refusals as an error that is [ErrDiffers] too, or nil.
func (fs findings) differs() error {
	err := fs.err()
	var pe *PreconditionError
	if errors.As(err, &pe) {
		pe.differs = slices.ContainsFunc(pe.Findings, func(f Finding) bool { return f.Code == CodeRevertForeign || f.Code == CodeRevertNothing })
	}
	return err
}

// inDate says what is wrong with the dates of another provider's certificate.
func inDate(c certs.Cert, now time.Time) string {
	x := c.X509()
	switch {
	case now.After(x.NotAfter):
		return fmt.Sprintf("expired on %s", x.NotAfter.Format("2006-01-02"))
	case now.Before(x.NotBefore):
		return fmt.Sprintf("is valid only from %s", x.NotBefore.Format("2006-01-02"))
	}
	return ""
}
