package desk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/examples/operator/internal/page"
)

// secondWave is how many domains follow the pilot at most, before all others.
const secondWave = 10

// batch is one that is to be begun.
type batch = flow.BatchIn

// batch approves several proposals, and begins the batch that gives the turns. Either all
// approvals can be given, or none is. The pilot is approved first: if that fails, nothing
// more is done. Once several were answered by no worker the rest are left out.
func (d *Desk) batch(ctx context.Context, act page.Act) error {
	if len(act.Domains) == 0 || len(act.Domains) != len(act.Hashes) {
		return errors.New("the act does not name a proposal of each domain: load the page again")
	}
	domains := make([]string, len(act.Domains))
	for i, name := range act.Domains {
		domains[i] = lower(name)
		if slices.Contains(domains[:i], domains[i]) {
			return fmt.Errorf("%s is named twice", domains[i])
		}
	}
	act.Batch = act.ID
	made := make([]signed, len(domains))
	var bad []string
	for i, domain := range domains {
		c, ok := d.File().ByDomain(domain)
		err := errors.New("it is not in the customers file")
		if ok {
			if made[i], err = d.sign(act, domain, act.Hashes[i]); err == nil {
				err = together(c, made[i], i == 0)
			}
		}
		if err != nil {
			bad = append(bad, fmt.Sprintf("%s: %v", domain, err))
		}
	}
	if len(bad) > 0 {
		more := ""
		if len(bad) > 3 {
			more = fmt.Sprintf("; and %d more", len(bad)-3)
			bad = bad[:3]
		}
		return d.refuse(act, "", change{}, fmt.Errorf("nothing was approved: %s%s", strings.Join(bad, "; "), more))
	}
	e := d.entry(act, "", change{})
	e.Outcome = fmt.Sprintf("%s, of %d domains; the pilot is %s", asked, len(domains), domains[0])
	if err := d.Log(e); err != nil {
		return fmt.Errorf("nothing was recorded: %w", err)
	}
	approveOne := func(ctx context.Context, i int) error {
		c := change{id: flow.DomainID(domains[i]), update: flow.UpdateApprove, hash: act.Hashes[i]}
		c = d.approved(c, made[i], act.Batch)
		c.more, c.nonce = "in "+flow.BatchID(act.Batch), act.ID+"/"+domains[i]
		return d.do(ctx, act, domains[i], c)
	}
	errs := make([]error, len(domains))
	if errs[0] = approveOne(ctx, 0); errs[0] != nil && !errors.Is(errs[0], page.ErrTaken) {
		return d.failed(e, errs[0])
	}
	var lost atomic.Int32 // were answered by no worker
	slots := make(chan struct{}, atOnce)
	var wg sync.WaitGroup
	for i := 1; i < len(domains); i++ {
		slots <- struct{}{}
		if lost.Load() >= atOnce { // there is none: the rest need not wait for that as well
			<-slots
			errs[i] = page.ErrNoWorker
			continue
		}
		wg.Go(func() {
			defer func() { <-slots }()
			if errs[i] = approveOne(ctx, i); errors.Is(errs[i], page.ErrNoWorker) {
				lost.Add(1)
			}
		})
	}
	wg.Wait()
	part := &page.PartError{Batch: act.Batch}
	var in []string
	var open error // of one that was taken: it waits for its turn, or can be skipped
	for i, domain := range domains {
		if errs[i] == nil || errors.Is(errs[i], page.ErrTaken) {
			in, open = append(in, domain), cmp.Or(open, errs[i])
			continue
		}
		part.Left, part.Why = append(part.Left, domain), append(part.Why, errs[i])
	}
	d.mu.Lock()
	d.unmade[act.Batch] = batch{Batch: act.Batch, Waves: waves(in), Federated: act.Federated, Failures: act.Failures}
	d.mu.Unlock()
	if err := d.makeBatch(ctx, act.Batch); err != nil {
		d.o.Log.Warn("a batch is begun as soon as Temporal answers", "error", err.Error())
		d.nudge()
	}
	if len(part.Left) > 0 {
		return part
	}
	return open
}

// waves are the pilot, then at most [secondWave], then the rest.
func waves(domains []string) [][]string {
	out := [][]string{domains[:1]}
	rest := domains[1:]
	if n := min(len(rest), secondWave); n > 0 {
		out, rest = append(out, rest[:n]), rest[n:]
	}
	if len(rest) > 0 {
		out = append(out, rest)
	}
	return out
}

// makeBatch begins a batch that is to be begun; one that there is, or was, is not begun
// again.
func (d *Desk) makeBatch(ctx context.Context, id string) error {
	d.mu.Lock()
	in, ok := d.unmade[id]
	d.mu.Unlock()
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, d.o.Within)
	defer cancel()
	_, err := d.o.Client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: flow.BatchID(id), TaskQueue: flow.TaskQueue,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
	}, workflowBatch, in)
	var there *serviceerror.WorkflowExecutionAlreadyStarted
	if err != nil && !errors.As(err, &there) {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.unmade, id)
	return nil
}

// mendBatches begins the batches for whose turn domains wait, and that there are none of,
// as the operator was killed between the approvals and that. The next wave then waits for
// all of the one before to be effective, and one failure stops it.
func (d *Desk) mendBatches() {
	waiting := make(map[string][]string)
	for _, s := range d.Domains() {
		if a := s.Approved; a != nil && a.Batch != "" && !a.Begun && s.Phase == flow.Turn {
			waiting[a.Batch] = append(waiting[a.Batch], s.Domain)
		}
	}
	d.board.mu.Lock()
	for id := range d.board.batches {
		delete(waiting, id)
	}
	d.board.mu.Unlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	for id, domains := range waiting {
		if _, ok := d.unmade[id]; !ok {
			d.unmade[id] = batch{Batch: id, Waves: waves(domains)}
			d.nudge()
		}
	}
}
