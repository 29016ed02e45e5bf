package federation_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"time"

	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
)

// A program stores the report before each write. When it dies in the middle, what it
// has stored last is good enough to undo everything.
func ExampleOptions_onReport() {
	ctx, die := context.WithCancel(federationtest.Hurry(context.Background()))
	env := federationtest.New(nil)
	var stored []byte
	f := env.Federator(&federation.Options{OnReport: func(_ context.Context, r *federation.Report) (err error) {
		stored, err = json.Marshal(r)
		if r.Count(federation.Made, federation.Done) == 3 {
			die()
		}
		return err
	}})
	_, err := f.Federate(ctx, env.Plan())
	fmt.Println("died:", err != nil, "applications:", len(env.JumpCloud.Applications()))

	// In another process:
	report, err := federation.ParseReport(stored)
	if err != nil {
		log.Fatal(err)
	}
	_, err = env.Federator(nil).RevertAll(federationtest.Hurry(context.Background()), report)
	fmt.Println("undone:", err == nil, "applications:", len(env.JumpCloud.Applications()))
	// Output:
	// died: true applications: 1
	// undone: true applications: 0
}

// The reports of a domain are undone together, the newest first.
func ExampleFederator_RevertAll() {
	ctx := federationtest.Hurry(context.Background())
	env := federationtest.New(nil)
	f := env.Federator(nil)
	first, err := f.Federate(ctx, env.Plan())
	if err != nil {
		log.Fatal(err)
	}
	plan := env.Plan()
	plan.Directory.Rules = []string{"user_department"}
	second, err := f.Federate(ctx, plan)
	if err != nil {
		log.Fatal(err)
	}

	undone, err := f.RevertAll(ctx, first, second)
	for _, r := range undone {
		fmt.Println(r.Steps[0].Change.Resource, r.Count(federation.Done))
	}
	fmt.Println(err)
	// Output:
	// jumpcloud/directory-rule 1
	// azure-ad/federation 4
	// <nil>
}

// A service has one Federator for a customer, and a view of it for each call.
func ExampleFederator_With() {
	ctx := federationtest.Hurry(context.Background())
	env := federationtest.New(nil)
	f := env.Federator(nil)

	writes := 0
	call := f.With(federation.Options{OnEvent: func(e federation.Event) {
		if e.Phase == federation.PhaseApply && e.Moment() == federation.MomentEnd {
			writes++
		}
	}})
	_, err := call.Federate(ctx, env.Plan())
	fmt.Println(writes, err)
	// Output:
	// 4 <nil>
}

// What will be wrong in five years is seen today: the clock decides all dates.
func ExampleOptions_now() {
	ctx := federationtest.Hurry(context.Background())
	env := federationtest.New(nil)
	if _, err := env.Federator(nil).Federate(ctx, env.Plan()); err != nil {
		log.Fatal(err)
	}

	later := env.Federator(&federation.Options{Now: func() time.Time { return time.Now().AddDate(5, 1, 0) }})
	v, err := later.Verify(ctx, env.Plan())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(v.Wrong(), v.AzureADExpires.Before(time.Now().AddDate(5, 1, 0)))
	// Output:
	// true true
}
