package federation

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/jumpcloud"
)

// An ErrDiffers is why a step is not undone: the present state is not what the
// step left.
var ErrDiffers = errors.New("the present state is not what the step left")

// standing says where a step stands, seen from the services' present state.
type standing int

const (
	asLeft standing = iota // as the step left it
	undone                 // as it was before the step
	differs
)

// stands reads where a step stands. The step's change is inverted already: its
// fields lead from what the step left (Old) to what was before (New).
func (f *Federator) stands(ctx context.Context, p Plan, s Step) (standing, string, error) {
	c := s.Change
	switch c.Resource {
	case ResFederation:
		return f.federationStands(ctx, s)
	case ResRecover:
		return undone, "", nil // nobody wants an unreadable federation back
	case ResDefaultDomain:
		return f.defaultStands(ctx, p, c)
	case ResApplication:
		return f.applicationStands(ctx, p, s)
	case ResGroup:
		return f.groupStands(ctx, s)
	case ResApplicationGroup, ResDirectoryGroup:
		bound, err := f.bound(ctx, jumpcloud.Object{Type: bindingFrom(c.Resource), ID: c.Parent})
		if errors.Is(err, jumpcloud.ErrNotFound) {
			return undone, "", nil
		}
		return gone(!bound[c.Target], err)
	case ResMember:
		return f.memberStands(ctx, c)
	case ResDirectoryRule:
		for r, err := range f.jc.TranslationRules(ctx, c.Parent) {
			if err != nil {
				return gone(false, err)
			}
			if r.BuiltIn == c.Name {
				return asLeft, "", nil
			}
		}
		return undone, "", nil
	case ResDirectoryDomain, ResDirectoryDefault:
		return f.directoryStands(ctx, c)
	case ResTechnicalAccount:
		_, err := f.ad.User(ctx, s.ID)
		if errors.Is(err, aad.ErrNotFound) {
			return undone, "", nil
		}
		return gone(false, err)
	case ResRole:
		for a, err := range f.ad.RoleAssignments(ctx, aad.GlobalAdministrator) {
			if err != nil {
				return gone(false, err)
			}
			if a.ID == s.ID {
				return asLeft, "", nil
			}
		}
		return undone, "", nil
	}
	return differs, "nothing is known about " + string(c.Resource), nil
}

func gone(is bool, err error) (standing, string, error) {
	if is {
		return undone, "", err
	}
	return asLeft, "", err
}

func bindingFrom(r Resource) jumpcloud.ObjectType {
	if r == ResApplicationGroup {
		return jumpcloud.ApplicationObject
	}
	return jumpcloud.DirectoryObject
}

func (f *Federator) federationStands(ctx context.Context, s Step) (standing, string, error) {
	c := s.Change
	d, err := f.ad.Domain(ctx, c.Name)
	if err != nil {
		return differs, "", err
	}
	fed, err := f.ad.Federation(ctx, c.Name)
	if err != nil && !errors.Is(err, aad.ErrNotFederated) {
		return differs, "", err
	}
	managed := !strings.EqualFold(string(d.AuthenticationType), string(aad.Federated))
	switch c.Action {
	case Delete: // the step made it
		switch {
		case managed:
			return undone, "", nil
		case fed == nil:
			return asLeft, "", nil // a creation that came half through
		}
	case Create: // the step took it away
		if managed || fed == nil {
			return f.backupFits(ctx, s)
		}
		if s.Backup != nil && fed.IssuerURI == s.Backup.IssuerURI && fed.SigningCertificate == s.Backup.SigningCertificate {
			return undone, "", nil
		}
		return differs, c.Name + " is federated with " + provider(fed.IssuerURI, fed.PassiveSignInURI), nil
	default:
		if fed == nil {
			return differs, c.Name + " has no federation configuration any more", nil
		}
	}
	return fieldsStand(c.Fields, func(name string) string { return federationField(fed, name) })
}

// backupFits reports whether a configuration may be brought back: JumpCloud
// must still have the application, with the certificate that it names. That of
// another provider is for its owner to judge.
func (f *Federator) backupFits(ctx context.Context, s Step) (standing, string, error) {
	b := s.Backup
	if b == nil {
		return differs, "the report holds no backup of the configuration", nil
	}
	p := Plan{Domain: s.Change.Name, Application: Application{Template: DefaultTemplate, IdPEntityID: b.IssuerURI}}
	st, err := f.observe(ctx, p, state{}, partApplications)
	if err != nil {
		return differs, "", err
	}
	if len(st.apps) == 0 && provider(b.IssuerURI, b.PassiveSignInURI) != "JumpCloud" {
		return asLeft, "", nil
	}
	for _, a := range st.apps {
		if c, err := a.Certificate(); err == nil && c == b.SigningCertificate {
			return asLeft, "", nil
		}
	}
	return differs, "JumpCloud has no application that signs with the certificate " + b.SigningCertificate.Thumbprint() + " of the configuration", nil
}

