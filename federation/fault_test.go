package federation_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/internal/fake"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// The fault test is the specification of Federate: whatever goes wrong with
// whichever request, a further run ends in the same good state, and at no
// moment is the domain federated with values that the application does not use.

// trouble is what goes wrong with request k of a run.
type trouble struct {
	name string
	kind fake.FaultKind
	many int  // with how many requests, from k on; 0 means 1
	dies bool // the process dies at that moment
	wait string
}

var troubles = []trouble{
	{name: "refused 10 times", kind: fake.Refuse503, many: 10},
	{name: "500 with effect", kind: fake.Error500After},
	{name: "500 without effect", kind: fake.Error500Before},
	{name: "answer lost", kind: fake.DropAfter},
	{name: "reset before", kind: fake.DropBefore},
	{name: "truncated", kind: fake.Truncate},
	{name: "429 with Retry-After", kind: fake.TooMany, wait: "2.128"},
	{name: "429 without Retry-After", kind: fake.TooManyBare},
	{name: "dies before", kind: fake.DropBefore, dies: true},
	{name: "dies after", kind: fake.DropAfter, dies: true},
}

// reads is how the services' answers follow their state.
type reads struct {
	name string
	set  func(*federationtest.Env)
}

var readings = []reads{
	{"prompt", func(*federationtest.Env) {}},
	{"lagging", func(e *federationtest.Env) {
		e.JumpCloud.ListLag = jumpcloudtest.Lag{For: 7 * time.Second}
		e.AzureAD.ListLag, e.AzureAD.GetLag = aadtest.Lag{For: 7 * time.Second}, aadtest.Lag{For: 7 * time.Second}
	}},
	{"flapping", func(e *federationtest.Env) {
		e.JumpCloud.ListLag = jumpcloudtest.Lag{Flaps: 5}
		e.AzureAD.ListLag, e.AzureAD.GetLag = aadtest.Lag{Flaps: 5}, aadtest.Lag{Flaps: 5}
	}},
}

// watched is an environment with a plan that needs every kind of change, and a
// watch over what must never be.
type watched struct {
	*federationtest.Env
	plan federation.Plan

	mu   sync.Mutex
	bad  []string
	made map[jumpcloud.Object]bool // applications and groups that ever came to be, removed ones included
}

func newWatched() *watched {
	w := &watched{Env: federationtest.New(&federationtest.Options{DefaultDomain: true})}
	w.plan = w.Plan()
	member := "new.member@" + w.Domain
	w.JumpCloud.AddUser(jumpcloud.User{Username: "new.member", Email: member, State: "ACTIVATED", Activated: true})
	w.plan.Groups = append(w.plan.Groups, federation.Group{Name: "Pilots", Members: []string{member}})
	w.plan.Directory.Rules = []string{"user_department"}
	w.plan.Consent.LockOut.AtMost = 1 // the new member has no account yet
	w.AzureAD.OnFederationChange = w.check
	w.made = make(map[jumpcloud.Object]bool)
	w.JumpCloud.OnChange = func(o jumpcloud.Object) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.made[o] = true
	}
	return w
}

// madeOf counts the objects of a type that ever came to be since the start.
func (w *watched) madeOf(t jumpcloud.ObjectType) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for o := range w.made {
		if o.Type == t {
			n++
		}
	}
	return n
}

