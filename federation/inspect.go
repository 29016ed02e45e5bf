package federation

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/jumpcloud"
)

// inspect returns what the two services' state says against the plan, or what
// should be known about it. It is pure but for the clock it is given.
func inspect(p Plan, st *state, now time.Time) []Finding {
	var ps problems
	inspectDomain(&ps, p, st)
	inspectTwice(&ps, p, st)
	inspectApplication(&ps, p, st)
	inspectCertificates(&ps, p, st, now)
	inspectGroups(&ps, p, st)
	inspectDirectory(&ps, p, st)
	inspectTechnicalAccount(&ps, p, st)
	return ps
}

func inspectDomain(ps *problems, p Plan, st *state) {
	state := classify(p, st)
	info := state.info()
	switch state {
	case StateUnknown:
		ps.add(CodeDomainUnknown, p.Domain, p.Domain+" is not a domain of this Azure AD tenant", info.Next)
		return
	case StateUnverified:
		ps.add(CodeDomainUnverified, p.Domain, p.Domain+" is not verified in Azure AD", info.Next)
	case StateInitial:
		ps.add(CodeDomainInitial, p.Domain, p.Domain+" is the tenant's initial domain, which cannot be federated", info.Next)
	case StateInherits:
		ps.add(CodeDomainInherits, p.Domain, p.Domain+" is a subdomain and inherits the authentication of "+rootOf(p.Domain, st), "federate "+rootOf(p.Domain, st)+"; its subdomains follow")
	case StateForeign:
		ps.add(CodeDomainForeign, p.Domain, fmt.Sprintf("%s is federated with %s (issuer %s)", p.Domain, provider(st.fed.IssuerURI, st.fed.PassiveSignInURI), st.fed.IssuerURI),
			info.Next+"; then set consent.takeOver")
		ps.consent("takeOver", p.Consent.TakeOver)
	case StateHalf:
		ps.add(CodeDomainHalf, p.Domain, p.Domain+" is federated, but its configuration cannot be read: what a failed creation leaves behind", info.Next)
		ps.consent("recover", p.Consent.Recover)
	}
	d := st.domain(p.Domain)
	if !d.IsDefault {
		return
	}
	name := p.newDefault(st)
	switch next := st.domain(name); {
	case next == nil:
		ps.add(CodeDefaultDomain, name, p.Domain+" is the tenant's default domain, and there is no domain "+quote(name)+" to take its place", "name a verified, managed domain under defaultDomain")
	case !next.IsVerified:
		ps.add(CodeDefaultDomain, name, p.Domain+" is the tenant's default domain, and "+name+" cannot take its place, because it is not verified", "name a verified, managed domain under defaultDomain")
	case st.federated(name):
		ps.add(CodeDefaultDomain, name, p.Domain+" is the tenant's default domain, and "+name+" cannot take its place, because it is federated itself", "name a verified, managed domain under defaultDomain")
	}
}

// rootOf is the longest domain of the tenant that name is below.
func rootOf(name string, st *state) string {
	root := ""
	for _, d := range st.domains {
		if n := domainName(d.Name); strings.HasSuffix(name, "."+n) && len(n) > len(root) {
			root = n
		}
	}
	if root == "" {
		return "its root domain"
	}
	return root
}

func inspectApplication(ps *problems, p Plan, st *state) {
	app := st.app(p)
	switch {
	case st.pinLost:
		ps.add(CodeApplicationGone, p.Application.ID, "the application "+p.Application.ID+" that the plan pins does not exist any more", "remove application.id from the plan to have it made anew")
	case app == nil && len(st.apps) > 1: // see inspectTwice
	case app == nil && st.noTmpl:
		ps.add(CodeTemplateMissing, p.Application.Template, "JumpCloud has no application template "+quote(p.Application.Template), "set application.template to the name of the Microsoft 365 template of your organisation")
	case app == nil:
	case app.IdPEntityID != p.Application.IdPEntityID:
		ps.add(CodeApplicationFixed, app.ID, "the pinned application "+app.ID+" has the entity ID "+quote(app.IdPEntityID)+", the plan asks for "+quote(p.Application.IdPEntityID), "set application.idpEntityID to the application's, or pin another one")
	case p.Application.LoginURL != "" && app.SSOURL != p.Application.LoginURL:
		ps.add(CodeApplicationFixed, app.ID, "the application "+quote(app.DisplayLabel)+" has the login URL "+app.SSOURL+", which cannot be changed after it was made; the plan asks for "+p.Application.LoginURL, "leave application.loginURL out to use what it has")
	}
}

