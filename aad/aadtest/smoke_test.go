package aadtest_test

import (
	"crypto/x509/pkix"
	"errors"
	"testing"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/certs"
)

func newCert(t testing.TB) certs.Cert {
	t.Helper()
	k, err := certs.NewKeyPair(pkix.Name{CommonName: "test"}, certs.Lifetime{NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * 365 * time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	return k.Cert()
}

func TestSmoke(t *testing.T) {
	ctx := t.Context()
	var s aadtest.Server
	s.AddDomain("example.com")
	id := s.AddUser(aad.User{UserPrincipalName: "root@contoso.onmicrosoft.com"})
	s.MakeGlobalAdministrator(id)
	s.GenerateUsers(3000, func(i int) aad.User {
		return aad.User{UserPrincipalName: "user" + string(rune('a'+i%26)) + time.Duration(i).String() + "@example.com"}
	})
	c := s.Client(nil)
	for d, err := range c.Domains(ctx) {
		t.Log(d, err)
	}
	if _, err := c.Federation(ctx, "example.com"); !errors.Is(err, aad.ErrNotFederated) {
		t.Fatal(err)
	}
	if _, err := c.Federation(ctx, "nope.com"); !errors.Is(err, aad.ErrNotFound) {
		t.Fatal(err)
	}
	f, err := c.CreateFederation(ctx, "example.com", aad.Federation{
		DisplayName: "x", IssuerURI: "urn:uri:example.com", PassiveSignInURI: "https://sso.jumpcloud.com/saml2/x", SignOutURI: "https://console.jumpcloud.com/userconsole/",
		Protocol: aad.SAML, MFA: aad.AcceptIfMFADoneByFederatedIdP, SigningCertificate: newCert(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", f)
	r, err := c.Realm(ctx, "example.com")
	t.Logf("%+v %v", r, err)
	n := 0
	for u, err := range c.Users(ctx, &aad.UsersOptions{Domain: "example.com", OnTotal: func(n int) { t.Log("total", n) }}) {
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			t.Logf("%+v", u)
		}
		n++
	}
	t.Log(n)
	for u, err := range c.RoleUsers(ctx, aad.GlobalAdministrator) {
		t.Logf("%+v %v", u, err)
	}
	p, err := c.Permissions(ctx)
	t.Log(p, err)
	o, err := c.Organization(ctx)
	t.Logf("%+v %v", o, err)
	tp, err := c.TokenValidationPolicy(ctx)
	t.Logf("%+v %v", tp, err)
	t.Log(c.SetManaged(ctx, "example.com"))
	t.Log(c.SetDefaultDomain(ctx, "example.com"))
	_, err = c.CreateFederation(ctx, "example.com", aad.Federation{})
	t.Log(err)
	u, err := c.CreateUser(ctx, aad.NewUser{UserPrincipalName: "a'b@example.com", DisplayName: "A", Password: aad.NewSecret("xyz")})
	t.Logf("%+v %v", u, err)
	u, err = c.User(ctx, "A'B@example.com")
	t.Logf("%+v %v", u, err)
	for _, r := range s.Requests() {
		t.Log(r.Method, r.Pattern, r.Status)
	}
}
