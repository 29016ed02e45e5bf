package aadtest

import (
	"cmp"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/signin"
)

// maxForm bounds what is posted to the pages: a message in base64, and more.
const maxForm = 4 * signin.MaxMessage

// The application that people sign in to if the address does not name another.
const (
	officeID   = "4765445b-32c6-49b0-83e6-1d93765276ca"
	officeName = "OfficeHome"
)

// attempt is a sign-in that is under way.
type attempt struct {
	id          string // goes to the identity provider and comes back
	login       string // as it was typed, or asked for
	correlation string
	appID, app  string
	fresh       bool   // prompt=login: no session counts
	back        int    // how often it was sent back to the provider for a second factor
	user        string // ID of who has to show a second factor

	protocol aad.SignInProtocol // of the answer; empty before it
	token    aad.IncomingToken
}

// session is what the cookie stands for.
type session struct {
	user string // ID
	at   time.Time
}

const sessionCookie = "ESTSAUTH"

func (s *Server) newAttempt() *attempt {
	a := &attempt{correlation: s.newID(0xc0de), appID: officeID, app: officeName}
	a.id = base64.RawURLEncoding.EncodeToString([]byte(s.newID(0xa77e)))
	s.attempts[a.id] = a
	return a
}

// attemptOf finds the attempt that a form or an answer belongs to. Answers without a
// request are accepted, so an unknown one begins here.
func (s *Server) attemptOf(state string) *attempt {
	if q, err := url.ParseQuery(state); err == nil && q.Has("estsrequest") {
		state = q.Get("estsrequest")
	}
	if a := s.attempts[state]; a != nil {
		return a
	}
	return s.newAttempt()
}

// beginSignIn shows the page that asks for the user name, or goes where the address
// says that the user belongs to.
func (s *Server) beginSignIn(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	a := s.newAttempt()
	a.login = cmp.Or(q.Get("login_hint"), q.Get("username"))
	a.fresh = q.Get("prompt") == "login"
	if id := q.Get("client_id"); id != "" && id != officeID {
		a.appID, a.app = id, "Application "+id
	}
	if q.Has("SAMLResponse") || q.Has("wresult") {
		s.fail(w, a, nil, "AADSTS75001", said{})
		return
	}
	if u := s.session(r); u != nil && !a.fresh {
		delete(s.attempts, a.id)
		s.show(w, "signedin", view{Title: "Signed in", Attempt: a, User: u})
		return
	}
	if hint := cmp.Or(q.Get("domain_hint"), q.Get("whr")); hint != "" {
		if f, ok := s.homeRealm(hint); ok && f != nil {
			s.toProvider(w, r, a, f)
			return
		}
	}
	s.show(w, "name", view{Title: "Sign in", Attempt: a})
}

// homeRealm returns the federation that users of a name sign in through, as the login
// service knows it; nil if they have a password here, false if nobody has the domain.
func (s *Server) homeRealm(login string) (*aad.Federation, bool) {
	name, st, ok := s.realm(login)
	if !ok {
		return nil, false
	}
	s.inherit(name, &st)
	if f, federated := st.federated(); federated {
		if st.broken {
			f = aad.Federation{}
		}
		return &f, true
	}
	return nil, true
}

// nameOrPassword takes the form of the first page and that of the second.
func (s *Server) nameOrPassword(w http.ResponseWriter, r *http.Request) {
	a := s.attemptOf(r.PostFormValue("ctx"))
	a.login = strings.TrimSpace(r.PostFormValue("loginfmt"))
	f, ok := s.homeRealm(a.login)
	if ok && f != nil && strings.Contains(a.login, "@") {
		s.toProvider(w, r, a, f)
		return
	}
	var u *user
	if ok && strings.Contains(a.login, "@") {
		u = s.lookup(a.login, false)
	}
	if u == nil {
		if ok {
			s.note(a, nil, "AADSTS50034", signInText("AADSTS50034", said{}))
		}
		s.show(w, "name", view{Title: "Sign in", Attempt: a,
			Trouble: "There is no account with this user name. Check it, or ask your administrator."})
		return
	}
	st := u.state.Now()
	password, want := r.PostFormValue("passwd"), cmp.Or(st.password, s.DefaultPassword)
	switch {
	case !r.PostForm.Has("passwd"):
		s.show(w, "password", view{Title: "Enter password", Attempt: a})
	case want == "":
		s.fail(w, a, &st.User, "AADSTS50056", said{})
	case password != want:
		s.note(a, &st.User, "AADSTS50126", signInText("AADSTS50126", said{}))
		s.show(w, "password", view{Title: "Enter password", Attempt: a, Trouble: "The account or the password is wrong."})
	case st.Enabled != nil && !*st.Enabled:
		s.fail(w, a, &st.User, "AADSTS50057", said{})
	case s.DemandMFA != nil && s.DemandMFA(st.User):
		s.ask(w, a, &st.User)
	default:
		s.finish(w, r, a, &st.User)
	}
}

