package pace

import (
	"math"
	"time"
)

// quota is a limit as people write it down: n requests in each span of per. Who
// never sends more than that in any such span keeps to it, whether the service
// counts by windows, wherever they begin, or has a bucket that holds n.
type quota struct {
	n    int // 0: none
	per  time.Duration
	log  []time.Time // of what left, the last n or more
	good int         // accepted since it was made
	safe int         // n before it was tried whether more is borne
	step time.Time   // when it was tried last
	test bool        // whether much more is borne without bursts
	mark int         // good, then
}

// margin is what a span is longer than written down: clocks and latencies vary.
func (q *quota) margin() time.Duration { return max(2*time.Millisecond, q.per/200) }

func (q *quota) delay(now time.Time) time.Duration {
	if len(q.log) < q.n {
		return 0
	}
	return max(0, q.log[len(q.log)-q.n].Add(q.per+q.margin()).Sub(now))
}

func (q *quota) take(now time.Time) {
	if q.log = append(q.log, now); len(q.log) >= 4*q.n+64 {
		q.log = append(q.log[:0], q.log[len(q.log)-2*q.n:]...)
	}
}

// spans are the spans of limits that people write down, in seconds.
var spans = [...]float64{1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600}

// leastQuota is the least that people write down; what is refused sooner has a pace
// and no quota.
const leastQuota = 3

// longestGuess is the longest wait that is taken for what a list has used up by itself.
// What is named beyond is a matter of others too, or a penalty, and tells no span: a few
// requests in minutes would hold up all that comes after.
const longestGuess = 30 * time.Second

// guess takes the first refusal, of a request that was sent at end, at its word.
func (r *rate) guess(end time.Time, wait time.Duration, now time.Time) {
	if len(r.first) < leastQuota {
		return
	}
	m, began := len(r.first), r.first[0]
	r.named1 = r.until
	most, least := end.Add(wait).Sub(began), end.Add(wait-r.grain).Sub(began)
	if !r.named { // it opens now, if it does
		most, least = now.Sub(began), end.Sub(began)
	}
	windows := most >= 900*time.Millisecond && wait >= most/4 // seldom is so much of a bucket's time left
	switch {
	case r.named && r.grain == 0 && windows:
		r.limitTo(m, nearest(most), now)
		r.quota.log = nil // all of it is there again
	case r.named && r.grain == 0:
		if rate := bucketOf(m, most.Seconds()); r.few && rate > 0 {
			r.bucketFrom(rate, now)
			return
		}
		// A bucket refuses the second request from now, which tells its rate.
		r.limitTo(m, max(time.Second, nearest(most)), now)
		r.quota.log = nil
	default:
		r.limitTo(m, writtenDown(least, most), now)
	}
	// A bucket of which a refusal tells so long a wait would be much slower.
	r.contested = r.grain > 0
	r.doubted = !(r.named && windows && (wait-r.grain).Seconds()*float64(m) >= 2*r.quota.per.Seconds())
}

// bucketFrom is the pace of a bucket that has one request to give now.
func (r *rate) bucketFrom(rate float64, now time.Time) {
	r.quota, r.doubted, r.guessed = quota{}, false, true
	r.pace = max(rate*underRate, slowest)
	r.estimate, r.lower, r.upper = rate, rate, rate
	r.burst, r.credit, r.next = r.burstAt(rate), 0, now
	r.holdUntil = now.Add(max(30*r.cost, 5*time.Second))
}

// limitTo is a quota from now on.
func (r *rate) limitTo(n int, per time.Duration, now time.Time) {
	r.quota = quota{n: n, per: per, safe: n, log: append([]time.Time(nil), r.sent[max(0, len(r.sent)-n):]...)}
	r.doubted = true
	r.pace = max(float64(n)/per.Seconds(), slowest)
	r.holdUntil = now.Add(per + max(30*r.cost, 5*time.Second))
}

// writtenDown is the shortest span of whole seconds above least and up to most; if
// there is none, most.
func writtenDown(least, most time.Duration) time.Duration {
	return min(most, least.Truncate(time.Second)+time.Second)
}

// nearest is the whole number of seconds that d nearly is, or d.
func nearest(d time.Duration) time.Duration {
	if w := d.Round(time.Second); (d - w).Abs() <= d/30 {
		return w
	}
	return d
}

// bucketOf is the rate of a bucket that people would write down, with which a
// reader gets m requests at once and the next one after t seconds; 0 if there is
// none. Of several it is the fastest.
func bucketOf(m int, t float64) float64 {
	for _, span := range spans {
		n := math.Round(float64(m+1) / (1 + t/span))
		back := float64(m+1) - n // tokens that came back meanwhile
		if back < 1 {
			break
		}
		if math.Abs(n*t/back-span) <= 0.01*span {
			return n / span
		}
	}
	return 0
}

