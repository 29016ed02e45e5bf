package federation_test

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/internal/fake"
)

// refusing answers requests of a method, whose path ends so, with 403.
func refusing(method, suffix string) func(*http.Request) fake.Fault {
	return func(r *http.Request) fake.Fault {
		if r.Method == method && strings.Contains(r.URL.Path, suffix) {
			return fake.Fault{Kind: fake.Error500Before, Status: http.StatusForbidden,
				Body: `{"error":{"code":"Authorization_RequestDenied","message":"Insufficient privileges to complete the operation."}}`}
		}
		return fake.Fault{}
	}
}

// What a person reads of an undo that could not undo everything: for each step
// that stays, why, and what to do.
func TestUndoTexts(t *testing.T) {
	// groups is a plan whose group the run makes, with one member.
	groups := func(env *federationtest.Env) federation.Plan {
		p := env.Plan()
		p.Groups = append(p.Groups, federation.Group{Name: "Pilots", Members: []string{env.JumpCloud.Users()[0].Email}})
		return p
	}
	federate := func(t *testing.T, env *federationtest.Env, p federation.Plan) *federation.Report {
		t.Helper()
		rep, err := env.Federator(nil).Federate(t.Context(), p)
		if err != nil {
			t.Fatalf("%v\n%s", err, rep)
		}
		time.Sleep(time.Hour)
		return rep
	}
	var files []string
	for _, tt := range []struct {
		name string
		tell func(*testing.T, *federationtest.Env) (*federation.Report, error)
		tale string // what has to be in it
	}{
		{"refused", func(t *testing.T, env *federationtest.Env) (*federation.Report, error) {
			rep := federate(t, env, groups(env))
			env.AzureAD.Fault = refusing(http.MethodDelete, "/federationConfiguration")
			return env.Federator(nil).Revert(t.Context(), rep)
		}, "refused  delete azure-ad/federation"},
		{"differs", func(t *testing.T, env *federationtest.Env) (*federation.Report, error) {
			rep := federate(t, env, groups(env))
			env.JumpCloud.SetApplicationField(rep.Plan.Application.ID, "displayLabel", "Ours now")
			if err := env.JumpCloud.Client(nil).AddGroupMember(t.Context(), rep.Plan.Groups[1].ID, env.JumpCloud.Users()[1].ID); err != nil {
				t.Fatal(err)
			}
			fed, _ := env.AzureAD.Federation(env.Domain)
			fed.DisplayName = "Somebody's brand"
			env.AzureAD.SetFederation(env.Domain, fed)
			return env.Federator(nil).Revert(t.Context(), rep)
		}, "left     delete jumpcloud/group"},
		{"shared", func(t *testing.T, env *federationtest.Env) (*federation.Report, error) {
			rep := federate(t, env, groups(env))
			env.AzureAD.AddDomain("second.example")
			env.JumpCloud.AddDirectoryDomain(env.Directory, "second.example", false)
			second := groups(env)
			second.Domain = "second.example"
			federate(t, env, second)
			return env.Federator(nil).Revert(t.Context(), rep)
		}, "left     remove jumpcloud/directory-group"},
		{"older report", func(t *testing.T, env *federationtest.Env) (*federation.Report, error) {
			env.AzureAD.Fault = refusing(http.MethodPost, "/federationConfiguration")
			rep, err := env.Federator(nil).Federate(t.Context(), groups(env))
			if err == nil {
				t.Fatal("the first run was not refused")
			}
			env.AzureAD.Fault = nil
			federate(t, env, rep.Plan)
			return env.Federator(nil).Revert(t.Context(), rep)
		}, "left     remove jumpcloud/application-group"},
		{"later run", func(t *testing.T, env *federationtest.Env) (*federation.Report, error) {
			rep := federate(t, env, groups(env))
			if _, err := env.Federator(nil).Defederate(t.Context(), federation.DefederatePlan{Domain: env.Domain, Passwords: federation.PasswordsKnown}); err != nil {
				t.Fatal(err)
			}
			federate(t, env, groups(env))
			return env.Federator(nil).Revert(t.Context(), rep)
		}, "a later run's"},
		{"wrong customer", func(t *testing.T, env *federationtest.Env) (*federation.Report, error) {
			rep := federate(t, env, groups(env))
			other := federationtest.New(nil)
			other.AzureAD.TenantID = "0e3a9f44-1111-4222-8333-444455556666"
			return other.Federator(nil).Revert(t.Context(), rep)
		}, "is of the Azure AD tenant"},
		{"wrong customer of version 1", func(t *testing.T, env *federationtest.Env) (*federation.Report, error) {
			rep := federate(t, env, groups(env))
			rep.Version, rep.Tenant, rep.Organization = 1, "", ""
			other := federationtest.New(&federationtest.Options{Domain: "elsewhere.example"})
			for i := range rep.Steps { // another customer's IDs are never those of this one
				rep.Steps[i].ID = strings.Replace(rep.Steps[i].ID, "6000", "7000", 1)
				rep.Steps[i].Change.Parent = strings.Replace(rep.Steps[i].Change.Parent, "6000", "7000", 1)
				rep.Steps[i].Change.Target = strings.Replace(rep.Steps[i].Change.Target, "6000", "7000", 1)
			}
			rep.Plan.Application.ID = strings.Replace(rep.Plan.Application.ID, "6000", "7000", 1)
			rep.Plan.Directory.ID = strings.Replace(rep.Plan.Directory.ID, "6000", "7000", 1)
			for i := range rep.Plan.Groups {
				rep.Plan.Groups[i].ID = strings.Replace(rep.Plan.Groups[i].ID, "6000", "7000", 1)
			}
			return other.Federator(nil).Revert(t.Context(), rep)
		}, "nothing that the report names exists"},
		{"died in the middle", func(t *testing.T, env *federationtest.Env) (*federation.Report, error) {
			federate(t, env, groups(env))
			ctx, die := context.WithCancelCause(t.Context())
			env.JumpCloud.Fault = func(r *http.Request) fake.Fault {
				if r.Method == http.MethodDelete && strings.Contains(r.URL.Path, "/api/applications/") {
					die(errDied)
					return fake.Fault{Kind: fake.DropBefore}
				}
				return fake.Fault{}
			}
			rep, err := env.Federator(nil).Defederate(ctx, federation.DefederatePlan{Domain: env.Domain, Passwords: federation.PasswordsKnown, RemoveApplication: true})
			if err == nil {
				t.Fatal("the process did not die")
			}
			env.JumpCloud.Fault = nil
			time.Sleep(time.Hour)
			return env.Federator(nil).Revert(t.Context(), rep)
		}, "done     add jumpcloud/application-group"},
		{"take-over undone", func(t *testing.T, env *federationtest.Env) (*federation.Report, error) {
			other := federationtest.New(nil)
			federate(t, other, other.Plan())
			foreign, _ := other.AzureAD.Federation(env.Domain)
			foreign.IssuerURI, foreign.PassiveSignInURI, foreign.ActiveSignInURI = "http://www.okta.com/exk1", "https://example.okta.com/app/sso/saml", ""
			env.AzureAD.SetFederation(env.Domain, foreign)
			env.AzureAD.AddUser(aad.User{UserPrincipalName: "new.hire@" + env.Domain, UserType: "Member"})
			p := groups(env)
			p.Consent.TakeOver, p.Consent.LockOut.People = true, []string{"new.hire@" + env.Domain}
			return env.Federator(nil).Revert(t.Context(), federate(t, env, p))
		}, "federated -> foreign"},
		{"application gone", func(t *testing.T, env *federationtest.Env) (*federation.Report, error) {
			federate(t, env, groups(env))
			rep, err := env.Federator(nil).Defederate(t.Context(), federation.DefederatePlan{Domain: env.Domain, Passwords: federation.PasswordsKnown, RemoveApplication: true})
			if err != nil {
				t.Fatal(err)
			}
			return env.Federator(nil).Revert(t.Context(), rep)
		}, "run Federate"},
		{"hired since", func(t *testing.T, env *federationtest.Env) (*federation.Report, error) {
			federate(t, env, groups(env))
			rep, err := env.Federator(nil).Defederate(t.Context(), federation.DefederatePlan{Domain: env.Domain, Passwords: federation.PasswordsKnown})
			if err != nil {
				t.Fatal(err)
			}
			env.AzureAD.AddUser(aad.User{UserPrincipalName: "new.hire@" + env.Domain, UserType: "Member"})
			return env.Federator(nil).Revert(t.Context(), rep)
		}, "would be locked out"},
	} {
		name := "undo/" + strings.ReplaceAll(tt.name, " ", "-") + ".txt"
		files = append(files, name)
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				out, err := tt.tell(t, federationtest.New(nil))
				text := stableUndo(fmt.Sprintf("error: %v\n\n%s", err, out))
				if !strings.Contains(text, tt.tale) {
					t.Errorf("it does not tell %q:\n%s", tt.tale, text)
				}
				federation.Golden(t, name, federation.Stable(text))
			})
		})
	}
	federation.GoldenFiles(t, "undo", files)
}

