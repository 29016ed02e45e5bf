package federation_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/internal/fake"
	"github.com/jcaad/jcaad/jumpcloud"
)

// outcomes are those of all domains, in order.
func outcomes(s *federation.Summary) (out []federation.TenantOutcome) {
	for _, r := range s.Results {
		out = append(out, r.Outcome)
	}
	return out
}

// night is a provider with a customer for each outcome: federated already, fresh,
// with a plan that is refused, not confirmed, and one at whom Azure AD fails half-way.
func night(t *testing.T) (*federationtest.Provider, []federation.Tenant) {
	t.Helper()
	p := federationtest.NewProvider(5, nil)
	tenants := p.Tenants(nil)
	if _, err := federation.FederateTenants(t.Context(), tenants[:1], nil); err != nil {
		t.Fatal(err)
	}
	tenants[2].Plans[0].MFA = ""
	tenants[3].Federator = p.Customers[3].Federator(&federation.Options{Confirm: func(context.Context, *federation.Proposal) error { return errors.New("not tonight") }})
	p.Customers[4].AzureAD.Fault = func(r *http.Request) fake.Fault {
		if r.Method == http.MethodPost && strings.Contains(r.URL.Path, "federationConfiguration") {
			return fake.Fault{Kind: fake.Refuse503, Status: http.StatusForbidden}
		}
		return fake.Fault{}
	}
	return p, tenants
}

// Each domain has its outcome, with what Federate or Preview says, one customer's
// trouble is not another's, and the summary says all of it.
func TestTenantsOutcomes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, tenants := night(t)
		written := p.Customers[0].Writes()
		preview, err := federation.PreviewTenants(t.Context(), tenants, nil)
		var pe *federation.PreconditionError
		if !errors.As(err, &pe) || !pe.Has(federation.CodePlanMFA) || !preview.Preview {
			t.Errorf("preview: %v", err)
		}
		const held, changed, planned, refused, failed = federation.TenantHeld, federation.TenantChanged, federation.TenantPlanned,
			federation.TenantRefused, federation.TenantFailed
		if diff := cmp.Diff([]federation.TenantOutcome{held, planned, refused, planned, planned}, outcomes(preview)); diff != "" {
			t.Errorf("preview (-want +got):\n%s", diff)
		}
		want, err := tenants[1].Federator.Preview(t.Context(), tenants[1].Plans[0])
		if err != nil || len(want) == 0 || !cmp.Equal(want, preview.Results[1].Changes) || preview.Results[1].Report != nil {
			t.Errorf("%v; a preview says\n%s\nalone, and among others\n%s", err, want, preview.Results[1].Changes)
		}
		for i, e := range p.Customers {
			if i == 0 && e.Writes() != written || i > 0 && e.Writes() > 0 {
				t.Errorf("the preview wrote at %s", e.Domain)
			}
		}

		var told []federation.TenantResult
		s, err := federation.FederateTenants(t.Context(), tenants, &federation.TenantsOptions{
			OnResult: func(r federation.TenantResult) error { told = append(told, r); return nil },
		})
		if diff := cmp.Diff([]federation.TenantOutcome{held, changed, refused, refused, failed}, outcomes(s)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if !errors.As(err, &pe) || !errors.Is(err, federation.ErrNotConfirmed) || !strings.Contains(err.Error(), "Customer 05: customer05.example: ") {
			t.Errorf("the error lacks some: %v", err)
		}
		slices.SortFunc(told, func(a, b federation.TenantResult) int { return strings.Compare(a.Name, b.Name) })
		for i, r := range s.Results {
			if r.Report == nil || r.Report.Plan.Domain != r.Domain || r.Report.Tenant != p.Customers[i].AzureAD.TenantID && i != 2 {
				t.Errorf("%s: report %v", r.Name, r.Report)
			}
			if (r.Err != nil) != (r.Error != "") || r.Err != nil && r.Err.Error() != r.Error {
				t.Errorf("%s: %v, and %q", r.Name, r.Err, r.Error)
			}
			if i >= len(told) || told[i].Name != r.Name || told[i].Outcome != r.Outcome || told[i].Report != r.Report {
				t.Errorf("%s was not told as it is in the summary", r.Name)
			}
		}
		if n := s.Count(refused, failed); n != 3 || s.Finished.Before(s.Started) || s.Started.IsZero() || s.Error != "" {
			t.Errorf("%d need somebody; from %v to %v, %q", n, s.Started, s.Finished, s.Error)
		}
		if steps := s.Results[4].Report.Steps; len(steps) == 0 {
			t.Error("the report of the failed one does not say what was done")
		}

		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var back federation.Summary
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatal(err)
		}
		if back.String() != s.String() {
			t.Errorf("read back from JSON:\n%s\nbefore:\n%s", &back, s)
		}
		if rep := back.Results[1].Report; rep == nil || !rep.Changed() {
			t.Fatal("the report cannot be read back")
		} else if undone, err := tenants[1].Federator.Revert(t.Context(), rep); err != nil || !undone.Changed() {
			t.Errorf("a report out of the summary cannot be reverted: %v", err)
		}
	})
}

