package federation_test

import (
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

// The whole job: look at the people, federate, see that it works.
func Example() {
	ctx := federationtest.Hurry(context.Background())
	env := federationtest.New(nil) // a tenant and an organisation in memory

	// With live services: jumpcloud.New(key, nil) and aad.New(credential, nil).
	f := federation.New(env.JumpCloud.Client(nil), env.AzureAD.Client(nil), nil)
	plan := federation.Plan{
		Domain: "example.com",
		Groups: []federation.Group{{Name: "Everyone"}},
		MFA:    aad.AcceptIfMFADoneByFederatedIdP,
	}

	pre, err := f.Preflight(ctx, plan)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("locked out:", len(pre.LockedOut()))

	report, err := f.Federate(ctx, plan)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.Before, "->", report.After)

	v, err := f.Wait(ctx, report.Plan)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("people can sign in:", v.Effective())
	// Output:
	// locked out: 0
	// managed -> federated
	// people can sign in: true
}

func ExampleFederator_Preview() {
	env := federationtest.New(nil)
	f := env.Federator(nil)

	changes, err := f.Preview(federationtest.Hurry(context.Background()), env.Plan())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(changes)
	// Output:
	// + jumpcloud/application "urn:uri:example.com"
	//     label: "Microsoft 365 (example.com)"
	//     template: "office365"
	//     idpEntityID: "urn:uri:example.com"
	//     loginURL: "https://sso.jumpcloud.com/saml2/example-com"
	//     active: "true"
	// + jumpcloud/application-group "Everyone"
	// + jumpcloud/directory-group "Everyone"
	// + azure-ad/federation "example.com"
	//     displayName: "example.com"
	//     issuerUri: "urn:uri:example.com"
	//     passiveSignInUri: "https://sso.jumpcloud.com/saml2/example-com"
	//     activeSignInUri: "https://sso.jumpcloud.com/saml2/example-com"
	//     signOutUri: "https://console.jumpcloud.com/userconsole/"
	//     preferredAuthenticationProtocol: "saml"
	//     federatedIdpMfaBehavior: "acceptIfMfaDoneByFederatedIdp"
	//     signingCertificate: (known later)
}

func ExampleFederator_Federate() {
	env := federationtest.New(nil)
	f := env.Federator(nil)

	report, err := f.Federate(federationtest.Hurry(context.Background()), env.Plan())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.Before, "->", report.After)

	// The report's plan is pinned to what was made. A further run looks, and
	// finds nothing to do.
	again, err := f.Federate(federationtest.Hurry(context.Background()), report.Plan)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("changed again:", again.Changed())
	// Output:
	// managed -> federated
	// changed again: false
}

func ExampleFederator_Preflight() {
	env := federationtest.New(nil)
	env.AzureAD.AddUser(aad.User{UserPrincipalName: "uma@example.com", DisplayName: "Uma Underhill", ImmutableID: "VW1h"})
	f := env.Federator(nil)

	pre, err := f.Preflight(federationtest.Hurry(context.Background()), env.Plan())
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range pre.LockedOut() {
		fmt.Println(p)
	}
	// Output:
	// uma@example.com (Uma Underhill): enabled in Azure AD, and no JumpCloud user has this address or one of its aliases
}

func ExampleFederator_Verify() {
	ctx := federationtest.Hurry(context.Background())
	env := federationtest.New(nil)
	f := env.Federator(nil)
	report, err := f.Federate(ctx, env.Plan())
	if err != nil {
		log.Fatal(err)
	}

	// Somebody presses a button in the console.
	env.JumpCloud.SetApplicationField(report.Plan.Application.ID, "active", false)

	v, err := f.Verify(ctx, report.Plan)
	if err != nil {
		log.Fatal(err)
	}
	for _, l := range v.Layers {
		fmt.Println(l.Name, l.Status)
	}
	for _, d := range v.Drift {
		fmt.Println(d.Severity, d.Message)
	}
	fmt.Print(v.Repair)
	// Output:
	// application wrong
	// certificate good
	// azure-ad good
	// realm good
	// people good
	// alarm JumpCloud's application differs: active is "false", the plan says "true"
	// ~ jumpcloud/application "urn:uri:example.com"
	//     active: "false" -> "true"
}

