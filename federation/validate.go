package federation

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/internal/text"
)

// Validate checks the plan without asking either service. It returns nil or a
// [*PreconditionError] that lists all problems, each with what to do.
func (p Plan) Validate() error {
	_, err := p.normalize()
	return err
}

// normalize returns p with its defaults filled in and its values in their one
// spelling. It never changes p's slices.
func (p Plan) normalize() (Plan, error) {
	var bad findings
	p.Domain = domainName(p.Domain)
	switch reason := checkDomain(p.Domain); {
	case p.Domain == "":
		bad.refuse(CodePlanDomain, "domain", "the plan names no domain",
			"set domain to the Azure AD domain that is to be federated, such as example.com")
	case reason != "":
		bad.refuse(CodePlanDomain, p.Domain, "the domain "+quote(p.Domain)+" "+reason, "give it as Azure AD lists it, such as example.com")
	case strings.HasSuffix(p.Domain, ".onmicrosoft.com"):
		bad.refuse(CodeDomainInitial, p.Domain, "the domain "+p.Domain+" is Microsoft's own and cannot be federated", "name a domain of your own")
	}

	p.Application = p.Application.normalize(p.Domain, &bad)
	p.Groups, p.Directory = normalizeGroups(p.Groups, p.Directory, &bad)

	p.BrandName = cmp.Or(strings.TrimSpace(p.BrandName), p.Domain)
	p.SignOutURL = strings.TrimSpace(p.SignOutURL)
	if reason := checkURL(p.SignOutURL); p.SignOutURL != "" && reason != "" {
		bad.refuse(CodePlanURL, p.SignOutURL, "the sign-out URL "+quote(p.SignOutURL)+" "+reason,
			"give an https URL, or leave it out for the user console of the organisation's region")
	}

	switch p.MFA {
	case aad.AcceptIfMFADoneByFederatedIdP, aad.EnforceMFAByFederatedIdP, aad.RejectMFAByFederatedIdP:
	case "":
		bad.refuse(CodePlanMFA, "mfa", "the plan does not choose who asks for the second factor, and Azure AD has no default", mfaChoices)
	default:
		bad.refuse(CodePlanMFA, string(p.MFA), "the MFA behaviour "+quote(string(p.MFA))+" is unknown", mfaChoices)
	}

	p.DefaultDomain = domainName(p.DefaultDomain)
	if p.DefaultDomain != "" {
		switch reason := checkDomain(p.DefaultDomain); {
		case p.DefaultDomain == p.Domain:
			bad.refuse(CodePlanDefaultDomain, p.DefaultDomain,
				"the plan makes the domain that it federates the default domain, which Azure AD refuses",
				"name another domain, or leave defaultDomain out for the *.onmicrosoft.com one")
		case reason != "":
			bad.refuse(CodePlanDefaultDomain, p.DefaultDomain, "the default domain "+quote(p.DefaultDomain)+" "+reason,
				"give it as Azure AD lists it")
		}
	}

	p.TechnicalAccount = p.TechnicalAccount.normalize(p.Domain, &bad)
	if p.Consent.LockOut.AtMost < 0 {
		bad.refuse(CodePlanConsent, "consent.lockOut.atMost", "consent.lockOut.atMost is negative",
			"give the number of people who may be locked out")
	}
	return p, bad.err()
}

const mfaChoices = "set mfa to acceptIfMfaDoneByFederatedIdp (Azure AD accepts JumpCloud's MFA, else asks itself), " +
	"enforceMfaByFederatedIdp (Azure AD sends people back to JumpCloud for MFA) or " +
	"rejectMfaByFederatedIdp (Azure AD always asks itself)"

func (a Application) normalize(domain string, bad *findings) Application {
	a.Label = strings.TrimSpace(a.Label)
	a.Template = cmp.Or(strings.TrimSpace(a.Template), DefaultTemplate)
	a.IdPEntityID = cmp.Or(a.IdPEntityID, entityIDPrefix+domain)
	if reason := checkEntityID(a.IdPEntityID); reason != "" && !bare(a.IdPEntityID, domain) { // see inspectDomain
		bad.refuse(CodePlanEntityID, a.IdPEntityID, "the IdP entity ID "+quote(a.IdPEntityID)+" "+reason,
			"use a URI of your own that begins with https:// or urn:, or leave it out for "+entityIDPrefix+cmp.Or(domain, "<domain>"))
	}
	if a.LoginURL != "" {
		if reason := checkURL(a.LoginURL); reason != "" {
			bad.refuse(CodePlanURL, a.LoginURL, "the login URL "+quote(a.LoginURL)+" "+reason, "give an https URL, or leave it out")
		}
	}
	return a
}

