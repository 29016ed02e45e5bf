package jumpcloudtest

import (
	"cmp"
	"fmt"
	"time"

	"github.com/jcaad/jcaad/jumpcloud"
)

func (s *Server) organization() string { return cmp.Or(s.Organization, "Example Org") }

func (s *Server) orgID() string { return s.idOf(kindOrg, 0) }

// OrgID is the organisation's ID.
func (s *Server) OrgID() string { return s.orgID() }

// AddOrganization adds another organisation that the credential can see, with
// nobody in it, such as a provider's customer.
//
// Requests that name it in x-org-id still come to s: the credential, the region, and
// the trouble that s makes hold for all of its organisations together, and s logs all
// requests. What is in an organisation, its OrgID and the IDs of its objects, are its
// own; so are its log, its Quirks, and the trouble that it makes itself, behind that of
// s. Only [GeneratedID] says the same in all of them. Its clients ask s, in its name.
//
// With [Server].MultiTenant, s demands x-org-id, as it does of an MSP; without, it takes
// itself for the default, as it does for the key of an organisation that sees others.
func (s *Server) AddOrganization(name string) *Server {
	s = s.front()
	s.mu.Lock()
	defer s.mu.Unlock()
	o := &Server{Organization: name, desk: s, number: len(s.orgs) + 1, KeyBits: s.KeyBits}
	s.orgs = append(s.orgs, o)
	return o
}

// front is the organisation that requests come to.
func (s *Server) front() *Server { return cmp.Or(s.desk, s) }

// AddUser adds a user, with a new ID if it has none, and returns the ID.
func (s *Server) AddUser(u jumpcloud.User) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	u.ID = cmp.Or(u.ID, s.newID(kindUser))
	if s.users.get(u.ID) != nil {
		panic("jumpcloudtest: user " + u.ID + " is there already")
	}
	u.State = cmp.Or(u.State, jumpcloud.Activated)
	if u.Created.IsZero() {
		u.Created = s.now()
	}
	u.Raw = nil
	s.users.settle(u.ID, &user{User: u})
	return u.ID
}

// EditUser changes a user that was added before, as somebody in the console would.
func (s *Server) EditUser(id string, edit func(*jumpcloud.User)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := *must(s.users.get(id), id)
	edit(&u.User)
	s.users.put(id, &u)
}

// GenerateUsers adds n users who are not kept in memory: f makes the i-th when
// it is asked for. They come after the others. A user without an ID gets
// [GeneratedID]; if f gives IDs they should ascend. f must not call s.
func (s *Server) GenerateUsers(n int, f func(i int) jumpcloud.User) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.generated, s.generate = n, f
}

// AddGroup adds a group with members and returns its ID.
func (s *Server) AddGroup(name string, memberIDs ...string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := &group{ID: s.newID(kindGroup), Name: name, Type: "user_group", MembershipMethod: "STATIC", Attributes: raw(nil)}
	s.groups.settle(g.ID, g)
	for _, id := range memberIDs {
		must(s.user(id), id)
		s.settle(edge{jumpcloud.Object{Type: jumpcloud.GroupObject, ID: g.ID}, jumpcloud.Object{Type: jumpcloud.UserObject, ID: id}, true, nil})
	}
	return g.ID
}

// AddDynamicGroup adds a group whose members a rule decides on: nobody can be
// added by hand, and JumpCloud does not say so.
func (s *Server) AddDynamicGroup(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := &group{ID: s.newID(kindGroup), Name: name, Type: "user_group", MembershipMethod: "DYNAMIC_AUTOMATED", Attributes: raw(nil)}
	s.groups.settle(g.ID, g)
	return g.ID
}

func (s *Server) settle(e edge) { s.tie(e, &e, s.edges.settle) }

// AddDirectory adds a Microsoft 365 directory with a good consent and returns
// its ID.
func (s *Server) AddDirectory(name string) string {
	return s.AddDirectoryOf(jumpcloud.DirectoryObject, name)
}

// AddDirectoryOf adds a directory of another type, such as "g_suite".
func (s *Server) AddDirectoryOf(t jumpcloud.ObjectType, name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := &dir{id: s.newID(kindDir), name: name, t: t, groups: true, lockout: "maintain", expiry: "maintain"}
	if t == jumpcloud.DirectoryObject {
		d.oauth = &jumpcloud.OAuthStatus{Expiry: s.now().AddDate(0, 0, 90)}
	}
	s.dirs.settle(d.id, d)
	return d.id
}

// SetOAuth sets the state of a directory's consent.
func (s *Server) SetOAuth(dirID string, status jumpcloud.OAuthStatus) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := *must(s.dirs.get(dirID), dirID)
	d.oauth = &status
	s.dirs.put(d.id, &d)
}

// RemoveDirectory removes a directory, as deactivating it in the console does.
func (s *Server) RemoveDirectory(dirID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	must(s.dirs.get(dirID), dirID)
	s.dirs.put(dirID, nil)
	s.cut(jumpcloud.Object{Type: jumpcloud.DirectoryObject, ID: dirID})
}

// AddDirectoryDomain adds a domain to a Microsoft 365 directory and returns the
// domain's ID.
func (s *Server) AddDirectoryDomain(dirID, name string, isDefault bool) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := *must(s.dirs.get(dirID), dirID)
	dom := &domain{s.newID(kindDomain), dirID, name}
	s.domains.settle(dom.id, dom)
	if isDefault {
		d.def = dom.id
		s.dirs.settle(d.id, &d)
	}
	return dom.id
}

