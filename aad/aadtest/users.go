package aadtest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/internal/fake"
)

// user is a user of the tenant.
type user struct{ state fake.Cell[userState] }

type userState struct {
	aad.User
	password string
	gone     bool
}

// lookup returns a user by ID or user principal name, as it is now. A generated
// one becomes a user of its own if it is to be changed.
func (s *Server) lookup(idOrUPN string, change bool) *user {
	u := s.users[strings.ToLower(idOrUPN)]
	if u == nil {
		u = s.names[strings.ToLower(idOrUPN)]
	}
	if u == nil && s.gen != nil {
		if i, ok := s.gen.find(idOrUPN); ok {
			u = new(user)
			u.state.Set(userState{User: s.gen.user(i)})
			if change {
				s.gen.change(i)
				s.add(u)
			}
		}
	}
	if u == nil || u.state.Now().gone {
		return nil
	}
	return u
}

func (s *Server) add(u *user) {
	st := u.state.Now()
	s.users[strings.ToLower(st.ID)] = u
	s.names[strings.ToLower(st.UserPrincipalName)] = u
	s.order = append(s.order, u)
}

// defaultFields is what comes without $select.
const defaultFields = "businessPhones,displayName,givenName,id,jobTitle,mail,mobilePhone," +
	"officeLocation,preferredLanguage,surname,userPrincipalName"

// otherFields are properties that the server knows and has no values for.
var otherFields = []string{
	"businessPhones", "givenName", "jobTitle", "mobilePhone", "officeLocation", "preferredLanguage", "surname",
	"usageLocation", "mailNickname", "identities", "assignedLicenses", "externalUserState", "onPremisesDomainName",
	"onPremisesSamAccountName", "signInActivity", "lastPasswordChangeDateTime",
}

// fields returns the properties that $select asks for.
func fields(r *http.Request) ([]string, *refusal) {
	sel := r.URL.Query().Get("$select")
	if sel == "" {
		sel = defaultFields
	}
	list := strings.Split(sel, ",")
	for i, f := range list {
		f = strings.TrimSpace(f)
		list[i] = f
		if !slices.Contains(filterable, f) && !slices.Contains(otherFields, f) &&
			f != "proxyAddresses" && f != "otherMails" && f != "createdDateTime" {
			return nil, bad("Could not find a property named '%s' on type 'microsoft.graph.user'.", f)
		}
	}
	return list, nil
}

// appendUser writes a user. It is written by hand, so that large lists are cheap.
func appendUser(b []byte, u *aad.User, fields []string) []byte {
	b = append(b, '{')
	for i, f := range fields {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, f...)
		b = append(b, `":`...)
		switch f {
		case "accountEnabled":
			b = strconv.AppendBool(b, u.Enabled == nil || *u.Enabled)
		case "onPremisesSyncEnabled":
			if u.OnPremisesSyncEnabled == nil {
				b = append(b, "null"...)
			} else {
				b = strconv.AppendBool(b, *u.OnPremisesSyncEnabled)
			}
		case "proxyAddresses":
			b = appendStrings(b, u.ProxyAddresses)
		case "otherMails":
			b = appendStrings(b, u.OtherMails)
		case "businessPhones", "identities", "assignedLicenses":
			b = append(b, "[]"...)
		case "createdDateTime":
			if u.Created.IsZero() {
				b = append(b, "null"...)
			} else {
				b = append(b, '"')
				b = u.Created.UTC().AppendFormat(b, time.RFC3339)
				b = append(b, '"')
			}
		default:
			if v, ok := property(u, f); ok {
				b = appendString(b, v)
			} else {
				b = append(b, "null"...)
			}
		}
	}
	return append(b, '}')
}

func appendStrings(b []byte, list []string) []byte {
	b = append(b, '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, s)
	}
	return append(b, ']')
}

