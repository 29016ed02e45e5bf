package main

import (
	"context"
	"errors"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/examples/internal/cli"
)

// TestResume: whatever becomes of a call and of the state, the same command again ends
// the rotation, and nobody's sign-in fails.
func TestResume(t *testing.T) {
	for _, c := range []struct {
		name string
		// each is done between two calls, with what the state was before the last.
		each  func(w *world, n int, before []byte)
		calls int // how many there are at most
	}{
		{"undisturbed", func(*world, int, []byte) {}, 4},
		{"each second call was killed before it stored", func(w *world, n int, before []byte) {
			if n%2 == 1 && before != nil {
				writeFile(w.t, w.state, string(before), 0o600)
			}
		}, 9},
		{"the state is lost once in each phase", func(w *world, n int, _ []byte) {
			if n%3 == 1 {
				os.Remove(w.state)
			}
		}, 12},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			for n := 1; ; n++ {
				before, _ := os.ReadFile(w.state)
				r := w.run(w.own("-once")...)
				if r.code == exitDone {
					r.want(t, exitDone, "retired", "delete it", w.keyFile())
					break
				}
				r.want(t, exitWaiting, "Not finished yet")
				if n > c.calls {
					t.Fatalf("not done after %d calls: %s", n, r.out)
				}
				if info, err := os.Stat(w.keyFile()); err != nil || runtime.GOOS != "windows" && info.Mode() != 0o600 {
					t.Fatalf("the key file: %v, %v", info.Mode(), err)
				}
				if info, err := os.Stat(w.state); err != nil || runtime.GOOS != "windows" && info.Mode() != 0o600 {
					t.Fatalf("the state: %v, %v", info.Mode(), err)
				}
				rot, err := cli.ReadRotation(w.state)
				if err != nil {
					t.Fatal(err)
				}
				w.clock.jump(t.Context(), rot.NotBefore)
				c.each(w, n, before)
			}
			fed, _ := w.AzureAD.Federation(w.Domain)
			if app := w.JumpCloud.Applications()[0]; app.Certificate != fed.SigningCertificate || !fed.NextSigningCertificate.IsZero() {
				t.Errorf("JumpCloud signs with %v, Azure AD accepts %v and %v", app.Certificate, fed.SigningCertificate, fed.NextSigningCertificate)
			}
			w.judge()
			w.ResetLog()
			w.run(w.own()...).want(t, exitDone, "delete it")
			if n := w.Writes(); n > 0 {
				t.Errorf("done, and %d writes", n)
			}
		})
	}
}

// TestKilledCall: the program is interrupted at each write, and goes on.
func TestKilledCall(t *testing.T) {
	for n := 1; n <= 4; n++ {
		w := newWorld(t)
		ctx, kill := context.WithCancel(t.Context())
		writes := 0
		w.on = func(r *http.Request) {
			if r.Method == http.MethodPatch || r.Method == http.MethodPut {
				if writes++; writes == n {
					kill()
				}
			}
		}
		w.runIn(ctx, strings.NewReader(""), w.own()...).want(t, exitWaiting, "Interrupted. Nothing is lost")
		if writes != n {
			t.Fatalf("%d writes, want %d", writes, n)
		}
		w.run(w.own()...).want(t, exitDone, "retired", "Done")
		w.judge()
	}
}

// TestWaits: one run of the program is the whole rotation, and passes over what goes by
// itself.
func TestWaits(t *testing.T) {
	w := newWorld(t)
	began := w.clock.now()
	failed := 0
	w.AzureAD.Fault = func(r *http.Request) aadtest.Fault {
		if r.Method == http.MethodPatch && w.clock.now().Before(began.Add(5*time.Minute)) {
			failed++
			return aadtest.Fault{Kind: aadtest.DropBefore}
		}
		return aadtest.Fault{}
	}
	w.run(w.own()...).want(t, exitDone, "saved", "published", "switched", "swapped", "retired", "Done", w.keyFile(),
		"That may pass by itself: going on at 2030-11-16 22:05:00 UTC")
	if took := w.clock.now().Sub(began); failed == 0 || took < 6*time.Hour || took > 7*time.Hour {
		t.Errorf("%d failures, it took %v", failed, took)
	}
	w.judge()
}

