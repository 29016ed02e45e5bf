package federation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/jumpcloud"
)

const (
	// writeInterval keeps to the 3,000 writes in 150 seconds that Microsoft
	// publishes for one application in one tenant.
	writeInterval = 50 * time.Millisecond

	// repairWorkers keep up with it as long as a person takes no more than 0.4 s.
	repairWorkers = 8
)

// Repair carries out the steps of a report that are not done yet: those that
// PreviewRepair has planned, or that an earlier Repair has left. Handing the
// report over is the confirmation; nothing is done that it does not list.
//
// Each person is looked at before the write. Who has been put right meanwhile is
// skipped, and nobody's immutable ID is ever replaced. A person whom a service
// refuses does not stop the others, not even a 403: an administrator's account is
// more than many permissions reach. Steps of one kind end when the access token can
// be read and lacks the permission, or when the first five people were refused with
// 403 and nobody has succeeded; those who are left say so. Whatever the report says
// is done was read back; what a service has said yes to, and does not show within
// [Options.Settle], is unknown. When ctx ends nothing more is sent. The returned
// report is never nil, and can be handed to Repair again, or to UndoRepair; the one
// that was passed in is not changed.
func (f *Federator) Repair(ctx context.Context, rep *RepairReport) (*RepairReport, error) {
	out := rep.clone()
	unlock, err := f.lock(ctx, rep.Plan.Plan.Domain)
	if err != nil {
		out.Error = err.Error()
		return out, err
	}
	defer unlock()
	var todo []int
	for i, s := range out.Steps {
		if s.Outcome == Planned || s.Outcome == Unknown || s.Outcome == Refused {
			todo = append(todo, i)
		}
	}
	err = f.eachStep(ctx, out, todo, PhaseApply, f.repairOne)
	return out, err
}

// UndoRepair takes back what Repair has done, last first: the undo list is the
// report. A step is taken back only if things still are as it left them. Steps
// whose outcome is unknown are taken back if what is there can only be theirs.
//
// Immutable IDs, bindings and memberships are what people sign in by while their
// domain is federated, whoever it is federated with. So nothing is taken back
// before the domain was seen twice, a quarter of a minute apart, to be managed or
// gone; until then the error wraps [ErrDiffers], and each step says why it stays.
func (f *Federator) UndoRepair(ctx context.Context, rep *RepairReport) (*RepairReport, error) {
	out := rep.clone()
	unlock, err := f.lock(ctx, rep.Plan.Plan.Domain)
	if err != nil {
		out.Error = err.Error()
		return out, err
	}
	defer unlock()
	var todo []int
	for i, s := range slices.Backward(out.Steps) {
		if s.Outcome == Done || s.Outcome == Unknown {
			todo = append(todo, i)
		}
	}
	if len(todo) > 0 {
		if err := f.seenManaged(ctx, rep.Plan.Plan.Domain); err != nil {
			for _, i := range todo {
				out.Steps[i].Error = err.Error()
			}
			out.Error = err.Error()
			return out, err
		}
	}
	err = f.eachStep(ctx, out, todo, PhaseUndo, f.undoOne)
	return out, err
}

// seenManaged returns nil once a domain was seen twice, apart, to be managed or gone.
func (f *Federator) seenManaged(ctx context.Context, name string) error {
	name = domainName(name)
	var since time.Time
	for n, federated := 1, 0; ; n++ {
		pause := backoff(n)
		d, _, err := f.authentication(ctx, name)
		switch {
		case err != nil && (!temporary(err) || n > halfStateLooks):
			return reading(PhaseObserve, err)
		case err != nil:
			since = time.Time{}
		case d != nil && strings.EqualFold(string(d.AuthenticationType), string(aad.Federated)):
			since = time.Time{}
			if federated++; federated == differsLooks {
				return fmt.Errorf("federation: %w: %s is federated, and its people sign in by what the repair has set: "+
					"call Defederate or Revert first", ErrDiffers, name)
			}
		case since.IsZero():
			since, pause = time.Now(), apart
		case time.Since(since) >= apart:
			return nil
		default:
			pause = apart
		}
		if err := sleep(ctx, pause); err != nil {
			return reading(PhaseObserve, err)
		}
	}
}

