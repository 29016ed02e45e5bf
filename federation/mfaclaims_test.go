package federation_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// TestMFAClaim: before Azure AD is told to enforce JumpCloud's second factor, somebody
// is told if nothing shows JumpCloud to say that there was one.
func TestMFAClaim(t *testing.T) {
	const multi = "http://schemas.microsoft.com/claims/multipleauthn"
	both := func(c jumpcloudtest.AuthClaims) *jumpcloudtest.AuthClaims { return &c }
	const loop, all = "round in a loop", "of everybody"
	for _, tt := range []struct {
		name     string
		standing aad.MFABehavior // "" : not federated yet
		gone     bool            // and there is no application
		claims   *jumpcloudtest.AuthClaims
		mfa      aad.MFABehavior
		says     string // "": nothing
	}{
		{"a new application", "", true, nil, aad.EnforceMFAByFederatedIdP, "yet to be made"},
		{"another choice", "", true, nil, aad.AcceptIfMFADoneByFederatedIdP, ""},
		{"an application without claims", "", false, nil, aad.EnforceMFAByFederatedIdP, loop},
		{"a change", aad.AcceptIfMFADoneByFederatedIdP, false, nil, aad.EnforceMFAByFederatedIdP, loop},
		{"no change", aad.EnforceMFAByFederatedIdP, false, nil, aad.EnforceMFAByFederatedIdP, ""},
		{"claims after a factor", aad.AcceptIfMFADoneByFederatedIdP, false, both(jumpcloudtest.MultipleAuthnAfterFactor()), aad.EnforceMFAByFederatedIdP, ""},
		{"claims of something else", aad.AcceptIfMFADoneByFederatedIdP, false,
			both(jumpcloudtest.AuthClaims{Mode: "mapping", Single: multi, Mappings: map[string]string{"mfa": "urn:x"}, AMR: true}), aad.EnforceMFAByFederatedIdP, loop},
		{"claims for everybody", aad.AcceptIfMFADoneByFederatedIdP, false, both(jumpcloudtest.AuthClaims{Mode: "SINGLE", Single: multi}), aad.EnforceMFAByFederatedIdP, all},
		{"for everybody, and accepted", aad.RejectMFAByFederatedIdP, false, both(jumpcloudtest.AuthClaims{Mode: "single", Single: multi}), aad.AcceptIfMFADoneByFederatedIdP, all},
		{"for everybody, and rejected", aad.AcceptIfMFADoneByFederatedIdP, false, both(jumpcloudtest.AuthClaims{Mode: "single", Single: multi}), aad.RejectMFAByFederatedIdP, ""},
		{"a mode that nobody knows", aad.AcceptIfMFADoneByFederatedIdP, false, both(jumpcloudtest.AuthClaims{Mode: "x", Single: multi}), aad.EnforceMFAByFederatedIdP, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				plan := env.Plan()
				if !tt.gone {
					plan.MFA = tt.standing
					if tt.standing == "" {
						plan.MFA = aad.AcceptIfMFADoneByFederatedIdP
					}
					if _, err := env.Federator(nil).Federate(t.Context(), plan); err != nil {
						t.Fatal(err)
					}
					if tt.standing == "" {
						env.AzureAD.RemoveFederation(env.Domain)
					}
				}
				if tt.claims != nil {
					env.JumpCloud.SetAuthClaims(app(t, env), *tt.claims)
				}
				plan.MFA = tt.mfa
				f := env.Federator(nil)
				pre, err := f.Preflight(t.Context(), plan)
				if err != nil {
					t.Fatal(err)
				}
				prop, err := f.Propose(t.Context(), plan)
				if err != nil {
					t.Fatal(err)
				}
				rep, err := f.Federate(t.Context(), plan)
				if err != nil {
					t.Fatalf("a warning kept Federate from writing: %v", err)
				}
				for where, fs := range map[string][]federation.Finding{"Preflight": pre.Gates, "Propose": prop.Findings, "Federate": rep.Findings} {
					i := slices.IndexFunc(fs, func(f federation.Finding) bool { return f.Code == federation.CodeMFAClaim })
					told := i >= 0
					switch {
					case told != (tt.says != ""):
						t.Errorf("%s tells of the claim: %t; want %q", where, told, tt.says)
					case told && (fs[i].Severity != federation.Warning || !strings.Contains(fs[i].Message, tt.says) || fs[i].Repair == ""):
						t.Errorf("%s: %s: %s; want a warning that says %q", where, fs[i].Severity, fs[i], tt.says)
					}
				}
			})
		})
	}
}

// TestMFAClaimApproved: what is only told, and changes from hour to hour, is no part of
// what was approved; and all of it can be undone.
func TestMFAClaimApproved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		federated(t, env)
		began := time.Now()
		time.Sleep(time.Hour)
		plan := env.Plan()
		plan.MFA = aad.EnforceMFAByFederatedIdP
		f := env.Federator(&federation.Options{SignInLog: &federation.SignInLog{Since: began}})
		prop, err := f.Propose(t.Context(), plan)
		if err != nil {
			t.Fatal(err)
		}
		// Somebody signs in, the directory has lost a synchronisation, and the application says more.
		logged(env, 0, 0)
		people := onDomain(env)
		env.JumpCloud.SetSync(env.Directory, jumpcloud.BoundUser{UserID: people[1].ImmutableID})
		env.JumpCloud.SetAuthClaims(app(t, env), jumpcloudtest.MultipleAuthnAfterFactor())
		again, err := f.Propose(t.Context(), plan)
		if err != nil || again.Hash != prop.Hash || cmp.Diff(again.Findings, prop.Findings) == "" {
			t.Errorf("the hash is %s and was %s: %v\n%s", again.Hash, prop.Hash, err, again)
		}
		rep, err := f.Apply(t.Context(), prop)
		if err != nil {
			t.Fatalf("what was approved is refused: %v", err)
		}
		if _, err := f.Revert(t.Context(), rep); err != nil {
			t.Error(err)
		}
		if fed, _ := env.AzureAD.Federation(env.Domain); fed.MFA != env.Plan().MFA {
			t.Errorf("after Revert it is %s", fed.MFA)
		}
	})
}

// TestMFAClaimOfSeveral: each domain of a batch says it, and each can be undone.
func TestMFAClaimOfSeveral(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		var plans []federation.Plan
		for _, domain := range []string{env.Domain, "example.org"} {
			if domain != env.Domain {
				env.AzureAD.AddDomain(domain)
				env.JumpCloud.AddDirectoryDomain(env.Directory, domain, true)
			}
			p := env.Plan()
			p.Domain, p.MFA = domain, aad.EnforceMFAByFederatedIdP
			plans = append(plans, p)
		}
		f := env.Federator(nil)
		reports, err := f.FederateAll(t.Context(), plans, &federation.BatchOptions{Concurrency: 1})
		if err != nil {
			t.Fatal(err)
		}
		for _, rep := range reports {
			if !slices.ContainsFunc(rep.Findings, func(f federation.Finding) bool {
				return f.Code == federation.CodeMFAClaim && f.Subject == rep.Plan.Domain
			}) {
				t.Errorf("%s is not told of the claim:\n%s", rep.Plan.Domain, rep)
			}
		}
		for i, p := range slices.Backward(plans) { // the first one has made what they share
			if _, err := f.Revert(t.Context(), reports[i]); err != nil {
				t.Error(err)
			}
			if fed, there := env.AzureAD.Federation(p.Domain); there {
				t.Errorf("%s is still federated: %+v", p.Domain, fed)
			}
		}
	})
}
