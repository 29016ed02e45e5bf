package page

import (
	"errors"
	"net/http"

	"github.com/jcaad/jcaad/examples/operator/internal/approve"
	"github.com/jcaad/jcaad/examples/operator/internal/audit"
)

// entry is what the log-in page shows.
type entry struct {
	To, Wrong string
}

// logInForm answers with the log-in page. Somebody who comes from another site is not
// known there even with a session, since the cookie is not sent along: hence its link.
func (p *page) logInForm(w http.ResponseWriter, r *http.Request) {
	if !p.o.Guard.ByPassword() {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	p.entrance(w, http.StatusOK, entry{To: inside(r.URL.Query().Get("to"))})
}

func (p *page) entrance(w http.ResponseWriter, status int, e entry) {
	p.html(w, nil, &screen{name: "log-in", Title: "Log in", Data: e}, status, nil)
}

// logIn begins a session.
func (p *page) logIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 8<<10)
	e := entry{To: inside(r.PostFormValue("to"))}
	actor, _ := p.o.Guard.Actor(r) // for the address
	told := audit.Entry{Source: actor.From, Verb: "log-in"}
	if !p.wrong.peek(p.o.Now()) {
		e.Wrong = "There were too many wrong passwords: wait a minute."
		p.entrance(w, http.StatusTooManyRequests, e)
		return
	}
	session, err := p.o.Guard.LogIn(r.PostFormValue("password"))
	if err != nil {
		p.wrong.allow(p.o.Now())
		told.Outcome = "refused: " + err.Error()
		p.log(told)
		e.Wrong = sentence(err.Error())
		status := http.StatusForbidden
		if !errors.Is(err, approve.ErrWrongPassword) {
			status = http.StatusBadRequest
		}
		p.entrance(w, status, e)
		return
	}
	told.Actors, told.Outcome = []string{approve.Operator}, "logged in"
	p.log(told)
	http.SetCookie(w, &http.Cookie{
		Name: approve.Cookie, Value: session, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil,
	})
	http.Redirect(w, r, e.To, http.StatusSeeOther)
}

// logOut ends the session.
func (p *page) logOut(w http.ResponseWriter, r *http.Request) {
	if actor, err := p.o.Guard.Actor(r); err == nil && p.o.Guard.ByPassword() {
		p.log(audit.Entry{Actors: []string{actor.Name}, Source: actor.From, Verb: "log-out", Outcome: "logged out"})
	}
	p.o.Guard.LogOut(r)
	http.SetCookie(w, &http.Cookie{Name: approve.Cookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteStrictMode})
	http.Redirect(w, r, "/log-in", http.StatusSeeOther)
}
