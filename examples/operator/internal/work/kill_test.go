package work

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/examples/operator/internal/customers"
	"github.com/jcaad/jcaad/examples/operator/internal/data"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// killAt ends the worker at the k-th request from now on, before or after its effect:
// nothing arrives any more, and nothing more is stored, as of a process that is gone.
func (b *bench) killAt(ctx context.Context, k int, kind jumpcloudtest.FaultKind) (_ context.Context, mend func() (requests int)) {
	ctx, die := context.WithCancelCause(ctx)
	var mu sync.Mutex
	n := 0
	var left map[string][]byte
	end := func() {
		left = b.reports()
		die(errors.New("killed"))
	}
	var last *http.Request
	strike := func(r *http.Request) jumpcloudtest.Fault {
		mu.Lock()
		defer mu.Unlock()
		switch n++; {
		case n == k && kind == jumpcloudtest.DropBefore:
			end()
			return jumpcloudtest.Fault{Kind: kind}
		case n == k:
			last = r
		case n > k:
			return jumpcloudtest.Fault{Kind: jumpcloudtest.DropBefore}
		}
		return jumpcloudtest.Fault{}
	}
	after := func(r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if last != nil && left == nil && r.Method == last.Method && r.URL.Path == last.URL.Path {
			end()
		}
	}
	b.env.JumpCloud.Fault, b.env.AzureAD.Fault = strike, strike
	b.env.JumpCloud.OnRequest, b.env.AzureAD.OnRequest = after, after
	return ctx, func() int {
		die(nil)
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		b.env.JumpCloud.Fault, b.env.AzureAD.Fault, b.env.JumpCloud.OnRequest, b.env.AzureAD.OnRequest = nil, nil, nil, nil
		if left != nil {
			b.restore(left)
		}
		return n
	}
}

// reports are the files of reports and rotations.
func (b *bench) reports() map[string][]byte {
	all := map[string][]byte{}
	names, _ := filepath.Glob(filepath.Join(b.dir.Path(), "r*", "*", "*.json"))
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			b.t.Error(err)
		}
		all[name] = text
	}
	return all
}

func (b *bench) restore(all map[string][]byte) {
	for name := range b.reports() {
		if _, ok := all[name]; !ok {
			os.Remove(name)
		}
	}
	for name, text := range all {
		if now, err := os.ReadFile(name); err == nil && bytes.Equal(now, text) {
			continue // also when it was saved stays
		}
		if err := os.WriteFile(name, text, 0o600); err != nil {
			b.t.Error(err)
		}
	}
}

// A worker is killed at any request after the approval, twice. The third goes on under
// the same approval, and there is one of each.
func TestKilledAnywhere(t *testing.T) {
	step := 1
	if testing.Short() {
		step = 23
	}
	for _, kind := range []jumpcloudtest.FaultKind{jumpcloudtest.DropBefore, jumpcloudtest.DropAfter} {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			for k := 1; ; k += step {
				if n := killed(t, kind, k); n < k || t.Failed() {
					if n < 20 {
						t.Errorf("killed at request %d of %d", k, n)
					}
					return
				}
			}
		})
	}
}

func killed(t *testing.T, kind jumpcloudtest.FaultKind, k int) (requests int) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, manage)
		b.o.Context = nil
		b.restart()
		look := b.look(t.Context())
		if look.Open == nil {
			t.Fatalf("nothing is proposed: %+v", look.Problem)
		}
		in := flow.RunIn{Domain: b.env.Domain, Approved: b.approved(*look.Open, approve1)}
		for _, at := range []int{k, k/2 + 1} {
			ctx, mend := b.killAt(t.Context(), at, kind)
			out, err := b.a.Run(ctx, in)
			keep(b, out, err)
			n := mend()
			requests = max(requests, n)
			if n >= at && err == nil && !out.Done {
				t.Errorf("request %d: the worker was lost, and told %+v %+v", at, out, out.Problem)
			}
			b.restart()
			time.Sleep(time.Minute)
		}

		out, err := b.a.Run(t.Context(), in)
		keep(b, out, err)
		if err != nil || !out.Done || out.Void || out.Problem != nil {
			t.Fatalf("killed at request %d: %+v %+v, %v", k, out, out.Problem, err)
		}
		b.one()
		b.clean()
	})
	return requests
}