// fieldsStand compares present values with both ends of a change.
func fieldsStand(fs []Field, now func(name string) string) (standing, string, error) {
	left, before := true, true
	var why []string
	for _, f := range fs {
		v := now(f.Name)
		if f.Old == Later {
			continue // was not known when the change was planned
		}
		if v != f.Old {
			left = false
			why = append(why, fmt.Sprintf("%s is %s, the step left %s", f.Name, f.show(v), f.show(f.Old)))
		}
		if v != f.New {
			before = false
		}
	}
	switch {
	case before:
		return undone, "", nil
	case left:
		return asLeft, "", nil
	}
	return differs, strings.Join(why, ", "), nil
}

// federationField is the present value of a field, as diff writes it.
func federationField(fed *aad.Federation, name string) string {
	switch name {
	case "displayName":
		return fed.DisplayName
	case "issuerUri":
		return fed.IssuerURI
	case "passiveSignInUri":
		return fed.PassiveSignInURI
	case "activeSignInUri":
		return fed.ActiveSignInURI
	case "signOutUri":
		return fed.SignOutURI
	case "preferredAuthenticationProtocol":
		return string(fed.Protocol)
	case "federatedIdpMfaBehavior":
		return string(fed.MFA)
	case fieldCertificate:
		return rawCertificate(fed.SigningCertificate, fed.RawSigningCertificate)
	case fieldNextCertificate:
		return rawCertificate(fed.NextSigningCertificate, fed.RawNextSigningCertificate)
	}
	return ""
}

func (f *Federator) defaultStands(ctx context.Context, p Plan, c Change) (standing, string, error) {
	left, before := c.Fields[0].Old, domainName(c.Fields[0].New)
	now := ""
	for d, err := range f.ad.Domains(ctx) {
		if err != nil {
			return differs, "", err
		}
		if d.IsDefault {
			now = domainName(d.Name)
		}
		if domainName(d.Name) == before && strings.EqualFold(string(d.AuthenticationType), string(aad.Federated)) {
			return differs, before + " is federated and cannot be the default domain", nil
		}
	}
	switch now {
	case before:
		return undone, "", nil
	case left:
		return asLeft, "", nil
	}
	return differs, "the default domain is " + now + ", the step left " + left, nil
}

func (f *Federator) applicationStands(ctx context.Context, p Plan, s Step) (standing, string, error) {
	c := s.Change
	id := s.ID
	if c.Action == Update {
		id = c.Target
	}
	if c.Action == Create {
		return differs, "the application was deleted with its certificate and cannot be made again as it was", nil
	}
	if id == "" {
		return differs, "it is not known which application the step made; look for one with the entity ID " + c.Name, nil
	}
	a, err := f.jc.Application(ctx, id)
	switch {
	case errors.Is(err, jumpcloud.ErrNotFound):
		return undone, "", nil
	case err != nil:
		return differs, "", err
	}
	now := map[string]string{"label": a.DisplayLabel, "template": a.Name, "idpEntityID": a.IdPEntityID, "loginURL": a.SSOURL, "active": fmt.Sprint(a.Active)}
	at, why, err := fieldsStand(c.Fields, func(name string) string { return now[name] })
	if at != asLeft || c.Action == Update {
		return at, why, err
	}
	fed, err := f.ad.Federation(ctx, p.Domain)
	switch {
	case err == nil && fed.IssuerURI == a.IdPEntityID:
		return differs, p.Domain + " is still federated with the application", nil
	case err != nil && !errors.Is(err, aad.ErrNotFederated) && !errors.Is(err, aad.ErrNotFound):
		return differs, "", err
	}
	groups, err := f.bound(ctx, jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: id})
	if err != nil {
		return differs, "", err
	}
	if len(groups) > 0 {
		return differs, fmt.Sprintf("%d groups are bound to the application", len(groups)), nil
	}
	return asLeft, "", nil
}

func (f *Federator) groupStands(ctx context.Context, s Step) (standing, string, error) {
	if s.ID == "" {
		return differs, "it is not known which group the step made", nil
	}
	g, err := f.jc.Group(ctx, s.ID)
	switch {
	case errors.Is(err, jumpcloud.ErrNotFound):
		return undone, "", nil
	case err != nil:
		return differs, "", err
	case g.Name != s.Change.Name:
		return differs, "the group is named " + quote(g.Name) + " now", nil
	}
	for _, err := range f.jc.GroupMembers(ctx, s.ID) {
		if err != nil {
			return differs, "", err
		}
		return differs, "the group has members", nil
	}
	return asLeft, "", nil
}

func (f *Federator) memberStands(ctx context.Context, c Change) (standing, string, error) {
	for id, err := range f.jc.GroupMembers(ctx, c.Parent) {
		if errors.Is(err, jumpcloud.ErrNotFound) {
			break
		}
		if err != nil {
			return differs, "", err
		}
		if id == c.Target {
			return asLeft, "", nil
		}
	}
	return undone, "", nil
}

func (f *Federator) directoryStands(ctx context.Context, c Change) (standing, string, error) {
	listed, def := false, ""
	for d, err := range f.jc.Office365Domains(ctx, c.Parent) {
		if err != nil {
			return differs, "", err
		}
		listed = listed || domainName(d.Domain) == c.Name
		if d.Default {
			def = domainName(d.Domain)
		}
	}
	if c.Resource == ResDirectoryDomain {
		return gone(!listed, nil)
	}
	return fieldsStand(c.Fields, func(string) string { return def })
}
