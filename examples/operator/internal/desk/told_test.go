package desk

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"

	"github.com/jcaad/jcaad/examples/operator/internal/flow"
)

// startOnce does what Start does before it waits, and returns what was told meanwhile.
func (o *office) startOnce(t *testing.T) map[string]flow.ListedSignal {
	t.Helper()
	o.temporal.set(func() { o.temporal.args, o.temporal.calls = make(map[string]any), nil })
	o.meanwhile()
	for _, do := range []func(context.Context) error{o.ensure, o.tellFirst, o.load, o.catchUp} {
		if err := do(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return o.signals()
}

// signals are the workflows that were told of the customers file, and what.
func (o *office) signals() map[string]flow.ListedSignal {
	out := make(map[string]flow.ListedSignal)
	for call, arg := range o.temporal.args {
		if domain, ok := strings.CutSuffix(call, " "+flow.SignalListed); ok {
			out[strings.TrimPrefix(domain, "domain/")] = arg.(flow.ListedSignal)
		}
	}
	return out
}

func staff(domain string) string { return strings.Replace(entry(domain, ""), "Everyone", "Staff", 1) }

// What was changed in the customers file while no operator was there is told by the next
// one, once, and is in the audit.
func TestMeanwhile(t *testing.T) {
	a, b := entry("a.example", ""), entry("b.example", "")
	state := func(domain string, unlisted bool) flow.State {
		return flow.State{Domain: domain, Phase: flow.Approval, Unlisted: unlisted, Open: &flow.Open{Hash: strings.Repeat("a", 64)}}
	}
	for name, tt := range map[string]struct {
		before, now string
		states      []flow.State // at the second start
		want        map[string]flow.ListedSignal
		told        []string
	}{
		"nothing":      {a + b, a + b, []flow.State{state("a.example", false)}, nil, nil},
		"another mode": {a, strings.Replace(a, "manage", "watch", 1), []flow.State{state("a.example", false)}, nil, nil},
		"a plan": {a + b, staff("a.example") + b, []flow.State{state("a.example", false), state("b.example", false)},
			map[string]flow.ListedSignal{"a.example": {Listed: true, Plan: true}},
			[]string{" customers-file a.example: plan-changed while no operator was there"}},
		"removed": {a + b, a, []flow.State{state("a.example", false), state("b.example", false)},
			map[string]flow.ListedSignal{"b.example": {}},
			[]string{" customers-file b.example: removed while no operator was there"}},
		"removed, as it knows": {a + b, a, []flow.State{state("b.example", true)},
			map[string]flow.ListedSignal{"b.example": {}},
			[]string{" customers-file b.example: removed while no operator was there"}},
		"added": {a, a + b, nil,
			map[string]flow.ListedSignal{"b.example": {Listed: true}},
			[]string{" customers-file b.example: added while no operator was there"}},
		"unlisted, and the file has it": {a, a, []flow.State{state("a.example", true)},
			map[string]flow.ListedSignal{"a.example": {Listed: true}}, nil},
		"of no file": {a, a, []flow.State{state("c.example", false)}, map[string]flow.ListedSignal{"c.example": {}}, nil},
		"retired":    {a, a, []flow.State{{Domain: "c.example", Phase: flow.Retired}}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			o := open(t, everybody+tt.before, nil)
			if got := o.startOnce(t); len(got) > 0 {
				t.Fatalf("the first start tells %v", got)
			}
			for _, s := range tt.states {
				o.temporal.states["domain/"+s.Domain] = s
				o.temporal.listed = append(o.temporal.listed, "domain/"+s.Domain)
			}
			o.again(t, everybody+tt.now)
			got := o.startOnce(t)
			if d := cmp.Diff(tt.want, got); d != "" && len(tt.want)+len(got) > 0 {
				t.Errorf("-want +got:\n%s", d)
			}
			if d := cmp.Diff(tt.told, o.told(t)); d != "" {
				t.Errorf("the audit: -want +got:\n%s", d)
			}
			o.temporal.states = map[string]any{}
			o.again(t, everybody+tt.now)
			if got := o.startOnce(t); len(got) > 0 {
				t.Errorf("told again: %v", got)
			}
		})
	}
}

// A domain that was removed and is listed again has its proposal voided if the plan is
// another one, and only then, and its workflow begun again, whoever has read the file
// between.
func TestMeanwhileAgain(t *testing.T) {
	for name, tt := range map[string]struct {
		again string
		plan  bool
	}{
		"another plan":  {staff("a.example"), true},
		"the same plan": {entry("a.example", ""), false},
	} {
		t.Run(name, func(t *testing.T) {
			o := open(t, everybody+entry("a.example", "")+entry("b.example", ""), nil)
			o.startOnce(t)
			o.again(t, everybody+entry("b.example", ""))
			if got := o.startOnce(t); cmp.Diff(map[string]flow.ListedSignal{"a.example": {}}, got) != "" {
				t.Fatal(got)
			}
			o.again(t, everybody+entry("b.example", ""))
			if got := o.startOnce(t); len(got) > 0 {
				t.Fatal(got)
			}
			o.again(t, everybody+tt.again+entry("b.example", ""))
			if got := o.startOnce(t); cmp.Diff(map[string]flow.ListedSignal{"a.example": {Listed: true, Plan: tt.plan}}, got) != "" {
				t.Fatal(got)
			}
			if p := o.temporal.start("domain/a.example").WorkflowIDReusePolicy; p != enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE {
				t.Error(p)
			}
		})
	}
}

// What Temporal could not be told before the operator was killed is told by the next one;
// a domain that was removed and listed again between is told of its plan as well.
func TestUntold(t *testing.T) {
	o := open(t, everybody+entry("a.example", "")+entry("b.example", ""), nil)
	o.startOnce(t)
	o.temporal.away = true
	for _, next := range []string{entry("a.example", ""), staff("a.example") + staff("b.example")} {
		write(t, o.file, everybody+next)
		if _, err := o.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	both := map[string]flow.ListedSignal{"a.example": {Listed: true, Plan: true}, "b.example": {Listed: true, Plan: true}}
	missed := make(map[string]flow.ListedSignal)
	for domain, s := range o.missed {
		missed[domain] = s.ListedSignal
	}
	if d := cmp.Diff(both, missed); d != "" {
		t.Error("in this process:", d)
	}
	o.temporal.away = false
	o.again(t, everybody+staff("a.example")+staff("b.example"))
	if d := cmp.Diff(both, o.startOnce(t)); d != "" {
		t.Error("in the next one:", d)
	}
	// By a Reload that is told, the record is the new one.
	write(t, o.file, everybody+entry("a.example", "")+staff("b.example"))
	if _, err := o.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.again(t, everybody+entry("a.example", "")+staff("b.example"))
	if got := o.startOnce(t); len(got) > 0 {
		t.Errorf("told again: %v", got)
	}
}

// Who cannot keep what was told tells it once more; a record that cannot be read is none.
func TestToldNotKept(t *testing.T) {
	o := open(t, everybody+entry("a.example", ""), nil)
	o.startOnce(t)
	write(t, o.file, everybody+staff("a.example"))
	o.o.Data.Close()
	if _, err := o.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := map[string]flow.ListedSignal{"a.example": {Listed: true, Plan: true}}
	if d := cmp.Diff(want, o.signals()); d != "" {
		t.Error("without room:", d)
	}
	if !o.untold {
		t.Error("it is not tried again to keep it")
	}
	o.again(t, everybody+staff("a.example"))
	if d := cmp.Diff(want, o.startOnce(t)); d != "" {
		t.Error("after it:", d)
	}
	write(t, filepath.Join(o.folder, "told.json"), "{")
	for range 2 {
		o.again(t, everybody+staff("a.example"))
		if got := o.startOnce(t); len(got) > 0 {
			t.Errorf("%v", got)
		}
	}
}

// Who runs the worker learns when the workflows were told: before any of them is asked,
// not while Temporal is away, and also if one of them cannot be told.
func TestCaughtUp(t *testing.T) {
	for name, err := range map[string]error{"told": nil, "not told": serviceerror.NewInvalidArgument("too many signals")} {
		o := open(t, everybody+entry("a.example", ""), nil)
		o.startOnce(t)
		o.again(t, everybody+staff("a.example"))
		o.temporal.calls, o.temporal.away = nil, true
		o.temporal.refused = err
		listed := make(chan bool, 9)
		o.temporal.during = func(call string) {
			if call == "list" {
				listed <- true
			}
		}
		o.start(t)
		o.eventually(t, name+": away", func() bool { _, err := o.Away(); return err != nil })
		select {
		case <-o.CaughtUp():
			t.Fatal(name, ": while Temporal is away")
		default:
		}
		o.temporal.set(func() { o.temporal.away = false })
		<-o.CaughtUp()
		if n := o.temporal.count("signal domain/a.example listed"); n == 0 {
			t.Error(name, ": nothing was told")
		}
		<-listed
		o.temporal.mu.Lock()
		calls := strings.Join(o.temporal.calls, ", ")
		o.temporal.mu.Unlock()
		if strings.Index(calls, "signal") > strings.Index(calls, "list") {
			t.Errorf("%s: %s", name, calls)
		}
	}
}

// A workflow that is first heard of by what it shows is compared with the file as well.
func TestFirstHeard(t *testing.T) {
	o := open(t, everybody+entry("a.example", ""), nil)
	o.startOnce(t)
	o.Show(flow.State{Domain: "a.example", Phase: flow.People})
	o.Show(flow.State{Domain: "c.example", Phase: flow.People})
	o.Show(flow.State{Domain: "c.example", Phase: flow.Watching})
	if len(o.wake) != 1 {
		t.Error("nothing is told until the next round")
	}
	for range 2 {
		if err := o.catchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		o.Show(flow.State{Domain: "c.example", Phase: flow.Watching}) // it goes on as it was told
	}
	if d := cmp.Diff(map[string]flow.ListedSignal{"c.example": {}}, o.signals()); d != "" || o.temporal.count("signal") != 1 {
		t.Errorf("%d signals, %s", o.temporal.count("signal"), d)
	}
}
