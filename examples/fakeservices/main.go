// Fakeservices serves stand-ins of JumpCloud and of Azure AD on loopback, for
// people who test code of their own against them, in whatever language.
//
//	go run ./fakeservices
//
// It prints where they listen and what they accept, as shell commands and as
// the flags of the example program federate, and runs until it is interrupted.
//
// The organisation has 24 people in a group "Everyone" and a Microsoft 365
// directory; the tenant has the verified, managed domain example.com, two
// administrators outside it, and the same people, but for a few who differ.
// Everything is in memory and forgotten at the end.
//
// The stand-in of JumpCloud serves the admin API under /api and /api/v2. It
// accepts the printed key in x-api-key, and gives tokens at /oauth2/token to
// any client ID and secret (HTTP basic authentication, grant_type
// client_credentials).
//
// The stand-in of Azure AD serves Microsoft Graph under /v1.0 and, beside it,
// what the login service tells everybody: /getuserrealm.srf and
// /common/userrealm/{user}. It accepts the printed bearer token, and gives
// tokens at /{tenant}/oauth2/v2.0/token to any client ID and secret.
//
// People sign in with a browser: at Azure AD's root, and at JumpCloud's login URLs
// and its portal, /userconsole/. The pages lead to each other on this machine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/jcaad/jcaad/examples/internal/standin"
	"github.com/jcaad/jcaad/federation/federationtest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

const ready = `JumpCloud   %[1]s
Azure AD    %[2]s   (Microsoft Graph under /v1.0, and the login service)

For a program of your own:

export JUMPCLOUD_API_KEY=%[3]s
export JUMPCLOUD_URL=%[1]s
export JUMPCLOUD_TOKEN_URL=%[1]s/oauth2/token
export GRAPH_URL=%[2]s
export LOGIN_URL=%[2]s
export GRAPH_TOKEN=%[4]s

For the example program, in another terminal, after these commands:

go run -C examples ./federate apply -plan federate/plan.yaml -jumpcloud-url $JUMPCLOUD_URL \
  -graph-url $GRAPH_URL -login-url $LOGIN_URL -graph-token-env GRAPH_TOKEN

To sign in with a browser: user name %[5]s, password %[6]s
and, once the domain is federated, at JumpCloud %[7]s:

%[8]s     Azure AD
%[9]s     JumpCloud's portal

Ctrl-C ends both services.
`

// run serves until ctx ends. It returns the exit code: 0, 1 if the services
// could not be started, 64 for wrong flags.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	fs := flag.NewFlagSet("fakeservices", flag.ContinueOnError)
	fs.SetOutput(stderr)
	var o federationtest.Options
	var serve standin.Options
	fs.StringVar(&serve.JumpCloudAddr, "jumpcloud-addr", "127.0.0.1:0", "`address` for JumpCloud; port 0 takes a free one")
	fs.StringVar(&serve.AzureADAddr, "azure-ad-addr", "127.0.0.1:0", "`address` for Azure AD; port 0 takes a free one")
	fs.StringVar(&o.Domain, "domain", "example.com", "the `domain` that can be federated")
	fs.IntVar(&o.Users, "users", 20, "how `many` people are in both directories")
	fs.BoolVar(&o.Lifelike, "lifelike", true, "add people who are missing or differ on one side")
	fs.BoolVar(&o.DefaultDomain, "default-domain", true, "make the domain the tenant's default domain, as most tenants have it")
	latency := fs.Duration("latency", 0, "`time` that each request takes at least")
	realmLag := fs.Duration("realm-lag", 30*time.Second, "`time` until the login service shows a change")
	quiet := fs.Bool("q", false, "do not log requests")
	switch err := fs.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 64
	case fs.NArg() > 0 || o.Users < 0:
		fmt.Fprintln(stderr, "fakeservices takes no arguments, only flags, and no negative numbers; -h tells them")
		return 64
	}
	env := federationtest.New(&o)
	env.JumpCloud.Latency, env.AzureAD.Latency = *latency, *latency
	env.AzureAD.RealmLag = *realmLag
	env.AzureAD.TokenLifetime = 30 * 24 * time.Hour
	if !*quiet {
		serve.Wrap = logger(stdout)
	}
	s, err := standin.Serve(env, serve)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	defer s.Close()
	fmt.Fprintf(stdout, ready, s.JumpCloudURL, s.AzureADURL, standin.APIKey, s.GraphToken,
		"ada.abbott@"+o.Domain, federationtest.AzureADPassword, federationtest.JumpCloudPassword, s.SignInURL(), s.PortalURL())
	<-ctx.Done()
	fmt.Fprintf(stdout, "\n%d requests, %d of them writes\n", env.Requests(), env.Writes())
	return 0
}

// logger writes a line for each request.
func logger(w io.Writer) func(string, http.Handler) http.Handler {
	var mu sync.Mutex
	return func(service string, next http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			start := time.Now()
			rec := &recorder{ResponseWriter: rw, status: http.StatusOK}
			defer func() {
				mu.Lock()
				defer mu.Unlock()
				fmt.Fprintf(w, "%s  %-9s  %d  %-6s %s  (%s)\n", start.Format("15:04:05.000"), service, rec.status, r.Method, r.URL.Path,
					time.Since(start).Round(time.Millisecond))
			}()
			next.ServeHTTP(rec, r)
		})
	}
}

// recorder keeps the status.
type recorder struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements [http.ResponseWriter].
func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

// Unwrap lets [http.ResponseController] reach the real writer.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
