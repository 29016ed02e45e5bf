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
	report, err := federation.New(jc, ad, nil).Federate(context.Background(), federation.Plan{Domain: "example.com"})
	fmt.Println(report, err)
}
