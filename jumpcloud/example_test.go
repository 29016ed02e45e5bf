package jumpcloud_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"

	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

func ExampleNew() {
	client, err := jumpcloud.New(os.Getenv("JUMPCLOUD_API_KEY"), &jumpcloud.Options{Region: jumpcloud.EU})
	if err != nil {
		fmt.Println(err) // nothing was asked yet: only what is here can be wrong
		return
	}
	fmt.Println(client)
	// Output: jumpcloud: empty API key
}

func ExampleNewServiceAccount() {
	client, err := jumpcloud.NewServiceAccount("client-id", "client-secret", nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client)
	// Output: jumpcloud.Client(https://console.jumpcloud.com)
}

func ExampleClient_Users() {
	var org jumpcloudtest.Server // in place of the real one
	org.AddUser(jumpcloud.User{Username: "dana", Email: "dana@example.com"})
	org.AddUser(jumpcloud.User{Username: "kim", Email: "kim@other.example"})
	org.AddUser(jumpcloud.User{Username: "lee", Email: "lee@example.com", State: jumpcloud.Suspended})
	client := org.Client(nil)

	users := client.Users(context.Background(), &jumpcloud.UsersOptions{
		Filter: []string{jumpcloud.Ne("state", jumpcloud.Suspended)},
		Fields: []string{"email"},
	})
	for u, err := range users {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(u.Email)
	}
	// Output:
	// dana@example.com
	// kim@other.example
}

func ExampleClient_CreateApplication() {
	ctx := context.Background()
	var org jumpcloudtest.Server
	staff := org.AddGroup("Staff")
	client := org.Client(nil)

	template, err := client.Template(ctx, jumpcloud.Office365Template)
	if err != nil {
		log.Fatal(err)
	}
	app, err := client.CreateApplication(ctx, jumpcloud.NewApplication{
		Template:    template,
		Label:       "Microsoft 365",
		SSOURL:      "https://sso.jumpcloud.com/saml2/example-com",
		IdPEntityID: "urn:uri:example.com",
		Active:      true,
	})
	if err != nil {
		log.Fatal(err) // if it is ErrOutcomeUnknown, look before repeating it
	}
	err = client.Associate(ctx,
		jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: app.ID},
		jumpcloud.Object{Type: jumpcloud.GroupObject, ID: staff})
	if err != nil {
		log.Fatal(err)
	}
	metadata, err := client.Metadata(ctx, app.OrganizationID, app.ID)
	if err != nil {
		log.Fatal(err)
	}
	cert, err := app.Certificate()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(metadata.EntityID, metadata.SSO[0].Location)
	fmt.Println("one certificate:", metadata.SigningCerts[0] == cert)
	// Output:
	// urn:uri:example.com https://sso.jumpcloud.com/saml2/example-com
	// one certificate: true
}

func ExampleClient_ModifyApplication() {
	ctx := context.Background()
	var org jumpcloudtest.Server
	id := org.AddApplication("office365", "Office", "urn:uri:example.com", "https://sso.jumpcloud.com/saml2/example-com")
	before, _ := org.Application(id)
	client := org.Client(nil)

	_, err := client.ModifyApplication(ctx, id, func(a *jumpcloud.Application) error {
		a.DisplayLabel = "Microsoft 365"
		return a.SetSetting("signResponse", true)
	})
	if err != nil {
		log.Fatal(err)
	}
	after, _ := org.Application(id)
	fmt.Println(after.Label)
	fmt.Println("certificate kept:", after.Certificate == before.Certificate)

	_, err = client.ModifyApplication(ctx, id, func(a *jumpcloud.Application) error {
		return a.SetSetting("idpCertificate", "") // would lock everybody out
	})
	fmt.Println(errors.Is(err, jumpcloud.ErrCertificate))
	// Output:
	// Microsoft 365
	// certificate kept: true
	// true
}

