package jumpcloud_test

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/internal/memhttp"
	"github.com/jcaad/jcaad/internal/pace/limits"
	"github.com/jcaad/jcaad/jumpcloud"
)

// crowd is a list of so many users.
type crowd int

func (n crowd) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	skip, _ := strconv.Atoi(q.Get("skip"))
	limit, _ := strconv.Atoi(q.Get("limit"))
	fmt.Fprintf(w, `{"totalCount":%d,"results":[`, int(n))
	for i := skip; i < min(skip+limit, int(n)); i++ {
		if i > skip {
			fmt.Fprint(w, ",")
		}
		fmt.Fprintf(w, `{"_id":"%024x"}`, i)
	}
	fmt.Fprint(w, "]}")
}

// TestThrottledSchedule compares a list under a limit with what the limit allows to a
// reader who knows it. Pages overlap by one user, so that there are more requests than
// a reader needs who does not look whether the list has moved: they count. 20 pages would
// fill five windows of 4, or four of 5, and so take one more; 200 pages
// fill four windows of 50, and so take a fifth.
func TestThrottledSchedule(t *testing.T) {
	for _, limit := range []limits.Limit{
		{Kind: limits.Windows, Requests: 4, Per: time.Second},
		{Kind: limits.Windows, Requests: 5, Per: 2 * time.Second},
		{Kind: limits.Windows, Requests: 50, Per: 2 * time.Second},
		{Kind: limits.Bucket, Requests: 50, Per: 2 * time.Second},
	} {
		for _, style := range []limits.Style{limits.Whole, limits.Fraction} {
			for _, pages := range []int{19, 50, 190, 1000} {
				if raceDetector && (pages > 190 || style == limits.Fraction) || pages <= limit.Requests {
					continue
				}
				t.Run(fmt.Sprintf("%v/%v/%d", limit, style, pages), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { throttledSchedule(t, limit, style, pages) })
				})
			}
		}
	}
}

func throttledSchedule(t *testing.T, limit limits.Limit, style limits.Style, pages int) {
	const latency = 10 * time.Millisecond
	s := &limits.Server{Limit: limit, Style: style, Latency: latency, Next: crowd(100 * pages)}
	c, err := jumpcloud.New("key", &jumpcloud.Options{HTTPClient: &http.Client{Transport: &memhttp.Transport{Handler: s, Latency: latency}}})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	n := len(ids(t, c, &jumpcloud.UsersOptions{Fields: []string{"email"}}))
	took, k := time.Since(began), s.Counts()
	ideal := limit.Schedule(pages, latency, pages < 25)
	told := max(ideal, s.Told(pages, latency, pages < 25))
	t.Logf("%8v of %8v: %.3f (%.3f), %d requests, %d refused", took.Round(time.Millisecond),
		ideal.Round(time.Millisecond), float64(took)/float64(ideal), float64(took)/float64(told), k.Accepted, k.Refused)
	if n != 100*pages || k.Early > 0 {
		t.Errorf("%d users, %d early", n, k.Early)
	}
	share := 0.05
	if pages < 50 {
		share = 0.08
	}
	if float64(took) > 1.15*float64(told) || k.Refused > max(1, int(share*float64(k.Accepted)/(1-share))) {
		t.Errorf("took %v of %v, %d refused", took, told, k.Refused)
	}
}