// AddTranslationRule adds a rule to a Microsoft 365 directory and returns its ID.
func (s *Server) AddTranslationRule(dirID, builtIn string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	must(s.dirs.get(dirID), dirID)
	r := &rule{dir: dirID, ID: s.newID(kindRule), BuiltIn: builtIn, Direction: jumpcloud.Export}
	s.rules.settle(r.ID, r)
	return r.ID
}

// BindUser binds a user to a Microsoft 365 directory and, if externalID is not
// empty, has it synchronised with that object.
func (s *Server) BindUser(dirID, userID, externalID string) {
	s.Bind(jumpcloud.Object{Type: jumpcloud.DirectoryObject, ID: dirID}, jumpcloud.Object{Type: jumpcloud.UserObject, ID: userID})
	if externalID != "" {
		s.SetSync(dirID, jumpcloud.BoundUser{UserID: userID, ExternalID: externalID,
			Sync: &jumpcloud.SyncStatus{Code: "200", Message: "OK", SyncedAt: s.now().UTC().Truncate(time.Second)}})
	}
}

// SetSync sets the state of a user's synchronisation with a directory.
func (s *Server) SetSync(dirID string, u jumpcloud.BoundUser) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sync == nil {
		s.sync = map[[2]string]jumpcloud.BoundUser{}
	}
	s.sync[[2]string{dirID, u.UserID}] = u
}

// GenerateBound binds n users to a Microsoft 365 directory who are not kept in
// memory: f makes the i-th when it is asked for. f must not call s.
func (s *Server) GenerateBound(dirID string, n int, f func(i int) jumpcloud.BoundUser) {
	s.mu.Lock()
	defer s.mu.Unlock()
	must(s.dirs.get(dirID), dirID)
	if s.bound == nil {
		s.bound = map[string]generatedBound{}
	}
	s.bound[dirID] = generatedBound{n, f}
}

// GenerateMembers makes n users members of a group who are not kept in memory: f
// names the i-th when it is asked for. They are seen in the group's membership.
// f must not call s.
func (s *Server) GenerateMembers(groupID string, n int, f func(i int) (userID string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	must(s.groups.get(groupID), groupID)
	if s.bound == nil {
		s.bound = map[string]generatedBound{}
	}
	s.bound[groupID] = generatedBound{n, func(i int) jumpcloud.BoundUser { return jumpcloud.BoundUser{UserID: f(i)} }}
}

// Bind binds two objects. Of a group and a user, or a group and another, it makes the
// second a member of the first, whose own members are then reached through both.
func (s *Server) Bind(a, b jumpcloud.Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range []jumpcloud.Object{a, b} {
		if !s.exists(o) {
			panic("jumpcloudtest: there is no " + o.String())
		}
	}
	if a.Type == jumpcloud.UserObject && b.Type == jumpcloud.GroupObject {
		a, b = b, a
	}
	joins := b.Type == jumpcloud.GroupObject || b.Type == jumpcloud.UserObject
	s.settle(edge{a: a, b: b, member: joins && a.Type == jumpcloud.GroupObject})
}

// Unbind ends what binds two objects: an association or a membership.
func (s *Server) Unbind(a, b jumpcloud.Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tie(edge{a: a, b: b}, nil, s.edges.put)
}

// AddApplication adds an active application of a template, such as "office365",
// with a key and certificate of its own, and returns its ID.
func (s *Server) AddApplication(template, label, entityID, ssoURL string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.template(template)
	if t == nil {
		panic("jumpcloudtest: there is no template " + template)
	}
	a := &app{
		id: s.newID(kindApp), config: t.config(), created: s.now(),
		fields: object{
			"name": raw(template), "displayName": t.object["displayName"], "displayLabel": raw(label),
			"ssoUrl": raw(ssoURL), "active": raw(true),
		},
		sso: object{"type": raw(t.sso())},
	}
	if _, ok := a.config["idpEntityId"]; ok {
		a.set("idpEntityId", entityID)
	}
	if _, ok := a.config["idpCertificate"]; ok {
		delete(a.config["idpPrivateKey"], "value")
		s.renew(a)
	}
	s.seed(a)
	return a.id
}

// SetApplicationField sets a top-level field of an application to any JSON
// value, such as one that package jumpcloud does not know. Without "active" nobody
// can sign in.
func (s *Server) SetApplicationField(id, key string, value any) {
	s.edit(id, func(a *app) { a.fields[key] = raw(value) })
}

// SetApplicationSetting sets the value of a setting to any text, such as a
// certificate in a form that JumpCloud cannot use.
func (s *Server) SetApplicationSetting(id, key, value string) {
	s.edit(id, func(a *app) {
		a.set(key, value)
		if key == "idpCertificate" {
			a.certUpdated = s.now()
		}
	})
}

// RegenerateCertificate gives an application a new key and certificate, as the
// console's button does.
func (s *Server) RegenerateCertificate(id string) { s.edit(id, s.renew) }

// DeleteApplication deletes an application, as somebody in the console would.
func (s *Server) DeleteApplication(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	must(s.apps.get(id), id)
	s.keep(id, nil)
	s.cut(jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: id})
}

func (s *Server) edit(id string, f func(*app)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := must(s.apps.get(id), id).clone()
	f(a)
	s.keep(id, a)
}

func must[T any](v *T, id string) *T {
	if v == nil {
		panic(fmt.Sprintf("jumpcloudtest: there is no %T with ID %q", v, id))
	}
	return v
}
