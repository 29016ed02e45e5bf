package federationtest_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
)

// TestWhileItSpreads: the pages go by what the login service knows. Just after the domain
// was federated people are still asked for a password, and just after the end they are
// still sent to JumpCloud; neither is kept out.
func TestWhileItSpreads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := meet(t)
		m.AzureAD.RealmLag = 30 * time.Minute
		m.want(m.signIn(), "in", false)
		m.federate()
		m.want(m.signIn(), "in", false)
		m.want(m.openTile(), "AADSTS50107", true) // there is no realm yet
		time.Sleep(30 * time.Minute)
		m.want(m.signIn(), "in", true)
		m.want(m.openTile(), "in", true)

		f := m.Federator(nil)
		if _, err := f.Defederate(t.Context(), federation.DefederatePlan{Domain: m.Domain, Passwords: federation.PasswordsKnown}); err != nil {
			t.Fatal(err)
		}
		if _, still := m.AzureAD.Federation(m.Domain); still {
			t.Fatal("still federated")
		}
		m.want(m.signIn(), "in", true)
		time.Sleep(30 * time.Minute)
		m.want(m.signIn(), "in", false)
		m.want(m.openTile(), "AADSTS50107", true)
	})
}

// TestAfterRevert: what a report says was done is undone, and passwords count again.
func TestAfterRevert(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := meet(t).federate()
		m.want(m.signIn(), "in", true)
		tile := func() *federationtest.Walk {
			return m.walk(func() (*federationtest.Walk, error) {
				return m.Browser().OpenTile(t.Context(), m.ada, "Microsoft 365 (example.com)")
			})
		}
		m.want(tile(), "in", true)
		if _, err := m.Federator(nil).Revert(t.Context(), m.report); err != nil {
			t.Fatal(err)
		}
		m.want(m.signIn(), "in", false)
		m.want(tile(), "The person sees no application Microsoft 365 (example.com).", true)
		m.federate()
		m.want(m.signIn(), "in", true)
	})
}

// TestSessions: who has signed in is known until the sessions are ended; then the way goes
// through JumpCloud, which still knows the person for an hour and asks for nothing.
func TestSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := meet(t).federate()
		b := m.Browser()
		again := func() *federationtest.Walk {
			return m.walk(func() (*federationtest.Walk, error) { return b.SignIn(t.Context(), m.ada) })
		}
		m.want(again(), "in", true)
		if w := again(); len(w.Pages) != 1 || w.SignedIn == "" {
			t.Errorf("the session is not known:\n%v", w)
		}
		time.Sleep(time.Minute)
		if err := m.AzureAD.Client(nil).RevokeSignInSessions(t.Context(), m.accountID()); err != nil {
			t.Fatal(err)
		}
		if w := again(); outcome(w) != "in" || len(w.Pages) != 4 || w.Pages[2].Title[:7] != "Signing" {
			t.Errorf("want no log-in at JumpCloud, got\n%v", w)
		}
		time.Sleep(time.Hour)
		if err := m.AzureAD.Client(nil).RevokeSignInSessions(t.Context(), m.accountID()); err != nil {
			t.Fatal(err)
		}
		m.ada.Password = "another"
		m.want(again(), "wrong-password", true)
		m.ada.Password = ""
		m.want(again(), "in", true)
		m.account(func(u *aad.User) { u.Enabled = ptr(false) })
		m.want(again(), "AADSTS50057", true)
	})
}

