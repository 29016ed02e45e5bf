package work

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/jcaad/jcaad/examples/operator/internal/customers"
	"github.com/jcaad/jcaad/examples/operator/internal/data"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/federation"
)

// proposalLife is for how long a proposal of a rotation is good, as those of package
// federation are.
const proposalLife = 72 * time.Hour

// ProposeRevert proposes to undo the runs of the reports, and what other attempts of
// those runs have left in the folder. If one of the reports is lost, it proposes nothing
// and says so: what it has made would stay.
func (a *Activities) ProposeRevert(ctx context.Context, in flow.ProposeRevertIn) (flow.ProposeOut, error) {
	var out flow.ProposeOut
	c, leave, err := a.enter(in.Domain, &out.Reply)
	if c == nil {
		return out, err
	}
	defer leave()
	defer a.reading(ctx)()
	reports, lost, err := a.all(c.Domain, in)
	switch {
	case err != nil:
		out.Problem = problem(stored{err})
		return out, nil
	case lost > 0:
		out.Problem = people("report-lost", "%d or more of %d reports of the domain cannot be read, or are not what they were, and what they "+
			"say was made would stay: restore them from a backup, then ask again", lost, len(in.Reports)+in.Earlier.Count)
		return out, nil
	}
	reports = slices.DeleteFunc(reports, func(r *federation.Report) bool { return !r.Changed() })
	if !slices.ContainsFunc(reports, func(r *federation.Report) bool { return r.Verb != federation.VerbRevert }) {
		return out, nil
	}
	var p *federation.Proposal
	err = a.ask(ctx, c, false, a.options(), func(ctx context.Context, f *federation.Federator) (err error) {
		p, err = f.ProposeRevert(ctx, reports...)
		return err
	})
	return a.proposed(ctx, c, p, err, out)
}

// all returns the reports of all runs that the workflow knows, and of what other attempts of
// them have left, and how many are lost.
func (a *Activities) all(domain string, in flow.ProposeRevertIn) (reports []*federation.Report, lost int, err error) {
	refs, err := a.o.Data.Reports(domain)
	if err != nil {
		return nil, 0, err
	}
	var gone *flow.LostError
	if errors.As(flow.CheckFiles(in.Earlier, in.Reports, refs), &gone) {
		return nil, max(1, len(gone.Names)+gone.Earlier), nil
	}
	var names []string
	for _, ref := range refs {
		if in.Earlier.First <= ref.Name && ref.Name <= in.Earlier.Last {
			names = append(names, runOf(ref.Name))
		}
	}
	return a.runs(domain, in.Reports, names...)
}

// proposed completes the answer with a proposal.
func (a *Activities) proposed(ctx context.Context, c *customers.Customer, p *federation.Proposal, err error,
	out flow.ProposeOut) (flow.ProposeOut, error) {
	switch {
	case ctx.Err() != nil:
		return out, context.Cause(ctx)
	case err != nil:
		out.Problem = problem(err)
	case p == nil || len(p.Changes) == 0:
	case c.Mode != customers.Manage:
		out.Problem = modeWatch()
	default:
		if out.Open, err = a.open(c, p); err != nil {
			out.Open, out.Problem = nil, problem(err)
		}
	}
	return out, nil
}

func modeWatch() *flow.Problem {
	return people("mode-watch", "the customer is only watched: set mode: manage in the customers file, then ask again")
}

// runs returns the reports of runs, of all their attempts as they are in the folder now,
// and how many of the given ones are lost, or are not what they were.
func (a *Activities) runs(domain string, given []data.Ref, names ...string) (reports []*federation.Report, lost int, err error) {
	refs, err := a.o.Data.Reports(domain)
	if err != nil {
		return nil, 0, err
	}
	for _, ref := range given {
		if !slices.Contains(refs, ref) {
			lost++
		}
		names = append(names, runOf(ref.Name))
	}
	refs = slices.DeleteFunc(refs, func(ref data.Ref) bool { return !slices.Contains(names, runOf(ref.Name)) })
	reports, bad := a.load(refs)
	return reports, lost + bad, nil
}

// stampLength is how long the time is, with the hyphen after it, in the name of a report.
const (
	stamp       = "20060102T150405.000000000Z"
	stampLength = len(stamp + "-")
)

// timeOf is the time in the name of a report.
func timeOf(name string) (time.Time, error) {
	base := path.Base(name)
	return time.Parse(stamp, base[:min(len(base), len(stamp))])
}

// runOf is the run in the name of a report, "" if there is none.
func runOf(name string) string {
	base := strings.TrimSuffix(path.Base(name), ".json")
	if len(base) <= stampLength {
		return ""
	}
	return base[stampLength:]
}

