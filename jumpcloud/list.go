package jumpcloud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/jcaad/jcaad/internal/rest"
)

// pageSize is the largest page that JumpCloud gives.
const pageSize = 100

// page is one answer of a list.
type page[T any] struct {
	items []T
	total int // as the service told it; -1 if it did not
	r     *rest.Request
}

// fetcher reads up to limit items from the skip-th.
type fetcher[T any] func(ctx context.Context, skip, limit int) (page[T], error)

// failed is a list that cannot begin.
func failed[T any](err error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		yield(zero, err)
	}
}

// only yields what keep accepts, and errors.
func only[T any](all iter.Seq2[*T, error], keep func(*T) bool) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		for v, err := range all {
			if (err != nil || keep(v)) && !yield(v, err) {
				return
			}
		}
	}
}

// follow reads page after page of a list without a total, to an empty page, one
// that is shorter than asked, or one that holds nothing new.
func follow[T any](
	ctx context.Context, c *Client, fetch fetcher[T], border *border[T], r *rest.Request, skip int, yield func(*T, error) bool,
) {
	for n := 2; ; n++ { // the first one has been read
		if n > c.maxPages {
			yield(nil, c.tooManyPages(r, c.maxPages))
			return
		}
		p, err := fetch(ctx, skip, pageSize)
		if err != nil {
			yield(nil, err)
			return
		}
		if !border.yield(p.items, yield) {
			return
		}
		skip += len(p.items)
		if len(p.items) < pageSize || len(border.cur) == 0 {
			return
		}
	}
}

// listWide reads the first page, which tells how many there are, and then the
// others side by side, at the width that the caller has learned. Totals that
// grow meanwhile are followed.
//
// Each page begins with the last item of the one before it. If it does not, the
// list has moved while it was read, and what has moved out of sight between the
// two is read as well.
func listWide[T any](ctx context.Context, c *Client, fetch fetcher[T], id func(*T) string) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		border := border[T]{id: id}
		first, err := fetch(ctx, 0, pageSize)
		if err != nil {
			yield(nil, err)
			return
		}
		if !border.yield(first.items, yield) {
			return
		}
		size := len(first.items) // the service may give smaller pages than asked for
		if first.total < 0 && size == pageSize {
			follow(ctx, c, fetch, &border, first.r, size, yield)
			return
		}
		overlap := min(1, max(0, size-1))
		step := size - overlap
		read := 1
		for covered, total := size, first.total; size > 0 && covered < total; {
			start := covered - overlap
			n := min((total-covered+step-1)/step, c.maxPages-read)
			if n == 0 {
				yield(nil, c.tooManyPages(first.r, c.maxPages))
				return
			}
			pages := rest.Pages(ctx, c.rest, n, func(ctx context.Context, k int) (page[T], error) {
				return fill(ctx, fetch, start+k*step, size)
			})
			k := 0
			for p, err := range pages {
				ended := len(p.items) == 0
				if err == nil && overlap > 0 {
					p.items, err = border.connect(ctx, fetch, p.items, start+k*step, size)
				}
				if err != nil {
					yield(nil, err)
					return
				}
				if !border.yield(p.items, yield) || ended {
					return
				}
				total = max(total, p.total)
				k++
			}
			covered += n * step
			read += n
		}
	}
}

// listFew is listWide for lists that are not long. It is of pointers, so that all of
// these share one copy of it in a program: a copy for each type is 20 KiB.
func listFew[T any](ctx context.Context, c *Client, fetch fetcher[*T], id func(*T) string) iter.Seq2[*T, error] {
	filled := func(ctx context.Context, skip, limit int) (page[*T], error) {
		p, err := fetch(ctx, skip, limit)
		for i, v := range p.items {
			if v == nil { // null is an item without anything
				p.items[i] = new(T)
			}
		}
		return p, err
	}
	all := listWide(ctx, c, filled, func(v **T) string { return id(*v) })
	return func(yield func(*T, error) bool) {
		for v, err := range all {
			var item *T
			if v != nil {
				item = *v
			}
			if !yield(item, err) {
				return
			}
		}
	}
}

// tooManyPages is the error for a list that does not end.
func (c *Client) tooManyPages(r *rest.Request, pages int) error {
	return &Error{
		Op: opName(r.Method, r.Path), Scope: r.Permission,
		Message: fmt.Sprintf("the list has more than %d pages: if it is really that long, raise Options.MaxPages", pages),
		class:   ErrTooManyPages,
	}
}

// fill reads a page and, should it come short in the middle of the list, the
// rest of it: a gap between two pages would be users lost without a word.
func fill[T any](ctx context.Context, fetch fetcher[T], skip, size int) (page[T], error) {
	p, err := fetch(ctx, skip, size)
	for err == nil && len(p.items) > 0 && len(p.items) < size && skip+len(p.items) < p.total {
		var more page[T]
		if more, err = fetch(ctx, skip+len(p.items), size-len(p.items)); len(more.items) == 0 {
			break
		}
		p.items, p.total = append(p.items, more.items...), more.total
	}
	return p, err
}

// border yields items, but not one that was seen in this page or the one before
// it: deletions and insertions move items across the border of two pages. As
// long as IDs ascend nothing can repeat and nothing is compared, so that it
// costs a list of any length two pages' IDs.
type border[T any] struct {
	id        func(*T) string // nil: everything is yielded
	prev, cur []string
	unsorted  bool
	last      string
}

