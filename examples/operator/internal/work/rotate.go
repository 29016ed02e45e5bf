package work

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jcaad/jcaad/examples/operator/internal/data"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/federation"
)

// leastWait is how soon a rotation is called again at the earliest.
const leastWait = time.Second

// Rotate makes one call of a rotation that was approved, or that stands. One that has
// written is begun: neither the window nor the end of the proposal's life holds it. Nor
// does the window where nobody can sign in.
func (a *Activities) Rotate(ctx context.Context, in flow.RotateIn) (flow.RotateOut, error) {
	var out flow.RotateOut
	j, leave, void, err := a.begin(in.Domain, in.Approved, &out.Reply)
	if out.Void = void; j == nil {
		return out, err
	}
	defer leave()
	c := j.c
	if out.Problem = a.mayRotate(*j.rotation()); out.Problem != nil {
		return out, nil
	}
	last := j.last(in.Last)
	j.started = last != nil && len(last.Steps) > 0
	if out.Problem = j.judgeRotation(); out.Problem != nil {
		out.Void = true
		return out, j.note("refused: "+out.Problem.Code, nil)
	}
	ctx, p, stop := a.pulse(ctx)
	defer stop()
	if out.Busy, out.Why, out.Problem = j.held(); out.Busy > 0 || out.Problem != nil {
		if a.o.Data.Stopped() || !j.broken(ctx, last) {
			return out, context.Cause(ctx)
		}
		out.Busy, out.Why, out.Problem = 0, "", nil
	}
	if last == nil && j.rotation().Method == federation.Emergency {
		last, err = j.intend(ctx)
	}
	if err = errors.Join(err, j.note("a call of the rotation begins", nil)); err != nil {
		out.Problem = problem(stored{err})
		return out, nil
	}
	w := j.writer(p)
	o := w.options()
	o.OnReport = nil
	o.Confirm = func(_ context.Context, p *federation.Proposal) error {
		if err := w.may(); err != nil {
			return err
		}
		return j.covers(p)
	}
	rot := last
	err = a.ask(ctx, c, true, o, func(ctx context.Context, f *federation.Federator) (err error) {
		rot, err = f.Rotate(ctx, *j.rotation(), rot)
		if b, bad := json.Marshal(rot); bad == nil {
			if ref, bad := a.o.Data.SaveRotation(c.Domain, b); bad == nil {
				out.Rotation = &ref
			} else {
				err = errors.Join(err, stored{bad})
			}
		}
		return err
	})
	return j.turned(ctx, out, last, rot, w, err)
}

// rotation is the plan that was approved.
func (j *job) rotation() *federation.RotatePlan {
	if j.p.Rotate == nil {
		return &federation.RotatePlan{}
	}
	return j.p.Rotate
}

// judgeRotation is judge for a rotation, whose hash is this package's own.
func (j *job) judgeRotation() *flow.Problem {
	plan := j.rotation()
	switch {
	case j.p.Verb != federation.VerbRotate || plan.Plan.Domain != j.c.Domain || rotationHash(j.c.Name, *plan) != j.p.Hash:
		return people("approval", "the proposal is none of a rotation of this customer's domain, or was changed: make a new one")
	case j.in.Open.Standing && (!j.a.stands(j.c, plan.Method) || !harmless(*plan)):
		return people("standing", "the customers file does not allow this rotation without an approval any more")
	}
	return j.judge()
}

// broken reports whether nobody can sign in because of the certificate.
func (j *job) broken(ctx context.Context, last *federation.Rotation) bool {
	var pre *federation.RotationPreview
	err := j.a.ask(ctx, j.c, false, j.a.options(), func(ctx context.Context, f *federation.Federator) (err error) {
		pre, err = f.PreviewRotation(ctx, *j.rotation(), last)
		return err
	})
	return err == nil && pre.Phase == federation.RotationBroken
}

// rotated are the resources that a rotation changes: nothing of people.
var rotated = []federation.Resource{
	federation.ResFederation, federation.ResApplication, federation.ResApplicationGroup, federation.ResRecover,
}

