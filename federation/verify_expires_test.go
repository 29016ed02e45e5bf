package federation_test

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
)

// TestVerifyExpires: a verification tells when the certificate ends on either
// side, of the place in Azure AD that is in use, and nothing where nobody knows.
func TestVerifyExpires(t *testing.T) {
	const own, foreign, none = "own", "foreign", ""
	for _, tt := range []struct {
		name   string
		make   func(*testing.T, *federationtest.Env)
		jc, ad string // whose certificate
	}{
		{name: "good", jc: own, ad: own},
		{name: "in the second place", jc: own, ad: own, make: func(t *testing.T, env *federationtest.Env) {
			edit(t, env, func(f *aad.Federation) {
				f.SigningCertificate, f.NextSigningCertificate = foreignCert(t), f.SigningCertificate
			})
		}},
		{name: "another one in the second place", jc: own, ad: own, make: func(t *testing.T, env *federationtest.Env) {
			edit(t, env, func(f *aad.Federation) { f.NextSigningCertificate = foreignCert(t) })
		}},
		{name: "another one in the first", jc: own, ad: foreign, make: func(t *testing.T, env *federationtest.Env) {
			edit(t, env, func(f *aad.Federation) { f.SigningCertificate = foreignCert(t) })
		}},
		{name: "unreadable in Azure AD", jc: own, ad: none, make: func(t *testing.T, env *federationtest.Env) {
			edit(t, env, func(f *aad.Federation) {
				f.SigningCertificate, f.RawSigningCertificate = certs.Cert{}, "not a certificate"
			})
		}},
		{name: "application gone", jc: none, ad: own, make: func(t *testing.T, env *federationtest.Env) {
			env.JumpCloud.DeleteApplication(app(t, env))
		}},
		{name: "managed", jc: own, ad: none, make: func(_ *testing.T, env *federationtest.Env) {
			env.AzureAD.RemoveFederation(env.Domain)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				federated(t, env)
				ends := map[string]time.Time{
					own:     env.JumpCloud.Applications()[0].Certificate.X509().NotAfter,
					foreign: foreignCert(t).X509().NotAfter,
				}
				if ends[own].Equal(ends[foreign]) {
					t.Fatal("both certificates end at once")
				}
				if tt.make != nil {
					tt.make(t, env)
				}
				v, err := env.Federator(nil).Verify(t.Context(), env.Plan())
				if err != nil {
					t.Fatal(err)
				}
				if !v.JumpCloudExpires.Equal(ends[tt.jc]) || !v.AzureADExpires.Equal(ends[tt.ad]) {
					t.Errorf("JumpCloud's ends %v, Azure AD's %v; want %v and %v", v.JumpCloudExpires, v.AzureADExpires, ends[tt.jc], ends[tt.ad])
				}
				var wire map[string]any
				b, err := json.Marshal(v)
				if err != nil || json.Unmarshal(b, &wire) != nil {
					t.Fatal(err, string(b))
				}
				for key, at := range map[string]time.Time{"jumpCloudExpires": ends[tt.jc], "azureADExpires": ends[tt.ad]} {
					if s, ok := wire[key]; ok != !at.IsZero() || ok && s != at.UTC().Format(time.RFC3339) {
						t.Errorf("%s is %v; want %v", key, s, at)
					}
				}
				var back federation.Verification
				if err := json.Unmarshal(b, &back); err != nil || !back.AzureADExpires.Equal(v.AzureADExpires) {
					t.Errorf("read back: %v, %v", back.AzureADExpires, err)
				}
			})
		})
	}
}