// nameApplication names an application for people. If there are several, it
// says with which of them the domain is federated.
func nameApplication(a *jumpcloud.Application, st *state) string {
	name := quote(a.DisplayLabel) + " (" + a.ID
	if st.fed == nil || len(st.apps) == 1 {
		return name + ")"
	}
	if own, err := a.Certificate(); err == nil && (own == st.fed.SigningCertificate || own == st.fed.NextSigningCertificate) {
		return name + ", whose certificate Azure AD accepts)"
	}
	return name + ", whose certificate Azure AD does not accept)"
}

// inspectCertificates judges the certificate that is to be written, and those
// that Azure AD holds.
func inspectCertificates(ps *problems, p Plan, st *state, now time.Time) {
	if st.app(p) != nil {
		own, err := st.cert(p)
		if err != nil {
			ps.add(CodeCertificateMismatch, p.Application.IdPEntityID, err.Error(), "wait a minute and try again; if it stays so, look at the application in JumpCloud's console")
		} else {
			checkCertificate(ps, p, own, now)
		}
	}
	if st.fed == nil || !ours(p, st) {
		return
	}
	if classifyOurs(p, st) == StateUnknownNext {
		shown := showCertificate(rawCertificate(st.fed.NextSigningCertificate, st.fed.RawNextSigningCertificate))
		*ps = append(*ps, Finding{
			Code: CodeNextCertificate, Severity: Alarm, Subject: p.Domain,
			Message:   "beside JumpCloud's, Azure AD accepts another certificate for " + p.Domain + ": " + shown + "; whoever has its key can sign in as anybody",
			Repair:    "find out who set it; set consent.removeNextCertificate to have it removed",
			Consent:   "removeNextCertificate",
			Consented: p.Consent.RemoveNextCertificate,
		})
	}
}

// checkCertificate turns what certs has to say into findings.
func checkCertificate(ps *problems, p Plan, c certs.Cert, now time.Time) {
	for _, problem := range c.Check(now) {
		f := Finding{Code: CodeCertificate, Subject: c.Thumbprint(), Message: "JumpCloud's certificate " + c.Thumbprint() + ": " + problem.Message}
		switch problem.Severity {
		case certs.Error:
			f.Severity, f.Consent = Refusal, "certificate: ["+string(problem.Code)+"]"
			f.Repair = "have the application make a new certificate in JumpCloud's console"
			f.Consented = slices.Contains(p.Consent.Certificate, string(problem.Code))
		case certs.Warning:
			f.Severity = Warning
		default:
			f.Severity = Info
		}
		*ps = append(*ps, f)
	}
}

// inspectTwice refuses to choose between two things of one name.
func inspectTwice(ps *problems, p Plan, st *state) {
	if st.app(p) == nil && len(st.apps) > 1 {
		names := make([]string, 0, len(st.apps))
		for _, a := range st.apps {
			names = append(names, nameApplication(a, st))
		}
		ps.add(CodeApplicationTwice, p.Application.IdPEntityID, "applications "+strings.Join(names, " and ")+" carry the same entity ID "+p.Application.IdPEntityID, "delete the one that nobody uses, or set application.id to the right one")
	}
	for _, g := range p.Groups {
		if have := st.groups[g.Name]; len(have) > 1 && st.group(g) == nil {
			ids := make([]string, 0, len(have))
			for _, h := range have {
				ids = append(ids, h.ID)
			}
			ps.add(CodeGroupTwice, g.Name, fmt.Sprintf("JumpCloud has %d groups named %q (%s)", len(have), g.Name, strings.Join(ids, ", ")), "rename all but one, or set the group's id in the plan")
		}
	}
}

func inspectGroups(ps *problems, p Plan, st *state) {
	for _, g := range p.Groups {
		for _, m := range g.Members {
			if st.userIDs[strings.ToLower(m)] == "" {
				ps.add(CodeMemberUnknown, m, "JumpCloud has no user with the email address "+m+", who is to be a member of "+quote(g.Name), "create the user, or take the address out of the plan")
			}
		}
	}
}

