package assumptions

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/jcaad/jcaad/aad"
)

// askDomains is the first question to Azure AD.
func (l *looker) askDomains() error {
	l.domains = make(map[string]*aad.Domain)
	var names []string
	for d, err := range l.ad.Domains(l.ctx) {
		if err != nil {
			if errors.Is(err, aad.ErrDenied) {
				l.fails(err, "aad-domain-list", "aad-managed-404", "aad-managed-404-text", "aad-bare-entities", "aad-subdomain")
			}
			return err
		}
		l.domains[strings.ToLower(d.Name)], names = d, append(names, strings.ToLower(d.Name))
		if len(names) == 1000 {
			break
		}
	}
	slices.Sort(names)
	l.choose(names)
	l.compareDomain(l.people)
	return nil
}

// choose decides whose people are looked at: those of the domain that the look is about,
// else of the default one, else of the first.
func (l *looker) choose(names []string) {
	if l.people = l.domain; l.domains[l.people] != nil || len(names) == 0 {
		return
	}
	l.people = names[0]
	for _, name := range names {
		if l.domains[name].IsDefault {
			l.people = name
		}
	}
}

// compareDomain asks for a domain that was listed, by its name.
func (l *looker) compareDomain(name string) {
	listed := l.domains[name]
	if listed == nil {
		l.unknown("the tenant does not have the domain", "aad-domain-list", "aad-bare-entities")
		return
	}
	var d *aad.Domain
	var err error
	x := last(l.during(false, func() { d, err = l.ad.Domain(l.ctx, name) }))
	if err != nil {
		l.fails(err, "aad-domain-list", "aad-bare-entities")
		return
	}
	if l.domain != "" && l.domain != name {
		l.unknown("the tenant does not have the domain "+l.domain+": "+name+" was looked at instead", "aad-domain-list")
	} else {
		l.checkListed(d, listed)
	}
	l.check("aad-bare-entities", !wrapped(x.body.Bytes()), "the domain is wrapped: %s", yes(wrapped(x.body.Bytes())))
}

// checkListed compares a domain with what the list says of it.
func (l *looker) checkListed(d, listed *aad.Domain) {
	same := d.AuthenticationType == listed.AuthenticationType && d.IsDefault == listed.IsDefault && d.IsInitial == listed.IsInitial &&
		d.IsVerified == listed.IsVerified && d.IsRoot == listed.IsRoot
	l.check("aad-domain-list", same, "%s is %s, the default one: %s; in the list it is %s, the default one: %s", strings.ToLower(d.Name),
		d.AuthenticationType, yes(d.IsDefault), listed.AuthenticationType, yes(listed.IsDefault))
}

// wrapped reports whether an answer is {"value": {…}}.
func wrapped(b []byte) bool {
	var w struct{ Value json.RawMessage }
	return json.Unmarshal(b, &w) == nil && bytes.HasPrefix(w.Value, []byte("{"))
}

