package aadtest

import (
	"bytes"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/jcaad/jcaad/aad"
)

// generated are users that exist by number only.
type generated struct {
	n       int
	f       func(i int) aad.User
	order   []uint32 // numbers, in the order of the user principal names
	at      []uint16 // index of the domain in names, in the same order
	names   []string
	changed map[int]bool // these have become users of their own
}

// GenerateUsers adds the users f(0) to f(n-1). They are not stored: f is called, from
// several goroutines, whenever one is needed, and has to give the same answer each time. A
// user without ID gets one by number. The index that is stored takes six bytes a user.
// There is one set of generated users; a second call replaces it.
func (s *Server) GenerateUsers(n int, f func(i int) aad.User) {
	s.start()
	g := &generated{n: n, f: f, order: make([]uint32, n), at: make([]uint16, n), changed: make(map[int]bool)}
	var all []byte
	ends := make([]uint32, n+1)
	domains := make(map[string]uint16)
	of := make([]uint16, n)
	for i := range n {
		name := strings.ToLower(f(i).UserPrincipalName)
		all = append(all, name...)
		ends[i+1] = uint32(len(all))
		g.order[i] = uint32(i)
		_, domain, _ := strings.Cut(name, "@")
		d, ok := domains[domain]
		if !ok {
			d = uint16(len(g.names))
			domains[domain] = d
			g.names = append(g.names, strings.Clone(domain))
		}
		of[i] = d
	}
	slices.SortFunc(g.order, func(a, b uint32) int {
		return bytes.Compare(all[ends[a]:ends[a+1]], all[ends[b]:ends[b+1]])
	})
	for pos, i := range g.order {
		g.at[pos] = of[i]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gen = g
}

// generatedID is the ID of user i.
func generatedID(i int) string { return fmt.Sprintf("%08x-9e37-4000-8000-%012x", i, i) }

// user returns user i, complete.
func (g *generated) user(i int) aad.User {
	u := g.f(i)
	if u.ID == "" {
		u.ID = generatedID(i)
	}
	return u
}

// find returns the number of the user with an ID or user principal name.
func (g *generated) find(idOrUPN string) (int, bool) {
	if len(idOrUPN) == 36 {
		if i, err := strconv.ParseUint(idOrUPN[:8], 16, 32); err == nil && int(i) < g.n && g.user(int(i)).ID == idOrUPN && !g.changed[int(i)] {
			return int(i), true
		}
	}
	name := strings.ToLower(idOrUPN)
	if pos := g.search(name); pos < g.n {
		if i := int(g.order[pos]); strings.EqualFold(g.f(i).UserPrincipalName, name) && !g.changed[i] {
			return i, true
		}
	}
	if strings.Contains(idOrUPN, "@") {
		return 0, false
	}
	for i := range g.n { // an ID that the generator chose
		if g.f(i).ID == idOrUPN && !g.changed[i] {
			return i, true
		}
	}
	return 0, false
}

// search returns the first position whose name is not before a lower-case name.
func (g *generated) search(name string) int {
	return sort.Search(g.n, func(pos int) bool {
		return strings.ToLower(g.f(int(g.order[pos])).UserPrincipalName) >= name
	})
}

// span returns the positions whose names begin with a lower-case prefix.
func (g *generated) span(prefix string) (from, to int) {
	from = g.search(prefix)
	to = from + sort.Search(g.n-from, func(k int) bool {
		return !strings.HasPrefix(strings.ToLower(g.f(int(g.order[from+k])).UserPrincipalName), prefix)
	})
	return from, to
}

func (g *generated) uses(domain string) bool {
	d := slices.Index(g.names, strings.ToLower(domain))
	return d >= 0 && slices.Contains(g.at, uint16(d))
}

// selection is the positions that a query selects.
type selection struct {
	g        *generated
	from, to int
	holes    [][2]int
	domain   int // -1: any
	others   []*expr
}

func (g *generated) selection(q query) selection {
	s := selection{g: g, to: g.n, domain: -1, others: q.others}
	for _, p := range q.prefixes {
		from, to := g.span(p)
		s.from, s.to = max(s.from, from), min(s.to, to)
	}
	for _, p := range q.not {
		from, to := g.span(p)
		s.holes = append(s.holes, [2]int{from, to})
	}
	if q.domain != "" {
		if s.domain = slices.Index(g.names, q.domain); s.domain < 0 {
			s.to = s.from
		}
	}
	return s
}

// next returns the first selected position from pos on, or s.to.
func (s *selection) next(pos int) int {
next:
	for pos = max(pos, s.from); pos < s.to; pos++ {
		for _, h := range s.holes {
			if pos >= h[0] && pos < h[1] {
				pos = h[1] - 1
				continue next
			}
		}
		if s.domain >= 0 && int(s.g.at[pos]) != s.domain {
			continue
		}
		i := int(s.g.order[pos])
		if len(s.g.changed) > 0 && s.g.changed[i] {
			continue
		}
		if len(s.others) > 0 {
			u := s.g.user(i)
			if slices.ContainsFunc(s.others, func(e *expr) bool { return !e.holds(&u) }) {
				continue
			}
		}
		break
	}
	return min(max(pos, s.from), max(s.to, s.from))
}

// count returns how many positions are selected.
func (s *selection) count() int {
	n := 0
	for pos := s.next(0); pos < s.to; pos = s.next(pos + 1) {
		n++
	}
	return n
}
