package tenant_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/aad/signin/tenant"
)

const certificate = "MIIBjTCCATOgAwIBAgIBATAKBggqhkjOPQQDAjAaMRgwFgYDVQQDEw9zc28uZXhhbXBsZS5jb20="

func server(t testing.TB) *aadtest.Server {
	t.Helper()
	var s aadtest.Server
	s.AddDomain("example.com")
	s.AddDomain("sub.example.com")
	s.AddDomain("example.org")
	s.SetFederation("example.com", aad.Federation{IssuerURI: "https://sso.example.com/example.com", Protocol: aad.SAML,
		PassiveSignInURI: "https://sso.example.com/saml2/example.com", MFA: aad.AcceptIfMFADoneByFederatedIdP,
		RawSigningCertificate: certificate})
	s.SetPolicy(aad.TokenValidationPolicy{ID: "p", RootDomains: aad.AllFederatedDomains})
	s.AddUser(aad.User{UserPrincipalName: "ann@example.com", ImmutableID: "5f1b2c3d4e5f60718293a4b5"})
	return &s
}

func TestRead(t *testing.T) {
	ctx := context.Background()
	ten, err := tenant.Read(ctx, server(t).Client(nil))
	if err != nil {
		t.Fatal(err)
	}
	roots := make(map[string]string)
	for _, d := range ten.Domains {
		roots[d.Name] = d.Root
		if federated := d.Federation != nil && d.Federation.IssuerURI != ""; federated != (d.Root == "example.com") {
			t.Errorf("%s: federation %v", d.Name, d.Federation)
		}
	}
	if roots["example.com"] != "example.com" || roots["sub.example.com"] != "example.com" || roots["example.org"] != "example.org" {
		t.Errorf("roots: %v", roots)
	}
	if ten.Policy == nil || ten.Policy.RootDomains != aad.AllFederatedDomains {
		t.Errorf("policy: %v", ten.Policy)
	}
	if u, err := ten.User("5f1b2c3d4e5f60718293a4b5"); err != nil || u.UserPrincipalName != "ann@example.com" {
		t.Errorf("%v, %v", u, err)
	}
	for _, id := range []string{"5f1b2c3d4e5f60718293a4b6", "it's"} {
		if u, err := ten.User(id); !errors.Is(err, aad.ErrNotFound) {
			t.Errorf("%s: %v, %v", id, u, err)
		}
	}
	if _, err := ten.User("a\nb"); err == nil || errors.Is(err, aad.ErrNotFound) {
		t.Errorf("what cannot be asked for is not known to be nobody: %v", err)
	}
}

// TestDenied: without the permission for the policy it is assumed, and without
// another one there is an error.
func TestDenied(t *testing.T) {
	s := server(t)
	client := func(permissions ...string) *aad.Client {
		return s.ClientWith(s.Credential(permissions...), nil)
	}
	ctx := context.Background()
	ten, err := tenant.Read(ctx, client("Domain.Read.All", "Domain-InternalFederation.Read.All"))
	if err != nil || ten.Policy != nil {
		t.Errorf("%v, %v", ten.Policy, err)
	}
	if _, err := ten.User("x"); !errors.Is(err, aad.ErrDenied) {
		t.Errorf("%v", err)
	}
	for _, permissions := range [][]string{{"Policy.Read.All"}, {"Domain.Read.All", "Policy.Read.All"}} {
		if _, err := tenant.Read(ctx, client(permissions...)); !errors.Is(err, aad.ErrDenied) {
			t.Errorf("%v: %v", permissions, err)
		}
	}
}

// What a live tenant holds is read once; users are looked up as they are asked for.
func ExampleRead() {
	var azure aadtest.Server // in place of the real service
	azure.AddDomain("example.com")
	azure.AddUser(aad.User{UserPrincipalName: "ann@example.com", ImmutableID: "5f1b2c3d4e5f60718293a4b5"})

	t, err := tenant.Read(context.Background(), azure.Client(nil))
	if err != nil {
		fmt.Println(err)
		return
	}
	ann, err := t.User("5f1b2c3d4e5f60718293a4b5")
	fmt.Println(ann.UserPrincipalName, err)
	// Output: ann@example.com <nil>
}