// find returns the first domain, in the order of names, of which f is true; the one that
// the look is about comes first.
func (l *looker) find(f func(*aad.Domain) bool) (name string) {
	names := make([]string, 0, len(l.domains))
	for n := range l.domains {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range append([]string{l.domain}, names...) {
		if d := l.domains[n]; d != nil && f(d) {
			return n
		}
	}
	return ""
}

// askManaged asks for the federation of a domain that has none.
func (l *looker) askManaged() {
	ids := []string{"aad-managed-404", "aad-managed-404-text"}
	name := l.find(func(d *aad.Domain) bool { return d.IsInitial && d.AuthenticationType == aad.Managed })
	if name == "" {
		name = l.find(func(d *aad.Domain) bool { return d.IsVerified && d.IsRoot && d.AuthenticationType == aad.Managed })
	}
	if name == "" {
		l.unknown("no managed domain was seen", ids...)
		return
	}
	var err error
	seen := l.during(false, func() { _, err = l.ad.Federation(l.ctx, name) })
	if !errors.Is(err, aad.ErrNotFederated) || len(seen) == 0 {
		if err == nil {
			err = errors.New("a managed domain has a federation")
		}
		l.fails(err, ids...)
		return
	}
	is404 := seen[0].answered(http.StatusNotFound)
	l.check("aad-managed-404", is404, "%s was answered with %d", name, seen[0].status)
	if !is404 {
		l.unknown("it was not answered with 404", "aad-managed-404-text")
		return
	}
	names := bytes.Contains(bytes.ToLower(seen[0].body.Bytes()), []byte("'federationconfiguration'"))
	l.check("aad-managed-404-text", names, "it names it: %s", yes(names))
}

// askFederated looks for a domain that is federated, by SAML if there is one, and
// compares the list of its federation with what is asked by ID.
func (l *looker) askFederated() {
	const id = "aad-federation-list"
	var tried []string
	for len(tried) < 3 && (l.fed == nil || l.fed.Protocol != aad.SAML) {
		name := l.find(func(d *aad.Domain) bool {
			return d.IsRoot && d.AuthenticationType == aad.Federated && !slices.Contains(tried, strings.ToLower(d.Name))
		})
		if name == "" {
			break
		}
		tried = append(tried, name)
		f, err := l.ad.Federation(l.ctx, name)
		if err != nil {
			l.fails(err, id)
			continue
		}
		if l.fed == nil || f.Protocol == aad.SAML {
			l.federated, l.fed = name, f
		}
	}
	if l.fed == nil {
		l.unknown("no domain of the tenant is federated yet: look again afterwards", id)
		return
	}
	f, err := l.ad.FederationByID(l.ctx, l.federated, l.fed.ID)
	if err != nil {
		l.fails(err, id)
		return
	}
	same := f.SigningCertificate == l.fed.SigningCertificate && f.NextSigningCertificate == l.fed.NextSigningCertificate &&
		f.RawSigningCertificate == l.fed.RawSigningCertificate
	delete(l.answers, id) // of a domain that could not be read before
	l.check(id, same && f.IssuerURI == l.fed.IssuerURI, "the same certificates in both for %s: %s, the same issuer: %s", l.federated,
		yes(same), yes(f.IssuerURI == l.fed.IssuerURI))
}

// askSubdomain asks for the federation of a domain that inherits one.
func (l *looker) askSubdomain() {
	const id = "aad-subdomain"
	name := l.find(func(d *aad.Domain) bool { return !d.IsRoot && d.IsVerified && d.AuthenticationType == aad.Federated })
	if name == "" {
		l.unknown("no subdomain of a federated domain was seen", id)
		return
	}
	switch f, err := l.ad.Federation(l.ctx, name); {
	case errors.Is(err, aad.ErrNotFederated):
		l.holds(id, "%s has none", name)
	case err != nil:
		l.fails(err, id)
	default:
		l.differs(id, "%s lists one, with the issuer %s", name, f.IssuerURI)
	}
}

func (l *looker) askPolicy() {
	const id = "aad-policy"
	var p *aad.TokenValidationPolicy
	var err error
	x := last(l.during(false, func() { p, err = l.ad.TokenValidationPolicy(l.ctx) }))
	var list struct{ Value []json.RawMessage }
	switch {
	case err != nil:
		l.fails(err, id)
	case x.status == http.StatusNotFound:
		l.differs(id, "it was answered with 404")
	case json.Unmarshal(x.body.Bytes(), &list) == nil && list.Value != nil:
		l.differs(id, "it was answered with a list")
	default:
		l.holds(id, "it holds for %s", p.RootDomains)
	}
}

// reading is what the permissions of a token are for, as far as one reads.
var reading = [][]string{
	{"Domain.Read.All", "Directory.Read.All", "Directory.ReadWrite.All"}, {"Domain-InternalFederation.Read.All"},
	{"User.Read.All", "Directory.Read.All", "Directory.ReadWrite.All"},
	{"Organization.Read.All", "Directory.Read.All", "Directory.ReadWrite.All", "User.Read.All"},
	{"RoleManagement.Read.Directory", "Directory.Read.All", "Directory.ReadWrite.All"},
}

func (l *looker) askPermissions() {
	const id = "aad-permissions"
	p, err := l.ad.Permissions(l.ctx)
	switch {
	case errors.Is(err, aad.ErrOpaqueToken):
		l.differs(id, "the token cannot be read")
		return
	case err != nil:
		l.fails(err, id)
		return
	}
	missing := p.Missing(reading...)
	l.check(id, len(missing) < len(reading), "it names %d, and lacks of those that reading needs: %s", len(p.Granted), orNone(missing))
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func orNone(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}

// costs looks whether any answer of Graph has told what it cost.
func (l *looker) costs() {
	seen, _ := l.w.since(0, false)
	n, told := 0, 0
	for _, x := range seen {
		if x.status != 0 && strings.HasPrefix(x.path, "/v1.0/") {
			n++
			if x.header.Get("x-ms-resource-unit") != "" {
				told++
			}
		}
	}
	if n == 0 {
		l.unknown("Graph has answered nothing", "aad-throttle-headers")
		return
	}
	l.check("aad-throttle-headers", told > 0, "of %d answers %d do", n, told)
}
