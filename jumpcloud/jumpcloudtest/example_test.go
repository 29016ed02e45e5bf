package jumpcloudtest_test

import (
	"context"
	"fmt"
	"log"
	"net/http/httptest"
	"time"

	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

func ExampleServer() {
	var org jumpcloudtest.Server
	dana := org.AddUser(jumpcloud.User{Username: "dana", Email: "dana@example.com"})
	staff := org.AddGroup("Staff")

	// What is to be tested gets org.Client(nil), and does its work.
	if err := org.Client(nil).AddGroupMember(context.Background(), staff, dana); err != nil {
		log.Fatal(err)
	}

	for _, g := range org.Groups() {
		fmt.Println(g.Name, len(g.Members))
	}
	for _, r := range org.Requests() {
		fmt.Println(r.Pattern, r.Status)
	}
	// Output:
	// Staff 1
	// POST /api/v2/usergroups/{id}/members 204
}

// Over the network, for code that makes a client of its own.
func ExampleServer_ServeHTTP() {
	org := jumpcloudtest.Server{APIKey: "the key", Organization: "Contoso"}
	srv := httptest.NewServer(&org)
	defer srv.Close()

	client, err := jumpcloud.New("the key", &jumpcloud.Options{BaseURL: srv.URL})
	if err != nil {
		log.Fatal(err)
	}
	for o, err := range client.Organizations(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(o.DisplayName)
	}
	// Output: Contoso
}

// The dates that the organisation tells are those of the test's clock.
func ExampleServer_now() {
	org := jumpcloudtest.Server{Now: func() time.Time { return time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC) }}
	dana := org.AddUser(jumpcloud.User{Username: "dana", Email: "dana@example.com"})
	u, err := org.Client(nil).User(context.Background(), dana)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(u.Created)
	// Output: 2030-01-02 03:04:05 +0000 UTC
}
