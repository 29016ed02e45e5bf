package federation_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/internal/fake"
	"github.com/jcaad/jcaad/internal/memhttp"
	"github.com/jcaad/jcaad/jumpcloud"
)

// sighting is a request, and for whom it was by its credential.
type sighting struct{ whose, key, what string }

// witness notes all requests to the services of a provider's customers.
type witness struct {
	mu   sync.Mutex
	seen []sighting
}

func (w *witness) note(r *http.Request, whose, key string) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	path, _ := url.QueryUnescape(r.URL.RequestURI())
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = append(w.seen, sighting{whose, key, r.Method + " " + path + " " + string(body)})
}

// watch makes the customers' tenants one service, as they are in reality: the token
// decides. So nothing but the credential keeps them apart.
func watch(p *federationtest.Provider) (jumpCloud, azureAD *witness, tenants []federation.Tenant) {
	jumpCloud, azureAD = new(witness), new(witness)
	p.JumpCloud.Fault = func(r *http.Request) fake.Fault {
		jumpCloud.note(r, r.Header.Get("X-Org-Id"), r.Header.Get("X-Api-Key"))
		return fake.Fault{}
	}
	graph := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tenant := tenantOf(r)
		azureAD.note(r, tenant, "")
		for _, e := range p.Customers {
			if e.AzureAD.TenantID == tenant || tenant == "" && strings.Contains(r.URL.Path, e.Domain) {
				e.AzureAD.ServeHTTP(w, r)
				return
			}
		}
		w.WriteHeader(http.StatusUnauthorized)
	})
	tenants = p.Tenants(nil)
	for i, e := range p.Customers {
		tenants[i].Federator = federation.New(p.Client().ForOrganization(e.JumpCloud.OrgID()), clientOf(e, graph), nil)
	}
	return jumpCloud, azureAD, tenants
}

func clientOf(e *federationtest.Env, graph http.Handler) *aad.Client {
	return e.AzureAD.Client(&aad.Options{HTTPClient: &http.Client{Transport: &memhttp.Transport{Handler: graph}}})
}

// tenantOf is the tenant of the token that comes with a request; "" without one.
func tenantOf(r *http.Request) string {
	parts := strings.Split(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), ".")
	if len(parts) < 2 {
		return ""
	}
	var claims struct{ Tid string }
	b, _ := base64.RawURLEncoding.DecodeString(parts[1])
	_ = json.Unmarshal(b, &claims)
	return claims.Tid
}

var (
	customerName = regexp.MustCompile(`customer\d\d`)
	objectID     = regexp.MustCompile(`\b60[0-9a-f]{22}\b`)
)

// strangers returns what a request says of other customers than the one with this
// name and number: domains, addresses, IDs of JumpCloud's objects.
func strangers(what, name, number string) (out []string) {
	for _, s := range customerName.FindAllString(what, -1) {
		if s != name {
			out = append(out, s)
		}
	}
	for _, id := range objectID.FindAllString(what, -1) {
		if id[8:14] != number {
			out = append(out, id)
		}
	}
	return out
}

