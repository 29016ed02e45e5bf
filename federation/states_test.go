package federation_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
)

const (
	entityID = "urn:uri:example.com"
	loginURL = "https://sso.jumpcloud.com/saml2/example-com"
)

// foreignCert is a certificate that is not JumpCloud's.
func foreignCert(t testing.TB) certs.Cert {
	t.Helper()
	b, err := os.ReadFile("testdata/third.pem")
	if err != nil {
		t.Fatal(err)
	}
	c, err := certs.ParseOne(b)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// okta is a federation with somebody else.
func okta(t testing.TB) aad.Federation {
	return aad.Federation{
		DisplayName: "Example", IssuerURI: "http://www.okta.com/exk1abc", Protocol: aad.WSFed, MFA: aad.EnforceMFAByFederatedIdP,
		PassiveSignInURI: "https://example.okta.com/app/office365/exk1abc/sso/wsfed/passive",
		ActiveSignInURI:  "https://example.okta.com/app/office365/exk1abc/sso/wsfed/active",
		SignOutURI:       "https://example.okta.com/login/signout", SigningCertificate: foreignCert(t),
	}
}

// federated federates the environment's domain and forgets the requests.
func federated(t testing.TB, env *federationtest.Env) *federation.Report {
	t.Helper()
	rep, err := env.Federator(nil).Federate(t.Context(), env.Plan())
	if err != nil {
		t.Fatalf("Federate: %v", err)
	}
	if env.Writes() == 0 {
		t.Fatal("the first run wrote nothing, so the test says nothing")
	}
	env.ResetLog()
	return rep
}

// edit changes the federation of the environment's domain behind our back.
func edit(t testing.TB, env *federationtest.Env, change func(*aad.Federation)) {
	t.Helper()
	f, ok := env.AzureAD.Federation(env.Domain)
	if !ok {
		t.Fatalf("%s is not federated", env.Domain)
	}
	change(&f)
	env.AzureAD.SetFederation(env.Domain, f)
}

// app is the ID of the environment's application.
func app(t testing.TB, env *federationtest.Env) string {
	t.Helper()
	apps := env.JumpCloud.Applications()
	if len(apps) == 0 {
		t.Fatal("there is no application")
	}
	return apps[0].ID
}

// half leaves the domain federated without a readable configuration, as a
// creation does that fails half way.
func half(t *testing.T, env *federationtest.Env) {
	t.Helper()
	env.AzureAD.Quirks.HalfState = 1
	_, err := env.AzureAD.Client(nil).CreateFederation(t.Context(), env.Domain, okta(t))
	if err == nil {
		t.Fatal("the creation did not fail")
	}
	env.ResetLog()
}

// inState brings an environment into a state, and says what Federate does then.
type inState struct {
	name   string // of the golden file
	state  federation.State
	domain string // default: the environment's
	make   func(*testing.T, *federationtest.Env)

	refuses federation.Code        // or
	steps   []string               // of the report, and the domain is federated afterwards
	consent func(*federation.Plan) // what makes a refused plan converge
	rest    federation.State       // the state afterwards, if not federated
}

var inStates = []inState{
	{name: "unknown", state: federation.StateUnknown, domain: "elsewhere.example", refuses: federation.CodeDomainUnknown},
	{name: "unverified", state: federation.StateUnverified, domain: "new.example", refuses: federation.CodeDomainUnverified,
		make: func(_ *testing.T, env *federationtest.Env) { env.AzureAD.AddDomain("new.example", aadtest.Unverified) }},
	{name: "initial", state: federation.StateInitial, domain: "contoso.onmicrosoft.com", refuses: federation.CodeDomainInitial},
	{name: "inherits", state: federation.StateInherits, domain: "sales.eu.example.com", refuses: federation.CodeDomainInherits,
		make: func(_ *testing.T, env *federationtest.Env) { env.AzureAD.AddDomain("sales.eu.example.com") }},
	{name: "managed", state: federation.StateManaged,
		steps: []string{"create jumpcloud/application", "add jumpcloud/application-group", "add jumpcloud/directory-group", "create azure-ad/federation"}},
	{name: "prepared: application without federation", state: federation.StatePrepared,
		make: func(_ *testing.T, env *federationtest.Env) {
			env.JumpCloud.AddApplication("office365", "Office", entityID, loginURL)
		},
		steps: []string{"add jumpcloud/application-group", "add jumpcloud/directory-group", "create azure-ad/federation"}},
	{name: "federated", state: federation.StateFederated,
		make: func(t *testing.T, env *federationtest.Env) { federated(t, env) }},
	{name: "differs", state: federation.StateDiffers,
		make: func(t *testing.T, env *federationtest.Env) {
			federated(t, env)
			edit(t, env, func(f *aad.Federation) { f.PassiveSignInURI = "https://sso.jumpcloud.com/saml2/old" })
		},
		steps: []string{"update azure-ad/federation"}},
	{name: "rotating", state: federation.StateRotating,
		make: func(t *testing.T, env *federationtest.Env) {
			federated(t, env)
			edit(t, env, func(f *aad.Federation) {
				f.SigningCertificate, f.NextSigningCertificate = foreignCert(t), f.SigningCertificate
			})
		}, rest: federation.StateRotating},
	{name: "unknown next certificate", state: federation.StateUnknownNext, rest: federation.StateUnknownNext,
		make: func(t *testing.T, env *federationtest.Env) {
			federated(t, env)
			edit(t, env, func(f *aad.Federation) { f.NextSigningCertificate = foreignCert(t) })
		}},
	{name: "unreadable next certificate", state: federation.StateUnknownNext, rest: federation.StateUnknownNext,
		make: func(t *testing.T, env *federationtest.Env) {
			federated(t, env)
			edit(t, env, func(f *aad.Federation) { f.RawNextSigningCertificate = "not a certificate" })
		}},
	{name: "mismatch: certificate of neither slot", state: federation.StateMismatch,
		make: func(t *testing.T, env *federationtest.Env) {
			federated(t, env)
			env.JumpCloud.RegenerateCertificate(app(t, env))
		},
		steps: []string{"update azure-ad/federation"}, rest: federation.StateUnknownNext}, // the one before, which is kept
	{name: "orphaned: application is gone", state: federation.StateOrphaned,
		make: func(t *testing.T, env *federationtest.Env) {
			federated(t, env)
			env.JumpCloud.DeleteApplication(app(t, env))
		},
		steps: []string{"create jumpcloud/application", "add jumpcloud/application-group", "update azure-ad/federation"}},
	{name: "ambiguous, managed", state: federation.StateAmbiguous,
		steps: []string{"add jumpcloud/application-group", "add jumpcloud/directory-group", "create azure-ad/federation"},
		make: func(_ *testing.T, env *federationtest.Env) {
			env.JumpCloud.AddApplication("office365", "Office", entityID, loginURL)
			env.JumpCloud.AddApplication("saml2", "Office by hand", entityID, loginURL+"-2")
		}},
	{name: "ambiguous, federated", state: federation.StateFederated,
		make: func(t *testing.T, env *federationtest.Env) {
			federated(t, env)
			env.JumpCloud.AddApplication("office365", "Office again", entityID, loginURL+"-2")
		}},
	{name: "foreign", state: federation.StateForeign, refuses: federation.CodeDomainForeign,
		make:    func(t *testing.T, env *federationtest.Env) { env.AzureAD.SetFederation(env.Domain, okta(t)) },
		consent: func(p *federation.Plan) { p.Consent.TakeOver = true },
		steps:   []string{"create jumpcloud/application", "add jumpcloud/application-group", "add jumpcloud/directory-group", "update azure-ad/federation"}},
	{name: "foreign, unheard of", state: federation.StateForeign, refuses: federation.CodeDomainForeign,
		make: func(t *testing.T, env *federationtest.Env) {
			f := okta(t)
			f.IssuerURI, f.PassiveSignInURI = "urn:idp:corp", "https://login.corp.example/saml"
			f.NextSigningCertificate = foreignCert(t)
			env.AzureAD.SetFederation(env.Domain, f)
		},
		consent: func(p *federation.Plan) { p.Consent.TakeOver = true },
		steps:   []string{"create jumpcloud/application", "add jumpcloud/application-group", "add jumpcloud/directory-group", "update azure-ad/federation"}},
	{name: "half-federated", state: federation.StateHalf, refuses: federation.CodeDomainHalf,
		make:    half,
		consent: func(p *federation.Plan) { p.Consent.Recover = true },
		steps:   []string{"create jumpcloud/application", "add jumpcloud/application-group", "add jumpcloud/directory-group", "update azure-ad/authentication-type", "create azure-ad/federation"}},
}

func TestStates(t *testing.T) {
	reached := make(map[federation.State]bool)
	var files []string
	for _, tt := range inStates {
		file := "states/" + strings.NewReplacer(" ", "-", ",", "", ":", "").Replace(tt.name) + ".txt"
		files = append(files, file)
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { tt.run(t, file) })
		})
		reached[tt.state] = true
	}
	for _, s := range federation.States() {
		if !reached[s] {
			t.Errorf("no test reaches the state %s", s)
		}
		if s.Meaning() == "" || s.Next() == "" || s.Federate() == "" {
			t.Errorf("the state %s has no decided outcome: %q, %q, %q", s, s.Meaning(), s.Federate(), s.Next())
		}
	}
	federation.GoldenFiles(t, "states", files)
}