// prove counts an accepted request for the quota.
func (r *rate) prove(now time.Time) {
	q := &r.quota
	q.good++
	if q.test {
		return
	}
	if q.good > q.n && len(q.log) > q.n && q.log[len(q.log)-1].Sub(q.log[len(q.log)-q.n]) < q.per*5/4 {
		r.doubted = false // as much as that was borne
	}
	if r.contested && q.good >= 2*q.n && float64(r.left) > 20*max(1, r.cost.Seconds())*r.pace {
		// What names whole seconds may as well be a bucket that fills up in much less.
		q.test, r.contested = true, false
		r.next, r.credit = now.Add(q.per), 0
		return
	}
	if !r.few && now.After(r.holdUntil) && now.Sub(q.step) > q.per+q.margin() && q.good-q.mark > q.n {
		if 2*q.n >= 3*q.safe {
			q.safe = q.n // it is no chance that so much was borne
		}
		q.step, q.mark = now, q.good
		q.n += max(1, q.n/10)
	}
}

// requote corrects a quota after a refusal at end, or gives it up. The gate had
// opened at opened, and got requests were accepted since.
func (r *rate) requote(opened, end time.Time, wait time.Duration, got float64, now time.Time) {
	q, was := &r.quota, r.named1
	r.named1 = r.until
	tested := q.test
	if tested {
		q.test, r.pace = false, max(float64(q.n)/q.per.Seconds(), slowest)
		if r.index(end)-r.index(end.Add(-q.per)) <= q.n+q.n/2 {
			r.holdUntil = now.Add(max(30*r.cost, 5*time.Second))
			return
		}
	} else if q.n > q.safe { // it was tried whether more is borne
		r.streak = min(r.streak+1, 4)
		q.n, q.step = q.safe, time.Time{}
		r.holdUntil = now.Add(min(max(30*r.cost, 5*time.Second), 2*time.Minute) << r.streak)
		return
	}
	if !r.named && got == 0 { // the span is longer
		r.limitTo(q.n, writtenDown(end.Sub(r.first[0]), now.Sub(r.first[0])), now)
		return
	}
	passed := end.Sub(opened)
	most, least := passed+wait, passed+wait-r.grain
	switch {
	case got == 0:
		return
	case tested: // it is no quota
	case r.doubted && r.named && r.grain == 0 && wait.Seconds()*got <= 1.3*r.until.Sub(was).Seconds():
		// The bucket had one request to give at the time named then, and has one now.
		r.bucketFrom(float64(r.index(end)-r.index(r.empty))/r.until.Sub(was).Seconds(), now)
		return
	case r.doubted && r.named && (wait-r.grain).Seconds()*got > 1.3*r.until.Sub(was).Seconds():
		per := nearest(most)
		if r.grain > 0 {
			per = writtenDown(least, most)
		}
		r.limitTo(int(got), per, now)
		return
	case r.named && r.grain == 0 && int(got) == q.n && most > q.per*5/4: // the span is longer
		r.limitTo(q.n, nearest(r.until.Sub(was)), now)
		r.quota.log = nil
		return
	case r.named && r.grain > 0 && int(got) == q.n:
		r.limitTo(q.n, max(q.per+time.Second, writtenDown(least, most)), now)
		return
	case int(got) > q.n && passed >= q.per && q.n > 1: // a bucket got some back when the first were counted
		n := int((got + 1) / (1 + passed.Seconds()/q.per.Seconds()))
		r.limitTo(max(1, min(n, q.n-1)), q.per, now)
		return
	}
	r.pace = (got + 1) / max(end.Sub(r.empty).Seconds(), 0.001) // a bucket has no more, or it would not refuse
	r.quota, r.doubted, r.learning = quota{}, false, true
	r.correct(end, got, end.Sub(opened).Seconds(), r.named)
}

// ownWait is how long to wait after a refusal that names no time, if nothing is
// known but when the first request left: until a span that people write down is
// over. It is 0 if more is known, or nothing.
func (r *rate) ownWait(now time.Time) time.Duration {
	var began time.Time
	switch {
	case r.quota.n > 0 && r.doubted && r.quota.good == 0:
		began = r.first[0]
	case !r.refusedOnce():
		i := r.index(r.opened.Add(-1))
		if i == len(r.sent) {
			return 0
		}
		began = r.sent[i]
	default:
		return 0
	}
	for _, s := range spans {
		if d := began.Add(time.Duration(s * float64(time.Second))).Sub(now); d >= minRefusalWait/4 {
			return d + 2*time.Millisecond
		}
	}
	return 0
}

// snap is the rate of a bucket as people write it down that lies between low and
// high, and nearest to fit; fit, if there is none.
func (r *rate) snap(low, fit, high float64) float64 {
	best := fit
	off := math.Inf(1)
	for _, span := range spans {
		for n := r.burstAt(low); n >= r.burstAt(high) && n >= 2; n-- {
			rate := n / span
			if rate >= low && rate <= high && math.Abs(rate-fit) < off && r.burstAt(rate) == n {
				best, off = rate, math.Abs(rate-fit)
			}
		}
	}
	return best
}
