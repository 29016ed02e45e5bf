package aad_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
)

func ExampleNew() {
	// A tenant on a loopback port. For a real one, take a credential of
	// azidentity and leave the URLs out.
	var tenant aadtest.Server
	tenant.AddDomain("example.com")
	hs := httptest.NewServer(&tenant)
	defer hs.Close()

	client, err := aad.New(tenant.Credential(), &aad.Options{GraphURL: hs.URL, LoginURL: hs.URL})
	if err != nil {
		log.Fatal(err)
	}
	domain, err := client.Domain(context.Background(), "example.com")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(domain.Name, domain.AuthenticationType)
	// Output: example.com Managed
}

func ExampleClient_Domains() {
	var tenant aadtest.Server
	tenant.AddDomain("example.com")
	tenant.AddDomain("new.example", aadtest.Unverified)
	client := tenant.Client(nil)

	for domain, err := range client.Domains(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: %s, verified %t, default %t\n", domain.Name, domain.AuthenticationType, domain.IsVerified, domain.IsDefault)
	}
	// Output:
	// contoso.onmicrosoft.com: Managed, verified true, default true
	// example.com: Managed, verified true, default false
	// new.example: Managed, verified false, default false
}

func ExampleClient_SetManaged() {
	// A creation that the service answered with an internal error.
	var tenant aadtest.Server
	tenant.AddDomain("example.com", aadtest.Broken)
	client := tenant.Client(nil)
	ctx := context.Background()

	domain, err := client.Domain(ctx, "example.com")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := client.Federation(ctx, "example.com"); errors.Is(err, aad.ErrNotFederated) && domain.AuthenticationType == aad.Federated {
		fmt.Println("federated, and nobody can read how")
		if err := client.SetManaged(ctx, "example.com"); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(tenant.Domain("example.com").AuthenticationType)
	// Output:
	// federated, and nobody can read how
	// Managed
}

func ExampleClient_UpdateFederation() {
	var tenant aadtest.Server
	tenant.AddDomain("example.com")
	tenant.SetFederation("example.com", aad.Federation{DisplayName: "Example", IssuerURI: "urn:uri:example.com", MFA: aad.AcceptIfMFADoneByFederatedIdP})
	client := tenant.Client(nil)
	ctx := context.Background()

	now, err := client.Federation(ctx, "example.com")
	if err != nil {
		log.Fatal(err)
	}
	mfa := aad.RejectMFAByFederatedIdP
	after, err := client.UpdateFederation(ctx, "example.com", now.ID, aad.FederationUpdate{MFA: &mfa})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(after.DisplayName, after.MFA)
	// Output: Example rejectMfaByFederatedIdp
}

func ExampleClient_Realm() {
	var tenant aadtest.Server
	tenant.AddDomain("example.com")
	client := tenant.Client(nil)

	realm, err := client.Realm(context.Background(), "alice@example.com")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(realm.DomainName, realm.NameSpaceType)
	// Output: example.com Managed
}

func ExampleClient_Permissions() {
	var tenant aadtest.Server
	client := tenant.ClientWith(tenant.Credential("Domain.ReadWrite.All"), nil)

	p, err := client.Permissions(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("missing:", p.Missing(
		[]string{"Domain.Read.All"}, // included
		[]string{"User.Read.All", "Directory.Read.All"},
	))
	// Output: missing: [User.Read.All]
}

func ExampleClient_TokenValidationPolicy() {
	var tenant aadtest.Server
	client := tenant.Client(nil)

	policy, err := client.TokenValidationPolicy(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(policy.RootDomains, policy.Validates("example.com", aad.Federated))
	// Output: all true
}

func ExampleClient_Organization() {
	tenant := aadtest.Server{TenantName: "Example Corp"}
	tenant.AddDomain("example.com")
	client := tenant.Client(nil)

	org, err := client.Organization(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(org.DisplayName, org.OnPremisesSyncEnabled)
	for _, d := range org.VerifiedDomains {
		fmt.Println(d.Name, d.AuthenticationType)
	}
	// Output:
	// Example Corp false
	// contoso.onmicrosoft.com Managed
	// example.com Managed
}

func ExampleClient_CreateUser() {
	var tenant aadtest.Server
	client := tenant.Client(nil)
	ctx := context.Background()

	user, err := client.CreateUser(ctx, aad.NewUser{
		UserPrincipalName: "federation-admin@contoso.onmicrosoft.com",
		DisplayName:       "Federation Admin",
		Password:          aad.NewSecret("correct horse battery staple"),
	})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := client.AssignRole(ctx, user.ID, aad.GlobalAdministrator); err != nil {
		log.Fatal(err)
	}
	for u, err := range client.RoleUsers(ctx, aad.GlobalAdministrator) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(u.UserPrincipalName)
	}
	// Output: federation-admin@contoso.onmicrosoft.com
}

func ExampleSecret() {
	password := aad.NewSecret("correct horse battery staple")
	fmt.Printf("%v %+v %#v %q\n", password, password, password, password)
	// Output: [redacted] [redacted] [redacted] [redacted]
}

func ExampleOptions_readOnly() {
	var tenant aadtest.Server
	tenant.AddDomain("example.com")
	client := tenant.Client(&aad.Options{ReadOnly: true})

	err := client.SetDefaultDomain(context.Background(), "example.com")
	fmt.Println(errors.Is(err, aad.ErrReadOnly), tenant.Writes())
	// Output: true 0
}

// A test of a program's own code: the creation of a domain takes effect, and its answer is lost.
func Example_lostAnswer() {
	var tenant aadtest.Server
	tenant.AddDomain("example.com")
	tenant.Fault = func(r *http.Request) aadtest.Fault {
		if r.Method == http.MethodPost {
			return aadtest.Fault{Kind: aadtest.DropAfter}
		}
		return aadtest.Fault{}
	}
	client := tenant.Client(nil)

	_, err := client.CreateDomain(context.Background(), "new.example")
	fmt.Println("outcome unknown:", errors.Is(err, aad.ErrOutcomeUnknown))
	fmt.Println("created:", tenant.Domain("new.example").Name)
	for _, r := range tenant.Requests() {
		fmt.Println(r.Pattern, r.Fault)
	}
	// Output:
	// outcome unknown: true
	// created: new.example
	// POST /v1.0/domains DropAfter
}

// forwarded hands each attempt to a proxy that wants a header of its own.
type forwarded struct{ next http.RoundTripper }

func (f forwarded) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context()) // a transport leaves its request alone
	req.Header.Set("X-Team", "identity")
	return f.next.RoundTrip(req)
}

func ExampleOptions_wrap() {
	var tenant aadtest.Server
	tenant.AddDomain("example.com")
	tenant.Fault = func(r *http.Request) aadtest.Fault {
		fmt.Println(r.URL.Path, r.Header.Get("X-Team"))
		return aadtest.Fault{}
	}
	client := tenant.Client(&aad.Options{Wrap: func(next http.RoundTripper) http.RoundTripper { return forwarded{next} }})

	if _, err := client.Domain(context.Background(), "example.com"); err != nil {
		log.Fatal(err)
	}
	// Output: /v1.0/domains/example.com identity
}

// The configuration that the credential was made with names the cloud as well.
func ExampleCloudOf() {
	for _, c := range []cloud.Configuration{cloud.AzureChina, cloud.AzureGovernment} {
		found, err := aad.CloudOf(c)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(found, found.GraphURL())
	}
	// Output:
	// China https://microsoftgraph.chinacloudapi.cn
	// aad: the cloud's configuration has the login service "login.microsoftonline.us", which is of USGovL4 and USGovL5, and does not tell which: choose USGovL4 (GCC High) or USGovL5 (DoD)
}
