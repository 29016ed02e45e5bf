package federationtest_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/signin"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// TestPasswordsBefore: before anything is federated, the password of Azure AD counts.
func TestPasswordsBefore(t *testing.T) {
	m := meet(t)
	w := m.signIn()
	m.want(w, "in", false)
	if diff := cmp.Diff([]string{"Sign in", "Enter password", "You are signed in"}, titles(w)); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	ada := m.ada
	m.ada.Password = federationtest.JumpCloudPassword
	m.want(m.signIn(), "The account or the password is wrong.", false)
	m.ada = federationtest.Person{UserName: "nobody@" + m.Domain}
	m.want(m.signIn(), "There is no account with this user name. Check it, or ask your administrator.", false)
	m.ada = ada
	m.demand()
	m.want(m.signIn(), "in", false)
	m.ada.Code = "000000"
	if w := m.signIn(); outcome(w) != "The code is wrong. Try again." || w.Pages[len(w.Pages)-1].Title != "Verify your identity" {
		t.Errorf("with a wrong code:\n%v", w)
	}
}

// TestThroughJumpCloud: after a real run, the way goes through JumpCloud and back.
func TestThroughJumpCloud(t *testing.T) {
	m := meet(t).federate()
	w := m.signIn()
	m.want(w, "in", true)
	const story = ` 1  Microsoft  Sign in                                             types ada.abbott@example.com
 2  Microsoft  Taking you to your organization's sign-in page      goes on
 3  JumpCloud  Log in to Microsoft 365 (example.com)               logs in as ada.abbott@example.com
 4  JumpCloud  Signing in to Microsoft 365 (example.com)           goes on
 5  Microsoft  You are signed in
    signed in as ada.abbott@example.com
`
	if diff := cmp.Diff(story, w.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if e := m.JumpCloud.Events()[0]; e.NameID != m.id || e.IDPInitiated || e.SecondFactor {
		t.Errorf("event = %+v", e)
	}
	if found, err := signin.Messages([]byte(w.Posted.Encode())); err != nil || len(found) != 1 {
		t.Errorf("the browser posted %d answers of JumpCloud: %v", len(found), err)
	}
	m.ada.Password = federationtest.AzureADPassword
	w = m.signIn()
	m.want(w, string(jumpcloudtest.WrongPassword), true)
	if w.Posted != nil {
		t.Errorf("who did not get in at JumpCloud posted %v", w.Posted)
	}
	m.ada.Password, m.ada.JumpCloudName = "", "ada.abbott"
	m.want(m.signIn(), "in", true)
}

// TestWaysToJumpCloud: the ways on which a sign-in can come to JumpCloud.
func TestWaysToJumpCloud(t *testing.T) {
	for name, tt := range map[string]struct {
		prepare func(*meeting)
		way     func(*meeting, *federationtest.Browser) (*federationtest.Walk, error)
		pages   []string
	}{
		"redirect binding": {
			prepare: func(m *meeting) { m.AzureAD.Quirks.RedirectBinding = true },
			pages:   []string{"Sign in", "(redirect)", "Log in", "Signing in", "You are signed in"},
		},
		"signed requests": {
			prepare: configured(func(f *aad.Federation) { f.SignedRequestsRequired = ptr(true) }),
		},
		"signed requests, redirect binding": {
			prepare: func(m *meeting) {
				m.patch(func(f *aad.Federation) { f.SignedRequestsRequired = ptr(true) })
				m.AzureAD.Quirks.RedirectBinding = true
			},
			pages: []string{"Sign in", "(redirect)", "Log in", "Signing in", "You are signed in"},
		},
		"user name in the address": {prepare: func(m *meeting) { m.AzureAD.Quirks.SAMLUserName = true }},
		"domain hint": {
			way: func(m *meeting, b *federationtest.Browser) (*federationtest.Walk, error) {
				return b.Open(m.t.Context(), "https://login.microsoftonline.com/common/oauth2/v2.0/authorize?domain_hint=example.com", m.ada)
			},
			pages: []string{"Taking you", "Log in", "Signing in", "You are signed in"},
		},
		"JumpCloud's portal": {
			way:   func(m *meeting, b *federationtest.Browser) (*federationtest.Walk, error) { return m.tile(b) },
			pages: []string{"Log in", "(redirect)", "Applications", "Signing in", "You are signed in"},
		},
		"JumpCloud's portal, a response without a request": {
			prepare: func(m *meeting) { m.AzureAD.Quirks.RedirectBinding = true },
			way:     func(m *meeting, b *federationtest.Browser) (*federationtest.Walk, error) { return m.tile(b) },
			pages:   []string{"Log in", "(redirect)", "Applications", "Signing in", "You are signed in"},
		},
		"second factor at JumpCloud": {
			prepare: func(m *meeting) {
				m.JumpCloud.SetSecondFactor(m.id, "42")
				m.ada.Code = "42"
			},
			pages: []string{"Sign in", "Taking you", "Log in", "Second factor", "Signing in", "You are signed in"},
		},
		"subdomain": {
			prepare: func(m *meeting) {
				m.AzureAD.AddDomain("sub.example.com")
				m.account(func(u *aad.User) { u.UserPrincipalName = "ada@sub.example.com" })
				m.ada = federationtest.Person{UserName: "ada@sub.example.com", JumpCloudName: "ada.abbott"}
			},
		},
		"WS-Federation": {
			prepare: func(m *meeting) {
				m.JumpCloud.Quirks.SignIn.WSFed = true
				m.patch(func(f *aad.Federation) { f.Protocol = aad.WSFed })
			},
			pages: []string{"Sign in", "(redirect)", "Log in", "Signing in", "You are signed in"},
		},
		"an application with a key of its own in the second slot": {
			prepare: func(m *meeting) {
				m.patch(func(f *aad.Federation) {
					f.SigningCertificate, f.NextSigningCertificate = newPair().Cert(), f.SigningCertificate
				})
			},
		},
		"another person's browser": {
			prepare: func(m *meeting) { m.ada.UserName = m.JumpCloud.Users()[1].Email },
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := meet(t).federate()
			if tt.prepare != nil {
				tt.prepare(m)
			}
			w := m.walk(func() (*federationtest.Walk, error) {
				if tt.way != nil {
					return tt.way(m, m.Browser())
				}
				return m.Browser().SignIn(t.Context(), m.ada)
			})
			m.want(w, "in", true)
			if w.SignedIn != m.ada.UserName {
				t.Errorf("signed in as %s", w.SignedIn)
			}
			if tt.pages == nil {
				tt.pages = []string{"Sign in", "Taking you", "Log in", "Signing in", "You are signed in"}
			}
			same := len(tt.pages) == len(w.Pages)
			for i := 0; same && i < len(w.Pages); i++ {
				same = strings.HasPrefix(w.Pages[i].Title, tt.pages[i])
			}
			if !same {
				t.Errorf("want the pages %q, got\n%v", tt.pages, w)
			}
		})
	}
}

