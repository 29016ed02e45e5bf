package switches

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSeen(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(int64(1000+s), 0) }
	for _, tt := range []struct {
		name string
		tell func(*Book)
		want []string
	}{
		{"sent", func(*Book) {}, []string{"a.example"}},
		{"refused", func(b *Book) { b.Forget("a.example") }, nil},
		{"managed once", func(b *Book) { b.Seen("a.example", true, at(0)) }, []string{"a.example"}},
		{"managed twice at once", func(b *Book) { b.Seen("a.example", true, at(0)); b.Seen("a.example", true, at(14)) }, []string{"a.example"}},
		{"managed twice, apart", func(b *Book) { b.Seen("a.example", true, at(0)); b.Seen("a.example", true, at(15)) }, nil},
		{"federated in between", func(b *Book) {
			b.Seen("a.example", true, at(0))
			b.Seen("a.example", false, at(10))
			b.Seen("a.example", true, at(20))
		}, []string{"a.example"}},
		{"another domain", func(b *Book) { b.Seen("b.example", true, at(0)); b.Seen("b.example", true, at(60)) }, []string{"a.example"}},
		{"sent again", func(b *Book) {
			b.Seen("a.example", true, at(0))
			b.Sent("a.example")
			b.Seen("a.example", true, at(20))
		}, []string{"a.example"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var b Book
			b.Sent("a.example")
			tt.tell(&b)
			if d := cmp.Diff(tt.want, b.Domains()); d != "" {
				t.Error(d)
			}
		})
	}
}

// One at a time, and who is cancelled does not wait.
func TestLock(t *testing.T) {
	var b Book
	unlock, err := b.Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	cancel(enough)
	if _, err := b.Lock(ctx); !errors.Is(err, enough) {
		t.Errorf("locked twice: %v", err)
	}
	unlock()
	if unlock, err := b.Lock(t.Context()); err != nil {
		t.Error(err)
	} else {
		unlock()
	}
}
