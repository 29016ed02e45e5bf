package aadtest

import (
	"hash/crc32"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/internal/fake"
	"github.com/jcaad/jcaad/internal/memhttp"
)

// Server is an Azure AD tenant in memory, as far as package aad uses one. The zero
// value is a tenant with its initial domain and nobody in it. It is an
// [http.Handler] that serves Microsoft Graph under /v1.0 and the login service
// beside it: give it to [net/http/httptest.NewServer], or use [Server.Client] to
// skip the network.
//
// The exported fields are set before the first request, or between requests.
type Server struct {
	// TenantID, TenantName and InitialDomain describe the tenant. The defaults
	// are a fixed UUID, "Contoso" and "contoso.onmicrosoft.com". In tenants of
	// other IDs objects have other IDs.
	TenantID, TenantName, InitialDomain string

	// Fault, if not nil, is asked before each request that the Throttle lets
	// through what is to go wrong with it. It is called from many goroutines.
	Fault func(*http.Request) Fault

	// Throttle, if not nil, refuses the requests to Graph for which it has no tokens.
	Throttle *Throttle

	// Now is the clock of the dates that the service tells: when a thing was made,
	// when it ends. Lag, throttling and tokens go by the time that passes. The default
	// is [time.Now].
	Now func() time.Time

	// Latency is added to each request.
	Latency time.Duration

	// ListLag keeps what was changed out of lists: domains, users, role
	// assignments, the organisation's domains. GetLag does the same for what is
	// asked by its ID or name: a user, a domain, a domain's federation.
	// ResourceLag, if not nil, says so in their place for each resource, by the
	// path below /v1.0, such as "domains", "domains/example.com" or
	// "domains/example.com/federationConfiguration".
	ListLag, GetLag Lag
	ResourceLag     func(resource string) Lag

	// RealmLag is how long after a change the realm endpoints still show the
	// state before it.
	RealmLag time.Duration

	// SignInLag keeps sign-ins out of the sign-in log, auditLogs/signIns. The pages
	// go by RealmLag.
	SignInLag Lag

	// DemandMFA, if not nil, is asked whether something demands a second factor of a
	// user who signs in, as Conditional Access does. It must not call the Server.
	DemandMFA func(aad.User) bool

	// DefaultPassword is the password of everybody to whom [Server.SetPassword], or the
	// request that made the account, gave none. Without one they cannot sign in.
	DefaultPassword string

	// VerificationCode is what the tenant's own second factor takes; the default is
	// "123456".
	VerificationCode string

	// PageSize limits the pages of lists, whatever $top asks for. 0 means no limit.
	PageSize int

	// OnFederationChange, if not nil, is called after each change of a domain's
	// authentication or federation, before the request that made it is answered.
	OnFederationChange func(State)

	// OnRequest, if not nil, is called for each request that the tenant has
	// looked at, after it took effect and before it is answered, whether the
	// answer is lost then or not. It is called from many goroutines, and may
	// look at the truth: [Server.Domain], [Server.Users] and the like.
	OnRequest func(*http.Request)

	// TokenLifetime of the tokens that credentials issue; the default is an hour.
	TokenLifetime time.Duration
	// OpaqueTokens makes credentials issue tokens that nobody but the server can read.
	OpaqueTokens bool

	// Quirks are the places where the real service is not documented, or has
	// been seen to behave in more than one way.
	Quirks Quirks

	once  sync.Once
	serve http.Handler
	log   fake.Log

	mu      sync.Mutex
	domains []*domain
	users   map[string]*user
	order   []*user
	names   map[string]*user // by lower-case user principal name
	gen     *generated
	roles   []*assignment
	revoked []Revocation
	groups  map[string]*group
	policy  *aad.TokenValidationPolicy
	synced  bool
	foreign map[string]bool // issuers of other tenants
	newer   map[string]bool // properties of a federation that are not documented
	tokens  map[string]grant
	ids     int
	mark    uint32 // of the tenant in its IDs; 0 for the default one
	history []State
	pending []State // not yet told to OnFederationChange

	attempts map[string]*attempt // sign-ins that are under way, by ID
	sessions map[string]session  // by cookie
	signIns  []*signInEntry
	requests *requestKey // nil until a request is to be signed
}

