package jumpcloudtest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// userSource is a list of users that may not be in memory.
type userSource struct {
	n  int
	at func(int) *user
}

func (s *Server) allUsers(byID bool) userSource {
	own := s.users.list(s.ListLag)
	if byID {
		slices.SortStableFunc(own, func(a, b *user) int { return strings.Compare(a.ID, b.ID) })
	}
	return userSource{len(own) + s.generated, func(i int) *user {
		if i < len(own) {
			return own[i]
		}
		return s.generatedUser(i - len(own))
	}}
}

// where keeps the users that match.
func (src userSource) where(match func(*user) bool) userSource {
	var kept []*user
	for i := range src.n {
		if u := src.at(i); match(u) {
			kept = append(kept, u)
		}
	}
	return userSource{len(kept), func(i int) *user { return kept[i] }}
}

// sorted sorts the users by fields.
func (src userSource) sorted(by []string) userSource {
	all := make([]*user, src.n)
	for i := range all {
		all[i] = src.at(i)
	}
	sorted(all, by, false, func(u *user) getter { return u.field })
	return userSource{len(all), func(i int) *user { return all[i] }}
}

// ordered is a list of users as a request wants it sorted, and what their order is
// in the answer.
func (s *Server) ordered(sort string, keep func(userSource) userSource) (userSource, func(int) int) {
	src := keep(s.allUsers(sort == "_id"))
	same := func(i int) int { return i }
	switch by := strings.Fields(sort); {
	case len(by) == 0:
		return src, s.unsorted(src.n)
	case sort == "_id": // those who are not in memory come in the order of their IDs
		return src, same
	default:
		return src.sorted(by), same
	}
}

func (s *Server) listUsers(c *call) reply {
	q := c.URL.Query()
	match, bad := v1filter(c.Request)
	if bad != "" {
		return v1invalid(bad)
	}
	filtered := false
	for key := range q {
		filtered = filtered || v1Filter(key)
	}
	search := strings.ToLower(q.Get("search"))
	src, order := s.ordered(q.Get("sort"), func(src userSource) userSource {
		if !filtered && search == "" {
			return src
		}
		return src.where(func(u *user) bool {
			return match(u.field) && (search == "" || slices.ContainsFunc(
				[]string{u.Username, u.Email, u.FirstName, u.LastName, u.DisplayName},
				func(v string) bool { return strings.Contains(strings.ToLower(v), search) }))
		})
	})
	from, to := s.window(c, src.n)
	return userPage(src, order, from, to, q.Get("fields"))
}

func userPage(src userSource, order func(int) int, from, to int, fields string) reply {
	names := fieldsOf(fields)
	b := make([]byte, 0, 256*(to-from)+64)
	b = append(b, `{"totalCount":`...)
	b = strconv.AppendInt(b, int64(src.n), 10)
	b = append(b, `,"results":[`...)
	for i := from; i < to; i++ {
		if i > from {
			b = append(b, ',')
		}
		b = appendUser(b, src.at(order(i)), names)
	}
	return reply{status: http.StatusOK, body: append(b, "]}"...)}
}

// fieldsOf are the names in v1's fields, each once; nil for all fields, which a list
// with commas stands for as well.
func fieldsOf(fields string) []string {
	if fields == "" || strings.Contains(fields, ",") {
		return nil
	}
	var names []string
	for _, f := range strings.Fields(fields) {
		if !slices.Contains(names, f) {
			names = append(names, f)
		}
	}
	return names
}

// searching is the body of a search.
type searching struct {
	Filter       json.RawMessage
	SearchFilter struct {
		SearchTerm json.RawMessage
		Fields     []string
	}
	Fields, Sort string
	Limit, Skip  int
}

// expression is one of a search's filter.
type expression func(getter) bool

