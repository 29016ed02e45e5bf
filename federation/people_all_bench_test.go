package federation_test

import (
	"iter"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/jumpcloud"
)

// list reads what a preflight reads of people, by the clients alone, and keeps nothing.
func (s served) list(t testing.TB, workers int) int64 {
	jc, ad := s.connect(t, workers)
	var wg sync.WaitGroup
	var n atomic.Int64
	wg.Go(func() {
		fields := []string{"email", "username", "state", "activated", "suspended", "password_expired", "account_locked"}
		countAll(t, &n, jc.Users(t.Context(), &jumpcloud.UsersOptions{Fields: fields}))
	})
	wg.Go(func() { countAll(t, &n, jc.Office365Users(t.Context(), s.directory)) })
	wg.Go(func() { countAll(t, &n, jc.GroupMembership(t.Context(), s.group)) })
	wg.Go(func() {
		countAll(t, &n, ad.Users(t.Context(), &aad.UsersOptions{
			Filter: "endsWith(userPrincipalName,'@example.com') or endsWith(mail,'@example.com')",
			Select: []string{
				"id", "userPrincipalName", "displayName", "mail", "onPremisesImmutableId", "userType",
				"accountEnabled", "onPremisesSyncEnabled", "proxyAddresses", "otherMails",
			},
			Parallel: true, Reuse: true,
		}))
	})
	wg.Wait()
	return n.Load()
}

func countAll[T any](t testing.TB, n *atomic.Int64, all iter.Seq2[T, error]) {
	for _, err := range all {
		if err != nil {
			t.Error(err)
		}
		n.Add(1)
	}
}

// BenchmarkPreflightAll measures a preflight when everybody has a finding, beside the
// same lists read by the clients alone, and the loop that one would write by hand. A
// person is one in both directories, or, of an ailment that leaves everybody on one
// side, two.
func BenchmarkPreflightAll(b *testing.B) {
	const n = 300000
	for of, with := range ailments {
		if with.peak == 0 {
			continue
		}
		b.Run(with.name, func(b *testing.B) {
			s := serveAiling(b, n, 50*time.Millisecond, of)
			var reading time.Duration
			b.Run("reading", func(b *testing.B) {
				for b.Loop() {
					began, worked := time.Now(), cpu()
					u := measure(n, func() any {
						if got := s.list(b, 32); got < 2*n {
							b.Fatalf("read %d", got)
						}
						return nil
					})
					reading = cpu() - worked
					u.report(b, time.Since(began), reading)
				}
			})
			b.Run("preflight", func(b *testing.B) {
				for b.Loop() {
					var pf *federation.Preflight
					began, worked := time.Now(), cpu()
					u := measure(n, func() any { pf = s.preflight(b, 32); return pf })
					work := cpu() - worked
					u.report(b, time.Since(began), work)
					if reading > 0 {
						b.ReportMetric((work - reading).Seconds(), "joined-cpu-s")
						b.ReportMetric(work.Seconds()/reading.Seconds(), "reading=1")
					}
					if u.peak > with.peak || u.allocs > 6 {
						b.Errorf("%.0f bytes at the peak and %.2f allocations a person, want at most %.0f and 6", u.peak, u.allocs, with.peak)
					}
					if err := with.check(n, pf.People.Counts); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run("loop", func(b *testing.B) {
				for b.Loop() {
					began, worked := time.Now(), cpu()
					u := measure(n, func() any { s.loop(b, n, 32); return nil })
					u.report(b, time.Since(began), cpu()-worked)
				}
			})
		})
	}
}