var undoNoise = regexp.MustCompile(` \([0-9.]+(ms|s|m[0-9.]+s)\)|; (client-)?request-id [0-9a-f-]+| \(request [0-9A-F-]+TST\)`)

// stableUndo takes out of a text what is not the same in each run.
func stableUndo(s string) string {
	return configurationID.ReplaceAllString(undoNoise.ReplaceAllString(s, ""), "<configuration>")
}

var configurationID = regexp.MustCompile(`[0-9a-f]{8}-fed0-[0-9a-f-]+`)

// A Revert that has left something is called again when that is done.
func TestRevertAgainWhenThatIsDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		before := truth(env)
		p := env.Plan()
		p.Groups = append(p.Groups, federation.Group{Name: "Pilots", Members: []string{env.JumpCloud.Users()[0].Email}})
		rep, err := env.Federator(nil).Federate(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		client, group, user := env.JumpCloud.Client(nil), rep.Plan.Groups[1].ID, env.JumpCloud.Users()[1].ID
		if err := client.AddGroupMember(t.Context(), group, user); err != nil {
			t.Fatal(err)
		}
		if out, err := env.Federator(nil).Revert(t.Context(), rep); err == nil {
			t.Fatalf("a group with somebody else's member went away:\n%s", out)
		}
		if err := client.RemoveGroupMember(t.Context(), group, user); err != nil {
			t.Fatal(err)
		}
		out, err := env.Federator(nil).Revert(t.Context(), rep)
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if got := truth(env); strings.Join(got, "\n") != strings.Join(before, "\n") {
			t.Errorf("after Revert:\n%s\nbefore the run:\n%s", strings.Join(got, "\n"), strings.Join(before, "\n"))
		}
	})
}