// No further customer is begun after so many failures, or when OnResult says so; what
// is under way is finished, and the others say why they were not begun.
func TestTenantsStop(t *testing.T) {
	errEnough := errors.New("enough")
	stopAt := func(name string) func(federation.TenantResult) error {
		return func(r federation.TenantResult) error {
			if r.Name == name {
				return errEnough
			}
			return nil
		}
	}
	for _, tt := range []struct {
		name  string
		opts  federation.TenantsOptions
		begun []int // customers
		why   string
	}{
		{"never", federation.TenantsOptions{Concurrency: 1}, []int{1, 2, 3, 4, 5, 6}, ""},
		{"first failure", federation.TenantsOptions{Concurrency: 1, MaxFailures: 1}, []int{1, 2}, "not started: 1 domain could not be federated"},
		{"second failure", federation.TenantsOptions{Concurrency: 1, MaxFailures: 2}, []int{1, 2, 3, 4}, "not started: 2 domains could not be federated"},
		{"more than there are", federation.TenantsOptions{Concurrency: 1, MaxFailures: 3}, []int{1, 2, 3, 4, 5, 6}, ""},
		{"first failure, two at once", federation.TenantsOptions{Concurrency: 2, MaxFailures: 1}, []int{1, 2}, "not started: 1 domain could not be federated"},
		{"the caller says so", federation.TenantsOptions{Concurrency: 1, OnResult: stopAt("Customer 03")}, []int{1, 2, 3}, "not started: enough"},
		{"the caller says so, two at once", federation.TenantsOptions{Concurrency: 2, OnResult: stopAt("Customer 02")}, []int{1, 2}, "not started: enough"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := federationtest.NewProvider(6, nil)
				tenants := p.Tenants(nil)
				tenants[1].Plans[0].MFA, tenants[3].Plans[0].MFA = "", ""
				s, err := federation.FederateTenants(t.Context(), tenants, &tt.opts)
				if (tt.why != "") != errors.Is(err, federation.ErrNotStarted) {
					t.Errorf("%v", err)
				}
				for i, r := range s.Results {
					begun := r.Outcome != federation.TenantNotStarted
					if begun != slices.Contains(tt.begun, i+1) || begun != (p.Customers[i].Requests() > 0) && i != 1 && i != 3 {
						t.Errorf("%s: %s, %d requests", r.Name, r.Outcome, p.Customers[i].Requests())
					}
					if begun && (r.Err != nil) != (i == 1 || i == 3) {
						t.Errorf("%s was begun, and not finished: %v", r.Name, r.Err)
					}
					if !begun && (!errors.Is(r.Err, federation.ErrNotStarted) || r.Error != tt.why || r.Report != nil) {
						t.Errorf("%s: %v, %v; want %s", r.Name, r.Err, r.Report, tt.why)
					}
				}
				if tt.why == "not started: enough" && !errors.Is(err, errEnough) {
					t.Errorf("the caller's reason is lost: %v", err)
				}
			})
		})
	}
}

