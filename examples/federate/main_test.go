package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/jcaad/jcaad/examples/internal/cli"
	"github.com/jcaad/jcaad/examples/internal/standin"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
)

// result is what one run of the program left.
type result struct {
	code     int
	out, err string
}

// program runs the program without anybody at the terminal.
func program(t *testing.T, args ...string) result {
	t.Helper()
	return programAt(t, t.Context(), strings.NewReader(""), args...)
}

func programAt(t *testing.T, ctx context.Context, stdin io.Reader, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	code := run(federationtest.Hurry(ctx), args, stdin, &out, &errs)
	return result{code, out.String(), errs.String()}
}

// want checks the exit code, and that out and err together hold the texts in
// this order.
func (r result) want(t *testing.T, code int, texts ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code %d, want %d", r.code, code)
	}
	rest := r.out + r.err
	for _, text := range texts {
		i := strings.Index(rest, text)
		if i < 0 {
			t.Errorf("the output does not say %q, or not in order", text)
			continue
		}
		rest = rest[i+len(text):]
	}
	if t.Failed() {
		t.Logf("stdout:\n%s\nstderr:\n%s", r.out, r.err)
		t.FailNow()
	}
}

// live serves stand-ins and returns the flags that point the program at them.
func live(t *testing.T, edit func(*federationtest.Env)) (*standin.Services, []string) {
	t.Helper()
	env := federationtest.New(&federationtest.Options{Lifelike: true, DefaultDomain: true})
	if edit != nil {
		edit(env)
	}
	s, err := standin.Serve(env, standin.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	t.Chdir(t.TempDir()) // for reports
	if err := os.WriteFile("plan.yaml", examplePlan, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("JUMPCLOUD_API_KEY", standin.APIKey)
	t.Setenv("GRAPH_TOKEN", s.GraphToken)
	for _, name := range []string{"JUMPCLOUD_ORG_ID", "JUMPCLOUD_CLIENT_ID", "JUMPCLOUD_CLIENT_SECRET", "TECHNICAL_PASSWORD"} {
		t.Setenv(name, "")
	}
	return s, []string{
		"-jumpcloud-url", s.JumpCloudURL, "-jumpcloud-token-url", s.JumpCloudURL + "/oauth2/token",
		"-graph-url", s.AzureADURL, "-login-url", s.AzureADURL, "-graph-token-env", "GRAPH_TOKEN",
	}
}

func with(command string, flags []string, more ...string) []string {
	return slices.Concat([]string{command}, flags, more)
}

func planFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "plan.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDefaultRun(t *testing.T) {
	t.Parallel()
	r := program(t)
	r.want(t, exitDone,
		"Nothing here is live", "http://127.0.0.1:", "http://127.0.0.1:",
		"1. Preflight", "24 users in JumpCloud, 24 accounts on the domain in Azure AD, 23 in both",
		"severity", "LOCKED OUT  uma.underhill@example.com", "tess.turner@example.com    no-email", "not-in-azure-ad", "What to do about",
		"2. Preview", "~ azure-ad/default-domain", `+ jumpcloud/application "urn:uri:example.com"`, `+ azure-ad/federation "example.com"`, "8 changes",
		"3. Federate", "row 5", "row 9  create azure-ad/federation", "8 changes made", "8 of them writes",
		"4. Verify", "good     application", "good     certificate", "good     azure-ad", "not yet  realm", "good     people",
		"good     realm         sends people to https://sso.jumpcloud.com/saml2/example-com", "people can sign in",
		"5. The procedure by hand", "6. The same again", "nothing was to be done", "0 of them writes", "Nothing to do",
		"7. A person signs in", "Before, with a password of Azure AD", "Enter password", "3  Microsoft  You are signed in",
		"Now, with a password of JumpCloud", "3  JumpCloud  Log in to Microsoft 365 (example.com)", "5  Microsoft  You are signed in",
		"signed in as ada.abbott@example.com", "JumpCloud's event names ada.abbott", "error code 0, by saml20")
	if r.err != "" {
		t.Errorf("standard error is not empty: %s", r.err)
	}
	if strings.ContainsAny(r.out, "\x1b\r") {
		t.Error("the output has control characters, though it does not go to a terminal")
	}
	for n, state := range []string{"checked", "held", "done", "done", "done", "done", "done", "done", "done", "checked", "good"} {
		if !regexp.MustCompile(fmt.Sprintf(`(?m)^  %2d  %s +\S`, n+1, state)).MatchString(r.out) {
			t.Errorf("row %d is not %q:\n%s", n+1, state, r.out)
		}
	}
}

func TestDefaultRunPreview(t *testing.T) {
	t.Parallel()
	program(t, "preview", "-stand-ins").want(t, exitChanges, "1. Preflight", "2. Preview", "8 changes")
}

func TestPreviewFederatePreview(t *testing.T) {
	s, flags := live(t, nil)
	program(t, with("preview", flags, "-plan", "plan.yaml")...).want(t, exitChanges, "8 changes")
	if n := s.Writes(); n != 0 {
		t.Fatalf("the preview wrote %d times", n)
	}
	program(t, with("apply", flags, "-plan", "plan.yaml", "-yes")...).want(t, exitDone, "live", s.JumpCloudURL, "8 changes made", "11  good")
	if n := s.Writes(); n != 8 {
		t.Fatalf("%d writes, want 8", n)
	}
	program(t, with("preview", flags, "-plan", "plan.yaml")...).want(t, exitDone, "nothing: both services are as the plan says")
	if n := s.Writes(); n != 8 {
		t.Fatalf("the second preview wrote %d times", n-8)
	}
}

func TestServiceAccount(t *testing.T) {
	s, flags := live(t, func(e *federationtest.Env) { e.JumpCloud.ClientID, e.JumpCloud.ClientSecret = "id", "secret" })
	t.Setenv("JUMPCLOUD_API_KEY", "")
	t.Setenv("JUMPCLOUD_CLIENT_ID", "id")
	t.Setenv("JUMPCLOUD_CLIENT_SECRET", "secret")
	program(t, with("apply", flags, "-plan", "plan.yaml", "-yes")...).want(t, exitDone, "8 changes made")
	if n := len(s.JumpCloud.Applications()); n != 1 {
		t.Errorf("%d applications, want 1", n)
	}
}

func TestTechnicalAccountIsMade(t *testing.T) {
	_, flags := live(t, nil)
	plan := planFile(t, strings.NewReplacer("breakglass1@", "emergency@", "# create: true", "create: true").Replace(string(examplePlan)))
	program(t, with("apply", flags, "-plan", plan, "-yes")...).want(t, exitRefused, "no password was supplied")
	t.Setenv("TECHNICAL_PASSWORD", "correct horse battery staple")
	r := program(t, with("apply", flags, "-plan", plan, "-yes", "-v")...)
	r.want(t, exitDone, `create azure-ad/technical-account "emergency@contoso.onmicrosoft.com"`)
	if strings.Contains(r.out+r.err, "correct horse") {
		t.Error("the password is in the output")
	}
}

// terminal is somebody who types.
type terminal struct{ io.Reader }

func (terminal) IsTerminal() bool { return true }

func TestConfirm(t *testing.T) {
	for _, c := range []struct {
		name  string
		stdin io.Reader
		code  int
		says  string
	}{
		{"nobody", strings.NewReader("yes\n"), exitRefused, "-yes"},
		{"no", terminal{strings.NewReader("no\n")}, exitRefused, "the answer was not yes"},
		{"end", terminal{strings.NewReader("")}, exitRefused, "the answer was not yes"},
		{"yes", terminal{strings.NewReader("yes\n")}, exitDone, "8 changes made"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, flags := live(t, nil)
			programAt(t, t.Context(), c.stdin, with("apply", flags, "-plan", "plan.yaml")...).want(t, c.code, c.says)
			if n := s.Writes(); (n > 0) != (c.code == exitDone) {
				t.Errorf("%d writes", n)
			}
		})
	}
}

