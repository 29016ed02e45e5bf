package federation_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"sync"
	"time"

	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
)

// A bent is a clock that stands, and is moved by hand.
type bent struct {
	mu sync.Mutex
	at time.Time
}

func (b *bent) Now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.at
}

// Until moves it to a time.
func (b *bent) Until(at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if at.After(b.at) {
		b.at = at
	}
}

// A memory is a key store that forgets at the end of the program: yours is a vault.
type memory map[string]*certs.KeyPair

func (m memory) Save(_ context.Context, domain string, key *certs.KeyPair) error {
	m[domain] = key
	return nil
}

func (m memory) Load(_ context.Context, domain string) (*certs.KeyPair, error) {
	if key, ok := m[domain]; ok {
		return key, nil
	}
	return nil, federation.ErrNoKey
}

// exampleRotation federates a domain in memory, on a clock that can be bent, 50 days before its
// certificate ends.
func exampleRotation() (ctx context.Context, env *federationtest.Env, clock *bent, plan federation.RotatePlan) {
	ctx = federationtest.Hurry(context.Background())
	clock = &bent{at: time.Date(2026, 1, 5, 22, 0, 0, 0, time.UTC)}
	env = federationtest.New(nil)
	env.JumpCloud.Now, env.AzureAD.Now = clock.Now, clock.Now
	report, err := env.Federator(&federation.Options{Now: clock.Now}).Federate(ctx, env.Plan())
	if err != nil {
		log.Fatal(err)
	}
	fed, _ := env.AzureAD.Federation(env.Domain)
	clock.Until(fed.SigningCertificate.X509().NotAfter.AddDate(0, 0, -50))
	return ctx, env, clock, federation.RotatePlan{Plan: report.Plan, Key: federation.RotateKey{Bits: 2048}}
}

// The certificate of a domain is replaced call by call, hours apart. A program that is
// started every few minutes makes one call, stores what it returns, and ends.
func ExampleFederator_Rotate() {
	ctx, env, clock, plan := exampleRotation()
	f := env.Federator(&federation.Options{Now: clock.Now, Keys: memory{}})
	began := clock.Now()

	var stored []byte // a file
	for {
		var last *federation.Rotation
		if stored != nil {
			var err error
			if last, err = federation.ParseRotation(stored); err != nil {
				log.Fatal(err)
			}
		}
		rot, err := f.Rotate(ctx, plan, last)
		if err != nil {
			log.Fatal(err) // call again: it goes on from what it finds
		}
		if stored, err = json.Marshal(rot); err != nil {
			log.Fatal(err)
		}
		fmt.Println(clock.Now().Format("15:04"), rot.Phase)
		if rot.Done() {
			break
		}
		if rot.NotBefore.IsZero() {
			log.Fatal("a person has to act: ", rot.Next)
		}
		clock.Until(rot.NotBefore) // time.Sleep(time.Until(rot.NotBefore))
	}
	fmt.Println(env.SignIns(began, clock.Now().Add(2*time.Hour), 2*time.Hour))
	// Output:
	// 22:00 published
	// 00:01 switched
	// 02:02 swapped
	// 04:03 retired
	// 28980 sign-ins, 0 failed
}

// WaitRotation is for a program that may run for hours.
func ExampleFederator_WaitRotation() {
	ctx, env, clock, plan := exampleRotation()
	f := env.Federator(&federation.Options{Now: clock.Now, Keys: memory{}, OnEvent: func(e federation.Event) {
		switch e.Phase {
		case federation.PhaseDone:
			fmt.Println("a call at", e.Time.Format("15:04"))
		case federation.PhaseWait:
			clock.Until(clock.Now().Add(2*time.Hour + time.Minute)) // the time passes
		}
	}})

	rot, err := f.WaitRotation(ctx, plan, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(rot.Phase, rot.Done())
	// Output:
	// a call at 22:00
	// a call at 00:01
	// a call at 02:02
	// a call at 04:03
	// retired true
}

// A preview says what each call will do, at what time, and what people notice of it.
func ExampleFederator_PreviewRotation() {
	ctx, env, clock, plan := exampleRotation()
	f := env.Federator(&federation.Options{Now: clock.Now, Keys: memory{}})

	preview, err := f.PreviewRotation(ctx, plan, nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range preview.Calls {
		fmt.Printf("%d. people notice: %s\n", c.Number, c.Notice)
	}
	fmt.Println("gap:", preview.Gap, "done after", preview.Done.Sub(clock.Now()))

	fed, _ := env.AzureAD.Federation(env.Domain)
	plan.Method, plan.Replace = federation.Regenerate, fed.SigningCertificate.Fingerprint()
	plan.Consent.Gap = true
	if preview, err = f.PreviewRotation(ctx, plan, nil); err != nil {
		log.Fatal(err)
	}
	fmt.Println(preview.Method, "gap:", preview.Gap)
	// Output:
	// 1. people notice: nothing
	// 2. people notice: nothing
	// 3. people notice: nothing
	// 4. people notice: nothing
	// gap: 0s done after 6h3m0s
	// regenerate gap: 2h2m0s
}

// Several domains are rotated side by side, each with its last rotation.
func ExampleFederator_RotateAll() {
	ctx, env, clock, plan := exampleRotation()
	f := env.Federator(&federation.Options{Now: clock.Now, Keys: memory{}})
	plans := []federation.RotatePlan{plan} // and those of the other domains

	var lasts []*federation.Rotation
	for done := false; !done; {
		var err error
		if lasts, err = f.RotateAll(ctx, plans, lasts, &federation.BatchOptions{KeepGoing: true}); err != nil {
			log.Fatal(err)
		}
		done = true
		for _, rot := range lasts {
			done = done && rot.Done()
			clock.Until(rot.NotBefore)
		}
	}
	fmt.Println(lasts[0].Domain, lasts[0].Phase)
	// Output:
	// example.com retired
}

// Watch runs every day, and tells in time that a certificate ends.
func ExampleFederator_Watch() {
	ctx, env, clock, plan := exampleRotation()
	f := env.Federator(&federation.Options{Now: clock.Now, Keys: memory{}})

	for range 3 {
		w, err := f.Watch(ctx, plan.Plan)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(w.Days, "days left:", w.Level)
		clock.Until(clock.Now().AddDate(0, 0, 25))
	}
	// Output:
	// 50 days left: info
	// 25 days left: warning
	// 0 days left: alarm
}

// WatchAll watches several domains: one that cannot be read keeps none from being
// watched.
func ExampleFederator_WatchAll() {
	ctx, env, clock, plan := exampleRotation()
	f := env.Federator(&federation.Options{Now: clock.Now})

	other := env.Plan()
	other.Domain = "other.example" // which this tenant does not have
	all, err := f.WatchAll(ctx, []federation.Plan{plan.Plan, other}, nil)
	for _, w := range all {
		fmt.Println(w.Domain, w.State, w.Days, w.Level)
	}
	fmt.Println(err)
	// Output:
	// example.com federated 50 info
	// other.example unknown 0 warning
	// <nil>
}

// A rotation of a newer program is not taken for one that is understood.
func ExampleParseRotation() {
	_, err := federation.ParseRotation([]byte(`{"version": 7, "domain": "example.com", "phase": "switched"}`))
	fmt.Println(err)
	rot, err := federation.ParseRotation([]byte(`{"version": 1, "domain": "example.com", "phase": "switched"}`))
	fmt.Println(rot.Phase, rot.Done(), err)
	// Output:
	// federation: the rotation has version 7, this package reads up to 1: use a newer one
	// switched false <nil>
}
