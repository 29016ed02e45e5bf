package aadtest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Sizes of the pages of users.
const defaultPage, greatestPage = 100, 999

func eventual(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("ConsistencyLevel"), "eventual")
}

// condition parses what a list of users is limited to.
func condition(r *http.Request) (query, *refusal) {
	params := r.URL.Query()
	counted := params.Get("$count") == "true" || strings.HasSuffix(r.URL.Path, "/$count")
	var q query
	if filter := params.Get("$filter"); filter != "" {
		e, operator, refused := userKind.parse(filter)
		switch {
		case refused != nil:
			return q, refused
		case operator != "" && !(eventual(r) && counted):
			return q, needsAdvanced(operator)
		}
		e.split(&q)
	}
	if search := params.Get("$search"); search != "" {
		if !eventual(r) {
			return q, unsupported("Request with $search query parameter only works through MSGraph with a special request header: " +
				"'ConsistencyLevel: eventual'")
		}
		e, refused := parseSearch(search)
		if refused != nil {
			return q, refused
		}
		e.split(&q)
	}
	return q, nil
}

// match reports whether a user who is stored is selected.
func (q *query) match(u *userState) bool {
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
	return !slices.ContainsFunc(q.others, func(e *expr) bool { return !e.holds(u.value) })
}

// matching returns the stored users that are selected.
func (s *Server) matching(q query) []userState {
	var list []userState
	for _, u := range s.order {
		if st := u.state.Read("users", s.lag("users", s.ListLag)); !st.gone && q.match(&st) {
			list = append(list, st)
		}
	}
	return list
}

// top returns the size of the pages that $top asks for: size without it.
func (s *Server) top(r *http.Request, size, most int) (int, *refusal) {
	if top := r.URL.Query().Get("$top"); top != "" {
		n, err := strconv.Atoi(top)
		if err != nil || n < 1 || n > most {
			return 0, unsupported("Invalid page size specified: '%s'. Must be between 1 and %d inclusive.", top, most)
		}
		size = n
	}
	if s.PageSize > 0 {
		size = min(size, s.PageSize)
	}
	return size, nil
}

// position returns where the page begins that a link leads to.
func position(r *http.Request) (int, *refusal) {
	token := r.URL.Query().Get("$skiptoken")
	if token == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(token)
	if err != nil || n < 0 {
		return 0, bad("Invalid $skiptoken.")
	}
	return n, nil
}

func (s *Server) listUsers(w http.ResponseWriter, r *http.Request) *refusal {
	params := r.URL.Query()
	q, e := condition(r)
	if e != nil {
		return e
	}
	conditional := params.Has("$filter") || params.Has("$search")
	order, e := parseOrder(params.Get("$orderby"), conditional, eventual(r) && params.Get("$count") == "true")
	if e != nil {
		return e
	}
	size, e := s.top(r, defaultPage, greatestPage)
	if e != nil {
		return e
	}
	// A position below len(stored) is one of these, the others are of the generated users.
	from, e := position(r)
	if e != nil {
		return e
	}
	stored := s.matching(q)
	var sel selection
	if s.gen != nil {
		sel = s.gen.selection(q)
	}
	if order.by != "" {
		stored = s.gathered(stored, &sel)
		order.sort(stored)
	}
	s.writeUsers(w, r, &userPage{stored: stored, sel: sel, from: from, size: size})
	return nil
}

// gathered returns the stored users and the generated ones that are selected, of whom
// there are none left then.
func (s *Server) gathered(stored []userState, sel *selection) []userState {
	if s.gen == nil {
		return stored
	}
	for pos, ok := sel.next(0); ok; pos, ok = sel.next(pos + 1) {
		stored = append(stored, userState{User: s.gen.user(int(s.gen.order[pos]))})
	}
	*sel = selection{}
	return stored
}

// userPage is a page of users that is to be written.
type userPage struct {
	stored     []userState
	sel        selection // of the generated ones
	from, size int
}

func (s *Server) writeUsers(w http.ResponseWriter, r *http.Request, p *userPage) {
	want := fields(r)
	b := make([]byte, 0, 128+p.size*64*min(len(want), 6))
	b = append(b, `{"@odata.context":`...)
	b = appendString(b, metadata(r, "users"))
	if r.URL.Query().Get("$count") == "true" && eventual(r) && p.from == 0 {
		b = append(b, `,"@odata.count":`...)
		b = strconv.AppendInt(b, int64(len(p.stored)+p.sel.count()), 10)
	}
	b = append(b, `,"value":[`...)
	n := 0
	comma := func() {
		if n++; n > 1 {
			b = append(b, ',')
		}
	}
	from := p.from
	for ; from < len(p.stored) && n < p.size; from++ {
		comma()
		b = appendUser(b, &p.stored[from], want)
	}
	more := from < len(p.stored)
	if s.gen != nil {
		pos, ok := p.sel.next(max(0, from-len(p.stored)))
		for ; from >= len(p.stored) && ok && n < p.size; pos, ok = p.sel.next(pos + 1) {
			comma()
			u := userState{User: s.gen.user(int(s.gen.order[pos]))}
			b = appendUser(b, &u, want)
			from = len(p.stored) + pos + 1
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
}

func (s *Server) countUsers(w http.ResponseWriter, r *http.Request) *refusal {
	if !eventual(r) {
		return bad("$count is not currently supported.")
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