// eachStep does something about the steps, several at a time, until one fails in a
// way that all others would.
func (f *Federator) eachStep(
	ctx context.Context, out *RepairReport, todo []int, phase Phase,
	do func(context.Context, *pace, RepairStep) (Outcome, error),
) error {
	parent := ctx
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		next  = make(chan int)
		p     = new(pace)
		began = time.Now()
		done  int
		den   = newDenials(f)
		said  = make(map[int]bool) // to which steps a service has said yes
	)
	for range min(repairWorkers, len(todo)) {
		wg.Go(func() {
			for i := range next {
				if ctx.Err() != nil {
					continue
				}
				if why := den.over(out.Steps[i].Kind); why != nil {
					mu.Lock()
					out.Steps[i].Error = "not tried: " + why.Error()
					mu.Unlock()
					continue
				}
				outcome, err := do(ctx, p, out.Steps[i])
				den.note(ctx, out.Steps[i], outcome, err)
				mu.Lock()
				s := &out.Steps[i]
				s.Error = ""
				if err != nil {
					s.Error = err.Error()
				}
				said[i] = errors.Is(err, errNotShown)
				switch {
				case outcome != "":
					s.Outcome = outcome
				case unknown(err):
					s.Outcome = Unknown
				case ctx.Err() != nil: // not sent
					s.Error = ""
				case phase == PhaseUndo: // it is still done
				default:
					s.Outcome = Refused
				}
				done++
				left := time.Duration(float64(time.Since(began)) / float64(done) * float64(len(todo)-done))
				f.emit(ctx, Event{Phase: phase, Domain: out.Plan.Plan.Domain, Done: done, Total: len(todo), Err: err,
					Text: fmt.Sprintf("%s %s, about %v left", s.Kind, s.UserPrincipalName, left.Round(time.Second))})
				mu.Unlock()
				if hopeless(err) {
					stop(err)
				}
			}
		})
	}
feed:
	for _, i := range todo {
		select {
		case next <- i:
		case <-ctx.Done():
			break feed
		}
	}
	close(next)
	wg.Wait()
	if phase == PhaseApply {
		f.readBack(parent, out, todo, said)
	}
	out.Finished = time.Now().UTC()
	err := context.Cause(ctx)
	if over := den.all(); err == nil && over != nil {
		err = fmt.Errorf("federation: %w; left: %s", over, leftIn(out.Steps, todo, phase))
	}
	if n := out.Count(Refused); err == nil && phase == PhaseApply && n > 0 {
		err = fmt.Errorf("federation: %d of %d steps were refused; left: %s", n, len(todo), leftIn(out.Steps, todo, phase))
	}
	if n := out.Count(Done); err == nil && phase == PhaseUndo && n > 0 {
		err = fmt.Errorf("federation: %d of %d steps could not be taken back; the report says why", n, len(todo))
	}
	if n := out.Count(Unknown); err == nil && n > 0 {
		err = fmt.Errorf("federation: the outcome of %d steps is unknown; call again to look", n)
	}
	if err != nil {
		out.Error = err.Error()
	}
	f.emit(context.WithoutCancel(ctx), Event{
		Phase: PhaseDone, Domain: out.Plan.Plan.Domain, Done: done, Total: len(todo), Elapsed: time.Since(began), Err: err,
	})
	return err
}

// pace gives each write to Azure AD its moment.
type pace struct {
	mu   sync.Mutex
	next time.Time
}

func (p *pace) wait(ctx context.Context) error {
	p.mu.Lock()
	now := time.Now()
	at := p.next
	if at.Before(now) {
		at = now
	}
	p.next = at.Add(writeInterval)
	p.mu.Unlock()
	if at.After(now) {
		return sleep(ctx, at.Sub(now))
	}
	return ctx.Err()
}

