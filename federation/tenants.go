package federation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// A Tenant is one customer of many: an Azure AD tenant, a JumpCloud organisation, and
// the plans for its domains.
type Tenant struct {
	// Name is what the customer is called in results. No two have the same.
	Name string

	// Federator has the clients of this customer's tenant and organisation. Of
	// organisations behind one provider's key they are made with
	// [jumpcloud.Client.ForOrganization], so that all of them share a pace.
	Federator *Federator

	// Plans are for one domain each; several are judged together, as by
	// [Federator.FederateAll]. Those that name their Plan.Tenant and
	// Plan.Organization cannot be carried out with another customer's clients.
	Plans []Plan
}

// TenantsOptions tune [FederateTenants] and [PreviewTenants]. The zero value of every
// field is its default.
type TenantsOptions struct {
	// Concurrency is how many customers are worked on at once; the domains of one
	// follow each other. The default is 8. Many more gain nothing from a service that
	// throttles: runs that wait long have to read again what they judged by.
	Concurrency int

	// MaxFailures is after how many domains that were refused or failed no further
	// customer is begun. 0, the default, begins all: one customer's trouble is
	// seldom another's.
	MaxFailures int

	// OnResult is told of each domain that was begun, when its customer is done.
	// Calls never overlap. After an error no further customer is begun, and the error
	// is that of those that were not.
	OnResult func(TenantResult) error
}

// TenantOutcome says how it stands with a domain of one of many tenants.
type TenantOutcome string

const (
	// TenantHeld: the plan holds, nothing was to be done.
	TenantHeld TenantOutcome = "held"
	// TenantChanged: changes were made, and the plan holds.
	TenantChanged TenantOutcome = "changed"
	// TenantPlanned: changes would be made. Only a preview says so.
	TenantPlanned TenantOutcome = "planned"
	// TenantRefused: something stands in the way, or was not confirmed. Nothing was written.
	TenantRefused TenantOutcome = "refused"
	// TenantFailed: the run ended before its end. The report says what was done.
	TenantFailed TenantOutcome = "failed"
	// TenantNotStarted: it was not begun, and nothing was asked or written.
	TenantNotStarted TenantOutcome = "not started"
)

// A TenantResult is what came of one domain.
type TenantResult struct {
	Name    string        `json:"name"` // of the [Tenant]
	Domain  string        `json:"domain"`
	Outcome TenantOutcome `json:"outcome"`
	// Report is what [FederateTenants] did, as of [Federator.Federate].
	Report *Report `json:"report,omitempty"`
	// Changes are what [PreviewTenants] found missing, as of [Federator.Preview].
	Changes Changes `json:"changes,omitempty"`
	// Err is why it was refused, failed or was not begun; Error is its text.
	Err   error  `json:"-"`
	Error string `json:"error,omitempty"`
}

// CodeTenants is the code of what is wrong with a list of tenants.
const CodeTenants Code = "tenants-contradiction"

// FederateTenants carries out the plans of many customers, some at a time, as
// [Federator.FederateAll] does those of each. It is for the job that runs each night
// over all of them: whose plan holds already costs 10 requests that read.
//
// The list is judged before anything is asked of either service. It is refused as a
// whole, with a [*PreconditionError], if two customers have the same name, Federator,
// organisation, tenant or domain, or if a plan names another tenant or organisation
// than those of its customer's clients: such a list is mixed up, and nobody knows
// where. Tokens are fetched for that; a customer whose token cannot be had is no
// reason to refuse the others.
//
// When ctx ends, what is under way ends, and says in its report what was done; what
// was not begun says [ErrNotStarted]. The summary is complete whatever happens, and
// never nil. The error joins those of all domains.
func FederateTenants(ctx context.Context, tenants []Tenant, opts *TenantsOptions) (*Summary, error) {
	return forTenants(ctx, tenants, opts, false, func(t Tenant) []TenantResult {
		reports, errs, refused := t.Federator.federateAll(ctx, t.Plans, BatchOptions{Concurrency: 1})
		out := t.results()
		for i := range out {
			out[i].Report = reports[i]
			out[i].end(cmp.Or(refused, errs[i]))
		}
		return out
	})
}

