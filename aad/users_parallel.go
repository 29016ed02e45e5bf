package aad

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"sync"
)

const (
	shortChain = 4  // pages that are read one after the other in any case
	maxDepth   = 6  // of ranges in ranges
	maxProbes  = 24 // counts to find out what most names begin with
	maxRanges  = 8  // that are read at a time: each holds a page, of half a megabyte

	// What a range is divided by, depending on what the first name goes on with.
	letters = "abcdefghijklmnopqrstuvwxyz"
	digits  = "0123456789"
)

// usersParallel reads a long list in ranges of the user principal name.
//
// The list of a tenant can only be read page after page, each page naming the next.
// So it is divided by what the names begin with, plus one range for all that begin
// otherwise, and those that are still long are divided again. Names are often alike
// at the beginning (user0001, user0002, …): the division is made where they part,
// which a few counts find out. The ranges are disjoint by their conditions, and
// nobody is between them.
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
		if p.page.link == "" || p.page.count <= shortChain*p.page.len {
			for ok := true; ok; ok = p.next() {
				p.page.reuse = reuse
				if !p.yield(yield, nil) {
					return
				}
			}
			if p.err != nil {
				yield(nil, p.err)
			}
			return
		}

		ctx, cancel := context.WithCancel(ctx)
		d := &division{
			c: c, ctx: ctx, pages: make(chan *pager), taken: make(chan struct{}), slots: make(chan struct{}, min(c.width, maxRanges)),
			chain: max(shortChain*p.page.len, p.page.count/16),
		}
		defer d.running.Wait()
		defer cancel()
		d.running.Go(func() { d.split(p, o, 0) })
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
				if !p.yield(yield, p.skip) {
					return
				}
				select {
				case d.taken <- struct{}{}:
				case <-ctx.Done():
				}
			case <-done:
				if ctx.Err() != nil { // of the caller's: the ranges ended without a word
					yield(nil, &Error{Op: "GET users", Err: context.Cause(ctx)})
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

// yield yields the users of the page, without those whose names begin with one of skip.
func (p *pager) yield(yield func(*User, error) bool, skip []string) bool {
	for u := range p.page.users() {
		switch {
		case slices.ContainsFunc(skip, func(s string) bool { return hasPrefixFold(u.UserPrincipalName, s) }):
		case !yield(u, nil):
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
	pages   chan *pager   // to the reader of the list
	taken   chan struct{} // the reader has done with the page
	slots   chan struct{} // ranges that are being read
	running sync.WaitGroup
}

// read reads a range: as it is, or in ranges of its own.
func (d *division) read(o UsersOptions, depth int) {
	if !d.enter() {
		return
	}
	p, err := d.c.firstPage(d.ctx, &o)
	switch {
	case err != nil:
		d.hand(&pager{err: err})
		<-d.slots
	case p.page.count > d.chain && p.page.link != "" && depth < maxDepth:
		<-d.slots
		d.split(p, o, depth)
	default:
		d.chainOf(p)
		<-d.slots
	}
}

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
func (d *division) split(p *pager, o UsersOptions, depth int) {
	prefix, branches, err := d.common(p, o)
	if err != nil {
		d.hand(&pager{err: err})
		return
	}
	rest := o
	rest.NotPrefixes = slices.Clone(o.NotPrefixes)
	parts := make([]UsersOptions, len(branches))
	for i := range branches {
		parts[i] = o
		parts[i].Prefix = prefix + branches[i:i+1]
		rest.NotPrefixes = append(rest.NotPrefixes, parts[i].Prefix)
	}
	if !d.enter() {
		return
	}
	others, err := d.c.firstPage(d.ctx, &rest)
	switch {
	case errors.Is(err, ErrInvalid):
		// The service does not take a condition of this length: read the range
		// as it is, and leave out what the parts bring.
		p.skip = rest.NotPrefixes[len(o.NotPrefixes):]
		others = p
	case err != nil:
		d.hand(&pager{err: err})
		<-d.slots
		return
	}
	for _, part := range parts {
		d.running.Go(func() { d.read(part, depth+1) })
	}
	if others != p && others.page.count > d.chain && others.page.link != "" && depth+1 < maxDepth {
		<-d.slots
		d.split(others, rest, depth+1)
		return
	}
	d.chainOf(others)
	<-d.slots
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
	probes := min(len(names)-own, maxProbes)
	counts := make([]int, probes)
	errs := make([]error, probes)
	var wg sync.WaitGroup
	for i := range probes {
		wg.Go(func() {
			part := o
			part.Prefix = names[:own+i+1]
			counts[i], errs[i] = d.c.UserCount(d.ctx, &part)
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return "", "", errs[slices.IndexFunc(errs, func(err error) bool { return err != nil })]
	}
	best := own
	for i, count := range counts {
		if count*4 >= p.page.count*3 {
			best = own + i + 1
		}
	}
	return divide(best)
}
