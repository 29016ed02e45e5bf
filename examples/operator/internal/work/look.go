package work

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jcaad/jcaad/examples/operator/internal/approve"
	"github.com/jcaad/jcaad/examples/operator/internal/customers"
	"github.com/jcaad/jcaad/examples/operator/internal/data"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/federation"
)

// Look preflights a domain and proposes what is missing. It only reads.
func (a *Activities) Look(ctx context.Context, in flow.LookIn) (flow.LookOut, error) {
	var out flow.LookOut
	c, leave, err := a.enter(in.Domain, &out.Reply)
	if c == nil {
		return out, err
	}
	defer leave()
	defer a.reading(ctx)()
	var pre *federation.Preflight
	var p *federation.Proposal
	var refused error
	err = a.ask(ctx, c, false, a.options(), func(ctx context.Context, f *federation.Federator) error {
		status, err := f.Inspect(ctx, c.Domain)
		if err != nil {
			return err
		}
		out.Found = status.State
		if pre, err = f.Preflight(ctx, c.Plan); err != nil {
			return err
		}
		p, err = f.Propose(ctx, c.Plan)
		var stands *federation.PreconditionError
		if errors.As(err, &stands) {
			refused, err = err, nil
		}
		return err
	})
	if ctx.Err() != nil {
		return out, context.Cause(ctx)
	}
	if pre != nil {
		out.Look = a.seen(pre, p)
		err = errors.Join(err, a.keepPreflight(pre, out.Look))
	}
	switch {
	case err != nil:
		out.Problem = problem(err)
	case refused != nil:
		out.Problem = problem(refused)
	case c.Mode != customers.Manage || len(p.Changes) == 0:
	default:
		if out.Open, err = a.open(c, p); err != nil {
			out.Open, out.Problem = nil, problem(err)
			break
		}
		out.Open.Standing = slices.Contains(c.Standing, customers.MendOurs) && a.ours(c.Domain, out.Found, p)
	}
	return out, nil
}

// seen is a preflight in numbers.
func (a *Activities) seen(pre *federation.Preflight, p *federation.Proposal) *flow.Look {
	l := &flow.Look{}
	for _, g := range pre.Gates {
		switch {
		case g.Severity == federation.Refusal && !g.Consented, g.Severity == federation.Alarm:
			l.Gates++
		case g.Severity != federation.Info:
			l.Warnings++
		}
	}
	if pre.People != nil {
		n := pre.People.Counts
		l.LockedOut, l.AlreadyOut, l.People = n.LockedOut, n.AlreadyOut, n.Findings
	}
	if p != nil {
		l.Changes = len(p.Changes)
	}
	return l
}

func (a *Activities) keepPreflight(pre *federation.Preflight, l *flow.Look) error {
	b, err := json.Marshal(pre)
	if err != nil {
		return err
	}
	ref, err := a.o.Data.SavePeople(a.o.Now(), b)
	if err != nil {
		return stored{err}
	}
	l.Preflight = &ref
	return nil
}

// open keeps a proposal, and tells it in numbers.
func (a *Activities) open(c *customers.Customer, p *federation.Proposal) (*flow.Open, error) {
	b, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	ref, err := a.o.Data.SaveProposal(p.Hash, b)
	if err != nil {
		return nil, stored{err}
	}
	lose := make(map[string]bool)
	for _, f := range p.People {
		lose[f.AzureADID+" "+f.JumpCloudID+" "+f.Who()] = true
	}
	return &flow.Open{
		Hash: p.Hash, Verb: p.Verb, Proposal: ref, Changes: len(p.Changes), LockedOut: len(lose),
		Consent: len(p.People) > 0 || slices.ContainsFunc(p.Findings, func(f federation.Finding) bool { return f.Consented }),
		Two:     approve.NeedsTwo(p.Verb, p, c.TwoPeople), Life: p.Expires.Sub(a.o.Now()),
	}, nil
}

// ours reports whether a proposal changes nothing but fields of our federation and
// application, and bindings that a stored report shows to have been there before.
func (a *Activities) ours(domain string, found federation.State, p *federation.Proposal) bool {
	switch found {
	case federation.StateFederated, federation.StateDiffers, federation.StateMismatch:
	default:
		return false
	}
	if p.Verb != federation.VerbFederate || len(p.Changes) == 0 || len(p.People) > 0 ||
		slices.ContainsFunc(p.Findings, func(f federation.Finding) bool { return f.Consented || f.Severity == federation.Alarm }) {
		return false
	}
	var before []*federation.Report
	for _, c := range p.Changes {
		switch {
		case c.Resource == federation.ResFederation && c.Action == federation.Update &&
			!slices.ContainsFunc(c.Fields, func(f federation.Field) bool { return strings.Contains(strings.ToLower(f.Name), "issuer") }):
		case c.Resource == federation.ResApplication && c.Action == federation.Update && c.Target != "":
		case (c.Resource == federation.ResApplicationGroup || c.Resource == federation.ResDirectoryGroup) && c.Action == federation.Add &&
			c.Target != "" && c.Parent != "":
			if before == nil {
				refs, err := a.o.Data.Reports(domain)
				if err != nil {
					return false
				}
				before, _ = a.load(refs)
			}
			if !made(before, c) {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// made reports whether one of the reports shows that a change was made.
func made(reports []*federation.Report, c federation.Change) bool {
	return slices.ContainsFunc(reports, func(r *federation.Report) bool {
		return slices.ContainsFunc(r.Steps, func(s federation.Step) bool {
			return s.Outcome == federation.Done && s.Change.Resource == c.Resource && s.Change.Action == c.Action &&
				s.Change.Parent == c.Parent && s.Change.Target == c.Target
		})
	})
}

// load returns the reports, without those that are lost.
func (a *Activities) load(refs []data.Ref) (reports []*federation.Report, lost int) {
	for _, ref := range refs {
		b, err := a.o.Data.Load(ref)
		if err != nil {
			lost++
			continue
		}
		rep, err := federation.ParseReport(b)
		if err != nil {
			lost++
			continue
		}
		reports = append(reports, rep)
	}
	return reports, lost
}

// loadProposal returns a proposal that was kept.
func (a *Activities) loadProposal(o flow.Open, domain string) (*federation.Proposal, error) {
	b, err := a.o.Data.Load(o.Proposal)
	if err != nil {
		return nil, err
	}
	p, err := federation.ParseProposal(b)
	switch {
	case err != nil:
		return nil, err
	case p.Hash != o.Hash || p.Verb != o.Verb || p.Domain != domain:
		return nil, approve.ErrOtherProposal
	}
	return p, nil
}

// stored is an error of the folder: there may be room again.
type stored struct{ error }

// Error says that it is about the folder.
func (e stored) Error() string { return fmt.Sprintf("%v", e.error) }

// Is makes it one that may pass by itself.
func (stored) Is(target error) bool { return target == federation.ErrNotStored }
