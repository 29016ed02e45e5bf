package jumpcloudtest

import (
	"cmp"
	"strings"

	"github.com/jcaad/jcaad/jumpcloud"
)

// Refusal is why the identity provider did not sign a person in. It stands on the page
// that the person sees, and in the event. The words are the stand-in's own.
type Refusal string

// The refusals.
const (
	WrongPassword Refusal = "wrong-password"  // or nobody has this name
	WrongFactor   Refusal = "wrong-factor"    // the code is another one
	NotActivated  Refusal = "not-activated"   // the user is staged, or has no password
	SuspendedUser Refusal = "suspended"       // the user is
	Locked        Refusal = "locked"          // the account is
	Expired       Refusal = "expired"         // the password is
	Inactive      Refusal = "inactive"        // the application is
	NotBound      Refusal = "not-bound"       // neither the user nor a group of the user's is bound to the application
	NoImmutableID Refusal = "no-immutable-id" // no Microsoft 365 directory has exported the user
	CannotSign    Refusal = "cannot-sign"     // the application has no key, or no address to answer to
	WrongService  Refusal = "wrong-service"   // the request is another service provider's, or wants the answer elsewhere
	BadRequest    Refusal = "bad-request"     // the request cannot be read
	NoApplication Refusal = "no-application"  // none has this login URL
)

// SetPassword gives a user a password, which activates the account as if the user had
// chosen it, and ends the expiry of the one before. An empty password takes it away.
func (s *Server) SetPassword(userID, password string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := *must(s.user(userID), userID)
	if s.idp.passwords == nil {
		s.idp.passwords = map[string]string{}
	}
	s.idp.passwords[userID] = password
	if s.users.byID[userID] != nil { // others are made anew each time
		u.Activated, u.PasswordExpired = password != "", false
		s.users.settle(userID, &u)
	}
}

// SetSecondFactor makes a user give a code after the password, always this one. An
// empty code ends that.
func (s *Server) SetSecondFactor(userID, code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	must(s.user(userID), userID)
	if s.idp.factors == nil {
		s.idp.factors = map[string]string{}
	}
	s.idp.factors[userID] = code
}

// SetImmutableID sets what JumpCloud sends as the user's immutable ID, in place of the
// user's own ID: an older value, such as users may have who were imported from
// Microsoft 365. It is sent only if the user was exported, as is the other.
func (s *Server) SetImmutableID(userID, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	must(s.user(userID), userID)
	if s.idp.immutable == nil {
		s.idp.immutable = map[string]string{}
	}
	s.idp.immutable[userID] = value
}

func (s *Server) passwordOf(userID string) string {
	return cmp.Or(s.idp.passwords[userID], s.DefaultPassword, s.front().DefaultPassword)
}

// named is the user with a name or an e-mail address; nil if there is none.
func (s *Server) named(name string) *user {
	name = strings.TrimSpace(name)
	if name == "" {
		return nil
	}
	is := func(u *user) bool { return strings.EqualFold(u.Username, name) || strings.EqualFold(u.Email, name) }
	if u := find(s.users.all(), func(u *user) bool { return is(u) }); u != nil {
		return u
	}
	for i := range s.generated {
		if u := s.generatedUser(i); is(u) {
			return u
		}
	}
	return nil
}

// bindings are the objects of a type that a user is bound to, directly or through a
// group.
func (s *Server) bindings(userID string, t jumpcloud.ObjectType) map[string]bool {
	edges := s.edges.all()
	out := map[string]bool{}
	add := func(from jumpcloud.Object) {
		for _, r := range reach(edges, from, t) {
			out[r.ID] = true
		}
	}
	add(jumpcloud.Object{Type: jumpcloud.UserObject, ID: userID})
	for id, g := range s.bound { // those who are not kept in memory
		for i := range g.n {
			if g.f(i).UserID != userID {
				continue
			}
			if s.dirs.get(id) != nil {
				out[id] = out[id] || t == jumpcloud.DirectoryObject
			} else {
				s.outOf(edges, id, t, out)
			}
			break
		}
	}
	for id, ok := range out {
		if !ok {
			delete(out, id)
		}
	}
	return out
}

// outOf adds what a group, and the groups that it is in, are bound to.
func (s *Server) outOf(edges []*edge, groupID string, t jumpcloud.ObjectType, out map[string]bool) {
	seen := map[string]bool{}
	var up func(id string)
	up = func(id string) {
		if seen[id] {
			return
		}
		seen[id] = true
		g := jumpcloud.Object{Type: jumpcloud.GroupObject, ID: id}
		for _, e := range edges {
			switch to, ok := e.other(g); {
			case ok && !e.member && to.Type == t:
				out[to.ID] = true
			case ok && e.member && e.b == g:
				up(e.a.ID)
			}
		}
	}
	up(groupID)
}

// immutableID is what Microsoft 365 knows the user by, as far as JumpCloud knows; ""
// if no directory that exported the user is bound to it.
func (s *Server) immutableID(userID string) string {
	id := cmp.Or(s.idp.immutable[userID], userID)
	if s.Quirks.SignIn.NameUnexported {
		return id
	}
	for dir := range s.bindings(userID, jumpcloud.DirectoryObject) {
		d := s.dirs.get(dir)
		if d == nil || d.t != jumpcloud.DirectoryObject {
			continue
		}
		if s.syncOf(dir, userID).ExternalID != "" {
			return id
		}
		g := s.bound[dir]
		for i := range g.n {
			if b := g.f(i); b.UserID == userID && b.ExternalID != "" {
				return id
			}
		}
	}
	return ""
}

// attribute is a field of a user by JumpCloud's name of it.
func (s *Server) attribute(u *user, field string) string {
	switch field {
	case "immutableId":
		return s.immutableID(u.ID)
	case "email":
		return u.Email
	case "username":
		return u.Username
	case "alternateEmail":
		return u.AlternateEmail
	case "firstname":
		return u.FirstName
	case "lastname":
		return u.LastName
	case "displayname":
		return u.DisplayName
	case "_id", "id":
		return u.ID
	case "fullname":
		return strings.TrimSpace(u.FirstName + " " + u.LastName)
	}
	return ""
}
