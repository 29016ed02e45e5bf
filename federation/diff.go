package federation

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/jumpcloud"
)

// diff returns what is missing for the plan to hold. It is pure: no I/O, no
// clock. It compares only what the plan speaks about; everything else is
// somebody else's setting and survives.
func diff(p Plan, st *state) Changes {
	var cs Changes
	cs = diffAdmins(cs, p, st)
	cs = diffDefaultDomain(cs, p, st)
	cs = diffGroups(cs, p, st)
	cs = diffApplication(cs, p, st)
	cs = diffDirectory(cs, p, st)
	cs = diffFederation(cs, p, st)
	return cs
}

func diffAdmins(cs Changes, p Plan, st *state) Changes {
	upn := p.TechnicalAccount.UserPrincipalName
	if upn == "" || !p.TechnicalAccount.Create {
		return cs
	}
	var id string
	if st.technical == nil {
		cs = append(cs, Change{Resource: ResTechnicalAccount, Name: upn, Action: Create, Fields: []Field{
			{Name: "displayName", New: p.TechnicalAccount.DisplayName},
			{Name: "accountEnabled", New: "true"},
		}})
	} else {
		id = st.technical.id
		if st.technical.global {
			return cs
		}
	}
	return append(cs, Change{Resource: ResRole, Name: upn, Action: Add, Target: id})
}

func diffDefaultDomain(cs Changes, p Plan, st *state) Changes {
	d := st.domain(p.Domain)
	if d == nil || !d.IsDefault {
		return cs
	}
	return append(cs, Change{Resource: ResDefaultDomain, Name: p.newDefault(st), Action: Update, Fields: []Field{
		{Name: "defaultDomain", Old: domainName(d.Name), New: p.newDefault(st)},
	}})
}

// newDefault is the domain that becomes the default one.
func (p Plan) newDefault(st *state) string {
	if p.DefaultDomain != "" {
		return p.DefaultDomain
	}
	for _, d := range st.domains {
		if d.IsInitial {
			return domainName(d.Name)
		}
	}
	return Later
}

func diffGroups(cs Changes, p Plan, st *state) Changes {
	for _, g := range p.Groups {
		have := st.group(g)
		id := ""
		if have == nil && len(st.groups[g.Name]) > 0 {
			continue // which of them is meant? A refusal; see inspect
		}
		if have == nil {
			cs = append(cs, Change{Resource: ResGroup, Name: g.Name, Action: Create})
		} else {
			id = have.ID
		}
		for _, m := range g.Members {
			user := st.userIDs[strings.ToLower(m)]
			if have == nil || !st.members[id][user] {
				cs = append(cs, Change{Resource: ResMember, Name: g.Name + ": " + m, Action: Add, Parent: id, Target: user})
			}
		}
	}
	return cs
}

func diffApplication(cs Changes, p Plan, st *state) Changes {
	a := st.app(p)
	id := ""
	if a == nil && len(st.apps) > 0 {
		return cs // which of them is meant? A refusal; see inspect
	}
	if a == nil {
		cs = append(cs, Change{Resource: ResApplication, Name: p.Application.IdPEntityID, Action: Create, Fields: []Field{
			{Name: "label", New: p.label()},
			{Name: "template", New: p.Application.Template},
			{Name: "idpEntityID", New: p.Application.IdPEntityID},
			{Name: "loginURL", New: p.loginURL(st.template)},
			{Name: "active", New: "true"},
		}})
	} else {
		id = a.ID
		var fs []Field
		if want := p.Application.Label; want != "" && a.DisplayLabel != want {
			fs = append(fs, Field{Name: "label", Old: a.DisplayLabel, New: want})
		}
		if !a.Active {
			fs = append(fs, Field{Name: "active", Old: "false", New: "true"})
		}
		if fs != nil {
			cs = append(cs, Change{Resource: ResApplication, Name: p.Application.IdPEntityID, Action: Update, Fields: fs, Target: id})
		}
	}
	for _, g := range p.Groups {
		var gid string
		if have := st.group(g); have != nil {
			gid = have.ID
		}
		if gid == "" || !st.appGroups[gid] {
			cs = append(cs, Change{Resource: ResApplicationGroup, Name: g.Name, Action: Add, Parent: id, Target: gid})
		}
	}
	return cs
}

func (p Plan) label() string {
	return cmp.Or(p.Application.Label, "Microsoft 365 ("+p.Domain+")")
}

// loginURL is the login URL of an application that is yet to be made: the
// plan's, or the domain's slug beside the template's own URL, whose host
// differs between regions.
func (p Plan) loginURL(t *jumpcloud.Template) string {
	if p.Application.LoginURL != "" {
		return p.Application.LoginURL
	}
	root := defaultLoginRoot
	if t != nil && checkURL(t.SSOURL) == "" {
		if dir, _ := path.Split(t.SSOURL); dir != "" {
			root = dir
		}
	}
	return root + slug(p.Domain)
}

func diffDirectory(cs Changes, p Plan, st *state) Changes {
	dir := st.directory(p)
	if dir == nil {
		return cs // a refusal; see inspect
	}
	for _, name := range p.Directory.Groups {
		i := slices.IndexFunc(p.Groups, func(g Group) bool { return g.Name == name })
		var gid string
		if have := st.group(p.Groups[i]); have != nil {
			gid = have.ID
		}
		if gid == "" || !st.dirGroups[gid] {
			cs = append(cs, Change{Resource: ResDirectoryGroup, Name: name, Action: Add, Parent: dir.ID, Target: gid})
		}
	}
	for _, rule := range p.Directory.Rules {
		if !st.rules[rule] {
			cs = append(cs, Change{Resource: ResDirectoryRule, Name: rule, Action: Add, Parent: dir.ID})
		}
	}
	if st.dirDomains == nil && defaultDomainHolds(p, dir) {
		return cs
	}
	return diffDirectoryDomains(cs, p, st, dir)
}