// When the context ends, what is under way ends and says what it has done; the rest is
// not begun. Another call goes on from there.
func TestTenantsCancelled(t *testing.T) {
	for _, preview := range []bool{false, true} {
		t.Run(fmt.Sprintf("preview %v", preview), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := federationtest.NewProvider(6, nil)
				p.JumpCloud.Latency = 100 * time.Millisecond
				errTime := errors.New("the night is over")
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				work, done := federation.FederateTenants, federation.TenantChanged
				if preview {
					work, done = federation.PreviewTenants, federation.TenantPlanned
				}
				n := 0
				opts := &federation.TenantsOptions{Concurrency: 2, OnResult: func(r federation.TenantResult) error {
					if n++; r.Name == "Customer 02" || r.Name == "Customer 01" {
						if n == 2 {
							go func() { // when two others are under way
								time.Sleep(150 * time.Millisecond)
								cancel(errTime)
							}()
						}
					}
					return nil
				}}
				s, err := work(ctx, p.Tenants(nil), opts)
				want := []federation.TenantOutcome{done, done, federation.TenantFailed, federation.TenantFailed,
					federation.TenantNotStarted, federation.TenantNotStarted}
				if diff := cmp.Diff(want, outcomes(s)); diff != "" {
					t.Errorf("(-want +got):\n%s\n%s", diff, s)
				}
				if !errors.Is(err, errTime) || !errors.Is(err, federation.ErrNotStarted) || n != 4 {
					t.Errorf("%v; %d results were told", err, n)
				}
				if !preview && s.Results[2].Report == nil {
					t.Error("there is no report of what was under way")
				}
				for _, r := range s.Results[4:] {
					if !errors.Is(r.Err, errTime) || !errors.Is(r.Err, federation.ErrNotStarted) {
						t.Errorf("%s: %v", r.Name, r.Err)
					}
				}
				if p.Customers[4].Requests()+p.Customers[5].Requests() > 0 {
					t.Error("something was asked for one that was not begun")
				}
				if s, err := federation.FederateTenants(t.Context(), p.Tenants(nil), nil); err != nil || s.Count(federation.TenantChanged, federation.TenantHeld) != 6 {
					t.Errorf("another call: %v\n%s", err, s)
				}
			})
		})
	}
}

// No more customers are worked on at once than was asked for, and as many as that.
func TestTenantsConcurrency(t *testing.T) {
	for _, tt := range []struct{ concurrency, want int }{{0, 8}, {1, 1}, {3, 3}, {50, 12}, {-1, 8}} {
		t.Run(fmt.Sprint(tt.concurrency), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := federationtest.NewProvider(12, &federationtest.Options{Users: 1})
				p.JumpCloud.Latency = 10 * time.Millisecond
				var mu sync.Mutex
				under, most := make(map[string]bool), 0
				s, err := federation.FederateTenants(t.Context(), p.Tenants(&federation.Options{OnEvent: func(e federation.Event) {
					mu.Lock()
					defer mu.Unlock()
					under[e.Domain] = true
					most = max(most, len(under))
					if e.Phase == federation.PhaseDone {
						delete(under, e.Domain)
					}
				}}), &federation.TenantsOptions{Concurrency: tt.concurrency})
				if err != nil || most != tt.want {
					t.Errorf("%d at once; want %d (%v)\n%s", most, tt.want, err, s)
				}
			})
		})
	}
}

