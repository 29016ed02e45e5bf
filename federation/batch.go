package federation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/jcaad/jcaad/internal/text"
	"golang.org/x/sync/errgroup"
)

// BatchOptions tune FederateAll. The zero value of every field is its default.
type BatchOptions struct {
	// Concurrency is how many domains are worked on at once. The default is 4.
	Concurrency int
	// KeepGoing goes on with the other domains when one fails.
	KeepGoing bool
}

// ErrNotStarted is the error of a domain that a batch did not come to. What is
// wrapped beside it says why: the end of the context, what
// [TenantsOptions.OnResult] returned.
var ErrNotStarted = errors.New("not started")

// FederateAll federates several domains, one plan each: every domain has an
// application of its own, because Azure AD finds the domain by the
// application's entity ID; groups, members, the technical account and the directory
// may be shared. Subdomains inherit from their root and are refused like in
// Federate.
//
// The batch is judged as a whole before the first write. It is refused with a
// [*PreconditionError] if plans contradict each other, or if no Global
// Administrator could sign in without JumpCloud with all its domains federated.
// What plans share is made once: the first plan that needs it makes it and reports
// it, the others report it as [Skipped], with its ID.
//
// By default no further domain is begun once one has failed; what is under way
// is finished. The reports are in the order of the plans and never nil. The
// error joins those of the domains; for domains that were not begun it
// includes [ErrNotStarted].
func (f *Federator) FederateAll(ctx context.Context, plans []Plan, opts *BatchOptions) ([]*Report, error) {
	var o BatchOptions
	if opts != nil {
		o = *opts
	}
	reports, errs, err := f.federateAll(ctx, plans, o)
	return reports, cmp.Or(err, errors.Join(errs...))
}

// federateAll is FederateAll with the error of each plan, or the one that keeps all
// of them from being begun.
func (f *Federator) federateAll(ctx context.Context, plans []Plan, o BatchOptions) (reports []*Report, errs []error, refused error) {
	reports, errs = make([]*Report, len(plans)), make([]error, len(plans))
	for i, p := range plans {
		reports[i] = &Report{Version: reportVersion, Verb: VerbFederate, Plan: p, Steps: []Step{}}
	}
	if err := f.judgeBatch(ctx, plans); err != nil {
		for _, rep := range reports {
			rep.Error = err.Error()
		}
		return reports, errs, err
	}
	var failed atomic.Bool
	var g errgroup.Group
	g.SetLimit(cmp.Or(max(o.Concurrency, 0), 4))
	batch := new(recall)
	defer f.makings.enter(batch)()
	for i, p := range plans {
		g.Go(func() error {
			if failed.Load() && !o.KeepGoing || ctx.Err() != nil {
				errs[i] = fmt.Errorf("federation: %s: %w", p.Domain, notStarted(cmp.Or(context.Cause(ctx), errOtherFailed)))
				reports[i].Error = errs[i].Error()
				return nil
			}
			reports[i], errs[i] = f.federate(ctx, p, batch)
			if errs[i] != nil {
				failed.Store(true)
				errs[i] = fmt.Errorf("%s: %w", p.Domain, errs[i])
			}
			return nil
		})
	}
	_ = g.Wait() // each domain's error is in errs
	return reports, errs, nil
}

var errOtherFailed = errors.New("another domain failed")

// notStarted is ErrNotStarted with the reason.
func notStarted(why error) error { return fmt.Errorf("%w: %w", ErrNotStarted, why) }

// CodeBatch is the code of plans of a batch that contradict each other.
const CodeBatch Code = "batch-contradiction"

