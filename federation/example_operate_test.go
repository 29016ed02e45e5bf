package federation_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
)

// A program that works for days asks of each error whether to come back by itself.
func ExampleClass() {
	for _, err := range []error{
		nil,
		&jumpcloud.Error{Op: "GET /api/applications", StatusCode: 429, RetryAfter: time.Minute},
		&aad.Error{Op: "GET domains", StatusCode: 403, Permission: "Domain.Read.All"},
		errors.Join(federation.ErrNotConverged),
	} {
		fmt.Printf("%q after %v\n", federation.Class(err), federation.RetryAfter(err))
	}
	// Output:
	// "" after 0s
	// "temporary" after 1m0s
	// "people" after 0s
	// "unsettled" after 0s
}

// One look of many, of a program that may be another one at the next look.
func ExampleFederator_VerifyAgain() {
	ctx := federationtest.Hurry(context.Background())
	env := federationtest.New(nil)
	env.AzureAD.RealmLag = time.Hour
	f := env.Federator(nil)
	if _, err := f.Federate(ctx, env.Plan()); err != nil {
		fmt.Println(err)
		return
	}
	v, err := f.VerifyAgain(ctx, env.Plan(), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	env.ResetLog()
	if v, err = f.VerifyAgain(ctx, env.Plan(), v); err != nil { // after v.AskAgain
		fmt.Println(err)
		return
	}
	fmt.Println("effective:", v.Effective(), "- ask again:", v.AskAgain > 0, "- requests:", env.Requests())
	// Output:
	// effective: false - ask again: true - requests: 1
}
