package federation

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad"
)

// goodPlan is a plan that Validate has nothing against.
func goodPlan() Plan {
	return Plan{
		Domain: "example.com",
		Groups: []Group{{Name: "Microsoft 365"}},
		MFA:    aad.AcceptIfMFADoneByFederatedIdP,
	}
}

func TestPlanDefaults(t *testing.T) {
	in := goodPlan()
	in.Domain = " Example.COM. "
	got, err := in.normalize()
	if err != nil {
		t.Fatal(err)
	}
	want := Plan{
		Domain:      "example.com",
		Application: Application{IdPEntityID: "urn:uri:example.com", Template: "office365"},
		Groups:      []Group{{Name: "Microsoft 365"}},
		Directory:   Directory{Groups: []string{"Microsoft 365"}},
		BrandName:   "example.com",
		MFA:         aad.AcceptIfMFADoneByFederatedIdP,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("normalize (-want +got):\n%s", d)
	}
	again, err := got.normalize()
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(got, again); d != "" {
		t.Errorf("a normalised plan changes when it is normalised again:\n%s", d)
	}
}

func TestPlanValidate(t *testing.T) {
	for name, test := range map[string]struct {
		edit func(*Plan)
		code Code
		text string // what was found, and what to do
	}{
		"no domain":               {func(p *Plan) { p.Domain = "" }, CodePlanDomain, "names no domain"},
		"domain without dot":      {func(p *Plan) { p.Domain = "example" }, CodePlanDomain, "has no dot"},
		"a URL for a domain":      {func(p *Plan) { p.Domain = "https://example.com" }, CodePlanDomain, "is not a domain name"},
		"an address for a domain": {func(p *Plan) { p.Domain = "ann@example.com" }, CodePlanDomain, "is not a domain name"},
		"empty label":             {func(p *Plan) { p.Domain = "example..com" }, CodePlanDomain, "is not a domain name"},
		"unicode domain":          {func(p *Plan) { p.Domain = "bücher.example" }, CodePlanDomain, "xn-- form"},
		"initial domain":          {func(p *Plan) { p.Domain = "contoso.onmicrosoft.com" }, CodeDomainInitial, "cannot be federated"},
		"issuer begins with digit": {func(p *Plan) { p.Application.IdPEntityID = "1example.com" }, CodePlanEntityID,
			"begins with a digit"},
		"issuer out of a guide":        {func(p *Plan) { p.Application.IdPEntityID = "urn:uri:o365" }, CodePlanEntityID, "sample value"},
		"issuer out of a guide, caps":  {func(p *Plan) { p.Application.IdPEntityID = "URN:URI:O365" }, CodePlanEntityID, "sample value"},
		"issuer is Microsoft's":        {func(p *Plan) { p.Application.IdPEntityID = "urn:federation:MicrosoftOnline" }, CodePlanEntityID, "sample value"},
		"issuer is bare":               {func(p *Plan) { p.Application.IdPEntityID = "sso.example.com" }, CodePlanEntityID, "neither https:// nor urn:"},
		"issuer with space":            {func(p *Plan) { p.Application.IdPEntityID = "urn:uri:example .com" }, CodePlanEntityID, "white space"},
		"issuer is only a prefix":      {func(p *Plan) { p.Application.IdPEntityID = "https://" }, CodePlanEntityID, "ends after its prefix"},
		"login URL without https":      {func(p *Plan) { p.Application.LoginURL = "http://sso.example.com" }, CodePlanURL, "is not https"},
		"sign-out URL is no URL":       {func(p *Plan) { p.SignOutURL = "console" }, CodePlanURL, "is not a URL"},
		"URL with a password":          {func(p *Plan) { p.SignOutURL = "https://a:b@example.com/" }, CodePlanURL, "user name or password"},
		"no MFA choice":                {func(p *Plan) { p.MFA = "" }, CodePlanMFA, "rejectMfaByFederatedIdp"},
		"unknown MFA choice":           {func(p *Plan) { p.MFA = "yes" }, CodePlanMFA, `"yes" is unknown`},
		"no group":                     {func(p *Plan) { p.Groups = nil }, CodePlanGroups, "nobody could sign in"},
		"group without name":           {func(p *Plan) { p.Groups = []Group{{Name: " "}} }, CodePlanGroups, "no name"},
		"group twice":                  {func(p *Plan) { p.Groups = []Group{{Name: "A"}, {Name: "A"}} }, CodePlanGroups, "listed twice"},
		"member without @":             {func(p *Plan) { p.Groups[0].Members = []string{"ann"} }, CodePlanGroups, "not an email address"},
		"directory group not in plan":  {func(p *Plan) { p.Directory.Groups = []string{"B"} }, CodePlanGroups, "not among the plan's groups"},
		"unknown rule":                 {func(p *Plan) { p.Directory.Rules = []string{"department"} }, CodePlanRule, "user_department"},
		"default domain is the domain": {func(p *Plan) { p.DefaultDomain = "EXAMPLE.com" }, CodePlanDefaultDomain, "federates the default domain"},
		"default domain is no domain":  {func(p *Plan) { p.DefaultDomain = "x" }, CodePlanDefaultDomain, "has no dot"},
		"technical account nameless":   {func(p *Plan) { p.TechnicalAccount.Create = true }, CodePlanTechnicalAccount, "has no name"},
		"technical account no UPN":     {func(p *Plan) { p.TechnicalAccount.UserPrincipalName = "bob" }, CodePlanTechnicalAccount, "not a user principal name"},
		"technical account inside":     {func(p *Plan) { p.TechnicalAccount.UserPrincipalName = "bob@example.com" }, CodePlanTechnicalAccount, "locked out with everybody else"},
		"negative consent":             {func(p *Plan) { p.Consent.LockOut.AtMost = -1 }, CodePlanConsent, "negative"},
	} {
		t.Run(name, func(t *testing.T) {
			p := goodPlan()
			if err := p.Validate(); err != nil {
				t.Fatalf("the unedited plan: %v", err)
			}
			test.edit(&p)
			err := p.Validate()
			var pe *PreconditionError
			if !errors.As(err, &pe) || !pe.Has(test.code) {
				t.Fatalf("Validate() = %v; want a PreconditionError with %s", err, test.code)
			}
			if !strings.Contains(err.Error(), test.text) {
				t.Errorf("Validate() = %q; want it to say %q", err, test.text)
			}
			for _, f := range pe.Findings {
				if f.Repair == "" {
					t.Errorf("%s does not say what to do: %s", f.Code, f.Message)
				}
			}
		})
	}
}

