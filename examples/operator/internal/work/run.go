package work

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/jcaad/jcaad/examples/operator/internal/approve"
	"github.com/jcaad/jcaad/examples/operator/internal/audit"
	"github.com/jcaad/jcaad/examples/operator/internal/customers"
	"github.com/jcaad/jcaad/examples/operator/internal/data"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/federation"
)

// Run carries out what was approved, or stands. It is judged anew each time: who is
// listed and managed, the Stop button, the window unless the run has begun, the approval.
// What earlier attempts have sent is known by the reports in the folder.
func (a *Activities) Run(ctx context.Context, in flow.RunIn) (flow.RunOut, error) {
	var out flow.RunOut
	j, leave, void, err := a.begin(in.Domain, in.Approved, &out.Reply)
	if out.Void = void; j == nil {
		return out, err
	}
	defer leave()
	c := j.c
	j.known = in.Reports
	if j.runs, _, err = a.runs(c.Domain, in.Reports, in.Approved.Run); err != nil {
		out.Problem = problem(stored{err})
		return out, nil
	}
	j.started = approve.Started(j.approval, j.p, j.runs)
	out.Sent = slices.ContainsFunc(j.runs, (*federation.Report).Changed)
	if out.Busy, out.Why, out.Problem = j.held(); out.Busy > 0 || out.Problem != nil {
		return out, nil
	}
	if out.Problem = j.judge(); out.Problem != nil {
		out.Void = true
		return out, j.note("refused: "+out.Problem.Code, nil)
	}
	ctx, p, stop := a.pulse(ctx)
	defer stop()
	if in.Approved.Open.Standing && !j.started {
		if out.Problem, out.Void = j.standing(ctx); out.Problem != nil || ctx.Err() != nil {
			return out, context.Cause(ctx)
		}
	}
	if err := j.note("begins", nil); err != nil {
		out.Problem = problem(stored{err})
		return out, nil
	}
	w := j.writer(p)
	var rep *federation.Report
	err = a.ask(ctx, c, true, w.options(), func(ctx context.Context, f *federation.Federator) error {
		runs, _, err := a.runs(c.Domain, in.Reports, in.Approved.Run)
		if err != nil {
			return stored{err}
		}
		approved, err := approve.Covers(j.approval, j.p, runs, a.o.Now())
		if err != nil {
			return err
		}
		rep, err = f.Apply(ctx, approved)
		if rep.Changed() {
			if kept := w.keep(rep); kept != nil {
				err = errors.Join(err, stored{kept})
			}
		}
		return err
	})
	return j.came(ctx, out, rep, w, err)
}

// came says what came of a run.
func (j *job) came(ctx context.Context, out flow.RunOut, rep *federation.Report, w *writer, err error) (flow.RunOut, error) {
	if rep != nil {
		out.After, out.Sent = rep.After, out.Sent || rep.Changed()
		for _, s := range rep.Steps {
			j.a.o.OnSent(s.Outcome)
			if s.Outcome == federation.Done || s.Outcome == federation.Made || s.Outcome == federation.Unknown {
				out.Steps++
			}
		}
	}
	out.Others, out.Report = j.stored()
	outcome := w.ended(ctx, err, &out.Reply)
	switch {
	case err == nil:
		out.Done, outcome = true, "done"
	case outcome == "":
		out.Problem = problem(err)
		out.Void = out.Problem.Code == "not-approved" || out.Problem.Code == "approval"
		outcome = "failed: " + string(out.Problem.Class) + " " + out.Problem.Code
		if out.Void {
			outcome = "refused: " + out.Problem.Code
		}
	}
	report := ""
	if out.Report != nil {
		report = out.Report.Name
	}
	told := j.entry(fmt.Sprintf("%s, %d steps", outcome, out.Steps))
	told.Report, told.Requests = report, requests(rep)
	unheard := j.a.o.Audit.Append(told)
	if gone := w.gone(ctx, err); gone != nil {
		return out, gone
	}
	if unheard != nil && out.Problem == nil && !out.Done {
		out.Problem = problem(stored{unheard})
	}
	return out, nil
}

// mostOthers is of how many attempts the reports are told at once.
const mostOthers = 48

// stored are the reports of the run as they are in the folder now, the newest by itself,
// without those that the workflow knows.
func (j *job) stored() (others []data.Ref, newest *data.Ref) {
	all, err := j.a.o.Data.Reports(j.c.Domain)
	if err != nil {
		return nil, nil // whoever goes on sees it
	}
	all = slices.DeleteFunc(all, func(r data.Ref) bool { return runOf(r.Name) != j.in.Run })
	if len(all) == 0 {
		return nil, nil
	}
	newest = &all[len(all)-1]
	others = slices.DeleteFunc(slices.Clone(all[:len(all)-1]), func(r data.Ref) bool { return slices.Contains(j.known, r) })
	if n := len(j.known); n > 0 { // it knows those before them as well
		others = slices.DeleteFunc(others, func(r data.Ref) bool { return r.Name < j.known[0].Name })
	}
	return others[max(0, len(others)-mostOthers):], newest
}