// A run that has begun goes on when its proposal has expired and the window is closed.
func TestBegunGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, manage)
		b.o.Context = nil
		b.restart()
		move := b.bend()
		look := b.look(t.Context())
		in := flow.RunIn{Domain: b.env.Domain, Approved: b.approved(*look.Open, approve1)}
		for k := 10; b.env.Writes() == 0 && k < 100; k++ {
			ctx, mend := b.killAt(t.Context(), k, jumpcloudtest.DropAfter)
			_, err := b.a.Run(ctx, in)
			if mend(); err == nil {
				t.Fatalf("it was not killed at request %d", k)
			}
			b.restart()
		}
		move(100 * time.Hour)
		day := strings.ToLower(b.now().UTC().AddDate(0, 0, 3).Weekday().String()[:3])
		b.list(manage + "    window: {days: [" + day + "], from: \"10:00\", to: \"11:00\", timeZone: UTC}\n")
		out, err := b.a.Run(t.Context(), in)
		if keep(b, out, err); err != nil || !out.Done || !out.Sent {
			t.Fatalf("it does not go on: %+v %+v, %v", out, out.Problem, err)
		}
		b.one()
	})
}

// The Stop button, and the customers file, end a run before its next write.
func TestStoppedBetweenWrites(t *testing.T) {
	for name, tt := range map[string]struct {
		stop, goOn func(*bench)
		busy       bool
	}{
		"Stop": {
			func(b *bench) { _ = b.dir.SetStop(true, "x", time.Now()) },
			func(b *bench) { _ = b.dir.SetStop(false, "x", time.Now()) }, true,
		},
		"watch": {func(b *bench) { b.list("") }, func(b *bench) { b.list(manage) }, false},
		"not listed": {func(b *bench) {
			f, err := customers.Parse([]byte(strings.ReplaceAll(b.text, b.env.Domain, "other.example")), "c")
			if err != nil {
				b.t.Error(err)
			}
			b.mu.Lock()
			defer b.mu.Unlock()
			b.file = f
		}, func(b *bench) { b.list(manage) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, nil, manage)
			in := flow.RunIn{Domain: b.env.Domain, Approved: b.approved(*b.look(t.Context()).Open, approve1)}
			var once sync.Once
			b.env.JumpCloud.OnRequest = func(r *http.Request) {
				if r.Method != http.MethodGet {
					once.Do(func() { tt.stop(b) })
				}
			}
			out, err := b.a.Run(t.Context(), in)
			if keep(b, out, err); err != nil || out.Done || (out.Busy > 0) != tt.busy || out.Unlisted == tt.busy || !out.Sent {
				t.Fatalf("stopped: %+v %+v, %v", out, out.Problem, err)
			}
			if _, ok := b.env.AzureAD.Federation(b.env.Domain); ok {
				t.Error("it went on")
			}
			tt.goOn(b)
			if out, err = b.a.Run(t.Context(), in); err != nil || !out.Done {
				t.Fatalf("goes on: %+v %+v, %v", out, out.Problem, err)
			}
			b.one()
			b.clean()
		})
	}
}

// A revert is killed at some request, and made again.
func TestRevertKilled(t *testing.T) {
	step := 2
	if testing.Short() {
		step = 17
	}
	for k := 1; k <= 60; k += step {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, nil, manage)
			b.o.Context = nil
			b.restart()
			done := b.federated(t.Context())
			prop, err := b.a.ProposeRevert(t.Context(), flow.ProposeRevertIn{Domain: b.env.Domain, Reports: []data.Ref{*done.Report}})
			if err != nil || prop.Open == nil {
				t.Fatalf("proposed: %+v %+v, %v", prop, prop.Problem, err)
			}
			in := flow.RunIn{Domain: b.env.Domain, Approved: b.approved(*prop.Open, approve1, approve2)}
			ctx, mend := b.killAt(t.Context(), k, jumpcloudtest.DropAfter)
			lost, err := b.a.Run(ctx, in)
			keep(b, lost, err)
			mend()
			b.restart()
			out, err := b.a.Run(t.Context(), in)
			if keep(b, out, err); err != nil || !out.Done {
				t.Fatalf("k %d: %+v %+v, %v", k, out, out.Problem, err)
			}
			if _, ok := b.env.AzureAD.Federation(b.env.Domain); ok || len(b.env.JumpCloud.Applications()) > 0 {
				t.Errorf("k %d: it is still there", k)
			}
			b.clean()
		})
	}
}
