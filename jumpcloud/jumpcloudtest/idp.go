package jumpcloudtest

import (
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/jcaad/jcaad/jumpcloud"
)

// portalPath is where people see the applications that they have.
const portalPath = "/userconsole/"

// idpState is what the identity provider remembers.
type idpState struct {
	passwords, factors, immutable map[string]string // by user
	sessions                      map[string]*session
	pending                       map[string]pending
	events                        []*event
}

// session is somebody's who has logged in. It is never changed.
type session struct {
	user   string
	at     time.Time // by Server.Now
	since  time.Time
	factor bool // a second one was given
}

// pending is somebody who has given a password, and not the second factor yet.
type pending struct {
	user  string
	since time.Time
}

const pendingLifetime = 10 * time.Minute

func (s *Server) signInRoutes(mux *http.ServeMux) {
	login := people(s.atLogin)
	api := s.serve(everythingElse, "", unrouted)
	mux.HandleFunc("/saml2/{application...}", login)
	mux.HandleFunc("/wsfed/{application}", login)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if s.hasLogin(r.Host, r.URL, false) { // login URLs are not bound to have the usual path
			login(w, r)
		} else {
			api(w, r)
		}
	})
	mux.HandleFunc(portalPath+"{$}", people(s.atPortal))
	mux.HandleFunc("POST "+portalPath+"logout", people(s.logOut))
}

// people serves those who come with a browser.
func people(f func(*http.Request) page) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
		switch {
		case r.Method != http.MethodGet && r.Method != http.MethodPost:
			w.WriteHeader(http.StatusMethodNotAllowed)
		case r.ParseForm() != nil:
			refusal(BadRequest, nil).write(w)
		default:
			f(r).write(w)
		}
	}
}

// organizations are those behind the front, itself the first.
func (s *Server) organizations() []*Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*Server{s}, s.orgs...)
}

// hostOf returns the organisation one of whose applications has the address of r,
// s itself if there is none.
func (s *Server) hostOf(r *http.Request) *Server {
	all := s.organizations()
	for _, exact := range []bool{true, false} {
		for _, o := range all {
			if o.hasLogin(r.Host, r.URL, exact) {
				return o
			}
		}
	}
	return s
}

func (s *Server) hasLogin(host string, u *url.URL, exact bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.appAt(host, u, exact) != nil
}

// appAt is the first application with this login URL. If it need not be exact, the
// path is enough: a stand-in is often reached by another name.
func (s *Server) appAt(host string, u *url.URL, exact bool) *app {
	return find(s.apps.all(), func(a *app) bool {
		at, err := url.Parse(a.text("ssoUrl"))
		_, signs := a.config["idpCertificate"]
		if s.Quirks.SignIn.WSFed && signs && err == nil && u.Path == "/wsfed/"+a.id {
			return !exact || strings.EqualFold(at.Host, host)
		}
		return err == nil && signs && len(at.Path) > 1 && at.Path == u.Path && (!exact || strings.EqualFold(at.Host, host))
	})
}

// visit is one request of a person, to an application or, without one, to the portal.
type visit struct {
	s       *Server
	r       *http.Request
	app     *app
	asks    *authnRequest // nil if the service provider did not ask
	relay   string
	user    *user // as soon as it is known who it is
	session *session
	cookie  *http.Cookie // to be set
}

// atLogin serves the login URL of an application.
func (s *Server) atLogin(r *http.Request) page {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.appAt(r.Host, r.URL, true)
	if a == nil {
		a = s.appAt(r.Host, r.URL, false)
	}
	if a == nil {
		return refusal(NoApplication, nil)
	}
	v := &visit{s: s, r: r, app: a, relay: r.Form.Get("RelayState")}
	v.resume()
	if why := v.readRequest(); why != "" {
		return v.refuse(why)
	}
	if !a.active() {
		return v.refuse(Inactive)
	}
	if p, ok := v.logIn(); !ok {
		return p
	}
	return v.answer()
}

// atPortal serves the applications of a person, of whichever organisation.
func (s *Server) atPortal(r *http.Request) page {
	var first *page
	for _, o := range s.organizations() {
		p, known := o.portal(r)
		if known {
			return p
		}
		if first == nil {
			first = &p
		}
	}
	return *first
}

// portal reports also whether the organisation knows the person.
func (s *Server) portal(r *http.Request) (page, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := &visit{s: s, r: r}
	v.resume()
	p, ok := v.logIn()
	switch {
	case !ok:
		return p, v.user != nil
	case r.Method == http.MethodPost:
		return page{status: http.StatusSeeOther, where: portalPath, cookie: v.cookie}, true
	}
	return v.tiles(), true
}

func (s *Server) logOut(r *http.Request) page {
	p := page{status: http.StatusSeeOther, where: portalPath}
	for _, o := range s.organizations() {
		o.mu.Lock()
		if c, err := r.Cookie(o.cookieName()); err == nil && o.idp.sessions[c.Value] != nil {
			delete(o.idp.sessions, c.Value)
			p.cookie = o.newCookie(r, "")
		}
		o.mu.Unlock()
	}
	return p
}

