package approve

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
)

// TestCovers: a run that was killed before or after any of its writes is carried on
// under its approval, however late, and what was not approved is refused by Apply.
func TestCovers(t *testing.T) {
	errKilled := errors.New("killed")
	for kill := 1; ; kill++ {
		ctx := federationtest.Hurry(context.Background())
		env := federationtest.New(nil)
		clock := time.Now()
		var stored *federation.Report
		calls := 0
		f := env.Federator(&federation.Options{
			Now: func() time.Time { return clock },
			OnReport: func(_ context.Context, r *federation.Report) error {
				if calls++; calls == kill {
					return errKilled
				}
				copied := *r
				copied.Steps = append([]federation.Step(nil), r.Steps...)
				stored = &copied
				return nil
			},
		})
		p, err := f.Propose(ctx, env.Plan())
		if err != nil {
			t.Fatal(err)
		}
		approved := must(key.Sign(must(Of("north", p.Verb, p, nil)), nil, "ada", roles, clock))
		clock = clock.Add(time.Minute)
		if p, err = Covers(approved, p, nil, clock); err != nil {
			t.Fatal(err)
		}
		_, err = f.Apply(ctx, p)
		if calls < kill {
			if err != nil || kill < 4 {
				t.Fatalf("not killed at %d: %v", kill, err)
			}
			return
		}
		if err == nil {
			t.Fatalf("killed at %d: no error", kill)
		}
		var runs []*federation.Report
		if stored != nil {
			runs = append(runs, stored)
		}
		begun := Started(approved, p, runs)
		if (kill > 1) != begun {
			t.Errorf("killed at %d: started is %v", kill, begun)
		}
		clock = p.Expires.Add(30 * 24 * time.Hour)
		again, err := Covers(approved, p, runs, clock)
		if !begun {
			if !errors.Is(err, ErrExpired) {
				t.Errorf("killed before anything was sent: %v; want %v", err, ErrExpired)
			}
			continue
		}
		if err != nil || again.Hash != p.Hash || len(p.Runs) != 0 {
			t.Fatalf("killed at %d: %v", kill, err)
		}
		if rep, err := f.Apply(ctx, again); err != nil || rep.After != federation.StateFederated {
			t.Errorf("killed at %d: %s, %v", kill, rep.After, err)
		}
	}
}

// TestCoversNothingElse: the approval of a started run does not cover what somebody
// else has changed meanwhile.
func TestCoversNothingElse(t *testing.T) {
	ctx := federationtest.Hurry(context.Background())
	env := federationtest.New(nil)
	calls := 0
	f := env.Federator(&federation.Options{OnReport: func(context.Context, *federation.Report) error {
		if calls++; calls == 3 {
			return errors.New("killed")
		}
		return nil
	}})
	p, err := f.Propose(ctx, env.Plan())
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	a := must(key.Sign(must(Of("north", p.Verb, p, nil)), nil, "ada", roles, now))
	rep, err := f.Apply(ctx, p)
	if err == nil || !rep.Changed() {
		t.Fatal("not stopped in the middle")
	}
	if err := env.AzureAD.Client(nil).SetDefaultDomain(ctx, p.Domain); err != nil {
		t.Fatal(err)
	}
	q, err := Covers(a, p, []*federation.Report{rep}, now)
	if err != nil {
		t.Fatal(err)
	}
	env.ResetLog()
	if _, err := f.Apply(ctx, q); !errors.Is(err, federation.ErrNotApproved) || env.Writes() != 0 {
		t.Errorf("%v after %d writes; want %v", err, env.Writes(), federation.ErrNotApproved)
	}
	other := *p
	other.Hash = act.Hash
	if _, err := Covers(a, &other, nil, now); !errors.Is(err, ErrOtherProposal) {
		t.Errorf("another proposal: %v", err)
	}
	other = *p
	other.Domain = "example.org"
	if _, err := Covers(a, &other, nil, now); !errors.Is(err, ErrOtherDomain) {
		t.Errorf("another domain: %v", err)
	}
	old := *rep
	old.Started = now.Add(-time.Hour)
	idle := *rep
	idle.Steps = nil
	if Started(a, p, []*federation.Report{nil, &old, &idle}) || !Started(a, p, []*federation.Report{&idle, rep}) {
		t.Error("a run before the approval, or one that has sent nothing, counts; or one that has does not")
	}
}
