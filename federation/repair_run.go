package federation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	// writeInterval keeps to the 3,000 writes in 150 seconds that Microsoft
	// publishes for one application in one tenant.
	writeInterval = 50 * time.Millisecond

	// repairWorkers keep up with it as long as a person takes no more than 0.4 s.
	repairWorkers = 8
)

// Repair carries out the steps of a report that are not done yet: those that
// PreviewRepair has planned, or that an earlier Repair has left. Nothing is done that
// the report does not list; [Options.Confirm] is asked once, before the first write.
//
// Each person is looked at before the write. Who has been put right meanwhile is
// skipped, and nobody's immutable ID is ever replaced. A person whom a service
// refuses does not stop the others, not even a 403: an administrator's account is
// more than many permissions reach. Steps of one kind end when the access token can
// be read and lacks the permission, or when the first five people were refused with
// 403 and nobody has succeeded; those who are left say so. Whatever the report says
// is done was read back; what a service has said yes to, and does not show within
// [Options.Settle], is unknown. When ctx ends nothing more is sent.
//
// The returned report is never nil, and can be handed to Repair again, or to
// [Federator.Revert], which takes back what was done; the one that was passed in is
// not changed.
func (f *Federator) Repair(ctx context.Context, rep *Report) (*Report, error) {
	if rep == nil {
		rep = new(Report)
	}
	out := *rep
	out.Steps, out.Findings = slices.Clone(rep.Steps), slices.Clone(rep.Findings)
	out.Started, out.Error = f.now().UTC(), ""
	r := &repairing{
		f: f, rep: &out, journal: journal{f: f, rep: &out}, phase: PhaseApply,
		den: newDenials(f), said: make(map[int]bool), began: time.Now(),
	}
	err := r.repair(ctx, rep)
	out.Finished = f.now().UTC()
	if err != nil {
		out.Error = err.Error()
	}
	err = r.journal.last(ctx, err)
	f.emit(context.WithoutCancel(ctx), Event{Phase: PhaseDone, Domain: out.Plan.Domain, Text: out.summary("made"),
		Done: r.done, Total: r.total, Elapsed: max(time.Since(r.began), 1), Err: err})
	return &out, err
}

// A repairing is one Repair, or one Revert of it, in progress: changes of many
// people, several at a time. Each person is looked at right before the change is
// sent, and what came of it is read back.
type repairing struct {
	f   *Federator
	rep *Report

	journal journal
	of      *Report // what is undone, if it is a Revert

	was   []*Step // what is known of each step of rep from before
	phase Phase   // PhaseApply, or PhaseUndo
	pace  pace
	den   *denials
	began time.Time

	managed managed             // while sign-ins are taken away
	others  map[string]*managed // other domains, to which people were moved
	twice   bool                // what looks undone is looked at once more, at once

	mu          sync.Mutex
	said        map[int]bool // to which steps a service has said yes
	done, total int
}

func (r *repairing) repair(ctx context.Context, rep *Report) error {
	switch {
	case rep.Repair == nil:
		return errors.New("federation: this is no report of a repair: PreviewRepair makes one")
	case slices.ContainsFunc(rep.Steps, func(s Step) bool { return s.Change.takesAway() }):
		return errors.New("federation: this is the report of a Revert: hand it to Revert to have the repair again")
	}
	unlock, err := r.f.lock(ctx, rep.Plan.Domain)
	if err != nil {
		return err
	}
	defer unlock()
	var todo []int
	for i := range rep.Steps {
		r.was = append(r.was, &rep.Steps[i])
		if o := rep.Steps[i].Outcome; o == Planned || o == Unknown || o == Refused {
			todo = append(todo, i)
		}
	}
	if len(todo) == 0 {
		return nil
	}
	u := &undoing{f: r.f, p: rep.Plan, rep: r.rep}
	if err := u.fits(ctx, rep); err != nil {
		return err
	}
	if _, err := r.confirm(ctx, todo); err != nil {
		return err
	}
	err = r.each(ctx, todo)
	r.readBack(ctx, todo)
	return r.verdict(err, todo)
}

