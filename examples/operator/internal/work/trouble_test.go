package work

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// How long a service asks to be left alone is told, so that the workflow waits, and nothing
// is asked meanwhile.
func TestRetryAfter(t *testing.T) {
	for name, tt := range map[string]struct {
		fault   jumpcloudtest.Fault
		azureAD bool
		want    time.Duration
	}{
		"JumpCloud, 429": {jumpcloudtest.Fault{Kind: jumpcloudtest.TooMany, RetryAfter: "3600"}, false, time.Hour},
		"JumpCloud, 503": {jumpcloudtest.Fault{Kind: jumpcloudtest.Refuse503, RetryAfter: "120"}, false, 2 * time.Minute},
		"Azure AD, 429":  {jumpcloudtest.Fault{Kind: jumpcloudtest.TooMany, RetryAfter: "900"}, true, 15 * time.Minute},
	} {
		for _, writes := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newBench(t, nil, manage)
					b.o.Context = nil
					b.restart()
					look := b.look(t.Context())
					if look.Open == nil {
						t.Fatalf("nothing is proposed: %+v", look.Problem)
					}
					in := b.approved(*look.Open, approve1)
					var mu sync.Mutex
					refused := 0
					fault := func(r *http.Request) jumpcloudtest.Fault {
						mu.Lock()
						defer mu.Unlock()
						if writes && r.Method == http.MethodGet {
							return jumpcloudtest.Fault{}
						}
						refused++
						return tt.fault
					}
					if b.env.JumpCloud.Fault = fault; tt.azureAD {
						b.env.JumpCloud.Fault, b.env.AzureAD.Fault = nil, fault
					}
					began := time.Now()
					var r flow.Reply
					if writes {
						out := b.run(t.Context(), in)
						if r = out.Reply; out.Done || out.Void {
							t.Errorf("%+v", out)
						}
					} else {
						r = b.look(t.Context()).Reply
					}
					if refused == 0 {
						t.Fatal("nothing was refused")
					}
					took := time.Since(began) // what is short, the clients wait for themselves
					if p := r.Problem; p == nil || p.Class != federation.ClassTemporary && (!writes || p.Class != federation.ClassUnsettled) ||
						p.After > tt.want || p.After < tt.want-took || p.After <= 30*time.Second || took > 15*time.Minute {
						t.Fatalf("after %v the problem: %+v", took, p)
					}
					synctest.Wait() // the stand-in is done with what it was asked
					b.env.JumpCloud.Fault, b.env.AzureAD.Fault = nil, nil
					time.Sleep(r.Problem.After)
					b.vars["AD"] = token(t, b.env)
					b.o.Vault.Forget()
					if out := b.run(t.Context(), in); !out.Done {
						t.Errorf("afterwards: %+v %+v", out, out.Problem)
					}
					b.one()
					b.clean()
				})
			})
		}
	}
}

// A credential that ends in the middle of a run is fetched anew, once, and the run goes on; if
// there is no other, it waits for people, and goes on under the same approval.
func TestCredentialDuringRun(t *testing.T) {
	const another = "another-key-0815"
	for name, tt := range map[string]struct {
		azureAD, renewed bool
	}{
		"JumpCloud, renewed": {false, true},
		"JumpCloud, not":     {false, false},
		"Azure AD, renewed":  {true, true},
		"Azure AD, not":      {true, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, nil, manage)
			in := b.approved(*b.look(t.Context()).Open, approve1)
			fresh := func() string {
				if tt.azureAD {
					return token(t, b.env)
				}
				return another
			}
			set := func(v string) {
				b.mu.Lock()
				defer b.mu.Unlock()
				if tt.azureAD {
					b.vars["AD"] = v
				} else {
					b.vars["JC"] = v
				}
			}
			var once sync.Once
			ended := false
			b.env.JumpCloud.OnRequest = func(r *http.Request) {
				if r.Method == http.MethodGet {
					return
				}
				once.Do(func() {
					if ended = true; tt.azureAD {
						b.env.AzureAD.RevokeTokens()
					} else {
						b.env.JumpCloud.APIKey = another
					}
					if tt.renewed {
						set(fresh())
					}
				})
			}
			out := b.run(t.Context(), in)
			if !ended || b.env.Writes() == 0 {
				t.Fatal("nothing was written before the credential ended")
			}
			if !tt.renewed {
				if p := out.Problem; out.Done || !out.Sent || out.Void || p == nil || p.Class != federation.ClassPeople || p.Code != "credential" {
					t.Fatalf("the run: %+v %+v", out, out.Problem)
				}
				set(fresh())
				out = b.run(t.Context(), in)
			}
			if !out.Done || out.Problem != nil {
				t.Fatalf("the run: %+v %+v", out, out.Problem)
			}
			b.one()
			b.clean()
		})
	}
}