// Twelve customers are federated at once behind one key. Every single request goes to
// the organisation or the tenant that it speaks of, each gets as many of each kind as
// each other, and in the end each tenant trusts its own organisation.
func TestTenantsGoToTheRightOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := federationtest.NewProvider(12, &federationtest.Options{Users: 2})
		p.JumpCloud.APIKey = "the provider's"
		jumpCloud, azureAD, tenants := watch(p)
		s, err := federation.FederateTenants(t.Context(), tenants, &federation.TenantsOptions{Concurrency: 12})
		if err != nil || s.Count(federation.TenantChanged) != 12 {
			t.Fatalf("%v\n%s", err, s)
		}
		s, err = federation.PreviewTenants(t.Context(), tenants, &federation.TenantsOptions{Concurrency: 12})
		if err != nil || s.Count(federation.TenantHeld) != 12 {
			t.Fatalf("%v\n%s", err, s)
		}
		names, numbers := make(map[string]string), make(map[string]string)
		for _, e := range p.Customers {
			name, _, _ := strings.Cut(e.Domain, ".")
			names[e.JumpCloud.OrgID()], numbers[e.JumpCloud.OrgID()] = name, e.JumpCloud.OrgID()[8:14]
			names[e.AzureAD.TenantID], numbers[e.AzureAD.TenantID] = name, e.JumpCloud.OrgID()[8:14]
		}
		spoke := make(map[string]int)
		for _, r := range slices.Concat(jumpCloud.seen, azureAD.seen) {
			if r.whose == "" && (strings.Contains(r.what, "/metadata.xml") || strings.Contains(r.what, "/common/userrealm/")) {
				continue // these take none: the path says whose it is
			}
			if names[r.whose] == "" {
				t.Errorf("in nobody's name: %+v", r)
			}
			if s := strangers(r.what, names[r.whose], numbers[r.whose]); s != nil {
				t.Errorf("in the name of %s, of %v: %s", names[r.whose], s, r.what)
			}
			spoke[r.whose] += len(customerName.FindAllString(r.what, -1)) + len(objectID.FindAllString(r.what, -1))
		}
		for _, r := range jumpCloud.seen {
			if r.key != "the provider's" {
				t.Errorf("with the key %q: %s", r.key, r.what)
			}
		}
		var kinds [2][]string
		for i, e := range p.Customers {
			if spoke[e.JumpCloud.OrgID()] < 10 || spoke[e.AzureAD.TenantID] < 10 {
				t.Errorf("%s: requests speak of what is its own %d and %d times; that proves little", e.Domain,
					spoke[e.JumpCloud.OrgID()], spoke[e.AzureAD.TenantID])
			}
			for j, log := range [][]fake.Request{e.JumpCloud.Requests(), e.AzureAD.Requests()} {
				var got []string
				for _, r := range log {
					got = append(got, r.Pattern)
				}
				slices.Sort(got)
				if i == 0 {
					kinds[j] = got
				} else if diff := cmp.Diff(kinds[j], got); diff != "" {
					t.Errorf("requests of %s (-those of the first +its):\n%s", e.Domain, diff)
				}
			}
			trusts(t, e, s.Results[i])
		}
	})
}

// trusts checks that a customer's tenant trusts its own organisation's application.
func trusts(t *testing.T, e *federationtest.Env, r federation.TenantResult) {
	t.Helper()
	fed, ok := e.AzureAD.Federation(e.Domain)
	apps := e.JumpCloud.Applications()
	if !ok || len(apps) != 1 || r.Domain != e.Domain || r.Name != e.JumpCloud.Organization {
		t.Errorf("%s: federated %v, %d applications, result of %s, %s", e.Domain, ok, len(apps), r.Name, r.Domain)
		return
	}
	signs, trusted := apps[0].Certificate, fed.SigningCertificate
	if signs != trusted || fed.IssuerURI != "urn:uri:"+e.Domain {
		t.Errorf("%s trusts %s with %s; its organisation signs with %s", e.Domain, fed.IssuerURI, trusted.Thumbprint(), signs.Thumbprint())
	}
}

