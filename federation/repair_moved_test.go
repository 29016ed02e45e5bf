package federation_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
)

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
