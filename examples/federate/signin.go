package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/jcaad/jcaad/federation/federationtest"
)

// walk signs a person in on the stand-ins, over HTTP, as a browser does.
func (j *job) walk(ctx context.Context) (*federationtest.Walk, error) {
	return j.served.Browser().SignIn(ctx, federationtest.Person{UserName: "ada.abbott@" + j.plan.Domain})
}

// signIn shows how a person signs in now, and how it was before.
func (j *job) signIn(ctx context.Context, before *federationtest.Walk) int {
	after, err := j.walk(ctx)
	if err != nil {
		return j.failed(ctx, err, nil)
	}
	j.head("A person signs in: page by page, over HTTP")
	fmt.Fprintln(j.out, "  Before, with a password of Azure AD:")
	j.story(before)
	fmt.Fprintln(j.out, "\n  Now, with a password of JumpCloud:")
	j.story(after)
	if after.SignedIn == "" || !after.Through() {
		fmt.Fprintln(j.err, "nobody was signed in through JumpCloud")
		return exitFailed
	}
	logged, events := j.served.AzureAD.SignIns(), j.served.JumpCloud.Events()
	if len(logged) == 0 || len(events) == 0 {
		fmt.Fprintln(j.err, "the services do not tell of the sign-in")
		return exitFailed
	}
	last, event := logged[len(logged)-1], events[len(events)-1]
	fmt.Fprintf(j.out, "\n  JumpCloud's event names %s, whom it sent as %s.\n", event.Username, event.NameID)
	fmt.Fprintf(j.out, "  Azure AD's sign-in log has %s, error code %d, by %s.\n", last.UserPrincipalName, last.ErrorCode, last.Protocol)
	return exitDone
}

func (j *job) story(w *federationtest.Walk) {
	for line := range strings.Lines("\n" + w.String()) {
		fmt.Fprint(j.out, strings.TrimRight("  "+line, " \n")+"\n")
	}
}

const inYourBrowser = `  Open         %[1]s
  User name    ada.abbott@%[2]s
  JumpCloud    takes the same name, and the password %[3]s

  Azure AD asks for the name only, and sends you to JumpCloud. Log in there, and press each button that
  asks to go on: you come back signed in.

  Others to try, each in a new private window:

  uma.underhill@%[2]s has no account in JumpCloud, and is the one whom the plan lets be locked out
  %[5]s stays with Azure AD, and the password %[4]s: this one gets in if JumpCloud is down

  From the other side, JumpCloud's portal shows what a person may open:

  %[6]s

  Both services end, and forget everything, with Ctrl-C.
`

// keepServing lets the stand-ins listen until ctx ends.
func (j *job) keepServing(ctx context.Context) int {
	j.head("In your browser")
	fmt.Fprintf(j.out, inYourBrowser, j.served.SignInURL(), j.plan.Domain, federationtest.JumpCloudPassword,
		federationtest.AzureADPassword, j.served.Administrators[0], j.served.PortalURL())
	<-ctx.Done()
	fmt.Fprintln(j.out)
	return exitDone
}
