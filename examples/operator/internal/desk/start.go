package desk

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/jcaad/jcaad/examples/operator/internal/flow"
)

// Names by which the workflows are registered: those of the methods of flow.Workflows.
const (
	workflowDomain = "Domain"
	workflowBatch  = "Batch"
)

const (
	atOnce = 8 // requests to Temporal
	// Between two attempts while Temporal is away.
	retryFirst = 500 * time.Millisecond
	retryMost  = 15 * time.Second
	// healthEvery is how often Temporal is asked whether it is there.
	healthEvery = 15 * time.Second
	listPage    = 500
)

// Start begins the workflow of each listed domain that has none, and asks all for their
// state. It tells them what has changed in the customers file since they were told of it,
// also by an operator before this one. While Temporal does not answer it tries again; what
// was not told to a workflow is told later. It returns when ctx ends, and is called once.
func (d *Desk) Start(ctx context.Context) {
	d.meanwhile()
	d.until(ctx, d.tellFirst)
	if ctx.Err() == nil {
		close(d.caughtUp)
	}
	for _, do := range []func(context.Context) error{d.ensure, d.load, d.catchUp} {
		d.until(ctx, do)
	}
	tick := time.NewTicker(healthEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
			return
		case <-d.wake:
		case <-tick.C:
		}
		d.until(ctx, d.catchUp)
	}
}

// CaughtUp returns a channel that [Desk.Start] closes once it has told the workflows what
// has changed in the customers file while no operator was there. Whoever runs the worker
// waits for it, so that what is told is there before anything goes on. While there is
// something to be told it waits for Temporal, and for no single workflow.
func (d *Desk) CaughtUp() <-chan struct{} { return d.caughtUp }

// tellFirst tells all workflows what they were not told. The error is that of a Temporal
// that is away; what else went wrong is tried again by catchUp.
func (d *Desk) tellFirst(ctx context.Context) error {
	err := d.tellAll(ctx)
	if err != nil && !absent(err) {
		d.o.Log.Warn("what has changed in the customers file is told to some workflows later", "error", err.Error())
		return nil
	}
	return err
}

// tellAll tells all workflows what they were not told.
func (d *Desk) tellAll(ctx context.Context) error {
	d.mu.Lock()
	domains := slices.Sorted(maps.Keys(d.missed))
	d.mu.Unlock()
	err := each(ctx, domains, d.tell)
	d.keepTold()
	return err
}

// until calls do until it succeeds or ctx ends.
func (d *Desk) until(ctx context.Context, do func(context.Context) error) {
	for wait := retryFirst; ctx.Err() == nil; wait = min(2*wait, retryMost) {
		err := do(ctx)
		if ctx.Err() != nil {
			return
		}
		if d.heard(err); err == nil {
			return
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
	}
}

// heard notes whether Temporal answers, and tells a change in the log.
func (d *Desk) heard(err error) {
	d.mu.Lock()
	was := d.away
	d.away = err
	if was == nil && err != nil {
		d.since = time.Now()
	}
	d.mu.Unlock()
	switch {
	case was == nil && err != nil:
		d.o.Log.Warn("Temporal does not answer; the page stays, nothing is lost, and it is tried again", "error", err.Error())
	case was != nil && err == nil:
		d.o.Log.Info("Temporal answers again")
	default:
		return
	}
	d.board.changed()
}

// each calls do for all names, some at once, and joins the errors; it ends early once
// several have failed, as then Temporal is away.
func each(ctx context.Context, names []string, do func(context.Context, string) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	slots := make(chan struct{}, atOnce)
	for _, name := range names {
		slots <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := do(ctx, name); err != nil {
				mu.Lock()
				defer mu.Unlock()
				if errs = append(errs, err); len(errs) >= atOnce {
					cancel()
				}
			}
		})
	}
	wg.Wait()
	if len(errs) == 0 {
		return ctx.Err()
	}
	return errs[0]
}

// listedDomains are those of the customers file.
func (d *Desk) listedDomains() []string {
	var all []string
	if f := d.File(); f != nil {
		for _, c := range f.Customers {
			all = append(all, c.Domain)
		}
	}
	return all
}

// ensure begins the workflows of the listed domains. One that has ended as retired is not
// begun again; one that was ended by force is.
func (d *Desk) ensure(ctx context.Context) error {
	return each(ctx, d.listedDomains(), func(ctx context.Context, domain string) error {
		return d.begin(ctx, domain, enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY)
	})
}

func (d *Desk) begin(ctx context.Context, domain string, reuse enumspb.WorkflowIdReusePolicy) error {
	ctx, cancel := context.WithTimeout(ctx, d.o.Within)
	defer cancel()
	_, err := d.o.Client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: flow.DomainID(domain), TaskQueue: flow.TaskQueue,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowIDReusePolicy:    reuse,
	}, workflowDomain, flow.DomainIn{Domain: domain, Speed: d.o.Speed})
	var there *serviceerror.WorkflowExecutionAlreadyStarted
	if errors.As(err, &there) {
		return nil
	}
	return err
}