// toProvider sends the browser to the identity provider.
func (s *Server) toProvider(w http.ResponseWriter, r *http.Request, a *attempt, f *aad.Federation) {
	to, err := url.Parse(f.PassiveSignInURI)
	switch {
	case err != nil || to.Host == "":
		s.fail(w, a, nil, "AADSTS50169", said{})
	case f.Protocol == aad.SAML:
		s.sendAuthnRequest(w, r, a, f, to)
	default:
		http.Redirect(w, r, s.wsFedRequest(a, f, to), http.StatusFound)
	}
}

// asksForMFA reports whether the identity provider is asked for a second factor.
func (s *Server) asksForMFA(a *attempt, f *aad.Federation) bool {
	if !s.Quirks.RequestMFA || f.MFA != aad.EnforceMFAByFederatedIdP || s.DemandMFA == nil {
		return false
	}
	if a.back > 0 {
		return true
	}
	u := s.lookup(a.login, false)
	return u != nil && s.DemandMFA(u.state.Now().User)
}

// answered takes the answer of an identity provider.
func (s *Server) answered(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		s.fail(w, s.newAttempt(), nil, "AADSTS75005", said{})
		return
	}
	message := r.PostForm.Get("SAMLResponse")
	a := s.attemptOf(r.PostForm.Get("RelayState"))
	field := "SAMLResponse"
	switch {
	case message != "":
		if !posted(message) {
			s.fail(w, a, nil, "AADSTS75005", said{})
			return
		}
	case r.PostForm.Get("wresult") != "":
		field, message = "wresult", strings.TrimSpace(r.PostForm.Get("wresult"))
		a = s.attemptOf(r.PostForm.Get("wctx"))
		if r.PostForm.Get("wa") != "wsignin1.0" || !strings.HasPrefix(message, "<") {
			s.fail(w, a, nil, "AADSTS20012", said{})
			return
		}
	default:
		s.fail(w, a, nil, "AADSTS90121", said{})
		return
	}
	o := s.judge([]byte(field + "=" + url.QueryEscape(message)))
	a.protocol, a.token = o.protocol, o.token
	switch o.next {
	case refused:
		s.fail(w, a, o.user, o.code, o.said)
	case askHere:
		s.ask(w, a, o.user)
	case sendBack:
		loops := cmp.Or(s.Quirks.MFALoops, 2)
		if a.back++; a.back > loops {
			s.fail(w, a, o.user, cmp.Or(s.Quirks.MFALoopCode, "AADSTS50079"), o.said)
			return
		}
		a.login = cmp.Or(a.login, o.user.UserPrincipalName)
		s.toProvider(w, r, a, o.realm.Federation)
	default:
		s.finish(w, r, a, o.user)
	}
}

// posted reports whether a field is base64 of XML, as HTTP-POST has it. What is
// compressed, as for HTTP-Redirect, is not.
func posted(field string) bool {
	b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(field), ""))
	return err == nil && strings.HasPrefix(strings.TrimSpace(strings.TrimPrefix(string(b), "\ufeff")), "<")
}

// ask shows the page for a second factor of the tenant's own.
func (s *Server) ask(w http.ResponseWriter, a *attempt, u *aad.User) {
	a.user = u.ID
	s.show(w, "mfa", view{Title: "Verify your identity", Attempt: a, User: u})
}

func (s *Server) secondFactor(w http.ResponseWriter, r *http.Request) {
	a := s.attemptOf(r.PostFormValue("ctx"))
	u := s.lookup(a.user, false)
	if a.user == "" || u == nil {
		s.show(w, "name", view{Title: "Sign in", Attempt: a, Trouble: "The sign-in has ended. Begin again."})
		return
	}
	st := u.state.Now()
	if strings.TrimSpace(r.PostFormValue("otc")) != cmp.Or(s.VerificationCode, "123456") {
		s.show(w, "mfa", view{Title: "Verify your identity", Attempt: a, User: &st.User, Trouble: "The code is wrong. Try again."})
		return
	}
	s.finish(w, r, a, &st.User)
}

// finish signs the user in.
func (s *Server) finish(w http.ResponseWriter, r *http.Request, a *attempt, u *aad.User) {
	delete(s.attempts, a.id)
	s.note(a, u, "", "")
	id := s.newID(0x5e55)
	s.sessions[id] = session{u.ID, s.now()}
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Value: id, Path: "/",
		HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteLaxMode})
	s.show(w, "signedin", view{Title: "Signed in", Attempt: a, User: u})
}

// session returns who is signed in already, nil if nobody is.
func (s *Server) session(r *http.Request) *aad.User {
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return nil
	}
	have, ok := s.sessions[c.Value]
	u := s.lookup(have.user, false)
	if !ok || u == nil {
		return nil
	}
	for _, e := range s.revoked {
		if e.UserID == have.user && !e.At.Before(have.at) {
			return nil
		}
	}
	if st := u.state.Now(); st.Enabled == nil || *st.Enabled {
		return &st.User
	}
	return nil
}

func (s *Server) signOut(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie(sessionCookie); err == nil {
		delete(s.sessions, c.Value)
	}
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Path: "/", MaxAge: -1})
	s.show(w, "signedout", view{Title: "Signed out"})
}
