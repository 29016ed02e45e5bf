package recording_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/federation/recording"
	"github.com/jcaad/jcaad/jumpcloud"
)

// What the services answered is written without anybody's name. Before it is handed on, who
// recorded it sees what is in it as it came.
func ExampleRecorder() {
	ctx := context.Background()
	env := federationtest.New(nil) // two live services

	rec := recording.New()
	ad := env.AzureAD.Client(&aad.Options{Wrap: rec.Transport, ReadOnly: true})
	_, err := ad.Federation(ctx, env.Domain)
	fmt.Println(errors.Is(err, aad.ErrNotFederated))

	for _, r := range rec.Remains() {
		if r.Kind == "value" || r.Kind == "host" || r.Kind == "sentence" {
			fmt.Println(r.Kind, r.Value)
		}
	}
	var file bytes.Buffer
	if _, err := rec.WriteTo(&file); err != nil {
		log.Fatal(err)
	}
	fmt.Println(bytes.Contains(file.Bytes(), []byte(env.Domain)))
	// Output:
	// true
	// host graph.microsoft.com
	// sentence Resource '*' does not exist or one of its queried reference-property objects are not present.
	// value Request_ResourceNotFound
	// value federationConfiguration
	// false
}

// A recording answers the clients as the services did, and this library judges what they
// answered. The names are other ones.
func ExampleRecording_HTTPClient() {
	ctx := context.Background()
	env := federationtest.New(nil) // two live services
	rec := recording.New()
	f := federation.New(
		env.JumpCloud.Client(&jumpcloud.Options{Wrap: rec.Transport, ReadOnly: true}),
		env.AzureAD.Client(&aad.Options{Wrap: rec.Transport, ReadOnly: true}), nil)
	if _, err := f.Overview(ctx); err != nil {
		log.Fatal(err)
	}
	var file bytes.Buffer
	if _, err := rec.WriteTo(&file); err != nil {
		log.Fatal(err)
	}

	// Somebody else, who has only the file.
	r, err := recording.Read(&file)
	if err != nil {
		log.Fatal(err)
	}
	jc, err := jumpcloud.New("any", &jumpcloud.Options{HTTPClient: r.HTTPClient()})
	if err != nil {
		log.Fatal(err)
	}
	ad, err := aad.New(env.AzureAD.Credential(), &aad.Options{HTTPClient: r.HTTPClient()})
	if err != nil {
		log.Fatal(err)
	}
	replay := federation.New(jc, ad, &federation.Options{Now: func() time.Time { return r.Exchanges[0].At }})
	domains, err := replay.Overview(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, d := range domains {
		if d.State == federation.StateManaged {
			fmt.Println(d.State, d.Domain == env.Domain)
		}
	}
	// Output:
	// managed false
}
