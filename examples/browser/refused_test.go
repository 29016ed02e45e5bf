package browser

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/signin"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
)

// refused is who is not signed in, and why.
type refused struct {
	name string
	set  func(*world) // after the domain was federated
	code string
	text string // what the page says behind the code
}

// TestRefusedByAzureAD: JumpCloud has logged the person in, and Azure AD's page says why
// that is not enough.
func TestRefusedByAzureAD(t *testing.T) {
	for _, r := range []refused{
		{"JumpCloud signs with a new certificate", func(w *world) { w.JumpCloud.RegenerateCertificate(w.app) }, "AADSTS5000811",
			"Unable to verify token signature. The signing key identifier does not match any valid registered keys."},
		{"no immutable ID", func(w *world) { w.AzureAD.EditUser(ada, func(u *aad.User) { u.ImmutableID = "" }) }, "AADSTS51004",
			"The user account ADA does not exist in the 5f0d2b1c-0c8e-4c55-9d7e-3a3b0f4a6e21 directory. " +
				"To sign into this application, the account must be added to the directory."},
		{"an immutable ID of another origin", func(w *world) { w.JumpCloud.SetImmutableID(w.ada, "bXkgb3duIGlkIQ==") }, "AADSTS51004",
			"The user account bXkgb3duIGlkIQ== does not exist in the 5f0d2b1c-0c8e-4c55-9d7e-3a3b0f4a6e21 directory. " +
				"To sign into this application, the account must be added to the directory."},
		{"the account is on another domain, which the policy forbids", func(w *world) {
			w.AzureAD.AddDomain("example.org")
			w.AzureAD.EditUser(ada, func(u *aad.User) { u.UserPrincipalName = "ada.abbott@example.org" })
		}, "AADSTS5000820", "Sign-in blocked by Federated Token Validation policy. Contact your administrator for details."},
		{"JumpCloud has another issuer", func(w *world) { w.JumpCloud.SetApplicationSetting(w.app, "idpEntityId", "urn:uri:other") },
			"AADSTS50107", "The requested federation realm object 'urn:uri:other' does not exist."},
		{"JumpCloud's clock is slow", func(w *world) { w.JumpCloud.Quirks.SignIn.ClockSkew = -3 * time.Hour }, "AADSTS500089",
			"SAML 2.0 assertion validation failed: SAML token is invalid."},
		{"JumpCloud does not sign", func(w *world) { w.JumpCloud.SetApplicationSetting(w.app, "signAssertion", "") }, "AADSTS500081", ""},
		{"the account is disabled", func(w *world) { w.AzureAD.EditUser(ada, func(u *aad.User) { u.Enabled = new(bool) }) },
			"AADSTS50057", ""},
	} {
		walk := walk{name: r.name, pages: []string{askName, toProvider, jcLogin, askName + " [" + r.code + "]", askName}}
		walk.set = func(w *world) {
			w.federate(w.Plan())
			r.set(w)
		}
		walk.walk = func(v *visitor) {
			v.signIn()
			v.isRefused(r.code, strings.ReplaceAll(r.text, "ADA", v.w.ada))
			v.press("Sign in again")
		}
		t.Run(walk.name, walk.do)
	}
}