// TestKeyFileOpened: a key file that others can read is used no more, also in the middle.
func TestKeyFileOpened(t *testing.T) {
	w := newWorld(t)
	c := w.clock.clock()
	c.wait = func(ctx context.Context, until time.Time) error {
		return errors.Join(os.Chmod(w.keyFile(), 0o644), w.clock.jump(ctx, until))
	}
	program(t, t.Context(), c, strings.NewReader(""), append(w.flags[:len(w.flags):len(w.flags)], w.own()...)...).
		want(t, exitRefused, "published", "Nothing was written", "others can read")
	if n := w.Writes(); n != 1 {
		t.Errorf("%d writes; want 1, before it was opened", n)
	}
}

// TestKilledEmergency: who is killed when the stolen key is out, and before that is
// stored, goes on with signing people out.
func TestKilledEmergency(t *testing.T) {
	w := newWorld(t)
	args := w.own("-method", "emergency", "-replace", w.first().Fingerprint, "-revoke-sessions", "-consent", "outage", "-once")
	var before []byte
	w.on = func(r *http.Request) {
		if r.Method == http.MethodPut {
			before, _ = os.ReadFile(w.state)
		}
	}
	ctx, kill := context.WithCancel(t.Context())
	w.AzureAD.Fault = func(r *http.Request) aadtest.Fault {
		if strings.Contains(r.URL.Path, "revokeSignInSessions") {
			kill()
			return aadtest.Fault{Kind: aadtest.DropBefore}
		}
		return aadtest.Fault{}
	}
	w.runIn(ctx, strings.NewReader(""), args...).want(t, exitWaiting, "Interrupted")
	w.AzureAD.Fault = nil
	if before == nil || len(w.AzureAD.Revocations()) > 0 {
		t.Fatalf("the state before was %q, %d were signed out", before, len(w.AzureAD.Revocations()))
	}
	writeFile(t, w.state, string(before), 0o600)
	for w.run(args...).code == exitWaiting && len(w.AzureAD.Revocations()) < 100 {
		rot, err := cli.ReadRotation(w.state)
		if err != nil {
			t.Fatal(err)
		}
		w.clock.jump(t.Context(), rot.NotBefore)
	}
	w.run(args...).want(t, exitDone, "revoked")
	if n := len(w.AzureAD.Revocations()); n != 2*3 {
		t.Errorf("%d sign-outs; want two of three people", n)
	}
	// What is in use nowhere expels nothing, and signs out nobody.
	other := newWorld(t)
	other.run(other.own("-method", "emergency", "-replace", strings.Repeat("ab", 32), "-revoke-sessions", "-consent", "outage")...).
		want(t, exitDone, "nothing was expelled")
	if n := len(other.AzureAD.Revocations()); n > 0 || other.Writes() > 0 {
		t.Errorf("%d sign-outs, %d writes", n, other.Writes())
	}
}

// TestInterruptedWhileWaiting: the program ends at once, and says when to go on.
func TestInterruptedWhileWaiting(t *testing.T) {
	w := newWorld(t)
	ctx, stop := context.WithCancel(t.Context())
	real := clock{now: w.clock.now, wait: func(ctx context.Context, until time.Time) error {
		stop()
		<-ctx.Done()
		return ctx.Err()
	}}
	program(t, ctx, real, strings.NewReader(""), append(w.flags[:len(w.flags):len(w.flags)], w.own()...)...).
		want(t, exitWaiting, "published", "Interrupted", "2030-11-17 00:01:00 UTC or later")
}

// TestPassphrase: the key file is encrypted, and without the passphrase nothing goes on.
func TestPassphrase(t *testing.T) {
	if testing.Short() {
		t.Skip("it is made to take its time")
	}
	w := newWorld(t)
	t.Setenv("ROTATE_PASSPHRASE", "correct horse battery staple")
	w.run(w.own("-once")...).want(t, exitWaiting, "published")
	b, err := os.ReadFile(w.keyFile())
	if err != nil || !strings.HasPrefix(string(b), "-----BEGIN AGE ENCRYPTED FILE-----") {
		t.Fatalf("%.40s, %v", b, err)
	}
	t.Setenv("ROTATE_PASSPHRASE", "")
	w.ResetLog()
	w.run(w.own("-once")...).want(t, exitRefused, "give the passphrase")
	if n := w.Requests(); n > 0 {
		t.Errorf("%d requests", n)
	}
}

// TestSleep is by the clock on the wall.
func TestSleep(t *testing.T) {
	began := time.Now()
	if err := sleep(t.Context(), began.Add(20*time.Millisecond)); err != nil || time.Since(began) < 20*time.Millisecond {
		t.Errorf("%v after %v", err, time.Since(began))
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := sleep(ctx, time.Now().Add(time.Hour)); err == nil {
		t.Error("it was not interrupted")
	}
}