// A list that cannot be right is refused as a whole, before anything is asked, with
// all that is wrong with it.
func TestTenantsRefused(t *testing.T) {
	for _, tt := range []struct {
		name string
		edit func(*federationtest.Provider, []federation.Tenant)
		want string
	}{
		{"no name", func(_ *federationtest.Provider, ts []federation.Tenant) { ts[1].Name = "" }, "number 2 of the tenants has no name"},
		{"one name", func(_ *federationtest.Provider, ts []federation.Tenant) { ts[1].Name = ts[0].Name },
			`"Customer 01" has twice the same name "Customer 01"`},
		{"no Federator", func(_ *federationtest.Provider, ts []federation.Tenant) { ts[2].Federator = nil }, `"Customer 03" has no Federator`},
		{"no plan", func(_ *federationtest.Provider, ts []federation.Tenant) { ts[2].Plans = nil }, `"Customer 03" has no plan`},
		{"one Federator", func(_ *federationtest.Provider, ts []federation.Tenant) { ts[1].Federator = ts[0].Federator },
			`"Customer 01" and "Customer 02" have the same Federator`},
		{"two views of one Federator", func(_ *federationtest.Provider, ts []federation.Tenant) {
			ts[1].Federator = ts[0].Federator.With(federation.Options{})
		}, `"Customer 01" and "Customer 02" have the same Federator`},
		{"one client of Azure AD, whose tokens tell nothing", func(p *federationtest.Provider, ts []federation.Tenant) {
			p.Customers[0].AzureAD.OpaqueTokens = true
			ad := p.Customers[0].AzureAD.Client(nil)
			for i, e := range p.Customers[:2] {
				ts[i].Federator = federation.New(p.Client().ForOrganization(e.JumpCloud.OrgID()), ad, nil)
			}
		}, `"Customer 01" and "Customer 02" have the same client of Azure AD (`},
		{"one client of JumpCloud", func(p *federationtest.Provider, ts []federation.Tenant) {
			jc := p.JumpCloud.Client(&jumpcloud.Options{OrgID: ""})
			for i, e := range p.Customers[:2] {
				ts[i].Federator = federation.New(jc, e.AzureAD.Client(nil), nil)
				ts[i].Plans[0].Organization = ""
			}
		}, `"Customer 01" and "Customer 02" have the same client of JumpCloud (`},
		{"one domain", func(_ *federationtest.Provider, ts []federation.Tenant) {
			ts[1].Plans[0].Domain = "Customer01.EXAMPLE."
		},
			`"Customer 01" and "Customer 02" have the same domain "customer01.example"`},
		{"one domain, one customer", func(_ *federationtest.Provider, ts []federation.Tenant) {
			ts[1].Plans = append(ts[1].Plans, ts[1].Plans[0])
		},
			`"Customer 02" has twice the same domain "customer02.example"`},
		{"one organisation", func(p *federationtest.Provider, ts []federation.Tenant) {
			ts[1].Federator = federation.New(p.Client().ForOrganization(p.Customers[0].JumpCloud.OrgID()), p.Customers[1].AzureAD.Client(nil), nil)
			ts[1].Plans[0].Organization = ""
		}, `"Customer 01" and "Customer 02" have the same JumpCloud organisation "600000010000010000000000"`},
		{"one organisation, by the plans", func(p *federationtest.Provider, ts []federation.Tenant) {
			for i := range ts[:2] {
				ts[i].Federator = federation.New(p.JumpCloud.Client(nil), p.Customers[i].AzureAD.Client(nil), nil)
				ts[i].Plans[0].Organization = p.JumpCloud.OrgID()
			}
		}, `have the same JumpCloud organisation "600000010000000000000000"`},
		{"one tenant", func(p *federationtest.Provider, ts []federation.Tenant) {
			ts[1].Federator = federation.New(p.Client().ForOrganization(p.Customers[1].JumpCloud.OrgID()), p.Customers[0].AzureAD.Client(nil), nil)
			ts[1].Plans[0].Tenant = ""
		}, `"Customer 01" and "Customer 02" have the same Azure AD tenant "c0000000-0000-4000-8000-000000000001"`},
		{"a plan of another tenant", func(_ *federationtest.Provider, ts []federation.Tenant) { ts[1].Plans[0].Tenant = "other" },
			`the plan of "Customer 02" for customer02.example is of the Azure AD tenant other`},
		{"a plan of another organisation", func(_ *federationtest.Provider, ts []federation.Tenant) { ts[1].Plans[0].Organization = "other" },
			`the plan of "Customer 02" for customer02.example is of the JumpCloud organisation other`},
		{"several", func(_ *federationtest.Provider, ts []federation.Tenant) { ts[1].Name, ts[2].Plans = "", nil }, "2 problems"},
	} {
		for _, work := range []func(context.Context, []federation.Tenant, *federation.TenantsOptions) (*federation.Summary, error){
			federation.FederateTenants, federation.PreviewTenants,
		} {
			t.Run(tt.name, func(t *testing.T) {
				p := federationtest.NewProvider(3, &federationtest.Options{Users: 1})
				tenants := p.Tenants(nil)
				tt.edit(p, tenants)
				s, err := work(t.Context(), tenants, &federation.TenantsOptions{OnResult: func(r federation.TenantResult) error {
					t.Errorf("told of %s", r.Name)
					return nil
				}})
				var pe *federation.PreconditionError
				if !errors.As(err, &pe) || !strings.Contains(err.Error(), tt.want) || s.Error != err.Error() {
					t.Fatalf("%v\n%s\nwant %s", err, s.Error, tt.want)
				}
				if wrong := strings.HasPrefix(tt.name, "a plan of another"); pe.Has(federation.CodeTenants) == wrong {
					t.Errorf("codes of %v", pe)
				}
				for _, f := range pe.Findings {
					if f.Repair == "" || f.Subject == "" {
						t.Errorf("nobody knows what to do: %+v", f)
					}
				}
				plans := 0
				for _, t := range tenants {
					plans += len(t.Plans)
				}
				if s.Count(federation.TenantNotStarted) != plans || len(s.Results) != plans {
					t.Errorf("the results do not say that nothing was begun:\n%s", s)
				}
				if n := len(p.JumpCloud.Requests()); n > 0 {
					t.Errorf("%d requests", n)
				}
			})
		}
	}
}