// requests are the IDs of a report's requests.
func requests(rep *federation.Report) (ids []string) {
	if rep == nil {
		return nil
	}
	for _, s := range rep.Steps {
		if s.RequestID != "" && !slices.Contains(ids, s.RequestID) {
			ids = append(ids, s.RequestID)
		}
	}
	return ids
}

// A job is something approved that is about to be done.
type job struct {
	a        *Activities
	c        *customers.Customer
	in       flow.Approved
	p        *federation.Proposal
	approval approve.Approval
	runs     []*federation.Report
	known    []data.Ref // reports of the run that the workflow has
	started  bool
}

// begin enters for something that was approved, and loads it. Without a job, nothing is to
// be done: the reply, void or the error says why. leave must be called if there is one.
func (a *Activities) begin(domain string, approved flow.Approved, r *flow.Reply) (_ *job, leave func(), void bool, err error) {
	c, leave, err := a.enter(domain, r)
	if c == nil {
		return nil, nil, false, err
	}
	if c.Mode != customers.Manage {
		leave()
		r.Problem = modeWatch()
		return nil, nil, false, nil
	}
	j := &job{a: a, c: c, in: approved}
	if r.Problem, void = j.load(); r.Problem != nil {
		leave()
		return nil, nil, void, nil
	}
	return j, leave, false, nil
}

// load reads the proposal and the approval. What is gone or was changed is void.
func (j *job) load() (problem *flow.Problem, void bool) {
	open := j.in.Open
	p, err := j.a.loadProposal(open, j.c.Domain)
	if err != nil {
		return kept("proposal", err)
	}
	j.p = p
	if open.Standing {
		j.approval = approve.Approval{
			Hash: p.Hash, Verb: p.Verb, Customer: j.c.Name, Domain: p.Domain, Expires: p.Expires, Actors: []string{standing}, At: p.Created,
		}
		return nil, false
	}
	b, err := j.a.o.Data.Load(j.in.Approval)
	if err == nil {
		err = json.Unmarshal(b, &j.approval)
	}
	if err != nil {
		return kept("approval", err)
	}
	return nil, false
}

// standing is the actor of what needs no approval.
const standing = "standing"

// kept says of a file why it cannot be used.
func kept(what string, err error) (*flow.Problem, bool) {
	var path *fs.PathError
	if errors.As(err, &path) && !errors.Is(err, fs.ErrNotExist) {
		return problem(stored{err}), false
	}
	return people(what, "the %s that was kept is gone, or is not what it was: look at a new proposal, and approve that", what), true
}

const (
	stopLook = time.Minute // how often is looked whether writes are still held
	whyHeld  = "new writes are held by the Stop button"
)

// held says for how long nothing may begin.
func (j *job) held() (wait time.Duration, why string, _ *flow.Problem) {
	if j.a.o.Data.Stopped() {
		return j.a.bent(stopLook), whyHeld, nil
	}
	now := j.a.o.Now()
	if j.started || j.c.Window.Open(now) {
		return 0, "", nil
	}
	next := j.c.Window.Next(now)
	if next.IsZero() {
		return 0, "", people("window", "the customer's window never opens: mend it in the customers file")
	}
	wait = next.Sub(now)
	return wait, "the window opens in " + wait.Round(time.Minute).String(), nil
}

// judge says why the approval does not allow what is to be done.
func (j *job) judge() *flow.Problem {
	if j.in.Open.Standing {
		mends := j.p.Verb == federation.VerbFederate && slices.Contains(j.c.Standing, customers.MendOurs)
		if !mends && j.p.Verb != federation.VerbRotate { // which judgeRotation has judged
			return people("standing", "the customers file does not allow this without an approval any more")
		}
		return nil
	}
	act, err := approve.Of(j.c.Name, j.in.Open.Verb, j.p, j.c.TwoPeople)
	if err == nil {
		err = j.a.o.Key.Check(j.approval, act, j.started, j.a.o.Roles(), j.a.o.Now())
	}
	if err != nil {
		return people("approval", "%v", err)
	}
	return nil
}

// standing looks anew whether what needs no approval is still that.
func (j *job) standing(ctx context.Context) (*flow.Problem, bool) {
	ours := false
	err := j.a.ask(ctx, j.c, false, j.a.options(), func(ctx context.Context, f *federation.Federator) error {
		status, err := f.Inspect(ctx, j.c.Domain)
		if err != nil {
			return err
		}
		p, err := f.Propose(ctx, j.c.Plan)
		ours = err == nil && p.Hash == j.p.Hash && j.a.ours(j.c.Domain, status.State, p)
		return err
	})
	switch {
	case err != nil:
		return problem(err), false
	case !ours:
		return people("standing", "what is to be done now needs an approval: look at a new proposal"), true
	}
	return nil, false
}

// entry is what the audit is told of the job.
func (j *job) entry(outcome string) audit.Entry {
	return audit.Entry{
		Time: j.a.o.Now(), Actors: j.approval.Actors, Customer: j.c.Name, Domain: j.c.Domain, Verb: string(j.p.Verb),
		Proposal: j.p.Hash, Outcome: outcome,
	}
}

func (j *job) note(outcome string, requests []string) error {
	e := j.entry(outcome)
	e.Requests = requests
	return j.a.o.Audit.Append(e)
}
