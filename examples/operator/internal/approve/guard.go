package approve

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// Operator is the only actor of password mode. Nobody has that name in the other mode.
const Operator = "operator"

// An Actor is somebody who sends a request.
type Actor struct {
	// Name is in lower case, so that one person is one name.
	Name string
	// From is the address of the request's other end: of a person, or of the proxy that
	// has told the name; "unix" for a unix socket.
	From string
}

// GuardOptions tell how a [Guard] knows who sends a request: by Header or by Password,
// never by both.
type GuardOptions struct {
	// Header is the name of the header in which a proxy says who has signed in to it. It
	// is believed of requests that come from an address in Trusted, or through a unix
	// socket, if UnixSocket says that one is listened on.
	Header     string
	Trusted    []netip.Prefix
	UnixSocket bool

	// Password, of at least 16 bytes, is what everybody logs in with; see [Guard.LogIn].
	Password string

	// Now is the clock. The default is [time.Now].
	Now func() time.Time
}

// Errors of [Guard.Actor] and [Guard.LogIn].
var (
	// ErrNotTrusted: the request comes from elsewhere than a trusted proxy. What its
	// identity header says is not believed.
	ErrNotTrusted = errors.New("the request does not come from a trusted proxy: sign in through the proxy, " +
		"or add its address to -trusted-proxy")
	// ErrNoIdentity: the trusted proxy names nobody, several, or none that can be a name.
	ErrNoIdentity = errors.New("the proxy does not say who is signed in: " +
		"have it set the identity header to exactly one name, in place of what came in")
	// ErrLoggedOut: the request has no session, or one that is over.
	ErrLoggedOut = errors.New("nobody is logged in: log in with the password")
	// ErrWrongPassword: the password is another.
	ErrWrongPassword = errors.New("the password is wrong: it is the one that the operator was started with")
)

const (
	leastPassword = 16  // bytes
	longestName   = 254 // bytes, of an address
)

// A Guard tells who sends a request. It may be used by several goroutines.
type Guard struct {
	header   string
	trusted  []netip.Prefix
	unix     bool
	password [sha256.Size]byte
	sessions *Nonces
}

