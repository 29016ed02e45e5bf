package recording_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/jumpcloud"
)

// interview asks both services everything that the typed clients can ask, and returns what
// was answered: a line for each question.
type interview struct {
	ctx context.Context
	jc  *jumpcloud.Client
	ad  *aad.Client
	now time.Time
	out strings.Builder
}

// hold asks everything.
func (v *interview) hold() string {
	domains := v.graph()
	for org, err := range v.jc.Organizations(v.ctx) {
		v.say("jumpcloud organization", org, err)
		if err == nil {
			one := &interview{ctx: v.ctx, jc: v.jc.ForOrganization(org.ID), ad: v.ad, now: v.now}
			one.organization()
			one.verbs(domains)
			v.out.WriteString(one.out.String())
		}
	}
	return v.out.String()
}

// say writes the answer to a question, or the class of its error.
func (v *interview) say(question string, answer any, err error) {
	switch {
	case err == nil:
		text := strings.TrimSpace(fmt.Sprint(shown(answer)))
		fmt.Fprintf(&v.out, "%s: %s\n", question, strings.ReplaceAll(text, "\n", "\n\t"))
	case strings.Contains(err.Error(), "not recorded"):
		fmt.Fprintf(&v.out, "%s: was not asked\n", question)
	default:
		fmt.Fprintf(&v.out, "%s: %s\n", question, class(err))
	}
}

// shown is an answer without pointers.
func shown(answer any) any {
	switch a := answer.(type) {
	case *aad.Domain:
		return fmt.Sprintf("%s %s default=%v initial=%v root=%v verified=%v %q", a.Name, a.AuthenticationType, a.IsDefault, a.IsInitial,
			a.IsRoot, a.IsVerified, a.SupportedServices)
	case *aad.User:
		return fmt.Sprintf("%s %s %q mail=%s immutable=%s %s proxies=%v", a.ID, a.UserPrincipalName, a.DisplayName, a.Mail, a.ImmutableID,
			a.UserType, a.ProxyAddresses)
	case *aad.RoleAssignment:
		return fmt.Sprintf("%s role=%s principal=%s", a.ID, a.RoleDefinitionID, a.PrincipalID)
	case *jumpcloud.User:
		return fmt.Sprintf("%s %s %s %s activated=%v", a.ID, a.Username, a.Email, a.State, a.Activated)
	case *jumpcloud.Template:
		return fmt.Sprintf("%s %q %s %s", a.Name, a.DisplayName, a.SSOURL, a.SSOType)
	case *jumpcloud.Reach:
		return fmt.Sprintf("%s by %d ways", a.Object, len(a.Paths))
	case fmt.Stringer, string, int, time.Time:
		return a
	}
	return string(mustJSON(answer))
}

// class is what errors.Is tells of an error, or its text.
func class(err error) string {
	for _, target := range []error{aad.ErrNotFederated, aad.ErrNotFound, aad.ErrDenied, aad.ErrThrottled, aad.ErrUnauthenticated, aad.ErrInvalid,
		aad.ErrUnavailable, jumpcloud.ErrNotFound, jumpcloud.ErrDenied, jumpcloud.ErrThrottled, jumpcloud.ErrUnauthenticated, jumpcloud.ErrInvalid,
		jumpcloud.ErrNoCertificate, jumpcloud.ErrUnavailable} {
		if errors.Is(err, target) {
			return "error: " + target.Error()
		}
	}
	return "error: " + err.Error()
}

// each asks for a list.
func each[T any](v *interview, question string, list iter.Seq2[T, error], f func(T)) {
	n := 0
	for a, err := range list {
		if err != nil {
			v.say(question, nil, err)
			return
		}
		if n++; n <= 30 {
			v.say(question, a, nil)
		}
		if f != nil {
			f(a)
		}
	}
	v.say(question, fmt.Sprintf("%d in all", n), nil)
}