func ExampleFederator_Wait() {
	ctx := federationtest.Hurry(context.Background())
	env := federationtest.New(nil)
	f := env.Federator(nil)
	report, err := f.Federate(ctx, env.Plan())
	if err != nil {
		log.Fatal(err)
	}

	// On live services this takes minutes to hours. It keeps no state: a
	// program that was restarted asks again.
	v, err := f.Wait(ctx, report.Plan)
	switch {
	case errors.Is(err, federation.ErrWrong):
		fmt.Println("waiting does not help:", err)
	case errors.Is(err, federation.ErrNotConverged):
		fmt.Println("not within a day:", err)
	case err != nil:
		log.Fatal(err)
	default:
		fmt.Println("people can sign in:", v.Effective())
	}
	// Output:
	// people can sign in: true
}

func ExampleFederator_Inspect() {
	env := federationtest.New(nil)
	env.AzureAD.SetFederation("example.com", aad.Federation{
		IssuerURI: "http://www.okta.com/exk1abc", PassiveSignInURI: "https://example.okta.com/app/office365/exk1abc/sso/wsfed/passive",
	})

	s, err := env.Federator(nil).Inspect(federationtest.Hurry(context.Background()), "example.com")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(s.State, "by", s.Provider)
	fmt.Println(s.Next)
	// Output:
	// foreign by Okta
	// find out who depends on the provider before taking the domain over
}

func ExampleFederator_Revert() {
	ctx := federationtest.Hurry(context.Background())
	env := federationtest.New(nil)
	f := env.Federator(nil)
	report, err := f.Federate(ctx, env.Plan())
	if err != nil {
		log.Fatal(err)
	}

	undone, err := f.Revert(ctx, report)
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range undone.Steps {
		if s.Outcome != federation.Done {
			fmt.Println(s.Outcome, s.Change.Resource)
		}
	}
	s, err := f.Inspect(ctx, "example.com")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(s.State)
	// Output:
	// managed
}

