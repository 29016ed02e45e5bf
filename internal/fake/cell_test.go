package fake_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/internal/fake"
)

// TestLag: a change is not seen for a time and for some reads after it, then by
// every other read, then by all. One read a second.
func TestLag(t *testing.T) {
	for _, tt := range []struct {
		name string
		lag  fake.Lag
		want string
	}{
		{"none", fake.Lag{}, "new new new new new new new new"},
		{"by time", fake.Lag{For: 3 * time.Second}, "old old old new new new new new"},
		{"by reads", fake.Lag{Reads: 2}, "old old new new new new new new"},
		{"by reads after a time", fake.Lag{For: 3 * time.Second, Reads: 2}, "old old old old old new new new"},
		{"in turn, by reads", fake.Lag{Flaps: 5}, "new old new old new new new new"},
		{"in turn, by time", fake.Lag{FlapFor: 5 * time.Second}, "new old new old new new new new"},
		{"in turn, by time and by reads", fake.Lag{FlapFor: 2 * time.Second, Flaps: 5}, "new old new old new new new new"},
		{"not at all, then in turn by reads", fake.Lag{For: time.Second, Reads: 1, Flaps: 3}, "old old new old new new new new"},
		{"not at all, then in turn by time", fake.Lag{For: 2 * time.Second, FlapFor: 4 * time.Second}, "old old new old new old new new"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var c fake.Cell[string]
				c.Settle("old")
				c.Set("new")
				var got []string
				for range 8 {
					got = append(got, c.Read("a reader", tt.lag))
					time.Sleep(time.Second)
				}
				if s := strings.Join(got, " "); s != tt.want {
					t.Errorf("reads: %s; want %s", s, tt.want)
				}
				if c.Now() != "new" {
					t.Errorf("the truth: %s", c.Now())
				}
			})
		})
	}
}

// TestCell: each change has a lag of its own, each view counts its own reads, and
// what is settled has no past.
func TestCell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []int
		var c fake.Cell[int]
		lag := fake.Lag{For: 3 * time.Second}
		for i := range 3 {
			c.Set(i)
			got = append(got, c.Read("", lag))
			time.Sleep(2 * time.Second)
		}
		got = append(got, c.Read("", lag)) // the last one is 2 s old, the one before it 4 s
		lag = fake.Lag{Reads: 1}
		c.Settle(2)
		c.Set(3)
		got = append(got, c.Read("a", lag), c.Read("b", lag), c.Read("a", lag), c.Read("b", lag))
		c.Settle(4)
		got = append(got, c.Read("a", lag))
		if diff := cmp.Diff([]int{0, 0, 0, 1, 2, 2, 3, 3, 4}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
