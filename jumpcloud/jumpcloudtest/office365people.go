package jumpcloudtest

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/jcaad/jcaad/jumpcloud"
)

// importUser is a user of Microsoft 365 as JumpCloud writes it. The last two
// are not described: they are there if a test wants them.
type importUser struct {
	ID                string `json:"id"`
	GivenName         string `json:"givenName"`
	Surname           string `json:"surname"`
	UserPrincipalName string `json:"userPrincipalName"`
	Email             string `json:"email,omitempty"`
	Username          string `json:"username,omitempty"`
}

// importUsers passes on Graph's list, page by page, as far as its filter is eq,
// startsWith and and.
func (s *Server) importUsers(c *call, _ *dir) reply {
	q := c.URL.Query()
	top := 100
	if q.Has("top") {
		top, _ = strconv.Atoi(q.Get("top"))
	}
	if s.PageSize > 0 {
		top = min(top, s.PageSize)
	}
	match, understood := graphFilter(q.Get("filter"))
	if !understood {
		return unmodelled("the filter " + strconv.Quote(q.Get("filter")) + " of Microsoft Graph")
	}
	var all []importUser
	for _, u := range s.ImportUsers {
		v := importUser{
			ID: u.ID, GivenName: u.GivenName, Surname: u.Surname,
			UserPrincipalName: u.UserPrincipalName, Email: u.Email, Username: u.Username,
		}
		if match(v) {
			all = append(all, v)
		}
	}
	from, err := strconv.Atoi(strings.TrimPrefix(cmp.Or(q.Get("skipToken"), "t0"), "t"))
	if err != nil || from < 0 {
		return unmodelled("a skipToken that it has not given out")
	}
	from = min(from, len(all))
	to := min(from+top, len(all))
	out := map[string]any{"top": top, "users": append([]importUser{}, all[from:to]...)}
	if to < len(all) {
		out["skipToken"] = "t" + strconv.Itoa(to)
	}
	return ok(out)
}

// graphFilter reads a filter like "surname eq 'O”Hara' and startsWith(givenName,'A')".
// Graph ignores case in both.
func graphFilter(filter string) (match func(importUser) bool, understood bool) {
	var all []func(importUser) bool
	rest := strings.TrimSpace(filter)
	for rest != "" {
		one, after, ok := graphCondition(rest)
		if !ok {
			return nil, false
		}
		all = append(all, one)
		after = strings.TrimSpace(after)
		next, more := cutWord(after, "and")
		if after != "" && (!more || next == "") {
			return nil, false
		}
		rest = next
	}
	return func(u importUser) bool {
		return !slices.ContainsFunc(all, func(one func(importUser) bool) bool { return !one(u) })
	}, true
}

// graphCondition reads one condition, and returns what comes after it.
func graphCondition(s string) (match func(importUser) bool, rest string, ok bool) {
	const call = "startswith("
	starts := len(s) > len(call) && strings.EqualFold(s[:len(call)], call)
	if starts {
		s = s[len(call):]
	}
	end := strings.IndexFunc(s, func(r rune) bool { return r == ' ' || r == ',' })
	if end <= 0 {
		return nil, "", false
	}
	get := graphProperty(s[:end])
	if s = strings.TrimSpace(s[end:]); starts {
		s, ok = strings.CutPrefix(s, ",")
	} else {
		s, ok = cutWord(s, "eq")
	}
	value, rest, quoted := graphString(strings.TrimSpace(s))
	if starts {
		var closed bool
		rest, closed = strings.CutPrefix(strings.TrimSpace(rest), ")")
		ok = ok && closed
	}
	if !ok || !quoted || get == nil {
		return nil, "", false
	}
	return func(u importUser) bool {
		v := get(u)
		if starts {
			return len(v) >= len(value) && strings.EqualFold(v[:len(value)], value)
		}
		return strings.EqualFold(v, value)
	}, rest, true
}

// graphProperty is what Graph knows of the users: the fields that are described.
func graphProperty(name string) func(importUser) string {
	switch name {
	case "id":
		return func(u importUser) string { return u.ID }
	case "givenName":
		return func(u importUser) string { return u.GivenName }
	case "surname":
		return func(u importUser) string { return u.Surname }
	case "userPrincipalName":
		return func(u importUser) string { return u.UserPrincipalName }
	}
	return nil
}

// cutWord cuts a word and the spaces after it from the beginning of s.
func cutWord(s, word string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(s, word+" ")
	return strings.TrimSpace(rest), ok
}

// graphString reads 'text', in which two quotation marks stand for one.
func graphString(s string) (value, rest string, ok bool) {
	s, ok = strings.CutPrefix(s, "'")
	var b strings.Builder
	for ok {
		before, after, closed := strings.Cut(s, "'")
		if !closed {
			return "", "", false
		}
		b.WriteString(before)
		if s, ok = strings.CutPrefix(after, "'"); !ok {
			return b.String(), after, true
		}
		b.WriteByte('\'')
	}
	return "", "", false
}

// boundUsers lists the users of a directory, with the state of their
// synchronisation if it is asked for.
func (s *Server) boundUsers(c *call, o jumpcloud.Object) reply {
	with := c.URL.Query().Get("syncStatus") == "true"
	all := reach(s.edges.list(s.ListLag), o, jumpcloud.UserObject)
	g := s.bound[o.ID]
	if q := c.URL.Query(); q.Has("filter") || q.Has("sort") {
		return s.boundFound(c, o, append(all, g.reached()...), with)
	}
	total := len(all) + g.n
	from, to := s.window(c, total)
	b := make([]byte, 0, 256*(to-from)+2)
	b = append(b, '[')
	for i := from; i < to; i++ {
		if i > from {
			b = append(b, ',')
		}
		if i >= len(all) {
			b = appendBound(b, o, g.f(i-len(all)), with)
			continue
		}
		b = append(b, raw(s.synced(o, all[i], with))...)
	}
	return reply{status: http.StatusOK, body: append(b, ']'), total: total, count: true}
}

// boundFound is the list with a filter or in an order.
func (s *Server) boundFound(c *call, o jumpcloud.Object, all []*reached, with bool) reply {
	return v2listOf(s, c, all, kind[*reached]{
		found: graphFields, fields: func(r *reached) getter { return r.field }, show: func(r *reached) any { return s.synced(o, r, with) },
	})
}

// synced is what is shown of one who is bound to o.
func (s *Server) synced(o jumpcloud.Object, r *reached, with bool) *reached {
	if with {
		st := s.syncOf(o.ID, r.ID)
		if r.made != nil {
			st = *r.made
		}
		r.ExternalID, r.SyncStatus = st.ExternalID, render(st.Sync)
	}
	return s.whole(r)
}

// reached are those who are not kept in memory.
func (g generatedBound) reached() []*reached {
	all := make([]*reached, g.n)
	for i := range all {
		u := g.f(i)
		o := jumpcloud.Object{Type: jumpcloud.UserObject, ID: u.UserID}
		all[i] = &reached{ID: o.ID, Type: o.Type, Paths: [][]connection{{hop{o, &edge{}}.connection()}}, made: &u}
	}
	return all
}
