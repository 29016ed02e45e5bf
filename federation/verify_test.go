package federation_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
)

// layer returns the layer of a verification.
func layer(t *testing.T, v *federation.Verification, name string) federation.Layer {
	t.Helper()
	i := slices.IndexFunc(v.Layers, func(l federation.Layer) bool { return l.Name == name })
	if i < 0 {
		t.Fatalf("there is no layer %s in\n%s", name, v)
	}
	return v.Layers[i]
}

// readBack returns a verification as whoever has stored it has it, and demands that what it
// says is the same.
func readBack(t *testing.T, v *federation.Verification) *federation.Verification {
	t.Helper()
	b, err := json.Marshal(v)
	back := new(federation.Verification)
	if err == nil {
		err = json.Unmarshal(b, back)
	}
	if err != nil || back.Effective() != v.Effective() || back.Wrong() != v.Wrong() || back.String() != v.String() {
		t.Fatalf("read back it is effective %t, wrong %t; want %t, %t: %v\n%s", back.Effective(), back.Wrong(), v.Effective(), v.Wrong(), err, b)
	}
	return back
}

// realmSays makes the public endpoint answer, whatever Graph says.
func realmSays(env *federationtest.Env, body string) {
	env.AzureAD.Fault = func(r *http.Request) aadtest.Fault {
		if !strings.Contains(r.URL.Path, "userrealm") {
			return aadtest.Fault{}
		}
		return aadtest.Fault{Kind: aadtest.Refuse503, Status: 200, Body: body}
	}
}