func (tt inState) run(t *testing.T, file string) {
	env := federationtest.New(nil)
	if tt.make != nil {
		tt.make(t, env)
	}
	env.ResetLog()
	f := env.Federator(nil)
	plan := env.Plan()
	if tt.domain != "" {
		plan.Domain, plan.TechnicalAccount = tt.domain, federation.TechnicalAccount{}
	}
	s, err := f.Inspect(t.Context(), plan.Domain)
	if err != nil {
		t.Fatalf("Inspect: %v", err)
	}
	if s.State != tt.state {
		t.Errorf("Inspect says %s; want %s", s.State, tt.state)
	}
	federation.Golden(t, file, federation.Stable(s.String()))
	if n := env.Writes(); n > 0 {
		t.Errorf("Inspect wrote %d times", n)
	}

	outcome := tt.state.Federate()
	if refuses := strings.HasPrefix(outcome, "refuses"); refuses != (tt.refuses != "") {
		t.Errorf("the table of states says that Federate %s", outcome)
	}
	if tt.refuses != "" {
		tt.refused(t, env, plan)
		if tt.consent == nil {
			return
		}
		tt.consent(&plan)
	}
	tt.converges(t, env, plan)
}

// refused demands that Federate refuses for the one reason, and writes nothing.
func (tt inState) refused(t *testing.T, env *federationtest.Env, plan federation.Plan) {
	t.Helper()
	rep, err := env.Federator(nil).Federate(t.Context(), plan)
	var p *federation.PreconditionError
	if !errors.As(err, &p) || !p.Has(tt.refuses) {
		t.Fatalf("Federate: %v; want a refusal with %s", err, tt.refuses)
	}
	if len(p.Findings) > 1 {
		t.Errorf("Federate refuses for more than one reason: %v", err)
	}
	if n := env.Writes(); n > 0 || rep.Changed() {
		t.Errorf("a refused Federate wrote %d times, and the report says %t", n, rep.Changed())
	}
}