// confirm asks for the changes of the steps, and reports whether it did.
func (r *repairing) confirm(ctx context.Context, todo []int) (asked bool, err error) {
	confirm := r.f.opts.Confirm
	if confirm == nil {
		return false, nil
	}
	r.f.emit(ctx, Event{Phase: PhaseConfirm, Domain: r.rep.Plan.Domain})
	if err := confirm(ctx, r.proposal(todo)); err != nil {
		return true, fmt.Errorf("federation: %w: %w", ErrNotConfirmed, err)
	}
	return true, nil
}

// proposal is what is about to be done.
func (r *repairing) proposal(todo []int) *Proposal {
	p := &Proposal{
		Verb: r.rep.Verb, Domain: r.rep.Plan.Domain, Tenant: r.rep.Tenant, Organization: r.rep.Organization,
		Changes: r.changes(todo), Findings: slices.Concat(r.rep.Consents, r.rep.Findings),
	}
	if p.Repair = r.rep.Repair; r.of != nil {
		p.Repair, p.Revert = nil, []*Report{r.of}
	}
	return r.f.seal(p)
}

func (r *repairing) changes(todo []int) Changes {
	cs := make(Changes, len(todo))
	for k, i := range todo {
		cs[k] = r.rep.Steps[i].Change
	}
	return cs
}