// What spoils something of Ada, of her account, or of the domain.

func inJumpCloud(edit func(*jumpcloud.User)) func(*meeting) {
	return func(m *meeting) { m.JumpCloud.EditUser(m.id, edit) }
}

func inAzureAD(edit func(*aad.User)) func(*meeting) { return func(m *meeting) { m.account(edit) } }

func configured(edit func(*aad.Federation)) func(*meeting) { return func(m *meeting) { m.patch(edit) } }

// TestKeptOut: each reason for which somebody is not signed in, and who says so.
func TestKeptOut(t *testing.T) {
	for name, tt := range map[string]struct {
		spoil func(*meeting)
		want  string
		tile  string // outcome from the portal; empty: as want
	}{
		"group not bound": {
			spoil: func(m *meeting) { m.JumpCloud.Unbind(m.everybody()) },
			want:  string(jumpcloudtest.NotBound), tile: "The person sees no application Microsoft 365 (example.com).",
		},
		"suspended":   {spoil: inJumpCloud(func(u *jumpcloud.User) { u.Suspended = true }), want: string(jumpcloudtest.SuspendedUser)},
		"expired":     {spoil: inJumpCloud(func(u *jumpcloud.User) { u.PasswordExpired = true }), want: string(jumpcloudtest.Expired)},
		"locked":      {spoil: inJumpCloud(func(u *jumpcloud.User) { u.AccountLocked = true }), want: string(jumpcloudtest.Locked)},
		"staged":      {spoil: inJumpCloud(func(u *jumpcloud.User) { u.State = jumpcloud.Staged }), want: string(jumpcloudtest.NotActivated)},
		"no password": {spoil: func(m *meeting) { m.JumpCloud.DefaultPassword = "" }, want: string(jumpcloudtest.NotActivated)},
		"wrong code":  {spoil: func(m *meeting) { m.JumpCloud.SetSecondFactor(m.id, "42") }, want: string(jumpcloudtest.WrongFactor)},
		"application not active": {
			spoil: func(m *meeting) { m.JumpCloud.SetApplicationField(m.app, "active", false) },
			want:  string(jumpcloudtest.Inactive), tile: "The person sees no application Microsoft 365 (example.com).",
		},
		"not exported by the directory": {
			spoil: func(m *meeting) {
				m.JumpCloud.SetSync(m.Directory, jumpcloud.BoundUser{UserID: m.id})
			},
			want: string(jumpcloudtest.NoImmutableID),
		},
		"another service's application": {
			spoil: func(m *meeting) { m.JumpCloud.SetApplicationSetting(m.app, "spEntityId", "urn:example:other") },
			want:  string(jumpcloudtest.WrongService), tile: "AADSTS50010",
		},
		"another certificate in Azure AD": {
			spoil: configured(func(f *aad.Federation) { f.SigningCertificate = newPair().Cert() }), want: "AADSTS5000811",
		},
		"a new certificate in JumpCloud": {spoil: func(m *meeting) { m.JumpCloud.RegenerateCertificate(m.app) }, want: "AADSTS5000811"},
		"another issuer in Azure AD": {
			spoil: configured(func(f *aad.Federation) { f.IssuerURI = "urn:uri:other" }), want: "AADSTS50107",
		},
		"another issuer in JumpCloud": {
			spoil: func(m *meeting) { m.JumpCloud.SetApplicationSetting(m.app, "idpEntityId", "urn:uri:Example.com") }, want: "AADSTS50107",
		},
		"no immutable ID":      {spoil: inAzureAD(func(u *aad.User) { u.ImmutableID = "" }), want: "AADSTS51004"},
		"another immutable ID": {spoil: inAzureAD(func(u *aad.User) { u.ImmutableID = "x" + u.ImmutableID }), want: "AADSTS51004"},
		"immutable ID in another case": {
			spoil: func(m *meeting) {
				m.JumpCloud.SetImmutableID(m.id, "5f1b2c3d4e5f60718293a4b5")
				m.account(func(u *aad.User) { u.ImmutableID = "5F1B2C3D4E5F60718293A4B5" })
			},
			want: "AADSTS51004",
		},
		"an older immutable ID in JumpCloud": {spoil: func(m *meeting) { m.JumpCloud.SetImmutableID(m.id, "older") }, want: "AADSTS51004"},
		"user name outside the domain": {
			spoil: func(m *meeting) {
				m.AzureAD.AddDomain("other.example")
				m.account(func(u *aad.User) { u.UserPrincipalName = "ada@other.example" })
			},
			want: "AADSTS5000820",
		},
		"disabled": {spoil: inAzureAD(func(u *aad.User) { u.Enabled = ptr(false) }), want: "AADSTS50057"},
		"assertion not signed": {
			spoil: func(m *meeting) {
				m.JumpCloud.SetApplicationSetting(m.app, "signAssertion", "false")
				m.JumpCloud.SetApplicationSetting(m.app, "signResponse", "true")
			},
			want: "AADSTS500081",
		},
		"JumpCloud's clock is ahead": {
			spoil: func(m *meeting) { m.JumpCloud.Quirks.SignIn.ClockSkew = 20 * 60e9 }, want: "AADSTS500089",
		},
		"WS-Federation asked of a provider without": {
			spoil: configured(func(f *aad.Federation) { f.Protocol = aad.WSFed }),
			want:  string(jumpcloudtest.BadRequest), tile: "AADSTS50107",
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := meet(t).federate()
			m.want(m.signIn(), "in", true)
			tt.spoil(m)
			m.want(m.signIn(), tt.want, true)
			if tt.tile == "" {
				tt.tile = tt.want
			}
			m.want(m.openTile(), tt.tile, true)
		})
	}
}
