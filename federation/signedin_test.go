package federation_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
)

// The gates about the account that is signed in.
var signedInGates = []gate{
	{name: "signed-in", code: federation.CodeSignedIn, severity: federation.Info,
		shut: func(_ *testing.T, s *site) { s.user = s.Administrators[0] }},
	{name: "signed-in-on-the-domain", code: federation.CodeSignedIn, severity: federation.Info,
		shut: func(_ *testing.T, s *site) { s.user = "ada.abbott@example.com" }},
	{name: "signed-in-locked-out", code: federation.CodeSignedIn, severity: federation.Warning,
		shut: func(_ *testing.T, s *site) {
			s.AzureAD.AddUser(aad.User{UserPrincipalName: "Uma@example.com", ImmutableID: "VW1h"})
			s.user, s.plan.Consent.LockOut.People = "uma@example.com", []string{"uma@example.com"}
		}},
	{name: "signed-in-only-break-glass", code: federation.CodeSignedIn, severity: federation.Warning,
		shut: func(_ *testing.T, s *site) {
			s.administrators(cloudOnly("one"), aad.User{UserPrincipalName: "root@sales.example.com"})
			s.user = "one@contoso.onmicrosoft.com"
		}},
}

// TestSignedIn: a finding about the account is made of what the token says, as far
// as it says something, and there is none about an application.
func TestSignedIn(t *testing.T) {
	for _, tt := range []struct {
		name string
		make func(*testing.T, *federationtest.Env, *federation.Plan)
		user string // "": an application; "first": as UserCredential has it

		severity federation.Severity // "": no finding
		says     string
	}{
		{name: "an application"},
		{name: "the first administrator", user: "first", severity: federation.Info, says: "is breakglass1@contoso.onmicrosoft.com"},
		{name: "one of several who could get in", user: "breakglass2@contoso.onmicrosoft.com", severity: federation.Info, says: "is breakglass2@"},
		{name: "the only one, and another is to be made", user: "breakglass2@contoso.onmicrosoft.com",
			make: func(_ *testing.T, env *federationtest.Env, p *federation.Plan) {
				env.AzureAD.RemoveUser(env.Administrators[0])
				p.TechnicalAccount = federation.TechnicalAccount{UserPrincipalName: "rescue@contoso.onmicrosoft.com", Create: true}
			}, severity: federation.Info, says: "is breakglass2@"},
		{name: "the only one is somebody else", user: "ada.abbott@example.com",
			make: func(_ *testing.T, env *federationtest.Env, _ *federation.Plan) {
				env.AzureAD.RemoveUser(env.Administrators[1])
			},
			severity: federation.Info, says: "is on the domain itself"},
		{name: "on a subdomain that follows", user: "ann@sales.example.com",
			make: func(_ *testing.T, env *federationtest.Env, _ *federation.Plan) {
				env.AzureAD.AddDomain("sales.example.com")
				env.AzureAD.AddUser(aad.User{UserPrincipalName: "ann@sales.example.com"})
			}, severity: federation.Warning, says: "would be locked out itself"},
		{name: "on another domain", user: "ann@other.example",
			make: func(_ *testing.T, env *federationtest.Env, _ *federation.Plan) {
				env.AzureAD.AddDomain("other.example")
				env.AzureAD.AddUser(aad.User{UserPrincipalName: "ann@other.example"})
			}, severity: federation.Info, says: "is ann@other.example"},
		{name: "on a domain that is federated already", user: "ada.abbott@example.com",
			make: func(t *testing.T, env *federationtest.Env, p *federation.Plan) {
				if _, err := env.Federator(nil).Federate(t.Context(), env.Plan()); err != nil {
					t.Fatal(err)
				}
				p.BrandName = "Example"
			}, severity: federation.Info, says: "is ada.abbott@example.com"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				plan := env.Plan()
				if tt.make != nil {
					tt.make(t, env, &plan)
				}
				cred := env.AzureAD.Credential()
				switch tt.user {
				case "":
				case "first":
					cred = env.AzureAD.UserCredential(aadtest.AllPermissions()...)
				default:
					cred = env.AzureAD.SignIn(tt.user, aadtest.AllPermissions()...)
				}
				tellsSignedIn(t, env, cred, plan, tt.severity, tt.says)
			})
		})
	}
}

// tellsSignedIn demands of Preflight one finding about who is signed in, or none.
func tellsSignedIn(
	t *testing.T, env *federationtest.Env, cred azcore.TokenCredential, plan federation.Plan, severity federation.Severity, says string,
) {
	t.Helper()
	f := federation.New(env.JumpCloud.Client(nil), env.AzureAD.ClientWith(cred, nil), nil)
	pre, err := f.Preflight(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	told := slices.DeleteFunc(pre.Gates, func(f federation.Finding) bool { return f.Code != federation.CodeSignedIn })
	switch {
	case severity == "" && len(told) == 0:
	case len(told) != 1 || told[0].Severity != severity || !strings.Contains(told[0].Message, says):
		t.Errorf("Preflight tells %v; want one %s that says %q", told, severity, says)
	}
}

// TestDefederateSignedIn: whoever ends a federation is told if the account that is
// signed in gets in by it.
func TestDefederateSignedIn(t *testing.T) {
	for _, tt := range []struct {
		user      string
		passwords federation.PasswordStrategy
		want      federation.Severity
	}{
		{"ada.abbott@example.com", federation.PasswordsReset, federation.Warning},
		{"ada.abbott@example.com", federation.PasswordsKnown, federation.Info},
		{"breakglass1@contoso.onmicrosoft.com", federation.PasswordsReset, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			env := federationtest.New(nil)
			federated(t, env)
			ad := env.AzureAD.ClientWith(env.AzureAD.SignIn(tt.user, aadtest.AllPermissions()...), nil)
			rep, err := federation.New(env.JumpCloud.Client(nil), ad, nil).Defederate(t.Context(),
				federation.DefederatePlan{Domain: env.Domain, Passwords: tt.passwords})
			if err != nil {
				t.Fatal(err)
			}
			var got federation.Severity
			for _, f := range rep.Findings {
				if f.Code == federation.CodeSignedIn {
					got = f.Severity
				}
			}
			if got != tt.want {
				t.Errorf("%s, passwords %s: the report tells %q of who is signed in; want %q", tt.user, tt.passwords, got, tt.want)
			}
		})
	}
}
