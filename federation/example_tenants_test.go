package federation_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
)

// The job of a night: all customers of a provider, whose JumpCloud organisations are
// behind one key.
func ExampleFederateTenants() {
	ctx := federationtest.Hurry(context.Background())
	provider := federationtest.NewProvider(3, nil) // in memory

	// With live services, key is one client for all, and ad one of the customer's tenant:
	//
	//	federation.New(key.ForOrganization(customer.OrganizationID), ad, nil)
	var tenants []federation.Tenant
	for _, customer := range provider.Customers {
		tenants = append(tenants, federation.Tenant{
			Name:      customer.JumpCloud.Organization,
			Federator: customer.Federator(nil),
			Plans:     []federation.Plan{customer.Plan()},
		})
	}
	tenants[1].Plans[0].Groups = nil // somebody's mistake

	summary, err := federation.FederateTenants(ctx, tenants, &federation.TenantsOptions{
		MaxFailures: 10, // then something is wrong that is nobody's alone
		OnResult: func(r federation.TenantResult) error {
			if r.Report != nil && r.Report.Changed() {
				return store(r.Report) // what Revert needs
			}
			return nil
		},
	})
	if err != nil {
		fmt.Println(summary)
	}
	// Output:
	// 3 domains: 1 refused, 2 changed
	//
	// refused  Customer 02  customer02.example  refused before any write: the plan names no group, so nobody could sign in (name at least one JumpCloud user group; it is created if it is missing)
	// changed  Customer 01  customer01.example  4 changes made
	// changed  Customer 03  customer03.example  4 changes made
}

func store(*federation.Report) error { return nil }

func ExamplePreviewTenants() {
	ctx := federationtest.Hurry(context.Background())
	provider := federationtest.NewProvider(2, nil)
	tenants := provider.Tenants(nil)
	if _, err := federation.FederateTenants(ctx, tenants[:1], nil); err != nil {
		log.Fatal(err)
	}

	summary, err := federation.PreviewTenants(ctx, tenants, nil)
	if err != nil {
		log.Fatal(err)
	}
	if err := summary.WriteMarkdown(os.Stdout); err != nil {
		log.Fatal(err)
	}
	// Output:
	// preview of 2 domains: 1 planned, 1 held.
	//
	// | | customer | domain | what came of it |
	// |---|---|---|---|
	// | planned | Customer 02 | customer02.example | 4 changes to be made |
	// | held | Customer 01 | customer01.example | nothing is to be done |
}
