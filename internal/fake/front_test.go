package fake_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/internal/fake"
	"github.com/jcaad/jcaad/internal/memhttp"
)

// TestFront: latency comes before the throttle, the throttle before the fault, and
// OnRequest after the effect. Where a refusal says nothing itself, it speaks the
// service's words; where the throttle does not, the service says what it counts.
func TestFront(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		effects := 0
		front := fake.Front{
			Latency:   time.Second,
			Throttle:  &fake.Throttle{Rate: 0.001, Burst: 3},
			Throttled: func(r *http.Request) bool { return r.URL.Path != "/free" },
			Fault: func(r *http.Request) fake.Fault {
				switch r.Header.Get("Trouble") {
				case "refused":
					return fake.Fault{Kind: fake.Refuse503}
				case "own words":
					return fake.Fault{Kind: fake.Refuse503, Body: "own"}
				}
				return fake.Fault{}
			},
			Words:     func(r *http.Request, k fake.FaultKind) string { return "service says " + k.String() },
			OnRequest: func(r *http.Request) { told = append(told, fmt.Sprint(r.URL.Path, " ", effects)) },
		}
		var log fake.Log
		h := log.Serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			effects++
			io.WriteString(w, "done")
		}), nil, func() fake.Front { return front })
		client := &http.Client{Transport: &memhttp.Transport{Handler: h}}
		var got []string
		start := time.Now()
		for _, ask := range []string{"/a", "/a refused", "/a own words", "/a refused", "/free", "/free refused"} {
			path, trouble, _ := strings.Cut(ask, " ")
			req, err := http.NewRequestWithContext(t.Context(), "GET", "https://service.example"+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Trouble", trouble)
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprintf("%d %s", resp.StatusCode, b))
		}
		want := []string{"200 done", "503 service says Refuse503", "503 own", "429 service says TooMany", "200 done", "503 service says Refuse503"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("answers (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"/a 1", "/free 2"}, told); diff != "" {
			t.Errorf("OnRequest (-want +got):\n%s", diff)
		}
		if took := time.Since(start); took != 6*time.Second {
			t.Errorf("six requests took %v", took)
		}
	})
}
