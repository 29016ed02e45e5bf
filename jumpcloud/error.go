package jumpcloud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/jcaad/jcaad/internal/rest"
	"github.com/jcaad/jcaad/internal/text"
)

// Classes of errors, for [errors.Is]. An [*Error] answers by what JumpCloud
// meant, which is not always what its status code says.
var (
	// ErrNotFound: the object, or the one it should hang on, does not exist.
	ErrNotFound = errors.New("not found")
	// ErrConflict: it exists already.
	ErrConflict = errors.New("already exists")
	// ErrInvalid: the request can never succeed as it is. Part of these are
	// found here, before anything is sent; then [Error.StatusCode] is 0.
	ErrInvalid = errors.New("invalid")
	// ErrUnauthenticated: no credential, a wrong one, or one of another region.
	ErrUnauthenticated = errors.New("not authenticated")
	// ErrDenied: the credential is good, its scopes or its role are not.
	ErrDenied = errors.New("denied")
	// ErrThrottled: JumpCloud asked to slow down for longer than the client
	// was willing to wait.
	ErrThrottled = errors.New("throttled")
	// ErrUnavailable: JumpCloud failed, or no complete answer came. An answer
	// that is not what was promised is none: a list without its array, an
	// object without its ID, and whatever a proxy or captive portal says in a
	// page of HTML, with any status but those that call the request malformed.
	ErrUnavailable = errors.New("unavailable")
	// ErrOutcomeUnknown: a write may have taken effect or not. Look before
	// you repeat it.
	ErrOutcomeUnknown = errors.New("outcome unknown")
	// ErrTooManyPages: a list went on for longer than [Options.MaxPages].
	ErrTooManyPages = errors.New("too many pages")
	// ErrReadOnly: the client was made with [Options.ReadOnly].
	ErrReadOnly = errors.New("read-only client")
	// ErrNoCertificate: the application shows no certificate.
	ErrNoCertificate = errors.New("no certificate")
	// ErrCertificate: an edit would have changed the certificate, or another one
	// is in place than the one that was to be replaced. Nothing was written. See
	// [Client.ReplaceCertificate].
	ErrCertificate = errors.New("the certificate must not be changed this way")
	// ErrCertificateRegenerated: JumpCloud put another certificate in place
	// of the one that was written. People cannot sign in with the service
	// provider until it learns the new one.
	ErrCertificateRegenerated = errors.New("the certificate was regenerated")
	// ErrNotVisible: the certificate was written, and JumpCloud does not show it
	// everywhere yet. Look again after a while.
	ErrNotVisible = errors.New("written, but not shown everywhere yet")
)

// Error is a request that failed. Its text is one line without query, body and
// secrets; addresses of people that JumpCloud repeats are blanked.
type Error struct {
	// Op is the method and path template, as in "GET /api/applications/{id}".
	Op string
	// StatusCode is the HTTP status, or 0 if no answer came or nothing was sent.
	StatusCode int
	// Code is JumpCloud's own word for the error, if it has one, as in
	// "INVALID_ARGUMENT".
	Code string
	// Message is what JumpCloud said, in one line of bounded length, or that a
	// page of HTML came in its place. It may name people; the text of the
	// error does not.
	Message string
	// RequestID is what to quote to JumpCloud's support: cf-ray.
	RequestID string
	// Scope is the OAuth scope that the operation needs.
	Scope string
	// RetryAfter is how long JumpCloud asked to stay away.
	RetryAfter time.Duration
	// Attempts is how often the request was sent.
	Attempts int
	// OutcomeUnknown reports that a write may have taken effect all the same.
	OutcomeUnknown bool
	// Err is the cause if JumpCloud did not answer.
	Err error

	class error // overrides what StatusCode means
}

// Error returns the text described at [Error].
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("jumpcloud: ")
	if e.Op != "" {
		b.WriteString(e.Op + ": ")
	}
	sep := ""
	if e.StatusCode != 0 {
		fmt.Fprintf(&b, "%d", e.StatusCode)
		if t := http.StatusText(e.StatusCode); t != "" {
			b.WriteString(" " + t)
		}
		sep = ": "
	}
	if m := e.Message; m != "" {
		b.WriteString(sep + text.NoAddresses(m))
		sep = ": "
	}
	if e.Err != nil {
		b.WriteString(sep + text.NoAddresses(e.Err.Error()))
	}
	if h := e.hint(); h != "" {
		b.WriteString("; " + h)
	}
	var tail []string
	if e.RetryAfter > 0 {
		tail = append(tail, "retry after "+e.RetryAfter.String())
	}
	if e.Attempts > 1 {
		tail = append(tail, fmt.Sprintf("%d attempts", e.Attempts))
	}
	if e.RequestID != "" {
		tail = append(tail, "request "+e.RequestID)
	}
	if tail != nil {
		b.WriteString(" (" + strings.Join(tail, ", ") + ")")
	}
	return b.String()
}

