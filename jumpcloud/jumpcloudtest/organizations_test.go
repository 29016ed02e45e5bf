package jumpcloudtest_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// One server has several organisations, each with its own; x-org-id chooses, and the
// path of metadata.
func TestAddOrganization(t *testing.T) {
	front := &jumpcloudtest.Server{APIKey: "k", Organization: "Provider"}
	own := front.AddGroup("own")
	a, b := front.AddOrganization("A"), front.AddOrganization("B")
	inA, inB := a.AddGroup("in A"), b.AddGroup("in B")
	appA, appB := addApp(a), addApp(b)
	metadata := func(org *jumpcloudtest.Server, app string) string {
		return "/api/organizations/" + org.OrgID() + "/applications/" + app + "/metadata.xml"
	}
	for _, tt := range []struct {
		name, path, org, key string
		mt                   bool
		want                 int
		ids                  []string
	}{
		{name: "A", path: "/api/v2/usergroups", org: a.OrgID(), want: 200, ids: []string{inA}},
		{name: "B", path: "/api/v2/usergroups", org: b.OrgID(), want: 200, ids: []string{inB}},
		{name: "B of a provider", path: "/api/v2/usergroups", org: b.OrgID(), mt: true, want: 200, ids: []string{inB}},
		{name: "the front", path: "/api/v2/usergroups", org: front.OrgID(), want: 200, ids: []string{own}},
		{name: "none is the key's", path: "/api/v2/usergroups", want: 200, ids: []string{own}},
		{name: "none of a provider", path: "/api/v2/usergroups", mt: true, want: 401},
		{name: "malformed", path: "/api/v2/usergroups", org: "A", want: 400},
		{name: "unknown", path: "/api/v2/usergroups", org: "ffffffffffffffffffffffff", want: 404},
		{name: "wrong key", path: "/api/v2/usergroups", org: a.OrgID(), key: "another", want: 401},
		{name: "what is B's in A", path: "/api/v2/usergroups/" + inB, org: a.OrgID(), want: 404},
		{name: "list of all", path: "/api/organizations", mt: true, want: 200, ids: []string{front.OrgID(), a.OrgID(), b.OrgID()}},
		{name: "list of all, in the name of one", path: "/api/organizations", org: a.OrgID(), want: 403},
		{name: "metadata", path: metadata(b, appB), mt: true, want: 200},
		{name: "metadata, named twice", path: metadata(b, appB), org: b.OrgID(), want: 200},
		{name: "metadata, named another", path: metadata(b, appB), org: a.OrgID(), want: 400},
		{name: "metadata of another's", path: metadata(a, appB), want: 404},
	} {
		t.Run(tt.name, func(t *testing.T) {
			front.MultiTenant = tt.mt
			key := "X-Api-Key: k"
			if tt.key != "" {
				key = "X-Api-Key: " + tt.key
			}
			got := send(t, front, "GET", tt.path, "", key, "X-Org-Id: "+tt.org)
			if got.status != tt.want {
				t.Fatalf("%d %s; want %d", got.status, got.body, tt.want)
			}
			if tt.ids != nil {
				if diff := cmp.Diff(tt.ids, got.list(t)); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
		})
	}
	all := []string{own, inA, inB, appA, appB, front.OrgID(), a.OrgID(), b.OrgID()}
	if slices.Sort(all); len(slices.Compact(all)) != 8 {
		t.Errorf("some IDs are the same: %v", all)
	}
}

// The trouble of the first holds for all together, that of an organisation for it
// alone; the first logs everything, each organisation what is its own.
func TestOrganizationsShareTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		front := &jumpcloudtest.Server{Throttle: &jumpcloudtest.Throttle{Rate: 0.001, Burst: 4}, MultiTenant: true}
		a, b := front.AddOrganization("A"), front.AddOrganization("B")
		b.Fault = func(*http.Request) jumpcloudtest.Fault {
			return jumpcloudtest.Fault{Kind: jumpcloudtest.Error500Before}
		}
		var got []string
		for _, org := range []*jumpcloudtest.Server{a, a, b, a, a, b} {
			got = append(got, fmt.Sprint(send(t, front, "GET", "/api/v2/usergroups", "", "X-Org-Id: "+org.OrgID()).status))
		}
		if diff := cmp.Diff([]string{"200", "200", "500", "200", "429", "429"}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if n, inA, inB := len(front.Requests()), len(a.Requests()), len(b.Requests()); n != 6 || inA != 3 || inB != 1 {
			t.Errorf("%d requests, %d of A, %d of B; want 6, 3, 1", n, inA, inB)
		}
		for _, log := range [][]jumpcloudtest.Request{front.Requests()[:1], a.Requests()} {
			if log[0].Pattern != "GET /api/v2/usergroups" {
				t.Errorf("logged with the pattern %q", log[0].Pattern)
			}
		}
	})
}