// judgeBatch judges plans together. What is wrong with one of them alone is for
// its own run to say.
func (f *Federator) judgeBatch(ctx context.Context, plans []Plan) error {
	var ps findings
	var good []Plan
	for _, p := range plans {
		n, err := p.normalize()
		n.Domain = domainName(p.Domain)
		if err == nil {
			good = append(good, n)
		}
	}
	contradictions(&ps, plans)
	if err := ps.err(); err != nil || len(good) < 2 {
		return err
	}
	st, err := f.observe(ctx, good[0], observation{}, partAdmins|partDomains)
	if err != nil {
		return reading(PhaseCheck, err)
	}
	if err := f.remember(ctx, &st, ""); err != nil {
		return reading(PhaseCheck, err)
	}
	var names []string
	asks, made := false, TechnicalAccount{}
	for _, p := range good {
		if st.domain(p.Domain) == nil || st.federated(p.Domain) {
			continue
		}
		names = append(names, p.Domain)
		asks = asks || !p.Consent.NoBreakGlass
		if p.TechnicalAccount.Create {
			made = p.TechnicalAccount
		}
	}
	if len(names) < 2 || !asks {
		return nil
	}
	st.federate(names...)
	for i := range st.admins {
		if a := &st.admins[i]; made.Create && strings.EqualFold(a.upn, made.UserPrincipalName) {
			st.technical = a
		}
	}
	var all findings
	st.gateBreakGlass(&all, Plan{Domain: names[0], TechnicalAccount: made})
	for _, p := range all {
		if p.Code == CodeBreakGlass {
			p.Subject = strings.Join(names, ", ")
			p.Message = "with all of " + p.Subject + " federated, " + p.Message
			ps = append(ps, p)
		}
	}
	return ps.err()
}

// contradictions tells of plans that cannot all be true.
func contradictions(ps *findings, plans []Plan) {
	domains := make(map[string]bool)
	for _, p := range plans {
		d := domainName(p.Domain)
		if domains[d] {
			ps.refuse(CodeBatch, d, "the domain "+quote(d)+" has two plans", "give each domain one plan")
		}
		domains[d] = true
	}
	type claim struct{ what, value string }
	by := make(map[claim]string) // who claims what is of one domain alone
	groups := make(map[string]string)
	rules := make(map[string]string)
	for _, p := range plans {
		d := domainName(p.Domain)
		own := func(what, value string) {
			if value == "" {
				return
			}
			c := claim{what, strings.ToLower(strings.TrimSuffix(value, "/"))}
			if other, ok := by[c]; ok && other != d {
				ps.refuse(CodeBatch, value, "the plans of "+other+" and "+d+" have the same "+what+" "+value,
					"give each domain its own, or leave it out for the default")
			}
			by[c] = d
		}
		a := p.Application
		if a.IdPEntityID == "" {
			a.IdPEntityID = entityIDPrefix + d
		}
		if a.LoginURL == "" && a.ID == "" {
			a.LoginURL = defaultLoginRoot + text.Slug(d)
		}
		own("IdP entity ID", a.IdPEntityID)
		own("login URL", a.LoginURL)
		own("application ID", a.ID)
		if next := domainName(p.DefaultDomain); next != "" && next != d && domains[next] {
			ps.refuse(CodeBatch, next, "the plan of "+d+" makes "+next+" the default domain, and another plan federates it",
				"choose a default domain that stays managed")
		}
		for _, g := range p.Groups {
			if g.ID == "" {
				continue
			}
			if other, ok := groups[g.Name]; ok && other != g.ID {
				ps.refuse(CodeBatch, g.Name, "two plans pin the group "+quote(g.Name)+" to two IDs, "+other+" and "+g.ID, "pin it to one of them")
			}
			groups[g.Name] = g.ID
		}
		if len(p.Directory.Rules) > 0 {
			set := strings.Join(slices.Sorted(slices.Values(p.Directory.Rules)), ", ")
			key := p.Directory.ID + "/" + p.Directory.Name
			if other, ok := rules[key]; ok && other != set {
				ps.refuse(CodeBatch, p.Directory.Name, "two plans want different translation rules of one directory: "+other+" and "+set,
					"list the same rules in both")
			}
			rules[key] = set
		}
	}
}
