package desk

import (
	gocmp "cmp"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/client"

	"github.com/jcaad/jcaad/examples/operator/internal/approve"
	"github.com/jcaad/jcaad/examples/operator/internal/data"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/examples/operator/internal/page"
	"github.com/jcaad/jcaad/federation"
)

// retiring is a desk of which a domain is to be managed no more, and its clock.
func retiring(t *testing.T) (*office, *time.Time) {
	now := noon
	o := open(t, everybody+entry("a.example", ""), func(o *Options) { o.Now = func() time.Time { return now } })
	o.Show(flow.State{Domain: "a.example", Customer: "a.example", Phase: flow.Watching})
	return o, &now
}

// retired are who have approved what the workflow was told, nobody if it was not.
func (o *office) retired(t *testing.T) []string {
	t.Helper()
	arg, ok := o.temporal.arg("domain/a.example retire").(flow.RetireArg)
	if !ok {
		return nil
	}
	a, err := o.approval(arg.Approval)
	if err != nil || a.Verb != approve.VerbRetire {
		t.Fatalf("%v %+v", err, a)
	}
	return a.Actors
}

// Retiring needs two as well, and nothing is told before.
func TestRetire(t *testing.T) {
	o, now := retiring(t)
	for _, who := range []string{"ada", "ada"} {
		err := o.Act(t.Context(), by(who, flow.UpdateRetire, "a.example"))
		if n := o.temporal.count("update"); n != 0 {
			t.Fatalf("%v, %d updates", err, n)
		}
	}
	*now = now.Add(25 * time.Hour) // the first is too old: bob's is the first now
	if err := o.Act(t.Context(), by("bob", flow.UpdateRetire, "a.example")); err != nil || o.temporal.count("update") != 0 {
		t.Fatal(err)
	}
	if err := o.Act(t.Context(), by("ada", flow.UpdateRetire, "a.example")); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"bob", "ada"}, o.retired(t)); d != "" {
		t.Error(d)
	}
	if first := o.Approvers("a.example", approve.VerbRetire); first != nil {
		t.Errorf("%q have approved once more", first)
	}
}

// The first approval outlives a restart of the operator; not its day, and not a change of
// who may approve, of the clock, or of the key.
func TestRetireAfterRestart(t *testing.T) {
	file := everybody + entry("a.example", "")
	for name, tt := range map[string]struct {
		between func(*testing.T, *office, *time.Time)
		file    string
		kept    bool
	}{
		"nothing":        {kept: true},
		"a day":          {between: func(_ *testing.T, _ *office, now *time.Time) { *now = now.Add(retireGood) }},
		"almost a day":   {between: func(_ *testing.T, _ *office, now *time.Time) { *now = now.Add(retireGood - 1) }, kept: true},
		"the clock":      {between: func(_ *testing.T, _ *office, now *time.Time) { *now = now.Add(-time.Hour) }},
		"ada has left":   {file: "roles: {bob: approve}\ncustomers:\n" + entry("a.example", "")},
		"it is unlisted": {file: everybody + entry("b.example", ""), kept: true},
		"another name":   {file: everybody + entry("a.example", "    name: Other\n")},
		"one is enough":  {file: everybody + entry("a.example", "    twoPeople: false\n")},
		"a file by hand": {between: func(t *testing.T, o *office, _ *time.Time) { write(t, o.folder+"/retiring.json", "{") }},
		"another key":    {between: func(t *testing.T, o *office, _ *time.Time) { o.change = otherKey(t, o.change) }},
		"forged by hand": {between: func(t *testing.T, o *office, _ *time.Time) {
			o.forge(t, func(a *approve.Approval) { a.Actors = []string{"eve"} })
		}},
		"of another verb": {between: func(t *testing.T, o *office, _ *time.Time) {
			o.forge(t, func(a *approve.Approval) { a.Verb = federation.VerbRevert })
		}},
	} {
		t.Run(name, func(t *testing.T) {
			o, now := retiring(t)
			if err := o.Act(t.Context(), by("ada", flow.UpdateRetire, "a.example")); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff([]string{"ada"}, o.Approvers("A.example", approve.VerbRetire)); d != "" {
				t.Fatal("before:", d)
			}
			if tt.between != nil {
				tt.between(t, o, now)
			}
			o.again(t, gocmp.Or(tt.file, file))
			if n := len(o.Desk.retiring); tt.file == "" && (n == 1) != tt.kept {
				t.Errorf("%d are kept", n)
			}
			o.Show(flow.State{Domain: "a.example", Customer: "a.example", Phase: flow.Watching})
			var want []string
			if tt.kept {
				want = []string{"ada"}
			}
			if d := cmp.Diff(want, o.Approvers("a.example", approve.VerbRetire)); d != "" {
				t.Error("after:", d)
			}
			if err := o.Act(t.Context(), by("bob", flow.UpdateRetire, "a.example")); err != nil {
				t.Fatal(err)
			}
			switch got := o.retired(t); {
			case tt.kept && cmp.Diff([]string{"ada", "bob"}, got) != "":
				t.Errorf("approved by %q", got)
			case !tt.kept && name != "one is enough" && got != nil:
				t.Errorf("bob alone was enough, or %q", got)
			}
		})
	}
}