func TestCredentials(t *testing.T) {
	for _, c := range []struct {
		name  string
		edit  func(*federationtest.Env)
		setup func(*testing.T, *standin.Services)
		code  int
		says  []string
	}{
		{"no key", nil, func(t *testing.T, _ *standin.Services) { t.Setenv("JUMPCLOUD_API_KEY", "") },
			exitUsage, []string{"no credential for JumpCloud", "JUMPCLOUD_API_KEY", "JUMPCLOUD_CLIENT_ID"}},
		{"no token", nil, func(t *testing.T, _ *standin.Services) { t.Setenv("GRAPH_TOKEN", "") },
			exitUsage, []string{"no credential for Azure AD", "GRAPH_TOKEN"}},
		{"neither", nil, func(t *testing.T, _ *standin.Services) {
			t.Setenv("JUMPCLOUD_API_KEY", "")
			t.Setenv("GRAPH_TOKEN", "")
		}, exitUsage, []string{"no credential for JumpCloud", "no credential for Azure AD"}},
		{"two keys", nil, func(t *testing.T, _ *standin.Services) { t.Setenv("JUMPCLOUD_CLIENT_ID", "id") },
			exitUsage, []string{"unset one"}},
		{"wrong key", nil, func(t *testing.T, _ *standin.Services) { t.Setenv("JUMPCLOUD_API_KEY", "the-wrong-key") },
			exitFailed, []string{"JumpCloud answered", "401", "scope needed", "request ID", "-TST", "JUMPCLOUD_API_KEY", "-region"}},
		{"wrong token", nil, func(t *testing.T, _ *standin.Services) { t.Setenv("GRAPH_TOKEN", "the-wrong-token") },
			exitFailed, []string{"Azure AD answered", "401", "permission needed", "request ID", "GRAPH_TOKEN"}},
		{"scope missing", func(e *federationtest.Env) {
			e.JumpCloud.Scopes = []string{"applications", "applicationtemplates.readonly", "groups", "users.readonly", "organizations.readonly"}
		}, nil,
			exitFailed, []string{"JumpCloud answered", "403", "scope needed", "directories.readonly", "request ID"}},
		{"permission to write missing", nil, func(t *testing.T, s *standin.Services) {
			t.Setenv("GRAPH_TOKEN", token(t, s, "Domain.Read.All", "Domain-InternalFederation.Read.All", "User.Read.All", "Organization.Read.All", "RoleManagement.Read.Directory"))
		}, exitRefused, []string{"the token lacks the permission Domain", "what to do", "consent"}},
		{"permission to read missing", nil, func(t *testing.T, s *standin.Services) {
			t.Setenv("GRAPH_TOKEN", token(t, s, "Domain.ReadWrite.All", "User.Read.All", "Organization.Read.All"))
		}, exitFailed, []string{"Azure AD answered", "403", "permission needed", "RoleManagement.Read.Directory", "request ID"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, flags := live(t, c.edit)
			if c.setup != nil {
				c.setup(t, s)
			}
			r := program(t, with("apply", flags, "-plan", "plan.yaml", "-yes")...)
			r.want(t, c.code, c.says...)
			if n := s.Writes(); n != 0 {
				t.Errorf("%d writes", n)
			}
			if strings.Contains(r.out+r.err, "the-wrong-") {
				t.Error("the credential is in the output")
			}
		})
	}
}