// If the report cannot be stored before a write, nothing is written, and that is told as what
// may pass; when there is room again the run goes on under the same approval.
func TestDiskFull(t *testing.T) {
	for name, after := range map[string]int{"before the first write": 0, "after the first write": 1} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, nil, manage)
			in := b.approved(*b.look(t.Context()).Open, approve1)
			folder := filepath.Join(b.dir.Path(), "reports", b.env.Domain)
			aside := folder + ".aside"
			var mu sync.Mutex
			full, writes := false, 0
			fill := func() {
				full = true
				if err := os.Rename(folder, aside); err != nil && !errors.Is(err, os.ErrNotExist) {
					t.Error(err)
				}
				if err := os.WriteFile(folder, nil, 0o600); err != nil { // nothing can be stored in it
					t.Error(err)
				}
			}
			seen := func(r *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				if r.Method != http.MethodGet {
					writes++
				}
				if !full && writes == after {
					fill()
				}
			}
			b.env.JumpCloud.OnRequest, b.env.AzureAD.OnRequest = seen, seen
			out := b.run(t.Context(), in)
			if !full {
				t.Fatal("the disk was never full")
			}
			if b.env.Writes() != after || out.Done || out.Void || out.Sent != (after > 0) {
				t.Errorf("%d writes: %+v", b.env.Writes(), out)
			}
			if p := out.Problem; p == nil || p.Class == federation.ClassPeople || !strings.Contains(p.Text, federation.ErrNotStored.Error()) {
				t.Fatalf("the problem: %+v", out.Problem)
			}
			if again := b.run(t.Context(), in); again.Done || again.Problem == nil || b.env.Writes() != after {
				t.Errorf("it is still full: %d writes, %+v", b.env.Writes(), again)
			}
			b.env.JumpCloud.OnRequest, b.env.AzureAD.OnRequest = nil, nil
			if err := os.Remove(folder); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(aside, folder); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
			if out := b.run(t.Context(), in); !out.Done {
				t.Errorf("there is room again: %+v %+v", out, out.Problem)
			}
			b.one()
			b.clean()
		})
	}
}

// A clock that jumps between approval and run, and between two runs, does no harm: an approval
// of what is yet to come or is over is refused, a run that was begun goes on, and reports sort
// as they were made.
func TestClockJumps(t *testing.T) {
	for name, tt := range map[string]struct {
		jump time.Duration
		done bool
	}{
		"a little back": {-10 * time.Second, true}, "a day back": {-24 * time.Hour, false},
		"an hour on": {time.Hour, true}, "ten days on": {240 * time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, nil, manage)
			move := b.bend()
			in := b.approved(*b.look(t.Context()).Open, approve1)
			move(tt.jump)
			out := b.run(t.Context(), in)
			if out.Done != tt.done || out.Void == tt.done || (b.env.Writes() > 0) != tt.done {
				t.Fatalf("%d writes: %+v %+v", b.env.Writes(), out, out.Problem)
			}
			if !tt.done && (out.Problem == nil || out.Problem.Code != "approval") {
				t.Errorf("%+v", out.Problem)
			}
			b.clean()
		})
	}
	for _, jump := range []time.Duration{-20 * time.Second, -240 * time.Hour} {
		t.Run("between two attempts "+jump.String(), func(t *testing.T) { jumpsBack(t, jump) })
	}
}

func jumpsBack(t *testing.T, jump time.Duration) {
	b := newBench(t, nil, manage)
	move := b.bend()
	behind := func() time.Time { return time.Now().Add(-time.Minute) } // what the services make is valid already
	b.env.JumpCloud.Now, b.env.AzureAD.Now = behind, behind
	in := b.approved(*b.look(t.Context()).Open, approve1)
	var once sync.Once
	b.env.JumpCloud.OnRequest = func(r *http.Request) {
		if r.Method != http.MethodGet {
			once.Do(func() { _ = b.dir.SetStop(true, "x", time.Now()) })
		}
	}
	first := b.run(t.Context(), in)
	if !first.Sent || first.Done || first.Report == nil || len(first.Others) != 0 {
		t.Fatalf("%+v %+v", first, first.Problem)
	}
	if err := b.dir.SetStop(false, "x", time.Now()); err != nil {
		t.Fatal(err)
	}
	move(jump)
	written := b.env.Writes()
	second := b.run(t.Context(), in)
	if jump < -time.Hour {
		if second.Done || !second.Void || second.Problem == nil || second.Problem.Code != "approval" || b.env.Writes() != written {
			t.Errorf("by an approval that is yet to come: %+v %+v", second, second.Problem)
		}
		return
	}
	if !second.Done || second.Report == nil || second.Report.Name <= first.Report.Name {
		t.Fatalf("%+v %+v, first %s", second, second.Problem, first.Report.Name)
	}
	// The workflow was not told of the first one, as of one whose worker was killed.
	if len(second.Others) != 1 || second.Others[0] != *first.Report {
		t.Errorf("others: %+v, want %+v", second.Others, *first.Report)
	}
	refs, err := b.dir.Reports(b.env.Domain)
	if err != nil || len(refs) != 2 || refs[1] != *second.Report {
		t.Errorf("%+v, %v", refs, err)
	}
	if err := flow.CheckFiles(flow.Earlier{}, append(second.Others, *second.Report), refs); err != nil {
		t.Error(err)
	}
	b.one()
}
