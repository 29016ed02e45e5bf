package flow

import (
	"hash/fnv"
	"strconv"
	"time"

	"go.temporal.io/sdk/workflow"
)

// Durations of the bent clock.
const (
	watchEvery    = 6 * time.Hour
	wholeEvery    = 7 * 24 * time.Hour
	againEvery    = time.Hour        // a watch that failed
	confirmAfter  = 15 * time.Minute // drift is looked at again
	peopleEvery   = 6 * time.Hour
	verifyFor     = 24 * time.Hour
	failingTold   = time.Hour
	firstBackOff  = 10 * time.Second
	lastBackOff   = 15 * time.Minute
	longRetry     = 30 * time.Second // what a service asks for beyond this is the timer
	cancelEvery   = 10 * time.Minute
	failedWatches = 3
)

// speed is how many times as fast as the server's the bent clock runs; 0 is 1.
type speed float64

// real is a duration of the bent clock by the server's; what is longer than 0 stays so.
func (s speed) real(bent time.Duration) time.Duration {
	switch {
	case bent <= 0:
		return 0
	case s <= 0:
		return bent
	}
	return max(time.Duration(float64(bent)/float64(s)), time.Millisecond)
}

// bent is a duration of the server's clock by the bent one.
func (s speed) bent(real time.Duration) time.Duration {
	if s <= 0 {
		return real
	}
	return time.Duration(float64(real) * float64(s))
}

// in is the instant of the server's clock when so much of the bent one has passed.
func (d *domainRun) in(ctx workflow.Context, bent time.Duration) time.Time {
	return workflow.Now(ctx).Add(d.speed.real(bent))
}

// passed is how much of the bent clock has passed since an instant of the server's.
func (d *domainRun) passed(ctx workflow.Context, since time.Time) time.Duration {
	return d.speed.bent(workflow.Now(ctx).Sub(since))
}

// wait waits until the next step is ripe, something came from outside, or the run is old.
func (d *domainRun) wait(ctx workflow.Context, seen int) error {
	now := workflow.Now(ctx)
	until := d.began.Add(maxAge)
	if !d.s.Next.IsZero() && d.s.Next.After(now) && d.s.Next.Before(until) {
		until = d.s.Next
	}
	_, err := workflow.AwaitWithTimeout(ctx, until.Sub(now), func() bool { return d.stirs != seen })
	return err
}

// jitter is a watch's interval: 20 % more or less, by the domain and how often it was
// looked at, so that many domains do not ask at once, and a replay waits as long.
func (d *domainRun) jitter() time.Duration {
	d.s.Kept.Looks++
	h := fnv.New32a()
	_, _ = h.Write([]byte(d.s.Domain + "/" + strconv.Itoa(d.s.Kept.Looks)))
	part := float64(h.Sum32()%4001)/10000 - 0.2
	return watchEvery + time.Duration(part*float64(watchEvery))
}

// watchNext sets when the certificates are looked at next.
func (d *domainRun) watchNext(ctx workflow.Context) {
	d.s.Kept.Watch = d.in(ctx, d.jitter())
}

// backOff is how long to wait after so many failures, from 1.
func backOff(failures int) time.Duration {
	out := firstBackOff
	for range failures - 1 {
		if out *= 2; out >= lastBackOff {
			return lastBackOff
		}
	}
	return out
}

// historyLong reports whether the history of a run is long enough to continue as new.
func historyLong(ctx workflow.Context) bool {
	info := workflow.GetInfo(ctx)
	return info.GetContinueAsNewSuggested() ||
		info.GetCurrentHistoryLength() > maxEvents || info.GetCurrentHistorySize() > maxBytes
}
