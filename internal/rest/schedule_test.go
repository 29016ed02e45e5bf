package rest_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/internal/pace/limits"
	"github.com/jcaad/jcaad/internal/rest"
)

// chain reads n pages of nothing one after the other, as nextLink leads.
func chain(ctx context.Context, c *rest.Caller, n int) (time.Duration, error) {
	start := time.Now()
	for i := range n {
		if i == 1 {
			c.Expect(n) // the first page tells
		}
		if _, err := c.Do(ctx, &rest.Request{Method: "GET", Path: "things", Bulk: true}, nil); err != nil {
			return 0, err
		}
	}
	return time.Since(start), nil
}

// wide reads the first page of nothing, and then the others side by side.
func wide(ctx context.Context, c *rest.Caller, n int) (time.Duration, error) {
	first, err := chain(ctx, c, 1)
	if err != nil {
		return 0, err
	}
	rest, err := list(ctx, c, n-1)
	return first + rest, err
}

// throttled are the limits of TestThrottledSchedule.
var throttled = []limits.Limit{
	{Kind: limits.Windows, Requests: 4, Per: time.Second},
	{Kind: limits.Windows, Requests: 5, Per: 2 * time.Second},
	{Kind: limits.Windows, Requests: 10, Per: time.Second, Phase: 700 * time.Millisecond},
	{Kind: limits.Windows, Requests: 20, Per: time.Second},
	{Kind: limits.Windows, Requests: 50, Per: 2 * time.Second},
	{Kind: limits.Windows, Requests: 50, Per: 2 * time.Second, Phase: 900 * time.Millisecond},
	{Kind: limits.Bucket, Requests: 4, Per: time.Second},
	{Kind: limits.Bucket, Requests: 5, Per: 2 * time.Second},
	{Kind: limits.Bucket, Requests: 20, Per: time.Second},
	{Kind: limits.Bucket, Requests: 50, Per: 2 * time.Second},
}

// reading is a list that is read from a service with a limit.
type reading struct {
	limit   limits.Limit
	style   limits.Style
	chain   bool
	warns   bool
	latency time.Duration
	pages   int
}

// bound returns how many times the schedule a reading may take, and how many
// requests may be refused: 1.15, and one, or 8 % of a list below 50 pages and 5 % of
// a longer one. One refusal tells of a limit that nobody knew of. What it leaves open
// only another can tell, and where a short list has none to spare the bounds are wider:
//
//   - Whole seconds hide whether requests come back one by one or all at once.
//   - A date hides that, and the second as well: the answer's own is cut short.
//   - Silence hides everything: who comes back too early is refused again, and who
//     waits longer has waited in vain.
//   - Who came in the middle of a window takes it for a shorter one.
func (r reading) bound() (ratio float64, refused int) {
	ratio, refused = 1.15, max(1, r.pages*5/95)
	if r.pages < 50 {
		refused = max(1, r.pages*8/92)
	}
	bucket, short := r.limit.Kind == limits.Bucket, r.pages <= 50
	switch {
	case r.style == limits.Silent && r.pages < 50:
		ratio, refused = 4.2, 2
	case r.style == limits.Silent:
		ratio, refused = 1.45, max(3, refused)
	case r.style == limits.Date && r.pages > 5:
		ratio, refused = 2.1, max(min(5, r.pages/10), refused+refused/5)
	case r.style == limits.Whole && bucket && short:
		ratio, refused = 1.45, 2
	case r.style == limits.Fraction && bucket && r.pages == 50:
		refused = 3
	case r.style == limits.Fraction && r.limit.Phase > 0:
		refused += refused * 2 / 5
	}
	return ratio, refused
}

// TestThrottledSchedule compares what lists take with what the service's own
// schedule allows, in bent time. The ideal reader knows the limit; or, where this is
// later, it has met it once, waited as long as it was told, and knows it then.
func TestThrottledSchedule(t *testing.T) {
	n := 0
	for _, style := range []limits.Style{limits.Whole, limits.Fraction, limits.Date, limits.Silent} {
		for _, limit := range throttled {
			for _, pages := range []int{5, 20, 50, 200, 1000} {
				for i := range 8 {
					if n++; raceDetector && n%8 != 0 && pages > 5 {
						continue
					}
					r := reading{limit, style, i&1 > 0, i&2 > 0, 5 * time.Millisecond, pages}
					if i&4 > 0 {
						r.latency = 20 * time.Millisecond
					}
					if pages > limit.Requests {
						r.run(t)
					}
				}
			}
		}
	}
}

func (r reading) run(t *testing.T) {
	how, read := "wide", wide
	if r.chain {
		how, read = "chain", chain
	}
	name := fmt.Sprintf("%v/%v/%s/%d/%v/%v", r.style, r.limit, how, r.pages, r.warns, r.latency)
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &limits.Server{Limit: r.limit, Style: r.style, Warns: r.warns, Latency: r.latency, Next: empty}
			c := caller(t, nil, func(cfg *rest.Config) { cfg.HTTPClient = inMemory(s, r.latency) })
			took, err := read(t.Context(), c, r.pages)
			if err != nil {
				t.Fatal(err)
			}
			n := s.Counts()
			single := r.chain || r.pages < 25 // who may be refused only once asks once at a time
			ideal := r.limit.Schedule(r.pages, r.latency, single)
			told := max(ideal, s.Told(r.pages, r.latency, single))
			ratio, refused := r.bound()
			t.Logf("%8v of %8v: %.3f (%.3f of what was told), %d requests, %d refused",
				took.Round(time.Millisecond), ideal.Round(time.Millisecond), float64(took)/float64(ideal), float64(took)/float64(told), n.Accepted, n.Refused)
			if float64(took) > ratio*float64(told) {
				t.Errorf("took %v; want at most %.2f of %v", took, ratio, told)
			}
			if n.Refused > refused {
				t.Errorf("%d refused; want at most %d", n.Refused, refused)
			}
			if n.Accepted != r.pages || n.Early > 0 {
				t.Errorf("%d accepted, %d before the time named; want %d, none", n.Accepted, n.Early, r.pages)
			}
		})
	})
}
