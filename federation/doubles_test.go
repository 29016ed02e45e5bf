package federation_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// Two runs have made a group at the same moment, and a third one, for another domain, has
// found the younger and lets its people in through it: it is not removed.
func TestDoubleOfAnotherDomainStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		const other = "other.example"
		env.AzureAD.AddDomain(other)
		env.JumpCloud.AddDirectoryDomain(env.Directory, other, false)
		own := env.Domain
		env.Domain = other
		env.AddPerson([2]string{"Ann", "Other"}, 0)
		env.Domain = own
		plan := env.Plan()
		shared := federation.Group{Name: "Shared"}
		for _, u := range env.JumpCloud.Users() {
			shared.Members = append(shared.Members, u.Email)
		}
		plan.Groups = []federation.Group{shared}
		older := env.JumpCloud.AddGroup("Shared")
		var shows atomic.Bool // the older one
		env.JumpCloud.Fault = func(r *http.Request) (f jumpcloudtest.Fault) {
			if r.Method != http.MethodGet || r.URL.Path != "/api/v2/usergroups" || shows.Load() {
				return f
			}
			var all []string
			for _, g := range env.JumpCloud.Groups() {
				if g.ID != older {
					all = append(all, `{"id":"`+g.ID+`","name":"`+g.Name+`","type":"user_group"}`)
				}
			}
			return answered(http.StatusOK, "["+strings.Join(all, ",")+"]")
		}
		another := func(plan federation.Plan) {
			rep, err := federation.New(env.JumpCloud.Client(nil), env.AzureAD.Client(nil), nil).Federate(t.Context(), plan)
			if err != nil {
				t.Errorf("%v\n%s", err, rep)
			}
		}
		var once sync.Once
		env.AzureAD.Fault = func(r *http.Request) (f aadtest.Fault) {
			if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, own+"/federationConfiguration") {
				once.Do(func() {
					second := plan
					second.Domain = other
					another(second)
					shows.Store(true)
				})
			}
			return f
		}
		another(plan)
		if _, ok := env.AzureAD.Federation(other); !ok || !shows.Load() {
			t.Fatal("the other domain is not federated")
		}
		apps := env.JumpCloud.Applications()
		app := apps[slices.IndexFunc(apps, func(a jumpcloudtest.Application) bool { return a.EntityID == "urn:uri:"+other })]
		in := slices.ContainsFunc(env.JumpCloud.Groups(), func(g jumpcloudtest.Group) bool {
			return len(g.Members) > 0 && env.JumpCloud.Associated(jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: app.ID},
				jumpcloud.Object{Type: jumpcloud.GroupObject, ID: g.ID})
		})
		if !in {
			t.Error("nobody on the other domain can sign in any more")
		}
	})
}
