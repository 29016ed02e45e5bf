package main

import (
	"fmt"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/examples/internal/standin"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// standIns serves both services on this machine, and points s at them.
func (s *settings) standIns() (plan federation.Plan, stop func() error, err error) {
	env := federationtest.New(&federationtest.Options{Lifelike: true})
	env.JumpCloud.Latency, env.AzureAD.Latency = s.latency, s.latency
	for _, u := range env.JumpCloud.Users() {
		if u.Username == "tess.turner" {
			env.JumpCloud.EditUser(u.ID, func(u *jumpcloud.User) {
				u.State, u.Suspended = jumpcloud.Suspended, true // and nobody has told Azure AD
			})
		}
	}
	env.AzureAD.AddUser(aad.User{UserPrincipalName: "meeting.room@" + env.Domain, DisplayName: "Meeting Room",
		Mail: "meeting.room@" + env.Domain})
	if s.people > 0 {
		generate(env, s.people)
	}
	served, err := standin.Serve(env, standin.Options{})
	if err != nil {
		return plan, nil, err
	}
	s.services.JumpCloudURL, s.services.GraphURL, s.services.LoginURL = served.JumpCloudURL, served.AzureADURL, served.AzureADURL
	s.services.GraphTokenEnv = "GRAPH_TOKEN"
	s.services.Getenv = func(name string) string {
		return map[string]string{"JUMPCLOUD_API_KEY": standin.APIKey, "GRAPH_TOKEN": served.GraphToken}[name]
	}
	plan = env.Plan()
	plan.Consent = federation.Consent{}
	return plan, served.Close, nil
}

// generate adds n people who exist by number only. Of every hundred, one is not
// in JumpCloud under this name and one has no immutable ID.
func generate(env *federationtest.Env, n int) {
	address := func(i int) string { return fmt.Sprintf("%c%c.person%d@%s", 'a'+i%26, 'a'+i/26%26, i, env.Domain) }
	object := func(i int) string { return fmt.Sprintf("%08x-9e37-4000-8000-%012x", i, i) }
	env.JumpCloud.GenerateUsers(n, func(i int) jumpcloud.User {
		u := jumpcloud.User{Username: fmt.Sprintf("person%d", i), Email: address(i), State: jumpcloud.Activated, Activated: true}
		if i%100 == 7 {
			u.Email = "former." + u.Email
		}
		return u
	})
	env.JumpCloud.GenerateBound(env.Directory, n, func(i int) jumpcloud.BoundUser {
		b := jumpcloud.BoundUser{UserID: jumpcloudtest.GeneratedID(i)}
		if i%100 != 7 {
			b.ExternalID, b.Sync = object(i), &jumpcloud.SyncStatus{Code: "200", Message: "OK"}
		}
		return b
	})
	env.JumpCloud.GenerateMembers(env.JumpCloud.Groups()[0].ID, n, jumpcloudtest.GeneratedID)
	env.AzureAD.GenerateUsers(n, func(i int) aad.User {
		a := address(i)
		u := aad.User{ID: object(i), UserPrincipalName: a, DisplayName: fmt.Sprintf("Person %d", i), Mail: a, UserType: "Member",
			ImmutableID: fmt.Sprintf("id-%d", i)}
		if i%100 == 3 {
			u.ImmutableID = ""
		}
		return u
	})
}