// Quirks choose among behaviours. The zero value is what the documentation
// says or, where it is silent, what has been seen last.
type Quirks struct {
	// HalfState makes the next creation of a federation answer 500 and leave the domain
	// federated without a configuration that can be read, as many times as it says.
	HalfState int

	// UpdateStatus is the status of a successful update of a federation: 200,
	// the default, comes with the configuration, 204 with nothing.
	UpdateStatus int

	// UpdateReplies500 makes updates of a federation take effect and answer
	// 500, as many times as it says.
	UpdateReplies500 int

	// EmptyList answers 200 with an empty list, instead of 404, for the federation of a managed domain.
	EmptyList bool

	// PlainNotFound answers the 404 of a missing federation in the words of a missing domain.
	PlainNotFound bool

	// SharedIssuerIs400 refuses an issuer of another domain with 400 instead of 409.
	SharedIssuerIs400 bool

	// RefuseNullCertificate refuses to clear nextSigningCertificate with null.
	RefuseNullCertificate bool

	// IgnoreNullCertificate answers it with success, and changes nothing of
	// nextSigningCertificate.
	IgnoreNullCertificate bool

	// RevokeRefusesAdministrators refuses to end the sign-in sessions of users with a
	// directory role, as it does who has no higher one.
	RevokeRefusesAdministrators bool

	// RefuseCleared refuses null for metadataExchangeUri and promptLoginBehavior,
	// KeepCleared takes it, and isSignedAuthenticationRequestRequired, and changes nothing.
	RefuseCleared, KeepCleared bool

	// DomainWriteIsNotEnough refuses to create and delete federations, and
	// DomainWriteMayNotUpdate also to update them, with Domain.ReadWrite.All alone,
	// as was the case for years.
	DomainWriteIsNotEnough, DomainWriteMayNotUpdate bool

	// SubdomainShowsParent lists the federation of the root domain for its subdomains.
	SubdomainShowsParent bool

	// PrincipalNames puts the user principal name into expanded principals.
	PrincipalNames bool

	// ImmutableIDFixedWhenFederated refuses to change the immutable ID of users
	// on federated domains.
	ImmutableIDFixedWhenFederated bool

	// DeletedKeepImmutableIDs refuses immutable IDs that deleted users had.
	DeletedKeepImmutableIDs bool

	// DNSMissing makes verifications fail.
	DNSMissing bool

	// WrapEntities puts {"value": …} around single objects, as some samples of the documentation do.
	WrapEntities bool

	// NullLists writes empty lists as null.
	NullLists bool

	// NoPolicy answers 404 for the token-validation policy; PolicyList wraps it in a list.
	NoPolicy, PolicyList bool

	// NextLinkHost, if not empty, is the host that links to next pages name.
	NextLinkHost string

	// RealmXML answers getuserrealm.srf in XML whatever is asked for, NoUserRealm
	// answers 404 at common/userrealm.
	RealmXML, NoUserRealm bool

	// SAMLAuthURL returns the AuthURL of a domain that is federated by SAML. The
	// default is the sign-in address with the user name.
	SAMLAuthURL func(signIn, user string) string

	// RedirectBinding sends requests of SAML by HTTP-Redirect instead of a form.
	RedirectBinding bool

	// SAMLUserName adds the user name to the address that they are sent to.
	SAMLUserName bool

	// RequestMFA asks the identity provider for a second factor where one is demanded
	// and the provider's is enforced: by RequestedAuthnContext, or by wauth.
	RequestMFA bool

	// NoRealmIs500083 says of an unknown issuer AADSTS500083 instead of AADSTS50107.
	NoRealmIs500083 bool

	// MFALoops is how often people are sent back to a provider whose second factor is
	// enforced and not shown, before the error: 0 means twice, less than 0 never.
	// MFALoopCode is the error's code; the default is "AADSTS50079".
	MFALoops    int
	MFALoopCode string

	// NoPremium refuses to show the sign-in log, as to a tenant without the license.
	NoPremium bool

	// BareSignIns leaves protocol and token type out of the sign-in log, which the
	// documentation has in the beta version only.
	BareSignIns bool
}

