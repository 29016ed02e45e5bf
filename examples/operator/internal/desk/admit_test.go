package desk

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/temporal"

	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/examples/operator/internal/page"
)

func tooLate() error {
	return client.NewWorkflowUpdateServiceTimeoutOrCanceledError(context.DeadlineExceeded)
}

// What somebody was told is not recorded is taken by no worker that comes back, until the
// same form is sent again.
func TestWithdrawn(t *testing.T) {
	o := open(t, everybody+entry("a.example", ""), nil)
	o.Show(flow.State{Domain: "a.example"})
	var id string
	o.temporal.update = func(u client.UpdateWorkflowOptions) error { id = u.UpdateID; return tooLate() }
	act := by("ada", flow.UpdatePause, "a.example")
	if err := o.Act(t.Context(), act); !errors.Is(err, page.ErrNoWorker) {
		t.Fatal(err)
	}
	if id != act.ID || o.Admit(id) {
		t.Fatalf("%q is taken by a worker that comes back", id)
	}
	if n := o.temporal.count("later"); n > 0 {
		t.Errorf("asked %d times what came of it", n)
	}
	o.temporal.update = nil
	if err := o.Act(t.Context(), act); err != nil || !o.Admit(id) {
		t.Errorf("again: %v", err)
	}
	if o.Admit("of another process") {
		t.Error("what nobody waits for is taken")
	}
}

// What a worker has taken in time is never told to be unrecorded.
func TestTaken(t *testing.T) {
	no := sdk.NewApplicationError("it is paused already", "refused")
	for name, tt := range map[string]struct {
		late, then error
		is         error
		want, told string // in the error, and in the audit
	}{
		"done":    {late: tooLate()},
		"refused": {late: tooLate(), then: no, want: "it is paused already", told: refused},
		"silence": {late: tooLate(), then: tooLate(), is: page.ErrTaken, want: "look at the page", told: taken},
		"gone":    {late: tooLate(), then: serviceerror.NewNotFound("no such workflow"), is: page.ErrTaken, want: "was taken", told: taken},
		"cut off": {late: serviceerror.NewUnavailable("connection reset"), then: tooLate(), is: page.ErrTaken, want: "was taken", told: taken},
		"at once": {late: no, want: "it is paused already", told: refused},
	} {
		o := open(t, everybody+entry("a.example", ""), nil)
		o.Show(flow.State{Domain: "a.example"})
		o.temporal.update = func(u client.UpdateWorkflowOptions) error {
			if !o.Admit(u.UpdateID) {
				t.Fatalf("%s: it is not waited for", name)
			}
			return tt.late
		}
		o.temporal.later = func(client.GetWorkflowUpdateHandleOptions) error { return tt.then }
		act := by("ada", flow.UpdatePause, "a.example")
		err := o.Act(t.Context(), act)
		if errors.Is(err, page.ErrNoWorker) || tt.is != nil && !errors.Is(err, tt.is) || (err == nil) != (tt.want == "") ||
			err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
		want := 1
		if name == "at once" {
			want = 0
		}
		if n := o.temporal.count("later domain/a.example " + act.ID); n != want {
			t.Errorf("%s: asked %d times", name, n)
		}
		told := o.told(t)
		if (len(told) == 1) != (tt.told == "") || len(told) == 2 && !strings.HasPrefix(told[1], "ada pause a.example: "+tt.told) {
			t.Errorf("%s: the audit says %q", name, told)
		}
		if !o.Admit(act.ID) {
			t.Errorf("%s: the workflow task cannot be tried again", name)
		}
	}
}

// A worker that takes it at the moment at which it is given up: one of both, never both.
func TestGivenUp(t *testing.T) {
	o := open(t, everybody+entry("a.example", ""), nil)
	o.Show(flow.State{Domain: "a.example"})
	o.temporal.later = func(client.GetWorkflowUpdateHandleOptions) error { return tooLate() }
	seen := make(map[bool]int)
	for i := range 300 {
		var wg sync.WaitGroup
		var took bool
		o.temporal.update = func(u client.UpdateWorkflowOptions) error {
			begun := make(chan struct{})
			wg.Go(func() { close(begun); took = o.Admit(u.UpdateID) })
			if i%2 == 0 {
				<-begun
			}
			return tooLate()
		}
		act := by("ada", verbLook, "a.example")
		err := o.update(t.Context(), act, change{id: "domain/a.example"})
		wg.Wait()
		if want := map[bool]error{true: page.ErrTaken, false: page.ErrNoWorker}[took]; !errors.Is(err, want) || o.Admit(act.ID) != took {
			t.Fatalf("taken: %t, and %v", took, err)
		}
		seen[took]++
	}
	t.Logf("%d were taken, %d given up", seen[true], seen[false])
}

// What is remembered does not grow for ever; what is waited for is not forgotten by it.
func TestAdmissionBounded(t *testing.T) {
	o := open(t, everybody+entry("a.example", ""), nil)
	a := &o.admission
	a.expect("waits")
	if !o.Admit("waits") {
		t.Fatal("refused")
	}
	for i := range 2*mostTaken + 1 {
		id := fmt.Sprint(i)
		if a.expect(id); i%2 == 0 {
			o.Admit(id)
		}
		a.done(id)
	}
	if len(a.waiting) != 1 || len(a.taken) != mostTaken || len(a.order) != mostTaken || a.withdraw("waits") {
		t.Errorf("%d waited for, %d taken, %d in order", len(a.waiting), len(a.taken), len(a.order))
	}
	if a.expect("given up"); !a.withdraw("given up") || o.Admit("given up") {
		t.Error("what was given up is taken")
	}
	if o.Admit("0") || o.Admit("1") || !o.Admit(fmt.Sprint(2*mostTaken)) {
		t.Error("the wrong ones are remembered")
	}
}

// An approval in a batch that was taken belongs to the batch, whatever comes of it; the
// pilot's as any other.
func TestBatchTaken(t *testing.T) {
	for _, slow := range []string{"d00.example", "d02.example"} {
		o, act := many(t, 4)
		o.temporal.update = func(u client.UpdateWorkflowOptions) error {
			if u.WorkflowID == "domain/"+slow && o.Admit(u.UpdateID) {
				return tooLate()
			}
			return nil
		}
		o.temporal.later = func(client.GetWorkflowUpdateHandleOptions) error { return tooLate() }
		if err := o.Act(t.Context(), act); !errors.Is(err, page.ErrTaken) {
			t.Errorf("%s: %v", slow, err)
		}
		in, _ := o.temporal.arg("batch/" + act.ID).(flow.BatchIn)
		if d := cmp.Diff([][]string{act.Domains[:1], act.Domains[1:]}, in.Waves); d != "" {
			t.Errorf("%s: -want +got:\n%s", slow, d)
		}
		if n := o.temporal.count("update"); n != 4 {
			t.Errorf("%d updates", n)
		}
		if err := o.Act(t.Context(), act); err != nil || o.temporal.count("update") != 4 {
			t.Errorf("%s: again: %v", slow, err)
		}
	}
}
