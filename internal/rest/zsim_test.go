package rest_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/internal/fault"
	"github.com/jcaad/jcaad/internal/memhttp"
	"github.com/jcaad/jcaad/internal/rest"
)

type simResult struct {
	took, schedule time.Duration
	stats          fault.BucketStats
	quarter        [4]int
}

func simulate(t *testing.T, b *fault.Bucket, n int, latency time.Duration) simResult {
	var res simResult
	synctest.Test(t, func(t *testing.T) {
		b.Grace = latency
		ok := 0
		c, err := rest.New(rest.Config{
			Base: &url.URL{Scheme: "https", Host: "api.example.com"},
			HTTPClient: &http.Client{Transport: &memhttp.Transport{Latency: latency, Handler: b.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				ok++
			}))}},
		})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		i := 0
		last := 0
		for _, err := range rest.Pages(t.Context(), c, n, func(ctx context.Context, page int) (int, error) {
			_, err := c.Do(ctx, &rest.Request{Method: "GET", Path: "things"}, nil)
			return page, err
		}) {
			if err != nil {
				t.Fatal(err)
			}
			i++
			if i%(n/4) == 0 {
				res.quarter[i/(n/4)-1] = b.Stats().Refused - last
				last = b.Stats().Refused
			}
		}
		res.took = time.Since(start)
		res.schedule = b.Schedule(n)
		res.stats = b.Stats()
	})
	return res
}

func TestSim(t *testing.T) {
	for _, style := range []fault.RetryAfterStyle{fault.Whole, fault.Fraction, fault.Date, fault.Absent} {
		for _, rb := range [][2]int{{5, 1}, {5, 10}, {20, 1}, {20, 20}, {50, 1}, {50, 20}, {50, 100}, {200, 10}, {200, 200}} {
			for _, lat := range []time.Duration{10 * time.Millisecond, 50 * time.Millisecond, 150 * time.Millisecond} {
				b := &fault.Bucket{Rate: float64(rb[0]), Burst: rb[1], Style: style}
				n := rb[0]*40 + rb[1]
				r := simulate(t, b, n, lat)
				ratio := float64(r.took) / float64(r.schedule)
				share := 100 * float64(r.stats.Refused) / float64(n+r.stats.Refused)
				bad := ""
				if ratio > 1.1 || share > 5 || r.stats.Early > 0 {
					bad = "BAD"
				}
				fmt.Printf("style %d r=%3d b=%3d lat=%5v n=%d: ratio %.3f refused %.2f%% early %d %v %s\n", style, rb[0], rb[1], lat, n, ratio, share, r.stats.Early, r.quarter, bad)
			}
		}
	}
}