// Whose clients and plans do not belong together is refused before anything is
// written anywhere.
func TestTenantsMixedUp(t *testing.T) {
	unpinned := func(t federation.Tenant) federation.Plan {
		p := t.Plans[0]
		p.Tenant, p.Organization = "", ""
		return p
	}
	for _, tt := range []struct {
		name string
		// mix changes the first three of four customers.
		mix   func(*federationtest.Provider, []federation.Tenant)
		code  federation.Code
		whole bool // the list is refused, before anything is read
	}{
		{"wrong tenant", func(p *federationtest.Provider, ts []federation.Tenant) {
			a, b := p.Customers[0], p.Customers[1]
			ts[0].Federator = federation.New(p.Client().ForOrganization(a.JumpCloud.OrgID()), b.AzureAD.Client(nil), nil)
			ts[1].Federator = federation.New(p.Client().ForOrganization(b.JumpCloud.OrgID()), a.AzureAD.Client(nil), nil)
		}, federation.CodeWrongTenant, true},
		{"wrong organisation", func(p *federationtest.Provider, ts []federation.Tenant) {
			a, b := p.Customers[0], p.Customers[1]
			ts[0].Federator = federation.New(p.Client().ForOrganization(b.JumpCloud.OrgID()), a.AzureAD.Client(nil), nil)
			ts[1].Federator = federation.New(p.Client().ForOrganization(a.JumpCloud.OrgID()), b.AzureAD.Client(nil), nil)
		}, federation.CodeWrongOrganization, true},
		{"plans by one too far", func(_ *federationtest.Provider, ts []federation.Tenant) {
			ts[0].Plans, ts[1].Plans, ts[2].Plans = ts[1].Plans, ts[2].Plans, ts[0].Plans
		}, federation.CodeWrongTenant, true},
		{"plans by one too far, which name nobody", func(_ *federationtest.Provider, ts []federation.Tenant) {
			a, b, c := unpinned(ts[0]), unpinned(ts[1]), unpinned(ts[2])
			ts[0].Plans, ts[1].Plans, ts[2].Plans = []federation.Plan{b}, []federation.Plan{c}, []federation.Plan{a}
		}, federation.CodeDomainUnknown, false},
		{"wrong tenant, plans that name nobody", func(p *federationtest.Provider, ts []federation.Tenant) {
			a, b := p.Customers[0], p.Customers[1]
			ts[0].Federator = federation.New(p.Client().ForOrganization(a.JumpCloud.OrgID()), b.AzureAD.Client(nil), nil)
			ts[1].Federator = federation.New(p.Client().ForOrganization(b.JumpCloud.OrgID()), a.AzureAD.Client(nil), nil)
			ts[0].Plans[0], ts[1].Plans[0] = unpinned(ts[0]), unpinned(ts[1])
		}, federation.CodeDomainUnknown, false},
		{"wrong organisation, plans that name nobody", func(p *federationtest.Provider, ts []federation.Tenant) {
			a, b := p.Customers[0], p.Customers[1]
			ts[0].Federator = federation.New(p.Client().ForOrganization(b.JumpCloud.OrgID()), a.AzureAD.Client(nil), nil)
			ts[1].Federator = federation.New(p.Client().ForOrganization(a.JumpCloud.OrgID()), b.AzureAD.Client(nil), nil)
			ts[0].Plans[0], ts[1].Plans[0] = unpinned(ts[0]), unpinned(ts[1])
		}, federation.CodeLockOut, false},
		{"a lost x-org-id", func(p *federationtest.Provider, ts []federation.Tenant) {
			stranger := p.JumpCloud.AddOrganization("a default")
			stranger.AddDirectory("Microsoft 365")
			through := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("X-Org-Id") != "" {
					r.Header.Set("X-Org-Id", stranger.OrgID())
				}
				p.JumpCloud.ServeHTTP(w, r)
			})
			jc := p.JumpCloud.Client(&jumpcloud.Options{HTTPClient: &http.Client{Transport: &memhttp.Transport{Handler: through}}})
			for i, e := range p.Customers[:3] {
				ts[i].Federator = federation.New(jc.ForOrganization(e.JumpCloud.OrgID()), e.AzureAD.Client(nil), nil)
				ts[i].Plans[0] = unpinned(ts[i])
			}
		}, federation.CodeWrongOrganization, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := federationtest.NewProvider(4, nil)
				tenants := p.Tenants(nil)
				tt.mix(p, tenants)
				s, err := federation.FederateTenants(t.Context(), tenants, nil)
				var pe *federation.PreconditionError
				if !errors.As(err, &pe) || tt.whole && !pe.Has(tt.code) {
					t.Fatalf("%v; want %s", err, tt.code)
				}
				for i, e := range p.Customers {
					mixed := i < 2 || i < 3 && s.Results[i].Outcome != federation.TenantChanged
					r := s.Results[i]
					switch {
					case tt.whole:
						if r.Outcome != federation.TenantNotStarted || e.Requests() > 0 {
							t.Errorf("%s: %s, %d requests; want none", r.Name, r.Outcome, e.Requests())
						}
					case mixed:
						if !errors.As(r.Err, &pe) || !pe.Has(tt.code) || r.Outcome != federation.TenantRefused || e.Writes() > 0 {
							t.Errorf("%s: %s, %v, %d writes; want %s and none", r.Name, r.Outcome, r.Err, e.Writes(), tt.code)
						}
					case r.Outcome != federation.TenantChanged:
						t.Errorf("%s, which is not mixed up: %s, %v", r.Name, r.Outcome, r.Err)
					}
				}
			})
		})
	}
}

// A report names the organisation that its client was made for, also where neither an
// application nor a directory tells which one it is.
func TestReportNamesTheOrganization(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := federationtest.NewProvider(1, nil)
		e := p.Customers[0]
		e.JumpCloud.RemoveDirectory(e.Directory)
		plan := e.Plan()
		rep, err := e.Federator(nil).Federate(t.Context(), plan)
		if err == nil || rep.Organization != e.JumpCloud.OrgID() {
			t.Errorf("organisation %q of a report without directory; want %s (%v)", rep.Organization, e.JumpCloud.OrgID(), err)
		}
		plan.Organization = p.JumpCloud.OrgID()
		_, err = e.Federator(nil).Federate(t.Context(), plan)
		var pe *federation.PreconditionError
		if !errors.As(err, &pe) || !pe.Has(federation.CodeWrongOrganization) {
			t.Errorf("a plan of another organisation: %v", err)
		}
	})
}
