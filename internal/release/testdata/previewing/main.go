// Command previewing tells what Federate would do, and prints it. It is built to be weighed, not to be run.
package main

import (
	"context"
	"fmt"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/jumpcloud"
)

func main() {
	jc, err := jumpcloud.New("key", nil)
	if err != nil {
		panic(err)
	}
	ad, err := aad.New(nil, nil)
	if err != nil {
		panic(err)
	}
	result, err := federation.New(jc, ad, nil).Preview(context.Background(), federation.Plan{Domain: "example.com"})
	fmt.Println(result, err)
}
