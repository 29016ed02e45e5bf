package federationtest_test

import (
	"testing"

	"github.com/jcaad/jcaad/federation/federationtest"
)

// TestProvider: customers have nothing in common, on either side, but the key.
func TestProvider(t *testing.T) {
	p := federationtest.NewProvider(3, &federationtest.Options{Domain: "example.org", Lifelike: true})
	owner := make(map[string]string)
	own := func(of, id string) {
		if id == "" || owner[id] != "" {
			t.Errorf("%q is %s's and %s's", id, owner[id], of)
		}
		owner[id] = of
	}
	for i, e := range p.Customers {
		if want := []string{"customer01.example.org", "customer02.example.org", "customer03.example.org"}[i]; e.Domain != want {
			t.Errorf("the domain of a customer is %s; want %s", e.Domain, want)
		}
		own(e.Domain, e.Domain)
		own(e.Domain, e.JumpCloud.OrgID())
		own(e.Domain, e.AzureAD.TenantID)
		own(e.Domain, e.Directory)
		for _, a := range e.Administrators {
			own(e.Domain, a)
		}
		for _, u := range e.JumpCloud.Users() {
			own(e.Domain, u.ID)
		}
		for _, g := range e.JumpCloud.Groups() {
			own(e.Domain, g.ID)
		}
		for _, u := range e.AzureAD.Users() {
			own(e.Domain, u.ID)
		}
		for _, r := range e.AzureAD.RoleAssignments() {
			own(e.Domain, r.ID)
		}
	}
	if len(owner) < 3*50 {
		t.Errorf("only %d IDs", len(owner))
	}
	if c := p.Client(); c != p.Client() || len(p.JumpCloud.Requests()) > 0 {
		t.Error("there is more than one client, or it has asked something")
	}
}
