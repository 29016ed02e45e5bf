package federation_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
)

// site is an environment with what a gate's test may change about a run.
type site struct {
	*federationtest.Env
	plan federation.Plan
	opts federation.Options
	cred []string // permissions; nil means all
	user string   // who is signed in; "" means an application
}

func newSite(o *federationtest.Options) *site {
	env := federationtest.New(o)
	return &site{Env: env, plan: env.Plan()}
}

func (s *site) federator() *federation.Federator {
	cred := s.AzureAD.Credential(s.cred...)
	if s.user != "" {
		cred = s.AzureAD.SignIn(s.user, aadtest.AllPermissions()...)
	}
	return federation.New(s.JumpCloud.Client(nil), s.AzureAD.ClientWith(cred, nil), &s.opts)
}

// gate is one gate: how it comes to be shut, and how it opens.
type gate struct {
	name string // of the golden file
	code federation.Code
	opts *federationtest.Options
	shut func(*testing.T, *site)

	severity federation.Severity // default: a refusal
	count    int                 // of findings with this code; default 1

	// mend puts right what the message asks for; consent is what the plan
	// says instead. After each, Federate writes.
	mend    func(*testing.T, *site)
	consent func(*federation.Plan)
}

func TestGates(t *testing.T) {
	var files []string
	seen := make(map[federation.Code]bool)
	for i, g := range slices.Concat(domainGates, applicationGates, directoryGates, administratorGates, signedInGates, planGates, sharedGates) {
		file := "gates/" + g.name + ".txt"
		files = append(files, file)
		seen[g.code] = true
		t.Run(g.name, func(t *testing.T) {
			thin(t, i)
			synctest.Test(t, func(t *testing.T) { g.check(t, file) })
		})
	}
	federation.GoldenFiles(t, "gates", files)
	for name, code := range codes(t) {
		if !seen[code] && code != federation.CodeDrift { // which is Verify's
			t.Errorf("no test shuts the gate of %s", name)
		}
	}
}

// codes returns the constants of type Code that speak of gates and drift: not
// those of people, nor those that only Defederate, Repair, Revert and batches tell.
func codes(t *testing.T) map[string]federation.Code {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]federation.Code)
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			v, ok := n.(*ast.ValueSpec)
			if !ok || !strings.HasPrefix(v.Names[0].Name, "Code") || strings.HasPrefix(v.Names[0].Name, "CodePerson") {
				return true
			}
			value, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			found[v.Names[0].Name] = federation.Code(value)
			return true
		})
	}
	for _, elsewhere := range []string{"CodePlanPasswords", "CodeOtherProvider", "CodePasswordNeeded", "CodePlanRepair",
		"CodeBatch", "CodeTenants", "CodeRevertForeign", "CodeRevertNothing", "CodeWrongTenant", "CodeWrongOrganization", "CodePlanRotation", "CodeRotation",
		"CodeRotationKey", "CodeRotationBroken", "CodeRotationGap", "CodeSessions", "CodeSignInLog"} {
		delete(found, elsewhere)
	}
	if len(found) < 30 {
		t.Fatalf("the package has only %d codes", len(found))
	}
	return found
}

func (g gate) check(t *testing.T, file string) {
	s := newSite(g.opts)
	if g.shut != nil {
		g.shut(t, s)
	}
	s.ResetLog()
	severity := g.severity
	if severity == "" {
		severity = federation.Refusal
	}
	rep, err := s.federator().Federate(t.Context(), s.plan)
	var p *federation.PreconditionError
	if refused := errors.As(err, &p); refused != (severity == federation.Refusal) || !refused && err != nil {
		t.Fatalf("Federate: %v; want a finding %s with severity %s", err, g.code, severity)
	}
	var found []federation.Finding
	if p != nil {
		found = p.Findings
		if n := s.Writes(); n > 0 || rep.Changed() || len(rep.Steps) > 0 {
			t.Errorf("a refused Federate wrote %d times; report:\n%s", n, rep)
		}
		if rep.Error != err.Error() {
			t.Errorf("the report ends with %q; want %q", rep.Error, err)
		}
		for _, f := range p.Findings {
			if f.Code == federation.CodeLockOut && (len(f.People) == 0 || len(f.People) != len(p.People)) {
				t.Errorf("%d people are in the finding, %d in the error", len(f.People), len(p.People))
			}
			if f.Code != g.code {
				t.Errorf("the gate %s is shut too: %s", f.Code, f)
			}
			if f.Repair == "" {
				t.Errorf("%s does not say what to do: %s", f.Code, f.Message)
			}
		}
	} else {
		found = rep.Findings
		if s.Writes() == 0 {
			t.Error("a warning kept Federate from writing")
		}
	}
	found = slices.DeleteFunc(slices.Clone(found), func(f federation.Finding) bool { return f.Code != g.code || f.Severity != severity })
	if want := max(g.count, 1); len(found) != want {
		t.Fatalf("Federate found %d times %s %s; want %d\n%v\n%s", len(found), severity, g.code, want, err, rep)
	}
	federation.Golden(t, file, federation.Stable(render(found)))
	g.checkPreflight(t, s, found)
	if severity == federation.Refusal {
		g.opens(t, s, found[0])
	}
}