func TestRefused(t *testing.T) {
	s, flags := live(t, nil)
	report := filepath.Join(t.TempDir(), "report.json")
	const groups = "groups: [{name: Everyone}]\n"
	for _, c := range []struct {
		name, plan string
		says       []string
	}{
		{"lock-out", "domain: example.com\nmfa: rejectMfaByFederatedIdp\n" + groups, []string{"One thing stands in the way", "uma.underhill@example.com", "consent.lockOut"}},
		{"everything", "domain: example\napplication: {idpEntityID: 'urn:uri:o365'}\n", []string{"4 things stand in the way", "1.", "what to do:", "sample value", "names no group", "second factor"}},
		{"other domain", "domain: example.org\nmfa: rejectMfaByFederatedIdp\n" + groups, []string{"example.org"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			program(t, with("apply", flags, "-plan", planFile(t, c.plan), "-yes", "-report", report)...).want(t, exitRefused, c.says...)
			program(t, with("preview", flags, "-plan", planFile(t, c.plan))...).want(t, exitRefused)
			if n := s.Writes(); n != 0 {
				t.Errorf("%d writes", n)
			}
			if err := cli.CheckNew(report); err != nil {
				t.Errorf("a run that did nothing left a report: %v", err)
			}
		})
	}
}

func TestInterruptedRunResumes(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s, flags := live(t, func(e *federationtest.Env) {
		e.JumpCloud.OnChange = func(o jumpcloud.Object) {
			if o.Type == jumpcloud.ApplicationObject {
				cancel()
			}
		}
	})
	dir := t.TempDir()
	first, second, third := filepath.Join(dir, "1.json"), filepath.Join(dir, "2.json"), filepath.Join(dir, "3.json")
	programAt(t, ctx, strings.NewReader(""), with("apply", flags, "-plan", "plan.yaml", "-yes", "-report", first)...).
		want(t, exitInterrupted, "Interrupted.", "What was sent by then:", "create jumpcloud/application", "apply -resume ", first)
	if _, federated := s.AzureAD.Federation("example.com"); federated || len(s.JumpCloud.Applications()) != 1 {
		t.Fatal("the run was not interrupted where it should have been")
	}
	program(t, with("apply", flags, "-resume", first, "-yes", "-report", second)...).want(t, exitDone, "row 9", "11  good")
	if n := len(s.JumpCloud.Applications()); n != 1 {
		t.Errorf("%d applications, want 1", n)
	}

	program(t, with("apply", flags, "-resume", first, "-report", second)...).want(t, exitUsage, "exists already")
	program(t, with("revert", flags, second)...).want(t, exitRefused, "-yes")
	program(t, with("revert", flags, second, "-yes", "-report", third)...).want(t, exitDone, "delete azure-ad/federation")
	if _, federated := s.AzureAD.Federation("example.com"); federated {
		t.Error("the domain is federated still")
	}
}

