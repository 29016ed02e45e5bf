package browser

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// walk is what a person does, and which pages that leads to.
type walk struct {
	name  string
	set   func(*world) // nil: the domain is federated
	walk  func(*visitor)
	pages []string
}

// The pages of Azure AD and of JumpCloud, as page.String has them.
const (
	askName     = microsoft + ": Sign in"
	askPassword = microsoft + ": Enter password"
	toProvider  = microsoft + ": Taking you to your organization's sign-in page"
	askCode     = microsoft + ": Verify your identity"
	signedIn    = microsoft + ": You are signed in"
	signedOut   = microsoft + ": You are signed out"

	jcLogin  = sso + ": Log in to Microsoft 365 (example.com)"
	jcFactor = sso + ": Second factor"
)

// start opens Azure AD's page and gives a user name.
func (v *visitor) start(name string) {
	v.t.Helper()
	v.open("https://" + microsoft + "/")
	v.fill("User name", name)
	v.press("Next")
}

// toJumpCloud starts, and goes to JumpCloud.
func (v *visitor) toJumpCloud() {
	v.t.Helper()
	v.start(ada)
	v.press("Continue")
}

// logIn logs in to JumpCloud.
func (v *visitor) logIn() {
	v.t.Helper()
	v.fill("User name or e-mail address", adaLogin)
	v.fill("Password", hers)
	v.press("Log in")
}

// signIn does all that it takes to sign in through JumpCloud, without a second factor.
func (v *visitor) signIn() {
	v.t.Helper()
	v.toJumpCloud()
	v.logIn()
}

// isIn checks who is signed in.
func (v *visitor) isIn(name, userName string) {
	v.t.Helper()
	got := []string{v.at.Heading, v.at.Facts["displayName"], v.at.Facts["userPrincipalName"]}
	if diff := cmp.Diff([]string{"You are signed in", name, userName}, got); diff != "" {
		v.t.Errorf("signed in (-want +got):\n%s", diff)
	}
}

// do walks it in all ways.
func (walk walk) do(t *testing.T) {
	w := newWorld(t)
	if walk.set == nil {
		w.federate(w.Plan())
	} else {
		walk.set(w)
	}
	for _, how := range ways {
		t.Run(how.name, func(t *testing.T) {
			v := newVisitor(t, w, how)
			walk.walk(v)
			if diff := cmp.Diff(walk.pages, v.seen); diff != "" {
				t.Errorf("pages (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSignIn(t *testing.T) {
	for _, w := range []walk{
		{name: "before the domain is federated: a password of Azure AD", set: func(*world) {},
			walk: func(v *visitor) {
				v.start(ada)
				v.fill("Password", before)
				v.press("Sign in")
				v.isIn(adaName, ada)
			},
			pages: []string{askName, askPassword, signedIn}},
		{name: "federated: through JumpCloud",
			walk: func(v *visitor) {
				v.signIn()
				v.isIn(adaName, ada)
			},
			pages: []string{askName, toProvider, jcLogin, signedIn}},
	} {
		t.Run(w.name, w.do)
	}
}