// maxBack is how many pages are read again where a list has moved.
const maxBack = 32

// connect returns the items of the page at skip that come after those that were
// yielded. Usually that is all but the first one; if the list has moved, pages
// before this one are read again, until one of them touches what was yielded.
func (b *border[T]) connect(ctx context.Context, fetch fetcher[T], items []T, skip, size int) ([]T, error) {
	if b.id == nil || len(b.cur) == 0 && len(b.prev) == 0 {
		return items, nil
	}
	if len(items) > 0 && b.id(&items[0]) == b.last {
		return items[1:], nil
	}
	for back := 1; back <= maxBack && !b.touches(items); back++ {
		from := max(0, skip-back*(size-1))
		p, err := fill(ctx, fetch, from, size)
		if err != nil {
			return nil, err
		}
		items = slices.Concat(p.items, items)
		if from == 0 {
			break
		}
	}
	if b.unsorted {
		return items, nil
	}
	fresh, last := make([]T, 0, len(items)), b.last
	for i := range items {
		if id := b.id(&items[i]); id > last {
			fresh, last = append(fresh, items[i]), id
		}
	}
	return fresh, nil
}

// touches reports whether one of the items was yielded, in this page's
// neighbourhood.
func (b *border[T]) touches(items []T) bool {
	for i := range items {
		if id := b.id(&items[i]); !b.unsorted && id <= b.last || b.seen(id) {
			return true
		}
	}
	return false
}

func (b *border[T]) yield(items []T, yield func(*T, error) bool) bool {
	if b.id == nil {
		for i := range items {
			if !yield(&items[i], nil) {
				return false
			}
		}
		return true
	}
	if len(items) > 0 {
		b.prev, b.cur = b.cur, b.prev[:0]
	}
	for i := range items {
		id := b.id(&items[i])
		if b.unsorted = b.unsorted || id <= b.last; b.unsorted && b.seen(id) {
			continue
		}
		b.cur, b.last = append(b.cur, id), id
		if !yield(&items[i], nil) {
			return false
		}
	}
	return true
}

func (b *border[T]) seen(id string) bool {
	if id == "" {
		return false
	}
	for _, s := range b.prev {
		if s == id {
			return true
		}
	}
	for _, s := range b.cur {
		if s == id {
			return true
		}
	}
	return false
}

// envelope is a list in one of JumpCloud's two forms: v1's
// {"totalCount":1,"results":[…]}, or v2's bare array. Some routes of each have
// the other's.
type envelope[T any] struct {
	results []T
	total   int
	read    bool // there was a list
}

var errNoList = errors.New("the answer holds no list")

// UnmarshalJSON implements [json.Unmarshaler].
func (e *envelope[T]) UnmarshalJSON(b []byte) error {
	*e = envelope[T]{total: -1}
	if len(b) > 0 && b[0] == '{' {
		w := struct {
			Results    json.RawMessage `json:"results"`
			TotalCount looseInt        `json:"totalCount"`
		}{TotalCount: -1}
		if err := json.Unmarshal(b, &w); err != nil {
			return err
		}
		b, e.total = w.Results, int(w.TotalCount)
	}
	if len(b) == 0 || b[0] != '[' { // an error, say, or null: to take it for "none" would be a lie
		return errNoList
	}
	e.read = true
	return json.Unmarshal(b, &e.results)
}

// v1 fetches pages of a v1 list, sorted by ID so that pages do not overlap.
func v1[T any](c *Client, path, scope string, query url.Values, args ...string) fetcher[T] {
	q := url.Values{"sort": {"_id"}}
	maps.Copy(q, query)
	return v2[T](c, path, scope, q, args...)
}

// v2 fetches pages of a v2 list, with the total in a header.
func v2[T any](c *Client, path, scope string, query url.Values, args ...string) fetcher[T] {
	return func(ctx context.Context, skip, limit int) (page[T], error) {
		var out envelope[T]
		r := &rest.Request{Method: http.MethodGet, Path: path, Args: args, Query: paged(query, skip, limit), Permission: scope}
		resp, err := c.do(ctx, r, &out)
		if err := c.whole(r, resp, out.read, err); err != nil {
			return page[T]{}, err
		}
		if out.total < 0 {
			out.total = totalHeader(resp)
		}
		return page[T]{out.results, out.total, r}, nil
	}
}

func totalHeader(resp *rest.Response) int {
	if resp == nil {
		return -1
	}
	n, err := strconv.Atoi(resp.Header.Get("X-Total-Count"))
	if err != nil || n < 0 {
		return -1
	}
	return n
}

func paged(query url.Values, skip, limit int) url.Values {
	q := make(url.Values, len(query)+3)
	for k, v := range query {
		q[k] = v
	}
	q.Set("limit", strconv.Itoa(limit))
	q.Set("skip", strconv.Itoa(skip))
	return q
}

// looseInt reads a number, or a string that holds one: some routes speak
// protobuf's JSON, which quotes 64-bit numbers.
type looseInt int64

func (n *looseInt) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	s := string(b)
	if len(b) > 0 && b[0] == '"' {
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
	}
	i, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		f, ferr := strconv.ParseFloat(s, 64)
		if ferr != nil {
			return err
		}
		i = int64(f)
	}
	*n = looseInt(i)
	return nil
}
