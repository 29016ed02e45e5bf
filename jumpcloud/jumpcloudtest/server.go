package jumpcloudtest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/jcaad/jcaad/internal/fake"
	"github.com/jcaad/jcaad/internal/memhttp"
	"github.com/jcaad/jcaad/jumpcloud"
)

// Server is a JumpCloud organisation in memory, as far as package jumpcloud uses one.
// The zero value is an organisation with nobody in it. It is an [http.Handler]:
// give it to [net/http/httptest.NewServer], or use [Server.Client] to skip the
// network.
//
// The exported fields are set before the first request, or between requests.
type Server struct {
	// Fault, if not nil, is asked before each request that the Throttle lets
	// through what is to go wrong with it. It is called from many goroutines.
	Fault func(*http.Request) Fault

	// Throttle, if not nil, refuses the requests for which it has no tokens.
	Throttle *Throttle

	// Now is the clock of the dates that the service tells: when a thing was made,
	// when it ends. Lag, throttling and tokens go by the time that passes. The default
	// is [time.Now].
	Now func() time.Time

	// Latency is added to each request.
	Latency time.Duration

	// ListLag keeps what was changed out of lists: applications, groups,
	// members, associations, domains and rules. GetLag does the same for what
	// is asked by ID, which is current by default: a single object, and the
	// members, associations and metadata of one. What was just created is then
	// not found, what was just deleted still is.
	ListLag, GetLag Lag

	// PageSize is the largest page; 0 means JumpCloud's 100. Clients may ask
	// for less.
	PageSize int

	// KeyBits is the size of the RSA keys of applications; 0 means 2048.
	// JumpCloud's own have 4096.
	KeyBits int

	// Organization is the organisation's name, "Example Org" by default.
	Organization string

	// MultiTenant makes the credential an MSP's: requests must name the
	// organisation in x-org-id.
	MultiTenant bool

	// APIKey is the only key that is accepted. Empty means any.
	APIKey string

	// ClientID and ClientSecret are the service account. Empty means any.
	ClientID, ClientSecret string

	// TokenLifetime of the tokens of service accounts; the default is an hour.
	TokenLifetime time.Duration

	// Scopes are what the credential may do, as in "applications.readonly".
	// Nil means everything.
	Scopes []string

	// Region is where the organisation lives. Requests to the host name of
	// another region are refused like a wrong key.
	Region jumpcloud.Region

	// Sync says how far the synchronisation of a user with a Microsoft 365
	// directory is, unless [Server.BindUser] or [Server.SetSync] said so for
	// that user. Nil means not begun.
	Sync func(dirID, userID string) jumpcloud.BoundUser

	// ImportUsers are the users that Microsoft 365 offers for import.
	ImportUsers []jumpcloud.ImportUser

	// OnChange, if not nil, is told of each object that a request changed,
	// after the change and before the answer.
	OnChange func(jumpcloud.Object)

	// OnRequest, if not nil, is called for each request that the organisation
	// has looked at, after it took effect and before it is answered, whether
	// the answer is lost then or not. It is called from many goroutines, and
	// may look at the truth: [Server.Applications] and the like.
	OnRequest func(*http.Request)

	// DefaultPassword is the password of everybody to whom [Server.SetPassword] gave
	// none. Without one, they have not been activated, and cannot log in.
	DefaultPassword string

	// SessionLifetime is how long nobody asks again who has logged in; the default is
	// an hour.
	SessionLifetime time.Duration

	// EventLag is how long an event is not told after it happened.
	EventLag time.Duration

	// Quirks are the places where nobody outside of JumpCloud knows what the
	// service does, or where it has been seen to behave in more than one way.
	Quirks Quirks

	once    sync.Once
	handler http.Handler
	log     fake.Log

	desk   *Server // whose organisation it is one of, if another's
	number int     // among those

	mu sync.Mutex
	state
}

// SuspectedAbuse is the fault of asking too fast, as JumpCloud's edge tells it:
// a 403 that means 429 (jc-suspected-abuse).
func SuspectedAbuse() Fault {
	return Fault{Kind: TooManyBare, Status: http.StatusForbidden, Body: abusePage}
}

