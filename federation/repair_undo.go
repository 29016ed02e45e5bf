package federation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/jumpcloud"
)

// revertRepair takes back what a Repair has done, last first, or has it done again
// if the report is that of a Revert. There may be tens of thousands of people, so
// they are not all looked at before the first of them is touched: each is, right
// before. What is judged before, and again when somebody was asked, is what concerns
// them all: the customer, the permissions, and the domain.
//
// Immutable IDs, bindings and memberships are what people sign in by while their
// domain is federated, whoever it is federated with. So nothing is taken back before
// the domain was seen twice, a quarter of a minute apart, to be managed or gone.
func (u *undoing) revertRepair(ctx context.Context, rep *Report) error {
	r := &repairing{
		f: u.f, rep: u.rep, journal: journal{f: u.f, rep: u.rep}, of: rep, phase: PhaseUndo,
		den: newDenials(u.f), said: make(map[int]bool), began: time.Now(),
	}
	r.managed.turn = make(chan struct{}, 1)
	var todo []int
	for i := range slices.Backward(rep.Steps) {
		if s := &rep.Steps[i]; s.tookEffect() {
			todo = append(todo, len(r.was))
			r.was = append(r.was, s)
			u.rep.Steps = append(u.rep.Steps, Step{Change: s.Change.inverse(), Outcome: Planned})
		}
	}
	if len(todo) == 0 {
		return nil
	}
	if err := u.fits(ctx, rep); err != nil {
		return err
	}
	if err := r.judge(ctx, todo); err != nil {
		return err
	}
	if u.changes = r.changes(todo); u.only {
		return nil
	}
	if err := u.approved.objections(u.changes, nil, u.earlier); err != nil {
		return err
	}
	asked, err := r.confirm(ctx, todo)
	if err == nil && asked {
		err = r.judge(ctx, todo)
	}
	if err != nil {
		return err
	}
	err = r.each(ctx, todo)
	r.readBack(ctx, todo)
	if again := r.doubtful(todo); err == nil && len(again) > 0 {
		if err = r.settle(ctx, again); err == nil {
			r.twice, r.done = true, r.done-len(again)
			err = r.each(ctx, again)
		}
		r.readBack(ctx, again)
	}
	return r.verdict(err, todo)
}

// judge finds out whether anything keeps all steps from being undone.
func (r *repairing) judge(ctx context.Context, todo []int) error {
	r.f.emit(ctx, Event{Phase: PhaseObserve, Domain: r.rep.Plan.Domain, Text: "judging the domain before the first step is undone"})
	perms, err := r.f.ad.Permissions(ctx)
	if err != nil && !errors.Is(err, aad.ErrOpaqueToken) {
		return reading(PhaseCheck, err)
	}
	changes := r.changes(todo)
	if perms != nil {
		var ps findings
		gatePermissions(&ps, changes, perms)
		if err := ps.err(); err != nil {
			r.rep.note(ps)
			return err
		}
	}
	if !slices.ContainsFunc(changes, Change.takesAway) {
		return nil
	}
	if err = r.managed.seen(ctx, r.f, r.rep.Plan.Domain); errors.Is(err, ErrDiffers) {
		for _, i := range todo {
			r.rep.Steps[i].Outcome, r.rep.Steps[i].Error = Left, err.Error()
		}
	}
	return err
}

// doubtful are the steps that looked undone, or otherwise than the repair left them,
// without this call's doing, and those whose own answer was lost. One look does not
// decide on them: an answer that is older than the repair shows just what the undo is
// to bring about.
func (r *repairing) doubtful(todo []int) (steps []int) {
	for _, i := range todo {
		if o := r.rep.Steps[i].Outcome; o == Skipped || o == Left || o == Unknown && !r.said[i] {
			steps = append(steps, i)
		}
	}
	return steps
}

// settle waits before the doubtful steps are looked at once more: a quarter of a
// minute, and for as long as a replica may lag behind what a step has done that looks
// undone.
func (r *repairing) settle(ctx context.Context, steps []int) error {
	pause := apart
	for _, i := range steps {
		if began := r.was[i].Started; r.rep.Steps[i].Outcome != Left && !began.IsZero() {
			pause = max(pause, r.f.opts.Settle-max(r.f.age(began), 0)) // its clock may have been ahead
		}
	}
	r.f.emit(ctx, Event{Phase: PhaseWait, Domain: r.rep.Plan.Domain, Text: "making sure of what there is to undo"})
	return sleep(ctx, pause)
}