func TestPlanValidateListsEverything(t *testing.T) {
	err := Plan{Domain: "example", Application: Application{IdPEntityID: "urn:uri:o365"}}.Validate()
	var pe *PreconditionError
	if !errors.As(err, &pe) {
		t.Fatalf("Validate() = %v; want a PreconditionError", err)
	}
	for _, c := range []Code{CodePlanDomain, CodePlanEntityID, CodePlanGroups, CodePlanMFA} {
		if !pe.Has(c) {
			t.Errorf("the error does not tell %s: %v", c, err)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("the error has more than one line: %q", err)
	}
}

// A plan is data: what a file says is what the library sees.
func TestPlanJSON(t *testing.T) {
	p := goodPlan()
	p.Groups[0].Members = []string{"ann@example.com"}
	p.Consent = Consent{TakeOver: true, LockOut: LockOut{People: []string{"bob@example.com"}, AtMost: 2}}
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var back Plan
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(p, back); d != "" {
		t.Errorf("a plan changes on its way through JSON (-want +got):\n%s", d)
	}
}

func FuzzPlan(f *testing.F) {
	f.Add("example.com", "urn:uri:example.com", "https://sso.jumpcloud.com/saml2/x", "a@example.com")
	f.Fuzz(func(t *testing.T, domain, entityID, login, upn string) {
		p := goodPlan()
		p.Domain, p.Application.IdPEntityID, p.Application.LoginURL = domain, entityID, login
		p.TechnicalAccount.UserPrincipalName = upn
		got, err := p.normalize()
		if err != nil {
			return
		}
		again, err := got.normalize()
		if err != nil {
			t.Fatalf("a normalised plan is refused: %v", err)
		}
		if d := cmp.Diff(got, again); d != "" {
			t.Errorf("not a fixed point:\n%s", d)
		}
	})
}
