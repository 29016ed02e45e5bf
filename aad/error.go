package aad

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/jcaad/jcaad/internal/rest"
	"github.com/jcaad/jcaad/internal/text"
)

// The classes of errors. Test with [errors.Is]: an [*Error] answers for what the
// service meant, whatever status it chose to say it with.
var (
	// ErrNotFound: there is no such domain, user or object.
	ErrNotFound = errors.New("not found")
	// ErrNotFederated: the domain exists and has no (readable) federation
	// configuration. It is never reported together with ErrNotFound.
	ErrNotFederated = errors.New("not federated")
	// ErrAlreadyFederated: the domain has a federation configuration already.
	ErrAlreadyFederated = errors.New("already federated")
	// ErrIssuerInUse: the issuer URI belongs to another domain, of this tenant
	// or of another one. Repeating does not help.
	ErrIssuerInUse = errors.New("issuer in use")
	// ErrInvalid: the request was refused as malformed, by the service or by
	// this package before it was sent.
	ErrInvalid = errors.New("invalid request")
	// ErrConflict: another object has the same value of a unique property.
	ErrConflict = errors.New("conflict")
	// ErrDenied: the token lacks the permission that the error names.
	ErrDenied = errors.New("permission denied")
	// ErrUnauthenticated: the credential failed, or its token was refused.
	ErrUnauthenticated = errors.New("not authenticated")
	// ErrThrottled: the service asked to come back later than the client was
	// willing to wait; see Error.RetryAfter.
	ErrThrottled = errors.New("throttled")
	// ErrUnavailable: no answer, an answer of the 5xx kind, or one that is not
	// what was promised: a list without its array, an object without its ID, and
	// whatever a proxy or captive portal says in a page of HTML, with any status
	// but those that call the request malformed.
	ErrUnavailable = errors.New("service unavailable")
	// ErrOutcomeUnknown: a write may have taken effect. Read before repeating it.
	ErrOutcomeUnknown = errors.New("outcome unknown")
	// ErrTooManyPages: a list went on for longer than Options.MaxPages.
	ErrTooManyPages = errors.New("too many pages")
	// ErrReadOnly: the client was made with Options.ReadOnly and the call writes.
	ErrReadOnly = errors.New("client is read-only")
	// ErrOpaqueToken: the token is not a readable JWT, so that the permissions
	// in it cannot be told.
	ErrOpaqueToken = errors.New("opaque token")
)

// Error is what every failed call returns. Its text has one line, without
// secrets, queries and user names; the request IDs are what Microsoft's support
// asks for.
type Error struct {
	Op              string        // method and path template, such as "GET domains/{domain}"
	StatusCode      int           // 0 if the service did not answer
	Code            string        // the service's code, such as "Request_BadRequest"
	Message         string        // the service's message, in one line, with [user] in place of user names; or that a page of HTML came
	RequestID       string        // the service's ID of the request
	ClientRequestID string        // ours
	Permission      string        // the permission that the operation needs, such as "Domain.Read.All"
	RetryAfter      time.Duration // what the service asked for, if it did
	Attempts        int
	OutcomeUnknown  bool  // a write that may have taken effect
	Err             error // what went wrong on this side, if the service did not answer or was not asked

	meaning error // a class that status, code and message alone do not tell
}

// Error implements error.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("aad: ")
	b.WriteString(e.Op)
	switch {
	case e.StatusCode != 0:
		fmt.Fprintf(&b, ": %d", e.StatusCode)
		if e.Code != "" {
			b.WriteString(" " + e.Code)
		} else if t := http.StatusText(e.StatusCode); t != "" {
			b.WriteString(" " + t)
		}
		if e.Message != "" {
			b.WriteString(": " + e.Message)
		}
	}
	if e.meaning != nil && e.StatusCode != 0 {
		fmt.Fprintf(&b, " (%v)", e.meaning)
	}
	if e.Err != nil {
		b.WriteString(": " + oneLine(e.Err.Error()))
	}
	if e.StatusCode == http.StatusForbidden && e.Permission != "" && e.meaning == nil && e.Code != codeNoLicense {
		b.WriteString("; the operation needs the permission " + e.Permission)
	}
	if e.OutcomeUnknown {
		b.WriteString("; the change may have been made")
	}
	if e.RetryAfter > 0 {
		fmt.Fprintf(&b, "; retry after %v", e.RetryAfter)
	}
	if e.Attempts > 1 {
		fmt.Fprintf(&b, "; %d attempts", e.Attempts)
	}
	if e.RequestID != "" {
		b.WriteString("; request-id " + oneLine(e.RequestID))
	}
	if e.ClientRequestID != "" && e.ClientRequestID != e.RequestID && e.StatusCode != 0 {
		b.WriteString("; client-request-id " + oneLine(e.ClientRequestID))
	}
	return b.String()
}

// Unwrap returns e.Err.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether e belongs to one of the classes of this package.
func (e *Error) Is(target error) bool {
	if target == ErrOutcomeUnknown {
		return e.OutcomeUnknown
	}
	return target != nil && target == e.class()
}

