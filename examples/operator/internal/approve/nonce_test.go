package approve

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestNonces(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	n := NewNonces(NonceOptions{Life: time.Hour, PerActor: 3, AtMost: 4, Now: func() time.Time { return now }})
	is := func(what, id, actor, form string, want error) {
		t.Helper()
		if err := n.Use(id, actor, form); !errors.Is(err, want) {
			t.Errorf("%s: %v; want %v", what, err, want)
		}
	}
	a := n.Issue("ada", "approve")
	is("somebody else's", a, "bob", "approve", ErrOtherForm)
	is("another form", a, "ada", "revert", ErrOtherForm)
	is("once", a, "ada", "approve", nil)
	is("twice", a, "ada", "approve", ErrUsed)
	is("a guess", "guess", "ada", "approve", ErrNoForm)
	is("none", "", "ada", "approve", ErrNoForm)

	old := n.Issue("ada", "approve")
	now = now.Add(time.Hour)
	is("expired", old, "ada", "approve", ErrNoForm)
	bob := n.Issue("bob", "approve")
	if len(n.by) != 1 || n.all.Len() != 1 || len(n.actors) != 1 {
		t.Errorf("%d nonces are kept after all but one have expired", len(n.by))
	}
	var ids []string
	for range 4 {
		ids = append(ids, n.Issue("ada", "approve"))
	}
	is("the actor's oldest of too many", ids[0], "ada", "approve", ErrNoForm)
	is("the actor's next", ids[1], "ada", "approve", nil)
	eve := n.Issue("eve", "approve")
	is("the oldest of all", bob, "bob", "approve", ErrNoForm)
	is("the newest", eve, "eve", "approve", nil)
	if len(n.by) != 4 || n.all.Len() != 4 {
		t.Errorf("%d nonces are kept; want 4", len(n.by))
	}
}

// TestNonceOnce: of many who send a form at the same moment, one is the first.
func TestNonceOnce(t *testing.T) {
	n := NewNonces(NonceOptions{})
	id := n.Issue("ada", "approve")
	var good atomic.Int32
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if n.Use(id, "ada", "approve") == nil {
				good.Add(1)
			}
		})
	}
	if wg.Wait(); good.Load() != 1 {
		t.Errorf("%d were the first", good.Load())
	}
}
