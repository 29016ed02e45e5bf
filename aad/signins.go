package aad

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jcaad/jcaad/internal/perm"
	"github.com/jcaad/jcaad/internal/rest"
)

// SignInProtocol is the protocol by which somebody signed in, in the words of the sign-in log.
type SignInProtocol string

// The protocols of federated sign-ins. Others appear.
const (
	SignInSAML20 SignInProtocol = "saml20"
	SignInWSFed  SignInProtocol = "wsFederation"
)

// IncomingToken is the kind of token that a sign-in began with, in the words of the sign-in log.
type IncomingToken string

// The tokens of identity providers. Others appear.
const (
	TokenSAML11 IncomingToken = "saml11"
	TokenSAML20 IncomingToken = "saml20"
)

// SignIn is an entry of the sign-in log: somebody has signed in, or has failed to.
type SignIn struct {
	ID            string
	CorrelationID string
	Created       time.Time // in whole seconds

	// Who it was. Of a sign-in that failed early it is the name that was typed, if
	// there was any, and the ID may be empty or all zeros.
	UserID, UserPrincipalName, UserDisplayName string

	AppID, AppDisplayName string // what was signed in to

	// How it was; empty if the service does not tell, which does not say that the
	// sign-in was not federated.
	Protocol SignInProtocol
	Token    IncomingToken

	// ErrorCode is the number behind AADSTS, 0 for a sign-in that succeeded, and -1
	// for an entry that does not say how it ended.
	ErrorCode     int
	FailureReason string // empty if it succeeded
}

// UnmarshalJSON implements [encoding/json.Unmarshaler].
func (s *SignIn) UnmarshalJSON(b []byte) error {
	var w struct {
		ID, CorrelationID                          string
		CreatedDateTime                            timestamp
		UserID, UserPrincipalName, UserDisplayName string
		AppID, AppDisplayName                      string
		AuthenticationProtocol                     SignInProtocol
		IncomingTokenType                          IncomingToken
		Status                                     *struct {
			ErrorCode     *int
			FailureReason string
		}
	}
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	*s = SignIn{w.ID, w.CorrelationID, time.Time(w.CreatedDateTime), w.UserID, w.UserPrincipalName, w.UserDisplayName, w.AppID,
		w.AppDisplayName, w.AuthenticationProtocol, w.IncomingTokenType, -1, ""}
	if w.Status != nil && w.Status.ErrorCode != nil {
		s.ErrorCode = *w.Status.ErrorCode
	}
	if s.ErrorCode != 0 && w.Status != nil { // of a success it is a filler
		s.FailureReason = w.Status.FailureReason
	}
	return nil
}

// Federated reports whether the entry says that an identity provider's token was
// taken or refused. It may be false because the service does not tell. Where it tells
// no token, the protocol decides, which may be that of the application that was signed
// in to; a sign-in by a token of Azure AD's own, such as a session's, is none.
func (s *SignIn) Federated() bool {
	switch s.Token {
	case TokenSAML11, TokenSAML20:
		return true
	case "", "none":
		return s.Protocol == SignInSAML20 || s.Protocol == SignInWSFed
	}
	return false
}

// SignInsOptions say which entries of the sign-in log are listed. The conditions add up.
type SignInsOptions struct {
	// Since and Until bound the time of the entry, inclusive. The log has whole
	// seconds: Since counts from the beginning of its second.
	Since, Until time.Time

	UserPrincipalName string
	AppID             string

	// MaxPages is how many pages are read, of up to 999 entries each, before the list
	// ends with [ErrTooManyPages]: what was listed until then are the newest entries.
	// The default is the client's, [Options.MaxPages], and more than that are never read.
	MaxPages int
}

func (o *SignInsOptions) request() (*rest.Request, error) {
	r := &rest.Request{Method: http.MethodGet, Path: "auditLogs/signIns", Permission: perm.AuditLog,
		Query: url.Values{"$top": {strconv.Itoa(maxPage)}}}
	if o == nil {
		return r, nil
	}
	var and []string
	const layout = "2006-01-02T15:04:05Z"
	if !o.Since.IsZero() {
		and = append(and, "createdDateTime ge "+o.Since.UTC().Format(layout))
	}
	if !o.Until.IsZero() {
		and = append(and, "createdDateTime le "+o.Until.UTC().Format(layout))
	}
	for _, c := range []struct{ name, value string }{{"userPrincipalName", strings.ToLower(o.UserPrincipalName)}, {"appId", o.AppID}} {
		if strings.ContainsFunc(c.value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return r, errors.New(c.name + " has a control character in it")
		}
		if c.value != "" {
			and = append(and, c.name+" eq "+quote(c.value))
		}
	}
	if len(and) > 0 {
		r.Query.Set("$filter", strings.Join(and, " and "))
	}
	return r, nil
}

// codeNoLicense is what a tenant gets that has not bought the sign-in log: no
// permission would help.
const codeNoLicense = "Authentication_RequestFromNonPremiumTenantOrB2CTenant"

// SignIns lists the sign-in log of the tenant, the newest entry first. It follows
// the sign-ins with a delay of minutes, and keeps them for days to weeks: that one
// is not listed does not prove that there was none. A tenant without the license for
// it (Microsoft Entra ID P1) is [ErrDenied], with the code
// Authentication_RequestFromNonPremiumTenantOrB2CTenant. A nil opts lists everything.
//
//	GET /auditLogs/signIns, $top=999; AuditLog.Read.All; safe to repeat
//
// Each range over the result starts again; it ends after the first error.
func (c *Client) SignIns(ctx context.Context, opts *SignInsOptions) iter.Seq2[*SignIn, error] {
	var o SignInsOptions
	if opts != nil {
		o = *opts
	}
	if r, err := o.request(); err != nil {
		return failed[SignIn](r, err)
	}
	return listUpTo[SignIn](ctx, c, o.MaxPages, func() *rest.Request {
		r, _ := o.request()
		return r
	})
}
