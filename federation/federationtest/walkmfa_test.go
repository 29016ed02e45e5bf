package federationtest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// TestSecondFactorOfAzureAD: what becomes of Azure AD's demand for a second factor, by the
// domain's behaviour, what JumpCloud has asked for, and what its answers tell of that.
func TestSecondFactorOfAzureAD(t *testing.T) {
	const in, asks, loops = "in", "in, asked by Azure AD", "AADSTS50079"
	for _, tt := range []struct {
		behavior     aad.MFABehavior
		claims, code bool   // JumpCloud tells of a second factor; it asks for one
		want         string // with a second factor demanded
	}{
		{aad.AcceptIfMFADoneByFederatedIdP, false, false, asks},
		{aad.AcceptIfMFADoneByFederatedIdP, false, true, asks},
		{aad.AcceptIfMFADoneByFederatedIdP, true, false, asks},
		{aad.AcceptIfMFADoneByFederatedIdP, true, true, in},
		{aad.EnforceMFAByFederatedIdP, false, false, loops},
		{aad.EnforceMFAByFederatedIdP, false, true, loops},
		{aad.EnforceMFAByFederatedIdP, true, false, loops},
		{aad.EnforceMFAByFederatedIdP, true, true, in},
		{aad.RejectMFAByFederatedIdP, false, false, asks},
		{aad.RejectMFAByFederatedIdP, false, true, asks},
		{aad.RejectMFAByFederatedIdP, true, false, asks},
		{aad.RejectMFAByFederatedIdP, true, true, asks},
	} {
		for _, requested := range []bool{false, true} {
			for _, wsfed := range []bool{false, true} {
				name := fmt.Sprintf("%s claims=%v code=%v requested=%v wsfed=%v", tt.behavior, tt.claims, tt.code, requested, wsfed)
				t.Run(name, func(t *testing.T) {
					m := meet(t).federate(func(p *federation.Plan) { p.MFA = tt.behavior })
					m.AzureAD.Quirks.RequestMFA = requested
					if wsfed {
						m.JumpCloud.Quirks.SignIn.WSFed = true
						m.patch(func(f *aad.Federation) { f.Protocol = aad.WSFed })
					}
					if tt.claims {
						m.JumpCloud.SetAuthClaims(m.app, jumpcloudtest.MultipleAuthnAfterFactor())
					}
					if tt.code {
						m.JumpCloud.SetSecondFactor(m.id, federationtest.VerificationCode)
					}
					m.want(m.signIn(), "in", true)
					m.demand()
					w := m.signIn()
					want, _, asked := strings.Cut(tt.want, ",")
					m.want(w, want, true)
					if got := strings.Contains(strings.Join(titles(w), "\n"), "Verify your identity"); got != asked {
						t.Errorf("Azure AD asked itself: %v\n%v", got, w)
					}
					if n := strings.Count(strings.Join(titles(w), "\n"), "Signing in to"); want == loops && n != 3 || want != loops && n != 1 {
						t.Errorf("%d answers\n%v", n, w)
					}
				})
			}
		}
	}
}

// TestAMRIsNotRead: what an attribute tells of a second factor counts in WS-Federation
// and not in SAML 2.0.
func TestAMRIsNotRead(t *testing.T) {
	for _, wsfed := range []bool{false, true} {
		m := meet(t).federate()
		m.demand()
		m.JumpCloud.SetAuthClaims(m.app, jumpcloudtest.AuthClaims{AMR: true})
		m.JumpCloud.SetSecondFactor(m.id, federationtest.VerificationCode)
		if wsfed {
			m.JumpCloud.Quirks.SignIn.WSFed = true
			m.patch(func(f *aad.Federation) { f.Protocol = aad.WSFed })
		}
		w := m.signIn()
		m.want(w, "in", true)
		if got := strings.Contains(w.String(), "Verify your identity"); got == wsfed {
			t.Errorf("WS-Federation %v: Azure AD asked itself: %v\n%v", wsfed, got, w)
		}
	}
}

// TestProtocols: the configuration says one protocol and the provider speaks another.
func TestProtocols(t *testing.T) {
	for _, tt := range []struct {
		configured aad.Protocol
		wsfed      bool   // JumpCloud speaks WS-Federation too
		way        string // asked by Azure AD, from the portal, or a request of WS-Federation that Azure AD did not make
		want       string
	}{
		{aad.SAML, false, "asked", "in"},
		{aad.SAML, true, "asked", "in"},
		{aad.WSFed, false, "asked", string(jumpcloudtest.BadRequest)},
		{aad.WSFed, true, "asked", "in"},
		{aad.SAML, false, "portal", "in"},
		{aad.WSFed, false, "portal", "AADSTS50107"},
		{aad.WSFed, true, "portal", "AADSTS50107"},
		{aad.SAML, false, "other", string(jumpcloudtest.BadRequest)},
		{aad.SAML, true, "other", "AADSTS500085"},
		{aad.WSFed, true, "other", "in"},
	} {
		t.Run(fmt.Sprintf("%s %v %s", tt.configured, tt.wsfed, tt.way), func(t *testing.T) {
			m := meet(t).federate()
			m.JumpCloud.Quirks.SignIn.WSFed = tt.wsfed
			m.patch(func(f *aad.Federation) { f.Protocol = tt.configured })
			switch tt.way {
			case "asked":
				m.want(m.signIn(), tt.want, true)
			case "portal":
				m.want(m.openTile(), tt.want, true)
			default:
				app, _ := m.JumpCloud.Application(m.app)
				m.want(m.walk(func() (*federationtest.Walk, error) {
					return m.Browser().Open(t.Context(), app.SSOURL+"?wa=wsignin1.0&wtrealm=urn%3Afederation%3AMicrosoftOnline&wctx=", m.ada)
				}), tt.want, true)
			}
		})
	}
}