// managed is that a domain was seen to be managed, or gone.
type managed struct {
	turn chan struct{} // full while somebody looks
	at   time.Time     // when it was seen last
	not  error         // what was seen instead, where that is remembered
}

// seen returns nil once the domain was seen so twice, apart.
func (m *managed) seen(ctx context.Context, f *Federator, domain string) error {
	var first time.Time
	for n, federated := 1, 0; ; n++ {
		pause := backoff(n)
		is, err := f.isManaged(ctx, domain)
		switch {
		case err != nil && (!temporary(err) || n > halfStateLooks):
			return reading(PhaseObserve, err)
		case err != nil:
			first = time.Time{}
		case !is:
			first = time.Time{}
			if federated++; federated == differsLooks {
				return errFederated(domain)
			}
		case first.IsZero():
			first, pause = time.Now(), apart
		case since(ctx, first) >= apart:
			m.at = time.Now()
			return nil
		default:
			pause = apart
		}
		if err := sleep(ctx, pause); err != nil {
			return reading(PhaseObserve, err)
		}
	}
}

// still makes sure of it right before a write: by one more look, unless the last one
// is fresh. What would take somebody's sign-in away stays then.
func (m *managed) still(ctx context.Context, f *Federator, domain string) (Outcome, error) {
	select {
	case m.turn <- struct{}{}:
		defer func() { <-m.turn }()
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	if time.Since(m.at) <= freshRead {
		return "", nil
	}
	is, err := f.isManaged(ctx, domain)
	if err != nil {
		return "", reading(PhaseObserve, err)
	}
	if !is {
		return Left, errFederated(domain)
	}
	m.at = time.Now()
	return "", nil
}

// moved says why a person keeps what a repair has given: they are by now on another
// domain than the report's, and that one is federated. A federated one is not looked
// at again within the call, and one that is managed not for half a minute.
func (r *repairing) moved(ctx context.Context, c Change) (why string, err error) {
	address, err := r.f.address(ctx, c)
	if err != nil {
		return "", err
	}
	domain := domainName(address[strings.LastIndexByte(address, '@')+1:])
	if domain == "" || domain == r.rep.Plan.Domain {
		return "", nil
	}
	r.mu.Lock()
	m := r.others[domain]
	if m == nil {
		m = &managed{turn: make(chan struct{}, 1)}
		if r.others == nil {
			r.others = make(map[string]*managed)
		}
		r.others[domain] = m
	}
	r.mu.Unlock()
	if err := m.known(ctx, r.f, domain); errors.Is(err, ErrDiffers) {
		return address + " signs in by this: " + domain + " is federated", nil
	} else if err != nil {
		return "", err
	}
	return "", nil
}

// address is where the person is by now whom a change is about: the user principal
// name of an account, the email of a user. It is "" for one who is gone.
func (f *Federator) address(ctx context.Context, c Change) (string, error) {
	if c.ofImmutableID() {
		switch u, err := f.ad.User(ctx, c.Target); {
		case err == nil:
			return u.UserPrincipalName, nil
		case !errors.Is(err, aad.ErrNotFound):
			return "", err
		}
		return "", nil
	}
	switch u, err := f.jc.User(ctx, c.Target); {
	case err == nil:
		return u.Email, nil
	case !errors.Is(err, jumpcloud.ErrNotFound):
		return "", err
	}
	return "", nil
}

// known is seen, for several who ask at the same time, and remembers the answer.
func (m *managed) known(ctx context.Context, f *Federator, domain string) error {
	select {
	case m.turn <- struct{}{}:
		defer func() { <-m.turn }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if m.not != nil || !m.at.IsZero() && time.Since(m.at) <= freshRead {
		return m.not
	}
	err := m.seen(ctx, f, domain)
	if errors.Is(err, ErrDiffers) {
		m.not = err
	}
	return err
}

// isManaged reports whether a domain is managed, or gone.
func (f *Federator) isManaged(ctx context.Context, domain string) (bool, error) {
	d, _, err := f.authentication(ctx, domain)
	return d == nil || !strings.EqualFold(string(d.AuthenticationType), string(aad.Federated)), err
}

func errFederated(domain string) error {
	return fmt.Errorf("federation: %w: %s is federated, and its people sign in by what the repair has set: call Defederate or Revert first",
		ErrDiffers, domain)
}