// checkPreflight demands that who only looks is told the same.
func (g gate) checkPreflight(t *testing.T, s *site, found []federation.Finding) {
	t.Helper()
	if strings.HasPrefix(string(g.code), "plan-") || found[0].Severity != federation.Refusal || g.code == federation.CodeDomainInitial {
		return // an error, or not to be seen any more
	}
	before := s.Writes()
	pre, err := s.federator().Preflight(t.Context(), s.plan)
	if err != nil {
		t.Fatalf("Preflight: %v", err)
	}
	var told []federation.Finding
	for _, f := range pre.Gates {
		if f.Code == g.code && f.Severity == found[0].Severity {
			told = append(told, f)
		}
	}
	found = slices.Clone(found)
	for i := range found {
		found[i].People = nil // which a preflight has below
	}
	if d := cmp.Diff(found, told); d != "" {
		t.Errorf("Preflight tells of %s otherwise than Federate (-Federate +Preflight):\n%s", g.code, d)
	}
	if n := s.Writes(); n != before {
		t.Errorf("Preflight wrote %d times", n-before)
	}
}

// opens demands that the plan's consent, where there is one, lets Federate
// write and is told in the report, and that mending what was found does.
func (g gate) opens(t *testing.T, s *site, f federation.Finding) {
	t.Helper()
	if (f.Consent != "") != (g.consent != nil) {
		t.Errorf("the finding names the consent %q; the test has one: %t", f.Consent, g.consent != nil)
	}
	switch {
	case g.consent != nil:
		g.consent(&s.plan)
	case g.mend != nil:
		g.mend(t, s)
	default:
		t.Fatal("nothing opens the gate, so the test does not know that Federate would have written")
	}
	s.ResetLog()
	rep, err := s.federator().Federate(t.Context(), s.plan)
	if err != nil {
		t.Fatalf("Federate with the gate open: %v", err)
	}
	if s.Writes() == 0 {
		t.Error("Federate with the gate open wrote nothing, so the test says nothing")
	}
	told := slices.ContainsFunc(rep.Consents, func(c federation.Finding) bool { return c.Code == g.code && c.Consented })
	if told != (g.consent != nil) {
		t.Errorf("the report's consents are %v; the plan consents: %t", rep.Consents, g.consent != nil)
	}
	if g.consent != nil && len(rep.Consents) != 1 {
		t.Errorf("the plan consents to %d findings; want 1: %v", len(rep.Consents), rep.Consents)
	}
}

// render writes findings as a person reads them.
func render(fs []federation.Finding) string {
	var b strings.Builder
	for _, f := range fs {
		fmt.Fprintf(&b, "%s %s: %s\n\n%s\n", f.Severity, f.Code, f.Subject, f.Message)
		if f.Repair != "" {
			fmt.Fprintf(&b, "-> %s\n", f.Repair)
		}
		if f.Consent != "" {
			fmt.Fprintf(&b, "or consent.%s\n", f.Consent)
		}
	}
	return b.String()
}

// use gives the environment an application that signs with a certificate out of
// testdata.
func (s *site) use(t *testing.T, name string) {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name + ".pem")
	if err != nil {
		t.Fatal(err)
	}
	c, err := certs.ParseOne(b)
	if err != nil {
		t.Fatal(err)
	}
	if now := c.X509().NotBefore; time.Now().Before(now) {
		time.Sleep(time.Until(now) + time.Hour)
	}
	id := s.JumpCloud.AddApplication("office365", "Office", entityID, loginURL)
	s.JumpCloud.SetApplicationSetting(id, "idpCertificate", base64.StdEncoding.EncodeToString(c.PEM()))
}

// administrators replaces the environment's two by others.
func (s *site) administrators(users ...aad.User) {
	s.plan.TechnicalAccount = federation.TechnicalAccount{}
	for _, upn := range s.Administrators {
		s.AzureAD.RemoveUser(upn)
	}
	for _, u := range users {
		s.AzureAD.MakeGlobalAdministrator(s.AzureAD.AddUser(u))
	}
}
