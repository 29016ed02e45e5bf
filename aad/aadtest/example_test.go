package aadtest_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
)

func ExampleServer() {
	var tenant aadtest.Server
	tenant.AddDomain("example.com")
	tenant.AddDomain("other.example")
	tenant.SetFederation("other.example", aad.Federation{DisplayName: "AD FS", IssuerURI: "http://adfs.other.example/trust"})
	client := tenant.Client(nil)

	for _, name := range []string{"example.com", "other.example", "nowhere.example"} {
		switch f, err := client.Federation(context.Background(), name); {
		case errors.Is(err, aad.ErrNotFederated):
			fmt.Println(name, "is not federated")
		case errors.Is(err, aad.ErrNotFound):
			fmt.Println(name, "does not exist")
		case err != nil:
			log.Fatal(err)
		default:
			fmt.Println(name, "is federated with", f.DisplayName)
		}
	}
	fmt.Println(len(tenant.Requests()), "requests,", tenant.Writes(), "writes")
	// Output:
	// example.com is not federated
	// other.example is federated with AD FS
	// nowhere.example does not exist
	// 4 requests, 0 writes
}

func ExampleServer_GenerateUsers() {
	var tenant aadtest.Server
	tenant.AddDomain("example.com")
	tenant.GenerateUsers(10_000, func(i int) aad.User {
		return aad.User{UserPrincipalName: fmt.Sprintf("user%05d@example.com", i)}
	})
	n, err := tenant.Client(nil).UserCount(context.Background(), &aad.UsersOptions{Prefix: "user012"})
	fmt.Println(n, err)
	// Output: 100 <nil>
}

func ExampleServer_History() {
	var tenant aadtest.Server
	tenant.AddDomain("example.com")
	tenant.SetFederation("example.com", aad.Federation{IssuerURI: "urn:uri:example.com"})
	if err := tenant.Client(nil).SetManaged(context.Background(), "example.com"); err != nil {
		log.Fatal(err)
	}
	for _, state := range tenant.History() {
		fmt.Println(state.Domain, state.Before.AuthenticationType, "->", state.AuthenticationType)
	}
	// Output:
	// example.com Managed -> Federated
	// example.com Federated -> Managed
}

// Whose token a client has is up to the test.
func ExampleServer_SignIn() {
	var tenant aadtest.Server
	tenant.AddDomain("example.com")
	dana := tenant.AddUser(aad.User{UserPrincipalName: "dana@example.com"})
	client := tenant.ClientWith(tenant.SignIn("dana@example.com", "Domain.Read.All"), nil)

	who, err := client.Permissions(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(who.UserPrincipalName, who.ObjectID == dana, who.AppOnly, who.Granted)
	err = client.SetManaged(context.Background(), "example.com")
	fmt.Println(errors.Is(err, aad.ErrDenied))
	// Output:
	// dana@example.com true false [Domain.Read.All]
	// true
}

// The dates that the tenant tells are those of the test's clock.
func ExampleServer_now() {
	tenant := aadtest.Server{Now: func() time.Time { return time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC) }}
	tenant.AddDomain("example.com")
	tenant.AddUser(aad.User{UserPrincipalName: "dana@example.com"})
	dana, err := tenant.Client(nil).User(context.Background(), "dana@example.com")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(dana.Created)
	// Output: 2030-01-02 03:04:05 +0000 UTC
}