func TestVerifyLayers(t *testing.T) {
	for _, tt := range []struct {
		name   string
		make   func(*testing.T, *federationtest.Env) // after the domain was federated
		plan   func(*federation.Plan)
		layer  string
		status federation.LayerStatus
		says   string // the evidence
		others bool   // other layers are not good either
	}{
		{name: "application good", layer: federation.LayerApplication, status: federation.Good, says: "active and bound"},
		{name: "application inactive", layer: federation.LayerApplication, status: federation.Wrong, says: "not active",
			make: func(t *testing.T, env *federationtest.Env) {
				env.JumpCloud.SetApplicationField(app(t, env), "active", false)
			}},
		{name: "application not bound", layer: federation.LayerApplication, status: federation.Wrong, says: `group "Everyone" is not bound`,
			make: unbind, others: true},
		{name: "application gone", layer: federation.LayerApplication, status: federation.Wrong, says: "no single application", others: true,
			make: func(t *testing.T, env *federationtest.Env) { env.JumpCloud.DeleteApplication(app(t, env)) }},
		{name: "two applications", layer: federation.LayerApplication, status: federation.Good, says: "is active and bound",
			make: func(_ *testing.T, env *federationtest.Env) {
				env.JumpCloud.AddApplication("office365", "again", entityID, loginURL+"-2")
			}},
		{name: "certificate good", layer: federation.LayerCertificate, status: federation.Good, says: "in JumpCloud's metadata and in Azure AD"},
		{name: "certificate in the second slot", layer: federation.LayerCertificate, status: federation.Good, says: "as the second one",
			make: func(t *testing.T, env *federationtest.Env) {
				edit(t, env, func(f *aad.Federation) {
					f.SigningCertificate, f.NextSigningCertificate = foreignCert(t), f.SigningCertificate
				})
			}},
		{name: "certificate regenerated", layer: federation.LayerCertificate, status: federation.Wrong, says: "Azure AD expects the certificate", others: true,
			make: func(t *testing.T, env *federationtest.Env) { env.JumpCloud.RegenerateCertificate(app(t, env)) }},
		{name: "certificate unreadable", layer: federation.LayerCertificate, status: federation.Wrong, says: "(unreadable certificate)", others: true,
			make: func(t *testing.T, env *federationtest.Env) {
				edit(t, env, func(f *aad.Federation) {
					f.SigningCertificate, f.RawSigningCertificate = f.NextSigningCertificate, "not a certificate"
				})
			}},
		{name: "Graph good", layer: federation.LayerGraph, status: federation.Good, says: "federated with the plan's values"},
		{name: "Graph managed", layer: federation.LayerGraph, status: federation.Wrong, says: "example.com is Managed", others: true,
			make: func(_ *testing.T, env *federationtest.Env) { env.AzureAD.RemoveFederation(env.Domain) }},
		{name: "Graph half-federated", layer: federation.LayerGraph, status: federation.Wrong, says: "configuration cannot be read", others: true,
			make: func(t *testing.T, env *federationtest.Env) { env.AzureAD.RemoveFederation(env.Domain); half(t, env) }},
		{name: "Graph differs", layer: federation.LayerGraph, status: federation.Wrong, says: "differs in displayName, federatedIdpMfaBehavior",
			make: func(t *testing.T, env *federationtest.Env) {
				edit(t, env, func(f *aad.Federation) { f.DisplayName, f.MFA = "x", aad.RejectMFAByFederatedIdP })
			}},
		{name: "Graph unknown domain", layer: federation.LayerGraph, status: federation.Wrong, says: "not a domain of this tenant", others: true,
			plan: func(p *federation.Plan) { p.Domain = "elsewhere.example" }},
		{name: "realm good", layer: federation.LayerRealm, status: federation.Good, says: "sends people to " + loginURL},
		{name: "realm late", layer: federation.LayerRealm, status: federation.Late, says: "still says Managed",
			make: func(_ *testing.T, env *federationtest.Env) {
				realmSays(env, `{"NameSpaceType":"Managed","DomainName":"example.com"}`)
			}},
		{name: "realm of another provider", layer: federation.LayerRealm, status: federation.Wrong, says: "sends people to Okta instead of JumpCloud",
			make: func(_ *testing.T, env *federationtest.Env) {
				realmSays(env, `{"NameSpaceType":"Federated","federation_protocol":"SAML20","AuthURL":"https://x.okta.com/app/1?username=a"}`)
			}},
		{name: "realm of the provider that is taken over from", layer: federation.LayerRealm, status: federation.Late, says: "still sends people to Okta",
			plan: func(p *federation.Plan) { p.Consent.TakeOver = true },
			make: func(_ *testing.T, env *federationtest.Env) {
				realmSays(env, `{"NameSpaceType":"Federated","federation_protocol":"SAML20","AuthURL":"https://x.okta.com/app/1?username=a"}`)
			}},
		{name: "realm of the application that was", layer: federation.LayerRealm, status: federation.Late, says: "still sends people to another JumpCloud application, https://sso.jumpcloud.com/saml2/old",
			make: func(_ *testing.T, env *federationtest.Env) {
				realmSays(env, `{"NameSpaceType":"Federated","federation_protocol":"SAML20","AuthURL":"https://sso.jumpcloud.com/saml2/old?username=ada%40example.com"}`)
			}},
		{name: "realm and Graph of another application", layer: federation.LayerRealm, status: federation.Wrong, says: "sends people to another JumpCloud application", others: true,
			make: func(t *testing.T, env *federationtest.Env) {
				edit(t, env, func(f *aad.Federation) { f.PassiveSignInURI = "https://sso.jumpcloud.com/saml2/old" })
			}},
		{name: "realm by WS-Trust", layer: federation.LayerRealm, status: federation.Wrong, says: "WS-Trust instead of SAML", others: true,
			make: func(t *testing.T, env *federationtest.Env) {
				edit(t, env, func(f *aad.Federation) { f.Protocol = aad.WSFed })
			}},
		{name: "realm without a URL", layer: federation.LayerRealm, status: federation.Unseen, says: "not where it sends people",
			make: func(_ *testing.T, env *federationtest.Env) { realmSays(env, `{"NameSpaceType":"Federated"}`) }},
		{name: "realm does not answer", layer: federation.LayerRealm, status: federation.Unseen, says: "did not answer",
			make: func(_ *testing.T, env *federationtest.Env) {
				env.AzureAD.Fault = func(r *http.Request) aadtest.Fault {
					if strings.Contains(r.URL.Path, "realm") {
						return aadtest.Fault{Kind: aadtest.Error500Before}
					}
					return aadtest.Fault{}
				}
			}},
		{name: "people good", layer: federation.LayerPeople, status: federation.Good, says: "3 in both"},
		{name: "people locked out", layer: federation.LayerPeople, status: federation.Wrong, says: "uma@example.com",
			make: func(_ *testing.T, env *federationtest.Env) {
				env.AzureAD.AddUser(aad.User{UserPrincipalName: "uma@example.com", ImmutableID: "VW1h"})
			}},
		{name: "people locked out with consent", layer: federation.LayerPeople, status: federation.Good, says: "3 in both",
			plan: func(p *federation.Plan) { p.Consent.LockOut.AtMost = 1 },
			make: func(_ *testing.T, env *federationtest.Env) {
				env.AzureAD.AddUser(aad.User{UserPrincipalName: "uma@example.com", ImmutableID: "VW1h"})
			}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				federated(t, env)
				if tt.make != nil {
					tt.make(t, env)
				}
				plan := env.Plan()
				if tt.plan != nil {
					tt.plan(&plan)
				}
				env.ResetLog()
				v, err := env.Federator(nil).Verify(t.Context(), plan)
				if err != nil {
					t.Fatal(err)
				}
				l := layer(t, v, tt.layer)
				if l.Status != tt.status || !strings.Contains(l.Evidence, tt.says) {
					t.Errorf("the layer is %s: %s; want %s: …%s…", l.Status, l.Evidence, tt.status, tt.says)
				}
				if strings.Contains(v.String(), "username") {
					t.Errorf("the verification shows a query:\n%s", v)
				}
				if !l.Checked.Equal(time.Now()) {
					t.Errorf("the layer was checked at %s; want now, %s", l.Checked, time.Now())
				}
				if (l.Range != "") != (tt.status == federation.Late) {
					t.Errorf("a layer that is %s has the range %q", l.Status, l.Range)
				}
				for _, other := range v.Layers {
					if other.Name != tt.layer && other.Status != federation.Good && !tt.others {
						t.Errorf("the layer %s is %s: %s", other.Name, other.Status, other.Evidence)
					}
				}
				if got, want := v.Effective(), tt.status == federation.Good && !tt.others; got != want {
					t.Errorf("Effective() = %t; want %t", got, want)
				}
				if !tt.others && v.Wrong() != (tt.status == federation.Wrong) {
					t.Errorf("Wrong() = %t with a layer that is %s", v.Wrong(), tt.status)
				}
				if (v.AskAgain > 0) != (!v.Effective() && !v.Wrong()) {
					t.Errorf("AskAgain = %s, effective %t, wrong %t", v.AskAgain, v.Effective(), v.Wrong())
				}
				readBack(t, v)
				if n := env.Writes(); n > 0 {
					t.Errorf("Verify wrote %d times", n)
				}
			})
		})
	}
}

// unbind takes everybody's group away from the application.
func unbind(t *testing.T, env *federationtest.Env) {
	env.JumpCloud.Unbind(jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: app(t, env)},
		jumpcloud.Object{Type: jumpcloud.GroupObject, ID: env.JumpCloud.Groups()[0].ID})
}