func normalizeGroups(groups []Group, dir Directory, bad *findings) ([]Group, Directory) {
	groups = slices.Clone(groups)
	if len(groups) == 0 {
		bad.refuse(CodePlanGroups, "groups", "the plan names no group, so nobody could sign in",
			"name at least one JumpCloud user group; it is created if it is missing")
	}
	seen := make(map[string]bool, len(groups))
	for i := range groups {
		g := &groups[i]
		g.Name = strings.TrimSpace(g.Name)
		switch {
		case g.Name == "":
			bad.refuse(CodePlanGroups, "groups", "a group has no name", "give every group a name")
		case seen[g.Name]:
			bad.refuse(CodePlanGroups, g.Name, "the group "+quote(g.Name)+" is listed twice", "list it once")
		}
		seen[g.Name] = true
		g.Members = slices.Clone(g.Members)
		for j, m := range g.Members {
			g.Members[j] = strings.TrimSpace(m)
			if at := strings.IndexByte(g.Members[j], '@'); at <= 0 || at == len(g.Members[j])-1 {
				bad.refuse(CodePlanGroups, g.Name, "the member "+quote(m)+" of the group "+quote(g.Name)+" is not an email address",
					"list members by their email address in JumpCloud")
			}
		}
	}
	dir.Name = strings.TrimSpace(dir.Name)
	dir.DefaultDomain = domainName(dir.DefaultDomain)
	if dir.DefaultDomain != "" {
		if reason := checkDomain(dir.DefaultDomain); reason != "" {
			bad.refuse(CodePlanDefaultDomain, dir.DefaultDomain, "the directory's default domain "+quote(dir.DefaultDomain)+" "+reason,
				"give it as Azure AD lists it")
		}
	}
	if len(dir.Groups) == 0 {
		dir.Groups = make([]string, 0, len(groups))
		for _, g := range groups {
			dir.Groups = append(dir.Groups, g.Name)
		}
	} else {
		for _, name := range dir.Groups {
			if !seen[name] {
				bad.refuse(CodePlanGroups, name, "the directory's group "+quote(name)+" is not among the plan's groups", "list it under groups as well")
			}
		}
	}
	for _, rule := range dir.Rules {
		if !strings.HasPrefix(rule, "user_") {
			bad.refuse(CodePlanRule, rule, "the translation rule "+quote(rule)+" is none of JumpCloud's built-in rules",
				"use a built-in rule such as user_department")
		}
	}
	return groups, dir
}

func (t TechnicalAccount) normalize(domain string, bad *findings) TechnicalAccount {
	t.UserPrincipalName = strings.TrimSpace(t.UserPrincipalName)
	if t.UserPrincipalName == "" {
		if t.Create {
			bad.refuse(CodePlanTechnicalAccount, "technicalAccount", "the technical account is to be created but has no name",
				"set technicalAccount.userPrincipalName, such as breakglass@contoso.onmicrosoft.com")
		}
		return t
	}
	t.DisplayName = cmp.Or(t.DisplayName, "Federation break-glass")
	switch local, at, ok := strings.Cut(t.UserPrincipalName, "@"); {
	case !ok || local == "" || checkDomain(domainName(at)) != "":
		bad.refuse(CodePlanTechnicalAccount, t.UserPrincipalName,
			"the technical account "+quote(t.UserPrincipalName)+" is not a user principal name",
			"give it as name@contoso.onmicrosoft.com")
	case domainName(at) == domain:
		bad.refuse(CodePlanTechnicalAccount, t.UserPrincipalName,
			"the technical account is on the domain that is to be federated, so it would be locked out with everybody else",
			"use an account on the tenant's *.onmicrosoft.com domain")
	}
	return t
}

// domainName is the one spelling of a domain: lower case, no trailing dot.
func domainName(s string) string { return text.Domain(strings.TrimSpace(s)) }

// checkDomain says what is wrong with a domain name; "" means nothing.
func checkDomain(d string) string { return text.WrongDomain(d) }

// sampleEntityIDs are values that guides print. Two tenants that copied one of
// them get sign-in failures at random, because Azure AD finds the realm by it.
var sampleEntityIDs = []string{
	"urn:uri:o365", "urn:uri:office365", "urn:uri:microsoft365", "urn:uri:yourdomain.com",
	"urn:uri:mydomain.com", "urn:uri:domain.com", "https://yourdomain.com", "https://mydomain.com",
	"https://sso.jumpcloud.com/saml2/office365", "jumpcloud",
	"urn:federation:microsoftonline", "https://login.microsoftonline.com/login.srf",
}

// bare reports whether an entity ID is the domain and nothing else. Some of the
// oldest federations have such an issuer: they can be adopted, not made.
func bare(id, domain string) bool { return domain != "" && strings.EqualFold(id, domain) }

// checkEntityID says what is wrong with an entity ID; "" means nothing.
func checkEntityID(s string) string {
	switch {
	case s == "":
		return "is empty"
	case s[0] >= '0' && s[0] <= '9':
		return "begins with a digit, which Azure AD refuses"
	case slices.Contains(sampleEntityIDs, strings.ToLower(strings.TrimSuffix(s, "/"))):
		return "is a sample value out of a guide; other tenants use it too, and Azure AD finds the tenant by it"
	case strings.ContainsAny(s, " \t\r\n<>\"'"):
		return "contains white space, quotes or brackets"
	case !strings.HasPrefix(s, "https://") && !strings.HasPrefix(s, "urn:"):
		return "begins with neither https:// nor urn:"
	case s == "https://" || s == "urn:" || s == entityIDPrefix:
		return "ends after its prefix"
	}
	if _, err := url.Parse(s); err != nil {
		return "is not a URI"
	}
	return ""
}

// checkURL says what is wrong with a URL that browsers are sent to.
func checkURL(s string) string {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "":
		return "is not a URL"
	case u.Scheme != "https":
		return "is not https"
	case u.User != nil:
		return "carries a user name or password"
	}
	return ""
}

func quote(s string) string { return `"` + s + `"` }
