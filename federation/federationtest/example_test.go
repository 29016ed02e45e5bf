package federationtest_test

import (
	"context"
	"fmt"
	"log"
	"net/http/httptest"

	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
)

// Three customers of a provider, behind one key of JumpCloud.
func ExampleNewProvider() {
	p := federationtest.NewProvider(3, nil)
	sum, err := federation.FederateTenants(federationtest.Hurry(context.Background()), p.Tenants(nil), nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range sum.Results {
		fmt.Println(r.Name, r.Domain, r.Outcome)
	}
	fmt.Println(p.Customers[0].JumpCloud.Applications()[0].ID == p.Customers[1].JumpCloud.Applications()[0].ID)
	// Output:
	// Customer 01 customer01.example changed
	// Customer 02 customer02.example changed
	// Customer 03 customer03.example changed
	// false
}

// Ada signs in to Azure AD before and after her domain is federated.
func ExampleEnv_Browser() {
	ctx := federationtest.Hurry(context.Background())
	env := federationtest.New(nil)
	ada := federationtest.Person{UserName: "ada.abbott@example.com"}

	walk, err := env.Browser().SignIn(ctx, ada)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(walk)
	if _, err := env.Federator(nil).Federate(ctx, env.Plan()); err != nil {
		log.Fatal(err)
	}
	if walk, err = env.Browser().SignIn(ctx, ada); err != nil {
		log.Fatal(err)
	}
	fmt.Print(walk)
	// Output:
	//  1  Microsoft  Sign in                                             types ada.abbott@example.com
	//  2  Microsoft  Enter password                                      gives the password
	//  3  Microsoft  You are signed in
	//     signed in as ada.abbott@example.com
	//  1  Microsoft  Sign in                                             types ada.abbott@example.com
	//  2  Microsoft  Taking you to your organization's sign-in page      goes on
	//  3  JumpCloud  Log in to Microsoft 365 (example.com)               logs in as ada.abbott@example.com
	//  4  JumpCloud  Signing in to Microsoft 365 (example.com)           goes on
	//  5  Microsoft  You are signed in
	//     signed in as ada.abbott@example.com
}

// Somebody is kept out: the walk tells who says so, and why.
func ExampleBrowser_SignIn() {
	ctx := federationtest.Hurry(context.Background())
	env := federationtest.New(nil)
	if _, err := env.Federator(nil).Federate(ctx, env.Plan()); err != nil {
		log.Fatal(err)
	}
	app := env.JumpCloud.Applications()[0]
	env.JumpCloud.RegenerateCertificate(app.ID) // by somebody in the console

	walk, err := env.Browser().SignIn(ctx, federationtest.Person{UserName: "ada.abbott@example.com"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(walk.SignedIn == "", walk.Code)
	fmt.Println(walk.Outcome())
	// Output:
	// true AADSTS5000811
	// not signed in: AADSTS5000811: Unable to verify token signature. The signing key identifier does not match any valid registered keys.
}

// A sign-in that begins at JumpCloud.
func ExampleBrowser_OpenTile() {
	ctx := federationtest.Hurry(context.Background())
	env := federationtest.New(nil)
	if _, err := env.Federator(nil).Federate(ctx, env.Plan()); err != nil {
		log.Fatal(err)
	}
	walk, err := env.Browser().OpenTile(ctx, federationtest.Person{UserName: "ada.abbott@example.com"}, "Microsoft 365 (example.com)")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(walk)
	// Output:
	//  1  JumpCloud  Log in to your user portal                          logs in as ada.abbott@example.com
	//  2  JumpCloud  (redirect)
	//  3  JumpCloud  Applications                                        opens Microsoft 365 (example.com)
	//  4  JumpCloud  Signing in to Microsoft 365 (example.com)           goes on
	//  5  Microsoft  You are signed in
	//     signed in as ada.abbott@example.com
}

// A browser over HTTP, at a service that listens on this machine.
func ExampleNewBrowser() {
	env := federationtest.New(nil)
	hs := httptest.NewServer(env.AzureAD)
	defer hs.Close()

	walk, err := federationtest.NewBrowser(hs.Client(), hs.URL+"/").SignIn(context.Background(),
		federationtest.Person{UserName: "ada.abbott@example.com", Password: federationtest.AzureADPassword})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(walk.Outcome())
	// Output: signed in as ada.abbott@example.com
}
