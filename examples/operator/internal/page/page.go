package page

import (
	"embed"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/jcaad/jcaad/examples/operator/internal/approve"
)

// Options are what a page is made of. Backend and Guard are needed.
type Options struct {
	Backend Backend
	// Guard tells who sends a request.
	Guard *approve.Guard
	// Now is the clock by which ages and what is left of certificates are told; the default
	// is time.Now.
	Now func() time.Time
	// Log is told what could not be shown; the default is that of slog. It is told no name.
	Log *slog.Logger
	// Demonstration: all customers are made up, and the page says so.
	Demonstration bool
}

//go:embed static
var static embed.FS

// page is the handler of everything that people see.
type page struct {
	o       Options
	screens map[string]*set
	nonces  *approve.Nonces
	results results
	wrong   limit // passwords
	strange limit // requests of nobody, told to the audit
}

// New returns the pages, as the handler of everything below /. Each answer is judged by
// the roles at that moment. What is shown can be had without the script, which only keeps
// it fresh.
func New(o Options) (http.Handler, error) {
	if o.Backend == nil || o.Guard == nil {
		return nil, errors.New("a page needs something to show, and to know who looks at it")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	p := &page{o: o, nonces: approve.NewNonces(approve.NonceOptions{}), results: newResults()}
	p.wrong, p.strange = limit{most: 10, within: time.Minute}, limit{most: 6, within: time.Minute}
	var err error
	if p.screens, err = parseScreens(); err != nil {
		return nil, err
	}
	cross := http.NewCrossOriginProtection()
	cross.SetDenyHandler(http.HandlerFunc(p.crossed))
	return secure(cross.Handler(p.routes())), nil
}

// routes are all addresses.
func (p *page) routes() http.Handler {
	mux := http.NewServeMux()
	files := http.FileServerFS(static)
	mux.Handle("GET /static/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-cache") // they belong to this build
		files.ServeHTTP(w, r)
	}))
	mux.HandleFunc("GET /log-in", p.logInForm)
	mux.HandleFunc("POST /log-in", p.logIn)
	mux.HandleFunc("POST /log-out", p.logOut)
	mux.HandleFunc("GET /events", p.events)
	mux.HandleFunc("POST /stop", p.post(p.stop))

	mux.HandleFunc("/", p.get(func(*viewer, *http.Request) (*screen, error) { return nil, errNotFound }))
	p.overviewRoutes(mux)
	p.domainRoutes(mux)
	return mux
}

// secure sets what a browser is to keep to.
func secure(next http.Handler) http.Handler {
	const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Referrer-Policy", "same-origin") // with no-referrer the Origin of a form would be null
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}
