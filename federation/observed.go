package federation

import (
	"errors"
	"strings"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/jumpcloud"
)

// part is a set of things that are read together. After a change only its own
// parts are read again.
type part uint

const (
	partApplications part = 1 << iota
	partMetadata
	partApplicationGroups
	partGroups
	partMembers
	partDirectories
	partDirectoryGroups
	partDirectoryDomains
	partRules
	partDomains
	partFederation
	partAdmins

	partAll = 1<<iota - 1
)

func (p part) has(q part) bool { return p&q != 0 }

// state is what both services say, as far as a plan cares. It is plain data:
// diff and inspect look at nothing else.
type state struct {
	// Applications that carry the plan's entity ID, or its pinned ID.
	apps      []*jumpcloud.Application
	pinLost   bool // the pinned application does not exist any more
	appHidden bool // the list does not show the pinned application, which exists
	template  *jumpcloud.Template
	noTmpl    bool // asked for and not there
	metadata  *certs.Metadata
	signing   signing
	appGroups map[string]bool // IDs of groups bound to the application

	groups  map[string][]*jumpcloud.Group // by name, only the plan's
	hidden  map[string]bool               // names of pinned groups that the list does not show, though they exist
	members map[string]map[string]bool    // group ID -> user IDs, only of groups with members in the plan
	userIDs map[string]string             // folded email -> user ID, of the plan's members

	directories []*jumpcloud.Directory // Microsoft 365 ones
	dirGroups   map[string]bool
	dirDomains  []*jumpcloud.DirectoryDomain // nil: not read, because the default is known to be right
	rules       map[string]bool

	domains []*aad.Domain
	fed     *aad.Federation // nil: none readable

	admins    []admin // Global Administrators
	technical *admin  // nil: does not exist
}

// admin is a Global Administrator, or the technical account.
type admin struct {
	id, upn, name, immutableID string
	enabled, synced, guest     bool
	global                     bool
}

// domain is the plan's domain, or nil.
func (st *state) domain(name string) *aad.Domain {
	for _, d := range st.domains {
		if domainName(d.Name) == name {
			return d
		}
	}
	return nil
}

// app is the application that the plan means, or nil. Of several, an
// unpinned plan means none: guessing is how people get locked out.
func (st *state) app(p Plan) *jumpcloud.Application {
	if p.Application.ID != "" {
		for _, a := range st.apps {
			if a.ID == p.Application.ID {
				return a
			}
		}
	}
	if len(st.apps) == 1 {
		return st.apps[0]
	}
	return nil
}

// group is the group that the plan means, or nil.
func (st *state) group(g Group) *jumpcloud.Group {
	all := st.groups[g.Name]
	for _, have := range all {
		if g.ID != "" && have.ID == g.ID {
			return have
		}
	}
	if len(all) == 1 {
		return all[0]
	}
	return nil
}

// directory is the directory that the plan means, or nil.
func (st *state) directory(p Plan) *jumpcloud.Directory {
	var found *jumpcloud.Directory
	for _, d := range st.directories {
		switch {
		case p.Directory.ID != "" && d.ID == p.Directory.ID:
			return d
		case p.Directory.ID == "" && (p.Directory.Name == "" || d.Name == p.Directory.Name):
			if found != nil {
				return nil
			}
			found = d
		}
	}
	return found
}

// signing is the certificate that an application signs with, worked out once
// for what was read: judging a certificate costs a signature's verification.
type signing struct {
	app      *jumpcloud.Application
	metadata *certs.Metadata
	cert     certs.Cert
	err      error
}

// cert is the certificate that the application signs with. JumpCloud shows it
// in two places; only if both agree is it known.
func (st *state) cert(p Plan) (certs.Cert, error) {
	a := st.app(p)
	if a == nil || st.metadata == nil {
		return certs.Cert{}, errors.New("the application's certificate is not known yet")
	}
	if st.signing.app != a || st.signing.metadata != st.metadata {
		c, err := signingCert(a, st.metadata)
		st.signing = signing{a, st.metadata, c, err}
	}
	return st.signing.cert, st.signing.err
}

func signingCert(a *jumpcloud.Application, m *certs.Metadata) (certs.Cert, error) {
	own, err := a.Certificate()
	if err != nil {
		return certs.Cert{}, err
	}
	switch {
	case len(m.SigningCerts) != 1:
		return certs.Cert{}, errors.New("the application's metadata does not hold exactly one signing certificate")
	case m.SigningCerts[0] != own:
		return certs.Cert{}, errors.New("the application's certificate " + own.Thumbprint() + " is not the one in its metadata, " + m.SigningCerts[0].Thumbprint())
	case m.EntityID != a.IdPEntityID:
		return certs.Cert{}, errors.New("the application's entity ID " + quote(a.IdPEntityID) + " is not the one in its metadata, " + quote(m.EntityID))
	}
	return own, nil
}

// federated reports whether the domain is federated, with whatever settings.
func (st *state) federated(name string) bool {
	d := st.domain(name)
	return d != nil && strings.EqualFold(string(d.AuthenticationType), string(aad.Federated))
}

func defaultDomainHolds(p Plan, d *jumpcloud.Directory) bool {
	if d.DefaultDomain == nil {
		return false
	}
	have := domainName(d.DefaultDomain.Domain)
	return have == p.Domain && (p.Directory.DefaultDomain == "" || have == p.Directory.DefaultDomain)
}

func newAdmin(u *aad.User) admin {
	return admin{
		id: u.ID, upn: u.UserPrincipalName, name: u.DisplayName, immutableID: u.ImmutableID,
		enabled: u.Enabled != nil && *u.Enabled,
		synced:  u.OnPremisesSyncEnabled != nil && *u.OnPremisesSyncEnabled,
		guest:   strings.EqualFold(u.UserType, "Guest"),
	}
}
