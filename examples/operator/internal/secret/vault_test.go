package secret

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// counted is a vault that fetches what give returns, and counts.
func counted(give func(n int) (string, error)) (*Vault, func() int) {
	var mu sync.Mutex
	n := 0
	v := NewVault(nil)
	v.fetch = func(context.Context, Source) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		n++
		return give(n)
	}
	return v, func() int { mu.Lock(); defer mu.Unlock(); return n }
}

func env(t *testing.T, name string) Source {
	t.Helper()
	s, err := Env(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func want(t *testing.T, v Value, err error, text string) {
	t.Helper()
	if err != nil || v.Reveal() != text {
		t.Errorf("%q, %v; want %q", v.Reveal(), err, text)
	}
}

func TestEnvironment(t *testing.T) {
	vars := map[string]string{"KEY": canary, "EMPTY": "", "LINES": canary + "\n" + canary, "BELL": canary + "\a", "BYTES": canary + "\xff"}
	v := NewVault(&Options{LookupEnv: func(name string) (string, bool) { s, ok := vars[name]; return s, ok }})
	got, err := v.Get(t.Context(), env(t, "KEY"))
	want(t, got, err, canary)
	for name, says := range map[string]string{
		"EMPTY": "is empty", "LINES": "more than one line", "BELL": "control characters", "BYTES": "not UTF-8", "NONE": "is not set",
	} {
		got, err := v.Get(t.Context(), env(t, name))
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "env:"+name) ||
			strings.Contains(err.Error(), canary) || !got.IsZero() {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := v.Get(t.Context(), Source{}); err == nil || !strings.Contains(err.Error(), "none is named") {
		t.Errorf("no source: %v", err)
	}
	t.Setenv("SECRET_TEST_OWN", canary)
	got, err = NewVault(nil).Get(t.Context(), env(t, "SECRET_TEST_OWN"))
	want(t, got, err, canary)
}

func TestKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, fetched := counted(func(n int) (string, error) { return string(rune('a' + n - 1)), nil })
		src := env(t, "KEY")
		for _, step := range []struct {
			after time.Duration
			text  string
		}{{0, "a"}, {Keep - time.Second, "a"}, {time.Second, "b"}, {Keep, "c"}} {
			time.Sleep(step.after)
			synctest.Wait()
			got, err := v.Get(t.Context(), src)
			want(t, got, err, step.text)
		}
		time.Sleep(Keep)
		synctest.Wait()
		if len(v.kept) != 0 || len(v.fetches) != 0 {
			t.Errorf("after %v without a question %d values are in memory", Keep, len(v.kept))
		}
		got, err := v.Get(t.Context(), src)
		want(t, got, err, "d")
		v.Forget()
		if len(v.kept) != 0 {
			t.Error("a forgotten value is in memory")
		}
		got, err = v.Get(t.Context(), src)
		want(t, got, err, "e")
		got, err = v.Get(t.Context(), env(t, "OTHER"))
		want(t, got, err, "f")
		if fetched() != 6 {
			t.Errorf("fetched %d times", fetched())
		}
	})
}

func TestRenew(t *testing.T) {
	v, fetched := counted(func(n int) (string, error) { return []string{"old", "new", "new", "newer"}[n-1], nil })
	src, ctx := env(t, "KEY"), t.Context()
	old, err := v.Get(ctx, src)
	want(t, old, err, "old")
	for range 3 { // three domains were refused with one credential: one fetch serves them
		got, err := v.Renew(ctx, src, old)
		want(t, got, err, "new")
	}
	if fetched() != 2 {
		t.Errorf("fetched %d times; want 2", fetched())
	}
	got, err := v.Renew(ctx, src, NewValue("new"))
	var e *Error
	if !errors.Is(err, ErrSame) || !errors.As(err, &e) || !got.IsZero() || len(v.kept) != 0 || fetched() != 3 {
		t.Errorf("the same one again: %v, %v, %d kept, %d fetched", got, err, len(v.kept), fetched())
	}
	got, err = v.Get(ctx, src)
	want(t, got, err, "newer")
}

func TestFailureIsNotKept(t *testing.T) {
	v, fetched := counted(func(n int) (string, error) {
		if n == 1 {
			return canary, errors.New("no")
		}
		return "yes", nil
	})
	if got, err := v.Get(t.Context(), env(t, "KEY")); err == nil || !got.IsZero() || strings.Contains(err.Error(), canary) {
		t.Errorf("%v, %v", got, err)
	}
	got, err := v.Get(t.Context(), env(t, "KEY"))
	want(t, got, err, "yes")
	if fetched() != 2 {
		t.Errorf("fetched %d times", fetched())
	}
}

// Many who ask at once wait for one fetch; who gives up does not end it for the others,
// and what was asked for before Forget is not kept after it.
func TestTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, gate, n := NewVault(nil), make(chan struct{}), 0
		v.fetch = func(ctx context.Context, _ Source) (string, error) {
			n++
			<-gate
			return "one", ctx.Err()
		}
		src := env(t, "KEY")
		gone := errors.New("gone")
		first, cancel := context.WithCancelCause(t.Context())
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				if i == 0 {
					if _, err := v.Get(first, src); !errors.Is(err, gone) {
						t.Errorf("who gave up: %v", err)
					}
					return
				}
				got, err := v.Get(t.Context(), src)
				want(t, got, err, "one")
			})
		}
		synctest.Wait()
		cancel(gone)
		synctest.Wait()
		if _, err := v.Get(first, src); !errors.Is(err, gone) {
			t.Errorf("with an ended context: %v", err)
		}
		v.Forget()
		close(gate)
		wg.Wait()
		if n != 1 {
			t.Errorf("fetched %d times for 20 who asked", n)
		}
		if len(v.kept) != 0 || len(v.fetches) != 0 {
			t.Error("what was asked for before Forget is in memory")
		}
	})
}
