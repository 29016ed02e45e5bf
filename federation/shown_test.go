package federation_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
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
				plan := env.Plan()
				pilots := federation.Group{Name: "Pilots"}
				for _, u := range env.JumpCloud.Users() {
					pilots.Members = append(pilots.Members, u.Email)
				}
				plan.Groups = []federation.Group{pilots}
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
				var mu sync.Mutex
				looks := map[string]int{}
				env.JumpCloud.Fault = func(r *http.Request) (f jumpcloudtest.Fault) {
					mu.Lock()
					defer mu.Unlock()
					if r.Method != http.MethodGet {
						return f
					}
					path := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
					looks[path]++
					late := looks[path] > 1 && looks[path] < 5
					switch {
					case path == "metadata.xml" && looks[path] == 1:
						return jumpcloudtest.Fault{Kind: jumpcloudtest.Error500Before, Status: http.StatusNotFound, Body: `{"message":"Not Found"}`}
					case path == "applications" && late:
						return jumpcloudtest.Fault{Kind: jumpcloudtest.Error500Before, Status: http.StatusOK, Body: `{"results":[],"totalCount":0}`}
					case path == "usergroups" && late:
						return jumpcloudtest.Fault{Kind: jumpcloudtest.Error500Before, Status: http.StatusOK, Body: `[]`}
					}
					return f
				}
				rep, err := env.Federator(opts).Federate(t.Context(), plan)
				if looks["applications"] < 3 || looks["usergroups"] < 2 {
					t.Fatalf("looks: %v; want one that failed, and two that do not show it", looks)
				}
				if err != nil {
					t.Fatalf("%v\n%s", err, rep)
				}
				for _, r := range env.JumpCloud.Requests() {
					if r.Method == http.MethodPost && (r.Path == "/api/applications" || r.Path == "/api/v2/usergroups") {
						t.Errorf("%s %s: made again\n%s", r.Method, r.Path, rep)
					}
				}
			})
		})
	}
}