// PreviewTenants is [FederateTenants] without the writes: what each customer's
// [Federator.Preview] says.
func PreviewTenants(ctx context.Context, tenants []Tenant, opts *TenantsOptions) (*Summary, error) {
	return forTenants(ctx, tenants, opts, true, func(t Tenant) []TenantResult {
		refused := t.Federator.judgeBatch(ctx, t.Plans)
		out := t.results()
		for i := range out {
			r, err := &out[i], refused
			switch {
			case err != nil:
			case ctx.Err() != nil:
				err = fmt.Errorf("federation: %s: %w", r.Domain, notStarted(context.Cause(ctx)))
			default:
				if r.Changes, err = t.Federator.Preview(ctx, t.Plans[i]); err != nil {
					err = fmt.Errorf("%s: %w", r.Domain, err)
				}
			}
			r.end(err)
		}
		return out
	})
}

// forTenants begins one customer after the other, as many at a time as it may.
func forTenants(
	ctx context.Context, tenants []Tenant, opts *TenantsOptions, preview bool, work func(Tenant) []TenantResult,
) (*Summary, error) {
	var o TenantsOptions
	if opts != nil {
		o = *opts
	}
	limit := cmp.Or(max(o.Concurrency, 0), 8)
	s := &Summary{Preview: preview, Started: time.Now()}
	results := make([][]TenantResult, len(tenants))
	var mu sync.Mutex // guards what follows, and serialises OnResult
	stop, failures := judgeTenants(ctx, tenants, limit), 0
	refused := stop
	if refused != nil {
		s.Error, stop = refused.Error(), errListRefused
	}
	var wg sync.WaitGroup
	turns := make(chan struct{}, limit)
	for i, t := range tenants {
		turns <- struct{}{}
		mu.Lock()
		over := cmp.Or(stop, context.Cause(ctx)) != nil
		mu.Unlock()
		if over {
			break
		}
		wg.Go(func() {
			defer func() { <-turns }()
			done := work(t)
			mu.Lock()
			defer mu.Unlock()
			results[i] = done
			for _, r := range done {
				if r.Outcome == TenantRefused || r.Outcome == TenantFailed {
					failures++
				}
				if o.OnResult != nil && r.Outcome != TenantNotStarted {
					stop = cmp.Or(stop, o.OnResult(r))
				}
			}
			if o.MaxFailures > 0 && failures >= o.MaxFailures {
				stop = cmp.Or(stop, fmt.Errorf("%s could not be federated", plural(failures, "domain", "domains")))
			}
		})
	}
	wg.Wait()
	var errs []error
	for i, t := range tenants {
		if results[i] == nil {
			results[i] = t.results()
			for j := range results[i] {
				results[i][j].end(notStarted(cmp.Or(stop, context.Cause(ctx))))
			}
		}
		for _, r := range results[i] {
			if r.Err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", r.Name, r.Err))
			}
		}
		s.Results = append(s.Results, results[i]...)
	}
	s.Finished = time.Now()
	return s, cmp.Or(refused, errors.Join(errs...))
}

var errListRefused = errors.New("the list of tenants was refused")

// results are those of a customer that nothing has come of yet.
func (t *Tenant) results() []TenantResult {
	out := make([]TenantResult, len(t.Plans))
	for i, p := range t.Plans {
		out[i] = TenantResult{Name: t.Name, Domain: domainName(p.Domain)}
	}
	return out
}

// end says what came of the domain.
func (r *TenantResult) end(err error) {
	var pe *PreconditionError
	wrote := r.Report != nil && r.Report.Changed()
	switch {
	case errors.Is(err, ErrNotStarted):
		r.Outcome = TenantNotStarted
	case !wrote && (errors.As(err, &pe) || errors.Is(err, ErrNotConfirmed) || errors.Is(err, ErrNotApproved)):
		r.Outcome = TenantRefused
	case err != nil:
		r.Outcome = TenantFailed
	case wrote:
		r.Outcome = TenantChanged
	case len(r.Changes) > 0:
		r.Outcome = TenantPlanned
	default:
		r.Outcome = TenantHeld
	}
	if r.Err = err; err != nil {
		r.Error = err.Error()
	}
}

