package federation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/jcaad/jcaad/aad"
)

// switchOver federates a managed domain by send. Right before, and one after the
// other for all who share the Azure AD client, it is asked again who could sign in
// if JumpCloud were down: administrators and domains are read anew, and a domain
// that was switched a moment ago counts as federated, whatever lists say.
//
// Other processes are not locked out, but those that are seen at work on other
// domains with older applications count as done. Of two that do not see each other
// yet, each can still take the other's last administrator, unless a read of the domain
// by its name shows it.
func (f *Federator) switchOver(ctx context.Context, p Plan, others []string, send func() error) error {
	book := f.ad.Switches()
	unlock, err := book.Lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	st, err := f.observe(ctx, p, observation{}, partAdmins|partDomains)
	if err == nil {
		err = f.remember(ctx, &st, p.Domain)
	}
	if err == nil {
		err = f.restsOn(ctx, &st, p)
	}
	if err != nil {
		return fmt.Errorf("not sent, because who could sign in otherwise cannot be read: %w", err)
	}
	alone := st
	st.federate(others...)
	var ps findings
	st.gateBreakGlass(&ps, p)
	if err := ps.err(); err != nil {
		var own findings
		if alone.gateBreakGlass(&own, p); own.err() == nil {
			for i := range ps {
				ps[i].Message += "; another run seems to be federating " + strings.Join(others, ", ") + " at this moment"
				ps[i].Repair = "wait until that run has ended, then run again; " + ps[i].Repair
			}
		}
		return switching(ps.err())
	}
	book.Sent(p.Domain)
	if err = send(); err != nil && refusedForSure(err) {
		book.Forget(p.Domain)
	}
	return err
}

// elders are the domains that other runs seem to be federating with applications
// older than the plan's: of two runs that see each other the older one goes on.
func (st *observation) elders(p Plan) []string {
	var names []string
	own := st.app(p)
	for _, w := range st.atWork {
		if own != nil && w.app < own.ID && w.domain != p.Domain {
			names = append(names, w.domain)
		}
	}
	return names
}

// switching says of a refusal that it came right before the domain was switched.
func switching(err error) error {
	var pe *PreconditionError
	if errors.As(err, &pe) {
		pe.switching = true
	}
	return err
}

// refusedForSure reports whether a failed write certainly changed nothing.
func refusedForSure(err error) bool {
	return !unknown(err) && !already(err) && !errors.Is(err, aad.ErrUnavailable) && !errors.Is(err, aad.ErrThrottled)
}

// remember makes the domains federated that this process has switched, even if the
// list of domains does not show it yet. Each is read by its name, so that one that
// was made managed since is forgotten in time.
func (f *Federator) remember(ctx context.Context, st *observation, except string) error {
	book := f.ad.Switches()
	var names []string
	for _, n := range book.Domains() {
		if n != except && !st.federated(n) {
			names = append(names, n)
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for _, n := range names {
		g.Go(func() error {
			d, err := f.ad.Domain(ctx, n)
			if err != nil && !errors.Is(err, aad.ErrNotFound) {
				return err
			}
			book.Seen(n, d == nil || !strings.EqualFold(string(d.AuthenticationType), string(aad.Federated)), time.Now())
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	st.federate(book.Domains()...)
	return nil
}

// restsOn reads by their names the domains of those who could sign in if JumpCloud were
// down, if none of these is on the tenant's own, which nobody federates: another process
// may have switched one, and a list may not show it for minutes.
func (f *Federator) restsOn(ctx context.Context, st *observation, p Plan) error {
	if p.Consent.NoBreakGlass {
		return nil
	}
	roots := make(map[string]bool)
	for _, a := range st.fit(p) {
		_, at, _ := strings.Cut(a.upn, "@")
		root := st.root(domainName(at))
		if d := st.domain(root); d != nil && d.IsInitial {
			return nil
		}
		roots[root] = true
	}
	for root := range roots {
		switch d, err := f.ad.Domain(ctx, root); {
		case err != nil && !errors.Is(err, aad.ErrNotFound):
			return err
		case err == nil && strings.EqualFold(string(d.AuthenticationType), string(aad.Federated)):
			st.federate(root)
		}
	}
	return nil
}

// federate makes the observation one in which these domains are federated.
func (st *observation) federate(names ...string) {
	st.domains = slices.Clone(st.domains)
	for i, d := range st.domains {
		if slices.Contains(names, domainName(d.Name)) {
			federated := *d
			federated.AuthenticationType = aad.Federated
			st.domains[i] = &federated
		}
	}
}

// A read is fresh for this long, a judgement of people for a minute, or until so
// many changes were sent: while members are added one by one, people change.
const (
	freshRead    = 30 * time.Second
	freshPeople  = time.Minute
	freshChanges = 16
)

// fresh makes sure that everything the switch depends on was read shortly before
// it, and reports whether the domain is still what is missing next. A run without
// a pause pays nothing.
func (r *run) fresh(ctx context.Context, c Change) (still bool, err error) {
	parent := ctx
	ctx, cancel := context.WithTimeoutCause(ctx, r.f.opts.Settle, ErrNotConverged)
	defer cancel()
	again := time.Since(r.read) > freshRead
	for n := 1; time.Since(r.read) > freshRead; n++ {
		began := time.Now()
		err := r.lookAgain(ctx, partAll)
		switch {
		case err == nil && (!r.st.doubtful(r.plan) || n >= firstLooks):
			r.read = began
		case err == nil:
			if serr := sleep(ctx, backoff(n)); serr != nil {
				return false, &StepError{PhaseWait, c, serr}
			}
		case !temporary(err) || parent.Err() != nil:
			return false, &StepError{PhaseWait, c, err}
		default:
			r.f.emit(ctx, Event{Phase: PhaseWait, Domain: r.plan.Domain, Change: &c, Attempt: n, Err: err})
			if serr := sleep(ctx, backoff(n)); serr != nil {
				return false, &StepError{PhaseWait, c, errors.Join(serr, err)}
			}
		}
	}
	if !diff(r.plan, &r.st).first().has(c.key()) {
		return false, nil
	}
	if again {
		if err := r.st.inspectAll(r.plan, r.f.now()).err(); err != nil {
			return false, switching(err)
		}
	}
	if time.Since(r.judged) > freshPeople || len(r.rep.Steps)-r.judgedAt >= freshChanges {
		return true, r.judgePeople(ctx)
	}
	return true, r.judgeAgain(ctx)
}

// judgePeople judges gates and people once more, and ends the run if somebody would
// newly be locked out.
func (r *run) judgePeople(ctx context.Context) error {
	began := time.Now()
	gates, _, err := r.f.check(ctx, r.plan, &r.st, true)
	if err != nil {
		return err
	}
	r.judged, r.judgedAt, r.before = began, len(r.rep.Steps), reachBefore(r.plan, &r.st)
	if err := gates.err(); err != nil {
		r.rep.note(gates)
		return switching(err)
	}
	return r.approved.objections(nil, lostBy(gates), nil)
}