var guid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// isRefused checks Azure AD's error page, and that the sign-in log tells the same. An empty
// text means that the service's own is not known.
func (v *visitor) isRefused(code, text string) {
	v.t.Helper()
	got, said, _ := strings.Cut(v.at.Alert, ": ")
	if got != code || said == "" || text != "" && said != text {
		v.t.Errorf("the page says %q, want %q and %q", v.at.Alert, code, text)
	}
	for _, id := range []string{"requestId", "correlationId"} {
		if !guid.MatchString(v.at.Facts[id]) {
			v.t.Errorf("%s is %q", id, v.at.Facts[id])
		}
	}
	at, err := time.Parse(time.RFC3339, v.at.Facts["timestamp"])
	if since := time.Since(at); err != nil || since < -time.Minute || since > patience {
		v.t.Errorf("timestamp %q: %v", v.at.Facts["timestamp"], err)
	}
	var codes []string
	for _, e := range signin.Explain(v.at.Text) {
		codes = append(codes, e.Code)
	}
	if diff := cmp.Diff([]string{code}, codes); diff != "" {
		v.t.Errorf("explained out of the page's text (-want +got):\n%s", diff)
	}
	var logged []string
	for _, e := range v.w.AzureAD.SignIns() {
		if e.CorrelationID == v.at.Facts["correlationId"] {
			logged = append(logged, fmt.Sprintf("AADSTS%d: %s", e.ErrorCode, e.FailureReason))
		}
	}
	if diff := cmp.Diff([]string{v.at.Alert}, logged); diff != "" {
		v.t.Errorf("the sign-in log (-want +got):\n%s", diff)
	}
}

// TestRefusedByJumpCloud: the person does not come back to Azure AD.
func TestRefusedByJumpCloud(t *testing.T) {
	edit := func(f func(*jumpcloud.User)) func(*world) { return func(w *world) { w.JumpCloud.EditUser(w.ada, f) } }
	for _, r := range []refused{
		{"not in the group", func(w *world) {
			for _, g := range w.JumpCloud.Groups() {
				if g.Name == federationtest.Group {
					group := jumpcloud.Object{Type: jumpcloud.GroupObject, ID: g.ID}
					w.JumpCloud.Unbind(group, jumpcloud.Object{Type: jumpcloud.UserObject, ID: w.ada})
				}
			}
		}, "not-bound", "No access"},
		{"suspended", edit(func(u *jumpcloud.User) { u.Suspended = true }), "suspended", "Account suspended"},
		{"staged", edit(func(u *jumpcloud.User) { u.State = jumpcloud.Staged }), "not-activated", "Account not activated"},
		{"locked", edit(func(u *jumpcloud.User) { u.AccountLocked = true }), "locked", "Account locked"},
		{"expired", edit(func(u *jumpcloud.User) { u.PasswordExpired = true }), "expired", "Password expired"},
		{"not exported to Microsoft 365", func(w *world) {
			w.JumpCloud.SetSync(w.Directory, jumpcloud.BoundUser{UserID: w.ada})
		}, "no-immutable-id", "Not connected with Microsoft 365"},
		{"the application has no key", func(w *world) { w.JumpCloud.SetApplicationSetting(w.app, "idpCertificate", "") },
			"cannot-sign", "Application not set up"},
	} {
		walk := walk{name: r.name, pages: []string{askName, toProvider, jcLogin, sso + ": " + r.text + " [" + r.code + "]"}}
		walk.set = func(w *world) {
			w.federate(w.Plan())
			r.set(w)
		}
		walk.walk = (*visitor).signIn
		t.Run(walk.name, walk.do)
	}
}

// TestRefusedAtOnce: JumpCloud does not ask who it is, and leads to the portal.
func TestRefusedAtOnce(t *testing.T) {
	for _, r := range []refused{
		{"not active", func(w *world) { w.JumpCloud.SetApplicationField(w.app, "active", false) }, "inactive", "Single Sign-On Inactive"},
		{"of another service", func(w *world) { w.JumpCloud.SetApplicationSetting(w.app, "spEntityId", "https://example.com/") },
			"wrong-service", "Unknown service"},
	} {
		walk := walk{name: r.name, pages: []string{askName, toProvider, sso + ": " + r.text + " [" + r.code + "]",
			sso + ": Log in to your user portal", sso + ": Applications"}}
		walk.set = func(w *world) {
			w.federate(w.Plan())
			r.set(w)
		}
		walk.walk = func(v *visitor) {
			v.toJumpCloud()
			v.press("To the user portal")
			v.logIn()
		}
		t.Run(walk.name, walk.do)
	}
}