// graph asks Microsoft Graph and the login service, and returns the domains.
func (v *interview) graph() (domains []*aad.Domain) {
	each(v, "domains", v.ad.Domains(v.ctx), func(d *aad.Domain) { domains = append(domains, d) })
	for _, d := range domains {
		one, err := v.ad.Domain(v.ctx, d.Name)
		v.say("domain", one, err)
		f, err := v.ad.Federation(v.ctx, d.Name)
		if err == nil {
			v.say("federation", fmt.Sprintf("%s issuer=%s sign-in=%s sign-out=%s %s %s certificate=%s", f.DisplayName, f.IssuerURI, f.PassiveSignInURI,
				f.SignOutURI, f.Protocol, f.MFA, f.SigningCertificate.Fingerprint()[:8]), nil)
			_, err = v.ad.FederationByID(v.ctx, d.Name, f.ID)
			v.say("federation by ID", f.ID, err)
		} else {
			v.say("federation", nil, err)
		}
		r, err := v.ad.Realm(v.ctx, d.Name)
		v.say("realm", r, err)
		root, err := v.ad.RootDomain(v.ctx, d.Name)
		v.say("root domain", root, err)
	}
	o, err := v.ad.Organization(v.ctx)
	v.say("organization", o, err)
	p, err := v.ad.TokenValidationPolicy(v.ctx)
	v.say("policy", p, err)
	each(v, "administrators", v.ad.RoleAssignments(v.ctx, aad.GlobalAdministrator), nil)
	var first *aad.User
	each(v, "users", v.ad.Users(v.ctx, nil), func(u *aad.User) { first = cmp.Or(first, u) })
	n, err := v.ad.UserCount(v.ctx, nil)
	v.say("count of users", n, err)
	if first != nil {
		u, err := v.ad.User(v.ctx, first.UserPrincipalName)
		v.say("user by name", u, err)
	}
	each(v, "sign-ins", v.ad.SignIns(v.ctx, &aad.SignInsOptions{Since: v.now.Add(-time.Hour)}), nil)
	return domains
}

// organization asks one organisation of JumpCloud.
func (v *interview) organization() {
	each(v, "jumpcloud users", v.jc.Users(v.ctx, nil), nil)
	each(v, "groups", v.jc.Groups(v.ctx), func(g *jumpcloud.Group) {
		each(v, "membership", v.jc.GroupMembership(v.ctx, g.ID), nil)
	})
	t, err := v.jc.Template(v.ctx, jumpcloud.Office365Template)
	v.say("template", t, err)
	each(v, "applications", v.jc.Applications(v.ctx), func(a *jumpcloud.Application) {
		v.say("its sign-in", a.IdPEntityID+" "+a.SSOURL, nil)
		c, err := a.Certificate()
		if err == nil {
			v.say("its certificate", fmt.Sprintf("%s until %v, told %v", c.Fingerprint()[:8], c.X509().NotAfter, a.CertificateExpires), nil)
		} else {
			v.say("its certificate", nil, err)
		}
		m, err := v.jc.Metadata(v.ctx, a.OrganizationID, a.ID)
		if err == nil {
			v.say("its metadata", fmt.Sprintf("%s %v certificate=%s", m.EntityID, m.SSO, m.SigningCerts[0].Fingerprint()[:8]), nil)
		} else {
			v.say("its metadata", nil, err)
		}
		each(v, "bound to it", v.jc.Associations(v.ctx, jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: a.ID}), nil)
	})
	each(v, "directories", v.jc.Directories(v.ctx), func(d *jumpcloud.Directory) {
		if d.Type != jumpcloud.DirectoryObject {
			return
		}
		o, err := v.jc.Office365(v.ctx, d.ID)
		v.say("microsoft 365 directory", o, err)
		each(v, "its domains", v.jc.Office365Domains(v.ctx, d.ID), nil)
		each(v, "its rules", v.jc.TranslationRules(v.ctx, d.ID), nil)
		each(v, "its users", v.jc.Office365Users(v.ctx, d.ID), nil)
		each(v, "importable users", v.jc.ImportableUsers(v.ctx, d.ID), nil)
	})
	each(v, "events", v.jc.Events(v.ctx, jumpcloud.EventsOptions{From: v.now.Add(-time.Hour)}), nil)
}

// verbs asks this library about the domains that may be federated.
func (v *interview) verbs(domains []*aad.Domain) {
	var groups []federation.Group
	for g, err := range v.jc.Groups(v.ctx) {
		if err == nil && groups == nil {
			groups = []federation.Group{{Name: g.Name}}
		}
	}
	f := federation.New(v.jc, v.ad, &federation.Options{Now: func() time.Time { return v.now }})
	admin := ""
	for u, err := range v.ad.Users(v.ctx, nil) {
		if err == nil && strings.HasSuffix(u.UserPrincipalName, ".onmicrosoft.com") {
			admin = cmp.Or(admin, u.UserPrincipalName)
		}
	}
	for _, d := range domains {
		if d.IsInitial {
			continue
		}
		s, err := f.Inspect(v.ctx, d.Name)
		v.say("inspect", s, err)
		p, err := f.Preflight(v.ctx, federation.Plan{Domain: d.Name, Groups: groups, MFA: aad.AcceptIfMFADoneByFederatedIdP,
			TechnicalAccount: federation.TechnicalAccount{UserPrincipalName: admin}})
		v.say("preflight", p, err)
	}
}
