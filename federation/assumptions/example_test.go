package assumptions_test

import (
	"context"
	"fmt"
	"log"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation/assumptions"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
)

func ExampleLook() {
	// Stand-ins, whose template has another name and whose empty federation is a list.
	env := federationtest.New(nil)
	env.JumpCloud.RemoveTemplate("office365")
	env.AzureAD.Quirks.EmptyList = true

	var watch assumptions.Watch
	jc := env.JumpCloud.Client(&jumpcloud.Options{ReadOnly: true, Wrap: watch.JumpCloud}) // jumpcloud.New(key, …)
	ad := env.AzureAD.Client(&aad.Options{ReadOnly: true, Wrap: watch.AzureAD})           // aad.New(credential, …)
	found, err := assumptions.Look(context.Background(), &watch, jc, ad, "example.com")
	if err != nil {
		log.Fatal(err)
	}
	for _, a := range found.Answers {
		if a.Result == assumptions.Differs {
			fmt.Printf("%s: %s\n  %s\n", a.ID, a.Seen, a.Means())
		}
	}
	fmt.Println(found.Advice())
	// Output:
	// jc-template-name: there is no template of this name
	//   set federation.Application.Template; otherwise Federate finds nothing to make the application of, and stops before its first write
	// aad-managed-404: contoso.onmicrosoft.com was answered with 200
	//   safe to go on; this is borne: an empty list
	// set this option
}
