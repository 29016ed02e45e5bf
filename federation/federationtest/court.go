package federationtest

import (
	"cmp"
	"slices"
	"time"

	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// long is further away than anything that is looked at.
const long = time.Duration(1) << 60

// span is a time from its beginning until before its end, counted from court.from.
type span struct{ from, to time.Duration }

func (s span) empty() bool { return s.from >= s.to }

func (s span) and(o span) span { return span{max(s.from, o.from), min(s.to, o.to)} }

// meet returns what the spans have in common with another.
func meet(all []span, s span) (out []span) {
	for _, o := range all {
		if x := o.and(s); !x.empty() {
			out = append(out, x)
		}
	}
	return out
}

// union returns the spans in their order, those that overlap or touch as one.
func union(all []span) (out []span) {
	slices.SortFunc(all, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	for _, s := range all {
		if n := len(out); n > 0 && s.from <= out[n-1].to {
			out[n-1].to = max(out[n-1].to, s.to)
		} else if !s.empty() {
			out = append(out, s)
		}
	}
	return out
}

// stage is a state and when some server shows it.
type stage[T any] struct {
	state T
	shown span
}

// court judges sign-ins. What can fail, and when, are intervals of time: there are few
// of them, and many seconds.
type court struct {
	from    time.Time
	seconds int           // how many there are to judge
	lag     time.Duration // of servers
	open    time.Duration // how long a page may be open

	keys  map[certs.Cert]string // public keys
	index map[string]int        // of a reason, in whys
	whys  []why
}

// why is a reason and when a sign-in began that fails for it.
type why struct {
	text  string
	spans []span
}

func (c *court) judge(realms []change[realm], histories []jumpcloudtest.History) SignIns {
	c.keys, c.index = make(map[certs.Cert]string), make(map[string]int)
	domain := stages(c, realms)
	apps := make([][]stage[tile], len(histories))
	for i, h := range histories {
		apps[i] = stages(c, tiles(h))
	}
	c.sent(domain, apps)
	for _, app := range apps {
		c.clicked(domain, app)
	}
	return c.sum()
}

// stages returns when some server shows each of the states, the neighbours of which differ:
// from the moment in which it came until the next one is everywhere.
func stages[T comparable](c *court, changes []change[T]) []stage[T] {
	var out []stage[T]
	at := -long
	for _, ch := range changes {
		if !ch.at.IsZero() {
			at = max(at, min(long, ch.at.Round(0).Sub(c.from)))
		}
		n := len(out)
		if n > 0 && out[n-1].state == ch.state {
			continue
		}
		if n > 0 {
			out[n-1].shown.to = at + c.lag
		}
		if ch.everywhere {
			for i := range out {
				out[i].shown.to = min(out[i].shown.to, at)
			}
		}
		out = append(out, stage[T]{ch.state, span{at, long}})
	}
	return out
}

// sent judges the sign-ins that begin at Azure AD.
func (c *court) sent(domain []stage[realm], apps [][]stage[tile]) {
	var urls []string
	starts := make(map[string][]span)
	for _, r := range domain {
		switch url := r.state.url; {
		case !r.state.federated:
			c.fail("the domain is managed in Azure AD", r.shown)
		case !r.state.readable:
			c.fail("the domain's federation in Azure AD is broken", r.shown)
		default:
			if starts[url] == nil {
				urls = append(urls, url)
			}
			starts[url] = append(starts[url], r.shown)
		}
	}
	for _, url := range urls {
		begin := union(starts[url])
		absent := []span{{-long, long}} // when, as some server has it, no application has the URL
		for _, app := range apps {
			var without []span
			for _, a := range app {
				if a.state.there && a.state.app.SSOURL == url {
					c.answer("sent to "+url+": ", domain, a, begin)
				} else {
					without = append(without, a.shown)
				}
			}
			var both []span
			for _, s := range union(without) {
				both = append(both, meet(absent, s)...)
			}
			absent = union(both)
		}
		for _, s := range absent {
			c.failAt("sent to "+url+": no application has this URL", s, begin)
		}
	}
}

// clicked judges the sign-ins that begin at the tile of an application.
func (c *court) clicked(domain []stage[realm], app []stage[tile]) {
	var begin []span
	for _, a := range app {
		for _, r := range domain {
			if x := a.shown.and(r.shown); a.state.seen() && r.state.readable && r.state.issuer == a.state.app.EntityID && !x.empty() {
				begin = append(begin, x)
			}
		}
	}
	if begin = union(begin); begin == nil {
		return
	}
	for _, a := range app {
		c.answer("from the tile: ", domain, a, begin)
	}
}

// answer judges what an application in one of its states answers to the sign-ins that
// begin in some spans.
func (c *court) answer(where string, domain []stage[realm], a stage[tile], begin []span) {
	if text := a.state.cannot(); text != "" {
		c.failAt(where+text, a.shown, begin)
		return
	}
	for _, r := range domain {
		if x := a.shown.and(r.shown); !x.empty() {
			if text := c.refuses(r.state, a.state); text != "" {
				c.failAt(where+text, x, begin)
			}
		}
	}
}

// failAt notes that sign-ins fail that begin in some spans and end in another.
func (c *court) failAt(text string, end span, begin []span) {
	if end.empty() {
		return
	}
	for _, s := range meet(begin, span{end.from - c.open, end.to}) {
		c.fail(text, s)
	}
}

// fail notes that sign-ins fail that begin in a span.
func (c *court) fail(text string, s span) {
	i, ok := c.index[text]
	if !ok {
		i = len(c.whys)
		c.index[text] = i
		c.whys = append(c.whys, why{text: text})
	}
	c.whys[i].spans = append(c.whys[i].spans, s)
}

// key returns the public key of a certificate, which is what Azure AD compares.
func (c *court) key(cert certs.Cert) string {
	if cert.IsZero() {
		return ""
	}
	k, ok := c.keys[cert]
	if !ok {
		k = string(cert.X509().RawSubjectPublicKeyInfo)
		c.keys[cert] = k
	}
	return k
}

// sum counts the seconds. One that fails for several reasons belongs to the one that
// the second before failed for, otherwise to the one that lasts longest.
func (c *court) sum() SignIns {
	out := SignIns{Seconds: c.seconds}
	type run struct {
		from, to, why int // seconds
	}
	var runs []run
	ticks := []int{0, c.seconds}
	for i := range c.whys {
		for _, s := range union(c.whys[i].spans) {
			r := run{c.second(s.from), c.second(s.to), i}
			if n := len(runs); n > 0 && runs[n-1].why == i && runs[n-1].to == r.from {
				runs[n-1].to = r.to // nothing was between them but less than a second
			} else if r.from < r.to {
				runs = append(runs, r)
			}
			ticks = append(ticks, r.from, r.to)
		}
	}
	slices.Sort(ticks)
	slices.SortStableFunc(runs, func(a, b run) int { return cmp.Compare(a.from, b.from) })
	last := run{why: -1}
	for _, tick := range slices.Compact(ticks) {
		if tick < last.to {
			continue
		}
		best := run{why: -1}
		for _, r := range runs {
			if r.from <= tick && r.to > max(tick, best.to) {
				best = r
			}
		}
		if last = best; best.why < 0 {
			continue
		}
		out.Failed += best.to - tick
		from, to := c.time(tick), c.time(best.to)
		out.Gaps = append(out.Gaps, Gap{from, to, c.whys[best.why].text})
	}
	return out
}

// second returns the first second that is not before d, among those to judge or right
// after them.
func (c *court) second(d time.Duration) int {
	if d <= 0 {
		return 0
	}
	return int(min(time.Duration(c.seconds), (d+time.Second-1)/time.Second))
}

func (c *court) time(second int) time.Time { return c.from.Add(time.Duration(second) * time.Second) }