func (e *Error) hint() string {
	switch {
	case e.OutcomeUnknown:
		return "whether it took effect is not known: look before repeating it"
	case e.is(ErrUnauthenticated):
		return "the API key or token is missing, wrong, expired, or belongs to another region"
	case e.is(ErrDenied) && e.Scope != "":
		return "the administrator or service account needs the scope " + e.Scope
	case e.StatusCode >= 300 && e.StatusCode < 400:
		return "redirects are not followed"
	}
	return ""
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether e belongs to the class target.
func (e *Error) Is(target error) bool {
	if target == ErrOutcomeUnknown {
		return e.OutcomeUnknown
	}
	return e.is(target)
}

func (e *Error) is(target error) bool {
	if e.class != nil {
		return e.class == target
	}
	if e.StatusCode < 300 && errors.Is(e.Err, context.Canceled) {
		return false // nobody asked any more: that says nothing about JumpCloud
	}
	switch e.StatusCode {
	case 0:
		return target == ErrUnavailable && !errors.Is(e.Err, ErrReadOnly)
	case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge, http.StatusRequestURITooLong:
		return target == ErrInvalid
	case http.StatusUnauthorized:
		return target == ErrUnauthenticated
	case http.StatusForbidden:
		return target == ErrDenied
	case http.StatusNotFound, http.StatusGone:
		return target == ErrNotFound
	case http.StatusConflict:
		return target == ErrConflict
	case http.StatusTooManyRequests:
		return target == ErrThrottled
	}
	// Below 300 the body was not what was promised.
	return target == ErrUnavailable && (e.StatusCode >= 500 || e.StatusCode < 300)
}

// errorMaker makes an *Error of a failed request. It knows the secrets, which
// JumpCloud or a proxy may repeat in an answer.
type errorMaker struct {
	mu      sync.Mutex
	secrets []string
}

// hide adds a secret. Only the last few tokens are kept.
func (m *errorMaker) hide(s string) {
	if len(s) < 4 {
		return // would blank half of every message
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.secrets) > 8 {
		m.secrets = append(m.secrets[:1:1], m.secrets[3:]...)
	}
	m.secrets = append(m.secrets, s)
}

func (m *errorMaker) blank(s string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, secret := range m.secrets {
		s = strings.ReplaceAll(s, secret, "…")
	}
	return s
}

func (m *errorMaker) make(f *rest.Failure) error {
	var token *tokenFailure
	if f.Status == 0 && !f.OutcomeUnknown && errors.As(f.Err, &token) {
		return token.err // the token endpoint failed, and this request was never sent
	}
	e := &Error{
		Op:         opName(f.Method, f.Path),
		StatusCode: f.Status, RequestID: f.RequestID, Scope: f.Permission,
		RetryAfter: f.RetryAfter, Attempts: f.Attempts,
		OutcomeUnknown: f.OutcomeUnknown, Err: f.Err,
	}
	code, msg := message(f.Body)
	e.Code, e.Message = text.OneLine(m.blank(code), 100), text.OneLine(m.blank(msg), 300) // blank first: a cut secret is not found
	page, isPage := rest.HTMLPage(f.Header, f.Body)
	switch {
	case f.Throttled:
		e.class = ErrThrottled
	case isPage && (f.Status < 300 || f.Status >= 400):
		e.Code, e.Message = "", text.OneLine(m.blank(page), 300)
		if !e.is(ErrInvalid) { // what stands in front of JumpCloud may well find a request malformed
			e.class = ErrUnavailable
		}
	case f.Status == http.StatusFound || f.Status == http.StatusSeeOther:
		if loc := f.Header.Get("Location"); strings.HasSuffix(strings.TrimRight(strings.SplitN(loc, "?", 2)[0], "/"), "/login") {
			e.class, e.Message = ErrUnauthenticated, "redirected to the log-in page"
		}
	case f.Status == http.StatusBadRequest && strings.HasSuffix(strings.ToLower(e.Message), " not found"):
		e.class = ErrNotFound // v2: 400 INVALID_ARGUMENT "user_group not found"
	}
	return e
}

// message finds code and message in one of the shapes that JumpCloud uses:
// v1 {"status":400,"error":"…"}, v2 {"code":400,"message":"…","status":"Bad Request"}
// and {"error":"INVALID_ARGUMENT","message":"…"}, OAuth {"error":"…","error_description":"…"}.
func message(body []byte) (code, msg string) {
	var w map[string]json.RawMessage
	if json.Unmarshal(body, &w) != nil {
		return "", ""
	}
	str := func(key string) string {
		var s string
		if json.Unmarshal(w[key], &s) != nil {
			return ""
		}
		return s
	}
	for _, key := range [...]string{"message", "error_description", "error", "status"} {
		if msg = str(key); msg != "" {
			if key != "error" && key != "status" {
				code = str("error")
			}
			break
		}
	}
	if code == "" {
		code = str("code")
	}
	return code, msg
}

// suspectedAbuse recognises the page that JumpCloud's edge answers with when a
// client asks too fast: a 403 that means 429.
func suspectedAbuse(status int, _ http.Header, body []byte) bool {
	return status == http.StatusForbidden && strings.Contains(strings.ToLower(string(body)), "suspected abuse")
}

func requestID(h http.Header) string {
	if id := h.Get("Cf-Ray"); id != "" {
		return id
	}
	return h.Get("X-Request-Id")
}

func opName(method, path string) string { return method + " /" + strings.TrimPrefix(path, "/") }

// invalidf is a request that is not sent.
func invalidf(format string, args ...any) *Error {
	return &Error{Message: fmt.Sprintf(format, args...), class: ErrInvalid}
}

// op adds the operation to an error of this package.
func op(method, path string, err error) error {
	if e, ok := err.(*Error); ok && e.Op == "" {
		e.Op = opName(method, path)
	}
	return err
}

// WithRequestIDs returns a context whose requests tell JumpCloud's ID of each
// request that succeeded, for a change record; that of a request that failed is
// in the [Error]. tell may be called from several goroutines.
func WithRequestIDs(ctx context.Context, tell func(id string)) context.Context {
	return rest.WithRequestIDs(ctx, tell)
}
