package federation_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
)

// A page for the change ticket, before the change.
func ExampleEvidence_WriteMarkdown() {
	ctx := federationtest.Hurry(context.Background())
	env := federationtest.New(nil)
	plan := env.Plan()
	changes, err := env.Federator(nil).Preview(ctx, plan)
	if err != nil {
		log.Fatal(err)
	}
	who, err := env.AzureAD.Client(nil).Permissions(ctx)
	if err != nil {
		log.Fatal(err)
	}

	var page strings.Builder
	evidence := federation.Evidence{Plan: plan, Changes: changes, AzureAD: who, JumpCloud: "service account federation", Reason: "CHG-1234"}
	if err := evidence.WriteMarkdown(&page); err != nil {
		log.Fatal(err)
	}
	for line := range strings.Lines(page.String()) {
		if strings.HasPrefix(line, "#") && strings.Contains(line, " ") && !strings.Contains(line, "JumpCloud") {
			fmt.Print(line)
			if strings.HasPrefix(line, "## The same") {
				break
			}
		}
	}
	// Output:
	// # Sign-in of example.com: planned change
	// ## What will change
	// ## Audit events to expect
	// ## Roll-back
	// ## The same in Microsoft Graph PowerShell
}

// What was done, as an auditor reads it.
func ExampleEvidence_WritePowerShell() {
	ctx := federationtest.Hurry(context.Background())
	env := federationtest.New(nil)
	f := env.Federator(nil)
	if _, err := f.Federate(ctx, env.Plan()); err != nil {
		log.Fatal(err)
	}
	plan := env.Plan()
	plan.MFA = aad.EnforceMFAByFederatedIdP
	report, err := f.Federate(ctx, plan)
	if err != nil {
		log.Fatal(err)
	}

	if err := (federation.Evidence{Report: report}).WritePowerShell(os.Stdout); err != nil {
		log.Fatal(err)
	}
	// Output:
	// # Sign-in of example.com
	// Connect-MgGraph -Scopes 'Domain-InternalFederation.ReadWrite.All'
	//
	// $federation = @{
	//     '@odata.type' = '#microsoft.graph.internalDomainFederation'
	//     'federatedIdpMfaBehavior' = 'enforceMfaByFederatedIdp'
	// }
	// Update-MgDomainFederationConfiguration -DomainId 'example.com' -InternalDomainFederationId (Get-MgDomainFederationConfiguration -DomainId 'example.com').Id -BodyParameter $federation
	//
	// # read back
	// Get-MgDomain -DomainId 'example.com' | Select-Object Id, AuthenticationType, IsDefault
	// Get-MgDomainFederationConfiguration -DomainId 'example.com'
	//
	// # the way back, if it is needed
	// $federation = @{
	//     '@odata.type' = '#microsoft.graph.internalDomainFederation'
	//     'federatedIdpMfaBehavior' = 'acceptIfMfaDoneByFederatedIdp'
	// }
	// Update-MgDomainFederationConfiguration -DomainId 'example.com' -InternalDomainFederationId (Get-MgDomainFederationConfiguration -DomainId 'example.com').Id -BodyParameter $federation
}