func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			q, _ := json.Marshal(s)
			return append(b, q...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// condition parses what a list of users is limited to.
func condition(r *http.Request) (query, *refusal) {
	params := r.URL.Query()
	eventual := strings.EqualFold(r.Header.Get("ConsistencyLevel"), "eventual")
	count := params.Get("$count") == "true" || strings.HasSuffix(r.URL.Path, "/$count")
	var q query
	if params.Get("$count") == "true" && !eventual {
		return q, unsupported("$count is not currently supported without ConsistencyLevel: eventual.")
	}
	filter := params.Get("$filter")
	if filter == "" {
		return q, nil
	}
	e := parseFilter(filter)
	switch {
	case e == nil:
		return q, bad("Invalid filter clause")
	case e.advanced() && !(eventual && count):
		return q, unsupported("Operator is not supported without ConsistencyLevel: eventual and $count=true.")
	}
	e.split(&q)
	return q, nil
}

// match reports whether a user who is stored is selected.
func (q *query) match(u *aad.User) bool {
	for _, p := range q.prefixes {
		if !hasPrefixFold(u.UserPrincipalName, p) {
			return false
		}
	}
	for _, p := range q.not {
		if hasPrefixFold(u.UserPrincipalName, p) {
			return false
		}
	}
	if q.domain != "" && !onDomain(u.UserPrincipalName, q.domain) {
		return false
	}
	return !slices.ContainsFunc(q.others, func(e *expr) bool { return !e.holds(u) })
}

// matching returns the stored users that are selected.
func (s *Server) matching(q query) []aad.User {
	var list []aad.User
	for _, u := range s.order {
		if st := u.state.Read("users", s.lag("users", s.ListLag)); !st.gone && q.match(&st.User) {
			list = append(list, st.User)
		}
	}
	return list
}

func (s *Server) listUsers(w http.ResponseWriter, r *http.Request) *refusal {
	q, e := condition(r)
	if e != nil {
		return e
	}
	want, e := fields(r)
	if e != nil {
		return e
	}
	params := r.URL.Query()
	size := 100
	if top := params.Get("$top"); top != "" {
		n, err := strconv.Atoi(top)
		if err != nil || n < 1 || n > 999 {
			return unsupported("Invalid page size specified: '%s'. Must be between 1 and 999 inclusive.", top)
		}
		size = n
	}
	if s.PageSize > 0 {
		size = min(size, s.PageSize)
	}
	stored := s.matching(q)
	var sel selection
	if s.gen != nil {
		sel = s.gen.selection(q)
	}
	// A position below len(stored) is one of these, the others are of the generated users.
	from := 0
	if token := params.Get("$skiptoken"); token != "" {
		n, err := strconv.Atoi(token)
		if err != nil || n < 0 {
			return bad("Invalid $skiptoken.")
		}
		from = n
	}
	b := make([]byte, 0, 128+size*64*min(len(want), 6))
	b = append(b, `{"@odata.context":`...)
	b = appendString(b, metadata(r, "users"))
	if params.Get("$count") == "true" {
		n := len(stored)
		if s.gen != nil {
			n += sel.count()
		}
		b = append(b, `,"@odata.count":`...)
		b = strconv.AppendInt(b, int64(n), 10)
	}
	b = append(b, `,"value":[`...)
	n := 0
	comma := func() {
		if n++; n > 1 {
			b = append(b, ',')
		}
	}
	for ; from < len(stored) && n < size; from++ {
		comma()
		b = appendUser(b, &stored[from], want)
	}
	more := from < len(stored)
	if s.gen != nil {
		pos, ok := sel.next(max(0, from-len(stored)))
		for ; from >= len(stored) && ok && n < size; pos, ok = sel.next(pos + 1) {
			comma()
			u := s.gen.user(int(s.gen.order[pos]))
			b = appendUser(b, &u, want)
			from = len(stored) + pos + 1
		}
		more = more || ok
	}
	b = append(b, ']')
	if n == 0 && s.Quirks.NullLists {
		b = append(b[:len(b)-2], "null"...)
	}
	if more {
		b = append(b, `,"@odata.nextLink":`...)
		b = appendString(b, s.nextLink(r, strconv.Itoa(from)))
	}
	b = append(b, '}')
	w.Header().Set("Content-Type", "application/json;odata.metadata=minimal;charset=utf-8")
	w.Write(b)
	return nil
}

func (s *Server) countUsers(w http.ResponseWriter, r *http.Request) *refusal {
	if !strings.EqualFold(r.Header.Get("ConsistencyLevel"), "eventual") {
		return unsupported("$count is not currently supported without ConsistencyLevel: eventual.")
	}
	q, e := condition(r)
	if e != nil {
		return e
	}
	n := len(s.matching(q))
	if s.gen != nil {
		sel := s.gen.selection(q)
		n += sel.count()
	}
	w.Header().Set("Content-Type", "text/plain")
	w.Write([]byte(strconv.Itoa(n)))
	return nil
}

// byKey takes a user's ID or name out of the form users('…'), the only one in
// which a name may begin with a dollar sign.
func byKey(h func(http.ResponseWriter, *http.Request) *refusal) func(http.ResponseWriter, *http.Request) *refusal {
	return func(w http.ResponseWriter, r *http.Request) *refusal {
		inner, begins := strings.CutPrefix(r.PathValue("key"), "users('")
		key, ends := strings.CutSuffix(inner, "')")
		if !begins || !ends || key == "" || strings.Contains(strings.ReplaceAll(key, "''", ""), "'") {
			return bad("Resource not found for the segment '%s'.", r.PathValue("key"))
		}
		r.SetPathValue("id", strings.ReplaceAll(key, "''", "'"))
		r.SetPathValue("key", "")
		return h(w, r)
	}
}

// dollar refuses a name that begins with a dollar sign as a part of a path.
func dollar(r *http.Request) *refusal {
	if strings.HasPrefix(r.PathValue("id"), "$") && !strings.HasPrefix(r.URL.Path, "/v1.0/users('") {
		return bad("The request URI is not valid. The segment '%s' is not an operator.", r.PathValue("id"))
	}
	return nil
}

func (s *Server) getUser(w http.ResponseWriter, r *http.Request) *refusal {
	if e := dollar(r); e != nil {
		return e
	}
	id := r.PathValue("id")
	want, e := fields(r)
	if e != nil {
		return e
	}
	u := s.users[strings.ToLower(id)]
	if u == nil {
		u = s.names[strings.ToLower(id)]
	}
	if u == nil {
		u = s.lookup(id, false)
	}
	if u == nil {
		u = s.formerly(id)
	}
	if u == nil {
		return notFound(id)
	}
	st := u.state.Read("user", s.lag("users/"+u.state.Now().ID, s.GetLag))
	if st.gone {
		return notFound(id)
	}
	s.entity(w, r, http.StatusOK, "users/$entity", userObject(&st.User, want))
	return nil
}

// formerly returns the deleted user who had a user principal name, whom a
// lagging read may still show.
func (s *Server) formerly(upn string) *user {
	for _, u := range slices.Backward(s.order) {
		if st := u.state.Now(); st.gone && strings.EqualFold(st.UserPrincipalName, upn) {
			return u
		}
	}
	return nil
}

func userObject(u *aad.User, fields []string) object {
	o := make(object)
	json.Unmarshal(appendUser(nil, u, fields), &o)
	return o
}
