package aad

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

const (
	shortList  = 64 // pages that are read one after the other in any case
	perRange   = 25 // pages of a range, at least
	extraShare = 10 // of the pages, one request more for each of so many may be spent on the division
	maxDepth   = 6  // of ranges in ranges
	maxProbes  = 31 // letters of which counts find out how many most names begin with
	maxRanges  = 8  // that are read at a time: each holds a page, of half a megabyte

	// What a range is divided by, depending on what the first name goes on with.
	letters = "abcdefghijklmnopqrstuvwxyz"
	digits  = "0123456789"

	// How many names of people begin with each of the letters, about.
	initials = "95765344295694241685122111"
)

// usersParallel reads a long list in ranges of the user principal name.
//
// The list of a tenant can only be read page after page, each page naming the next.
// So it is divided by what the names begin with, plus one range for all that begin
// otherwise, and those that are still long are divided again. Names are often alike
// at the beginning (user0001, user0002, …): the division is made where they part,
// which a few counts find out. The ranges are disjoint by their conditions, and
// nobody is between them.
//
// A division costs requests: the page that showed that it is needed, the counts, and
// for each range a last page that is not full. So a list is divided only if it is so
// long that this is a tenth at most, and not at all, or no further, once the service
// has refused: then it is the number of requests that matters.
func (c *Client) usersParallel(ctx context.Context, o UsersOptions) iter.Seq2[*User, error] {
	return func(yield func(*User, error) bool) {
		onTotal := o.OnTotal
		o := o
		o.OnTotal = nil
		reuse := o.block()
		p, err := c.firstPage(ctx, &o)
		if err != nil {
			yield(nil, err)
			return
		}
		if onTotal != nil && p.page.count >= 0 {
			onTotal(p.page.count)
		}
		pages := (p.page.count + p.page.len - 1) / max(p.page.len, 1)
		c.graph.Expect(pages)
		read := 0
		defer func() { c.graph.Expect(min(read-pages, 0)) }() // nobody waits for the others any more
		if p.page.link == "" || pages < shortList || c.graph.Throttled() {
			for ok := true; ok; ok = p.next() {
				p.page.reuse = reuse
				read++
				if !p.yield(yield) {
					return
				}
			}
			if p.err != nil {
				yield(nil, p.err)
			}
			return
		}

		ctx, cancel := context.WithCancel(ctx)
		ranges := min(c.width, maxRanges, pages/perRange)
		d := &division{
			c: c, ctx: ctx, pages: make(chan *pager), taken: make(chan struct{}), slots: make(chan struct{}, ranges),
			chain: p.page.count * 3 / (2 * ranges), ranges: ranges,
		}
		d.extra.Store(int64(pages/extraShare - d.cost()))
		defer d.running.Wait()
		defer cancel()
		count, n := p.page.count, 0
		d.running.Go(func() { d.split(p, span{UsersOptions: o}, 0) })
		done := make(chan struct{})
		go func() { d.running.Wait(); close(done) }()
		for {
			select {
			case p := <-d.pages:
				if p.err != nil {
					yield(nil, p.err)
					return
				}
				p.page.reuse = reuse
				read++
				n += p.page.len
				if !p.yield(yield) {
					return
				}
				select {
				case d.taken <- struct{}{}:
				case <-ctx.Done():
				}
			case <-done:
				switch {
				case ctx.Err() != nil: // of the caller's: the ranges ended without a word
					yield(nil, &Error{Op: "GET users", Err: context.Cause(ctx)})
				case n < count-count/10: // a count may be behind, but not by so much
					yield(nil, &Error{Op: "GET users", meaning: ErrUnavailable,
						Err: fmt.Errorf("the service has counted %d users, and lists %d by what their names begin with", count, n)})
				}
				return
			}
		}
	}
}

// firstPage returns a pager that has read its first page.
func (c *Client) firstPage(ctx context.Context, o *UsersOptions) (*pager, error) {
	r, err := o.request()
	if err != nil {
		return nil, invalid(r.Method+" "+r.Path, err)
	}
	p := c.pages(ctx, r)
	if !p.next() {
		return nil, p.err
	}
	return p, nil
}

