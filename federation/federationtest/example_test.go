package federationtest_test

import (
	"context"
	"fmt"
	"log"

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