// start makes what every request needs, once.
func (s *Server) start() {
	s.once.Do(func() {
		if s.TenantID == "" {
			s.TenantID = "5f0d2b1c-0c8e-4c55-9d7e-3a3b0f4a6e21"
		} else {
			s.mark = crc32.ChecksumIEEE([]byte(s.TenantID))
		}
		if s.TenantName == "" {
			s.TenantName = "Contoso"
		}
		if s.InitialDomain == "" {
			s.InitialDomain = "contoso.onmicrosoft.com"
		}
		s.users = make(map[string]*user)
		s.names = make(map[string]*user)
		s.groups = make(map[string]*group)
		s.foreign = make(map[string]bool)
		s.newer = make(map[string]bool)
		s.tokens = make(map[string]grant)
		s.attempts = make(map[string]*attempt)
		s.sessions = make(map[string]session)
		s.domains = []*domain{newDomain(s.InitialDomain, domainState{
			auth: aad.Managed, isDefault: true, isInitial: true, isRoot: true, isVerified: true, adminManaged: true,
			services: []string{"Email", "OfficeCommunicationsOnline"},
		})}
		graph, login := s.graph(), s.login()
		front := s.log.Serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if isGraph(r) {
				s.serveGraph(graph, w, r)
			} else {
				login.ServeHTTP(w, r)
			}
		}), isWrite, func() fake.Front {
			return fake.Front{Latency: s.Latency, Throttle: s.Throttle, Throttled: isGraph, Fault: s.Fault, Words: words, OnRequest: s.OnRequest}
		})
		s.serve = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s.stamp(w, r)
			front.ServeHTTP(w, r)
		})
	})
}

// isGraph tells what is for Microsoft Graph, in whatever version.
func isGraph(r *http.Request) bool {
	version, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	return version == "v1.0" || version == "beta"
}

// isWrite tells what counts as a write: asking for a token does not, nor does a batch,
// which may have reads in it only.
func isWrite(r *http.Request) bool {
	return r.Method != http.MethodGet && r.Method != http.MethodHead && isGraph(r) && !strings.HasSuffix(r.URL.Path, "/$batch")
}

// words is how Graph says what went wrong.
func words(r *http.Request, k FaultKind) string {
	if !isGraph(r) {
		return ""
	}
	switch k {
	case TooMany, TooManyBare:
		return `{"error":{"code":"TooManyRequests","innerError":{"code":"429","message":"Please retry after","status":"429"},` +
			`"message":"Please retry again later."}}`
	case Refuse503:
		return `{"error":{"code":"ServiceUnavailable","message":""}}`
	case Error500Before, Error500After:
		return `{"error":{"code":"InternalServerError","message":"An internal error occurred."}}`
	}
	return ""
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.start()
	s.serve.ServeHTTP(w, r)
}

// HTTPClient returns a client whose requests, to whatever host, end at the server,
// in memory.
func (s *Server) HTTPClient() *http.Client {
	s.start()
	return &http.Client{Transport: &memhttp.Transport{Handler: s}}
}

// Client returns a client of the tenant that may do everything package aad can do.
// opts may be nil; its HTTPClient, if nil, is that of [Server.HTTPClient]. Client
// panics if opts are such that [aad.New] fails.
func (s *Server) Client(opts *aad.Options) *aad.Client {
	return s.ClientWith(s.Credential(), opts)
}

// ClientWith is like [Server.Client], for a client with another credential.
func (s *Server) ClientWith(cred azcore.TokenCredential, opts *aad.Options) *aad.Client {
	var o aad.Options
	if opts != nil {
		o = *opts
	}
	if o.HTTPClient == nil {
		o.HTTPClient = s.HTTPClient()
	}
	c, err := aad.New(cred, &o)
	if err != nil {
		panic("aadtest: " + err.Error())
	}
	return c
}

// Requests returns the requests to the stand-in, in the order of their arrival.
func (s *Server) Requests() []Request { return s.log.Requests() }

// Writes returns how many of them meant to change something: all but GET, HEAD,
// batches, and what goes to the login service.
func (s *Server) Writes() int { return s.log.Writes() }

// MaxInFlight returns how many of them were served at the same time at most.
func (s *Server) MaxInFlight() int { return s.log.MaxInFlight() }

// ResetLog forgets them.
func (s *Server) ResetLog() { s.log.Reset() }

func (s *Server) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}
