package bent_test

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/examples/operator/internal/bent"
)

func TestNow(t *testing.T) {
	for _, speed := range []float64{1, 0, 1.5, 720, bent.MaxSpeed} {
		synctest.Test(t, func(t *testing.T) {
			c := bent.New(speed)
			begin := time.Now()
			if now := c.Now(); !now.Equal(begin) {
				t.Fatalf("at the base it is %v, want %v", now, begin)
			}
			time.Sleep(time.Minute)
			want := begin.Add(time.Duration(max(speed, 1) * float64(time.Minute)))
			if now := c.Now(); !now.Equal(want) {
				t.Errorf("speed %v: after a minute it is %v, want %v", speed, now, want)
			}
			day := c.Real(24 * time.Hour)
			before := c.Now()
			time.Sleep(day)
			if passed := c.Now().Sub(before); passed != 24*time.Hour || c.Bent(day) != passed {
				t.Errorf("speed %v: in %v on the wall %v pass, and by Bent %v", speed, day, passed, c.Bent(day))
			}
		})
	}
}

// TestReal: a clock of speed 1 is that of the system, with its monotonic part.
func TestReal(t *testing.T) {
	a := time.Now()
	now := bent.Clock{Base: a.Add(-time.Hour), Speed: 1}.Now()
	if b := time.Now(); now.Before(a) || now.After(b) || now == now.Round(0) {
		t.Errorf("now = %v, not from %v to %v with a monotonic reading", now, a, b)
	}
	if d := (bent.Clock{}).Real(time.Second); d != time.Second {
		t.Errorf("a second = %v", d)
	}
}

func TestLong(t *testing.T) {
	c := bent.Clock{Base: time.Now(), Speed: bent.MaxSpeed}
	if d := c.Bent(math.MaxInt64); d != math.MaxInt64 {
		t.Errorf("Bent = %v", d)
	}
	if d := c.Bent(math.MinInt64); d != math.MinInt64 {
		t.Errorf("Bent = %v", d)
	}
}

// TestFile: two processes of one folder agree.
func TestFile(t *testing.T) {
	dir := t.TempDir()
	if _, err := bent.Load(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("error = %v, want ErrNotExist", err)
	}
	synctest.Test(t, func(t *testing.T) {
		first, err := bent.Open(dir, 720)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour + time.Nanosecond)
		second, err := bent.Open(dir, 720)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := first.Now(), second.Now(); !a.Equal(b) {
			t.Errorf("the clocks show %v and %v", a, b)
		}
		if _, err := bent.Open(dir, 1); err == nil {
			t.Error("another speed is taken")
		}
	})
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Fatalf("%v, %v: want the clock alone", entries, err)
	}
	if info, err := entries[0].Info(); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v, %v", info.Mode(), err)
	}
}

func TestWrong(t *testing.T) {
	for _, speed := range []float64{0.5, -1, math.NaN(), math.Inf(1), bent.MaxSpeed + 1} {
		dir := t.TempDir()
		if _, err := bent.Open(dir, speed); err == nil {
			t.Errorf("speed %v is taken", speed)
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
			t.Errorf("speed %v leaves %v, %v", speed, entries, err)
		}
	}
	for _, text := range []string{"", "{}", `{"base":"2026-01-02T03:04:05Z"}`, `{"speed":720}`, `{"base":1,"speed":2}`} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "clock.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if c, err := bent.Load(dir); err == nil {
			t.Errorf("%q is taken: %v", text, c)
		}
	}
}
