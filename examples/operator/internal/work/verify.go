package work

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/jcaad/jcaad/examples/operator/internal/customers"
	"github.com/jcaad/jcaad/examples/operator/internal/data"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/federation"
)

// dueDays is how many days before its end a certificate may be rotated without an
// approval, where that stands.
const dueDays = 60

// Verify is one look of a wait until people can sign in. If what the look before has
// found is lost, it begins anew.
func (a *Activities) Verify(ctx context.Context, in flow.VerifyIn) (flow.VerifyOut, error) {
	var out flow.VerifyOut
	c, leave, err := a.enter(in.Domain, &out.Reply)
	if c == nil {
		return out, err
	}
	defer leave()
	defer a.reading(ctx)()
	err = a.ask(ctx, c, false, a.options(), func(ctx context.Context, f *federation.Federator) error {
		return a.verify(ctx, f, c, in.Last, &out)
	})
	if ctx.Err() != nil {
		return out, context.Cause(ctx)
	}
	if err != nil {
		out.Problem = problem(err)
	}
	return out, nil
}

func (a *Activities) verify(ctx context.Context, f *federation.Federator, c *customers.Customer, ref *data.Ref, out *flow.VerifyOut) error {
	var last *federation.Verification
	if ref != nil {
		if b, err := a.o.Data.Load(*ref); err == nil && json.Unmarshal(b, &last) != nil {
			last = nil
		}
	}
	v, err := f.VerifyAgain(ctx, c.Plan, last)
	if err != nil {
		return err
	}
	out.Found, out.Effective, out.AskAgain = v.State, v.Effective(), v.AskAgain
	out.Wrong = v.Wrong() && v.AskAgain == 0
	out.Drift, out.Layers = len(v.Repair), nil
	for _, l := range v.Layers {
		out.Layers = append(out.Layers, flow.Layer{Name: l.Name, Status: l.Status})
	}
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	kept, err := a.o.Data.SaveVerification(c.Domain, b)
	if err != nil {
		return stored{err}
	}
	out.Verification = &kept
	return nil
}

// Watch looks at the certificates, compares what is there with the plan and, with Whole, looks
// at everything. That drift was seen twice the caller knows: Twice is never set.
func (a *Activities) Watch(ctx context.Context, in flow.WatchIn) (flow.WatchOut, error) {
	var out flow.WatchOut
	c, leave, err := a.enter(in.Domain, &out.Reply)
	if c == nil {
		return out, err
	}
	defer leave()
	defer a.reading(ctx)()
	err = a.ask(ctx, c, false, a.options(), func(ctx context.Context, f *federation.Federator) error {
		w, err := f.Watch(ctx, c.Plan)
		if err != nil {
			return err
		}
		out.Watched = a.watched(c, w)
		if err := compare(ctx, f, c.Plan, out.Watched); err != nil || !in.Whole {
			return err
		}
		out.Whole = &flow.VerifyOut{Reply: flow.Reply{Customer: out.Customer, Mode: out.Mode}}
		if err := a.verify(ctx, f, c, nil, out.Whole); err != nil {
			out.Whole = nil
			return err
		}
		out.Watched.Drift = max(out.Watched.Drift, out.Whole.Drift)
		return nil
	})
	if ctx.Err() != nil {
		return out, context.Cause(ctx)
	}
	if err != nil {
		out.Problem = problem(err)
	}
	return out, nil
}

// compare counts what is not as the plan says. It asks about nobody. What keeps the plan from
// being carried out is told by a Look, and is no drift.
func compare(ctx context.Context, f *federation.Federator, plan federation.Plan, w *flow.Watched) error {
	changes, err := f.Preview(ctx, plan)
	var stands *federation.PreconditionError
	if err != nil && !errors.As(err, &stands) {
		return err
	}
	w.Compared, w.Drift = true, len(changes)
	return nil
}

func (a *Activities) watched(c *customers.Customer, w *federation.Watch) *flow.Watched {
	out := &flow.Watched{
		Level: w.Level, Known: !w.JumpCloudExpires.IsZero() || !w.AzureADExpires.IsZero(), Days: w.Days, Replace: w.Signs.Fingerprint,
	}
	for _, f := range w.Findings {
		if code := string(f.Code); !slices.Contains(out.Codes, code) {
			out.Codes = append(out.Codes, code)
		}
		out.Foreign = out.Foreign || f.Code == federation.CodeNextCertificate && f.Severity == federation.Alarm
	}
	if c.Mode != customers.Manage || !out.Known || w.Days > dueDays || w.Phase != federation.RotationIdle || out.Foreign || out.Replace == "" {
		return out
	}
	switch {
	case a.stands(c, federation.OwnKeyPair) && a.keys != nil:
		out.Due = federation.OwnKeyPair
	case a.stands(c, federation.SecondApplication):
		out.Due = federation.SecondApplication
	}
	return out
}

// stands reports whether the customers file allows a rotation by a method without an
// approval.
func (a *Activities) stands(c *customers.Customer, m federation.RotateMethod) bool {
	name, ok := map[federation.RotateMethod]customers.Standing{
		federation.OwnKeyPair: customers.RotateOwnKey, federation.SecondApplication: customers.RotateSecondApplication,
	}[m]
	return ok && slices.Contains(c.Standing, name)
}
