package federation_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/internal/fake"
)

// A federation with somebody else is ended only on purpose. Whose it is, the
// addresses tell, or an application of JumpCloud that carries the issuer: people
// may be sent to it under a name of the company's own.
func TestDefederateTellsWhoseItIs(t *testing.T) {
	for _, tt := range []struct {
		name     string
		passive  string
		appFor   bool // JumpCloud has an application with the issuer
		purpose  bool
		refused  bool
		provider string
	}{
		{"another provider's", "https://example.okta.com/app/sso/saml", false, false, true, "Okta"},
		{"another provider's, on purpose", "https://example.okta.com/app/sso/saml", false, true, false, ""},
		{"at an address of one's own, with an application in JumpCloud", "https://login.example.com/saml", true, false, false, ""},
		{"JumpCloud's, whose application is gone", "https://sso.jumpcloud.com/saml2/old", false, false, false, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				id := env.JumpCloud.AddApplication("saml2", "For its certificate", "urn:made.for.the.certificate", "https://sso.jumpcloud.com/saml2/x")
				a, _ := env.JumpCloud.Application(id)
				const issuer = "urn:whose.is.it"
				if tt.appFor {
					env.JumpCloud.AddApplication("office365", "Office", issuer, tt.passive)
				}
				env.AzureAD.SetFederation(env.Domain, aad.Federation{DisplayName: "x", IssuerURI: issuer, PassiveSignInURI: tt.passive, SignOutURI: tt.passive,
					Protocol: aad.SAML, MFA: aad.AcceptIfMFADoneByFederatedIdP, SigningCertificate: a.Certificate})
				rep, err := env.Federator(nil).Defederate(t.Context(), federation.DefederatePlan{Domain: env.Domain, Passwords: federation.PasswordsKnown, OtherProvider: tt.purpose})
				var pe *federation.PreconditionError
				if refused := errors.As(err, &pe) && pe.Has(federation.CodeOtherProvider); refused != tt.refused || !tt.refused && err != nil {
					t.Fatalf("%v\n%s", err, rep)
				}
				if tt.refused && !strings.Contains(err.Error(), tt.provider) {
					t.Errorf("%v does not name %s", err, tt.provider)
				}
				if managed := env.AzureAD.Domain(env.Domain).AuthenticationType == aad.Managed; managed == tt.refused {
					t.Errorf("managed: %t", managed)
				}
			})
		})
	}
}

// What an undo has sent counts as done once it was seen twice: one answer may be an
// old one's.
func TestUndoSeesTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		rep, err := env.Federator(nil).Federate(t.Context(), env.Plan())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		env.ResetLog()
		if _, err := env.Federator(nil).Revert(t.Context(), rep); err != nil {
			t.Fatal(err)
		}
		seen, deleted := 0, false
		for _, r := range env.JumpCloud.Requests() {
			switch of := strings.HasSuffix(r.Path, "/api/applications/"+rep.Plan.Application.ID); {
			case of && r.Method == http.MethodDelete:
				deleted = true
			case of && deleted:
				seen++
			}
		}
		if !deleted || seen < 2 {
			t.Errorf("deleted: %t; seen %d times afterwards, want twice", deleted, seen)
		}
	})
}

// An answer that is no answer is asked for again, and nothing is concluded from it.
func TestUndoOfAThingThatCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		rep, err := env.Federator(nil).Federate(t.Context(), env.Plan())
		if err != nil {
			t.Fatal(err)
		}
		env.JumpCloud.Fault = func(r *http.Request) fake.Fault {
			if strings.HasSuffix(r.URL.Path, "/api/applications/"+rep.Plan.Application.ID) {
				return fake.Fault{Kind: fake.Error500Before, Status: http.StatusForbidden, Body: `{"message":"Forbidden"}`}
			}
			return fake.Fault{}
		}
		env.ResetLog()
		out, err := env.Federator(nil).Revert(t.Context(), rep)
		if err == nil || env.Writes() != 0 {
			t.Errorf("%v, %d writes; want an error before the first\n%s", err, env.Writes(), out)
		}
	})
}

// An application whose certificate is the domain's second one is in use, whatever
// the plan consents to.
func TestSecondApplicationInTheSecondSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		if _, err := env.Federator(nil).Federate(t.Context(), env.Plan()); err != nil {
			t.Fatal(err)
		}
		second := env.JumpCloud.AddApplication("office365", "Again", "urn:uri:example.com", "https://sso.jumpcloud.com/saml2/again")
		a, _ := env.JumpCloud.Application(second)
		fed, _ := env.AzureAD.Federation(env.Domain)
		fed.NextSigningCertificate = a.Certificate
		env.AzureAD.SetFederation(env.Domain, fed)
		plan := env.Plan()
		plan.Consent.RemoveDuplicate = true
		rep, err := env.Federator(nil).Federate(t.Context(), plan)
		if n := len(env.JumpCloud.Applications()); err != nil || n != 2 {
			t.Errorf("%d applications are left; want 2: %v\n%s", n, err, rep)
		}
	})
}

// Of two applications the plan's is the one that Azure AD trusts, even if the
// other is older.
func TestTheApplicationThatAzureADTrusts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		older := env.JumpCloud.AddApplication("office365", "Older", "urn:uri:example.com", "https://sso.jumpcloud.com/saml2/older")
		second := env.JumpCloud.AddApplication("office365", "Trusted", "urn:uri:example.com", "https://sso.jumpcloud.com/saml2/trusted")
		plan := env.Plan()
		plan.Application.ID = second
		if rep, err := env.Federator(nil).Federate(t.Context(), plan); err != nil {
			t.Fatalf("%v\n%s", err, rep)
		}
		a, _ := env.JumpCloud.Application(second)
		env.ResetLog()
		rep, err := env.Federator(nil).Federate(t.Context(), env.Plan())
		if err != nil || rep.Plan.Application.ID != second || env.Writes() != 0 {
			t.Errorf("%v; the application is %s; want %s, not %s\n%s", err, rep.Plan.Application.ID, second, older, rep)
		}
		if fed, _ := env.AzureAD.Federation(env.Domain); fed.SigningCertificate != a.Certificate {
			t.Errorf("the trusted certificate was replaced\n%s", rep)
		}
	})
}

// The report of a Defederate is pinned to the application that the domain was
// federated with, so that a Revert finds just that.
func TestDefederateIsPinned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		rep, err := env.Federator(nil).Federate(t.Context(), env.Plan())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		out, err := env.Federator(nil).Defederate(t.Context(), federation.DefederatePlan{Domain: "example.com", Passwords: federation.PasswordsKnown})
		if err != nil || out.Plan.Application.ID != rep.Plan.Application.ID || out.Plan.Application.ID == "" {
			t.Errorf("%v: pinned to %q; want %q", err, out.Plan.Application.ID, rep.Plan.Application.ID)
		}
	})
}