// converges demands that Federate makes the steps, and that nothing is to be
// done afterwards.
func (tt inState) converges(t *testing.T, env *federationtest.Env, plan federation.Plan) {
	t.Helper()
	f := env.Federator(nil)
	rep, err := f.Federate(t.Context(), plan)
	if err != nil {
		t.Fatalf("Federate: %v", err)
	}
	var steps []string
	for _, s := range rep.Steps {
		steps = append(steps, string(s.Change.Action)+" "+string(s.Change.Resource))
		if s.Outcome != federation.Done {
			t.Errorf("%v is %s; want done", s.Change, s.Outcome)
		}
	}
	slices.Sort(steps)
	if want := slices.Sorted(slices.Values(tt.steps)); !slices.Equal(steps, want) {
		t.Errorf("Federate made the steps %q; want %q", steps, want)
	}
	want := federation.StateFederated
	if tt.rest != "" {
		want = tt.rest
	}
	if rep.After != want {
		t.Errorf("Federate leaves the state %s; want %s", rep.After, want)
	}
	if cs, err := f.Preview(t.Context(), rep.Plan); err != nil || len(cs) > 0 {
		t.Errorf("Preview afterwards: %v, %v; want nothing to be done", cs, err)
	}
	fed, ok := env.AzureAD.Federation(plan.Domain)
	a, _ := env.JumpCloud.Application(rep.Plan.Application.ID)
	if !ok || fed.IssuerURI != a.EntityID || fed.SigningCertificate != a.Certificate && want != federation.StateRotating || fed.PassiveSignInURI != a.SSOURL {
		t.Errorf("the domain is federated with %s by %s; want %s by %s", fed.IssuerURI, fed.SigningCertificate.Thumbprint(), a.EntityID, a.Certificate.Thumbprint())
	}
}

func TestInspectRefusesDomain(t *testing.T) {
	for _, domain := range []string{"", "example", "exa mple.com", "https://example.com", "bücher.example"} {
		env := federationtest.New(nil)
		_, err := env.Federator(nil).Inspect(t.Context(), domain)
		var p *federation.PreconditionError
		if !errors.As(err, &p) || !p.Has(federation.CodePlanDomain) {
			t.Errorf("Inspect(%q) = %v; want a refusal with %s", domain, err, federation.CodePlanDomain)
		}
		if n := env.Requests(); n > 0 {
			t.Errorf("Inspect(%q) made %d requests", domain, n)
		}
	}
}
