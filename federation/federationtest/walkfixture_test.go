package federationtest_test

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
)

// meeting is an environment whose two services are walked against each other. Ada is
// who signs in.
type meeting struct {
	*federationtest.Env
	t      *testing.T
	ada    federationtest.Person
	id     string // Ada's in JumpCloud
	app    string
	report *federation.Report
	clock  func() time.Time // nil: the computer's
}

func (m *meeting) now() time.Time {
	if m.clock != nil {
		return m.clock()
	}
	return time.Now()
}

func meet(t *testing.T) *meeting {
	t.Helper()
	m := &meeting{Env: federationtest.New(nil), t: t}
	u := m.JumpCloud.Users()[0]
	m.ada, m.id = federationtest.Person{UserName: u.Email}, u.ID
	return m
}

// federate does what a program does.
func (m *meeting) federate(edit ...func(*federation.Plan)) *meeting {
	m.t.Helper()
	plan := m.Plan()
	for _, e := range edit {
		e(&plan)
	}
	rep, err := m.Federator(nil).Federate(federationtest.Hurry(m.t.Context()), plan)
	if err != nil {
		m.t.Fatal(err)
	}
	m.report = rep
	m.app = m.JumpCloud.Applications()[0].ID
	return m
}

// patch changes the federation behind everybody's back.
func (m *meeting) patch(edit func(*aad.Federation)) {
	f, ok := m.AzureAD.Federation(m.Domain)
	if !ok {
		m.t.Fatal("the domain is not federated")
	}
	edit(&f)
	m.AzureAD.SetFederation(m.Domain, f)
}

// account changes Ada's account.
func (m *meeting) account(edit func(*aad.User)) { m.AzureAD.EditUser(m.ada.UserName, edit) }

// demand demands a second factor of everybody.
func (m *meeting) demand() { m.AzureAD.DemandMFA = func(aad.User) bool { return true } }

// everybody is the application, and the group that is bound to it.
func (m *meeting) everybody() (app, group jumpcloud.Object) {
	return jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: m.app},
		jumpcloud.Object{Type: jumpcloud.GroupObject, ID: m.JumpCloud.Groups()[0].ID}
}

// tile signs in from the portal.
func (m *meeting) tile(b *federationtest.Browser) (*federationtest.Walk, error) {
	app, _ := m.JumpCloud.Application(m.app)
	return b.OpenTile(m.t.Context(), m.ada, app.Label)
}

// outcome is how a walk ended, in short.
func outcome(w *federationtest.Walk) string {
	switch {
	case w.SignedIn != "":
		return "in"
	case w.Code != "":
		return w.Code
	case w.Refusal != "":
		return string(w.Refusal)
	}
	return w.Text
}

// titles are the headings of a walk.
func titles(w *federationtest.Walk) []string {
	var all []string
	for _, p := range w.Pages {
		all = append(all, p.Title)
	}
	return all
}

// logs are what the services tell of sign-ins, read by their clients.
type logs struct {
	azureAD   []*aad.SignIn // the oldest first
	jumpCloud []*jumpcloud.Event
}

func (m *meeting) logs() logs {
	m.t.Helper()
	var l logs
	for e, err := range m.AzureAD.Client(nil).SignIns(m.t.Context(), nil) {
		if err != nil {
			m.t.Fatal(err)
		}
		l.azureAD = append([]*aad.SignIn{e}, l.azureAD...)
	}
	if len(l.azureAD) != len(m.AzureAD.SignIns()) {
		m.t.Errorf("the sign-in log tells %d of %d lines", len(l.azureAD), len(m.AzureAD.SignIns()))
	}
	o := jumpcloud.EventsOptions{From: m.now().AddDate(-1, 0, 0)}
	for e, err := range m.JumpCloud.Client(nil).Events(m.t.Context(), o) {
		if err != nil {
			m.t.Fatal(err)
		}
		l.jumpCloud = append(l.jumpCloud, e)
	}
	if len(l.jumpCloud) != len(m.JumpCloud.Events()) {
		m.t.Errorf("JumpCloud tells %d of %d events", len(l.jumpCloud), len(m.JumpCloud.Events()))
	}
	return l
}

