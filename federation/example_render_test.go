package federation_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"slices"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
)

// domains are what Overview has returned.
var domains = func() federation.Statuses {
	today := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	return federation.Statuses{
		{
			Domain: "example.com", State: federation.StateFederated, Checked: today, Provider: "JumpCloud", MFA: aad.AcceptIfMFADoneByFederatedIdP,
			Expires: today.AddDate(0, 0, 400), ApplicationExpires: today.AddDate(0, 0, 400), Administrators: []string{"zoe@example.com"},
		},
		{Domain: "sales.example.com", State: federation.StateInherits, Root: "example.com", Checked: today, Provider: "JumpCloud"},
		{Domain: "example.org", State: federation.StateManaged, Default: true, Checked: today},
	}
}()

func ExampleStatuses_WriteTable() {
	if err := domains.WriteTable(os.Stdout); err != nil {
		log.Fatal(err)
	}
	// Output:
	// domain               state      identity provider  MFA     Azure AD accepts  JumpCloud signs  administrators
	// example.com          federated  JumpCloud          accept  400 days          400 days         zoe@example.com
	//   sales.example.com  inherits   JumpCloud
	// example.org          managed
	//
	// example.org: the tenant's default domain
}

func ExampleStatuses_WriteMarkdown() {
	if err := domains[:1].WriteMarkdown(os.Stdout); err != nil {
		log.Fatal(err)
	}
	// Output:
	// | domain | state | identity provider | MFA | Azure AD accepts | JumpCloud signs | administrators |
	// |---|---|---|---|---|---|---|
	// | example.com | federated | JumpCloud | accept | 400 days | 400 days | zoe@example.com |
}

// The domains of many customers on one page, in the morning.
func ExampleStatuses_Digest() {
	today := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	all := append(slices.Clone(domains),
		federation.Status{Domain: "example.net", State: federation.StateMismatch, Expires: today.AddDate(0, 0, 90), ApplicationExpires: today.AddDate(0, 0, 1095)},
		federation.Status{Domain: "shop.example", State: federation.StateFederated, Expires: today.AddDate(0, 0, 6), ApplicationExpires: today.AddDate(0, 0, 6)},
		federation.Status{Domain: "late.example", Error: "aad: GET domains: 503 Service Unavailable"},
	)
	fmt.Print(all.Digest(today))
	// Output:
	// 6 domains on 2026-03-02 08:00 UTC: 1 mismatch, 1 not known, 1 managed, 2 federated, 1 inherits
	// Look at these first:
	//   alarm: example.net (mismatch): Azure AD holds no certificate that JumpCloud signs with: nobody on the domain can sign in (run Federate now)
	//   warning: shop.example (federated): the certificate of shop.example that JumpCloud signs with and Azure AD accepts ends on 2026-03-08 08:00 UTC, 6 days left (call Rotate today, and again until it is done)
	// Could not be read:
	//   late.example (not known): GET domains: 503 Service Unavailable
	// Ends of certificates:
	//   of 3, 0 have ended; 1 end within 7 days, 1 within 30, 1 within 60
	//   next of those that JumpCloud signs with: shop.example, 6 days left, 2026-03-08 08:00 UTC
	//   next of those that Azure AD accepts: shop.example, 6 days left, 2026-03-08 08:00 UTC
}

// A list for the help desk, of one kind of people at a time.
func ExamplePeople_WriteLockOuts() {
	env := federationtest.New(nil)
	env.AzureAD.AddUser(aad.User{UserPrincipalName: "uma@example.com", DisplayName: "Uma Underhill", Mail: "uma@example.com", ImmutableID: "VW1h"})
	vera := jumpcloud.User{Username: "vera", Email: "vera@example.com", DisplayName: "Vera Vance", State: jumpcloud.Activated, Activated: true}
	env.JumpCloud.AddUser(vera)
	env.AzureAD.AddUser(aad.User{UserPrincipalName: vera.Email, DisplayName: vera.DisplayName, Mail: vera.Email})

	pre, err := env.Federator(nil).Preflight(federationtest.Hurry(context.Background()), env.Plan())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(pre.People.LockOutReasons())
	if err := pre.People.WriteLockOuts(os.Stdout, federation.CodePersonNotInGroup); err != nil {
		log.Fatal(err)
	}
	// Output:
	// [person-no-immutable-id person-not-bound person-not-in-group person-not-in-jumpcloud]
	// reason,name,email,account,what was found,what to do
	// not-in-group,Vera Vance,vera@example.com,vera@example.com,"in none of the JumpCloud groups that are bound to the application, or that the plan binds",Add the person to one of the JumpCloud groups that are bound to the Microsoft 365 application.
}

// A line for each thing that is done, as it ends.
func ExampleEvent_Moment() {
	env := federationtest.New(nil)
	f := env.Federator(&federation.Options{OnEvent: func(e federation.Event) {
		if e.Phase == federation.PhaseApply && e.Moment() == federation.MomentEnd {
			fmt.Println(e)
		}
	}})
	if _, err := f.Federate(federationtest.Hurry(context.Background()), env.Plan()); err != nil {
		log.Fatal(err)
	}
	// Unordered output:
	// done: create jumpcloud/application "urn:uri:example.com"
	// done: add jumpcloud/application-group "Everyone"
	// done: add jumpcloud/directory-group "Everyone"
	// done: create azure-ad/federation "example.com"
}