// match reads the filter: all expressions of one list must hold, and one of another.
func (w *searching) match(eventually bool) (match expression, refused *reply) {
	lists := map[string][]json.RawMessage{}
	var all []json.RawMessage
	switch {
	case w.Filter == nil:
	case json.Unmarshal(w.Filter, &all) == nil:
		lists["and"] = all
	case json.Unmarshal(w.Filter, &lists) != nil:
		return nil, badSearch("Invalid filter")
	}
	read := map[string][]expression{}
	for word, list := range lists {
		if word != "and" && word != "or" {
			r := unmodelled("the filter " + strconv.Quote(word) + " of a search")
			return nil, &r
		}
		for _, v := range list {
			e, refused := parseExpression(v, eventually)
			if refused != nil {
				return nil, refused
			}
			read[word] = append(read[word], e)
		}
	}
	return func(get getter) bool {
		holds := func(e expression) bool { return e(get) }
		return !slices.ContainsFunc(read["and"], func(e expression) bool { return !holds(e) }) &&
			(len(read["or"]) == 0 || slices.ContainsFunc(read["or"], holds))
	}, nil
}

func badSearch(message string) *reply {
	r := v1invalid(message)
	return &r
}

// parseExpression reads {"field": value}, all of whose fields must have their values,
// or a text like field:$eq:value, which JumpCloud's own command line sends.
func parseExpression(v json.RawMessage, eventually bool) (expression, *reply) {
	if len(v) > 0 && v[0] == '"' {
		c, ok := parseCondition(plain(v), eventually)
		if !ok {
			return nil, badSearch("Invalid filter")
		}
		return c.holds, nil
	}
	var o object
	if json.Unmarshal(v, &o) != nil {
		return nil, badSearch("Invalid filter")
	}
	var all []condition
	for field, v := range o {
		if strings.HasPrefix(field, "$") || len(v) > 0 && (v[0] == '{' || v[0] == '[') {
			r := unmodelled("operators in a search, as in " + field + ": " + string(v))
			return nil, &r
		}
		all = append(all, condition{field, "$eq", plain(v)})
	}
	return matcher(all, nil), nil
}

// searchUsers serves POST /search/systemusers.
func (s *Server) searchUsers(c *call) reply {
	var w searching
	if json.Unmarshal(raw(c.body), &w) != nil {
		return *badSearch("Invalid search")
	}
	match, refused := w.match(c.Header.Get("X-Eventually-Consistent") == "true")
	if refused != nil {
		return *refused
	}
	for name := range asObject(c.body["searchFilter"]) {
		if name != "searchTerm" && name != "fields" {
			return unmodelled("the property " + strconv.Quote(name) + " of a search")
		}
	}
	switch _, limited := c.body["limit"]; {
	case limited && w.Limit < 1:
		return unmodelled(`this value of the property "limit" of a search`)
	case w.Skip < 0:
		return unmodelled(`this value of the property "skip" of a search`)
	case w.SearchFilter.SearchTerm != nil && w.SearchFilter.Fields == nil:
		return unmodelled("a searchFilter without fields")
	}
	var terms []string
	if t := w.SearchFilter.SearchTerm; t != nil && json.Unmarshal(t, &terms) != nil {
		terms = []string{plain(t)}
	}
	found := func(get getter) bool {
		return len(terms) == 0 || slices.ContainsFunc(w.SearchFilter.Fields, func(f string) bool {
			return slices.ContainsFunc(get.values(f), func(v json.RawMessage) bool {
				text := strings.ToLower(plain(v))
				return slices.ContainsFunc(terms, func(t string) bool { return strings.Contains(text, strings.ToLower(t)) })
			})
		})
	}
	src, order := s.ordered(w.Sort, func(src userSource) userSource {
		return src.where(func(u *user) bool { return match(u.field) && found(u.field) })
	})
	if _, sent := c.body["limit"]; !sent {
		w.Limit = 10
	}
	from := min(w.Skip, src.n)
	return userPage(src, order, from, min(from+min(w.Limit, s.most()), src.n), w.Fields)
}
