package jumpcloudtest

import (
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jcaad/jcaad/internal/fake"
	"github.com/jcaad/jcaad/jumpcloud"
)

// row is an object and what it was before; nil: it does not exist. The values are
// never written to.
type row[T any] struct{ fake.Cell[*T] }

// table holds objects in the order of their creation.
type table[T any] struct {
	rows []*row[T]
	byID map[string]*row[T]
}

// row returns the object id, which may be new.
func (t *table[T]) row(id string) *row[T] {
	r := t.byID[id]
	if r == nil {
		r = new(row[T])
		r.Settle(nil)
		if t.byID == nil {
			t.byID = map[string]*row[T]{}
		}
		t.byID[id] = r
		t.rows = append(t.rows, r)
	}
	return r
}

// put sets the object id to v; nil deletes it.
func (t *table[T]) put(id string, v *T) { t.row(id).Set(v) }

// settle sets the object id to v, without lag: it has been so for long.
func (t *table[T]) settle(id string, v *T) { t.row(id).Settle(v) }

// get is the truth; nil if there is none.
func (t *table[T]) get(id string) *T {
	if r := t.byID[id]; r != nil {
		return r.Now()
	}
	return nil
}

// read is what a reader of the object sees.
func (t *table[T]) read(id string, lag Lag) *T {
	if r := t.byID[id]; r != nil {
		return r.Read("get", lag)
	}
	return nil
}

// list is what a reader of a list sees.
func (t *table[T]) list(lag Lag) []*T {
	out := make([]*T, 0, len(t.rows))
	for _, r := range t.rows {
		if v := r.Read("list", lag); v != nil {
			out = append(out, v)
		}
	}
	return out
}

// all is the truth.
func (t *table[T]) all() []*T { return t.list(Lag{}) }

// state is what a Server remembers.
type state struct {
	seq   map[int]int
	keys  int // that were made
	rays  atomic.Int64
	lists int

	apps      table[app]
	users     table[user]
	groups    table[group]
	dirs      table[dir]
	domains   table[domain]
	rules     table[rule]
	edges     table[edge]
	past      past // of the applications
	templates []*template
	orgs      []*Server // beside the organisation itself
	sync      map[[2]string]jumpcloud.BoundUser
	tokens    map[string]time.Time

	idp idpState

	generated int
	generate  func(int) jumpcloud.User
	bound     map[string]generatedBound
}

type generatedBound struct {
	n int
	f func(int) jumpcloud.BoundUser
}

// Kinds of IDs. They ascend within a kind, as JumpCloud's do with time.
const (
	kindOrg = iota + 1
	kindUser
	kindGroup
	kindApp
	kindDir
	kindDomain
	kindRule
	kindTemplate
	kindGenerated
)

// newID makes an ID of the form that JumpCloud's have: 24 hex digits.
func (s *Server) newID(kind int) string {
	if s.seq == nil {
		s.seq = map[int]int{}
	}
	s.seq[kind]++
	return s.idOf(kind, s.seq[kind])
}

func (s *Server) idOf(kind, n int) string { return fmt.Sprintf("60%06x%06x%010x", kind, s.number, n) }

// idOf is an ID in the organisation that is nobody else's.
func idOf(kind, n int) string { return fmt.Sprintf("60%06x%016x", kind, n) }

// GeneratedID is the ID of the i-th user of [Server.GenerateUsers], if the
// user has none of its own.
func GeneratedID(i int) string { return idOf(kindGenerated, i+1) }

func generatedIndex(id string) (int, bool) {
	if len(id) != 24 || id[:8] != idOf(kindGenerated, 0)[:8] {
		return 0, false
	}
	n, err := strconv.ParseUint(id[8:], 16, 63)
	return int(n) - 1, err == nil && n > 0
}

// etag is Express's weak tag.
func etag(body []byte) string {
	sum := sha1.Sum(body)
	return fmt.Sprintf(`W/"%x-%s"`, len(body), base64.StdEncoding.EncodeToString(sum[:])[:27])
}

// window is the page that a request asks for.
func (s *Server) window(c *call, n int) (from, to int) {
	q := c.URL.Query() // which has numbers: see unclear
	limit := 10
	if q.Has("limit") {
		limit, _ = strconv.Atoi(q.Get("limit"))
	}
	skip, _ := strconv.Atoi(q.Get("skip"))
	from = min(skip, n)
	return from, min(from+min(limit, s.most()), n)
}

// most is the size of the largest page.
func (s *Server) most() int {
	if s.PageSize > 0 {
		return s.PageSize
	}
	return 100
}

// unsorted changes the order of a list from one request to the next, at the
// borders of pages, as lists of JumpCloud do that were not asked to sort.
func (s *Server) unsorted(n int) func(int) int {
	s.lists++
	if s.lists%2 == 1 {
		return func(i int) int { return i }
	}
	return func(i int) int { // swaps 9 and 10, 99 and 100, …
		switch {
		case i == 0 || i == n-1 && i%2 == 1:
			return i
		case i%2 == 1:
			return i + 1
		}
		return i - 1
	}
}

func find[T any](all []*T, match func(*T) bool) *T {
	if i := slices.IndexFunc(all, match); i >= 0 {
		return all[i]
	}
	return nil
}
