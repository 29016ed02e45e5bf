package pace

import (
	"math"
	"slices"
	"sort"
	"time"
)

// rate learns the pace that a service bears from what it accepts and refuses,
// without knowing how it counts. The model is a bucket: it gets r tokens a
// second, holds b, is full at first, and is empty whenever it refuses. A count
// by fixed windows looks alike from outside.
//
// What the first refusal tells is believed first, if it fits a limit that people
// write down: so many in so many seconds (quota.go). Otherwise b follows from r,
// and the pace starts from what was accepted over the time until the gate opened
// again, and grows until the second refusal. From then on r is the rate at which
// the model, given what was accepted since it was last empty, is empty now. The
// pace stays just under it for a while, many times as long as a refusal costs,
// before it probes upward.
//
// The mutex of the Gate guards it.
type rate struct {
	pace   float64   // requests a second; 0: no refusal so far, no limit
	next   time.Time // when the service has the next token for us, as far as known
	credit float64   // tokens that may be spent at once after a pause

	sent    []time.Time // of accepted requests, the latest
	dropped int         // accepted requests that sent no longer holds

	opened    time.Time     // the first request after the gate opened
	refusedAt time.Time     // the first that was refused since; zero: none
	wait      time.Duration // the longest asked for since
	named     bool          // the service asked for the wait
	grain     time.Duration // how much of the wait is rounding
	took      time.Duration // by the answer that refused
	closing   bool          // a refusal came, and nothing was sent since

	empty    time.Time   // the refusal before: the bucket was empty
	first    []time.Time // requests accepted before the first refusal, the last of them
	firstEnd time.Time   // the first refusal
	burst    float64     // estimate of b
	trust    float64     // in burst, from 1 to 0
	learning bool        // between the first and the second refusal

	estimate  float64 // of r
	lower     float64 // bounds of r, as it seems
	upper     float64
	cost      time.Duration // the wait that the last refusal brought
	holdUntil time.Time
	streak    int // estimates in a row that agree
	falling   int // refusals in a row that came without probing
	slowed    time.Time

	quota     quota
	left      int       // bulk requests to come
	few       bool      // so few that one refusal more would be too many
	contested bool      // a quota was taken on the word of whole seconds
	doubted   bool      // what the last refusal told has yet to prove good
	until     time.Time // what the first refusal since opened named
	named1    time.Time // the same, of the refusals before
	guessed   bool      // the pace is that of a bucket as people write it down
}

const (
	keepSent  = 2048
	underRate = 0.99 // of the estimate
	keepFirst = 256
	slowest   = 0.05 // requests a second, below which no pace is believed
)

func (r *rate) known() bool { return r.pace > 0 }

// refusedOnce reports whether something was learned from a refusal.
func (r *rate) refusedOnce() bool { return !r.firstEnd.IsZero() }

func (r *rate) interval() time.Duration {
	return time.Duration(float64(time.Second) / r.pace)
}

// delay returns how long the next request waits for the pace. The gate is open.
func (r *rate) delay(now time.Time) time.Duration {
	if r.closing {
		r.learn(now)
	}
	switch {
	case r.quota.n > 0 && !r.quota.test:
		return r.quota.delay(now)
	case !r.known():
		return 0
	}
	return max(0, r.next.Sub(now))
}

// take accounts for a request that leaves now.
func (r *rate) take(now time.Time) {
	if r.opened.IsZero() {
		r.opened = now
	}
	if r.quota.n > 0 {
		if r.quota.take(now); !r.quota.test {
			return
		}
	}
	if !r.known() {
		return
	}
	step := r.interval()
	if oldest := now.Add(-time.Duration(r.credit * float64(step))); r.next.Before(oldest) {
		r.next = oldest
	}
	r.next = r.next.Add(step)
}

// accepted counts a request that the service took.
func (r *rate) accepted(l Lease, now time.Time) {
	if len(r.sent) >= keepSent {
		n := copy(r.sent, r.sent[keepSent/2:])
		r.dropped += len(r.sent) - n
		r.sent = r.sent[:n]
	}
	i := len(r.sent)
	r.sent = append(r.sent, l.at)
	for ; i > 0 && r.sent[i-1].After(l.at); i-- { // nearly sorted
		r.sent[i] = r.sent[i-1]
	}
	r.sent[i] = l.at
	switch {
	case r.closing:
	case r.quota.n > 0 && !r.quota.test:
		r.prove(now)
	case l.bound:
		r.grow(now)
	}
}

