package desk

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/jcaad/jcaad/examples/operator/internal/audit"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/examples/operator/internal/page"
)

// Verbs of [page.Act] that are no updates.
const (
	verbBatch = "batch"
	verbLook  = "look"
)

// What the audit says of how an act went. It has one entry before each act; a second one
// follows if the act was not done.
const (
	asked       = "asked"
	refused     = "refused: "
	notRecorded = "not recorded: "
	taken       = "taken by a worker that did not tell in time what came of it"
)

// mostActs is how many acts are remembered as done.
const mostActs = 2000

// acts are those that were done or are under way, so that one that is sent again, or
// twice at once, is done once.
type acts struct {
	done  map[string][sha256.Size]byte // what was done, by ID
	order []string
	under map[string]chan struct{}
}

func newActs() acts {
	return acts{done: make(map[string][sha256.Size]byte), under: make(map[string]chan struct{})}
}

// whatOf is what an act is about: equal for one that is sent again, wherever from.
func whatOf(act page.Act) [sha256.Size]byte {
	act.Actor.From = ""
	b, err := json.Marshal(act)
	if err != nil {
		panic(err) // texts, numbers and booleans
	}
	return sha256.Sum256(b)
}

// enter waits for the same act to end, and reports whether it was done. The ID of another
// one is an error: that one was done.
func (d *Desk) enter(ctx context.Context, id string, what [sha256.Size]byte) (done bool, err error) {
	for {
		d.mu.Lock()
		if was, ok := d.acts.done[id]; ok {
			d.mu.Unlock()
			if was != what {
				return true, errors.New("the form was used already, for something else, which was done: load the page again")
			}
			return true, nil
		}
		other, busy := d.acts.under[id]
		if !busy {
			d.acts.under[id] = make(chan struct{})
			d.mu.Unlock()
			return false, nil
		}
		d.mu.Unlock()
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-other:
		}
	}
}

func (d *Desk) leave(id string, what [sha256.Size]byte, done bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	close(d.acts.under[id])
	delete(d.acts.under, id)
	if !done {
		return
	}
	d.acts.done[id] = what
	if d.acts.order = append(d.acts.order, id); len(d.acts.order) > mostActs {
		delete(d.acts.done, d.acts.order[0])
		d.acts.order = d.acts.order[1:]
	}
}

// Act does what a person has decided. The audit has it before; when it returns nil, the
// workflow has it as well. An error that is [page.ErrNoWorker] says that nobody has taken
// it, and that nobody will; one that is [page.ErrTaken] that somebody has, and has not told
// what came of it; any other why it was refused. The audit has that, too. The same act sent
// again is done once. Of a batch the error may say that some of the domains were left out.
func (d *Desk) Act(ctx context.Context, act page.Act) (err error) {
	if act.ID == "" || act.Actor.Name == "" {
		return errors.New("the act has no form, or nobody has sent it: load the page again")
	}
	what := whatOf(act)
	done, err := d.enter(ctx, act.ID, what)
	if done || err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx) // the page may be closed: what the audit has is seen to
	var part *page.PartError
	defer func() {
		begun := act.Verb == verbBatch && errors.Is(err, page.ErrTaken)
		d.leave(act.ID, what, err == nil || begun || errors.As(err, &part))
	}()
	switch act.Verb {
	case verbBatch:
		return d.batch(ctx, act)
	case flow.UpdateSkip:
		if act.Batch == "" || len(act.Domains) != 1 {
			return errors.New("name one domain of one batch")
		}
		domain := lower(act.Domains[0])
		return d.do(ctx, act, domain, change{id: flow.BatchID(act.Batch), arg: flow.SkipArg{Domain: domain}})
	case flow.UpdatePause, flow.UpdateResume:
		if act.Batch != "" {
			return d.do(ctx, act, "", change{id: flow.BatchID(act.Batch)})
		}
	}
	if len(act.Domains) != 1 {
		return errors.New("name one domain")
	}
	domain := lower(act.Domains[0])
	if _, ok := d.Domain(domain); !ok {
		return errors.New("there is no such domain: it is not in the customers file")
	}
	c := change{id: flow.DomainID(domain)}
	switch act.Verb {
	case flow.UpdateApprove, flow.UpdateReject:
		if len(act.Hashes) != 1 || act.Hashes[0] == "" {
			return errors.New("the act does not say which proposal it is about: load the page again")
		}
		if act.Verb == flow.UpdateReject {
			c.hash, c.arg = act.Hashes[0], flow.RejectArg{Hash: act.Hashes[0]}
			break
		}
		return d.approve(ctx, act, domain, act.Hashes[0])
	case flow.UpdatePause, flow.UpdateResume, flow.UpdateRevert:
	case flow.UpdateRotate:
		if act.Rotate == nil {
			return errors.New("the act does not say by which method to rotate: load the page again")
		}
		c.arg = *act.Rotate
	case flow.UpdateRetire:
		return d.retire(ctx, act, domain)
	case flow.UpdateNote:
		return d.note(ctx, act, domain)
	case verbLook:
		c.signal = flow.SignalLook
	default:
		return fmt.Errorf("%.40q is nothing that can be asked for", act.Verb)
	}
	return d.do(ctx, act, domain, c)
}

// A change is what is asked of one workflow: an update, or a signal.
type change struct {
	id     string // of the workflow
	update string // "": the act's verb
	signal string // instead of an update
	arg    any    // nil: none
	hash   string // of the proposal, for the audit
	// nonce is the update's ID, if not the act's.
	nonce string
	// before is done after the audit has the act, and gives the argument.
	before func() (any, error)
	more   string // for the audit
}

