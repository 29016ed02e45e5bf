package main

import (
	"context"
	"crypto/x509/pkix"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/examples/internal/standin"
)

// contextOf is a context for what is made once for all tests.
func contextOf() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), time.Minute)
}

// TestLive reads the tenant from a stand-in of Azure AD that listens, as federate does.
func TestLive(t *testing.T) {
	st, err := newStage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	posted, _, err := st.signIn(t.Context(), "ada.abbott")
	if err != nil {
		t.Fatal(err)
	}
	app, _ := st.env.JumpCloud.Application(st.application)
	own := string(app.Certificate.PEM())
	another, err := certs.NewKeyPair(pkix.Name{CommonName: "another"}, certs.Lifetime{NotBefore: st.now, NotAfter: st.now.AddDate(1, 0, 0)}, 2048)
	if err != nil {
		t.Fatal(err)
	}
	s, err := standin.Serve(st.env, standin.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	t.Setenv("GRAPH_TOKEN", s.GraphToken)
	files(t, map[string]string{
		"page.html": posting(posted),
		"plan.yaml": "domain: example.com\nmfa: acceptIfMfaDoneByFederatedIdp\ntechnicalAccount: {userPrincipalName: " +
			"breakglass1@contoso.onmicrosoft.com}\n" +
			"groups: [{name: Everyone}]\n",
		"other.yaml": "domain: example.org\nmfa: rejectMfaByFederatedIdp\ntechnicalAccount: {userPrincipalName: " +
			"breakglass1@contoso.onmicrosoft.com}\n" +
			"groups: [{name: Everyone}]\n",
		"note.txt":      "AADSTS50107",
		"jumpcloud.pem": own,
		"another.pem":   string(another.Cert().PEM()),
	})
	live := []string{"-live", "-graph-url", s.AzureADURL, "-login-url", s.AzureADURL, "-graph-token-env", "GRAPH_TOKEN", "-at",
		"2026-03-02T09:01:00Z"}
	before := st.env.AzureAD.Writes()
	for _, test := range []struct {
		name  string
		edit  func()
		args  []string
		code  int
		says  []string
		quiet []string
	}{
		{"as it is", nil, append(live, "page.html"), exitDone,
			[]string{"Accepted: Azure AD signs ada.abbott@example.com in", "federated: example.com"}, []string{"plan", "-mfa"}},
		{"enforced", func() { st.edit(func(f *aad.Federation) { f.MFA = aad.EnforceMFAByFederatedIdP }) }, append(live, "page.html"), exitDone,
			[]string{"Accepted", "one thing is doubtful", "-mfa yes or -mfa no says so"}, nil},
		{"enforced and demanded", nil, append(live, "-mfa=yes", "page.html"), exitRefused,
			[]string{"Refused: mfa: ", "the browser goes back and forth"}, []string{"-mfa yes"}},
		{"enforced and not demanded", nil, append(live, "-mfa=no", "page.html"), exitDone, []string{"Accepted"}, []string{"doubtful",
			"-mfa yes"}},
		{"and as planned", func() { st.edit(func(f *aad.Federation) { f.MFA = aad.AcceptIfMFADoneByFederatedIdP }) }, append(live,
			"-plan", "plan.yaml", "page.html"), exitDone, []string{"Accepted"}, []string{"the plan wants"}},
		{"plan of another domain", nil, append(live, "-plan", "other.yaml", "page.html"), exitDone,
			[]string{"Accepted", "plan the tenant has no verified domain example.org"}, nil},
		{"plan only", nil, []string{"-plan", "plan.yaml", "-at", "2026-03-02T09:01:00Z", "page.html"}, exitCannotSay,
			[]string{"Cannot say, by the plan, because of", "is that of example.com", "no certificate", "it names the certificate",
				"-live asks the tenant"}, nil},
		{"plan and certificate", nil, []string{"-plan", "plan.yaml", "-certificate", "jumpcloud.pem", "-at", "2026-03-02T09:01:00Z", "page.html"},
			exitCannotSay, []string{"Cannot say, by the plan, because of user", "is signed by signingCertificate", "A plan has no users"},
			[]string{"-certificate", "All of this is unproved"}},
		{"plan and another certificate", nil, []string{"-plan", "plan.yaml", "-certificate", "another.pem", "-at", "2026-03-02T09:01:00Z", "page.html"},
			exitRefused, []string{"Refused with AADSTS5000811, by the plan"}, nil},
		{"plan of another domain only", nil, []string{"-plan", "other.yaml", "-at", "2026-03-02T09:01:00Z", "page.html"}, exitRefused,
			[]string{"Refused with AADSTS50107, by the plan", "another domain of the tenant may have another issuer"}, nil},
		{"not needed", nil, append(live, "note.txt"), exitDone, []string{"There is one code in note.txt", "The tenant was not needed"}, nil},
		{"not as planned", func() {
			st.edit(func(f *aad.Federation) { f.IssuerURI, f.MFA = "urn:uri:example", aad.RejectMFAByFederatedIdP })
		},
			append(live, "-plan", "plan.yaml", "page.html"), exitRefused,
			[]string{"Refused with AADSTS50107", `issuerUri: the plan wants "urn:uri:example.com", the tenant has "urn:uri:example"`,
				`federatedIdpMfaBehavior: the plan wants "acceptIfMfaDoneByFederatedIdp"`}, nil},
		{"managed", func() { st.env.AzureAD.RemoveFederation("example.com") }, append(live, "-plan", "plan.yaml", "page.html"), exitRefused,
			[]string{"Refused with AADSTS50107", "example.com is not federated", "none federated"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.edit != nil {
				test.edit()
			}
			code, out, errs := program(t, "", test.args...)
			if code != test.code || errs != "" {
				t.Errorf("exit code %d, want %d\n%s%s", code, test.code, errs, out)
			}
			flat := strings.Join(strings.Fields(out), " ")
			for _, s := range test.says {
				if !strings.Contains(flat, s) {
					t.Errorf("it does not say %q:\n%s", s, out)
				}
			}
			for _, s := range test.quiet {
				if strings.Contains(flat, s) {
					t.Errorf("it says %q:\n%s", s, out)
				}
			}
		})
	}
	if n := st.env.AzureAD.Writes() - before; n != 0 {
		t.Errorf("%d writes", n)
	}
	// Azure AD that does not answer, and one that refuses.
	st.env.AzureAD.RevokeTokens()
	code, out, errs := program(t, "", append(live, "page.html")...)
	if code != exitFailed || out != "" || !strings.Contains(errs, "401") || !strings.Contains(errs, "GRAPH_TOKEN") {
		t.Errorf("exit code %d: %s%s", code, errs, out)
	}
	if strings.Contains(errs, s.GraphToken) {
		t.Error("the token is told")
	}
	// Without a credential nobody is asked.
	t.Setenv("GRAPH_TOKEN", "")
	if code, _, errs := program(t, "", append(live, "page.html")...); code != exitUsage || !strings.Contains(errs,
		"GRAPH_TOKEN, which is empty") {
		t.Errorf("exit code %d: %s", code, errs)
	}
}

// TestInterrupted: Ctrl-C while Azure AD does not answer.
func TestInterrupted(t *testing.T) {
	c := captured()
	ctx, cancel := context.WithCancel(t.Context())
	st, err := newStage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	st.env.AzureAD.OnRequest = func(*http.Request) { cancel() }
	s, err := standin.Serve(st.env, standin.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	t.Setenv("GRAPH_TOKEN", s.GraphToken)
	files(t, map[string]string{"x.xml": c.xml})
	var out, errs strings.Builder
	code := run(ctx, []string{"-live", "-graph-url", s.AzureADURL, "-login-url", s.AzureADURL, "-graph-token-env", "GRAPH_TOKEN", "x.xml"},
		strings.NewReader(""), &out, &errs)
	if code != exitInterrupted || out.String() != "" || strings.TrimSpace(errs.String()) != "interrupted" {
		t.Errorf("exit code %d: %q, %q", code, errs.String(), out.String())
	}
}

// TestPlanned holds what a plan is taken to want against what federating by it makes.
func TestPlanned(t *testing.T) {
	st, err := newStage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	have, ok := st.env.AzureAD.Federation(st.env.Domain)
	want := plannedTenant(st.env.Plan()).Domains[0].Federation
	if !ok || have.IssuerURI != want.IssuerURI || have.Protocol != want.Protocol || have.MFA != want.MFA {
		t.Errorf("%+v; want %+v", have, want)
	}
}

// TestCorpus reads what other projects test with: none of it is for this tenant, and
// none of it is printed whole.
func TestCorpus(t *testing.T) {
	dir := os.Getenv("JCAAD_CORPUS")
	if dir == "" {
		t.Skip("JCAAD_CORPUS is not set: the corpus is not part of the repository")
	}
	var found []string
	for _, folder := range []string{"signed", "hostile-xml", "metadata", "certs"} {
		err := filepath.WalkDir(filepath.Join(dir, folder), func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				found = append(found, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	c := captured()
	files(t, map[string]string{"tenant.json": c.tenant})
	codes := make(map[int]int)
	for _, path := range found {
		code, out, errs := program(t, "", "-tenant", "tenant.json", "-at", "2026-03-02T09:01:00Z", path)
		codes[code]++
		if code == exitDone && !strings.Contains(out, "nothing is judged") || code == exitFailed {
			t.Errorf("%s: exit code %d\n%s%s", path, code, out, errs)
		}
		if len(out)+len(errs) > 20<<10 {
			t.Errorf("%s: %d bytes", path, len(out)+len(errs))
		}
	}
	if codes[exitRefused] < 100 {
		t.Errorf("of %d files %d are refused", len(found), codes[exitRefused])
	}
	t.Log("exit codes:", codes)
}
