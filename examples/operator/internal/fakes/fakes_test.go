package fakes_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/examples/operator/internal/bent"
	"github.com/jcaad/jcaad/examples/operator/internal/customers"
	"github.com/jcaad/jcaad/examples/operator/internal/fakes"
	"github.com/jcaad/jcaad/examples/operator/internal/secret"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
)

// site is a set of fakes while it is served, and the customers file that it has written.
type site struct {
	*fakes.Fakes
	url  string
	file *customers.File
	now  func() time.Time
}

func serve(t *testing.T, o fakes.Options) *site {
	t.Helper()
	f, err := fakes.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	hs := httptest.NewServer(f)
	t.Cleanup(hs.Close)
	file, err := customers.Parse(f.CustomersYAML(hs.URL), "customers.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range f.Environment() {
		t.Setenv(name, value)
	}
	return &site{Fakes: f, url: hs.URL, file: file, now: o.Clock.Now}
}

type bearer string

func (b bearer) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: string(b), ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// federator has what the customers file says about the customer with this number.
func (s *site) federator(t *testing.T, number int) (*federation.Federator, federation.Plan) {
	t.Helper()
	c := s.file.Customers[number-1]
	v := secret.NewVault(nil)
	key, err := v.Get(t.Context(), c.JumpCloud.Secret)
	if err != nil {
		t.Fatal(err)
	}
	token, err := v.Get(t.Context(), c.AzureAD.Secret)
	if err != nil {
		t.Fatal(err)
	}
	jc, err := jumpcloud.New(key.Reveal(), &jumpcloud.Options{BaseURL: c.JumpCloud.URL, OrgID: c.JumpCloud.Of})
	if err != nil {
		t.Fatal(err)
	}
	ad, err := aad.New(bearer(token.Reveal()), &aad.Options{GraphURL: c.AzureAD.URL, LoginURL: c.AzureAD.LoginURL})
	if err != nil {
		t.Fatal(err)
	}
	return federation.New(jc, ad, &federation.Options{Now: s.now}), c.Plan
}

func (s *site) get(t *testing.T, path string, into any) int {
	t.Helper()
	resp, err := http.Get(s.url + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if into != nil {
		if err := json.Unmarshal(b, into); err != nil {
			t.Fatalf("%s: %v in %s", path, err, b)
		}
	}
	return resp.StatusCode
}

// TestCustomers: each is what its kind says, over HTTP and by the customers file alone.
func TestCustomers(t *testing.T) {
	clock := bent.New(720)
	s := serve(t, fakes.Options{Clock: clock})
	ctx := federationtest.Hurry(t.Context())
	seen := make(map[fakes.Kind]int)
	for _, c := range s.Customers() {
		seen[c.Kind]++
		if c.Kind == fakes.Healthy && seen[c.Kind] > 2 {
			continue
		}
		f, plan := s.federator(t, c.Number)
		if plan.Domain != c.Domain || plan.Tenant != c.Tenant {
			t.Fatalf("customer %d: plan of %s in %s", c.Number, plan.Domain, plan.Tenant)
		}
		p, err := f.Preflight(ctx, plan)
		if c.Kind == fakes.Refused {
			if !errors.Is(err, jumpcloud.ErrUnauthenticated) || federation.Class(err) != federation.ClassPeople {
				t.Errorf("%s: error = %v, %v", c.Domain, err, federation.Class(err))
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.Domain, err)
			continue
		}
		wantOut := 0
		if c.Kind == fakes.LockedOut {
			wantOut = 1
		}
		if out := p.LockedOut(); len(out) != wantOut {
			t.Errorf("%s (%s): locked out: %v", c.Domain, c.Kind, out)
		}
		foreign := slices.ContainsFunc(p.Gates, func(f federation.Finding) bool { return f.Code == federation.CodeDomainForeign })
		if foreign != (c.Kind == fakes.Foreign) {
			t.Errorf("%s (%s): gates: %v", c.Domain, c.Kind, p.Gates)
		}
		st, err := f.Inspect(ctx, c.Domain)
		if err != nil {
			t.Fatal(err)
		}
		want := map[fakes.Kind]federation.State{
			fakes.Healthy: federation.StateManaged, fakes.LockedOut: federation.StateManaged, fakes.Foreign: federation.StateForeign,
			fakes.Expiring: federation.StateFederated, fakes.Drifting: federation.StateFederated,
		}[c.Kind]
		if st.State != want {
			t.Errorf("%s (%s): state = %s, want %s", c.Domain, c.Kind, st.State, want)
		}
		if c.Kind == fakes.Expiring {
			w, err := f.Watch(ctx, plan)
			if err != nil {
				t.Fatal(err)
			}
			if w.State != federation.StateFederated || w.Days < 30 || w.Days > 60 {
				t.Errorf("%s: %s, %d days are left: %s", c.Domain, w.State, w.Days, w.Error)
			}
		}
	}
	if len(seen) != 6 || len(s.file.Customers) != 25 {
		t.Errorf("kinds: %v of %d customers", seen, len(s.file.Customers))
	}
	if n := s.Writes(); n != 0 {
		t.Errorf("%d writes were made by reading, or are counted from before", n)
	}
}

// TestFederate: a customer is federated over HTTP, and the login service shows it later.
func TestFederate(t *testing.T) {
	s := serve(t, fakes.Options{Customers: 1, People: 3, Clock: bent.New(7200), Plain: true})
	f, plan := s.federator(t, 1)
	before, _ := s.Counts(plan.Domain)
	if diff := cmp.Diff(fakes.Counts{Domain: plan.Domain}, before); diff != "" {
		t.Errorf("before (-want +got):\n%s", diff)
	}
	if _, err := f.Federate(federationtest.Hurry(t.Context()), plan); err != nil {
		t.Fatal(err)
	}
	var all []fakes.Counts
	var one fakes.Counts
	var writes int
	if s.get(t, "/counts", &all); len(all) != 1 {
		t.Fatalf("counts: %v", all)
	}
	s.get(t, "/counts?domain="+strings.ToUpper(plan.Domain), &one)
	s.get(t, "/writes", &writes)
	if writes < 3 || writes != s.Writes() {
		t.Errorf("writes = %d, and %d by the method", writes, s.Writes())
	}
	want := fakes.Counts{Domain: plan.Domain, Applications: 1, Federations: 1, Bindings: 1, Created: 1, Federated: 1, Writes: writes}
	for _, got := range []fakes.Counts{all[0], one} {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("counts (-want +got):\n%s", diff)
		}
	}
	if status := s.get(t, "/counts?domain=nobody.example", nil); status != http.StatusNotFound {
		t.Errorf("counts of nobody's domain: %d", status)
	}
	if c, err := f.Preview(federationtest.Hurry(t.Context()), plan); err != nil || len(c) != 0 {
		t.Errorf("after it is missing: %v, %v", c, err)
	}
}