// A service account's token is good in all of its organisations.
func TestOrganizationsShareTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		front := &jumpcloudtest.Server{ClientID: "c", ClientSecret: "s", MultiTenant: true}
		a, b := front.AddOrganization("A"), front.AddOrganization("B")
		b.AddUser(jumpcloud.User{Username: "kim", Email: "kim@b.example"})
		for org, want := range map[*jumpcloudtest.Server]int{a: 0, b: 1} {
			n := 0
			for _, err := range org.ServiceAccount(nil).Users(t.Context(), nil) {
				if n++; err != nil {
					t.Fatal(err)
				}
			}
			if n != want {
				t.Errorf("%d users; want %d", n, want)
			}
		}
		c := b.ServiceAccount(nil)
		fails := func() (err error) {
			for _, err = range c.Users(t.Context(), nil) {
			}
			return err
		}
		if err := fails(); err != nil {
			t.Fatal(err)
		}
		front.Scopes = []string{"applications"}
		if err := fails(); !errors.Is(err, jumpcloud.ErrDenied) {
			t.Errorf("outside of the scopes: %v", err)
		}
		front.Scopes = nil
		b.RevokeTokens()
		front.ClientSecret = "new"
		time.Sleep(6 * time.Second) // a token that was just fetched is not given up
		if err := fails(); !errors.Is(err, jumpcloud.ErrUnauthenticated) {
			t.Errorf("with a revoked token: %v", err)
		}
	})
}

// A provider's key, and the organisations of two customers.
func ExampleServer_AddOrganization() {
	provider := jumpcloudtest.Server{Organization: "Provider", MultiTenant: true}
	for _, name := range []string{"Contoso", "Fabrikam"} {
		provider.AddOrganization(name).AddGroup("Staff of " + name)
	}
	client := provider.Client(nil)
	for o, err := range client.Organizations(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(o.DisplayName)
		for g, err := range client.ForOrganization(o.ID).Groups(context.Background()) {
			if err != nil {
				log.Fatal(err)
			}
			fmt.Println("  " + g.Name)
		}
	}
	// Output:
	// Provider
	// Contoso
	//   Staff of Contoso
	// Fabrikam
	//   Staff of Fabrikam
}

// TestMetadataWithOrganization: metadata.xml that wants x-org-id gets it.
func TestMetadataWithOrganization(t *testing.T) {
	s := &jumpcloudtest.Server{Quirks: jumpcloudtest.Quirks{RequireMetadataOrg: true}}
	id := s.AddApplication("office365", "Microsoft 365", "urn:uri:example.com", "https://sso.jumpcloud.com/saml2/example")
	s.ResetLog()
	m, err := s.Client(nil).Metadata(t.Context(), s.OrgID(), id)
	if err != nil || m.EntityID != "urn:uri:example.com" || len(s.Requests()) != 2 {
		t.Errorf("%v, %v, %d requests", m, err, len(s.Requests()))
	}
	s.ResetLog()
	if _, err := s.Client(nil).Metadata(t.Context(), "ffffffffffffffffffffffff", id); err == nil || len(s.Requests()) != 2 {
		t.Errorf("another organisation: %v, %d requests", err, len(s.Requests()))
	}
	s.Quirks.RequireMetadataOrg = false
	s.ResetLog()
	if _, err := s.Client(nil).Metadata(t.Context(), s.OrgID(), id); err != nil || len(s.Requests()) != 1 {
		t.Errorf("where it is not wanted: %v, %d requests", err, len(s.Requests()))
	}
}
