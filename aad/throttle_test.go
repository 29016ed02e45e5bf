package aad_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
)

// A throttled list takes as long as the server's schedule allows, and knocks in vain rarely.
func TestThrottledList(t *testing.T) {
	for name, style := range map[string]aadtest.RetryAfterStyle{
		"whole seconds": aadtest.WholeSeconds, "fractional seconds": aadtest.FractionalSeconds, "date": aadtest.HTTPDate, "nothing": aadtest.NoRetryAfter,
	} {
		for _, parallel := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, parallel %v", name, parallel), func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					s := tenant()
					s.GenerateUsers(8000, named)
					s.PageSize = 40
					s.Latency = 50 * time.Millisecond
					s.Throttle = &aadtest.Throttle{Rate: 4, Burst: 20, Style: style, Grace: 60 * time.Millisecond}
					began := time.Now()
					n := 0
					for _, err := range s.Client(nil).Users(t.Context(), &aad.UsersOptions{Parallel: parallel, Reuse: true, Select: []string{"id"}}) {
						if err != nil {
							t.Fatal(err)
						}
						n++
					}
					took, stats := time.Since(began), s.Throttle.Stats()
					schedule := s.Throttle.Schedule(stats.Accepted)
					t.Logf("parallel %v: %d pages in %v; schedule %v; %d refused, %d early", parallel, stats.Accepted, took, schedule, stats.Refused, stats.Early)
					if n != 8001 || stats.Early > 0 || stats.Refused == 0 {
						t.Errorf("%d users, %d early, %d refused", n, stats.Early, stats.Refused)
					}
					// The refusals from which the pace is learned count here.
					if took > schedule*11/10 || stats.Refused*10 > stats.Accepted+stats.Refused {
						t.Errorf("took %v, %d of %d refused; the schedule is %v", took, stats.Refused, stats.Accepted, schedule)
					}
				})
			})
		}
	}
}
