package federation_test

import (
	"cmp"
	"context"
	"fmt"
	"log"

	"github.com/jcaad/jcaad/federation/federationtest"
)

// All at once, with certificates and administrators, is
// fmt.Print(federation.Statuses(domains)).
func ExampleFederator_Overview() {
	ctx := federationtest.Hurry(context.Background())
	env := federationtest.New(nil)
	env.AzureAD.AddDomain("sales.example.com")
	env.AzureAD.AddDomain("example.org")
	f := env.Federator(nil)
	if _, err := f.Federate(ctx, env.Plan()); err != nil {
		log.Fatal(err)
	}

	domains, err := f.Overview(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, d := range domains {
		fmt.Printf("%s: %s, people sign in with %s\n", d.Domain, d.State, cmp.Or(d.Provider, "Azure AD"))
	}
	// Output:
	// contoso.onmicrosoft.com: initial, people sign in with Azure AD
	// example.com: federated, people sign in with JumpCloud
	// sales.example.com: inherits, people sign in with JumpCloud
	// example.org: managed, people sign in with Azure AD
}
