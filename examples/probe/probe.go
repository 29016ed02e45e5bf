package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/examples/internal/cli"
	"github.com/jcaad/jcaad/examples/internal/standin"
	"github.com/jcaad/jcaad/federation/assumptions"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/federation/recording"
	"github.com/jcaad/jcaad/jumpcloud"
)

// probe is the program at work.
type probe struct {
	*settings
	stdin    io.Reader
	out, err io.Writer

	watch    assumptions.Watch
	recorder *recording.Recorder // nil: nothing is kept
	jc       *jumpcloud.Client
	ad       *aad.Client
	standIns *standin.Services // nil: live services
}

// connect makes the clients, of stand-ins or of live services; they cannot write. stop
// ends the stand-ins.
func (p *probe) connect() (stop func(), err error) {
	stop = func() {}
	if !p.live {
		if err := p.serve(); err != nil {
			return stop, err
		}
		stop = func() { p.standIns.Close() }
	}
	opts := cli.ClientOptions{ReadOnly: true, WrapJumpCloud: p.watch.JumpCloud, WrapAzureAD: p.watch.AzureAD}
	if p.save != "" {
		p.recorder = recording.New()
		through := func(outer func(http.RoundTripper) http.RoundTripper) func(http.RoundTripper) http.RoundTripper {
			return func(next http.RoundTripper) http.RoundTripper { return outer(p.recorder.Transport(next)) }
		}
		opts.WrapJumpCloud, opts.WrapAzureAD = through(p.watch.JumpCloud), through(p.watch.AzureAD)
	}
	if p.verbose {
		opts.Logger = slog.New(slog.NewTextHandler(p.err, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	p.jc, p.ad, err = p.services.Clients(opts)
	if err != nil {
		stop()
		return func() {}, err
	}
	return stop, nil
}

// already is the domain of the stand-ins that is federated.
const already = "example.net"

// serve serves stand-ins on this machine, turned as the flags say, and points the
// services at them.
func (p *probe) serve() error {
	env := federationtest.New(&federationtest.Options{Lifelike: true})
	env.AzureAD.PageSize = 10 // so that lists have more than one
	if p.domain == "" {
		p.domain = env.Domain
	}
	if !p.fresh {
		env.AddFederated(already)
		person := federationtest.Person{UserName: "ada.abbott@" + env.Domain}
		if _, err := env.Browser().SignIn(context.Background(), person); err != nil {
			return err
		}
	}
	for _, one := range p.differ {
		id, knob, _ := strings.Cut(one, "/")
		if err := env.Turn(id, knob); err != nil {
			return fmt.Errorf("-differ %s: there is no such assumption that can be read, or it has no such knob; probe -list tells them", one)
		}
	}
	env.ResetLog()
	s, err := standin.Serve(env, standin.Options{})
	if err != nil {
		return err
	}
	p.standIns = s
	p.services = cli.Services{
		JumpCloudURL: s.JumpCloudURL, GraphURL: s.AzureADURL, LoginURL: s.AzureADURL, GraphTokenEnv: "GRAPH_TOKEN",
		Getenv: func(name string) string {
			return map[string]string{"JUMPCLOUD_API_KEY": standin.APIKey, "GRAPH_TOKEN": s.GraphToken}[name]
		},
	}
	return nil
}