const abusePage = `<!DOCTYPE html><html><head><title>Access denied</title></head><body>` +
	`<h1>Your IP address has been blocked due to suspected abuse</h1></body></html>`

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.init()
	s.handler.ServeHTTP(w, r)
}

func (s *Server) init() {
	s.once.Do(func() {
		mux := http.NewServeMux()
		s.routes(mux)
		s.handler = s.log.Serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if o := s.organizationOf(r); o != nil {
				o.ServeHTTP(w, r)
			} else {
				s.shape(w, r, mux)
			}
		}), isWrite, func() fake.Front {
			return fake.Front{Latency: s.Latency, Throttle: s.Throttle, Fault: s.Fault, OnRequest: s.OnRequest, Throttled: ofAPI}
		})
	})
}

// ofAPI reports whether r is one of programs, not one that a person's browser makes.
func ofAPI(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, "/api/") || r.URL.Path == eventsPath || r.URL.Path == tokenPath
}

// isWrite reports whether r would change something.
func isWrite(r *http.Request) bool {
	return r.Method != http.MethodGet && r.Method != http.MethodHead &&
		strings.HasPrefix(r.URL.Path, "/api/") && !strings.HasPrefix(r.URL.Path, "/api/search/")
}

// HTTPClient returns a client whose requests, to whatever host, end at the server,
// in memory.
func (s *Server) HTTPClient() *http.Client {
	return &http.Client{Transport: &memhttp.Transport{Handler: s}}
}

// Client returns a client of the organisation, with an API key. opts may be nil;
// its HTTPClient, if nil, is that of [Server.HTTPClient], and the OrgID of one that was
// added to another is its own. Client panics if opts are such that [jumpcloud.New] fails.
func (s *Server) Client(opts *jumpcloud.Options) *jumpcloud.Client {
	c, err := jumpcloud.New(cmp.Or(s.front().APIKey, "jumpcloudtest"), s.options(opts))
	if err != nil {
		panic("jumpcloudtest: " + err.Error())
	}
	return c
}

// ServiceAccount is like [Server.Client], for a client that authenticates as a
// service account.
func (s *Server) ServiceAccount(opts *jumpcloud.Options) *jumpcloud.Client {
	f := s.front()
	c, err := jumpcloud.NewServiceAccount(cmp.Or(f.ClientID, "jumpcloudtest"), cmp.Or(f.ClientSecret, "jumpcloudtest-secret"), s.options(opts))
	if err != nil {
		panic("jumpcloudtest: " + err.Error())
	}
	return c
}

func (s *Server) options(opts *jumpcloud.Options) *jumpcloud.Options {
	o := jumpcloud.Options{Region: s.front().Region}
	if opts != nil {
		o = *opts
	}
	if o.HTTPClient == nil {
		o.HTTPClient = s.front().HTTPClient()
	}
	if o.OrgID == "" && s.desk != nil {
		o.OrgID = s.OrgID()
	}
	return &o
}

// Requests returns the requests to the stand-in, in the order of their arrival.
func (s *Server) Requests() []Request { return s.log.Requests() }

// Writes returns how many of them meant to change something: all but GET, HEAD,
// searches, what asks for a token or for events, and what people do at the identity
// provider.
func (s *Server) Writes() int { return s.log.Writes() }

// MaxInFlight returns how many of them were served at the same time at most.
func (s *Server) MaxInFlight() int { return s.log.MaxInFlight() }

// ResetLog forgets them.
func (s *Server) ResetLog() { s.log.Reset() }

// call is one request to a route.
type call struct {
	*http.Request
	body    map[string]json.RawMessage
	changed []jumpcloud.Object
}

// reply is an answer.
type reply struct {
	status int
	total  int    // x-total-count, if positive or counted
	count  bool   // total is to be sent
	ctype  string // JSON by default
	body   []byte // as it is; nil for none
	where  string // Location
	header map[string]string
}

// route serves a pattern of [http.ServeMux]. scopes are the ones that give
// access; a write scope includes the reading of the same thing.
func (s *Server) route(mux *http.ServeMux, pattern, scope string, f func(*call) reply) {
	mux.HandleFunc(pattern, s.serve(pattern, scope, f))
}