// A repair is approved name by name, and taken back as everything else is.
func ExampleFederator_Repair() {
	ctx := federationtest.Hurry(context.Background())
	env := federationtest.New(nil)
	env.JumpCloud.AddUser(jumpcloud.User{Username: "uma", Email: "uma@example.com", State: jumpcloud.Activated, Activated: true})
	env.AzureAD.AddUser(aad.User{UserPrincipalName: "uma@example.com"})
	f := env.Federator(nil)

	report, err := f.PreviewRepair(ctx, federation.RepairPlan{
		Plan: env.Plan(), ImmutableIDs: federation.FromJumpCloudID, Bind: true, Group: federationtest.Group,
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range report.Steps {
		fmt.Println(s.Outcome, s.Change)
	}
	report, err = f.Repair(ctx, report)
	fmt.Println(report.Count(federation.Done), "done,", err)

	undone, err := f.Revert(ctx, report)
	fmt.Println(undone.Count(federation.Done), "taken back,", err)
	// Output:
	// planned add azure-ad/immutable-id "uma@example.com"
	// planned add jumpcloud/group-member "Everyone: uma@example.com"
	// planned add jumpcloud/directory-user "uma@example.com"
	// 3 done, <nil>
	// 3 taken back, <nil>
}

func ExampleFederator_Defederate() {
	ctx := federationtest.Hurry(context.Background())
	env := federationtest.New(nil)
	f := env.Federator(nil)
	if _, err := f.Federate(ctx, env.Plan()); err != nil {
		log.Fatal(err)
	}

	// How people without an Azure AD password will get in has to be said.
	_, err := f.Defederate(ctx, federation.DefederatePlan{Domain: "example.com"})
	fmt.Println(errors.As(err, new(*federation.PreconditionError)))

	report, err := f.Defederate(ctx, federation.DefederatePlan{Domain: "example.com", Passwords: federation.PasswordsKnown})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.Before, "->", report.After)
	// Output:
	// true
	// federated -> prepared
}

func ExampleParseReport() {
	ctx := federationtest.Hurry(context.Background())
	env := federationtest.New(nil)
	f := env.Federator(nil)
	report, err := f.Federate(ctx, env.Plan())
	if err != nil {
		log.Fatal(err)
	}
	kept, err := json.Marshal(report) // in a file, say
	if err != nil {
		log.Fatal(err)
	}

	// Days later, in another process.
	report, err = federation.ParseReport(kept)
	if err != nil {
		log.Fatal(err)
	}
	_, err = f.Revert(ctx, report)
	fmt.Println(err)
	// Output:
	// <nil>
}

func ExamplePlan_Validate() {
	plan := federation.Plan{
		Domain:      "example.com",
		Application: federation.Application{IdPEntityID: "urn:uri:o365"},
		MFA:         aad.EnforceMFAByFederatedIdP,
	}
	var p *federation.PreconditionError
	if errors.As(plan.Validate(), &p) {
		for _, f := range p.Findings {
			fmt.Println(f.Code)
			fmt.Println("  " + f.Message)
			fmt.Println("  " + f.Repair)
		}
	}
	// Output:
	// plan-entity-id
	//   the IdP entity ID "urn:uri:o365" is a sample value out of a guide; other tenants use it too, and Azure AD finds the tenant by it
	//   use a URI of your own that begins with https:// or urn:, or leave it out for urn:uri:example.com
	// plan-groups
	//   the plan names no group, so nobody could sign in
	//   name at least one JumpCloud user group; it is created if it is missing
}

func ExamplePreconditionError() {
	env := federationtest.New(nil)
	env.AzureAD.SetOnPremisesSync(true)

	_, err := env.Federator(nil).Federate(federationtest.Hurry(context.Background()), env.Plan())
	var p *federation.PreconditionError
	if errors.As(err, &p) {
		for _, f := range p.Findings {
			fmt.Printf("%s: %s\n", f.Code, f.Message)
			if f.Consent != "" {
				fmt.Println("can be overridden with consent." + f.Consent)
			}
		}
	}
	fmt.Println("writes:", env.Writes())
	// Output:
	// directory-sync: the tenant is synchronised from an on-premises directory, which owns the users' immutable IDs
	// can be overridden with consent.directorySync
	// writes: 0
}

// Several domains: a plan each, with an application each, and shared groups.
func ExampleFederator_FederateAll() {
	env := federationtest.New(nil)
	env.AzureAD.AddDomain("example.org")
	other := env.Plan()
	other.Domain = "example.org"

	reports, err := env.Federator(nil).FederateAll(federationtest.Hurry(context.Background()), []federation.Plan{env.Plan(), other}, nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range reports {
		fmt.Println(r.Plan.Domain, r.After)
	}
	// Output:
	// example.com federated
	// example.org federated
}

// Confirm is asked before the first write, with everything that would be done and
// everybody who would lose their sign-in.
func ExampleOptions_confirm() {
	env := federationtest.New(nil)
	env.AzureAD.AddUser(aad.User{UserPrincipalName: "uma@example.com", ImmutableID: "VW1h"})
	plan := env.Plan()
	plan.Consent.LockOut.AtMost = 3 // some may be, but who?

	f := env.Federator(&federation.Options{Confirm: func(_ context.Context, p *federation.Proposal) error {
		fmt.Println(p.Verb, p.Domain)
		for _, c := range p.Changes {
			fmt.Println("  " + c.String())
		}
		for _, who := range p.People {
			fmt.Println("locked out:", who.Who())
		}
		return errors.New("not without Uma")
	}})
	_, err := f.Federate(federationtest.Hurry(context.Background()), plan)
	fmt.Println(errors.Is(err, federation.ErrNotConfirmed), env.Writes())
	fmt.Println(err)
	// Output:
	// federate example.com
	//   create jumpcloud/application "urn:uri:example.com"
	//   add jumpcloud/application-group "Everyone"
	//   add jumpcloud/directory-group "Everyone"
	//   create azure-ad/federation "example.com"
	// locked out: uma@example.com
	// true 0
	// federation: not confirmed: not without Uma
}

// OnEvent is told of every step, for progress.
func ExampleOptions_onEvent() {
	env := federationtest.New(nil)
	f := env.Federator(&federation.Options{OnEvent: func(e federation.Event) {
		if e.Phase == federation.PhaseApply && e.Elapsed > 0 && e.Change.Resource == federation.ResFederation {
			fmt.Println(e.Change.Action, e.Change.Resource, e.Change.Name)
		}
		if e.Phase == federation.PhaseDone {
			fmt.Println(e.Text)
		}
	}})

	if _, err := f.Federate(federationtest.Hurry(context.Background()), env.Plan()); err != nil {
		log.Fatal(err)
	}
	// Output:
	// create azure-ad/federation example.com
	// 4 changes made
}