func diffDirectoryDomains(cs Changes, p Plan, st *state, dir *jumpcloud.Directory) Changes {
	var have string // the default domain now
	ids := make(map[string]string)
	for _, d := range st.dirDomains {
		ids[domainName(d.Domain)] = d.ID
		if d.Default {
			have = domainName(d.Domain)
		}
	}
	if have == "" && dir.DefaultDomain != nil {
		have = domainName(dir.DefaultDomain.Domain)
	}
	if ids[p.Domain] == "" {
		cs = append(cs, Change{Resource: ResDirectoryDomain, Name: p.Domain, Action: Add, Parent: dir.ID})
	}
	want := p.Directory.DefaultDomain
	if want == "" && have == "" {
		want = p.Domain
	}
	if want != "" && want != have {
		cs = append(cs, Change{Resource: ResDirectoryDefault, Name: want, Action: Update, Parent: dir.ID, Target: ids[want],
			Fields: []Field{{Name: "defaultDomain", Old: have, New: want}}})
	}
	return cs
}

// wanted is the federation configuration that the plan asks for. Values of an
// application that does not exist yet are Later, its certificate is zero.
func (p Plan) wanted(st *state) (w aad.Federation, cert string) {
	w = aad.Federation{
		DisplayName:      p.BrandName,
		IssuerURI:        p.Application.IdPEntityID,
		PassiveSignInURI: p.loginURL(st.template),
		SignOutURI:       p.SignOutURL,
		Protocol:         aad.SAML,
		MFA:              p.MFA,
	}
	if a := st.app(p); a != nil {
		w.PassiveSignInURI = a.SSOURL
	}
	// JumpCloud's own tool sets both sign-in URLs to the same value.
	w.ActiveSignInURI = w.PassiveSignInURI
	c, err := st.cert(p)
	if err != nil {
		return w, Later
	}
	w.SigningCertificate = c
	return w, c.Base64()
}

func diffFederation(cs Changes, p Plan, st *state) Changes {
	if st.app(p) == nil && len(st.apps) > 0 {
		return cs
	}
	w, cert := p.wanted(st)
	have := st.fed
	if !st.federated(p.Domain) {
		have = nil // one of the two answers is older than the other
	}
	if have == nil && p.Consent.Recover && st.federated(p.Domain) {
		cs = append(cs, Change{Resource: ResRecover, Name: p.Domain, Action: Update, Fields: []Field{
			{Name: "authenticationType", Old: string(aad.Federated), New: string(aad.Managed)},
		}})
	}
	if have == nil {
		return append(cs, Change{Resource: ResFederation, Name: p.Domain, Action: Create, Fields: []Field{
			{Name: "displayName", New: w.DisplayName},
			{Name: "issuerUri", New: w.IssuerURI},
			{Name: "passiveSignInUri", New: w.PassiveSignInURI},
			{Name: "activeSignInUri", New: w.ActiveSignInURI},
			{Name: "signOutUri", New: w.SignOutURI},
			{Name: "preferredAuthenticationProtocol", New: string(w.Protocol)},
			{Name: "federatedIdpMfaBehavior", New: string(w.MFA)},
			{Name: fieldCertificate, New: cert},
		}})
	}
	var fs []Field
	set := func(name, old, new string) {
		if old != new {
			fs = append(fs, Field{Name: name, Old: old, New: new})
		}
	}
	set("displayName", have.DisplayName, w.DisplayName)
	set("issuerUri", have.IssuerURI, w.IssuerURI)
	set("passiveSignInUri", have.PassiveSignInURI, w.PassiveSignInURI)
	// Old clients send passwords there. That there is none is fine, and so is
	// another path; somebody else's host is not.
	if have.ActiveSignInURI != "" && (have.PassiveSignInURI != w.PassiveSignInURI || hostOf(have.ActiveSignInURI) != hostOf(w.ActiveSignInURI)) {
		set("activeSignInUri", have.ActiveSignInURI, w.ActiveSignInURI)
	}
	set("signOutUri", have.SignOutURI, w.SignOutURI)
	set("preferredAuthenticationProtocol", string(have.Protocol), string(w.Protocol))
	set("federatedIdpMfaBehavior", string(have.MFA), string(w.MFA))
	set(fieldCertificate, rawCertificate(have.SigningCertificate, have.RawSigningCertificate), cert)
	next := rawCertificate(have.NextSigningCertificate, have.RawNextSigningCertificate)
	if next != "" && next != cert && (p.Consent.RemoveNextCertificate || p.Consent.TakeOver && !ours(p, st)) {
		set(fieldNextCertificate, next, "")
	}
	if fs != nil {
		cs = append(cs, Change{Resource: ResFederation, Name: p.Domain, Action: Update, Target: have.ID, Fields: fs})
	}
	return cs
}

// rawCertificate is the canonical base64 of a certificate, or whatever stands
// in its place.
func rawCertificate(c certs.Cert, raw string) string {
	if c.IsZero() {
		return raw
	}
	return c.Base64()
}