// yield yields the users of the page.
func (p *pager) yield(yield func(*User, error) bool) bool {
	for u := range p.page.users() {
		if !yield(u, nil) {
			return false
		}
	}
	return true
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// division is a list that is being read in ranges. Each range is a goroutine
// that hands over one page at a time.
type division struct {
	c       *Client
	ctx     context.Context
	chain   int           // users up to which a range is read as it is
	ranges  int           // into which a range is divided, besides what begins otherwise
	extra   atomic.Int64  // requests that may still be spent on dividing
	pages   chan *pager   // to the reader of the list
	taken   chan struct{} // the reader has done with the page
	slots   chan struct{} // ranges that are being read
	running sync.WaitGroup
}

// span is a range of a list: the names that begin with one of prefixes, if there are any.
type span struct {
	UsersOptions
	prefixes []string
}

// options are those of the list that the range is.
func (s *span) options() UsersOptions {
	o := s.UsersOptions
	if len(s.prefixes) == 1 {
		o.Prefix = s.prefixes[0]
	} else if len(s.prefixes) > 1 {
		or := make([]string, len(s.prefixes))
		for i, p := range s.prefixes {
			or[i] = "startsWith(userPrincipalName," + quote(p) + ")"
		}
		if o.Filter != "" {
			o.Filter = "(" + o.Filter + ") and "
		}
		o.Filter += "(" + strings.Join(or, " or ") + ")"
	}
	return o
}

// read reads a range: as it is, or in ranges of its own.
func (d *division) read(o span, depth int) {
	if !d.enter() {
		return
	}
	list := o.options()
	p, err := d.c.firstPage(d.ctx, &list)
	switch {
	case errors.Is(err, ErrInvalid) && len(o.prefixes) > 1: // the service does not take a condition of this length
		<-d.slots
		d.apart(o, 1, depth+1)
	case err != nil:
		d.hand(&pager{err: err})
		<-d.slots
	case p.page.count > d.chain && p.page.link != "" && depth < maxDepth && d.pays(o):
		<-d.slots
		if len(o.prefixes) > 1 {
			d.apart(o, (len(o.prefixes)+1)/2, depth+1)
		} else {
			d.split(p, o, depth)
		}
	default:
		d.chainOf(p)
		<-d.slots
	}
}

// apart reads a range of several beginnings in ranges of n of them.
func (d *division) apart(o span, n, depth int) {
	for some := range slices.Chunk(o.prefixes, n) {
		part := o
		part.prefixes = some
		d.running.Go(func() { d.read(part, depth) })
	}
}

// pays reports whether what the division of a range costs may be spent, and
// accounts for it.
func (d *division) pays(o span) bool {
	cost := 2
	if len(o.prefixes) < 2 {
		cost = d.cost()
	}
	return !d.c.graph.Throttled() && d.extra.Add(int64(-cost)) >= 0
}

// cost is what a split costs, about: a page that is read again, counts, and a last
// page of each range.
func (d *division) cost() int { return 1 + 3 + (d.ranges+1)/2 }

func (d *division) enter() bool {
	select {
	case d.slots <- struct{}{}:
		return true
	case <-d.ctx.Done():
		return false
	}
}

// hand gives a page to the reader, and reports whether there is more to do.
func (d *division) hand(p *pager) bool {
	select {
	case d.pages <- p:
	case <-d.ctx.Done():
		return false
	}
	select {
	case <-d.taken:
		return true
	case <-d.ctx.Done():
		return false
	}
}

// chainOf hands over a page and all that follow.
func (d *division) chainOf(p *pager) {
	for ok := true; ok; ok = p.next() {
		if !d.hand(p) {
			return
		}
	}
	if p.err != nil {
		d.hand(p)
	}
}

// split divides the range whose first page is p.
func (d *division) split(p *pager, o span, depth int) {
	prefix, branches, err := d.common(p, o.options())
	if err != nil {
		d.hand(&pager{err: err})
		return
	}
	rest := o
	rest.NotPrefixes = slices.Clone(o.NotPrefixes)
	var parts []span
	for _, branches := range groups(branches, d.ranges) {
		part := o
		part.prefixes = make([]string, len(branches))
		for i := range branches {
			part.prefixes[i] = prefix + branches[i:i+1]
		}
		parts = append(parts, part)
		rest.NotPrefixes = append(rest.NotPrefixes, part.prefixes...)
	}
	if !d.enter() {
		return
	}
	list := rest.options()
	others, err := d.c.firstPage(d.ctx, &list)
	switch {
	case errors.Is(err, ErrInvalid):
		// The service does not take a condition of this length: read the range as it is.
		d.chainOf(p)
		<-d.slots
		return
	case err != nil:
		d.hand(&pager{err: err})
		<-d.slots
		return
	}
	for _, part := range parts {
		d.running.Go(func() { d.read(part, depth+1) })
	}
	if others.page.count > d.chain && others.page.link != "" && depth+1 < maxDepth && d.pays(rest) {
		<-d.slots
		d.split(others, rest, depth+1)
		return
	}
	d.chainOf(others)
	<-d.slots
}

// groups puts branches together, in their order, so that about as many names begin
// with each of the n groups.
func groups(branches string, n int) []string {
	weight := func(i int) int {
		if branches == letters {
			return int(initials[i] - '0')
		}
		return 1
	}
	total := 0
	for i := range branches {
		total += weight(i)
	}
	var all []string
	from, sum := 0, 0
	for i := range branches {
		if sum += weight(i); sum*n >= total*(len(all)+1) {
			all, from = append(all, branches[from:i+1]), i+1
		}
	}
	return all
}

// common returns what most of the names in a range begin with, which is at least its
// own prefix, and what to divide it by.
func (d *division) common(p *pager, o UsersOptions) (prefix, branches string, err error) {
	own := len(o.Prefix)
	var first, names string // the first name of the page, and what all its names begin with
	n := 0
	for u := range p.page.users() {
		name := strings.ToLower(u.UserPrincipalName)
		if n++; n == 1 {
			first = name
			names, _, _ = strings.Cut(name, "@")
		}
		i := 0
		for i < len(names) && i < len(name) && names[i] == name[i] && name[i] < 0x80 {
			i++
		}
		names = names[:i]
	}
	divide := func(at int) (string, string, error) {
		if at < len(first) && first[at] >= '0' && first[at] <= '9' {
			return first[:at], digits, nil
		}
		return first[:at], letters, nil
	}
	if !hasPrefixFold(first, o.Prefix) {
		return o.Prefix, letters, nil // the names were not asked for, or are not what was
	}
	if len(names) <= own {
		return divide(own)
	}
	// The page may show only where the alphabet begins: count.
	best, beyond := own, min(len(names), own+maxProbes)+1
	for best+1 < beyond {
		part := o
		part.Prefix = names[:(best+beyond)/2]
		count, err := d.c.UserCount(d.ctx, &part)
		if err != nil {
			return "", "", err
		}
		if count*4 >= p.page.count*3 {
			best = len(part.Prefix)
		} else {
			beyond = len(part.Prefix)
		}
	}
	return divide(best)
}