// What is not known does not refuse a list, nor does a customer whose token cannot be
// had; several domains of one customer are one entry.
func TestTenantsUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := federationtest.NewProvider(4, nil)
		tenants := p.Tenants(nil)
		p.Customers[0].AzureAD.OpaqueTokens, p.Customers[1].AzureAD.OpaqueTokens = true, true
		tenants[2].Federator = federation.New(p.Client().ForOrganization(p.Customers[2].JumpCloud.OrgID()),
			p.Customers[2].AzureAD.ClientWith(noToken{}, nil), nil)
		second := tenants[3].Plans[0]
		second.Domain = "second.example"
		p.Customers[3].AzureAD.AddDomain(second.Domain)
		p.Customers[3].JumpCloud.AddDirectoryDomain(p.Customers[3].Directory, second.Domain, false)
		tenants[3].Plans = append(tenants[3].Plans, second)
		for i := range 2 {
			tenants[i].Plans[0].Tenant = ""
		}
		s, err := federation.FederateTenants(t.Context(), tenants, nil)
		if !errors.Is(err, errNoToken) {
			t.Error(err)
		}
		const changed = federation.TenantChanged
		if diff := cmp.Diff([]federation.TenantOutcome{changed, changed, federation.TenantFailed, changed, changed}, outcomes(s)); diff != "" {
			t.Errorf("(-want +got):\n%s\n%s", diff, s)
		}
	})
}

// A run that is refused after it has written did not end where it began: it failed.
func TestTenantsRefusedHalfWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := federationtest.NewProvider(1, nil)
		e := p.Customers[0]
		e.JumpCloud.Latency = 10 * time.Second // who was looked at long ago is looked at again before the domain is switched
		var once sync.Once
		e.JumpCloud.OnChange = func(jumpcloud.Object) {
			once.Do(func() {
				enabled := true
				e.AzureAD.AddUser(aad.User{UserPrincipalName: "new@" + e.Domain, Enabled: &enabled, UserType: "Member"})
			})
		}
		s, err := federation.FederateTenants(t.Context(), p.Tenants(nil), nil)
		var pe *federation.PreconditionError
		r := s.Results[0]
		if !errors.As(err, &pe) || !r.Report.Changed() || r.Outcome != federation.TenantFailed {
			t.Errorf("%v\n%s", err, s)
		}
	})
}

