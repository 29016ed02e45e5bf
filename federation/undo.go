package federation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Revert undoes what a report says was done, last first, so that each thing is
// again as it was before the run. The report may be one of Federate, Defederate,
// Repair or Revert, whole or of a run that failed or died.
//
// Nobody who can sign in loses that. All steps are judged before the first of
// them is undone, and again after [Options.Confirm]; if one of these holds,
// nothing is undone and the error is a [*PreconditionError] that says what to do:
// the domain's federation belongs to somebody else or to a later run, somebody
// would newly lose their sign-in (unless the report's Plan.Consent, which the
// caller may set, covers them), the tenant or the organisation is not the
// report's, or the token is known to lack a permission.
//
// What sign-in through the application depends on (application, groups, members,
// the directory's groups, technical account, role, default domain) is taken away
// only once the domain was seen twice, a quarter of a minute apart, to be
// managed, gone, or federated with another issuer. A domain that was federated
// with the application before the run never gets there: what the run has added
// stays.
//
// A step stays alone, too, if what it made was renamed, is used by others or by
// another federated domain, or is not certainly the run's. Such a step is
// [Left], with the reason and what to do in its Error, and the error wraps
// [ErrDiffers]: Revert can be called again when that is done. What is as it was
// before the run already is [Skipped]; while the run is younger than
// [Options.Settle], it is looked at for the rest of that time, because an answer
// may be older than the run.
//
// A rotation of the certificate is no obstacle to taking a federation away: it goes with
// the certificates and addresses that it has now. While one is under way, no value of a
// standing federation is led back, and at no time a certificate that JumpCloud does not
// sign with.
//
// Three directions have rules of their own. Taking a federation away is refused
// for nobody: people sign in with Azure AD passwords from then on, and the report
// names the accounts that were created since the run. Bringing a federation with
// JumpCloud back passes every gate of Federate, people included. Another
// provider's is brought back if its certificate is in date; nobody here can check
// more, and people without an immutable ID need consent.
//
// What a Repair has given to people is what they sign in by while their domain is
// federated, with whomever. It is taken back only while the domain is seen to be
// managed, or gone, and from each person only what is as the repair has left it. Who
// is on another domain by now keeps it while that one is federated. That somebody is
// bound, or a member, where the repair's own answer was lost, may be anybody's doing
// and stays. Of such a report the people are looked at one by one, right before each
// write, because there may be tens of thousands.
func (f *Federator) Revert(ctx context.Context, rep *Report) (*Report, error) {
	if rep == nil {
		rep = new(Report)
	}
	u := f.newRevert(rep)
	err := u.revert(ctx, rep)
	return u.rep, u.finish(ctx, err, "undone")
}

func (f *Federator) newRevert(rep *Report) *undoing {
	return &undoing{f: f, p: rep.Plan, of: rep, began: time.Now(), rep: &Report{
		Version: reportVersion, Verb: VerbRevert, Plan: rep.Plan, Repair: rep.Repair, Tenant: rep.Tenant, Organization: rep.Organization,
		Started: f.now(), Steps: []Step{},
	}}
}

// An undoing is one Revert or Defederate in progress.
type undoing struct {
	f     *Federator
	p     Plan
	rep   *Report
	steps []*undoStep // in the order in which they are made
	began time.Time   // the report has it by the clock of the options

	of       *Report         // what is undone, or
	plan     *DefederatePlan // what is ended
	only     bool            // nothing is to be done but to judge
	changes  Changes         // what is to be done
	approved *approval
	heirs    []string // IDs of federations that a Revert has brought back
	earlier  []Step   // what calls for other reports of the same approval have sent
	elders   []Step   // of older runs, which are undone after this one

	keys    storedKey // what the key store has said
	sight   sighting  // what was read when the steps were judged last
	took    bool      // this call took the federation away, or gave it to another provider
	freed   bool      // the domain was seen to depend on the application no more
	freedAt time.Time // when it was seen last
	stuck   string    // why it was not
}

func (u *undoing) revert(ctx context.Context, rep *Report) error {
	if u.p.Domain == "" {
		return errors.New("federation: this is no report of a run: it names no domain")
	}
	unlock, err := u.f.lock(ctx, u.p.Domain)
	if err != nil {
		return err
	}
	defer unlock()
	if rep.Repair != nil {
		return u.revertRepair(ctx, rep)
	}
	for _, s := range slices.Backward(rep.Steps) {
		if s.Outcome != Refused && s.Outcome != Skipped && s.Outcome != Left && s.Outcome != Planned {
			u.steps = append(u.steps, newUndoStep(s))
		}
	}
	if len(u.steps) == 0 {
		return nil
	}
	if err := u.fits(ctx, rep); err != nil {
		return err
	}
	return u.run(ctx)
}

