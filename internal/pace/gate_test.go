package pace_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/internal/pace"
)

// Of many single requests at once no more are under way than there are connections:
// a refusal finds the others still behind the gate, and they keep to it.
func TestSingleRequestsKeepToTheFirstRefusal(t *testing.T) {
	for _, tt := range []struct{ most, early int }{{1, 1}, {8, 8}, {200, 100}} {
		synctest.Test(t, func(t *testing.T) {
			const latency = 50 * time.Millisecond
			g := pace.New(1, tt.most)
			var mu sync.Mutex
			began, sent, early, inFlight, most := time.Now(), 0, 0, 0, 0
			var wg sync.WaitGroup
			for range 100 {
				wg.Go(func() {
					l, err := g.Enter(t.Context(), false, pace.Patience{Single: time.Minute, Total: time.Hour})
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					sent++
					inFlight++
					most = max(most, inFlight)
					if time.Since(began) < latency+time.Second {
						early++
					}
					refused := time.Since(began) < latency
					mu.Unlock()
					time.Sleep(latency)
					a := pace.Answer{Status: 200, Done: time.Now()}
					if refused {
						a = pace.Answer{Status: 429, Done: time.Now(), Refused: true, Asked: time.Second}
					}
					g.Observe(l, a)
					mu.Lock()
					inFlight-- // before somebody else may enter
					mu.Unlock()
					g.Leave(l)
				})
			}
			wg.Wait()
			if sent != 100 || early != tt.early || most > tt.most {
				t.Errorf("with %d connections: %d sent, %d of them before the time named, %d at a time at most; want 100, %d, %d",
					tt.most, sent, early, most, tt.early, tt.most)
			}
		})
	}
}

// A single request that waits for a place ends with its context, and takes none.
func TestSingleRequestThatGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := pace.New(1, 1)
		pat := pace.Patience{Single: time.Minute, Total: time.Hour}
		first, err := g.Enter(t.Context(), false, pat)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := g.Enter(ctx, false, pat); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v; want the end of its context", err)
		}
		if l, err := g.Enter(t.Context(), true, pat); err != nil { // a bulk request has places of its own
			t.Error(err)
		} else {
			g.Leave(l)
		}
		g.Leave(first)
		g.Close(2 * time.Minute)
		var closed *pace.ClosedError
		if _, err := g.Enter(t.Context(), false, pat); !errors.As(err, &closed) {
			t.Errorf("%v; want that the gate is closed for longer than it may wait", err)
		}
		time.Sleep(3 * time.Minute)
		for range 3 {
			l, err := g.Enter(t.Context(), false, pat)
			if err != nil {
				t.Fatal(err)
			}
			g.Leave(l)
		}
	})
}