// repairOne looks at one person and, if it is still needed, does the step.
func (f *Federator) repairOne(ctx context.Context, p *pace, s RepairStep) (Outcome, error) {
	switch s.Kind {
	case SetImmutableID:
		if s.Value == "" {
			return Refused, errors.New("there is nothing to make an immutable ID of")
		}
		u, err := f.ad.User(ctx, s.AzureADID)
		switch {
		case err != nil:
			return "", err
		case u.ImmutableID == s.Value && s.Outcome == Unknown:
			return Done, nil
		case u.ImmutableID != "":
			return Skipped, errors.New("the account has an immutable ID already")
		case u.OnPremisesSyncEnabled != nil && *u.OnPremisesSyncEnabled:
			return Skipped, errors.New("the account is synchronised from the premises")
		}
		if err := p.wait(ctx); err != nil {
			return "", err
		}
		if err := f.ad.SetImmutableID(ctx, s.AzureADID, s.Value); err != nil {
			return "", f.explainTaken(ctx, s, err)
		}
		return f.confirmed(ctx, s)
	case BindToDirectory:
		bound, err := f.isBound(ctx, s)
		if outcome, err := settled(s, bound, err, "bound already"); outcome != "" || err != nil {
			return outcome, err
		}
		if err := f.jc.Associate(ctx, s.directory(), s.user()); err != nil {
			return "", err
		}
		return f.confirmed(ctx, s)
	case AddToGroup:
		direct, in, err := f.isMember(ctx, s)
		if s.Outcome == Unknown {
			in = direct // only that can be this step's doing
		}
		if outcome, err := settled(s, in, err, "a member already"); outcome != "" || err != nil {
			return outcome, err
		}
		if err := f.jc.AddGroupMember(ctx, s.Value, s.JumpCloudID); err != nil {
			return "", err
		}
		return f.confirmed(ctx, s)
	}
	return Refused, fmt.Errorf("unknown kind of repair %q", string(s.Kind))
}

// settled decides on a step about a set: what is there already is nobody's, or, if
// this step's answer was lost, most likely its own.
func settled(s RepairStep, is bool, err error, already string) (Outcome, error) {
	switch {
	case err != nil:
		return "", err
	case is && s.Outcome == Unknown:
		return Done, nil
	case is:
		return Skipped, errors.New(already)
	}
	return "", nil
}

func ifNil(o Outcome, err error) (Outcome, error) {
	if err != nil {
		return "", err
	}
	return o, nil
}

// undoOne takes one step back if things are as it left them.
func (f *Federator) undoOne(ctx context.Context, p *pace, s RepairStep) (Outcome, error) {
	switch s.Kind {
	case SetImmutableID:
		u, err := f.ad.User(ctx, s.AzureADID)
		switch {
		case errors.Is(err, aad.ErrNotFound):
			return Skipped, errors.New("the account does not exist any more")
		case err != nil:
			return "", err
		case u.ImmutableID != s.Value:
			return Skipped, errors.New("the account has another immutable ID, or none, by now")
		}
		if err := p.wait(ctx); err != nil {
			return "", err
		}
		return ifNil(Undone, f.ad.SetImmutableID(ctx, s.AzureADID, ""))
	case BindToDirectory:
		bound, err := f.isBound(ctx, s)
		switch {
		case err != nil:
			return "", err
		case !bound:
			return Skipped, errors.New("not bound any more")
		case s.Outcome == Unknown:
			return "", errors.New("bound, but it is not known by whom: unbind the person in JumpCloud if it should not be so")
		}
		return ifNil(Undone, f.jc.Dissociate(ctx, s.directory(), s.user()))
	case AddToGroup:
		direct, _, err := f.isMember(ctx, s)
		switch {
		case err != nil:
			return "", err
		case !direct:
			return Skipped, errors.New("no member any more")
		case s.Outcome == Unknown:
			return "", errors.New("a member, but it is not known by whom: remove the person from the group in JumpCloud if it should not be so")
		}
		return ifNil(Undone, f.jc.RemoveGroupMember(ctx, s.Value, s.JumpCloudID))
	}
	return "", fmt.Errorf("unknown kind of repair %q", string(s.Kind))
}

// isBound reports whether the user is bound to the directory directly.
func (f *Federator) isBound(ctx context.Context, s RepairStep) (bool, error) {
	for o, err := range f.jc.Associations(ctx, s.user(), jumpcloud.DirectoryObject) {
		if err != nil {
			return false, err
		}
		if o.ID == s.Value {
			return true, nil
		}
	}
	return false, nil
}

// isMember reports whether the user is in the group, directly and in any way.
func (f *Federator) isMember(ctx context.Context, s RepairStep) (direct, in bool, err error) {
	for r, err := range f.jc.Traverse(ctx, s.user(), jumpcloud.GroupObject) {
		if err != nil {
			return false, false, err
		}
		if r.ID != s.Value {
			continue
		}
		if len(r.Paths) > 0 {
			return slices.ContainsFunc(r.Paths, func(way []jumpcloud.Object) bool { return len(way) == 1 }), true, nil
		}
		// The way is not told: the group knows who is in it by itself.
		for id, err := range f.jc.GroupMembers(ctx, s.Value) {
			if err != nil {
				return false, false, err
			}
			if id == s.JumpCloudID {
				return true, true, nil
			}
		}
		return false, true, nil
	}
	return false, false, nil
}
