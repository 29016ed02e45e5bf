package federation_test

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
)

// adfs is a federation with whatever AD FS leaves in one.
func adfs(t testing.TB) aad.Federation {
	yes := true
	return aad.Federation{
		DisplayName: "Contoso AD FS", IssuerURI: "http://sts.contoso.example/adfs/services/trust",
		MetadataExchangeURI: "https://sts.contoso.example/adfs/services/trust/mex", PassiveSignInURI: "https://sts.contoso.example/adfs/ls/",
		ActiveSignInURI: "https://sts.contoso.example/adfs/services/trust/2005/usernamemixed", SignOutURI: "https://sts.contoso.example/adfs/ls/",
		Protocol: aad.WSFed, MFA: aad.EnforceMFAByFederatedIdP, PromptLogin: aad.NativeSupport,
		SigningCertificate: foreignCert(t), NextSigningCertificate: foreignCert(t), SignedRequestsRequired: &yes,
	}
}

// left is what a federation still has of a provider before.
func left(t testing.TB, env *federationtest.Env) (names []string) {
	t.Helper()
	f, ok := env.AzureAD.Federation(env.Domain)
	if !ok {
		t.Fatal("the domain is not federated")
	}
	for name, is := range map[string]bool{
		"mex": f.MetadataExchangeURI != "", "prompt": f.PromptLogin != "", "signed": f.SignedRequestsRequired != nil && *f.SignedRequestsRequired,
		"next": !f.NextSigningCertificate.IsZero(), "active": strings.Contains(f.ActiveSignInURI, "contoso.example"),
	} {
		if is {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// A domain that is taken over keeps nothing of the provider before: one PATCH
// cleans it, and Revert brings everything back.
func TestTakeOverCleans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		before := adfs(t)
		time.Sleep(time.Until(before.SigningCertificate.X509().NotBefore) + time.Hour)
		env.AzureAD.SetFederation(env.Domain, before)
		before, _ = env.AzureAD.Federation(env.Domain)
		plan := env.Plan()
		plan.Consent.TakeOver = true
		f := env.Federator(nil)
		rep, err := f.Federate(t.Context(), plan)
		if err != nil {
			t.Fatal(err)
		}
		if l := left(t, env); l != nil {
			t.Errorf("left by the provider before: %q", l)
		}
		var patches, others int
		for _, r := range env.AzureAD.Requests() {
			switch {
			case !r.Write:
			case r.Method == http.MethodPatch && strings.Contains(r.Path, "federationConfiguration"):
				patches++
			case strings.Contains(r.Path, "federationConfiguration"):
				others++
			}
		}
		if patches != 1 || others != 0 {
			t.Errorf("%d updates, and %d creations and deletions, of the configuration; want one update", patches, others)
		}
		env.ResetLog()
		if again, err := f.Federate(t.Context(), plan); err != nil || env.Writes() != 0 {
			t.Errorf("again: %v, %d writes\n%s", err, env.Writes(), again)
		}
		back, err := f.Revert(t.Context(), rep)
		if err != nil {
			t.Fatalf("%v\n%s", err, back)
		}
		now, _ := env.AzureAD.Federation(env.Domain)
		if d := gocmp.Diff(before, now); d != "" {
			t.Errorf("after Revert (-before +now):\n%s", d)
		}
	})
}