// run judges the steps, asks, judges again and makes them.
func (u *undoing) run(ctx context.Context) error {
	told, consents := len(u.rep.Findings), len(u.rep.Consents)
	if err := u.judge(ctx); err != nil {
		return err
	}
	u.steps = slices.DeleteFunc(u.steps, func(s *undoStep) bool { return s.perhaps && s.at == undone })
	u.changes = u.open()
	if u.only {
		return nil
	}
	if confirm := u.f.opts.Confirm; confirm != nil && len(u.changes) > 0 {
		u.f.emit(ctx, Event{Phase: PhaseConfirm, Domain: u.p.Domain})
		p := u.proposal()
		if err := confirm(ctx, p); err != nil {
			return fmt.Errorf("federation: %w: %w", ErrNotConfirmed, err)
		}
		u.approved = approve(p)
		u.rep.Findings, u.rep.Consents = u.rep.Findings[:told], u.rep.Consents[:consents] // the judgement is told anew
		if err := u.judge(ctx); err != nil {
			return err
		}
		u.changes = u.open()
	}
	if err := u.approved.objections(u.changes, lostBy(slices.Concat(u.rep.Consents, u.rep.Findings)), u.earlier); err != nil {
		return err
	}
	var errs []error
	stays := make(map[string][]string) // by reason
	var reasons []string
	for _, s := range u.steps {
		began := time.Now()
		s.Started = u.f.now()
		s.filed = len(u.rep.Steps)
		u.rep.Steps = append(u.rep.Steps, s.Step)
		err := u.make(ctx, s)
		s.Elapsed = time.Since(began)
		u.f.emit(ctx, Event{Phase: PhaseUndo, Domain: u.p.Domain, Change: &s.Change,
			Text: string(s.Outcome), Elapsed: max(s.Elapsed, 1), Err: err})
		switch {
		case err == nil:
		case s.Outcome == Left:
			s.Error = s.why
			if stays[s.why] == nil {
				reasons = append(reasons, s.why)
			}
			stays[s.why] = append(stays[s.why], s.Change.String())
		default:
			s.Error = err.Error()
			errs = append(errs, &StepError{PhaseUndo, s.Change, err})
		}
		u.rep.Steps[s.filed] = s.Step
		if ctx.Err() != nil || errors.Is(err, ErrNotStored) {
			break
		}
	}
	for _, why := range reasons {
		errs = append(errs, fmt.Errorf("federation: %w, so this is not done: %s: %s", ErrDiffers, strings.Join(stays[why], ", "), why))
	}
	return errors.Join(errs...)
}

// open are the changes that are to be made.
func (u *undoing) open() (changes Changes) {
	for _, s := range u.steps {
		if s.at == asLeft && s.why == "" {
			changes = append(changes, s.Change)
		}
	}
	return changes
}

// make brings one step back, unless it stays or is undone already.
func (u *undoing) make(ctx context.Context, s *undoStep) (err error) {
	if s.at == asLeft && s.why == "" && s.losing {
		reason, err := u.release(ctx)
		if err != nil {
			s.Outcome = Skipped
			return err
		}
		s.why = reason
	}
	switch {
	case s.at == undone:
		s.Outcome = Skipped
		return nil
	case s.why != "":
		s.Outcome = Left
		return ErrDiffers
	case s.Change.federates():
		if s.why, err = u.stillStanding(ctx, s); s.why != "" {
			s.Outcome = Left
			return ErrDiffers
		} else if err != nil {
			s.Outcome = Skipped
			return err
		}
	}
	if err := u.bring(ctx, s); err != nil {
		return err
	}
	if len(s.leftFields) > 0 {
		return fmt.Errorf("%w: %s: set it by hand if it is still wanted", ErrDiffers, strings.Join(s.leftFields, ", "))
	}
	return nil
}

// differsLooks is how many looks in a row must find another state than the step
// left before the step is left alone; apart is how far apart two looks must be
// before what they show is taken for gone.
const (
	differsLooks = 4
	apart        = 15 * time.Second
)

// young reports whether the step that is undone was sent so shortly ago that a
// replica may not show what it made.
func (u *undoing) young(s *undoStep) bool {
	age := max(u.rep.Started.Sub(s.begun), 0) // its clock may have been ahead
	return (s.of == Done || s.of == Made || s.of == Unknown || s.of == "") && age < u.f.opts.Settle-time.Since(u.began)
}

