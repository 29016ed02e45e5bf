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
	holds, e := signInKind.condition(r.URL.Query().Get("$filter"))
	if e != nil {
		return e
	}
	size, e := s.top(r, 1000, 1000)
	if e != nil {
		return e
	}
	var seen []*signInEntry
	for _, e := range s.signIns {
		if e.there.Read("log", s.lag("auditLogs/signIns", s.SignInLag)) && holds(signInValues(&e.SignIn)) {
			seen = append(seen, e)
		}
	}
	slices.SortStableFunc(seen, func(a, b *signInEntry) int { return a.Created.Compare(b.Created) })
	switch strings.Join(strings.Fields(r.URL.Query().Get("$orderby")), " ") {
	case "", "createdDateTime desc":
		slices.Reverse(seen)
	case "createdDateTime", "createdDateTime asc":
	default:
		return notModelled("$orderby of sign-ins by anything but createdDateTime")
	}
	all := make([]object, len(seen))
	for i, e := range seen {
		all[i] = s.signInObject(e)
	}
	return s.page(w, r, "auditLogs/signIns", all, size)
}

// signInValues returns the values of a line for a condition.
func signInValues(e *aad.SignIn) getter {
	return func(name string) value {
		switch name {
		case "createdDateTime":
			return value{set: true, at: e.Created}
		case "status/errorCode":
			return value{set: true, text: strconv.Itoa(e.ErrorCode)}
		}
		text := map[string]string{
			"userPrincipalName": e.UserPrincipalName, "userDisplayName": e.UserDisplayName, "userId": e.UserID,
			"appId": e.AppID, "appDisplayName": e.AppDisplayName, "correlationId": e.CorrelationID,
		}[name]
		return value{set: text != "", text: text}
	}
}
