package browser

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
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

	jcPortalLogin = console + ": Log in to your user portal"
	jcPortal      = console + ": Applications"
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

// do walks it in all ways, at the same time.
func (walk walk) do(t *testing.T) {
	w := newWorld(t)
	if walk.set == nil {
		w.federate(w.Plan())
	} else {
		walk.set(w)
	}
	for _, how := range ways {
		t.Run(how.name, func(t *testing.T) {
			t.Parallel()
			v := newVisitor(t, w, how)
			walk.walk(v)
			if diff := cmp.Diff(walk.pages, v.seen); diff != "" {
				t.Errorf("pages (-want +got):\n%s", diff)
			}
		})
	}
}

// demandMFA makes the tenant demand a second factor of Ada.
func (w *world) demandMFA() {
	w.AzureAD.DemandMFA = func(u aad.User) bool { return u.UserPrincipalName == ada }
}

// federateWithMFA federates the domain, whose people need a second factor. Ada has one
// at JumpCloud if claims are given, which are those of the application.
func (w *world) federateWithMFA(behavior aad.MFABehavior, claims ...jumpcloudtest.AuthClaims) {
	w.t.Helper()
	plan := w.Plan()
	plan.MFA = behavior
	w.federate(plan)
	w.demandMFA()
	for _, c := range claims {
		w.JumpCloud.SetAuthClaims(w.app, c)
		w.JumpCloud.SetSecondFactor(w.ada, codeOfHers)
	}
}

// logInTwice logs in to JumpCloud with a second factor.
func (v *visitor) logInTwice() {
	v.t.Helper()
	v.logIn()
	v.fill("Code of your authenticator app", codeOfHers)
	v.press("Go on")
}

// verify shows Azure AD's own second factor.
func (v *visitor) verify() {
	v.t.Helper()
	v.fill("Code of your authenticator app", codeOfTenant)
	v.press("Verify")
}

// withPassword signs in with the password of Azure AD.
func (v *visitor) withPassword(name string) {
	v.t.Helper()
	v.start(name)
	v.fill("Password", before)
	v.press("Sign in")
}

func TestSignIn(t *testing.T) {
	through := []string{askName, toProvider, jcLogin, signedIn}
	for _, w := range []walk{
		{name: "not federated: a password of Azure AD", set: func(*world) {},
			walk: func(v *visitor) {
				v.withPassword(ada)
				v.isIn(adaName, ada)
			},
			pages: []string{askName, askPassword, signedIn}},
		{name: "not federated: a wrong name, a wrong password, and a second factor", set: (*world).demandMFA,
			walk: func(v *visitor) {
				v.start("nobody@example.com")
				v.fill("User name", ada)
				v.press("Next")
				v.fill("Password", "wrong")
				v.press("Sign in")
				v.fill("Password", before)
				v.press("Sign in")
				v.fill("Code of your authenticator app", "000000")
				v.press("Verify")
				v.verify()
				v.isIn(adaName, ada)
			},
			pages: []string{askName, askName + " [There is no account with this user name. Check it, or ask your administrator.]",
				askPassword, askPassword + " [The account or the password is wrong.]",
				askCode, askCode + " [The code is wrong. Try again.]", signedIn}},
		{name: "federated: through JumpCloud",
			walk: func(v *visitor) {
				v.signIn()
				v.isIn(adaName, ada)
			},
			pages: through},
		{name: "federated: the request is in the address, with the user name",
			set: func(w *world) {
				w.federate(w.Plan())
				w.AzureAD.Quirks.RedirectBinding, w.AzureAD.Quirks.SAMLUserName = true, true
			},
			walk: func(v *visitor) {
				v.start(ada)
				if got := v.at.Values["User name or e-mail address"]; got != ada {
					v.t.Errorf("JumpCloud knows the name %q", got)
				}
				v.logIn()
				v.isIn(adaName, ada)
			},
			pages: []string{askName, jcLogin, signedIn}},
		{name: "federated: the application names the domain",
			walk: func(v *visitor) {
				v.open("https://" + microsoft + "/common/oauth2/v2.0/authorize?domain_hint=example.com")
				v.press("Continue")
				v.logIn()
				v.isIn(adaName, ada)
			},
			pages: []string{toProvider, jcLogin, signedIn}},
		{name: "federated: an administrator of the initial domain needs no JumpCloud",
			walk: func(v *visitor) {
				v.withPassword(breakGlass)
				v.isIn("Break-glass 1", breakGlass)
			},
			pages: []string{askName, askPassword, signedIn}},
		{name: "federated: a wrong password at JumpCloud",
			walk: func(v *visitor) {
				v.toJumpCloud()
				v.fill("User name or e-mail address", adaLogin)
				v.fill("Password", before)
				v.press("Log in")
				v.logIn()
				v.isIn(adaName, ada)
			},
			pages: []string{askName, toProvider, jcLogin, jcLogin + " [wrong-password]", signedIn}},
		{name: "federated: JumpCloud's second factor",
			set: func(w *world) {
				w.federate(w.Plan())
				w.JumpCloud.SetSecondFactor(w.ada, codeOfHers)
			},
			walk: func(v *visitor) {
				v.signIn()
				v.fill("Code of your authenticator app", "000000")
				v.press("Go on")
				if v.at.Code != "wrong-factor" {
					return
				}
				v.fill("Code of your authenticator app", codeOfHers)
				v.press("Go on")
				v.isIn(adaName, ada)
			},
			pages: []string{askName, toProvider, jcLogin, jcFactor, jcFactor + " [wrong-factor]", signedIn}},
		{name: "federated: sign out, and in again by JumpCloud's session, without a password",
			walk: func(v *visitor) {
				v.signIn()
				v.open("https://" + microsoft + "/") // by Azure AD's own session
				v.isIn(adaName, ada)
				v.press("Sign out")
				v.press("Sign in")
				v.fill("User name", ada)
				v.press("Next")
				v.press("Continue")
				v.isIn(adaName, ada)
			},
			pages: append(through[:4:4], signedIn, signedOut, askName, toProvider, signedIn)},
		{name: "federated: from the tile of JumpCloud's portal, and out of both",
			walk: func(v *visitor) {
				v.open("https://" + console + "/userconsole/")
				v.logIn()
				v.press("Microsoft 365 (example.com)")
				v.isIn(adaName, ada)
				v.press("Sign out")
				v.open("https://" + console + "/userconsole/")
				v.press("Log out")
			},
			pages: []string{jcPortalLogin, jcPortal, signedIn, signedOut, jcPortal, jcPortalLogin}},
		{name: "reverted: a password of Azure AD",
			set: func(w *world) {
				w.federate(w.Plan())
				w.revert()
			},
			walk: func(v *visitor) {
				v.withPassword(ada)
				v.isIn(adaName, ada)
			},
			pages: []string{askName, askPassword, signedIn}},
		{name: "defederated: a password of Azure AD, and the tile does not sign in",
			set: func(w *world) {
				w.federate(w.Plan())
				w.defederate()
			},
			walk: func(v *visitor) {
				v.withPassword(ada)
				v.isIn(adaName, ada)
				v.open("https://" + console + "/userconsole/")
				v.logIn()
				v.press("Microsoft 365 (example.com)")
			},
			pages: []string{askName, askPassword, signedIn, jcPortalLogin, jcPortal, askName + " [AADSTS50107]"}},
	} {
		t.Run(w.name, w.do)
	}
}