func TestDrift(t *testing.T) {
	s := serve(t, fakes.Options{Customers: 6, Clock: bent.New(720), Propagation: -1})
	f, plan := s.federator(t, 6)
	ctx := federationtest.Hurry(t.Context())
	if c, err := f.Preview(ctx, plan); err != nil || len(c) != 0 {
		t.Fatalf("before: missing %v, %v", c, err)
	}
	s.DriftLater(t.Context(), time.Nanosecond)
	if c, err := f.Preview(ctx, plan); err != nil || len(c) == 0 {
		t.Errorf("after: missing %v, %v", c, err)
	}
	if err := s.Drift("customer01.example"); err == nil {
		t.Error("a domain that is not federated drifts")
	}
	resp, err := http.Post(s.url+"/drift?domain=nobody.example", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("drift of nobody's domain: %d", resp.StatusCode)
	}
}

// TestPages: lists that have several pages are read whole.
func TestPages(t *testing.T) {
	s := serve(t, fakes.Options{Customers: 1, People: 1100, Plain: true})
	f, plan := s.federator(t, 1)
	p, err := f.Preflight(federationtest.Hurry(t.Context()), plan)
	if err != nil {
		t.Fatal(err)
	}
	if p.People == nil || len(p.LockedOut()) != 0 {
		t.Fatalf("people: %v", p.People)
	}
	if n := p.People.Counts; n.Matched != 1100 {
		t.Errorf("counts = %+v, want 1100 who match", n)
	}
}

// TestApart: a key is good for its own customer only, and a token as well.
func TestApart(t *testing.T) {
	s := serve(t, fakes.Options{Customers: 2, Plain: true})
	env := s.Environment()
	for _, c := range []struct {
		path, header, value string
		want                int
	}{
		{"/c/1/jumpcloud/api/systemusers", "X-Api-Key", env["FAKE_001_JUMPCLOUD"], 200},
		{"/c/1/jumpcloud/api/systemusers", "X-Api-Key", env["FAKE_002_JUMPCLOUD"], 401},
		{"/c/1/graph/v1.0/domains", "Authorization", "Bearer " + env["FAKE_001_GRAPH"], 200},
		{"/c/1/graph/v1.0/domains", "Authorization", "Bearer " + env["FAKE_002_GRAPH"], 401},
		{"/c/1/login/getuserrealm.srf?json=1&login=a@customer01.example", "Accept", "*/*", 200},
		{"/c/3/graph/v1.0/domains", "Authorization", "Bearer " + env["FAKE_001_GRAPH"], 404},
		{"/", "Accept", "*/*", 200},
		{"/other", "Accept", "*/*", 404},
	} {
		req, err := http.NewRequestWithContext(t.Context(), "GET", s.url+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set(c.header, c.value)
		if strings.Contains(c.path, "jumpcloud") {
			req.Header.Set("X-Org-Id", s.Customers()[0].Organization)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != c.want {
			t.Errorf("%s with %q: %d, want %d", c.path, c.value, resp.StatusCode, c.want)
		}
	}
}
