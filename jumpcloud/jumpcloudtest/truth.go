package jumpcloudtest

import (
	"crypto"
	"slices"

	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/jumpcloud"
)

// Application is the truth about an application.
type Application struct {
	ID, Template, Label, Description, EntityID, SSOURL string
	Active, Hidden                                     bool       // hidden: people do not see it among theirs
	Certificate                                        certs.Cert // zero if there is none that can be read
	HasKey                                             bool       // false: it cannot sign
}

// Application returns the truth about an application, whatever readers of the
// API see at the moment; false if there is none.
func (s *Server) Application(id string) (Application, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.apps.get(id)
	if a == nil {
		return Application{}, false
	}
	return a.truth(), true
}

// Applications returns the truth about all applications, oldest first.
func (s *Server) Applications() []Application {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Application
	for _, a := range s.apps.all() {
		out = append(out, a.truth())
	}
	return out
}

func (a *app) truth() Application {
	t := Application{
		ID: a.id, Template: a.text("name"), Label: a.text("displayLabel"), Description: a.text("description"),
		EntityID: a.value("idpEntityId"), SSOURL: a.text("ssoUrl"), Active: a.active(), HasKey: a.hasKey,
		Hidden: string(a.sso["hidden"]) == "true",
	}
	if c := parseValue(a.value("idpCertificate")); c != nil {
		t.Certificate, _ = certs.ParseOne(c.Raw)
	}
	return t
}

// Signer returns the key with which an application signs; nil if it has none.
func (s *Server) Signer(id string) crypto.Signer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.apps.get(id); a != nil && a.key != nil {
		return a.key
	}
	return nil
}

// Group is the truth about a user group.
type Group struct {
	ID, Name, Description string
	Members               []string // IDs of users, in the order in which they came
	Nested                []string // IDs of the groups in it, likewise
}

// Groups returns the truth about all groups, oldest first.
func (s *Server) Groups() []Group {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Group
	for _, g := range s.groups.all() {
		t := Group{ID: g.ID, Name: g.Name, Description: g.Description}
		for _, e := range s.edges.all() {
			switch {
			case !e.member || e.a.ID != g.ID:
			case e.b.Type == jumpcloud.GroupObject:
				t.Nested = append(t.Nested, e.b.ID)
			default:
				t.Members = append(t.Members, e.b.ID)
			}
		}
		out = append(out, t)
	}
	return out
}

// Users returns the truth about all users but the generated ones.
func (s *Server) Users() []jumpcloud.User {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []jumpcloud.User
	for _, u := range s.users.all() {
		out = append(out, u.User)
	}
	return out
}

// Associations returns the truth about what binds objects that are not members
// of one another: pairs in the order in which they came.
func (s *Server) Associations() [][2]jumpcloud.Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out [][2]jumpcloud.Object
	for _, e := range s.edges.all() {
		if !e.member {
			out = append(out, [2]jumpcloud.Object{e.a, e.b})
		}
	}
	return out
}

// Associated reports whether two objects are bound to each other.
func (s *Server) Associated(a, b jumpcloud.Object) bool {
	return slices.ContainsFunc(s.Associations(), func(p [2]jumpcloud.Object) bool {
		return p == [2]jumpcloud.Object{a, b} || p == [2]jumpcloud.Object{b, a}
	})
}

// Directory is the truth about a Microsoft 365 directory.
type Directory struct {
	ID, Name      string
	DefaultDomain string
	Domains       []string
	Rules         []string // built-in names
}

// Directory returns the truth about a directory.
func (s *Server) Directory(id string) Directory {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := must(s.dirs.get(id), id)
	t := Directory{ID: d.id, Name: d.name}
	for _, dom := range s.domains.all() {
		if dom.dir == id {
			t.Domains = append(t.Domains, dom.name)
			if dom.id == d.def {
				t.DefaultDomain = dom.name
			}
		}
	}
	for _, r := range s.rules.all() {
		if r.dir == id {
			t.Rules = append(t.Rules, r.BuiltIn)
		}
	}
	return t
}