// judgeTenants judges the list. What is wrong with one plan alone is for its own run
// to say, and what is not known is not compared.
func judgeTenants(ctx context.Context, tenants []Tenant, limit int) error {
	var ps findings
	type claim struct{ what, value string }
	by := make(map[claim]string)
	const theFederator, theAzureAD, theJumpCloud = "Federator", "client of Azure AD", "client of JumpCloud"
	// own notes what is one customer's alone, and reports whether it is.
	own := func(name, what, value, repair string) bool {
		c := claim{what, value}
		other, taken := by[c]
		if value == "" || !taken {
			by[c] = name
			return true
		}
		who := quote(other) + " and " + quote(name) + " have"
		if other == name {
			who = quote(name) + " has twice"
		}
		if !slices.Contains([]string{theFederator, theAzureAD, theJumpCloud}, what) { // no addresses in memory
			what += " " + quote(value)
		}
		ps.refuse(CodeTenants, name, who+" the same "+what, repair)
		return false
	}
	const together = "give one customer one entry, with the plans of all its domains; " +
		"what really shares it goes into a second call, after the first"
	ids := azureTenants(ctx, tenants, limit)
	for i, t := range tenants {
		name := cmp.Or(t.Name, "number "+strconv.Itoa(i+1))
		if t.Name == "" {
			ps.refuse(CodeTenants, name, name+" of the tenants has no name", "give each customer a name")
		}
		own(name, "name", t.Name, "give each customer a name of its own")
		if len(t.Plans) == 0 {
			ps.refuse(CodeTenants, name, quote(name)+" has no plan", "give it one, or leave the customer out")
		}
		for _, p := range t.Plans {
			own(name, "domain", domainName(p.Domain), "give each domain one plan, in the entry of the customer that it belongs to")
		}
		if t.Federator == nil {
			ps.refuse(CodeTenants, name, quote(name)+" has no Federator", "make one with New, of clients of the customer's organisation and tenant")
			continue
		}
		organization := t.Federator.jc.OrgID()
		if !own(name, theFederator, fmt.Sprintf("%p", t.Federator.shared), together) { // or views of one
			continue
		}
		own(name, "Azure AD tenant", ids[i], together)
		own(name, "JumpCloud organisation", cmp.Or(organization, pinned(t.Plans)), together)
		if ids[i] == "" { // the clients are all that can be compared
			own(name, theAzureAD, fmt.Sprintf("%p", t.Federator.ad), together)
		}
		if organization == "" {
			own(name, theJumpCloud, fmt.Sprintf("%p", t.Federator.jc), together)
		}
		for _, p := range t.Plans {
			gateCustomer(&ps, "plan of "+quote(name)+" for "+domainName(p.Domain), p.Tenant, ids[i], p.Organization, organization)
		}
	}
	return ps.err()
}

// pinned is the organisation that the plans name; "" if none does.
func pinned(plans []Plan) string {
	for _, p := range plans {
		if p.Organization != "" {
			return p.Organization
		}
	}
	return ""
}

// azureTenants asks for the token of each customer, and returns which tenant it is
// of; "" if that cannot be known.
func azureTenants(ctx context.Context, tenants []Tenant, limit int) []string {
	ids := make([]string, len(tenants))
	var g errgroup.Group
	g.SetLimit(limit)
	for i, t := range tenants {
		if t.Federator == nil || slices.ContainsFunc(tenants[:i], func(o Tenant) bool { return o.Federator == t.Federator }) {
			continue
		}
		g.Go(func() error {
			ids[i], _ = t.Federator.tenant(ctx) // its own run tells the error
			return nil
		})
	}
	_ = g.Wait() // nothing fails
	return ids
}
