// Signin says what Azure AD makes of a sign-in to a federated domain: whether the
// answer of the identity provider is accepted, and if not, what is wrong with it, on
// which side, and what to do.
//
// Without an argument it needs nothing: it shows three sign-ins that fail and one that
// succeeds, between stand-ins of JumpCloud and Azure AD in memory:
//
//	go run ./signin
//
// With one it reads what was captured: the HAR of the browser's developer tools, the
// form data of the POST to login.srf, an export of SAML-tracer, the page that posts, or
// the XML. And it says against what that is judged: a tenant that was written down, the
// live one, or what the plan of a federation wants:
//
//	go build -o bin/signin ./signin
//	bin/signin -tenant tenant.json signin.har
//	bin/signin -live signin.har
//	bin/signin -live -plan plan.yaml signin.har
//	bin/signin -plan plan.yaml -certificate jumpcloud.pem signin.har
//	pbpaste | bin/signin -
//
// Out of a page, a log or JSON that holds no answer it explains the codes, AADSTS and
// their number.
//
// A tenant is written down like this, with what Graph gives of federation, policy and
// users; what is left out is not known:
//
//	{"cloud": "Public",
//	 "domains": [{"name": "example.com", "root": "example.com",
//	              "federation": {"issuerUri": "urn:uri:example.com", "preferredAuthenticationProtocol": "saml",
//	                             "federatedIdpMfaBehavior": "acceptIfMfaDoneByFederatedIdp", "signingCertificate": "MII…"}}],
//	 "policy": {"validatingDomains": {"rootDomains": "all"}},
//	 "users": [{"userPrincipalName": "ada.abbott@example.com", "onPremisesImmutableId": "…"}],
//	 "mfa": "cannot say"}
//
// The exit code is
//
//	0    accepted; or there was nothing to judge, and codes were explained
//	1    Azure AD could not be asked
//	3    refused
//	4    nobody can say: it is told what is missing
//	64   wrong flags, a file that is missing or wrong, or nothing to judge or explain in it
//	130  interrupted
//
// "go run" turns each of them but 0 into 1: build the program where they matter.
//
// A captured answer is a credential as long as it is valid, and names a person: keep it
// where nobody else reads. The program prints of it the values that decide, and never
// the whole. It sends nothing anywhere: with -live it reads from Microsoft Graph, and
// asks for one user by the immutable ID in the message.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/jcaad/jcaad/examples/internal/cli"
)

// Exit codes, as those of federate.
const (
	exitDone        = 0
	exitFailed      = 1
	exitRefused     = 3
	exitCannotSay   = 4
	exitUsage       = 64
	exitInterrupted = 130
)

const usage = `Signin says what Azure AD makes of a sign-in to a federated domain, and why.

  signin                         show it on stand-ins; needs nothing
  signin FILE                    what can be said without knowing the tenant
  signin -tenant TENANT FILE     judge it by a tenant that was written down, in JSON
  signin -live FILE              judge it by the live tenant            reads
  signin -plan PLAN FILE         judge it by what a federation's plan wants, and by
                                 JumpCloud's certificate with -certificate CERT;
                                 with -live, tell also where the two differ

FILE is what was captured: a HAR, the form data of the POST to login.srf, an export
of SAML-tracer, the page that posts, or XML; or text with codes (AADSTS50107), which
are explained. - is standard input.

Exit codes: 0 accepted, or explained   1 Azure AD could not be asked   3 refused
  4 cannot say   64 wrong usage, or nothing found   130 interrupted
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the program. It returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	s, err := parse(args, stdout)
	errs := cli.NewPage(stderr, os.Getenv)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitDone
	case err != nil:
		fmt.Fprintln(errs, err)
		return exitUsage
	case s.file == "":
		return demonstrate(ctx, cli.NewPage(stdout, os.Getenv), errs)
	}
	r, err := s.judge(ctx, stdin, stderr)
	var live *liveError
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(errs, "interrupted")
		return exitInterrupted
	case errors.As(err, &live):
		s.services.Explain(errs, live.err)
		return exitFailed
	case err != nil:
		fmt.Fprintln(errs, err)
		return exitUsage
	}
	if err := r.write(stdout, s.form); err != nil {
		fmt.Fprintln(errs, err)
		return exitFailed
	}
	return r.code()
}
