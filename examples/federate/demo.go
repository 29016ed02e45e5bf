package main

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/examples/internal/standin"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

//go:embed plan.yaml
var examplePlan []byte

const introduction = `Federating an Azure AD domain with JumpCloud

People of an organisation have accounts in JumpCloud and in Azure AD (Microsoft Entra ID). Once the domain
of their addresses is federated, they sign in to Microsoft 365 through JumpCloud. This program does what an
administrator does for that by hand, in eleven steps, in two consoles and PowerShell.

Nothing here is live: both services are stand-ins that listen on this machine, filled with people who do
not exist. What talks to them is the code that talks to live tenants (federate -h tells the commands).

  JumpCloud   %s
  Azure AD    %s, with the domain %s
  the plan    examples/federate/plan.yaml
`

// demonstrate federates the stand-ins by the example plan, twice, and signs somebody
// in before and after.
func (j *job) demonstrate(ctx context.Context) int {
	j.yes = true
	if j.wait == 0 {
		j.wait = time.Minute
	}
	if j.every == 0 {
		j.every = 2 * time.Second
	}
	fmt.Fprintf(j.out, introduction, j.services.JumpCloudURL, j.services.GraphURL, j.plan.Domain)
	before, err := j.walk(ctx)
	if err != nil {
		return j.failed(ctx, err, nil)
	}
	if code := j.federate(ctx); code != exitDone {
		return code
	}
	if code := j.signIn(ctx, before); code != exitDone || !j.keep {
		return code
	}
	return j.keepServing(ctx)
}

// serve serves both services on this machine, and points the flags at them.
func (j *job) serve() (stop func() error, err error) {
	env := federationtest.New(&federationtest.Options{Lifelike: true, DefaultDomain: true})
	env.JumpCloud.Latency, env.AzureAD.Latency = j.latency, j.latency
	for _, u := range env.JumpCloud.Users() {
		if u.Username == "tess.turner" {
			// As it happens to accounts that a script has made.
			env.JumpCloud.EditUser(u.ID, func(u *jumpcloud.User) { u.Email = "" })
		}
	}
	if j.command.name == "demo" {
		env.AzureAD.RealmLag = 4 * time.Second // live: 20 minutes to hours
		env.JumpCloud.Latency, env.AzureAD.Latency = 40*time.Millisecond, 40*time.Millisecond
		j.counted = env
	}
	if j.people > 0 {
		generate(env, j.people)
	}
	s, err := standin.Serve(env, standin.Options{})
	if err != nil {
		return nil, err
	}
	j.served = s
	j.services.JumpCloudURL, j.services.GraphURL, j.services.LoginURL = s.JumpCloudURL, s.AzureADURL, s.AzureADURL
	j.services.GraphTokenEnv = "GRAPH_TOKEN"
	getenv := j.services.Getenv
	j.services.Getenv = func(name string) string {
		switch name {
		case "JUMPCLOUD_API_KEY":
			return standin.APIKey
		case "GRAPH_TOKEN":
			return s.GraphToken
		case "JUMPCLOUD_CLIENT_ID", "JUMPCLOUD_ORG_ID":
			return ""
		}
		return getenv(name)
	}
	return s.Close, nil
}

// generate adds n people who exist by number only. Of every hundred, one is not
// in JumpCloud under this name and one has no immutable ID.
func generate(env *federationtest.Env, n int) {
	address := func(i int) string { return generatedAddress(i, env.Domain) }
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
			ImmutableID: jumpcloudtest.GeneratedID(i)}
		switch i % 100 {
		case 3:
			u.ImmutableID = ""
		case 7:
			u.ImmutableID = fmt.Sprintf("id-%d", i)
		}
		return u
	})
}

func generatedAddress(i int, domain string) string {
	return fmt.Sprintf("%c%c.person%d@%s", 'a'+i%26, 'a'+i/26%26, i, domain)
}
