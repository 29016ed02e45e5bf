package federation

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/jumpcloud"
)

// applyPure makes a change in a state, as the two services would.
func (s *scene) applyPure(t testing.TB, c Change) {
	t.Helper()
	st := &s.st
	groupID := func(name string) string {
		for _, g := range s.p.Groups {
			if have := st.group(g); g.Name == name && have != nil {
				return have.ID
			}
		}
		t.Fatalf("%s comes before the group %q", c.String(), name)
		return ""
	}
	switch c.Resource {
	case ResTechnicalAccount:
		st.technical = &admin{id: "x7", upn: c.Name, enabled: true}
	case ResRole:
		if st.technical == nil {
			t.Fatalf("%s comes before the account", c.String())
		}
		st.technical.global = true
	case ResDefaultDomain:
		for _, d := range st.domains {
			d.IsDefault = domainName(d.Name) == c.Name
		}
	case ResGroup:
		st.groups[c.Name] = append(st.groups[c.Name], &jumpcloud.Group{ID: "new " + c.Name, Name: c.Name})
	case ResMember:
		name, email, _ := strings.Cut(c.Name, ": ")
		id := groupID(name)
		if st.members[id] == nil {
			st.members[id] = make(map[string]bool)
		}
		st.members[id][st.userIDs[strings.ToLower(email)]] = true
	case ResApplication:
		s.applyApplication(t, c)
	case ResApplicationGroup:
		if st.app(s.p) == nil {
			t.Fatalf("%s comes before the application", c.String())
		}
		st.appGroups[groupID(c.Name)] = true
	case ResDirectoryGroup:
		st.dirGroups[groupID(c.Name)] = true
	case ResDirectoryRule:
		st.rules[c.Name] = true
	case ResDirectoryDomain:
		st.dirDomains = append(st.dirDomains, &jumpcloud.DirectoryDomain{ID: "new " + c.Name, Domain: c.Name})
	case ResDirectoryDefault:
		for _, d := range st.dirDomains {
			if d.Default = domainName(d.Domain) == c.Name; d.Default {
				st.directory(s.p).DefaultDomain = d
			}
		}
	case ResRecover:
		st.domain(c.Name).AuthenticationType = aad.Managed
	case ResFederation:
		s.applyFederation(t, c)
	default:
		t.Fatalf("nobody knows how to %s", c.String())
	}
}

func (s *scene) applyApplication(t testing.TB, c Change) {
	st := &s.st
	if c.Action == Update {
		st.app(s.p).DisplayLabel, st.app(s.p).Active = pick(c, "label", st.app(s.p).DisplayLabel), true
		return
	}
	own := fixedCert(t, "second")
	st.apps = append(st.apps, fixedApp(t, "new", pick(c, "label", ""), c.Name, pick(c, "loginURL", ""), true, own))
	st.metadata = &certs.Metadata{EntityID: c.Name, SigningCerts: []certs.Cert{own}}
	st.appGroups = make(map[string]bool)
	st.anew = true
}

// pick returns what the change sets a field to, or what it was.
func pick(c Change, field, was string) string {
	for _, f := range c.Fields {
		if f.Name == field {
			return f.New
		}
	}
	return was
}

func (s *scene) applyFederation(t testing.TB, c Change) {
	st := &s.st
	if st.domain(c.Name).IsDefault {
		t.Fatalf("%s while it is the default domain", c.String())
	}
	if c.Action == Create {
		if st.federated(c.Name) {
			t.Fatalf("%s while it is federated", c.String())
		}
		w, cert := s.p.wanted(st)
		if cert == Later {
			t.Fatalf("%s before the certificate is known", c.String())
		}
		w.ID = "new"
		st.fed = &w
		st.domain(c.Name).AuthenticationType = aad.Federated
		return
	}
	_, u, err := configuration(c.Fields)
	if err != nil {
		t.Fatalf("%s: %v", c.String(), err)
	}
	fed := *st.fed
	for _, f := range []struct {
		to  *string
		new *string
	}{
		{&fed.DisplayName, u.DisplayName}, {&fed.IssuerURI, u.IssuerURI}, {&fed.PassiveSignInURI, u.PassiveSignInURI},
		{&fed.ActiveSignInURI, u.ActiveSignInURI}, {&fed.SignOutURI, u.SignOutURI},
	} {
		if f.new != nil {
			*f.to = *f.new
		}
	}
	if u.Protocol != nil {
		fed.Protocol = *u.Protocol
	}
	if u.MFA != nil {
		fed.MFA = *u.MFA
	}
	if u.SigningCertificate != nil {
		fed.SigningCertificate, fed.RawSigningCertificate = *u.SigningCertificate, ""
	}
	if u.NextSigningCertificate != nil {
		s.st.kept = *u.NextSigningCertificate
		fed.NextSigningCertificate, fed.RawNextSigningCertificate = *u.NextSigningCertificate, ""
	}
	st.fed = &fed
}

