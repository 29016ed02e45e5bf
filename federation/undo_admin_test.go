package federation_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/internal/fake"
)

const rescue = "rescue@contoso.onmicrosoft.com"

func withRescue(env *federationtest.Env) (federation.Plan, *federation.Options) {
	p := env.Plan()
	p.TechnicalAccount = federation.TechnicalAccount{UserPrincipalName: rescue, Create: true}
	return p, &federation.Options{TechnicalPassword: aad.NewSecret("long enough 1!")}
}

func hasAccount(env *federationtest.Env, upn string) bool {
	return slices.ContainsFunc(env.AzureAD.Users(), func(u aad.User) bool { return u.UserPrincipalName == upn })
}

// A technical account whose creation was never answered is taken for the run's if
// nothing speaks of another creation, and left alone else.
func TestUndoOfAnAccountThatWasNeverAnswered(t *testing.T) {
	for _, tt := range []struct {
		about string
		step  func(s *federation.Step)
		goes  bool
	}{
		{"as the run left it", func(*federation.Step) {}, true},
		{"it was there at the first look", func(s *federation.Step) { s.Absent = false }, false},
		{"it was made an hour after the step", func(s *federation.Step) { s.Started = s.Started.Add(-time.Hour) }, false},
		{"it has another name", func(s *federation.Step) {
			i := slices.IndexFunc(s.Change.Fields, func(f federation.Field) bool { return f.Name == "displayName" })
			s.Change.Fields[i].New = "Somebody Else"
		}, false},
	} {
		t.Run(tt.about, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				p, opts := withRescue(env)
				env.AzureAD.Fault = func(r *http.Request) fake.Fault {
					switch create := r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/users"); {
					case create:
						return fake.Fault{Kind: fake.DropAfter}
					case hasAccount(env, rescue):
						return fake.Fault{Kind: fake.Refuse503} // so that it is never seen
					}
					return fake.Fault{}
				}
				rep, err := env.Federator(opts).Federate(t.Context(), p)
				env.AzureAD.Fault = nil
				i := slices.IndexFunc(rep.Steps, func(s federation.Step) bool { return s.Change.Resource == federation.ResTechnicalAccount })
				if err == nil || i < 0 || rep.Steps[i].Outcome != federation.Unknown || rep.Steps[i].ID != "" {
					t.Fatalf("%v; want an account whose creation was never answered\n%s", err, rep)
				}
				tt.step(&rep.Steps[i])
				time.Sleep(time.Hour)
				out, err := env.Federator(nil).Revert(t.Context(), rep)
				if tt.goes != !hasAccount(env, rescue) || tt.goes != (err == nil) || !tt.goes && !errors.Is(err, federation.ErrDiffers) {
					t.Errorf("%v, the account is there: %t\n%s", err, hasAccount(env, rescue), out)
				}
			})
		})
	}
}

// Whoever is the last to sign in without an identity provider stays, with the role.
func TestUndoLeavesTheLastAdministrator(t *testing.T) {
	for _, tt := range []struct {
		about string
		stays bool
		edit  func(env *federationtest.Env)
	}{
		{"others are there", false, func(*federationtest.Env) {}},
		{"the others are gone", true, func(env *federationtest.Env) {
			users := env.AzureAD.Users()
			for _, a := range env.AzureAD.RoleAssignments() {
				i := slices.IndexFunc(users, func(u aad.User) bool { return u.ID == a.PrincipalID })
				if users[i].UserPrincipalName != rescue {
					env.AzureAD.RemoveRole(a.ID)
				}
			}
		}},
		{"the others are disabled", true, func(env *federationtest.Env) {
			for _, u := range env.AzureAD.Users() {
				if u.UserPrincipalName != rescue {
					env.AzureAD.EditUser(u.ID, func(u *aad.User) { u.Enabled = new(bool) })
				}
			}
		}},
	} {
		t.Run(tt.about, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				p, opts := withRescue(env)
				rep, err := env.Federator(opts).Federate(t.Context(), p)
				if err != nil || !hasAccount(env, rescue) {
					t.Fatalf("%v; want the account made\n%s", err, rep)
				}
				time.Sleep(time.Hour)
				tt.edit(env)
				out, err := env.Federator(nil).Revert(t.Context(), rep)
				if hasAccount(env, rescue) != tt.stays || errors.Is(err, federation.ErrDiffers) != tt.stays || !tt.stays && err != nil {
					t.Errorf("%v, the account is there: %t\n%s", err, hasAccount(env, rescue), out)
				}
				if out.After != federation.StateManaged {
					t.Errorf("the domain is %s; want it managed, whatever stays", out.After)
				}
			})
		})
	}
}