// NewGuard returns a guard for one of the two modes, or says why the options are none.
// Its errors do not have the password in them.
func NewGuard(opts GuardOptions) (*Guard, error) {
	g := &Guard{trusted: append([]netip.Prefix(nil), opts.Trusted...), unix: opts.UnixSocket}
	switch {
	case opts.Header == "" && opts.Password == "":
		return nil, errors.New("nobody could be told apart: give -identity-header with -trusted-proxy, or set the password")
	case opts.Header != "" && opts.Password != "":
		return nil, errors.New("give either -identity-header or a password, not both: one would be a way around the other")
	case opts.Header == "" && len(opts.Trusted) > 0:
		return nil, errors.New("-trusted-proxy without -identity-header would do nothing: give both, or neither")
	case opts.Header == "":
		if len(opts.Password) < leastPassword {
			return nil, fmt.Errorf("the password is too short: take at least %d characters, such as what openssl rand -hex 16 prints", leastPassword)
		}
		g.password = sha256.Sum256([]byte(opts.Password))
		g.sessions = NewNonces(NonceOptions{Life: sessionLife, PerActor: sessionsAtMost, Now: opts.Now})
		return g, nil
	}
	if !headerName(opts.Header) {
		return nil, fmt.Errorf("-identity-header %q is no name of a header", opts.Header)
	}
	if len(g.trusted) == 0 && !g.unix {
		return nil, errors.New("-identity-header is believed of nobody: give the proxy's address with -trusted-proxy, or listen on a unix socket")
	}
	for i, p := range g.trusted {
		switch {
		case !p.IsValid():
			return nil, errors.New("-trusted-proxy is no network: write it as 192.0.2.7/32")
		case p.Bits() == 0:
			return nil, fmt.Errorf("-trusted-proxy %s is everybody: give the proxy's own address", p)
		case p.Addr().Is4In6():
			if p.Bits() <= 96 {
				return nil, fmt.Errorf("-trusted-proxy %s is everybody with an IPv4 address: give the proxy's own address", p)
			}
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		g.trusted[i] = p.Masked()
	}
	g.header = http.CanonicalHeaderKey(opts.Header)
	return g, nil
}

// ByPassword reports whether the guard is one of password mode, in which all are one
// actor and nothing can be approved by two.
func (g *Guard) ByPassword() bool { return g.header == "" }

// Actor tells who sends the request, or why that is not known: [ErrNotTrusted],
// [ErrNoIdentity] or [ErrLoggedOut].
func (g *Guard) Actor(r *http.Request) (Actor, error) {
	from := source(r)
	if g.ByPassword() {
		c, err := r.Cookie(Cookie)
		if err != nil || g.sessions.holds(c.Value, Operator, sessionForm) != nil {
			return Actor{From: from}, ErrLoggedOut
		}
		return Actor{Operator, from}, nil
	}
	if !g.trusts(from) {
		return Actor{From: from}, ErrNotTrusted
	}
	values := r.Header[g.header]
	if len(values) != 1 {
		return Actor{From: from}, ErrNoIdentity
	}
	name := Name(values[0])
	if name == "" || name == Operator {
		return Actor{From: from}, ErrNoIdentity
	}
	return Actor{name, from}, nil
}

// trusts reports whether the other end may say who sends a request.
func (g *Guard) trusts(from string) bool {
	if from == unixSource {
		return g.unix
	}
	addr, err := netip.ParseAddr(from)
	if err != nil {
		return false
	}
	for _, p := range g.trusted {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

const unixSource = "unix"

// source is where a request comes from: an address without port and zone, [unixSource],
// or "" if that is not known. Only the connection counts, no header.
func source(r *http.Request) string {
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && local.Network() == "unix" {
		return unixSource
	}
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	return at.Addr().Unmap().WithZone("").String()
}

// Name is the one way in which an actor's name is written: in lower case. It is "" for
// what can be no name: one with spaces, commas, or other than visible ASCII, which
// could pass for somebody else's, or be two that a proxy has joined.
func Name(s string) string {
	if s == "" || len(s) > longestName {
		return ""
	}
	for _, b := range []byte(s) {
		if b <= ' ' || b >= 0x7f || b == ',' || b == '*' {
			return ""
		}
	}
	return strings.ToLower(s)
}

// headerName reports whether s can be the name of a header that a proxy sets.
func headerName(s string) bool {
	for _, b := range []byte(s) {
		if !('a' <= b|0x20 && b|0x20 <= 'z' || '0' <= b && b <= '9' || b == '-' || b == '_') {
			return false
		}
	}
	return s != "" && !strings.EqualFold(s, "Host") && !strings.EqualFold(s, "Cookie")
}

// Cookie is the name of the cookie of password mode. Its value is what [Guard.LogIn]
// returns. Set it HttpOnly and SameSite=Strict.
const Cookie = "operator-session"

const (
	sessionLife    = 12 * time.Hour
	sessionsAtMost = 64
	sessionForm    = "session"
)

// LogIn begins a session of password mode, for 12 hours, and returns the value of its
// cookie, or [ErrWrongPassword]. How long it takes does not tell how much of the
// password was right. Of more than 64 sessions the oldest ends.
func (g *Guard) LogIn(password string) (string, error) {
	if !g.ByPassword() {
		return "", errors.New("there is no password: sign in through the proxy")
	}
	given := sha256.Sum256([]byte(password))
	if subtle.ConstantTimeCompare(given[:], g.password[:]) != 1 {
		return "", ErrWrongPassword
	}
	return g.sessions.Issue(Operator, sessionForm), nil
}

// LogOut ends the session that the request has, if it has one.
func (g *Guard) LogOut(r *http.Request) {
	if c, err := r.Cookie(Cookie); err == nil && g.ByPassword() {
		_ = g.sessions.Use(c.Value, Operator, sessionForm) // one that is none is over as well
	}
}
