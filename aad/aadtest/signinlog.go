package aadtest

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/internal/fake"
)

// signInEntry is a line of the sign-in log.
type signInEntry struct {
	aad.SignIn
	there fake.Cell[bool]
}

// SignIns returns the truth about who has signed in and who has failed to, the
// oldest first, whatever the log shows yet.
func (s *Server) SignIns() []aad.SignIn {
	s.start()
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []aad.SignIn
	for _, e := range s.signIns {
		all = append(all, e.SignIn)
	}
	return all
}

// AddSignIn adds a line to the sign-in log that has been there for long. What is not
// set is made up, the time included: it is now.
func (s *Server) AddSignIn(e aad.SignIn) {
	s.start()
	s.mu.Lock()
	defer s.mu.Unlock()
	e.ID = cmp.Or(e.ID, s.newID(0x5197))
	e.CorrelationID = cmp.Or(e.CorrelationID, s.newID(0xc0de))
	e.UserPrincipalName = strings.ToLower(e.UserPrincipalName)
	if e.AppID == "" {
		e.AppID, e.AppDisplayName = officeID, officeName
	}
	if e.Created.IsZero() {
		e.Created = s.now()
	}
	e.Created = e.Created.UTC().Truncate(time.Second)
	v := &signInEntry{SignIn: e}
	v.there.Set(true)
	s.signIns = append(s.signIns, v)
}

// note writes a line: an empty code is success. u is nil if nobody was found.
func (s *Server) note(a *attempt, u *aad.User, code, reason string) {
	e := &signInEntry{SignIn: aad.SignIn{
		ID: s.newID(0x5197), CorrelationID: a.correlation, Created: s.now().UTC().Truncate(time.Second),
		UserID: "00000000-0000-0000-0000-000000000000", UserPrincipalName: strings.ToLower(a.login),
		AppID: a.appID, AppDisplayName: a.app, Protocol: a.protocol, Token: a.token, FailureReason: reason,
	}}
	if u == nil && a.login != "" {
		if v := s.lookup(a.login, false); v != nil {
			st := v.state.Now()
			u = &st.User
		}
	}
	if u != nil {
		e.UserID, e.UserPrincipalName, e.UserDisplayName = u.ID, strings.ToLower(u.UserPrincipalName), u.DisplayName
	}
	e.ErrorCode, _ = strconv.Atoi(strings.TrimPrefix(code, "AADSTS"))
	e.there.Set(false)
	e.there.Set(true)
	s.signIns = append(s.signIns, e)
}

// signInObject is a line as Graph writes it.
func (s *Server) signInObject(e *signInEntry) object {
	o := object{
		"id": e.ID, "createdDateTime": e.Created.Format(time.RFC3339), "correlationId": e.CorrelationID,
		"userId": e.UserID, "userPrincipalName": e.UserPrincipalName, "userDisplayName": e.UserDisplayName,
		"appId": e.AppID, "appDisplayName": e.AppDisplayName, "isInteractive": true, "clientAppUsed": "Browser",
		"status": object{"errorCode": e.ErrorCode, "failureReason": cmp.Or(e.FailureReason, "Other."), "additionalDetails": nil},
	}
	if !s.Quirks.BareSignIns {
		o["authenticationProtocol"] = cmp.Or(string(e.Protocol), "none")
		o["incomingTokenType"] = cmp.Or(string(e.Token), "none")
	}
	return o
}

func (s *Server) listSignIns(w http.ResponseWriter, r *http.Request) *refusal {
	if s.Quirks.NoPremium {
		return &refusal{http.StatusForbidden, "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
			"Neither tenant is B2C or tenant doesn't have premium license"}
	}
	q := r.URL.Query()
	selects, ok := signInFilter(q.Get("$filter"))
	if !ok {
		return bad("Invalid filter clause")
	}
	size := 1000
	if top := q.Get("$top"); top != "" {
		n, err := strconv.Atoi(top)
		if err != nil || n < 1 || n > size {
			return bad("Invalid page size specified: '%s'. Must be between 1 and %d inclusive.", top, size)
		}
		size = n
	}
	var seen []*signInEntry
	for _, e := range s.signIns {
		if e.there.Read("log", s.lag("auditLogs/signIns", s.SignInLag)) && selects(&e.SignIn) {
			seen = append(seen, e)
		}
	}
	slices.SortStableFunc(seen, func(a, b *signInEntry) int { return a.Created.Compare(b.Created) })
	switch strings.Join(strings.Fields(q.Get("$orderby")), " ") {
	case "", "createdDateTime desc":
		slices.Reverse(seen)
	case "createdDateTime", "createdDateTime asc":
	default:
		return bad("Invalid orderby clause")
	}
	all := make([]object, len(seen))
	for i, e := range seen {
		all[i] = s.signInObject(e)
	}
	s.page(w, r, "auditLogs/signIns", all, size)
	return nil
}

// signInFilter reads conditions that are joined by "and", each of which compares a
// property in one of the ways that the documentation names for it.
func signInFilter(filter string) (func(*aad.SignIn) bool, bool) {
	var conditions []func(*aad.SignIn) bool
	for rest := strings.TrimSpace(filter); rest != ""; {
		field, after, _ := strings.Cut(rest, " ")
		op, after, _ := strings.Cut(strings.TrimLeft(after, " "), " ")
		value, after, ok := signInLiteral(strings.TrimLeft(after, " "))
		if !ok {
			return nil, false
		}
		c, ok := signInCondition(field, op, value)
		if !ok {
			return nil, false
		}
		conditions = append(conditions, c)
		if rest = strings.TrimRight(after, " "); rest != "" {
			if rest, ok = strings.CutPrefix(rest, " and "); !ok {
				return nil, false
			}
			rest = strings.TrimLeft(rest, " ")
		}
	}
	return func(e *aad.SignIn) bool {
		return !slices.ContainsFunc(conditions, func(c func(*aad.SignIn) bool) bool { return !c(e) })
	}, true
}

// signInLiteral takes a value from the beginning of s.
func signInLiteral(s string) (value literal, rest string, ok bool) {
	if strings.HasPrefix(s, "'") {
		p := &parser{rest: s}
		v := p.literal()
		return v, p.rest, !p.failed
	}
	word, _, _ := strings.Cut(s, " ")
	return literal{text: word}, s[len(word):], word != ""
}

func signInCondition(field, op string, v literal) (func(*aad.SignIn) bool, bool) {
	if field == "createdDateTime" {
		at, err := time.Parse(time.RFC3339Nano, v.text)
		allowed := err == nil && !v.quoted && (op == "ge" || op == "le" || op == "eq")
		return func(e *aad.SignIn) bool {
			n := e.Created.Compare(at)
			return n == 0 || n > 0 && op == "ge" || n < 0 && op == "le"
		}, allowed
	}
	if field == "status/errorCode" {
		n, err := strconv.Atoi(v.text)
		return func(e *aad.SignIn) bool { return e.ErrorCode == n }, err == nil && !v.quoted && op == "eq"
	}
	get := map[string]func(*aad.SignIn) string{
		"userPrincipalName": func(e *aad.SignIn) string { return e.UserPrincipalName },
		"userId":            func(e *aad.SignIn) string { return e.UserID },
		"appId":             func(e *aad.SignIn) string { return e.AppID },
		"appDisplayName":    func(e *aad.SignIn) string { return e.AppDisplayName },
		"correlationId":     func(e *aad.SignIn) string { return e.CorrelationID },
	}[field]
	return func(e *aad.SignIn) bool { return strings.EqualFold(get(e), v.text) }, get != nil && v.quoted && op == "eq"
}