// class is the one meaning of e, nil if it has none of them.
func (e *Error) class() error {
	if e.meaning != nil {
		return e.meaning
	}
	switch s := e.StatusCode; {
	case s < 300: // no answer, or one whose body is not what was promised
		if e.Err == nil || errors.Is(e.Err, context.Canceled) {
			return nil
		}
		return ErrUnavailable
	case s == http.StatusNotFound:
		return ErrNotFound
	case s == http.StatusUnauthorized:
		return ErrUnauthenticated
	case s == http.StatusForbidden:
		return ErrDenied
	case s == http.StatusTooManyRequests:
		return ErrThrottled
	case s == http.StatusConflict, s == http.StatusBadRequest:
		return e.refusal()
	case s >= 500:
		return ErrUnavailable
	}
	return nil
}

// refusal tells what a 400 or a 409 means: status and code first, the words,
// which may change at any time, only where nothing else tells.
func (e *Error) refusal() error {
	federation := strings.Contains(e.Op, "federationConfiguration")
	words := strings.ToLower(e.Message)
	sameKey := e.StatusCode == http.StatusConflict || e.Code == "Request_MultipleObjectsWithSameKeyValue"
	switch {
	case federation && sameKey:
		return ErrIssuerInUse
	case federation && strings.Contains(words, "already has federation configuration"):
		return ErrAlreadyFederated
	case federation && strings.Contains(words, "in use") &&
		(strings.Contains(words, "issuer") || strings.Contains(words, "federation service identifier")):
		return ErrIssuerInUse
	case sameKey:
		return ErrConflict
	}
	return ErrInvalid
}

// newError makes an *Error of a failed exchange. The status survives any body:
// a page of HTML from a proxy, nothing at all, half an answer.
func newError(f *rest.Failure) error {
	e := &Error{
		Op:             f.Method + " " + f.Path,
		StatusCode:     f.Status,
		RequestID:      f.RequestID,
		Permission:     f.Permission,
		RetryAfter:     f.RetryAfter,
		Attempts:       f.Attempts,
		OutcomeUnknown: f.OutcomeUnknown,
		Err:            f.Err,
	}
	if f.Header != nil {
		e.ClientRequestID = f.Header.Get("client-request-id")
	}
	var wire struct {
		Error struct {
			Code, Message string
			InnerError    struct {
				RequestID       string `json:"request-id"`
				ClientRequestID string `json:"client-request-id"`
			}
		}
	}
	if json.Unmarshal(f.Body, &wire) == nil {
		e.Code, e.Message = oneLine(wire.Error.Code), oneLine(wire.Error.Message)
		if e.RequestID == "" {
			e.RequestID = wire.Error.InnerError.RequestID
		}
		if e.ClientRequestID == "" {
			e.ClientRequestID = wire.Error.InnerError.ClientRequestID
		}
	}
	var cred *credentialError
	switch {
	case errors.Is(f.Err, ErrReadOnly):
		e.meaning = ErrReadOnly
	case errors.As(f.Err, &cred):
		e.meaning = ErrUnauthenticated
	case f.Throttled:
		e.meaning = ErrThrottled
	}
	if page, ok := rest.HTMLPage(f.Header, f.Body); ok && (f.Status < 300 || f.Status >= 400) {
		e.Message = oneLine(page)
		switch f.Status {
		case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusRequestURITooLong, http.StatusRequestHeaderFieldsTooLarge:
			// What stands in front of the service may well find a request malformed.
		default:
			if e.meaning == nil {
				e.meaning = ErrUnavailable
			}
		}
	}
	return e
}

// newLoginError is newError for the login service, which is a site of HTML pages
// itself: its 404 may be one.
func newLoginError(f *rest.Failure) error {
	err := newError(f)
	if e, ok := err.(*Error); ok && e.StatusCode == http.StatusNotFound && e.meaning == ErrUnavailable {
		e.meaning, e.Message = nil, ""
	}
	return err
}

// problems are all that speaks against a request, in one line.
type problems []error

func (p problems) Error() string {
	texts := make([]string, len(p))
	for i, err := range p {
		texts[i] = err.Error()
	}
	return strings.Join(texts, "; ")
}

func (p problems) Unwrap() []error { return p }

// invalid is the error for a request that is not sent.
func invalid(op string, errs ...error) error {
	return &Error{Op: op, Err: problems(errs), meaning: ErrInvalid}
}

// oneLine makes s fit for an error: one line, limited, without user names
// (anything with an @ in it) and without tokens.
func oneLine(s string) string {
	const limit = 600
	words := strings.Fields(s)
	for i, w := range words {
		if (strings.Contains(w, "@") || strings.Contains(w, "%40")) && !strings.HasPrefix(strings.Trim(w, `'"(`), "@odata.") {
			words[i] = "[user]"
		} else if j := strings.Index(w, "eyJ"); j >= 0 && len(w)-j > 40 {
			words[i] = w[:j] + "[token]"
		}
	}
	return text.OneLine(strings.Join(words, " "), limit)
}