func otherKey(t *testing.T, change func(*Options)) func(*Options) {
	key, err := approve.ParseKey("f123456789abcdef0123456789abcdef")
	if err != nil {
		t.Fatal(err)
	}
	return func(o *Options) { change(o); o.Key = key }
}

// forge changes the first approval that is kept in the folder.
func (o *office) forge(t *testing.T, change func(*approve.Approval)) {
	kept, err := o.o.Data.Retiring()
	if err != nil || len(kept) != 1 {
		t.Fatal(kept, err)
	}
	a, err := o.approval(kept["a.example"])
	if err != nil {
		t.Fatal(err)
	}
	change(a)
	b, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := o.o.Data.SaveApproval(b)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.o.Data.SaveRetiring(map[string]data.Ref{"a.example": ref}); err != nil {
		t.Fatal(err)
	}
}

// Of two people at once one is the first, and the other one the second.
func TestRetireAtOnce(t *testing.T) {
	for range 20 {
		o, _ := retiring(t)
		var wg sync.WaitGroup
		for _, who := range []string{"ada", "bob"} {
			act := by(who, flow.UpdateRetire, "a.example")
			wg.Go(func() {
				if err := o.Act(t.Context(), act); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if got := o.retired(t); len(got) != 2 {
			t.Fatalf("approved by %q", got)
		}
	}
}

// An approval that was used is used up, also if nobody told what came of it; one that
// nobody took stays.
func TestRetireUsed(t *testing.T) {
	for _, taken := range []bool{true, false} {
		o, _ := retiring(t)
		if err := o.Act(t.Context(), by("ada", flow.UpdateRetire, "a.example")); err != nil {
			t.Fatal(err)
		}
		o.temporal.update = func(u client.UpdateWorkflowOptions) error {
			if taken {
				o.Admit(u.UpdateID)
			}
			return tooLate()
		}
		o.temporal.later = func(client.GetWorkflowUpdateHandleOptions) error { return tooLate() }
		err := o.Act(t.Context(), by("bob", flow.UpdateRetire, "a.example"))
		if errors.Is(err, page.ErrTaken) != taken || errors.Is(err, page.ErrNoWorker) == taken {
			t.Fatal(err)
		}
		o.again(t, everybody+entry("a.example", ""))
		if first := o.Approvers("a.example", approve.VerbRetire); (len(first) == 0) != taken {
			t.Errorf("taken: %t, and %q", taken, first)
		}
	}
}

// What the folder cannot keep is not approved.
func TestRetireNotKept(t *testing.T) {
	o, _ := retiring(t)
	o.o.Data.Close()
	if err := o.Act(t.Context(), by("ada", flow.UpdateRetire, "a.example")); err == nil {
		t.Fatal("approved, and not kept")
	}
	if first := o.Approvers("a.example", approve.VerbRetire); first != nil {
		t.Errorf("%q", first)
	}
	if told := o.told(t); len(told) != 2 || told[0] != "ada retire a.example: asked, the first of two" {
		t.Errorf("%q", told)
	}
}

// Approvers are who has approved first of what waits now, while that is good.
func TestApprovers(t *testing.T) {
	now := noon
	o := open(t, everybody+entry("a.example", ""), func(o *Options) { o.Now = func() time.Time { return now } })
	hash := o.waiting(t, "a.example", func(p *federation.Proposal, open *flow.Open) { p.Verb, open.Two = federation.VerbRevert, true })
	none := func(when string, verb federation.Verb) {
		t.Helper()
		if who := o.Approvers("a.example", verb); who != nil {
			t.Errorf("%s: %q", when, who)
		}
	}
	none("nobody has", federation.VerbRevert)
	if err := o.Act(t.Context(), by("ada", flow.UpdateApprove, "a.example", hash)); err != nil {
		t.Fatal(err)
	}
	arg := o.temporal.arg("domain/a.example approve").(flow.ApproveArg)
	s, _ := o.Domain("a.example")
	s.Open.First = &arg.Approval
	o.Show(s)
	first := func(when string) {
		t.Helper()
		if d := cmp.Diff([]string{"ada"}, o.Approvers("A.example.", federation.VerbRevert)); d != "" {
			t.Errorf("%s: %s", when, d)
		}
	}
	first("ada has")
	none("another verb", federation.VerbRotate)
	none("to retire", approve.VerbRetire)
	o.again(t, everybody+entry("a.example", ""))
	none("nothing was heard yet", federation.VerbRevert)
	o.Show(s)
	first("after a restart")
	o.again(t, "roles: {bob: approve}\ncustomers:\n"+entry("a.example", ""))
	o.Show(s)
	none("ada may not any more", federation.VerbRevert)
	if err := o.Act(t.Context(), by("bob", flow.UpdateApprove, "a.example", hash)); !errors.Is(err, approve.ErrNoRole) ||
		err.Error() == approve.ErrNoRole.Error() {
		t.Errorf("nobody says what is to be done: %v", err)
	}
	o.again(t, everybody+entry("a.example", ""))
	o.Show(s)
	now = now.Add(72 * time.Hour)
	none("it has expired", federation.VerbRevert)
	now = noon
	s.Open = nil
	o.Show(s)
	none("it was rejected", federation.VerbRevert)
	if who := o.Approvers("x.example", federation.VerbRevert); who != nil {
		t.Errorf("of no domain: %q", who)
	}
}