func inspectDirectory(ps *problems, p Plan, st *state) {
	dir := st.directory(p)
	if dir == nil {
		var names []string
		for _, d := range st.directories {
			names = append(names, quote(d.Name))
		}
		switch {
		case len(names) == 0:
			ps.add(CodeDirectoryMissing, p.Domain, "JumpCloud has no Microsoft 365 directory, so no user has the immutable ID that Azure AD looks for",
				"add one in the JumpCloud console (Directory Integrations, Cloud Directories, Microsoft 365) and give consent as a Global Administrator; this cannot be done through the API")
		case p.Directory.ID != "" || p.Directory.Name != "":
			ps.add(CodeDirectoryMissing, p.Directory.Name, "JumpCloud has no Microsoft 365 directory "+quote(p.Directory.Name)+", only "+strings.Join(names, ", "), "set directory.name to one of these")
		default:
			ps.add(CodeDirectoryAmbiguous, p.Domain, "JumpCloud has several Microsoft 365 directories: "+strings.Join(names, ", "), "set directory.name to the one that exports the people of "+p.Domain)
		}
		return
	}
	if dir.OAuth != nil && dir.OAuth.Error != "" {
		ps.add(CodeDirectoryGrant, dir.Name, fmt.Sprintf("the consent that JumpCloud's Microsoft 365 directory %q works with is broken: %s", dir.Name, strings.TrimSuffix(dir.OAuth.Error+": "+dir.OAuth.Message, ": ")),
			"reactivate the directory in the JumpCloud console (Directory Integrations, Cloud Directories, "+dir.Name+", Reactivate) as a Global Administrator; the users stay connected")
	}
	if want := p.Directory.DefaultDomain; want != "" && want != p.Domain && st.dirDomains != nil && !slices.ContainsFunc(st.dirDomains, func(d *jumpcloud.DirectoryDomain) bool { return domainName(d.Domain) == want }) {
		ps.add(CodeDirectoryDomain, want, "the directory "+quote(dir.Name)+" has no domain "+want+" to be its default", "name one of the directory's domains, or leave directory.defaultDomain out")
	}
}

// inspectTechnicalAccount checks the account that gets back in.
func inspectTechnicalAccount(ps *problems, p Plan, st *state) {
	upn := p.TechnicalAccount.UserPrincipalName
	if upn == "" {
		return
	}
	a := st.technical
	if a == nil {
		if !p.TechnicalAccount.Create {
			ps.add(CodeTechnicalAccount, upn, "the technical account "+upn+" does not exist", "create it, or set technicalAccount.create and supply a password")
		}
	} else {
		if why := a.unfit(p, st); why != "" {
			ps.add(CodeTechnicalAccount, upn, "the technical account "+upn+" "+why, "make it an enabled, cloud-only account on the tenant's *.onmicrosoft.com domain without an immutable ID")
		}
		if !a.global && !p.TechnicalAccount.Create {
			ps.add(CodeTechnicalAccount, upn, "the technical account "+upn+" is not a Global Administrator", "give it the role, or set technicalAccount.create to have it given")
		}
	}
	if _, at, _ := strings.Cut(upn, "@"); !strings.HasSuffix(domainName(at), ".onmicrosoft.com") {
		*ps = append(*ps, Finding{Code: CodeTechnicalAccount, Severity: Warning, Subject: upn,
			Message: "the technical account " + upn + " is not on the tenant's *.onmicrosoft.com domain", Repair: "an account there is out of reach of any federation"})
	}
}

// unfit says why an administrator could not get back in with the plan's domain
// federated; "" means that they could.
func (a *admin) unfit(p Plan, st *state) string {
	_, at, _ := strings.Cut(a.upn, "@")
	at = domainName(at)
	switch {
	case !a.enabled:
		return "is disabled"
	case a.guest:
		return "is a guest"
	case a.synced:
		return "is synchronised from an on-premises directory"
	case at == p.Domain || strings.HasSuffix(at, "."+p.Domain):
		return "is on the domain that is to be federated"
	case a.immutableID != "":
		return "has an immutable ID, so whoever holds an identity provider's key can sign in as it"
	case st.federated(at):
		return "is on the federated domain " + at
	}
	return ""
}
