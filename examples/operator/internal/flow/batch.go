package flow

import (
	"errors"
	"maps"
	"slices"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// batchTurns is how many turns are given at once.
const batchTurns = 50

// Batch gives turns ([SignalTurn]) to domains that exist by themselves, wave by wave, and is
// told by each how it went ([SignalOutcome]). A wave begins when every domain of the one before
// is effective (or federated, if [BatchIn] says so), skipped by a person, or withdrawn. It ends
// when that is true of the last wave.
//
// A domain that waits, for people, an approval or the services, keeps the next wave waiting and
// is no failure. After as many failures as [BatchIn] says, or by [UpdatePause], no turn is
// given any more; those that have theirs go on. [UpdateResume] counts failures anew.
// [UpdateSkip] takes a domain out, whatever it does: a failure of it counts all the same. One
// that has not had its turn will have none, and is told so: its approval is void.
// [QueryState] tells a [BatchState].
func (w *Workflows) Batch(ctx workflow.Context, in BatchIn) error {
	b := &batchRun{w: w, in: in, show: w.ShowBatch, outcomes: workflow.GetSignalChannel(ctx, SignalOutcome)}
	if err := b.begin(); err != nil {
		return err
	}
	if err := b.handle(ctx); err != nil {
		return err
	}
	b.changed(ctx)
	workflow.Go(ctx, func(ctx workflow.Context) {
		// What is waited for is not received: one that comes in the task which continues as
		// new stays in the channel, for carryOn.
		for workflow.Await(ctx, func() bool { return b.outcomes.Len() > 0 }) == nil {
			b.drain(ctx)
		}
	})
	for {
		if err := workflow.Await(ctx, func() bool { return b.ready() || b.mayContinue(ctx) }); err != nil {
			return err
		}
		switch {
		case b.over():
			return b.end(ctx)
		case b.mayContinue(ctx):
			return b.carryOn(ctx)
		case b.next():
			b.state.Wave++
			b.changed(ctx)
		}
		if err := b.turns(ctx); err != nil {
			return err
		}
	}
}

// batchRun is one run of a Batch.
type batchRun struct {
	w        *Workflows
	in       BatchIn
	state    BatchState
	show     func(BatchState)
	outcomes workflow.ReceiveChannel
	told     bool // something happened in this run
}

// begin makes the state of what begins or is carried on.
func (b *batchRun) begin() error {
	if b.in.State != nil {
		b.state = *b.in.State
	} else {
		b.state = BatchState{Batch: b.in.Batch, Waves: b.in.Waves}
	}
	b.state.Waves = slices.DeleteFunc(slices.Clone(b.state.Waves), func(w []string) bool { return len(w) == 0 })
	outcomes := make(map[string]Outcome)
	for _, wave := range b.state.Waves {
		for _, domain := range wave {
			if domain == "" || outcomes[domain] != "" {
				return temporal.NewNonRetryableApplicationError(
					"a batch names each of its domains once; this one has "+domain+" twice, or an empty name", "input", nil)
			}
			outcomes[domain] = OutcomeWaiting
		}
	}
	if len(outcomes) == 0 {
		return temporal.NewNonRetryableApplicationError("a batch needs a domain at least", "input", nil)
	}
	maps.Copy(outcomes, b.state.Outcomes)
	b.state.Outcomes = outcomes
	return nil
}

// handle sets the handlers. That of a skip waits until the domain is told.
func (b *batchRun) handle(ctx workflow.Context) error {
	err := workflow.SetQueryHandlerWithOptions(ctx, QueryState, func() (BatchState, error) {
		return b.state, nil
	}, workflow.QueryHandlerOptions{Description: "how far the batch is"})
	if err != nil {
		return err
	}
	err = workflow.SetUpdateHandlerWithOptions(ctx, UpdatePause, func(ctx workflow.Context) error {
		b.state.Stopped, b.state.Why = true, "somebody stopped it"
		b.changed(ctx)
		return nil
	}, workflow.UpdateHandlerOptions{Validator: func(ctx workflow.Context) error {
		if b.state.Stopped {
			return refuse("the batch is stopped already: " + b.state.Why)
		}
		return b.may(ctx)
	}})
	if err != nil {
		return err
	}
	err = workflow.SetUpdateHandlerWithOptions(ctx, UpdateResume, func(ctx workflow.Context) error {
		b.state.Stopped, b.state.Why, b.state.Failed = false, "", 0
		b.changed(ctx)
		return nil
	}, workflow.UpdateHandlerOptions{Validator: func(ctx workflow.Context) error {
		if !b.state.Stopped {
			return refuse("the batch is not stopped")
		}
		return b.may(ctx)
	}})
	if err != nil {
		return err
	}
	return workflow.SetUpdateHandlerWithOptions(ctx, UpdateSkip, func(ctx workflow.Context, arg SkipArg) error {
		waits := b.state.Outcomes[arg.Domain] == OutcomeWaiting
		b.state.Outcomes[arg.Domain] = OutcomeSkipped
		b.changed(ctx)
		if waits && workflow.GetVersion(ctx, versionSkip, workflow.DefaultVersion, versionSkipNow) >= 1 {
			b.noTurn(ctx, arg.Domain)
		}
		return nil
	}, workflow.UpdateHandlerOptions{Validator: func(ctx workflow.Context, arg SkipArg) error {
		outcome, ok := b.state.Outcomes[arg.Domain]
		switch {
		case !ok:
			return refuse("the batch does not have this domain")
		case b.settled(outcome):
			return refuse("nothing waits for this domain: it is " + string(outcome))
		}
		return b.may(ctx)
	}})
}

// noTurn tells a domain that it will have no turn.
func (b *batchRun) noTurn(ctx workflow.Context, domain string) {
	s := TurnSignal{Batch: b.state.Batch, Skipped: true}
	err := workflow.SignalExternalWorkflow(ctx, DomainID(domain), "", SignalTurn, s).Get(ctx, nil)
	if err != nil && ctx.Err() == nil && !batchGone(err) {
		workflow.GetLogger(ctx).Error("a skipped domain was not told", "domain", domain, "error", err)
	}
}

// may is what the validators of all updates end with.
func (b *batchRun) may(ctx workflow.Context) error {
	if b.state.Done {
		return refuse("the batch is over")
	}
	return b.w.admits(ctx)
}

// take writes down how it went with a domain. What comes late or twice changes nothing.
func (b *batchRun) take(ctx workflow.Context, s OutcomeSignal) {
	b.told = true
	was, ok := b.state.Outcomes[s.Domain]
	if !ok || was == s.Outcome {
		return
	}
	switch s.Outcome {
	case OutcomeFederated:
		if was == OutcomeEffective || was == OutcomeSkipped {
			return
		}
	case OutcomeEffective:
		if was == OutcomeSkipped {
			return
		}
	case OutcomeWithdrawn:
		if b.settled(was) {
			return
		}
	case OutcomeWaiting: // it was approved anew, and asks for another turn
	case OutcomeFailed:
		b.state.Failed++
		if b.state.Failed >= max(b.in.Failures, 1) && !b.state.Stopped {
			b.state.Stopped, b.state.Why = true, "too many domains failed"
		}
	default:
		return
	}
	b.state.Outcomes[s.Domain] = s.Outcome
	b.changed(ctx)
}

// turns gives their turns to those that wait for them, some at once.
func (b *batchRun) turns(ctx workflow.Context) error {
	if b.state.Stopped {
		return nil
	}
	given := b.due()
	if len(given) == 0 {
		return nil
	}
	given = given[:min(len(given), batchTurns)]
	b.told = true
	sent := make([]workflow.Future, len(given))
	for i, domain := range given {
		// Before it is sent: how it went may be told before it is known that it was sent.
		b.state.Outcomes[domain] = OutcomeTurn
		sent[i] = workflow.SignalExternalWorkflow(ctx, DomainID(domain), "", SignalTurn, TurnSignal{Batch: b.state.Batch})
	}
	b.changed(ctx)
	for i, domain := range given {
		err := sent[i].Get(ctx, nil)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil || b.state.Outcomes[domain] != OutcomeTurn {
			continue
		}
		workflow.GetLogger(ctx).Error("a turn was not given", "domain", domain, "error", err)
		if batchGone(err) {
			b.state.Outcomes[domain] = OutcomeWithdrawn
		} else {
			b.state.Outcomes[domain] = OutcomeWaiting
			b.state.Stopped, b.state.Why = true, "the turn of "+domain+" could not be given"
		}
		b.changed(ctx)
	}
	return nil
}

// due are the domains whose turn it is and who have not had it.
func (b *batchRun) due() []string {
	var due []string
	for _, wave := range b.state.Waves[:min(b.state.Wave+1, len(b.state.Waves))] {
		for _, domain := range wave {
			if b.state.Outcomes[domain] == OutcomeWaiting {
				due = append(due, domain)
			}
		}
	}
	return due
}

// ready says that there is something to do.
func (b *batchRun) ready() bool {
	return b.over() || b.next() || !b.state.Stopped && len(b.due()) > 0
}

// next says that the next wave may begin. A domain of an earlier one that has failed since
// keeps it waiting as well.
func (b *batchRun) next() bool {
	return !b.state.Stopped && b.state.Wave+1 < len(b.state.Waves) && b.passed(b.state.Wave)
}

// over says that nothing is left to wait for.
func (b *batchRun) over() bool {
	return b.passed(len(b.state.Waves) - 1)
}

// passed says that nothing waits for any domain of the waves up to this one.
func (b *batchRun) passed(last int) bool {
	for _, wave := range b.state.Waves[:last+1] {
		for _, domain := range wave {
			if !b.settled(b.state.Outcomes[domain]) {
				return false
			}
		}
	}
	return true
}

// settled says that the next wave need not wait for a domain of this outcome.
func (b *batchRun) settled(o Outcome) bool {
	switch o {
	case OutcomeFederated:
		return b.in.Federated
	case OutcomeEffective, OutcomeSkipped, OutcomeWithdrawn:
		return true
	}
	return false
}

// changed shows the state.
func (b *batchRun) changed(ctx workflow.Context) {
	if b.show == nil || workflow.IsReplaying(ctx) {
		return
	}
	s := b.state
	s.Outcomes = maps.Clone(s.Outcomes)
	b.show(s)
}

// end ends the batch. A domain that tells more finds nobody, and needs nobody.
func (b *batchRun) end(ctx workflow.Context) error {
	b.state.Done, b.state.Stopped, b.state.Why = true, false, ""
	b.changed(ctx)
	return workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
}

// mayContinue says that this run is long enough.
func (b *batchRun) mayContinue(ctx workflow.Context) bool {
	return b.told && historyLong(ctx)
}

// drain takes all outcomes that were told.
func (b *batchRun) drain(ctx workflow.Context) {
	for {
		var s OutcomeSignal
		if !b.outcomes.ReceiveAsync(&s) {
			return
		}
		b.take(ctx, s)
	}
}

// carryOn continues as new, with what was told until then in the state. Those that wait are
// not carried: they are those of which nothing is known.
func (b *batchRun) carryOn(ctx workflow.Context) error {
	if err := workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) }); err != nil {
		return err
	}
	b.drain(ctx)
	in, state := b.in, b.state
	state.Outcomes = maps.Clone(state.Outcomes)
	maps.DeleteFunc(state.Outcomes, func(_ string, o Outcome) bool { return o == OutcomeWaiting })
	in.Waves, in.State = nil, &state
	return workflow.NewContinueAsNewError(ctx, workflow.GetInfo(ctx).WorkflowType.Name, in)
}

// batchGone says that there is no such workflow.
func batchGone(err error) bool {
	var unknown *temporal.UnknownExternalWorkflowExecutionError
	var notFound *serviceerror.NotFound
	return errors.As(err, &unknown) || errors.As(err, &notFound)
}
