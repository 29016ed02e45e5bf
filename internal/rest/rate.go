package rest

import (
	"math"
	"time"
)

// rate learns the pace that a service bears from what it accepts and refuses,
// without knowing how it counts. The model is a bucket: it gets r tokens a
// second, holds b, and is empty when it refuses. So, with A requests accepted
// between two moments that are T apart,
//
//   - from refusal to refusal, A <= r·T: A/T is a lower bound of r, and exact
//     if the bucket did not run over in the wait between;
//   - from any moment to a refusal, A <= b + r·T: (A-b)/T is a lower bound too,
//     and exact if the bucket was full at that moment.
//
// The largest lower bound is the estimate; the pace at which the refusal came
// is an upper bound. After the first refusal the pace starts from what was
// accepted over the time until the gate opens again, and grows until the second;
// from then on it stays just under the estimate for a while, many times as long
// as a refusal costs, before it probes upward.
//
// The mutex of the pacer guards it.
type rate struct {
	pace float64   // requests a second; 0: no refusal so far, no limit
	next time.Time // when the service has the next token for us, as far as known

	credit  float64 // tokens that the bucket has after the wait, beyond the pace
	burst   float64 // upper bound of b
	sent    []time.Time
	dropped int    // accepted requests that sent no longer holds
	marks   []mark // past refusals

	opened    time.Time // the first request after the gate opened
	refusedAt time.Time // the first that was refused since; zero: none
	wait      time.Duration
	closing   bool // a refusal came, and nothing was sent since

	learning  bool // between the first and the second refusal
	estimate  float64
	ceiling   float64 // the pace that was refused
	base      float64 // the pace at the beginning of the hold
	holdUntil time.Time
	streak    int // estimates in a row that agree
	falling   int // refusals in a row that came without probing
	slowed    time.Time
	heldWait  time.Duration // the wait that the last refusal cost
}

// mark is a moment at which the bucket was empty.
type mark struct {
	at       time.Time
	accepted int // until then
}

const (
	keepSent  = 2048
	keepMarks = 16
	underRate = 0.985 // of the estimate
)

func (r *rate) known() bool { return r.pace > 0 }

func (r *rate) interval() time.Duration {
	return time.Duration(float64(time.Second) / r.pace)
}

// delay returns how long the next request waits for the pace. The gate is open.
func (r *rate) delay(now time.Time) time.Duration {
	if r.closing {
		r.learn(now)
	}
	if !r.known() {
		return 0
	}
	return max(0, r.next.Sub(now))
}

// take accounts for a request that leaves now.
func (r *rate) take(now time.Time) {
	if r.opened.IsZero() {
		r.opened = now
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
func (r *rate) accepted(l lease, now time.Time) {
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
	if l.bound && !r.closing {
		r.grow(now)
	}
}

// refused notes the refusal of a request sent at sent. fresh is false for
// those that were under way when the first refusal of the episode came.
func (r *rate) refused(sent time.Time, wait time.Duration, fresh bool) {
	r.closing = true
	r.wait = max(r.wait, wait)
	if fresh && r.refusedAt.IsZero() || sent.Before(r.refusedAt) {
		r.refusedAt = sent
	}
}

// count returns how many requests sent until t were accepted, ever.
func (r *rate) count(t time.Time) int {
	n := len(r.sent)
	for n > 0 && r.sent[n-1].After(t) {
		n--
	}
	return r.dropped + n
}

// learn draws the conclusions of a refusal when the gate opens again.
func (r *rate) learn(now time.Time) {
	r.closing = false
	end, wait := r.refusedAt, r.wait
	opened := r.opened
	r.refusedAt, r.opened, r.wait = time.Time{}, time.Time{}, 0
	if end.IsZero() {
		return
	}
	total := r.count(end)
	open := end.Sub(opened).Seconds()
	got := float64(total - r.count(opened.Add(-1)))
	if !r.known() {
		r.pace = max(got, 1) / (open + max(wait.Seconds(), 0.5))
		r.burst = got + 1
		if open > 10 { // no burst: the service bore this for long
			r.burst = r.pace
		}
		r.learning = true
	} else {
		r.estimateFrom(end, opened, total, got, open, wait)
	}
	r.marks = append(r.marks, mark{end, total})
	if len(r.marks) > keepMarks {
		r.marks = r.marks[1:]
	}
	r.heldWait = wait
	r.next = end.Add(r.interval())
}

func (r *rate) estimateFrom(end, opened time.Time, total int, got, open float64, wait time.Duration) {
	low := 0.0
	for _, m := range r.marks {
		if t := end.Sub(m.at).Seconds(); t > 0 {
			low = max(low, float64(total-m.accepted-1)/t)
		}
	}
	for i := len(r.sent) - 1; i >= 0 && !r.sent[i].Before(opened); i-- {
		if t := end.Sub(r.sent[i]).Seconds(); t >= 0.2 {
			low = max(low, (float64(total-r.dropped-i)-r.burst-1)/t)
		}
	}
	ceiling := r.pace
	if low >= ceiling { // the limit is not what it was
		r.falling++
		low = ceiling * math.Pow(0.97, float64(min(r.falling*r.falling, 20)))
		r.marks = nil
	} else {
		r.falling = 0
	}
	if low <= 0 {
		low = ceiling / 2
	}
	if math.Abs(low-r.estimate) <= 0.05*r.estimate {
		r.streak = min(r.streak+1, 4)
	} else {
		r.streak = 0
	}
	r.estimate, r.ceiling, r.learning = low, ceiling, false
	r.credit = max(0, min(0.8*(got-low*open)-1, low*wait.Seconds()))
	r.pace = low * underRate
	r.base = r.pace
	hold := min(max(20*wait, 5*time.Second), 2*time.Minute) << r.streak
	r.holdUntil = end.Add(wait + hold)
}

// grow lets the pace rise. It is called once for each accepted request that
// had to wait for the pace, so it stands for the time that passes at the pace.
func (r *rate) grow(now time.Time) {
	double := min(max(r.heldWait/2, 500*time.Millisecond), 5*time.Second).Seconds()
	switch {
	case r.learning:
		r.pace += math.Ln2 / double
	case now.Before(r.holdUntil):
		// If refusal and estimate are far apart, feel the way up between them.
		if r.ceiling > 1.05*r.base {
			span := max(8*double*2, 4)
			r.pace = min(r.ceiling*underRate, r.pace+(r.ceiling-r.base)/span/r.pace)
		}
	default:
		past := now.Sub(r.holdUntil).Seconds()
		speed := min(0.01*math.Exp2(past/max(2, 8*double)), math.Ln2/double)
		r.pace += speed
	}
}

// slow answers a warning: pct of the limit is used.
func (r *rate) slow(now time.Time, pct float64) {
	if now.Sub(r.slowed) < time.Second {
		return
	}
	if !r.known() {
		n := 0
		for i := len(r.sent) - 1; i >= 0 && now.Sub(r.sent[i]) <= time.Second; i-- {
			n++
		}
		r.pace = float64(max(n, 1))
		r.ceiling = r.pace
	}
	r.slowed = now
	r.pace *= min(0.95, 0.9/pct)
	r.base, r.learning = r.pace, false
	r.holdUntil = now.Add(2 * time.Second)
}