func ExampleClient_Directories() {
	var org jumpcloudtest.Server
	dir := org.AddDirectory("Microsoft 365")
	org.SetOAuth(dir, jumpcloud.OAuthStatus{Error: "invalid_grant", Message: "AADSTS700082: the refresh token has expired"})
	client := org.Client(nil)

	for d, err := range client.Directories(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		if d.Type == jumpcloud.DirectoryObject && !d.Healthy() {
			fmt.Printf("%s: consent again in the console: %s\n", d.Name, d.OAuth.Message)
		}
	}
	// Output: Microsoft 365: consent again in the console: AADSTS700082: the refresh token has expired
}

func ExampleClient_Office365Users() {
	var org jumpcloudtest.Server
	dir := org.AddDirectory("Microsoft 365")
	dana := org.AddUser(jumpcloud.User{Username: "dana", Email: "dana@example.com"})
	kim := org.AddUser(jumpcloud.User{Username: "kim", Email: "kim@example.com"})
	org.BindUser(dir, dana, "3f1c9b5e-0000-0000-0000-000000000001")
	org.BindUser(dir, kim, "")
	client := org.Client(nil)

	for u, err := range client.Office365Users(context.Background(), dir) {
		if err != nil {
			log.Fatal(err)
		}
		if u.ExternalID == "" {
			fmt.Println("not synchronised yet:", u.UserID == kim)
		}
	}
	// Output: not synchronised yet: true
}

func ExampleError() {
	org := jumpcloudtest.Server{Scopes: []string{"applications"}}
	client := org.Client(nil)

	_, err := client.CreateGroup(context.Background(), jumpcloud.Group{Name: "Staff"})
	var e *jumpcloud.Error
	switch {
	case errors.Is(err, jumpcloud.ErrOutcomeUnknown):
		fmt.Println("look whether it is there")
	case errors.Is(err, jumpcloud.ErrDenied) && errors.As(err, &e):
		fmt.Println("status", e.StatusCode, "scope", e.Scope)
	}
	// Output: status 403 scope groups
}

// A test of your own code: let an answer be lost, and see what it does.
func Example_testing() {
	ctx := context.Background()
	lost := false
	org := jumpcloudtest.Server{Fault: func(r *http.Request) jumpcloudtest.Fault {
		if r.Method == http.MethodPost && !lost {
			lost = true
			return jumpcloudtest.Fault{Kind: jumpcloudtest.DropAfter}
		}
		return jumpcloudtest.Fault{}
	}}
	client := org.Client(nil)

	_, err := client.CreateGroup(ctx, jumpcloud.Group{Name: "Staff"})
	fmt.Println("outcome unknown:", errors.Is(err, jumpcloud.ErrOutcomeUnknown))
	for g, err := range client.Groups(ctx, "Staff") {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("it is there:", g.Name)
	}
	fmt.Println("requests that wrote:", org.Writes())
	// Output:
	// outcome unknown: true
	// it is there: Staff
	// requests that wrote: 1
}

// tracing tells of each attempt. It keeps header and query to itself: they hold
// the API key and addresses of people.
type tracing struct{ next http.RoundTripper }

func (t tracing) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		fmt.Println(req.Method, req.URL.Path, "failed")
		return nil, err // as it came: it tells whether anything was sent
	}
	fmt.Println(req.Method, req.URL.Path, resp.StatusCode)
	return resp, nil
}

// Each attempt is traced, as OpenTelemetry's otelhttp.NewTransport would do it.
func ExampleOptions_wrap() {
	busy := true
	org := jumpcloudtest.Server{Fault: func(*http.Request) jumpcloudtest.Fault {
		defer func() { busy = false }()
		if busy {
			return jumpcloudtest.Fault{Kind: jumpcloudtest.Error500Before}
		}
		return jumpcloudtest.Fault{}
	}}
	org.AddGroup("Staff")
	client := org.Client(&jumpcloud.Options{Wrap: func(next http.RoundTripper) http.RoundTripper { return tracing{next} }})

	for g, err := range client.Groups(context.Background(), "Staff") {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(g.Name)
	}
	// Output:
	// GET /api/v2/usergroups 500
	// GET /api/v2/usergroups 200
	// Staff
}