// refused notes the refusal of a request sent at sent. fresh is false for
// those that were under way when the first refusal of the episode came.
func (r *rate) refused(sent, done time.Time, wait, grain time.Duration, named, fresh bool) {
	r.named, r.grain = named, grain
	r.closing = true
	r.took = done.Sub(sent)
	switch {
	case fresh && r.refusedAt.IsZero():
		r.refusedAt, r.wait, r.until = sent, wait, sent.Add(wait)
	case sent.Before(r.refusedAt) && !sent.Before(r.opened):
		r.refusedAt, r.until = sent, sent.Add(wait)
	}
	if !sent.Before(r.opened) { // else it was sent before the last refusal was known
		r.wait = max(r.wait, wait)
	}
}

// learn draws the conclusions of a refusal when the gate opens again.
func (r *rate) learn(now time.Time) {
	r.closing = false
	if r.refusedAt.IsZero() {
		return
	}
	end, opened, wait := r.refusedAt, r.opened, r.wait
	r.refusedAt, r.opened, r.wait = time.Time{}, time.Time{}, 0
	from, to := r.index(opened.Add(-1)), r.index(end)
	got, open := float64(to-from), end.Sub(opened).Seconds()
	r.cost = wait
	switch {
	case !r.refusedOnce():
		r.first, r.firstEnd = slices.Clone(r.sent[max(from, to-keepFirst):to]), end
		r.learning, r.trust = true, 1
		r.pace = max(max(got, 3)/(open+max(wait.Seconds(), 0.5)), slowest)
		r.empty = end
		if r.left > 0 && wait <= longestGuess {
			if r.guess(end, wait, now); r.guessed {
				return
			}
		}
	case r.quota.n > 0:
		if r.requote(opened, end, wait, got, now); r.guessed {
			r.empty = end
			return
		}
	case got == 0: // the wait was too short; it tells nothing of the pace
	default:
		if r.guessed {
			r.pace = max(r.pace, (got+1)/max(end.Sub(r.empty).Seconds(), 0.001))
		}
		r.correct(end, got, open, r.named)
	}
	r.empty = end
	// Requests that are still under way will have taken their tokens: then
	// next is right as it is.
	last := end
	if n := len(r.sent); n > 0 && r.sent[n-1].After(last) {
		last = r.sent[n-1]
	}
	if next := last.Add(r.interval()); r.cost > r.took || next.After(r.next) {
		r.next = next
	}
}

// correct takes a new estimate after a refusal at end, got requests and open
// seconds after the gate had opened.
func (r *rate) correct(end time.Time, got, open float64, named bool) {
	ceiling := r.pace
	r.guessed = false
	if !r.learning && ceiling <= r.estimate && r.credit >= 1 {
		// Nothing was probed: the burst was too much, not the pace. A count by
		// windows bears none beside it.
		if r.trust /= 2; r.trust < 0.4 {
			r.trust = 0
		}
	} else {
		low, high := r.fit(end, ceiling)
		if named && r.cost >= time.Second && got >= 10 {
			// A count by windows starts afresh when the gate opens.
			window := min(got/(open+r.cost.Seconds()), ceiling)
			low, high = max(low, window), max(high, window)
		}
		steady := ceiling <= r.estimate // nothing was probed
		if l, h := max(low, r.lower), min(high, r.upper); l <= h && !r.learning {
			low, high = l, h
		}
		fit := low + 0.6*(high-low)
		if high < 1.15*low {
			fit = low + 0.15*(high-low)
		}
		if snapped := r.snap(low, fit, high); snapped != fit && (r.learning || high < 1.5*low) {
			fit, low, high = snapped, snapped, snapped
		}
		if steady && low >= 0.99*ceiling || !r.learning && high > 1.2*low {
			// The limit is not what it was, or too little happened to tell.
			r.falling++
			fit = min(high, ceiling) * math.Pow(0.97, float64(min(r.falling*r.falling, 20)))
			low, high = fit, fit
		} else {
			r.falling = 0
		}
		r.lower, r.upper = low, high
		if math.Abs(fit-r.estimate) <= 0.04*r.estimate {
			r.streak = min(r.streak+1, 4)
		} else {
			r.streak = 0
		}
		r.estimate, r.learning = fit, false
		r.burst = r.burstAt(fit)
	}
	r.credit = r.trust * max(0, 0.9*r.burst-1.5)
	r.pace = max(r.estimate*underRate, slowest)
	r.holdUntil = end.Add(r.cost + min(max(30*r.cost, 5*time.Second), 2*time.Minute)<<r.streak)
}

