package federation_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// A run dies when it has made the application and the group, and its report with it. The
// next one, a moment later, is shown them by one replica in the look that fails, and not
// by the others: it does not make them again.
func TestShownOnce(t *testing.T) {
	for name, test := range map[string]struct {
		byID  time.Duration // how late they are by their ID
		asked bool          // somebody is
	}{
		"there by its ID":            {},
		"not yet there by its ID":    {byID: 20 * time.Second},
		"somebody is asked, there":   {asked: true},
		"somebody is asked, not yet": {asked: true, byID: 20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				slow(env) // lists are answered before what is asked about their things
				env.JumpCloud.GetLag = jumpcloudtest.Lag{For: test.byID}
				plan := pilots(env)
				opts := &federation.Options{}
				if test.asked {
					opts.Confirm = func(context.Context, *federation.Proposal) error { return nil }
				}

				ctx, die := context.WithCancel(t.Context())
				env.JumpCloud.OnRequest = func(r *http.Request) {
					if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/associations") {
						die()
					}
				}
				if _, err := env.Federator(opts).Federate(ctx, plan); !errors.Is(err, context.Canceled) || len(env.JumpCloud.Applications()) != 1 {
					t.Fatalf("%v, %d applications; want one, and a run that died", err, len(env.JumpCloud.Applications()))
				}
				env.JumpCloud.OnRequest = nil
				env.ResetLog()
				looks := make(map[string]int)
				readsOf(env, func(what string, _ time.Duration) (f jumpcloudtest.Fault) {
					what = strings.TrimPrefix(what, "all ")
					looks[what]++
					late := looks[what] > 1 && looks[what] < 5
					switch {
					case what == "metadata" && looks[what] == 1:
						return notFound
					case what == "applications" && late:
						return noApplications
					case what == "groups" && late:
						return answered(http.StatusOK, `[]`)
					}
					return f
				})
				rep, err := env.Federator(opts).Federate(t.Context(), plan)
				if looks["applications"] < 3 || looks["groups"] < 2 {
					t.Fatalf("looks: %v; want one that failed, and two that do not show it", looks)
				}
				if err != nil {
					t.Fatalf("%v\n%s", err, rep)
				}
				notMade(t, env, rep, "/api/applications", "/api/v2/usergroups")
			})
		})
	}
}
