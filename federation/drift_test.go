package federation_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
)

// TestDrift: what somebody changes behind our back is found, with how much it
// matters and what Federate would change; and Federate does repair it.
func TestDrift(t *testing.T) {
	for _, tt := range []struct {
		name     string
		make     func(*testing.T, *federationtest.Env)
		plan     func(*federation.Plan) // from the start
		consent  func(*federation.Plan) // to repair it
		code     federation.Code        // default: CodeDrift
		severity federation.Severity
		says     string
		repair   string          // of Verification.Repair, "" if nothing repairs it
		left     federation.Code // what Verify still tells after the repair
	}{
		{name: "certificate regenerated in the console", severity: federation.Alarm, says: "JumpCloud signs with the certificate", repair: "signingCertificate", left: federation.CodeNextCertificate,
			make: func(t *testing.T, env *federationtest.Env) { env.JumpCloud.RegenerateCertificate(app(t, env)) }},
		{name: "certificate replaced in Azure AD", severity: federation.Alarm, says: "Azure AD expects the certificate", repair: "signingCertificate",
			make: func(t *testing.T, env *federationtest.Env) {
				edit(t, env, func(f *aad.Federation) { f.SigningCertificate = foreignCert(t) })
			}},
		{name: "issuer edited in Azure AD", severity: federation.Alarm, says: `issuerUri "urn:uri:evil.example"`, repair: "issuerUri",
			make: func(t *testing.T, env *federationtest.Env) {
				edit(t, env, func(f *aad.Federation) { f.IssuerURI = "urn:uri:evil.example" })
			}},
		{name: "sign-in URL edited", severity: federation.Alarm, says: `passiveSignInUri "https://evil.example/saml"`, repair: "passiveSignInUri",
			make: func(t *testing.T, env *federationtest.Env) {
				edit(t, env, func(f *aad.Federation) { f.PassiveSignInURI = "https://evil.example/saml" })
			}},
		{name: "sign-in URL of old clients edited", severity: federation.Alarm, says: `activeSignInUri "https://evil.example/trust"`, repair: "activeSignInUri",
			make: func(t *testing.T, env *federationtest.Env) {
				edit(t, env, func(f *aad.Federation) { f.ActiveSignInURI = "https://evil.example/trust" })
			}},
		{name: "protocol changed", severity: federation.Alarm, says: `preferredAuthenticationProtocol "wsFed"`, repair: "preferredAuthenticationProtocol",
			make: func(t *testing.T, env *federationtest.Env) {
				edit(t, env, func(f *aad.Federation) { f.Protocol = aad.WSFed })
			}},
		{name: "MFA behaviour changed", severity: federation.Warning, says: `federatedIdpMfaBehavior "rejectMfaByFederatedIdp"`, repair: "federatedIdpMfaBehavior",
			make: func(t *testing.T, env *federationtest.Env) {
				edit(t, env, func(f *aad.Federation) { f.MFA = aad.RejectMFAByFederatedIdP })
			}},
		{name: "brand name changed", severity: federation.Warning, says: `displayName "x"`, repair: "displayName",
			make: func(t *testing.T, env *federationtest.Env) {
				edit(t, env, func(f *aad.Federation) { f.DisplayName = "x" })
			}},
		{name: "unknown second certificate", code: federation.CodeNextCertificate, severity: federation.Warning, says: "sign in as anybody", repair: "nextSigningCertificate",
			make: func(t *testing.T, env *federationtest.Env) {
				edit(t, env, func(f *aad.Federation) { f.NextSigningCertificate = foreignCert(t) })
			},
			consent: func(p *federation.Plan) { p.Consent.RemoveNextCertificate = true }},
		{name: "federated elsewhere", code: federation.CodeDomainForeign, severity: federation.Alarm, says: "federated with Okta", repair: "issuerUri",
			make:    func(t *testing.T, env *federationtest.Env) { env.AzureAD.SetFederation(env.Domain, okta(t)) },
			consent: func(p *federation.Plan) { p.Consent.TakeOver = true }},
		{name: "set to Managed", severity: federation.Alarm, says: "people sign in with Azure AD passwords", repair: "+ azure-ad/federation",
			make: func(_ *testing.T, env *federationtest.Env) { env.AzureAD.RemoveFederation(env.Domain) }},
		{name: "configuration lost", code: federation.CodeDomainHalf, severity: federation.Alarm, says: "cannot be read", repair: "azure-ad/authentication-type",
			make: func(t *testing.T, env *federationtest.Env) {
				env.AzureAD.RemoveFederation(env.Domain)
				half(t, env)
			},
			consent: func(p *federation.Plan) { p.Consent.Recover = true }},
		{name: "application deactivated", severity: federation.Alarm, says: `active is "false"`, repair: "active",
			make: func(t *testing.T, env *federationtest.Env) {
				env.JumpCloud.SetApplicationField(app(t, env), "active", false)
			}},
		{name: "application renamed", severity: federation.Warning, says: `label is "x"`, repair: "label",
			plan: func(p *federation.Plan) { p.Application.Label = "Office" },
			make: func(t *testing.T, env *federationtest.Env) {
				env.JumpCloud.SetApplicationField(app(t, env), "displayLabel", "x")
			}},
		{name: "application deleted", severity: federation.Alarm, says: "application is missing", repair: "+ jumpcloud/application",
			make: func(t *testing.T, env *federationtest.Env) { env.JumpCloud.DeleteApplication(app(t, env)) }},
		{name: "second application made", code: federation.CodeApplicationTwice, severity: federation.Alarm, says: "carry the same entity ID",
			make: func(_ *testing.T, env *federationtest.Env) {
				env.JumpCloud.AddApplication("office365", "again", entityID, loginURL+"-2")
			}},
		{name: "group unbound", severity: federation.Alarm, says: "its members cannot sign in", repair: "jumpcloud/application-group", make: unbind},
		{name: "group unbound from the directory", severity: federation.Warning, says: "not exported", repair: "jumpcloud/directory-group",
			make: func(_ *testing.T, env *federationtest.Env) {
				for _, pair := range env.JumpCloud.Associations() {
					if pair[0].ID == env.Directory || pair[1].ID == env.Directory {
						env.JumpCloud.Unbind(pair[0], pair[1])
					}
				}
			}},
		{name: "default domain moved", severity: federation.Info, says: "default domain is not contoso.onmicrosoft.com",
			plan: func(p *federation.Plan) { p.DefaultDomain = "contoso.onmicrosoft.com" },
			make: func(t *testing.T, env *federationtest.Env) {
				env.AzureAD.AddDomain("other.example")
				if err := env.AzureAD.Client(nil).SetDefaultDomain(t.Context(), "other.example"); err != nil {
					t.Fatal(err)
				}
			}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				f := env.Federator(nil)
				plan := env.Plan()
				if tt.plan != nil {
					tt.plan(&plan)
				}
				if _, err := f.Federate(t.Context(), plan); err != nil {
					t.Fatal(err)
				}
				if v, err := f.Verify(t.Context(), plan); err != nil || len(v.Drift) > 0 || len(v.Repair) > 0 {
					t.Fatalf("before anything drifted: %v\n%s", err, v)
				}
				tt.make(t, env)
				env.ResetLog()
				if tt.consent != nil {
					tt.consent(&plan)
				}
				v, err := f.Verify(t.Context(), plan)
				if err != nil {
					t.Fatal(err)
				}
				code := federation.CodeDrift
				if tt.code != "" {
					code = tt.code
				}
				i := slices.IndexFunc(v.Drift, func(f federation.Finding) bool { return f.Code == code && strings.Contains(f.Message, tt.says) })
				if i < 0 {
					t.Fatalf("Verify does not find it; want %s: …%s…\n%s", code, tt.says, v)
				}
				if got := v.Drift[i]; got.Severity != tt.severity {
					t.Errorf("it is found as %s; want %s: %s", got.Severity, tt.severity, got)
				}
				for j, other := range v.Drift {
					if j != i && other.Severity == federation.Alarm && !strings.Contains(tt.name, "deleted") {
						t.Errorf("Verify raises another alarm: %s", other)
					}
				}
				if got := v.Repair.String(); tt.repair == "" && got != "" || !strings.Contains(got, tt.repair) {
					t.Errorf("Verify would repair it by\n%swant %q", got, tt.repair)
				}
				if n := env.Writes(); n > 0 {
					t.Errorf("Verify wrote %d times", n)
				}
				if tt.repair == "" {
					return
				}
				if _, err := f.Federate(t.Context(), plan); err != nil {
					t.Fatalf("Federate: %v", err)
				}
				v, err = f.Verify(t.Context(), plan)
				if tt.left != "" && len(v.Drift) == 1 && v.Drift[0].Code == tt.left { // the certificate before
					v.Drift = nil
				}
				if err != nil || len(v.Drift) > 0 || !v.Effective() {
					t.Errorf("after Federate: %v\n%s", err, v)
				}
			})
		})
	}
}
