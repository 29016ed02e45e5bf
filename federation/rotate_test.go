package federation_test

import (
	"context"
	"crypto/x509/pkix"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
)

// A keyShelf is a key store in memory.
type keyShelf struct {
	mu    sync.Mutex
	keys  map[string]*certs.KeyPair
	saves int
	load  func(*certs.KeyPair) (*certs.KeyPair, error) // nil: what was saved
	save  func(*certs.KeyPair) error
}

func (s *keyShelf) Save(_ context.Context, domain string, k *certs.KeyPair) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.save != nil {
		if err := s.save(k); err != nil {
			return err
		}
	}
	if s.keys == nil {
		s.keys = make(map[string]*certs.KeyPair)
	}
	s.keys[domain] = k
	s.saves++
	return nil
}

func (s *keyShelf) Load(_ context.Context, domain string) (*certs.KeyPair, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.keys[domain]
	if s.load != nil {
		return s.load(k)
	}
	if k == nil {
		return nil, federation.ErrNoKey
	}
	return k, nil
}

// pool has key pairs of some bits, because making one takes a while.
var pool sync.Map

// pairOf returns one of some pairs for the keyShelf, whose certificate is valid now. It is
// the same whichever test comes first: that of when a rotation of newRotation begins, or,
// before that, of when a bubble does.
func pairOf(t testing.TB, n int, now time.Time) *certs.KeyPair {
	t.Helper()
	switch begun := time.Date(2000, 1, 2, 1, 0, 5, 0, time.UTC); {
	case now.Before(begun):
		now = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	case now.Before(begun.AddDate(2, 0, 0)):
		now = begun
	}
	at := struct {
		n, year, day int
	}{n, now.Year(), now.YearDay()}
	if k, ok := pool.Load(at); ok {
		return k.(*certs.KeyPair)
	}
	k, err := certs.NewKeyPair(pkix.Name{CommonName: "JumpCloudSAMLUser example.com"}, certs.Lifetime{NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(5, 0, 0)}, 2048)
	if err != nil {
		t.Fatal(err)
	}
	made, _ := pool.LoadOrStore(at, k)
	return made.(*certs.KeyPair)
}

// A rotation is a federated domain whose certificate is to be replaced.
type rotation struct {
	*federationtest.Env
	keys  *keyShelf
	plan  federation.RotatePlan
	began time.Time
	last  *federation.Rotation

	readOnly bool // the token may write nothing
}

// newRotation federates a domain, settles it, and makes a plan for its certificate. It
// is called in a bubble.
func newRotation(t testing.TB, method federation.RotateMethod) *rotation {
	t.Helper()
	r := &rotation{Env: federationtest.New(nil), keys: new(keyShelf)}
	rep, err := r.Federator(nil).Federate(t.Context(), r.Plan())
	if err != nil {
		t.Fatalf("%v\n%s", err, rep)
	}
	time.Sleep(25 * time.Hour)
	fed, _ := r.AzureAD.Federation(r.Domain)
	r.plan = federation.RotatePlan{Plan: r.Plan(), Method: method, Replace: fed.SigningCertificate.Fingerprint()}
	r.plan.Key.Bits = 2048
	r.began = time.Now()
	r.ResetLog()
	return r
}

func (r *rotation) opts() *federation.Options { return &federation.Options{Keys: r.keys} }

// rotate is one call, which keeps what it returns.
func (r *rotation) rotate(t testing.TB) error {
	t.Helper()
	var err error
	r.last, err = r.Federator(r.opts()).Rotate(t.Context(), r.plan, r.last)
	if r.last == nil {
		t.Fatal("Rotate returned nil")
	}
	return err
}

// finish calls until it is done, each time when it makes sense, and returns the phases.
func (r *rotation) finish(t testing.TB) []federation.RotationPhase {
	t.Helper()
	var phases []federation.RotationPhase
	for range 40 {
		if err := r.rotate(t); err != nil {
			t.Fatalf("after %v: %v", phases, err)
		}
		phases = append(phases, r.last.Phase)
		if r.last.Done() {
			return phases
		}
		if r.last.NotBefore.IsZero() {
			t.Fatalf("after %v: nothing to wait for: %s", phases, r.last.Next)
		}
		time.Sleep(max(time.Second, time.Until(r.last.NotBefore)))
	}
	t.Fatalf("not done after %v: %s", phases, r.last.Next)
	return nil
}

// judge asks that nobody's sign-in failed so far.
func (r *rotation) judge(t testing.TB, lag time.Duration) {
	t.Helper()
	if s := r.SignIns(r.began, time.Now().Add(lag), lag); s.Failed > 0 || s.Seconds < 3600 {
		t.Errorf("lag %v: %s", lag, s)
	}
}

// TestOwnKeyPair: a whole rotation, and nobody notices.
func TestOwnKeyPair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRotation(t, federation.OwnKeyPair)
		r.keys.Save(t.Context(), r.Domain, pairOf(t, 1, time.Now()))
		old, _ := r.AzureAD.Federation(r.Domain)
		phases := r.finish(t)
		want := "published switched swapped retired"
		var got []string
		for _, p := range phases {
			got = append(got, string(p))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("phases %v; want %s", phases, want)
		}
		fed, _ := r.AzureAD.Federation(r.Domain)
		if k := r.keys.keys[r.Domain].Cert(); fed.SigningCertificate != k || !fed.NextSigningCertificate.IsZero() || k == old.SigningCertificate {
			t.Errorf("Azure AD accepts %v and %v; want %v", fed.SigningCertificate, fed.NextSigningCertificate, k)
		}
		for _, lag := range []time.Duration{0, time.Minute, time.Hour, 2 * time.Hour} {
			r.judge(t, lag)
		}
		if took := time.Since(r.began); took < 6*time.Hour || took > 7*time.Hour {
			t.Errorf("it took %v", took)
		}
	})
}

var errShelf = errors.New("the shelf has fallen")
