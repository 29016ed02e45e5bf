package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/jcaad/jcaad/examples/bench/internal/crowd"
	"github.com/jcaad/jcaad/examples/bench/internal/services"
	"github.com/jcaad/jcaad/federation/federationtest"
)

// settings are those of the services.
type settings struct {
	People           int // 0: nobody but those of the stand-ins
	All              bool
	Latency          time.Duration
	JumpCloud, Graph *services.Limit
}

// address is how the services are reached.
type address struct {
	JumpCloudURL, GraphURL, Token string
	Directory, Group              string
}

// counts are the requests that came, and how many of them one after the other.
type counts struct{ Requests, Refused, Trips int64 }

// serve serves both services until the standard input ends. It prints how they are
// reached, and what came so far after each byte that it reads.
func serve(config string) error {
	var s settings
	if err := json.Unmarshal([]byte(config), &s); err != nil {
		return err
	}
	env := federationtest.New(&federationtest.Options{Users: 1})
	w := &services.World{Env: env, Latency: s.Latency, JumpCloud: s.JumpCloud, Graph: s.Graph}
	if s.People > 0 {
		w.Crowd = crowd.New(s.People, s.All)
	}
	scope := policy.TokenRequestOptions{Scopes: []string{"https://graph.microsoft.com/.default"}}
	token, err := env.AzureAD.Credential().GetToken(context.Background(), scope)
	if err != nil {
		return err
	}
	a := address{Token: token.Token, Directory: env.Directory, Group: env.JumpCloud.Groups()[0].ID}
	if a.JumpCloudURL, err = listen(w.ServeJumpCloud()); err != nil {
		return err
	}
	if a.GraphURL, err = listen(w.ServeGraph()); err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(a); err != nil {
		return err
	}
	var b [1]byte
	for {
		if _, err := os.Stdin.Read(b[:]); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		var c counts
		c.Requests, c.Refused, c.Trips = w.Stats()
		if err := out.Encode(c); err != nil {
			return err
		}
	}
}

// listen serves on a port of this machine, and returns the address.
func listen(h http.Handler) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() {
		if err := http.Serve(l, h); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}()
	return "http://" + l.Addr().String(), nil
}