// random makes a state that the gates would let through: anything may differ,
// but nothing is ambiguous and nobody has to consent.
func random(t testing.TB, r *rand.Rand) *scene {
	s := converged(t)
	if r.IntN(4) == 0 {
		s.fresh()
		s.st.groups, s.st.members = make(map[string][]*jumpcloud.Group), make(map[string]map[string]bool)
		s.st.dirGroups, s.st.rules = make(map[string]bool), make(map[string]bool)
	}
	one := func(n int) bool { return r.IntN(n) == 0 }
	for range r.IntN(6) {
		tt := situations[r.IntN(len(situations))]
		switch {
		case strings.Contains(tt.name, "two applications"), tt.name == "no directory",
			strings.HasPrefix(tt.name, "fresh"), strings.HasPrefix(tt.name, "pinned"),
			s.st.fed == nil && (strings.Contains(tt.name, "Uri") || strings.Contains(tt.name, "ertificate") || strings.Contains(tt.name, "displayName") || strings.Contains(tt.name, "preferred") || strings.Contains(tt.name, "MfaBehavior")),
			len(s.st.apps) == 0 && strings.Contains(tt.name, "pplication"),
			s.st.directories[0].DefaultDomain == nil && strings.HasPrefix(tt.name, "directory domain"),
			strings.Contains(tt.name, "does not speak"):
			continue
		}
		tt.make(t, s)
	}
	s.p.Consent.TakeOver, s.p.Consent.Recover = true, true
	s.p.Consent.RemoveNextCertificate = one(2)
	if s.p.DefaultDomain != "" {
		s.st.domains = append(s.st.domains, &aad.Domain{Name: "Other.example", AuthenticationType: aad.Managed, IsRoot: true, IsVerified: true})
	}
	if len(s.st.apps) == 1 && s.st.metadata == nil {
		own, err := s.st.apps[0].Certificate()
		if err != nil {
			t.Fatal(err)
		}
		s.st.metadata = &certs.Metadata{EntityID: s.st.apps[0].IdPEntityID, SigningCerts: []certs.Cert{own}}
	}
	if s.st.dirDomains == nil {
		s.st.dirDomains = []*jumpcloud.DirectoryDomain{}
	}
	if one(3) {
		s.p.MFA = aad.EnforceMFAByFederatedIdP
	}
	if one(3) {
		s.p.BrandName = "Example"
	}
	return s
}

// TestDiffLaw is what makes the engine converge: whatever the state, what diff
// asks for, made stage by stage, leaves nothing to be asked for.
func TestDiffLaw(t *testing.T) {
	kinds, rotating := make(map[string]int), 0
	for seed := range uint64(500) {
		s := random(t, rand.New(rand.NewPCG(seed, 7)))
		before := diff(s.p, &s.st)
		for _, c := range before {
			kinds[string(c.Action)+" "+string(c.Resource)]++
		}
		made := make(map[string]bool)
		for todo := before; len(todo) > 0; todo = diff(s.p, &s.st) {
			for _, c := range todo.first() {
				if made[c.key()] {
					t.Fatalf("seed %d: %s is asked for again after it was made\nat first:\n%s", seed, c.String(), before)
				}
				made[c.key()] = true
				s.applyPure(t, c)
			}
		}
		if s.st.classify(s.p) == StateRotating {
			rotating++
		}
		if at := s.st.classify(s.p); at != StateFederated && at != StateUnknownNext && at != StateRotating {
			t.Fatalf("seed %d: the state is %s; want %s\nat first:\n%s", seed, at, StateFederated, before)
		}
	}
	if rotating == 0 {
		t.Error("no random state was one of a rotation")
	}
	for res, is := range resources { // else the test says less than it seems to
		if is.stage > 0 && !slices.ContainsFunc(slices.Collect(maps.Keys(kinds)), func(k string) bool { return strings.HasSuffix(k, " "+string(res)) }) {
			t.Errorf("no random state asked for a change of %s", res)
		}
	}
}