// burstAt is b if the rate is as given: the largest whole number with which the
// model, full when the first of r.first left, is empty at the first refusal.
func (r *rate) burstAt(rate float64) float64 {
	n := sort.Search(len(r.first), func(i int) bool {
		b := float64(i + 2)
		_, left := bucket{rate, b}.run(b, r.first, r.first[0], r.firstEnd)
		return left >= 1
	})
	return float64(n + 1)
}

// fit returns the bounds of the rate, at most ceiling, by what happened since
// the refusal before the one at end: with the lower, the model could just
// accept what was accepted; with the upper, it just refuses at end.
func (r *rate) fit(end time.Time, ceiling float64) (low, high float64) {
	from, to := r.index(r.empty), r.index(end)
	since, full := r.empty, false
	if from == 0 && r.dropped > 0 { // what came after empty is forgotten
		since, full = r.sent[0], true
	}
	search := func(tokens float64, enough func(least, left float64) bool) float64 {
		const steps = 256 // in equal ratios, from ceiling/64 up
		at := func(i int) float64 { return ceiling / 64 * math.Pow(64, float64(i)/steps) }
		return at(sort.Search(steps, func(i int) bool {
			b := bucket{at(i), r.burstAt(at(i))}
			if full {
				tokens = b.size
			}
			return enough(b.run(tokens, r.sent[from:to], since, end))
		}))
	}
	low = search(1, func(least, _ float64) bool { return least >= 1 })
	high = search(0, func(_, left float64) bool { return left >= 1 })
	return min(low, high), max(low, high)
}

// bucket is the model.
type bucket struct{ rate, size float64 }

// run lets requests take a token each, and returns the least that one of them
// found, and what is left at end.
func (b bucket) run(tokens float64, requests []time.Time, since, end time.Time) (least, left float64) {
	least = math.Inf(1)
	for _, t := range requests {
		tokens = min(b.size, tokens+b.rate*t.Sub(since).Seconds())
		least = min(least, tokens)
		tokens--
		since = t
	}
	return least, min(b.size, tokens+b.rate*end.Sub(since).Seconds())
}

// index returns how many of the requests in sent left until t.
func (r *rate) index(t time.Time) int {
	n := len(r.sent)
	for n > 0 && r.sent[n-1].After(t) {
		n--
	}
	return n
}

// grow lets the pace rise. It is called once for each accepted request that
// had to wait for the pace, so it stands for 1/pace seconds.
func (r *rate) grow(now time.Time) {
	double := min(max(r.cost/2, 500*time.Millisecond), 5*time.Second).Seconds()
	fastest := math.Ln2 / double
	switch past := now.Sub(r.holdUntil).Seconds(); {
	case r.learning && !r.guessed:
		r.pace += 2.5 * fastest
	case past > 0 && r.few: // whether more is borne is not worth a refusal
	case past > 0:
		r.pace += min(0.01*math.Exp2(past/max(2, 8*double)), fastest)
	case r.upper > 1.05*r.estimate && r.pace < r.upper: // not sure yet: feel the way
		r.pace += (r.upper - r.estimate) / max(8*double, 2) / r.pace
	}
}

// slow answers a warning: pct of the limit is used. What a refusal told is more
// exact, and a burst says nothing about the pace.
func (r *rate) slow(now time.Time, pct float64) {
	if r.refusedOnce() || r.closing || now.Sub(r.slowed) < time.Second || now.Sub(r.opened) < time.Second {
		return
	}
	if !r.known() {
		n := 0
		for i := len(r.sent) - 1; i >= 0 && now.Sub(r.sent[i]) <= time.Second; i-- {
			n++
		}
		r.pace = float64(max(n, 1))
	}
	r.slowed = now
	r.pace = max(r.pace*min(1, 0.85/pct), slowest)
	r.estimate, r.lower, r.upper, r.learning = r.pace, r.pace, r.pace, false
	r.holdUntil = now.Add(2 * time.Second)
}