func (s *Server) serve(pattern, scope string, f func(*call) reply) http.HandlerFunc {
	takes := queryOf(pattern)
	return func(w http.ResponseWriter, r *http.Request) {
		c := &call{Request: r}
		if out, ok := s.admit(r, scope); !ok {
			s.write(w, out)
			return
		}
		if pattern == everythingElse {
			s.write(w, f(c))
			return
		}
		if name := unasked(r.URL.Query(), takes); name != "" {
			s.write(w, unmodelled(fmt.Sprintf("the parameter %q of %s", name, pattern)))
			return
		}
		if name := unclear(r.URL.Query(), strings.HasPrefix(r.URL.Path, "/api/v2/")); name != "" {
			s.write(w, unmodelled(fmt.Sprintf("this value of the parameter %q of %s", name, pattern)))
			return
		}
		if r.Method != http.MethodGet && r.ContentLength != 0 {
			if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 8<<20)).Decode(&c.body); err != nil {
				s.write(w, fail(http.StatusBadRequest, `{"message":"Bad Request: the body is no JSON object"}`))
				return
			}
		}
		if name := strange(pattern, c.body); name != "" {
			s.write(w, unmodelled(fmt.Sprintf("the property %q of %s", name, pattern)))
			return
		}
		s.mu.Lock()
		out := func() reply { defer s.mu.Unlock(); return f(c) }()
		if s.OnChange != nil {
			for _, o := range c.changed {
				s.OnChange(o)
			}
		}
		s.write(w, out)
	}
}

func (s *Server) write(w http.ResponseWriter, r reply) {
	h := w.Header()
	if r.where != "" {
		h.Set("Location", r.where)
		w.WriteHeader(r.status)
		return
	}
	h.Set("Cf-Ray", fmt.Sprintf("%016x-TST", s.rays.Add(1)))
	if r.count && !s.Quirks.NoTotals {
		h.Set("X-Total-Count", fmt.Sprint(r.total))
	}
	for k, v := range r.header {
		h.Set(k, v)
	}
	if r.status == http.StatusNotFound && s.Quirks.EmptyNotFound {
		r.body = nil
	}
	if r.body == nil {
		w.WriteHeader(r.status)
		return
	}
	h.Set("Content-Type", cmp.Or(r.ctype, "application/json; charset=utf-8"))
	h.Set("Etag", etag(r.body))
	w.WriteHeader(r.status)
	w.Write(r.body)
}

// fail is an error in one of JumpCloud's shapes.
func fail(status int, body string) reply { return reply{status: status, body: []byte(body)} }

// ok is a JSON answer.
func ok(v any) reply { return answer(http.StatusOK, v) }

func answer(status int, v any) reply {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return reply{status: status, body: b}
}

var (
	notFound  = fail(http.StatusNotFound, `{"message":"Not Found"}`)
	exists    = fail(http.StatusConflict, `{"message":"Already Exists"}`)
	noContent = reply{status: http.StatusNoContent}
)

func invalid(message string) reply {
	return answer(http.StatusBadRequest, map[string]any{"code": 400, "message": message, "status": "Bad Request"})
}

// v1invalid is v1's way of saying it.
func v1invalid(message string) reply {
	return answer(http.StatusBadRequest, map[string]any{"status": 400, "error": message})
}

func (s *Server) routes(mux *http.ServeMux) {
	s.organizationRoutes(mux)
	s.appRoutes(mux)
	s.userRoutes(mux)
	s.groupRoutes(mux)
	s.appViewRoutes(mux)
	s.graphRoutes(mux)
	s.directoryRoutes(mux)
	mux.HandleFunc("POST "+tokenPath, s.token)
	s.route(mux, "POST "+eventsPath, "", s.listEvents)
	s.signInRoutes(mux)
}

// str is a field of the body that should be a string.
func (c *call) str(key string) string {
	var v string
	json.Unmarshal(c.body[key], &v)
	return v
}

func (c *call) change(t jumpcloud.ObjectType, id string) {
	c.changed = append(c.changed, jumpcloud.Object{Type: t, ID: id})
}

func (s *Server) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}
