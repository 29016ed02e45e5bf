package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jcaad/jcaad/examples/internal/cli"
	"github.com/jcaad/jcaad/examples/internal/standin"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
)

const introduction = `Federating an Azure AD domain with JumpCloud

People of an organisation have accounts in JumpCloud and in Azure AD (Microsoft Entra ID). Once the domain
of their addresses is federated, they sign in to Microsoft 365 through JumpCloud. This program does what an
administrator does for that by hand, in eleven steps, in two consoles and PowerShell.

Nothing here is live: both services are stand-ins that listen on this machine, filled with people who do not
exist. What talks to them is the code that talks to live tenants (-live; see -h).

  JumpCloud   %s
  Azure AD    %s, with the domain %s
  the plan    examples/federate/plan.yaml
`

// demonstrate federates the stand-ins by the example plan, twice.
func (j *job) demonstrate(ctx context.Context) int {
	env := federationtest.New(&federationtest.Options{Lifelike: true, DefaultDomain: true})
	env.AzureAD.RealmLag = 4 * time.Second // live: 20 minutes to hours
	env.JumpCloud.Latency, env.AzureAD.Latency = 40*time.Millisecond, 40*time.Millisecond
	for _, u := range env.JumpCloud.Users() {
		if u.Username == "tess.turner" {
			// As it happens to accounts that a script has made.
			env.JumpCloud.EditUser(u.ID, func(u *jumpcloud.User) { u.Email = "" })
		}
	}
	s, err := standin.Serve(env, standin.Options{})
	if err != nil {
		fmt.Fprintln(j.err, err)
		return exitFailed
	}
	defer s.Close()

	if j.plan, err = cli.ParsePlan(examplePlan); err != nil {
		fmt.Fprintln(j.err, err)
		return exitUsage
	}
	j.yes, j.counted = true, env
	if j.wait == 0 {
		j.wait = time.Minute
	}
	if j.every == 0 {
		j.every = 2 * time.Second
	}
	j.services.JumpCloudURL, j.services.GraphURL, j.services.LoginURL = s.JumpCloudURL, s.AzureADURL, s.AzureADURL
	j.services.GraphTokenEnv = "GRAPH_TOKEN"
	j.services.Getenv = func(name string) string {
		return map[string]string{"JUMPCLOUD_API_KEY": standin.APIKey, "GRAPH_TOKEN": s.GraphToken}[name]
	}
	if err := j.connect(ctx); err != nil {
		fmt.Fprintln(j.err, err)
		return exitUsage
	}
	fmt.Fprintf(j.out, introduction, s.JumpCloudURL, s.AzureADURL, env.Domain)
	return j.federate(ctx)
}