// cookieName is another one in each organisation, as they share the host.
func (s *Server) cookieName() string { return "jumpcloud_session_" + s.orgID()[14:] }

func (s *Server) newCookie(r *http.Request, value string) *http.Cookie {
	c := &http.Cookie{Name: s.cookieName(), Value: value, Path: "/", HttpOnly: true}
	if atJumpCloud(r) { // the portal and the log-in have hosts of their own, and one session
		c.Domain = "jumpcloud.com"
	}
	if r.TLS != nil { // requests come in forms of other sites
		c.Secure, c.SameSite = true, http.SameSiteNoneMode
	}
	if value == "" {
		c.MaxAge = -1
	}
	return c
}

// atJumpCloud reports whether the stand-in is reached by JumpCloud's own names.
func atJumpCloud(r *http.Request) bool {
	u := url.URL{Host: r.Host}
	return strings.HasSuffix(u.Hostname(), ".jumpcloud.com")
}

// resume finds the session that the person has.
func (v *visit) resume() {
	c, err := v.r.Cookie(v.s.cookieName())
	if err != nil {
		return
	}
	ses := v.s.idp.sessions[c.Value]
	if ses == nil || time.Since(ses.since) >= v.s.sessionLifetime() {
		return
	}
	if u := v.s.user(ses.user); u != nil {
		v.user, v.session = u, ses
	}
}

func (s *Server) sessionLifetime() time.Duration {
	if s.SessionLifetime > 0 {
		return s.SessionLifetime
	}
	return time.Hour
}

// logIn goes one step towards a session: if there is none at its end, the page is
// the next one to be shown.
func (v *visit) logIn() (page, bool) {
	step := ""
	if v.r.Method == http.MethodPost {
		step = v.r.PostForm.Get("step")
	}
	switch {
	case step == "password":
		return v.password()
	case step == "factor":
		return v.factor()
	case v.session == nil || v.asks != nil && v.asks.force:
		v.user, v.session = nil, nil
		return v.form(http.StatusOK, "login", ""), false
	}
	if why := standing(v.user); why != "" {
		return v.refuse(why), false
	}
	return page{}, true
}

func (v *visit) password() (page, bool) {
	v.session, v.user = nil, v.s.named(v.r.PostForm.Get("username"))
	if v.user == nil {
		return v.again("login", WrongPassword), false
	}
	want := v.s.passwordOf(v.user.ID)
	switch given := v.r.PostForm.Get("password"); {
	case want == "":
		return v.refuse(NotActivated), false
	case !same(want, given):
		return v.again("login", WrongPassword), false
	}
	if why := standing(v.user); why != "" {
		return v.refuse(why), false
	}
	if v.s.idp.factors[v.user.ID] == "" {
		v.begin(false)
		return page{}, true
	}
	return v.form(http.StatusOK, "factor", ""), false
}

func (v *visit) factor() (page, bool) {
	v.session, v.user = nil, nil
	token := v.r.PostForm.Get("login")
	p, ok := v.s.idp.pending[token]
	delete(v.s.idp.pending, token)
	if ok && time.Since(p.since) < pendingLifetime {
		v.user = v.s.user(p.user)
	}
	if v.user == nil {
		return v.form(http.StatusOK, "login", ""), false
	}
	if want := v.s.idp.factors[v.user.ID]; want == "" || !same(want, strings.TrimSpace(v.r.PostForm.Get("code"))) {
		return v.again("factor", WrongFactor), false
	}
	if why := standing(v.user); why != "" {
		return v.refuse(why), false
	}
	v.begin(true)
	return page{}, true
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// begin begins a session.
func (v *visit) begin(factor bool) {
	id := &v.s.idp
	if id.sessions == nil {
		id.sessions = map[string]*session{}
	}
	token := rand.Text()
	v.session = &session{user: v.user.ID, at: v.s.now(), since: time.Now(), factor: factor}
	id.sessions[token] = v.session
	v.cookie = v.s.newCookie(v.r, token)
}

// wait remembers that the password was right, until the second factor comes.
func (v *visit) wait() (token string) {
	if v.s.idp.pending == nil {
		v.s.idp.pending = map[string]pending{}
	}
	token = rand.Text()
	v.s.idp.pending[token] = pending{v.user.ID, time.Now()}
	return token
}

// standing is why somebody cannot sign in who has given the right password; "" if
// nothing is in the way.
func standing(u *user) Refusal {
	switch {
	case u.AccountLocked:
		return Locked
	case u.Suspended || u.State == jumpcloud.Suspended:
		return SuspendedUser
	case u.State == jumpcloud.Staged:
		return NotActivated
	case u.PasswordExpired:
		return Expired
	}
	return ""
}