// do writes an act into the audit, and then does it.
func (d *Desk) do(ctx context.Context, act page.Act, domain string, c change) error {
	e := d.entry(act, domain, c)
	if e.Outcome = asked; c.more != "" {
		e.Outcome += ", " + c.more
	}
	if err := d.Log(e); err != nil {
		return fmt.Errorf("nothing was recorded: %w", err)
	}
	if c.before != nil {
		var err error
		if c.arg, err = c.before(); err != nil {
			return d.failed(e, err)
		}
	}
	var err error
	if c.signal != "" {
		err = d.signal(ctx, c)
	} else {
		err = d.update(ctx, act, c)
	}
	if err != nil {
		return d.failed(e, err)
	}
	return nil
}

// signal sends what no worker has to answer. Without an answer of Temporal it may have
// been sent all the same.
func (d *Desk) signal(ctx context.Context, c change) error {
	ctx, cancel := context.WithTimeout(ctx, d.o.Within)
	defer cancel()
	err := explained(d.o.Client.SignalWorkflow(ctx, c.id, "", c.signal, c.arg))
	if errors.Is(err, page.ErrNoWorker) {
		return errors.New("no answer came from Temporal, and nobody knows whether it was asked for: ask again, which does no harm")
	}
	return err
}

// update sends an update, and waits for what comes of it.
func (d *Desk) update(ctx context.Context, act page.Act, c change) error {
	o := client.UpdateWorkflowOptions{
		UpdateID: act.ID, WorkflowID: c.id, UpdateName: act.Verb, WaitForStage: client.WorkflowUpdateStageCompleted,
	}
	if c.update != "" {
		o.UpdateName = c.update
	}
	if c.nonce != "" {
		o.UpdateID = c.nonce
	}
	if c.arg != nil {
		o.Args = []any{c.arg}
	}
	d.admission.expect(o.UpdateID)
	defer d.admission.done(o.UpdateID)
	err := d.send(ctx, o)
	if judged(err) || d.admission.withdraw(o.UpdateID) {
		return explained(err)
	}
	ctx, cancel := context.WithTimeout(ctx, d.o.Within/2)
	defer cancel()
	again := client.GetWorkflowUpdateHandleOptions{WorkflowID: o.WorkflowID, UpdateID: o.UpdateID}
	if err = d.o.Client.GetWorkflowUpdateHandle(again).Get(ctx, nil); judged(err) {
		return explained(err)
	}
	return page.ErrTaken
}

func (d *Desk) send(ctx context.Context, o client.UpdateWorkflowOptions) error {
	ctx, cancel := context.WithTimeout(ctx, d.o.Within)
	defer cancel()
	handle, err := d.o.Client.UpdateWorkflow(ctx, o)
	if err != nil {
		return err
	}
	return handle.Get(ctx, nil)
}

// judged reports whether an error is what a workflow has answered: nil, or a refusal.
func judged(err error) bool {
	var no *temporal.ApplicationError
	return err == nil || errors.As(err, &no)
}

// explained turns an error of Temporal into [page.ErrNoWorker], or a sentence.
func explained(err error) error {
	var (
		late     *client.WorkflowUpdateServiceTimeoutOrCanceledError
		away     *serviceerror.Unavailable
		deadline *serviceerror.DeadlineExceeded
		gone     *serviceerror.NotFound
		no       *temporal.ApplicationError
	)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &no):
		return errors.New(no.Message())
	case errors.As(err, &late), errors.As(err, &away), errors.As(err, &deadline),
		errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return page.ErrNoWorker
	case errors.As(err, &gone):
		return errors.New("there is no workflow of this that could be asked: it has ended, or was not begun yet")
	}
	return fmt.Errorf("nothing was recorded: %w", err)
}

// failed tells the audit that an act was not done, or that nobody knows, and returns why.
func (d *Desk) failed(e audit.Entry, err error) error {
	switch {
	case errors.Is(err, page.ErrTaken):
		e.Outcome = taken
	case errors.Is(err, page.ErrNoWorker):
		e.Outcome = notRecorded + "no worker answered within " + d.o.Within.Round(time.Second).String()
	default:
		e.Outcome = refused + err.Error()
	}
	if kept := d.Log(e); kept != nil {
		d.o.Log.Error("the audit does not have what came of an act", "error", kept.Error())
	}
	return err
}

// refuse tells the audit that an act was refused before it was begun, and returns why.
func (d *Desk) refuse(act page.Act, domain string, c change, err error) error {
	return d.failed(d.entry(act, domain, c), err)
}

// entry begins the audit's entry of an act.
func (d *Desk) entry(act page.Act, domain string, c change) audit.Entry {
	e := entryOf(act.Actor)
	e.Verb, e.Domain, e.Proposal = act.Verb, domain, c.hash
	if c.update != "" {
		e.Verb = c.update
	}
	if s, ok := d.Domain(domain); ok {
		e.Customer = s.Customer
	}
	if domain == "" && act.Batch != "" || act.Verb == flow.UpdateSkip {
		e.Report = flow.BatchID(act.Batch)
	}
	return e
}

// note stores what a person has written, and has the workflow keep it.
func (d *Desk) note(ctx context.Context, act page.Act, domain string) error {
	const most = 4 << 10
	switch n := len(act.Note); {
	case n == 0:
		return errors.New("the note is empty")
	case n > most:
		return fmt.Errorf("the note is longer than %d bytes", most)
	}
	text := fmt.Sprintf("%s %s: %s", d.o.Now().UTC().Format(time.RFC3339), act.Actor.Name, act.Note)
	return d.do(ctx, act, domain, change{id: flow.DomainID(domain), before: func() (any, error) {
		ref, err := d.o.Data.SaveNote([]byte(text))
		return flow.NoteArg{Note: ref}, err
	}})
}