// walk walks, and demands that both services tell afterwards what the pages have said.
func (m *meeting) walk(way func() (*federationtest.Walk, error)) *federationtest.Walk {
	m.t.Helper()
	before := m.logs()
	w, err := way()
	if err != nil {
		m.t.Fatalf("%v\n%v", err, w)
	}
	after := m.logs()
	told := logs{after.azureAD[len(before.azureAD):], after.jumpCloud[len(before.jumpCloud):]}
	for _, d := range []string{told.ofAzureAD(w), told.ofJumpCloud(m, w)} {
		if d != "" {
			m.t.Errorf("%s:\n%v", d, w)
		}
	}
	return w
}

// signIn walks from Azure AD's page, in a new browser.
func (m *meeting) signIn() *federationtest.Walk {
	m.t.Helper()
	return m.walk(func() (*federationtest.Walk, error) { return m.Browser().SignIn(m.t.Context(), m.ada) })
}

// openTile walks from JumpCloud's portal, in a new browser.
func (m *meeting) openTile() *federationtest.Walk {
	m.t.Helper()
	return m.walk(func() (*federationtest.Walk, error) { return m.tile(m.Browser()) })
}

// want checks how a walk ended, and whether it went through JumpCloud.
func (m *meeting) want(w *federationtest.Walk, want string, through bool) {
	m.t.Helper()
	if got := outcome(w); got != want || w.Through() != through {
		m.t.Errorf("%s, through JumpCloud: %v; want %s, %v\n%v", got, w.Through(), want, through, w)
	}
}

// ofAzureAD says in what the sign-in log is not what the pages were: one line for what
// has ended there, and none for what has not.
func (l logs) ofAzureAD(w *federationtest.Walk) string {
	want, last := []int{}, w.Pages[len(w.Pages)-1]
	switch {
	case w.SignedIn != "" && len(w.Pages) > 1:
		want = append(want, 0)
	case w.Code != "":
		n, err := strconv.Atoi(strings.TrimPrefix(w.Code, "AADSTS"))
		if err != nil {
			return err.Error()
		}
		want = append(want, n)
	case last.Title == "Enter password":
		want = append(want, 50126)
	case last.Title == "Sign in":
		want = append(want, 50034)
	}
	got := []int{}
	for _, e := range l.azureAD {
		got = append(got, e.ErrorCode)
		if e.ErrorCode == 0 && e.UserPrincipalName != w.SignedIn {
			return "the sign-in log tells of " + e.UserPrincipalName
		}
		saml := e.Protocol == aad.SignInSAML20 && e.Token == aad.TokenSAML20
		wsfed := e.Protocol == aad.SignInWSFed && e.Token == aad.TokenSAML11
		if e.Federated() != w.Through() || w.Through() && !saml && !wsfed {
			return "the sign-in log tells of the protocol " + string(e.Protocol) + " and a token " + string(e.Token)
		}
	}
	return cmp.Diff(want, got)
}

// ofJumpCloud is the same of JumpCloud's events: one for each answer that was sent.
func (l logs) ofJumpCloud(m *meeting, w *federationtest.Walk) string {
	want, got := []string{}, []string{}
	for _, title := range titles(w) {
		if strings.HasPrefix(title, "Signing in to ") {
			want = append(want, "")
		}
	}
	atPortal := strings.HasSuffix(w.Pages[0].URL, "/userconsole/") && !slices.Contains(titles(w), "Applications")
	if w.Refusal != "" && !atPortal {
		want = append(want, string(w.Refusal))
	}
	for _, e := range l.jumpCloud {
		got = append(got, e.Message)
		if e.Failed() != (e.Message != "") || e.Application.ID != m.app {
			return "an event of another kind: " + string(e.Raw)
		}
	}
	return cmp.Diff(want, got)
}

func ptr[T any](v T) *T { return &v }

// memory keeps keys.
type memory map[string]*certs.KeyPair

func (m memory) Save(_ context.Context, domain string, key *certs.KeyPair) error {
	m[domain] = key
	return nil
}

func (m memory) Load(_ context.Context, domain string) (*certs.KeyPair, error) {
	if key, ok := m[domain]; ok {
		return key, nil
	}
	return nil, federation.ErrNoKey
}