// covers says why a call is not one of the approved rotation. What mends a domain on
// which nobody can sign in is within one.
func (j *job) covers(p *federation.Proposal) error {
	plan := j.rotation()
	switch {
	case p.Rotate == nil || p.Domain != j.p.Domain || p.Rotate.Method != plan.Method || p.Rotate.Plan.Domain != plan.Plan.Domain ||
		p.Rotate.Cancel != plan.Cancel || p.Rotate.Consent != plan.Consent ||
		plan.Replace != "" && normal(p.Rotate.Replace) != normal(plan.Replace):
		return errors.New("the rotation is not the one that was approved")
	case j.p.Tenant != "" && p.Tenant != "" && p.Tenant != j.p.Tenant:
		return errors.New("the rotation is of another tenant than the one that was approved")
	}
	for _, c := range p.Changes {
		if !slices.Contains(rotated, c.Resource) {
			return fmt.Errorf("a rotation does not %s %s", c.Action, c.Resource)
		}
	}
	return nil
}

// last is how far the rotation has come: what the call before returned, unless there is
// one in the folder of which nobody got the answer, and that has done more. It is nil if
// both are lost: the next call waits longer then, and is as safe.
func (j *job) last(ref *data.Ref) *federation.Rotation {
	var told *federation.Rotation
	if ref != nil {
		told = j.loadRotation(*ref)
	}
	newest, err := j.a.o.Data.Rotation(j.c.Domain)
	if err != nil {
		return told
	}
	rot := j.loadRotation(newest)
	if rot == nil || rot.Complete || rot.Method != j.rotation().Method || normal(rot.Old.Fingerprint) != normal(j.rotation().Replace) ||
		told != nil && len(rot.Steps) <= len(told.Steps) {
		return told
	}
	return rot
}

func (j *job) loadRotation(ref data.Ref) *federation.Rotation {
	b, err := j.a.o.Data.Load(ref)
	if err != nil {
		return nil
	}
	rot, err := federation.ParseRotation(b)
	if err != nil || rot.Domain != j.c.Domain {
		return nil
	}
	return rot
}

// intend stores before the first call of an emergency what is to be expelled: if the
// worker is lost when that is done, the next call knows that people are to be signed out.
func (j *job) intend(ctx context.Context) (*federation.Rotation, error) {
	plan := j.rotation()
	var pre *federation.RotationPreview
	err := j.a.ask(ctx, j.c, false, j.a.options(), func(ctx context.Context, f *federation.Federator) (err error) {
		pre, err = f.PreviewRotation(ctx, *plan, nil)
		return err
	})
	if err != nil || len(pre.Calls) == 0 {
		return nil, nil // the call says why
	}
	rot := &federation.Rotation{
		Version: 1, Domain: pre.Domain, Method: pre.Method, Phase: pre.Phase, Old: pre.Old, Plan: plan.Plan,
		Next: pre.Calls[0].Does, Steps: []federation.Step{},
	}
	b, err := json.Marshal(rot)
	if err == nil {
		_, err = j.a.o.Data.SaveRotation(j.c.Domain, b)
	}
	if err != nil {
		return nil, stored{err}
	}
	return rot, nil
}

// turned says what came of a call.
func (j *job) turned(ctx context.Context, out flow.RotateOut, last, rot *federation.Rotation, w *writer,
	err error) (flow.RotateOut, error) {
	var ids []string
	if rot != nil {
		out.Phase, out.Done, out.Next = rot.Phase, rot.Done(), safe(rot.Next)
		before := 0
		if last != nil {
			before = len(last.Steps)
		}
		for _, s := range rot.Steps[min(before, len(rot.Steps)):] {
			j.a.o.OnSent(s.Outcome)
			if s.RequestID != "" {
				ids = append(ids, s.RequestID)
			}
		}
		if left := rot.NotBefore.Sub(j.a.o.Now()); !rot.NotBefore.IsZero() && !out.Done {
			out.Wait = max(left, leastWait)
		}
	}
	phase, outcome := "phase "+string(out.Phase), w.ended(ctx, err, &out.Reply)
	switch {
	case err == nil && out.Done:
		outcome = "done, " + phase
	case err == nil:
		if outcome = phase; out.Wait == 0 {
			out.Problem = people("rotation", "somebody has to act: %s", rot.Next)
		}
	case outcome != "":
		out.Wait = 0
	default:
		out.Problem = problem(err)
		out.Void = errors.Is(err, federation.ErrNotConfirmed)
		outcome = "failed: " + string(out.Problem.Class) + " " + out.Problem.Code + ", " + phase
	}
	_ = j.note(outcome, ids)
	return out, w.gone(ctx, err)
}