// bring makes the change: look, send, look until it shows twice in a row.
func (u *undoing) bring(ctx context.Context, s *undoStep) error {
	ctx, cancel := context.WithTimeoutCause(ctx, u.f.opts.Settle, ErrNotConverged)
	defer cancel()
	c := s.Change
	s.Outcome = Skipped
	seen, differing := 0, 0
	var gone time.Time // since when it looks undone, without our doing
	var last error
	for n := 1; ; n++ {
		at, why, err := u.stands(ctx, s)
		switch {
		case err != nil && !temporary(err):
			return err
		case err != nil:
			last, seen = err, 0
		case at == undone && s.Outcome == Skipped:
			if gone.IsZero() {
				gone = time.Now()
			} else if since(ctx, gone) >= apart {
				return nil // it was there when the steps were judged: somebody was faster
			}
		case at == undone:
			if seen++; seen == 2 {
				s.Outcome, s.Error = Done, ""
				return nil
			}
			continue // at once: a second look
		case at == differs && s.Outcome == Skipped:
			// Two answers of different age can look like somebody's doing.
			gone, last = time.Time{}, fmt.Errorf("%w: %s", ErrDiffers, why)
			if differing++; differing == differsLooks {
				s.Outcome, s.why = Left, why
				return last
			}
		default:
			seen, differing, gone = 0, 0, time.Time{}
			if s.Outcome == Skipped || s.Outcome == Unknown {
				u.f.emit(ctx, Event{Phase: PhaseUndo, Domain: u.p.Domain, Change: &c, Attempt: n})
				s.Attempts++
				storing := time.Now()
				if err := u.stored(ctx, s, Unknown); err != nil {
					if s.Outcome == Skipped {
						s.Outcome = Refused
					}
					return err
				}
				if time.Since(storing) > freshRead { // what was judged is judged again
					at, why, err := u.stands(ctx, s)
					if err == nil && at == asLeft && why == "" {
						why, err = u.mustStay(ctx, s)
					}
					switch {
					case err != nil && !temporary(err):
						return errors.Join(err, u.stored(ctx, s, s.Outcome))
					case why != "" && at == asLeft && s.Outcome == Skipped:
						s.Outcome, s.why = Left, why
						return errors.Join(ErrDiffers, u.stored(ctx, s, s.Outcome))
					case err != nil || at != asLeft || why != "":
						continue // not sent
					}
				}
				switch err := u.send(ctx, s); {
				case err == nil:
					s.Outcome, last = Made, nil
				case temporary(err) || notThere(err) || unknown(err):
					s.Outcome, last = Unknown, err
				default:
					s.Outcome, s.RequestID = Refused, requestID(err)
					return errors.Join(err, u.stored(ctx, s, Refused))
				}
				u.sent(s)
				if err := u.stored(ctx, s, s.Outcome); err != nil {
					return err
				}
				if s.Outcome == Made {
					continue // look at once
				}
			}
		}
		u.f.emit(ctx, Event{Phase: PhaseWait, Domain: u.p.Domain, Change: &c, Attempt: n, Err: last})
		if err := sleep(ctx, backoff(n)); err != nil {
			return errors.Join(err, last)
		}
	}
}

// stored stores the report with a step as it is, or as what its outcome will be if
// nothing else is heard of it.
func (u *undoing) stored(ctx context.Context, s *undoStep, outcome Outcome) error {
	u.rep.Steps[s.filed] = s.Step
	u.rep.Steps[s.filed].Outcome = outcome
	return u.f.store(ctx, u.rep)
}

// mustStay says why a step must not be made any more that was judged a while ago: what
// people sign in by is gone, or the domain depends again on what it takes away.
func (u *undoing) mustStay(ctx context.Context, s *undoStep) (why string, err error) {
	switch {
	case s.Change.federates():
		return u.stillStanding(ctx, s)
	case s.losing:
		return u.release(ctx)
	}
	return "", nil
}

// sent notes that the domain may not depend on the application any more.
func (u *undoing) sent(s *undoStep) {
	if s.Change.ofFederation() && s.Change.Action != Create {
		u.took = true
	}
}

// finish completes the report, whatever came of the call.
func (u *undoing) finish(ctx context.Context, err error, what string) error {
	rep := u.rep
	if u.sight.read && ctx.Err() == nil {
		if rep.After = rep.Before; rep.Changed() {
			rep.After = ""
			if s, err := u.f.lookAtDomain(ctx, u.p); err == nil {
				rep.After = s.state(u.p)
			}
		}
	}
	rep.Finished = u.f.now()
	if err != nil {
		rep.Error = err.Error()
	}
	j := journal{f: u.f, rep: rep}
	err = j.last(ctx, err)
	u.f.emit(ctx, Event{Phase: PhaseDone, Domain: u.p.Domain, Text: rep.summary(what), Elapsed: rep.Finished.Sub(rep.Started), Err: err})
	return err
}
