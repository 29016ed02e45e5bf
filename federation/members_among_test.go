package federation_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// While the members of a new group are found among everybody, those of a group that is
// there are known to be in it: a rule that has put them there is no obstacle, and one
// that has not is.
func TestDynamicGroupBesideANewOne(t *testing.T) {
	for name, member := range map[string]bool{"its member": true, "no member of it": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				u := env.JumpCloud.Users()[0]
				rule := env.JumpCloud.AddDynamicGroup("By rule")
				if member {
					env.JumpCloud.Bind(jumpcloud.Object{Type: jumpcloud.GroupObject, ID: rule}, jumpcloud.Object{Type: jumpcloud.UserObject, ID: u.ID})
				}
				plan := env.Plan()
				plan.Groups = append(plan.Groups,
					federation.Group{Name: "By rule", Members: []string{u.Email}}, federation.Group{Name: "Pilots", Members: []string{u.Email}})
				rep, err := env.Federator(nil).Federate(t.Context(), plan)
				pe, refused := err.(*federation.PreconditionError)
				if member && err != nil || !member && (!refused || !pe.Has(federation.CodeGroupDynamic) || env.Writes() != 0) {
					t.Fatalf("%v, %d writes\n%s", err, env.Writes(), rep)
				}
				if _, ok := env.AzureAD.Federation(env.Domain); ok != member {
					t.Errorf("federated: %t", ok)
				}
			})
		})
	}
}

// What has the plan's entity ID, but is made from a template that a plan's application
// cannot be made from, is none of the run's business: nothing is judged again for it.
func TestEntityIDOfAnotherTemplate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		plan := env.Plan()
		plan.Application.IdPEntityID = "https://example.com"
		env.JumpCloud.AddApplication("saml2", "Wiki", "https://example.com", "https://sso.jumpcloud.com/saml2/wiki")
		app := env.JumpCloud.Applications()[0].ID
		env.JumpCloud.SetApplicationField(app, "name", "wiki")
		judged := 0
		opts := &federation.Options{OnEvent: func(e federation.Event) {
			if e.Phase == federation.PhaseCheck && e.Attempt == 0 && strings.HasPrefix(e.Text, "checking") {
				judged++
			}
		}}
		start := time.Now()
		rep, err := env.Federator(opts).Federate(t.Context(), plan)
		if err != nil {
			t.Fatalf("%v\n%s", err, rep)
		}
		if took := time.Since(start); judged != 1 || took > 20*time.Second {
			t.Errorf("judged %d times in %v; want once", judged, took)
		}
	})
}

// People are read for as long as it takes: [federation.Options.Settle] bounds waiting for
// what does not show.
func TestPeopleTakeLongerThanSettle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		env.JumpCloud.Fault = func(r *http.Request) jumpcloudtest.Fault {
			if r.Method == http.MethodGet && r.URL.Path == "/api/systemusers" {
				return jumpcloudtest.Fault{Delay: 50 * time.Second}
			}
			return jumpcloudtest.Fault{}
		}
		f := env.Federator(&federation.Options{Settle: 30 * time.Second})
		if rep, err := f.Federate(t.Context(), env.Plan()); err != nil {
			t.Fatalf("%v\n%s", err, rep)
		}
	})
}
