package jumpcloudtest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"time"

	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/jumpcloud"
)

// History is everything that an application has been.
type History struct {
	ID       string
	Versions []Version // in the order of the changes; the first one is that of its creation
}

// Version is what an application was from some moment until the next version.
type Version struct {
	At time.Time // by Server.Now

	// Application is the truth at that time. Of one that was deleted only the ID is left.
	Application

	// Signs is the certificate of the key with which the application really signs; zero
	// if it has none. It is the one that is shown, unless the key is another's: then it
	// is the last one that the application showed for that key or, if it never did, one
	// that is made up for it.
	Signs certs.Cert

	// Bound reports whether any user or group is bound to it.
	Bound bool

	// Everywhere means that no reader saw what was before, from this moment on: the
	// application was added with [Server.AddApplication].
	Everywhere bool

	// Gone means that it was deleted.
	Gone bool
}

// Histories returns what each application was that ever existed, oldest first,
// whatever readers of the API saw.
func (s *Server) Histories() []History {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]History, 0, len(s.past.order))
	for _, p := range s.past.order {
		h := History{ID: p.id}
		for _, v := range p.versions {
			w := Version{At: v.at, Application: Application{ID: p.id}, Bound: v.bound, Everywhere: v.everywhere, Gone: v.app == nil}
			if v.app != nil {
				w.Application = v.app.truth()
				w.Signs = v.app.signs(w.Certificate, h.Versions)
			}
			h.Versions = append(h.Versions, w)
		}
		out = append(out, h)
	}
	return out
}

// signs is the certificate of the key of a, which shows another one perhaps; before
// is what it was until then.
func (a *app) signs(shown certs.Cert, before []Version) certs.Cert {
	if !a.hasKey || a.key == nil {
		return certs.Cert{}
	}
	fits := func(c certs.Cert) bool {
		if c.IsZero() {
			return false
		}
		k, ok := c.X509().PublicKey.(*rsa.PublicKey)
		return ok && k.Equal(&a.key.PublicKey)
	}
	if fits(shown) {
		return shown
	}
	for i := len(before) - 1; i >= 0; i-- {
		for _, c := range []certs.Cert{before[i].Signs, before[i].Certificate} {
			if fits(c) {
				return c
			}
		}
	}
	// The same one each time: nothing in it, nor in the signature, is by chance.
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "A key that was never shown"},
		NotBefore: a.created.UTC().Truncate(time.Second), NotAfter: a.created.AddDate(5, 0, 0), SignatureAlgorithm: x509.SHA256WithRSA,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &a.key.PublicKey, a.key)
	if err != nil {
		panic(err)
	}
	c, err := certs.ParseOne(der)
	if err != nil {
		panic(err)
	}
	return c
}

// past remembers what applications were.
type past struct {
	order []*appPast
	byID  map[string]*appPast
}

type appPast struct {
	id       string
	bindings int // users and groups that are bound to it
	versions []appVersion
}

type appVersion struct {
	at                time.Time
	app               *app // nil: deleted
	bound, everywhere bool
}

// keep sets the application id to a; nil deletes it.
func (s *Server) keep(id string, a *app) {
	s.apps.put(id, a)
	s.remember(id, a, false)
}

// seed sets a new application, as if it had been there for long.
func (s *Server) seed(a *app) {
	s.apps.settle(a.id, a)
	s.remember(a.id, a, true)
}

func (s *Server) remember(id string, a *app, everywhere bool) {
	p := s.past.byID[id]
	if p == nil {
		p = &appPast{id: id}
		if s.past.byID == nil {
			s.past.byID = make(map[string]*appPast)
		}
		s.past.byID[id] = p
		s.past.order = append(s.past.order, p)
	}
	p.versions = append(p.versions, appVersion{s.now(), a, a != nil && p.bindings > 0, everywhere})
}

// tie sets or removes what binds two objects, with set, which is one of the ways to
// do so, and remembers whether an application is bound to anybody.
func (s *Server) tie(e edge, v *edge, set func(string, *edge)) {
	was := s.edges.get(e.key()) != nil
	set(e.key(), v)
	if was == (v != nil) {
		return
	}
	for _, o := range []jumpcloud.Object{e.a, e.b} {
		p := s.past.byID[o.ID]
		other, _ := e.other(o)
		if p == nil || o.Type != jumpcloud.ApplicationObject || other.Type != jumpcloud.UserObject && other.Type != jumpcloud.GroupObject {
			continue
		}
		before := p.bindings > 0
		if v != nil {
			p.bindings++
		} else {
			p.bindings--
		}
		if a := s.apps.get(o.ID); a != nil && before != (p.bindings > 0) {
			s.remember(o.ID, a, false)
		}
	}
}