// TestSecondFactor: who asks for it, by what the plan says and by what JumpCloud tells.
func TestSecondFactor(t *testing.T) {
	told := jumpcloudtest.MultipleAuthnAfterFactor()
	both := func(v *visitor) {
		v.toJumpCloud()
		v.logInTwice()
		v.verify()
		v.isIn(adaName, ada)
	}
	one := func(v *visitor) {
		v.toJumpCloud()
		v.logInTwice()
		v.isIn(adaName, ada)
	}
	for _, w := range []walk{
		{name: "accepted, JumpCloud asks nobody: Azure AD asks",
			set: func(w *world) { w.federateWithMFA(aad.AcceptIfMFADoneByFederatedIdP) },
			walk: func(v *visitor) {
				v.signIn()
				v.verify()
				v.isIn(adaName, ada)
			},
			pages: []string{askName, toProvider, jcLogin, askCode, signedIn}},
		{name: "accepted, JumpCloud asks and does not tell: both ask",
			set:   func(w *world) { w.federateWithMFA(aad.AcceptIfMFADoneByFederatedIdP, jumpcloudtest.AuthClaims{}) },
			walk:  both,
			pages: []string{askName, toProvider, jcLogin, jcFactor, askCode, signedIn}},
		{name: "accepted, JumpCloud asks and tells: Azure AD does not ask",
			set:   func(w *world) { w.federateWithMFA(aad.AcceptIfMFADoneByFederatedIdP, told) },
			walk:  one,
			pages: []string{askName, toProvider, jcLogin, jcFactor, signedIn}},
		{name: "enforced, JumpCloud asks and tells",
			set:   func(w *world) { w.federateWithMFA(aad.EnforceMFAByFederatedIdP, told) },
			walk:  one,
			pages: []string{askName, toProvider, jcLogin, jcFactor, signedIn}},
		{name: "rejected, JumpCloud asks and tells: both ask",
			set:   func(w *world) { w.federateWithMFA(aad.RejectMFAByFederatedIdP, told) },
			walk:  both,
			pages: []string{askName, toProvider, jcLogin, jcFactor, askCode, signedIn}},
		{name: "enforced, JumpCloud does not tell: a loop, and an error",
			set: func(w *world) { w.federateWithMFA(aad.EnforceMFAByFederatedIdP) },
			walk: func(v *visitor) {
				v.signIn()
				v.press("Continue")
				v.press("Continue")
				v.isRefused("AADSTS50079", v.at.Facts["message"])
			},
			pages: []string{askName, toProvider, jcLogin, toProvider, toProvider, askName + " [AADSTS50079]"}},
	} {
		t.Run(w.name, w.do)
	}
}
