package work

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// Temporal is lost while a request takes a minute, whichever it is: heartbeats are refused, or
// hang. No service is sent a write after the loss, and when Temporal is there again the run goes
// on. With Temporal there, the run waits for the request.
func TestSilence(t *testing.T) {
	step := 4
	if testing.Short() {
		step = 23
	}
	for name, lose := range map[string]func(context.Context) error{
		"reachable": nil,
		"refused":   func(context.Context) error { return errors.New("unreachable") },
		"hangs":     func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			written := 0
			for k := 1; ; k += step {
				n, sent := silence(t, k, lose)
				if written += sent; n < k || t.Failed() {
					if n < 20 || written == 0 {
						t.Errorf("request %d of %d, %d writes before a loss", k, n, written)
					}
					return
				}
			}
		})
	}
}

// silence delays the k-th request of a run. It returns how many requests there were, and how
// many writes were sent before the loss.
func silence(t *testing.T, k int, lose func(context.Context) error) (requests, sent int) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, manage)
		b.o.Context = nil
		var mu sync.Mutex
		lost := time.Time{}
		was := b.o.Beat
		b.o.Beat = func(ctx context.Context, p Progress) error {
			mu.Lock()
			gone := !lost.IsZero() && lose != nil
			mu.Unlock()
			if gone {
				return lose(ctx)
			}
			return was(ctx, p)
		}
		b.restart()
		look := b.look(t.Context())
		in := flow.RunIn{Domain: b.env.Domain, Approved: b.approved(*look.Open, approve1)}
		after := 0
		slow := func(r *http.Request) jumpcloudtest.Fault {
			mu.Lock()
			defer mu.Unlock()
			writes := r.Method != http.MethodGet
			switch requests++; {
			case requests == k:
				lost = time.Now()
				return jumpcloudtest.Fault{Delay: time.Minute}
			case writes && lost.IsZero():
				sent++
			case writes && time.Since(lost) > beatSilent:
				after++
			}
			return jumpcloudtest.Fault{}
		}
		b.env.JumpCloud.Fault, b.env.AzureAD.Fault = slow, slow
		out, err := b.a.Run(t.Context(), in)
		keep(b, out, err)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		b.env.JumpCloud.Fault, b.env.AzureAD.Fault = nil, nil
		switch late := !lost.IsZero(); {
		case !late && !out.Done:
			t.Errorf("request %d: %+v %+v, %v", k, out, out.Problem, err)
		case late && lose != nil && (after > 0 || out.Done || !errors.Is(err, ErrSilent)):
			t.Errorf("request %d: %d writes after the loss, %v, %+v", k, after, err, out)
		case late && lose == nil && (err != nil || !out.Done || sent == 0 && after == 0):
			t.Errorf("request %d: %d writes, %v, %+v %+v", k, after, err, out, out.Problem)
		}
		lost = time.Time{}
		if out, err = b.a.Run(t.Context(), in); err != nil || !out.Done {
			t.Fatalf("request %d, reachable again: %+v %+v, %v", k, out, out.Problem, err)
		}
		b.one()
		b.clean()
	})
	return requests, sent
}