// load asks the workflows for their state: those of the listed domains, and those that
// Temporal lists besides. Who does not answer is asked again by catchUp.
func (d *Desk) load(ctx context.Context) error {
	ids := make(map[string]bool)
	for _, domain := range d.listedDomains() {
		ids[flow.DomainID(domain)] = true
	}
	found, err := d.list(ctx)
	if err != nil {
		return err
	}
	var batches []string // the newest first
	for _, id := range found {
		if strings.HasPrefix(id, flow.BatchID("")) {
			batches = append(batches, id)
		} else {
			ids[id] = true
		}
	}
	d.mu.Lock()
	d.unasked = append(batches, slices.Sorted(maps.Keys(ids))...)
	d.mu.Unlock()
	return d.askAll(ctx)
}

// askAll asks those that have not answered yet. The error is that of a Temporal that is
// away; one workflow that does not answer is none.
func (d *Desk) askAll(ctx context.Context) error {
	d.mu.Lock()
	ids := slices.Clone(d.unasked)
	d.mu.Unlock()
	if len(ids) == 0 {
		return nil
	}
	var mu sync.Mutex
	done := make(map[string]bool)
	ask := func(ctx context.Context, id string) error {
		err := d.ask(ctx, id)
		mu.Lock()
		defer mu.Unlock()
		done[id] = err == nil
		return err
	}
	batches := 0 // one after the other: their order is that of the page
	for ; batches < len(ids) && strings.HasPrefix(ids[batches], flow.BatchID("")); batches++ {
		if err := ask(ctx, ids[batches]); absent(err) {
			return err
		}
	}
	err := each(ctx, ids[batches:], ask)
	d.mu.Lock()
	d.unasked = slices.DeleteFunc(ids, func(id string) bool { return done[id] })
	left := len(d.unasked)
	d.mu.Unlock()
	switch {
	case absent(err):
		return err
	case err != nil:
		d.o.Log.Warn("workflows have not said where they are; they are asked again", "workflows", left, "error", err.Error())
	default:
		d.mendBatches()
	}
	return nil
}

// absent reports whether Temporal itself did not answer.
func absent(err error) bool {
	var unavailable *serviceerror.Unavailable
	return errors.As(err, &unavailable)
}

// list returns the IDs of the workflows of domains and batches, those that were begun
// last first.
func (d *Desk) list(ctx context.Context) ([]string, error) {
	var ids []string
	seen := make(map[string]bool)
	in := &workflowservice.ListWorkflowExecutionsRequest{
		PageSize: listPage,
		Query: fmt.Sprintf("(WorkflowType = '%s' OR WorkflowType = '%s') AND ExecutionStatus != 'ContinuedAsNew'",
			workflowDomain, workflowBatch),
	}
	for {
		out, err := d.o.Client.ListWorkflow(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, e := range out.GetExecutions() {
			id := e.GetExecution().GetWorkflowId()
			ours := strings.HasPrefix(id, flow.DomainID("")) || strings.HasPrefix(id, flow.BatchID(""))
			if ours && !seen[id] {
				seen[id] = true
				ids = append(ids, id)
			}
		}
		if in.NextPageToken = out.GetNextPageToken(); len(in.NextPageToken) == 0 {
			return ids, nil
		}
	}
}

// ask puts on the board what a workflow says of itself, unless it has shown more since.
func (d *Desk) ask(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, d.o.Within)
	defer cancel()
	value, err := d.o.Client.QueryWorkflow(ctx, id, "", flow.QueryState)
	var gone *serviceerror.NotFound
	switch {
	case errors.As(err, &gone):
		return nil // it has ended long ago
	case err != nil:
		return fmt.Errorf("%s: %w", id, err)
	}
	if strings.HasPrefix(id, flow.BatchID("")) {
		var s flow.BatchState
		if err := value.Get(&s); err != nil {
			return fmt.Errorf("%s: its state cannot be read: %w", id, err)
		}
		if s.Batch != "" {
			d.board.putBatch(s, false)
		}
		return nil
	}
	var s flow.State
	if err := value.Get(&s); err != nil {
		return fmt.Errorf("%s: its state cannot be read: %w", id, err)
	}
	if s.Domain != "" {
		d.put(s, false)
	}
	return nil
}

// catchUp asks whether Temporal is there, and tells workflows what they were not told.
func (d *Desk) catchUp(ctx context.Context) error {
	health, cancel := context.WithTimeout(ctx, d.o.Within)
	defer cancel()
	if _, err := d.o.Client.CheckHealth(health, &client.CheckHealthRequest{}); err != nil {
		return err
	}
	d.mu.Lock()
	more := len(d.missed) + len(d.unmade)
	ids := slices.Sorted(maps.Keys(d.unmade))
	d.mu.Unlock()
	err := errors.Join(d.tellAll(ctx), each(ctx, ids, d.makeBatch), d.askAll(ctx))
	if more > 0 {
		d.board.changed()
	}
	return err
}

// tell tells a workflow what it was not told yet of the customers file.
func (d *Desk) tell(ctx context.Context, domain string) error {
	d.mu.Lock()
	s, ok := d.missed[domain]
	d.mu.Unlock()
	if !ok {
		return nil
	}
	if s.begin {
		if err := d.begin(ctx, domain, enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, d.o.Within)
	defer cancel()
	err := d.o.Client.SignalWorkflow(ctx, flow.DomainID(domain), "", flow.SignalListed, s.ListedSignal)
	var gone *serviceerror.NotFound
	if err != nil && !errors.As(err, &gone) {
		return err
	}
	d.wasTold(domain, s)
	return nil
}