// ProposeRotation proposes to rotate the certificate of a domain. The proposal has the
// verb rotate, the plan of the rotation, and the changes of the next call; its hash is
// SHA-256 over what [rotationHash] says.
func (a *Activities) ProposeRotation(ctx context.Context, in flow.ProposeRotationIn) (flow.ProposeOut, error) {
	var out flow.ProposeOut
	c, leave, err := a.enter(in.Domain, &out.Reply)
	if c == nil {
		return out, err
	}
	defer leave()
	defer a.reading(ctx)()
	plan := rotatePlan(c, in.Rotate)
	if in.Standing && plan.Method == federation.SecondApplication {
		plan.Consent.Policies = true // the entry in the file says so: see harmless
	}
	if out.Problem = a.mayRotate(plan); out.Problem != nil {
		return out, nil
	}
	if in.Standing && (!a.stands(c, plan.Method) || !harmless(plan)) {
		out.Problem = people("standing", "the customers file does not allow this rotation without an approval")
		return out, nil
	}
	var pre *federation.RotationPreview
	err = a.ask(ctx, c, false, a.options(), func(ctx context.Context, f *federation.Federator) (err error) {
		pre, err = f.PreviewRotation(ctx, plan, nil)
		return err
	})
	switch {
	case err != nil || ctx.Err() != nil:
		return a.proposed(ctx, c, nil, err, out)
	case len(pre.Calls) == 0 && pre.Done.IsZero() && pre.Next != "":
		out.Problem = people("rotation", "%s", pre.Next)
		return out, nil
	case len(pre.Calls) == 0:
		return out, nil
	}
	plan.Replace = cmp.Or(plan.Replace, pre.Old.Fingerprint)
	now := a.o.Now().UTC().Truncate(time.Second)
	p := &federation.Proposal{
		Version: 1, Verb: federation.VerbRotate, Domain: c.Domain, Tenant: c.Plan.Tenant, Organization: c.Plan.Organization,
		Rotate: &plan, Changes: pre.Calls[0].Changes, Findings: pre.Findings, Created: now, Expires: now.Add(proposalLife),
		Hash: rotationHash(c.Name, plan),
	}
	if c.Mode != customers.Manage {
		out.Problem = modeWatch()
		return out, nil
	}
	if out.Open, err = a.open(c, p); err != nil {
		out.Open, out.Problem = nil, problem(err)
		return out, nil
	}
	arg := in.Rotate
	arg.Method, arg.Replace, arg.Consent = plan.Method, plan.Replace, plan.Consent
	out.Open.Rotate, out.Open.Standing = &arg, in.Standing
	out.Open.Consent = out.Open.Consent || plan.Consent != federation.RotateConsent{}
	return out, nil
}

func rotatePlan(c *customers.Customer, r flow.RotateArg) federation.RotatePlan {
	return federation.RotatePlan{
		Plan: c.Plan, Method: cmp.Or(r.Method, federation.OwnKeyPair), Replace: r.Replace, Settle: r.Settle, Cancel: r.Cancel, Consent: r.Consent,
	}
}

// rotationHash is the hash of the proposal of a rotation: SHA-256, in hexadecimal, over
// the JSON of the customer's name, the domain, and the plan of the rotation: method, the
// certificate that is replaced, how long is waited, whether it is led back, the consents,
// and the plan of the federation. The changes are no part of it: each call makes what can
// be made then.
func rotationHash(customer string, plan federation.RotatePlan) string {
	b, err := json.Marshal(struct {
		Customer, Domain string
		Rotate           federation.RotatePlan
	}{customer, plan.Plan.Domain, plan})
	if err != nil {
		panic(err) // strings, numbers and booleans
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// mayRotate says what keeps this operator from a rotation.
func (a *Activities) mayRotate(plan federation.RotatePlan) *flow.Problem {
	if plan.Method == federation.OwnKeyPair && a.keys == nil {
		return people("no-key-store", "the method own-key-pair keeps a key, and there is no passphrase for it: "+
			"start the operator with OPERATOR_KEY_PASSPHRASE, or ask for the method second-application, which needs no key")
	}
	return nil
}

// harmless reports whether a rotation is one that may stand. The only consent that it may
// have is that the policies of a second application are seen to, without which there is
// no rotation to one: who has put that into the list standing has said so.
func harmless(plan federation.RotatePlan) bool {
	consent := plan.Consent
	consent.Policies = consent.Policies && plan.Method != federation.SecondApplication
	return !plan.Cancel && consent == federation.RotateConsent{} && !plan.RevokeSessions && !plan.DeleteOld
}

// normal is the one spelling of a fingerprint.
func normal(s string) string {
	return strings.ToLower(strings.NewReplacer(":", "", " ", "", "-", "").Replace(s))
}
