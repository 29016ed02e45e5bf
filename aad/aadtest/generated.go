package aadtest

import (
	"bytes"
	"fmt"
	"math/bits"
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
	live    bitset       // positions of the others

	conditions map[string]bitset // positions that fulfil a condition, by its text
}

// bitset is a set of positions.
type bitset []uint64

func newBitset(n int) bitset { return make(bitset, (n+63)/64) }

func (b bitset) add(pos int) { b[pos/64] |= 1 << (pos % 64) }

// change takes user i out: it has become a user of its own.
func (g *generated) change(i int) {
	g.changed[i] = true
	for pos := g.search(strings.ToLower(g.f(i).UserPrincipalName)); pos < g.n; pos++ {
		if int(g.order[pos]) == i {
			g.live[pos/64] &^= 1 << (pos % 64)
			return
		}
	}
}

// GenerateUsers adds the users f(0) to f(n-1). They are not stored: f is called,
// from several goroutines, whenever one is needed, and has to give the same answer
// each time. A user without ID gets one by number. The index that is stored takes
// six bytes a user, and a bit for each condition that lists ask for. There is one
// set of generated users; a second call replaces it.
func (s *Server) GenerateUsers(n int, f func(i int) aad.User) {
	s.start()
	g := &generated{
		n: n, f: f, order: make([]uint32, n), at: make([]uint16, n), changed: make(map[int]bool),
		live: newBitset(n), conditions: make(map[string]bitset),
	}
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
		g.live.add(pos)
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

// fulfil returns the positions that fulfil what a query asks for beside prefixes; nil
// means all. It is worked out once for each condition.
func (g *generated) fulfil(q query) bitset {
	if q.domain == "" && len(q.others) == 0 {
		return nil
	}
	key := q.domain
	for _, e := range q.others {
		key += "\x00" + e.String()
	}
	if b, ok := g.conditions[key]; ok {
		return b
	}
	b := newBitset(g.n)
	domain := slices.Index(g.names, q.domain)
	for pos, i := range g.order {
		if q.domain != "" && int(g.at[pos]) != domain {
			continue
		}
		if len(q.others) > 0 {
			u := userState{User: g.user(int(i))}
			if slices.ContainsFunc(q.others, func(e *expr) bool { return !e.holds(u.value) }) {
				continue
			}
		}
		b.add(pos)
	}
	g.conditions[key] = b
	return b
}

// selection is the positions that a query selects: those of the set in some spans.
type selection struct {
	live, set bitset
	spans     [][2]int // disjoint, in order
}

func (g *generated) selection(q query) selection {
	from, to := 0, g.n
	for _, p := range q.prefixes {
		a, b := g.span(p)
		from, to = max(from, a), min(to, b)
	}
	var holes [][2]int
	for _, p := range q.not {
		a, b := g.span(p)
		holes = append(holes, [2]int{a, b})
	}
	slices.SortFunc(holes, func(a, b [2]int) int { return a[0] - b[0] })
	s := selection{live: g.live, set: g.fulfil(q)}
	for _, h := range holes {
		if h[0] > from {
			s.spans = append(s.spans, [2]int{from, min(h[0], to)})
		}
		from = max(from, h[1])
	}
	s.spans = append(s.spans, [2]int{from, to})
	return s
}

// word returns the selected positions from 64*w on.
func (s *selection) word(w int) uint64 {
	if s.set == nil {
		return s.live[w]
	}
	return s.live[w] & s.set[w]
}

// next returns the first selected position from pos on; false if there is none.
func (s *selection) next(pos int) (int, bool) {
	for _, span := range s.spans {
		for pos = max(pos, span[0]); pos < span[1]; pos = (pos/64 + 1) * 64 {
			if rest := s.word(pos/64) >> (pos % 64); rest != 0 {
				if pos += bits.TrailingZeros64(rest); pos < span[1] {
					return pos, true
				}
				break
			}
		}
	}
	return 0, false
}

// count returns how many positions are selected.
func (s *selection) count() int {
	n := 0
	for _, span := range s.spans {
		for pos := span[0]; pos < span[1]; pos = (pos/64 + 1) * 64 {
			rest := s.word(pos/64) >> (pos % 64)
			if left := span[1] - pos; left < 64 {
				rest &= 1<<left - 1
			}
			n += bits.OnesCount64(rest)
		}
	}
	return n
}
