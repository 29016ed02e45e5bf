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
	"github.com/jcaad/jcaad/jumpcloud"
)

// Who was moved to a domain that is federated signs in there by what the repair has
// given, whatever became of the domain that was repaired.
func TestRevertOfARepairOfSomebodyWhoMoved(t *testing.T) {
	for name, authentication := range map[string]bool{"federated": true, "managed": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := broken(2)
				done := repaired(t, env, everything(env))
				time.Sleep(time.Hour)
				env.AzureAD.AddDomain("elsewhere.example")
				if authentication {
					env.AzureAD.SetFederation("elsewhere.example", aad.Federation{IssuerURI: "urn:elsewhere"})
				}
				const moved = "anna@elsewhere.example"
				old := whom(done.Steps[0])
				for _, u := range env.AzureAD.Users() {
					if u.UserPrincipalName == old {
						env.AzureAD.EditUser(u.ID, func(u *aad.User) { u.UserPrincipalName = moved })
					}
				}
				for _, s := range done.Steps {
					if whom(s) == old && s.Change.Resource != federation.ResImmutableID {
						env.JumpCloud.EditUser(s.Change.Target, func(u *jumpcloud.User) { u.Email = moved })
					}
				}
				out, err := env.Federator(nil).Revert(t.Context(), done)
				for _, s := range out.Steps {
					if stays := authentication && whom(s) == old; (s.Outcome == federation.Left) != stays || (s.Outcome == federation.Done) == stays {
						t.Errorf("%s %s: %s", s.Outcome, s.Change, s.Error)
					}
				}
				if errors.Is(err, federation.ErrDiffers) != authentication || authentication && !strings.Contains(err.Error(), "elsewhere.example") {
					t.Error(err)
				}
			})
		})
	}
}

// Whose user is gone has no binding and no membership left to be taken back.
func TestRevertOfARepairOfADeletedUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := broken(2)
		plan := everything(env)
		plan.ImmutableIDs = ""
		done := repaired(t, env, plan)
		time.Sleep(time.Hour)
		gone := done.Steps[0].Change.Target
		jumpCloudDeletes(t, env, gone)
		out, err := env.Federator(nil).Revert(t.Context(), done)
		for _, s := range out.Steps {
			if (s.Outcome == federation.Skipped) != (s.Change.Target == gone) {
				t.Errorf("%s %s: %s", s.Outcome, s.Change, s.Error)
			}
		}
		if err != nil {
			t.Error(err)
		}
	})
}

// jumpCloudDeletes deletes a user as somebody in the console would.
func jumpCloudDeletes(t *testing.T, env *federationtest.Env, user string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, "https://console.jumpcloud.com/api/systemusers/"+user, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Api-Key", "k")
	resp, err := env.JumpCloud.HTTPClient().Do(req)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%v, %v", resp, err)
	}
	resp.Body.Close()
}