// What is left is known by its value once the issuer is JumpCloud's, so that a
// later run finishes, and nobody is kept from signing in by it.
func TestLeftoversOfAnEarlierRun(t *testing.T) {
	yes, no := true, false
	for name, tt := range map[string]struct {
		edit  func(*aad.Federation)
		field string // "": nothing to do
	}{
		"metadata exchange address": {func(f *aad.Federation) { f.MetadataExchangeURI = "https://sts.contoso.example/adfs/services/trust/mex" }, "metadataExchangeUri"},
		"prompt behaviour":          {func(f *aad.Federation) { f.PromptLogin = aad.NativeSupport }, "promptLoginBehavior"},
		"signed requests":           {func(f *aad.Federation) { f.SignedRequestsRequired = &yes }, "isSignedAuthenticationRequestRequired"},
		"the default prompt":        {func(f *aad.Federation) { f.PromptLogin = aad.TranslateToFreshPasswordAuthentication }, ""},
		"unsigned requests":         {func(f *aad.Federation) { f.SignedRequestsRequired = &no }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				federated(t, env)
				time.Sleep(time.Hour)
				edit(t, env, tt.edit)
				f := env.Federator(nil)
				cs, err := f.Preview(t.Context(), env.Plan())
				if err != nil {
					t.Fatal(err)
				}
				if tt.field == "" {
					if len(cs) > 0 {
						t.Errorf("Preview:\n%s", cs)
					}
					return
				}
				if len(cs) != 1 || len(cs[0].Fields) != 1 || cs[0].Fields[0].Name != tt.field {
					t.Errorf("Preview:\n%s", cs)
				}
				v, err := f.Verify(t.Context(), env.Plan())
				if err != nil || !v.Effective() || v.Wrong() || !strings.Contains(v.String(), tt.field) {
					t.Errorf("Verify: effective %t, wrong %t, %v\n%s", v.Effective(), v.Wrong(), err, v)
				}
				if rep, err := f.Federate(t.Context(), env.Plan()); err != nil || left(t, env) != nil {
					t.Errorf("%v, left %q\n%s", err, left(t, env), rep)
				}
			})
		})
	}
}

// What the service does not clear is a warning, and not an endless difference;
// what it does not show yet is neither.
func TestLeftoversThatStay(t *testing.T) {
	for name, tt := range map[string]struct {
		quirks aadtest.Quirks
		lag    time.Duration
		ours   bool // nothing but leftovers is to be written
		left   string
	}{
		"kept":                  {quirks: aadtest.Quirks{KeepCleared: true}, left: "mex prompt signed"},
		"kept, nothing else":    {quirks: aadtest.Quirks{KeepCleared: true}, ours: true, left: "mex prompt signed"},
		"refused":               {quirks: aadtest.Quirks{RefuseCleared: true}, left: "mex prompt signed"},
		"refused, nothing else": {quirks: aadtest.Quirks{RefuseCleared: true}, ours: true, left: "mex prompt signed"},
		"late":                  {lag: 20 * time.Second},
		"late, nothing else":    {lag: 20 * time.Second, ours: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				plan := env.Plan()
				if tt.ours {
					federated(t, env)
					edit(t, env, func(f *aad.Federation) {
						old := adfs(t)
						f.MetadataExchangeURI, f.PromptLogin, f.SignedRequestsRequired = old.MetadataExchangeURI, old.PromptLogin, old.SignedRequestsRequired
					})
				} else {
					env.AzureAD.SetFederation(env.Domain, adfs(t))
					plan.Consent.TakeOver = true
				}
				time.Sleep(time.Hour)
				lag := aadtest.Lag{For: tt.lag}
				env.AzureAD.Quirks, env.AzureAD.ListLag, env.AzureAD.GetLag = tt.quirks, lag, lag
				start := time.Now()
				rep, err := env.Federator(nil).Federate(t.Context(), plan)
				if err != nil {
					t.Fatalf("%v\n%s", err, rep)
				}
				if took := time.Since(start); took > 3*time.Minute {
					t.Errorf("took %v", took)
				}
				if got := strings.Join(left(t, env), " "); got != tt.left {
					t.Errorf("left: %q; want %q", got, tt.left)
				}
				warned := slices.IndexFunc(rep.Findings, func(f federation.Finding) bool { return f.Code == federation.CodeLeftover }) >= 0
				if warned != (tt.left != "") {
					t.Errorf("warned: %t\n%s", warned, rep)
				}
				fed, _ := env.AzureAD.Federation(env.Domain)
				if cmp.Or(fed.IssuerURI, "none") != "urn:uri:"+env.Domain {
					t.Errorf("issuer %s", fed.IssuerURI)
				}
			})
		})
	}
}