// The domains of one customer follow each other, and end with the first that fails.
func TestTenantsDomainsOfACustomer(t *testing.T) {
	for _, fails := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			p := federationtest.NewProvider(1, &federationtest.Options{Users: 1})
			e := p.Customers[0]
			var order []string
			tenants := p.Tenants(&federation.Options{OnEvent: func(ev federation.Event) {
				if len(order) == 0 || order[len(order)-1] != ev.Domain {
					order = append(order, ev.Domain)
				}
			}})
			second := tenants[0].Plans[0]
			second.Domain = "second.example"
			e.AzureAD.AddDomain(second.Domain)
			e.JumpCloud.AddDirectoryDomain(e.Directory, second.Domain, false)
			tenants[0].Plans = append(tenants[0].Plans, second)
			want, told := []federation.TenantOutcome{federation.TenantChanged, federation.TenantChanged}, 2
			if fails {
				tenants[0].Plans[0].MFA = ""
				want, told = []federation.TenantOutcome{federation.TenantRefused, federation.TenantNotStarted}, 1
			}
			s, err := federation.FederateTenants(t.Context(), tenants, &federation.TenantsOptions{OnResult: func(r federation.TenantResult) error {
				told--
				return nil
			}})
			if diff := cmp.Diff(want, outcomes(s)); diff != "" || fails != errors.Is(err, federation.ErrNotStarted) || told != 0 {
				t.Errorf("%v, %d too few were told (-want +got):\n%s", err, told, diff)
			}
			if !fails && !slices.Equal(order, []string{e.Domain, second.Domain}) {
				t.Errorf("the domains were worked on in this order: %v", order)
			}
		})
	}
}

// The plans of one customer are judged together: nobody could repair a tenant all of
// whose administrators sign in through JumpCloud.
func TestTenantsJudgeACustomerAsAWhole(t *testing.T) {
	for _, work := range []func(context.Context, []federation.Tenant, *federation.TenantsOptions) (*federation.Summary, error){
		federation.PreviewTenants, federation.FederateTenants,
	} {
		synctest.Test(t, func(t *testing.T) {
			p := federationtest.NewProvider(2, nil)
			tenants := p.Tenants(nil)
			e := p.Customers[0]
			for _, upn := range e.Administrators {
				e.AzureAD.RemoveUser(upn)
			}
			tenants[0].Plans[0].TechnicalAccount = federation.TechnicalAccount{}
			second := tenants[0].Plans[0]
			second.Domain = "second.example"
			e.AzureAD.AddDomain(second.Domain)
			e.JumpCloud.AddDirectoryDomain(e.Directory, second.Domain, false)
			for _, domain := range []string{e.Domain, second.Domain} {
				enabled := true
				e.AzureAD.MakeGlobalAdministrator(e.AzureAD.AddUser(aad.User{UserPrincipalName: "admin@" + domain, Enabled: &enabled, UserType: "Member"}))
			}
			tenants[0].Plans = append(tenants[0].Plans, second)
			s, err := work(t.Context(), tenants, nil)
			var pe *federation.PreconditionError
			if !errors.As(err, &pe) || !pe.Has(federation.CodeBreakGlass) || e.Writes() > 0 {
				t.Errorf("%v, %d writes", err, e.Writes())
			}
			if s.Count(federation.TenantRefused) != 2 || s.Count(federation.TenantChanged, federation.TenantPlanned) != 1 {
				t.Errorf("%s", s)
			}
		})
	}
}

var errNoToken = errors.New("no token tonight")

// noToken is a credential that fails.
type noToken struct{}

// GetToken implements [azcore.TokenCredential].
func (noToken) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{}, errNoToken
}
