package federation_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
)

// What is proposed is stored, approved by somebody else, and applied in another
// process as just that.
func ExampleFederator_Propose() {
	ctx := federationtest.Hurry(context.Background())
	env := federationtest.New(nil)

	proposal, err := env.Federator(nil).Propose(ctx, env.Plan())
	if err != nil {
		log.Fatal(err)
	}
	file, err := json.Marshal(proposal)
	if err != nil {
		log.Fatal(err)
	}

	// Somebody reads it, remembers proposal.Hash, and says yes.
	approved, err := federation.ParseProposal(file)
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range approved.Changes {
		fmt.Println(c)
	}
	report, err := env.Federator(nil).Apply(ctx, approved)
	fmt.Println(report.After, err)
	// Output:
	// create jumpcloud/application "urn:uri:example.com"
	// add jumpcloud/application-group "Everyone"
	// add jumpcloud/directory-group "Everyone"
	// create azure-ad/federation "example.com"
	// federated <nil>
}

// What has changed since the approval is not done.
func ExampleFederator_Apply() {
	ctx := federationtest.Hurry(context.Background())
	env := federationtest.New(nil)
	f := env.Federator(nil)
	proposal, err := f.Propose(ctx, env.Plan())
	if err != nil {
		log.Fatal(err)
	}

	// Somebody makes the domain the tenant's default one, which the plan would undo.
	if err := env.AzureAD.Client(nil).SetDefaultDomain(ctx, "example.com"); err != nil {
		log.Fatal(err)
	}
	env.ResetLog()
	_, err = f.Apply(ctx, proposal)
	fmt.Println(errors.Is(err, federation.ErrNotApproved), env.Writes())
	// Output:
	// true 0
}

func ExampleFederator_ProposeDefederate() {
	ctx := federationtest.Hurry(context.Background())
	env := federationtest.New(nil)
	f := env.Federator(nil)
	if _, err := f.Federate(ctx, env.Plan()); err != nil {
		log.Fatal(err)
	}

	proposal, err := f.ProposeDefederate(ctx, federation.DefederatePlan{Domain: "example.com", Passwords: federation.PasswordsKnown})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(proposal.Verb, proposal.Changes[0].Action, proposal.Changes[0].Resource)
	report, err := f.Apply(ctx, proposal)
	fmt.Println(report.After, err)
	// Output:
	// defederate delete azure-ad/federation
	// prepared <nil>
}

func ExampleFederator_ProposeRevert() {
	ctx := federationtest.Hurry(context.Background())
	env := federationtest.New(nil)
	f := env.Federator(nil)
	report, err := f.Federate(ctx, env.Plan())
	if err != nil {
		log.Fatal(err)
	}

	proposal, err := f.ProposeRevert(ctx, report)
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range proposal.Changes {
		fmt.Println(c)
	}
	undone, err := f.Apply(ctx, proposal)
	fmt.Println(undone.Count(federation.Done), "undone,", err)
	// Output:
	// delete azure-ad/federation "example.com"
	// remove jumpcloud/directory-group "Everyone"
	// remove jumpcloud/application-group "Everyone"
	// delete jumpcloud/application "urn:uri:example.com"
	// 4 undone, <nil>
}

func ExampleFederator_ProposeRepair() {
	ctx := federationtest.Hurry(context.Background())
	env := federationtest.New(nil)
	env.JumpCloud.AddUser(jumpcloud.User{Username: "uma", Email: "uma@example.com", State: jumpcloud.Activated, Activated: true})
	env.AzureAD.AddUser(aad.User{UserPrincipalName: "uma@example.com"})
	f := env.Federator(nil)

	proposal, err := f.ProposeRepair(ctx, federation.RepairPlan{Plan: env.Plan(), ImmutableIDs: federation.FromJumpCloudID})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(proposal.Changes[0])
	report, err := f.Apply(ctx, proposal)
	fmt.Println(report.Count(federation.Done), "done,", err)
	// Output:
	// add azure-ad/immutable-id "uma@example.com"
	// 1 done, <nil>
}

// What is read back may have been changed by whoever stored it. Apply sees that.
func ExampleParseProposal() {
	ctx := federationtest.Hurry(context.Background())
	env := federationtest.New(nil)
	f := env.Federator(nil)
	proposal, err := f.Propose(ctx, env.Plan())
	if err != nil {
		log.Fatal(err)
	}
	file, err := json.Marshal(proposal)
	if err != nil {
		log.Fatal(err)
	}

	file = bytes.Replace(file, []byte(`"name":"Everyone"`), []byte(`"name":"Nobody"`), 1)
	forged, err := federation.ParseProposal(file)
	if err != nil {
		log.Fatal(err)
	}
	_, err = f.Apply(ctx, forged)
	fmt.Println(err)
	_, err = federation.ParseProposal([]byte(`{"domain": "example.com"}`))
	fmt.Println(err)
	// Output:
	// federation: not approved: the proposal was changed since it was made: make a new one
	// federation: this is no proposal: it has no version, no domain or no hash
}