// TestPromptLogin: who has to sign in anew is asked by JumpCloud too, if the configuration
// says so, and not if it does not.
func TestPromptLogin(t *testing.T) {
	for _, tt := range []struct {
		protocol aad.Protocol
		prompt   aad.PromptLoginBehavior
		asks     bool
	}{
		{aad.SAML, "", false},
		{aad.WSFed, "", false},
		{aad.WSFed, aad.NativeSupport, false},
		{aad.WSFed, aad.PromptLoginDisabled, false},
		{aad.WSFed, aad.TranslateToFreshPasswordAuthentication, true},
	} {
		m := meet(t).federate()
		m.JumpCloud.Quirks.SignIn.WSFed = true
		m.patch(func(f *aad.Federation) { f.Protocol, f.PromptLogin = tt.protocol, tt.prompt })
		b := m.Browser()
		for i, address := range []string{"https://login.microsoftonline.com/", "https://login.microsoftonline.com/?prompt=login"} {
			w := m.walk(func() (*federationtest.Walk, error) { return b.Open(t.Context(), address, m.ada) })
			m.want(w, "in", true)
			if asked := strings.Contains(w.String(), "logs in as"); asked != (i == 0 || tt.asks) {
				t.Errorf("%s, %q: JumpCloud asks: %v\n%v", tt.protocol, tt.prompt, asked, w)
			}
		}
	}
}

func (m *meeting) accountID() string {
	for _, u := range m.AzureAD.Users() {
		if u.UserPrincipalName == m.ada.UserName {
			return u.ID
		}
	}
	m.t.Fatal("Ada has no account")
	return ""
}

// TestSignInWhileRotating: at each stop of a rotation, and between, both ways get in.
func TestSignInWhileRotating(t *testing.T) {
	for _, method := range []federation.RotateMethod{federation.OwnKeyPair, federation.SecondApplication} {
		t.Run(string(method), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { rotateAndSignIn(t, method) })
		})
	}
}

func rotateAndSignIn(t *testing.T, method federation.RotateMethod) {
	m := meet(t).federate()
	before, _ := m.AzureAD.Federation(m.Domain)
	time.Sleep(time.Until(before.SigningCertificate.X509().NotAfter.AddDate(0, 0, -50)))
	plan := federation.RotatePlan{Plan: m.report.Plan, Method: method, Key: federation.RotateKey{Bits: 2048}}
	if method == federation.SecondApplication {
		plan.Replace, plan.Consent.Policies = before.SigningCertificate.Fingerprint(), true
	}
	f := m.Federator(&federation.Options{Keys: make(memory)})
	m.AzureAD.RealmLag = 20 * time.Minute
	var rot *federation.Rotation
	halves := 0
	for calls := 0; rot == nil || !rot.Done(); calls++ {
		if calls > 20 {
			t.Fatalf("no end: %s", rot.Next)
		}
		var err error
		if rot, err = f.Rotate(t.Context(), plan, rot); err != nil {
			t.Fatal(err)
		}
		if b, err := json.Marshal(rot); err != nil {
			t.Fatal(err)
		} else if rot, err = federation.ParseRotation(b); err != nil {
			t.Fatal(err)
		}
		if now, _ := m.AzureAD.Federation(m.Domain); !now.NextSigningCertificate.IsZero() {
			halves++
		}
		m.getsIn()
		for !rot.Done() && time.Now().Before(rot.NotBefore) {
			time.Sleep(10 * time.Minute)
			m.getsIn()
		}
	}
	after, _ := m.AzureAD.Federation(m.Domain)
	if after.SigningCertificate.Equal(before.SigningCertificate) || halves == 0 {
		t.Errorf("nothing was rotated, or never with two certificates: %d", halves)
	}
}

// getsIn demands that Ada gets in, from Azure AD and from each tile that she sees.
func (m *meeting) getsIn() {
	m.t.Helper()
	w, err := m.Browser().SignIn(m.t.Context(), m.ada)
	if err != nil || w.SignedIn != m.ada.UserName || !w.Through() {
		m.t.Errorf("%v\n%v", err, w)
	}
	tiles := 0
	for _, app := range m.JumpCloud.Applications() {
		w, err := m.Browser().OpenTile(m.t.Context(), m.ada, app.Label)
		switch {
		case err == nil && w.SignedIn == m.ada.UserName:
			tiles++
		case err != nil || w.Pages[len(w.Pages)-1].Title != "Applications":
			m.t.Errorf("%s: %v\n%v", app.Label, err, w)
		}
	}
	if tiles == 0 {
		m.t.Error("no tile")
	}
}