func TestInterruptedBeforeAnything(t *testing.T) {
	s, flags := live(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	programAt(t, ctx, strings.NewReader(""), with("apply", flags, "-plan", "plan.yaml", "-yes")...).
		want(t, exitInterrupted, "Interrupted.", "Nothing was written.", "run the same command")
	if s.Writes() != 0 {
		t.Error("it wrote")
	}
}

func TestInterruptedQuestion(t *testing.T) {
	s, flags := live(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	defer w.Close()
	done := make(chan result)
	go func() { done <- programAt(t, ctx, terminal{r}, with("apply", flags, "-plan", "plan.yaml")...) }()
	// The question is asked after the gates have read the organisation for
	// the second time; cancelling at any moment before must do as well.
	time.Sleep(300 * time.Millisecond)
	cancel()
	(<-done).want(t, exitInterrupted, "Interrupted.", "Nothing was written.")
	if s.Writes() != 0 {
		t.Error("it wrote")
	}
}

func TestWaiting(t *testing.T) {
	_, flags := live(t, func(e *federationtest.Env) { e.AzureAD.RealmLag = time.Hour })
	program(t, with("apply", flags, "-plan", "plan.yaml", "-yes")...).want(t, exitDone, "not yet  realm", "Not in effect yet", "-wait", "11  waiting")
	program(t, with("apply", flags, "-plan", "plan.yaml", "-wait", "1500ms", "-ask-every", "200ms")...).
		want(t, exitWaiting, "nothing was to be done", "not yet  realm", "as before", "Not in effect after 1.5s")
	program(t, with("apply", flags, "-plan", "plan.yaml", "-wait", "1500ms")...).want(t, exitWaiting, "not yet  realm", "realm: still says Managed", "as before", "Not in effect after 1.5s")
}

// A report that cannot be kept ends the run before the next write.
func TestReportCannotBeWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gone")
	s, flags := live(t, func(e *federationtest.Env) {
		e.JumpCloud.OnChange = func(jumpcloud.Object) { os.RemoveAll(dir) }
	})
	flags = with("apply", flags, "-plan", "plan.yaml", "-yes", "-report", filepath.Join(dir, "r.json"))
	program(t, flags...).want(t, exitUsage, "no such file or directory")
	if s.Requests() != 0 {
		t.Error("a service was asked")
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	program(t, flags...).want(t, exitFailed, "not stored")
	if s.Writes() == 0 {
		t.Error("nothing was written, so that no report was due")
	}
	if _, federated := s.AzureAD.Federation("example.com"); federated {
		t.Error("it went on without its report")
	}
}

func TestServiceFails(t *testing.T) {
	s, flags := live(t, nil)
	s.Close()
	program(t, with("apply", flags, "-plan", "plan.yaml", "-yes")...).want(t, exitFailed, "could not be asked", "cause", "refused")
}

func TestFlags(t *testing.T) {
	t.Setenv("JUMPCLOUD_API_KEY", "key")
	dir := t.TempDir()
	broken := filepath.Join(dir, "broken")
	os.WriteFile(broken, []byte("domain: example.com\nmfaa: x\n"), 0o600)
	example := planFile(t, string(examplePlan))
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"-h"}, exitDone, "Exit codes"},
		{[]string{"help"}, exitDone, "federate overview"},
		{[]string{"-version"}, exitDone, "go1."},
		{[]string{"-nonsense"}, exitUsage, "-nonsense"},
		{[]string{"nonsense"}, exitUsage, "no command"},
		{[]string{"apply", "-h"}, exitDone, "-proposal"},
		{[]string{"apply", "-nonsense"}, exitUsage, "-nonsense"},
		{[]string{"apply", "plan.yaml", "-plan", "x"}, exitUsage, "no arguments"},
		{[]string{"demo", "-o", "json"}, exitUsage, "for reading"},
		{[]string{"apply"}, exitUsage, "-plan"},
		{[]string{"apply", "-plan", "a", "-o", "xml"}, exitUsage, "none of table, json, markdown"},
		{[]string{"preview", "-plan", "a", "-o", "csv"}, exitUsage, "none of table, json, markdown"},
		{[]string{"apply", "-plan", "a", "-resume", "b"}, exitUsage, "only one"},
		{[]string{"apply", "-proposal", "a", "-plan", "b"}, exitUsage, "leave out -plan"},
		{[]string{"apply", "-plan", "a", "-preview", "-report", filepath.Join(dir, "r")}, exitUsage, "no report"},
		{[]string{"apply", "-plan", "a", "-report", broken}, exitUsage, "exists already"},
		{[]string{"apply", "-plan", "a", "-wait", "-1s"}, exitUsage, "negative"},
		{[]string{"apply", "-plan", "a", "-wait", "soon"}, exitUsage, "-wait"},
		{[]string{"apply", "-plan", "a", "-people", "3"}, exitUsage, "-stand-ins"},
		{[]string{"apply", "-plan", filepath.Join(dir, "none")}, exitUsage, "cannot be read"},
		{[]string{"apply", "-plan", broken}, exitUsage, "mfaa"},
		{[]string{"apply", "-resume", broken}, exitUsage, "no report"},
		{[]string{"apply", "-proposal", broken}, exitUsage, "no proposal"},
		{[]string{"inspect"}, exitUsage, "one domain"},
		{[]string{"overview", "example.com"}, exitUsage, "no arguments"},
		{[]string{"revert"}, exitUsage, "one or more reports"},
		{[]string{"revert", broken}, exitUsage, "no report"},
		{[]string{"defederate", "example.com"}, exitUsage, "-passwords"},
		{[]string{"defederate", "-passwords", "known"}, exitUsage, "one domain"},
		{[]string{"repair", "-plan", "a"}, exitUsage, "-immutable-ids"},
		{[]string{"preflight", "-plan", "a", "-before", "x", "-o", "csv"}, exitUsage, "-before"},
		{[]string{"preflight", "-stand-ins", "-before", filepath.Join(dir, "none")}, exitUsage, "no such file"},
		{[]string{"preflight", "-plan", "a", "-bom"}, exitUsage, "-o csv"},
		{[]string{"preflight", "-plan", "a", "-reason", "no-email"}, exitUsage, "-lock-outs"},
		{[]string{"preflight", "-stand-ins", "-o", "csv", "-lock-outs", "-reason", "ugly"}, exitUsage, "ugly"},
		{[]string{"verify", "-plan", example, "-region", "mars"}, exitUsage, "us, eu, in"},
		{[]string{"verify", "-plan", example, "-cloud", "nine"}, exitUsage, "usgov-l4"},
		{[]string{"verify", "-plan", example, "-jumpcloud-url", "http://jumpcloud.example"}, exitUsage, "plain http"},
		{[]string{"verify", "-plan", example, "-graph-url", "graph.example"}, exitUsage, "GraphURL"},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) { program(t, c.args...).want(t, c.code, c.says) })
	}
}

func token(t *testing.T, s *standin.Services, permissions ...string) string {
	t.Helper()
	tok, err := s.AzureAD.Credential(permissions...).GetToken(t.Context(), policy.TokenRequestOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return tok.Token
}