// each makes the changes of the steps, several at a time, until one fails in a way
// that all others would.
func (r *repairing) each(ctx context.Context, todo []int) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var wg sync.WaitGroup
	next := make(chan int)
	r.total = max(r.total, len(todo))
	for range min(repairWorkers, len(todo)) {
		wg.Go(func() {
			for i := range next {
				if ctx.Err() != nil {
					continue
				}
				if err := r.step(ctx, i); err != nil {
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
	return context.Cause(ctx)
}

// step makes the change of one step, and files what came of it. It returns an error
// that ends all of them.
func (r *repairing) step(ctx context.Context, i int) error {
	s := &r.rep.Steps[i]
	if why := r.den.over(s.Change.Resource); why != nil {
		return r.journal.after(ctx, false, func() { s.Error = "not tried: " + why.Error() })
	}
	began, started, was, attempts := time.Now(), r.f.now().UTC(), s.Outcome, s.Attempts
	outcome, err := r.one(ctx, s, r.was[i].Outcome)
	r.den.note(ctx, s.Change, outcome, err)
	stored := r.journal.after(ctx, s.Attempts > attempts || s.Outcome != was, func() {
		s.Started, s.Elapsed = started, time.Since(began)
		s.RequestID, s.Error = requestID(err), ""
		if err != nil {
			s.Error = err.Error()
		}
		switch {
		case outcome != "":
			s.Outcome = outcome
		case unknown(err):
			s.Outcome = Unknown
		case ctx.Err() != nil: // not sent
			s.Outcome, s.Error, s.RequestID = was, "", ""
		default:
			s.Outcome = Refused
		}
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said[i] = errors.Is(err, errNotShown)
	r.done++
	left := time.Duration(float64(time.Since(r.began)) / float64(r.done) * float64(r.total-r.done))
	r.f.emit(ctx, Event{Phase: r.phase, Domain: r.rep.Plan.Domain, Change: &s.Change, Elapsed: max(s.Elapsed, 1), Err: err,
		Done: r.done, Total: r.total, Text: fmt.Sprintf("%s, about %v left", s.Outcome, left.Round(time.Second))})
	if hopeless(err) || errors.Is(err, ErrDiffers) || errors.Is(err, ErrNotStored) {
		return err
	}
	if stored != nil {
		return stored
	}
	return nil
}

// one looks at one person and, if it is still needed, makes the change.
func (r *repairing) one(ctx context.Context, s *Step, was Outcome) (Outcome, error) {
	sent := was
	if r.phase == PhaseUndo {
		sent = s.Outcome
	}
	looked := time.Now()
	if outcome, err := r.look(ctx, s, was, sent); outcome != "" || err != nil {
		return outcome, err
	}
	if s.Change.ofImmutableID() {
		if err := r.pace.wait(ctx); err != nil {
			return "", err
		}
	}
	if err := r.journal.before(ctx, s, s.Change); err != nil {
		return "", err
	}
	if time.Since(looked) > freshRead { // it took its time to store the report
		if outcome, err := r.look(ctx, s, was, sent); outcome != "" || err != nil {
			return outcome, err
		}
	}
	r.journal.mu.Lock()
	s.Attempts++
	r.journal.mu.Unlock()
	if err := r.f.sendPerson(ctx, s.Change); err != nil {
		return "", err
	}
	if r.shows(ctx, s.Change) {
		return Done, nil
	}
	return Unknown, errNotShown
}

// look returns what comes of a step without a write; "" if there has to be one. What
// is known of the step from before is sent.
func (r *repairing) look(ctx context.Context, s *Step, was, sent Outcome) (Outcome, error) {
	at, why, err := r.f.personStands(ctx, s.Change, was)
	if r.twice && err == nil && at == undone {
		at, why, err = r.f.personStands(ctx, s.Change, was)
	}
	undoes := r.phase == PhaseUndo
	switch {
	case err != nil && sent == Unknown && undoes:
		return Unknown, err
	case err != nil:
		return "", err
	case at == undone && sent == Unknown:
		return Done, nil // most likely this step's own doing
	case at == differs && undoes:
		return Left, errors.New(why)
	case at != asLeft:
		return Skipped, errors.New(why)
	}
	if s.Change.takesAway() {
		if why, err := r.moved(ctx, s.Change); err != nil {
			return "", err
		} else if why != "" {
			return Left, errors.New(why)
		}
		return r.managed.still(ctx, r.f, r.rep.Plan.Domain)
	}
	return "", nil
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

// verdict is what came of the steps as an error: why they ended, if they did, or what
// was refused or is unknown; and what stays because it is not what the steps left.
func (r *repairing) verdict(err error, todo []int) error {
	over := r.den.all()
	refused, open := r.rep.Count(Refused), r.rep.Count(Unknown)
	switch {
	case err != nil:
	case over != nil:
		err = fmt.Errorf("federation: %w; left: %s", over, r.names(todo, Planned, Refused, Unknown))
	case refused > 0:
		err = fmt.Errorf("federation: %d of %d steps were refused; left: %s", refused, len(todo), r.names(todo, Planned, Refused, Unknown))
	case open > 0:
		err = fmt.Errorf("federation: the outcome of %d steps is unknown; call again to look", open)
	}
	if errors.Is(err, ErrDiffers) {
		return err
	}
	errs := []error{err}
	var whys []string
	stays := make(map[string][]int)
	for _, i := range todo {
		if s := &r.rep.Steps[i]; s.Outcome == Left {
			if stays[s.Error] == nil {
				whys = append(whys, s.Error)
			}
			stays[s.Error] = append(stays[s.Error], i)
		}
	}
	for _, why := range whys {
		errs = append(errs, fmt.Errorf("federation: %w, so this is not undone: %s: %s", ErrDiffers, r.names(stays[why], Left), why))
	}
	return errors.Join(errs...)
}

// names names the people whose steps have one of the outcomes; the report says of
// each step why.
func (r *repairing) names(steps []int, outcomes ...Outcome) string {
	var names []string
	seen := make(map[string]bool)
	for _, i := range slices.Sorted(slices.Values(steps)) {
		s := &r.rep.Steps[i]
		if who := s.Change.person(); slices.Contains(outcomes, s.Outcome) && !seen[who] {
			seen[who] = true
			names = append(names, who)
		}
	}
	return some(names, ", ") + "; the report says why"
}