// check is called at each moment at which the domain's authentication changes.
func (w *watched) check(s aadtest.State) {
	if s.Federation == nil {
		return
	}
	for _, a := range w.JumpCloud.Applications() {
		if a.EntityID == s.Federation.IssuerURI && a.Certificate == s.Federation.SigningCertificate &&
			a.SSOURL == s.Federation.PassiveSignInURI && a.Active {
			return
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bad = append(w.bad, fmt.Sprintf("federated with issuer %s and certificate %s, which no active application uses", s.Federation.IssuerURI, s.Federation.SigningCertificate.Thumbprint()))
}

// faulty lets trouble befall request k, counted over both services.
// The returned function ends it; requests of a run that died may still be under
// way then.
func (w *watched) faulty(k int, tr trouble, die context.CancelCauseFunc) (over func()) {
	var n atomic.Int64
	var quiet atomic.Bool
	var last atomic.Pointer[http.Request]
	f := func(r *http.Request) fake.Fault {
		i := int(n.Add(1))
		if quiet.Load() {
			return fake.Fault{}
		}
		if i < k || i >= k+max(tr.many, 1) {
			return fake.Fault{}
		}
		switch {
		case tr.dies && tr.kind == fake.DropAfter: // it must live until the request has arrived
			last.Store(r)
		case tr.dies:
			die(errDied)
		}
		return fake.Fault{Kind: tr.kind, RetryAfter: tr.wait}
	}
	w.JumpCloud.Fault, w.AzureAD.Fault = f, f
	arrived := func(r *http.Request) {
		if last.Load() == r {
			die(errDied)
		}
	}
	w.JumpCloud.OnRequest, w.AzureAD.OnRequest = arrived, arrived
	return func() { quiet.Store(true) }
}

var errDied = errors.New("the process died")

// good says what is not as it should be in the end.
func (w *watched) good(ctx context.Context) error {
	var errs []error
	want := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	apps := w.JumpCloud.Applications()
	want(len(apps) == 1, "%d applications; want 1", len(apps))
	groups := make(map[string]string)
	for _, g := range w.JumpCloud.Groups() {
		want(groups[g.Name] == "", "two groups named %s", g.Name)
		groups[g.Name] = g.ID
	}
	if len(apps) == 1 {
		for _, g := range w.plan.Groups {
			from := jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: apps[0].ID}
			to := jumpcloud.Object{Type: jumpcloud.GroupObject, ID: groups[g.Name]}
			want(w.JumpCloud.Associated(from, to), "group %s is not bound to the application", g.Name)
			n := 0
			for _, a := range w.JumpCloud.Associations() {
				if a[0] == from && a[1] == to || a[1] == from && a[0] == to {
					n++
				}
			}
			want(n <= 1, "group %s is bound %d times", g.Name, n)
		}
	}
	fed, ok := w.AzureAD.Federation(w.Domain)
	want(ok, "no federation")
	want(w.AzureAD.Domain(w.Domain).AuthenticationType == aad.Federated, "the domain is not federated")
	if ok && len(apps) == 1 {
		want(fed.SigningCertificate == apps[0].Certificate, "another certificate than the application's")
	}
	want(w.madeOf(jumpcloud.ApplicationObject) == 1, "%d applications were made; want 1, made once", w.madeOf(jumpcloud.ApplicationObject))
	// A run that writes nothing may rest on one answer, and while replicas still
	// disagree the next one may be older.
	changes, err := w.Federator(nil).Preview(ctx, w.plan)
	for n := 0; n < 5 && err == nil && len(changes) > 0; n++ {
		changes, err = w.Federator(nil).Preview(ctx, w.plan)
	}
	want(err == nil, "Preview: %v", err)
	want(len(changes) == 0, "Preview is not empty:\n%s", changes)
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, b := range w.bad {
		want(false, "at some moment: %s", b)
	}
	return errors.Join(errs...)
}

// requestsOfARun is how many requests a run without trouble makes: faults are
// injected at each of them, and a few beyond.
func requestsOfARun(t *testing.T, r reads) (n int) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatched()
		r.set(w.Env)
		if _, err := w.Federator(nil).Federate(t.Context(), w.plan); err != nil {
			t.Fatal(err)
		}
		if n = w.Requests(); w.Writes() < 9 {
			t.Fatalf("a run without trouble wrote %d times; the plan is to need every kind of change", w.Writes())
		}
		if err := w.good(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	return n
}

func TestFaults(t *testing.T) {
	start := time.Now()
	var count, helped atomic.Int64
	type scenario struct {
		r  reads
		tr trouble
		k  int
	}
	var all []scenario
	turn := 0
	for _, r := range readings {
		n := requestsOfARun(t, r)
		step := everyNth(5, 13, 61)
		for _, tr := range troubles {
			for k := 1 + turn%step; k <= n+2; k += step {
				all = append(all, scenario{r, tr, k})
			}
			turn++
		}
	}
	t.Run("matrix", func(t *testing.T) {
		// One subtest per slice of the matrix, so that all cores have work.
		for part := range slices.Chunk(all, (len(all)+4*runtime.GOMAXPROCS(0)-1)/(4*runtime.GOMAXPROCS(0))) {
			t.Run(fmt.Sprintf("%s/%s/%d", part[0].r.name, part[0].tr.name, part[0].k), func(t *testing.T) {
				t.Parallel()
				for _, s := range part {
					synctest.Test(t, func(t *testing.T) {
						first, err := survive(t, s.r, s.tr, s.k)
						if err != nil {
							t.Errorf("%s reads, %s at request %d: %v", s.r.name, s.tr.name, s.k, err)
						}
						// What passes by itself must not need a second run, but
						// for a creation that may have been made and was not.
						if first != nil && !s.tr.dies {
							helped.Add(1)
							lost := s.tr.kind == fake.Error500Before || s.tr.kind == fake.DropBefore
							if s.tr.many == 0 && !(lost && errors.Is(first, federation.ErrNotConverged)) {
								t.Errorf("%s reads, %s at request %d: the first run ended with %v", s.r.name, s.tr.name, s.k, first)
							}
						}
					})
					count.Add(1)
				}
			})
		}
	})
	t.Logf("%d scenarios, %d of them without a death that needed a second run, in %v", count.Load(), helped.Load(), time.Since(start).Round(time.Millisecond))
}

// survive runs Federate with trouble, then without, and looks at the end.
func survive(t *testing.T, r reads, tr trouble, k int) (first, err error) {
	w := newWatched()
	r.set(w.Env)
	ctx, die := context.WithCancelCause(t.Context())
	defer die(nil)
	over := w.faulty(k, tr, die)
	rep, first := w.Federator(nil).Federate(ctx, w.plan)
	over()
	if rep == nil {
		return nil, errors.New("no report")
	}
	if first == nil {
		if err := w.good(t.Context()); err != nil {
			return nil, fmt.Errorf("right after success: %w", err)
		}
	}
	if first != nil && tr.dies && rep.Changed() {
		// A process needs a moment to come back. If it died with the answer to
		// a creation in flight, the list has to show it by then: the one case
		// that the documentation names.
		time.Sleep(time.Minute)
	}
	if _, err := w.Federator(nil).Federate(t.Context(), rep.Plan); err != nil {
		return first, fmt.Errorf("second run: %w (first run: %v)\n%s", err, first, rep)
	}
	if err := w.good(t.Context()); err != nil {
		return first, fmt.Errorf("%w (first run: %v)", err, first)
	}
	return first, nil
}
