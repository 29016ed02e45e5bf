package desk

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	enumspb "go.temporal.io/api/enums/v1"

	"github.com/jcaad/jcaad/examples/operator/internal/approve"
	"github.com/jcaad/jcaad/examples/operator/internal/audit"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/federation"
)

// Start begins what is listed, and shows what the workflows say, also those that are not
// listed any more; nothing that was shown meanwhile is replaced.
func TestStart(t *testing.T) {
	o := open(t, everybody+entry("a.example", "    name: A\n")+entry("b.example", ""), func(o *Options) { o.Speed = 1000 })
	o.temporal.states["domain/a.example"] = flow.State{Domain: "a.example", Customer: "old", Phase: flow.Watching}
	o.temporal.states["domain/b.example"] = flow.State{Domain: "b.example", Phase: flow.Looking}
	o.temporal.states["domain/c.example"] = flow.State{Domain: "c.example", Customer: "C", Phase: flow.People}
	o.temporal.states["batch/2"] = flow.BatchState{Batch: "2"}
	o.temporal.states["batch/1"] = flow.BatchState{Batch: "1"}
	o.temporal.listed = []string{"batch/2", "domain/c.example", "batch/1", "domain/a.example", "batch/2", "else"}
	o.Show(flow.State{Domain: "b.example", Phase: flow.Running})
	before, _ := o.Domain("a.example")
	o.start(t)
	o.eventually(t, "all domains", func() bool {
		_, ok := o.board.get("a.example")
		return ok && len(o.Domains()) == 3
	})
	want := []flow.State{
		{Domain: "a.example", Customer: "A", Phase: flow.Watching},
		{Domain: "b.example", Customer: "b.example", Phase: flow.Running},
		{Domain: "c.example", Customer: "C", Phase: flow.People, Unlisted: true},
	}
	if d := cmp.Diff(want, o.Domains()); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if before.Customer != "A" || before.Waits == "" {
		t.Errorf("before: %+v", before)
	}
	if d := cmp.Diff([]flow.BatchState{{Batch: "2"}, {Batch: "1"}}, o.Batches()); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	begun := o.temporal.start("domain/a.example")
	if begun.TaskQueue != flow.TaskQueue || begun.WorkflowIDConflictPolicy != enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING ||
		begun.WorkflowIDReusePolicy != enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY {
		t.Errorf("%+v", begun)
	}
	if d := cmp.Diff(flow.DomainIn{Domain: "a.example", Speed: 1000}, o.temporal.arg("domain/a.example")); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if n := o.temporal.count("start domain/c.example"); n > 0 {
		t.Error("one that is not listed was begun")
	}
}

// While Temporal is away the page says so, and it goes on when it is back.
func TestAway(t *testing.T) {
	o := open(t, everybody+entry("a.example", ""), nil)
	o.temporal.states["domain/a.example"] = flow.State{Domain: "a.example", Phase: flow.Watching}
	o.temporal.away = true
	o.start(t)
	o.eventually(t, "away", func() bool { _, err := o.Away(); return err != nil })
	if s, ok := o.Domain("a.example"); !ok || !strings.Contains(s.Waits, "Temporal does not answer") {
		t.Errorf("%v %+v", ok, s)
	}
	o.temporal.set(func() { o.temporal.away = false })
	o.eventually(t, "back", func() bool {
		_, err := o.Away()
		s, _ := o.Domain("a.example")
		return err == nil && s.Phase == flow.Watching
	})
}

func TestBoard(t *testing.T) {
	o := open(t, everybody+entry("a.example", ""), nil)
	changed, cancel := o.Subscribe()
	for range 3 {
		o.Show(flow.State{Domain: "A.example", Phase: flow.Running})
		o.Step("a.example", "old")
	}
	<-changed
	select {
	case <-changed:
		t.Error("changes do not become one")
	default:
	}
	for range mostLive {
		o.Step("A.example", "new")
	}
	if live := o.Live("a.example"); len(live) != mostLive || live[0] != "new" {
		t.Errorf("%d: %q", len(live), live)
	}
	o.Show(flow.State{Domain: "a.example", Phase: flow.Verifying})
	if len(o.Live("a.example")) != mostLive {
		t.Error("the steps went with the run")
	}
	o.Show(flow.State{Domain: "a.example", Phase: flow.Running})
	if live := o.Live("a.example"); len(live) > 0 {
		t.Errorf("a new run has old steps: %q", live)
	}
	<-changed
	cancel()
	o.ShowBatch(flow.BatchState{Batch: "1"})
	select {
	case <-changed:
		t.Error("it goes on after cancel")
	default:
	}
}

// A change of the customers file is in the audit, and told to whom it is about; if
// Temporal is away, later.
func TestReload(t *testing.T) {
	base := everybody + entry("a.example", "") + entry("b.example", "") + entry("c.example", "")
	o := open(t, base, nil)
	for _, domain := range []string{"a.example", "c.example"} {
		o.temporal.states["domain/"+domain] = flow.State{Domain: domain, Phase: flow.Watching}
	}
	o.start(t)
	o.eventually(t, "begun", func() bool {
		_, a := o.board.get("a.example")
		_, c := o.board.get("c.example")
		return a && c
	})
	next := everybody + strings.Replace(entry("a.example", ""), "Everyone", "Staff", 1) +
		entry("c.example", "    owner: ada\n") + entry("d.example", "")
	write(t, o.file, next)
	o.temporal.set(func() { o.temporal.away = true })
	if _, err := o.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{" customers-file a.example: plan-changed: plan", " customers-file b.example: removed",
		" customers-file c.example: other: owner", " customers-file d.example: added"}
	if d := cmp.Diff(want, o.told(t)); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if s, _ := o.Domain("b.example"); s.Domain != "" {
		t.Errorf("b is neither listed nor known: %+v", s)
	}
	o.temporal.set(func() { o.temporal.away = false })
	o.eventually(t, "told", func() bool {
		o.mu.Lock()
		defer o.mu.Unlock()
		return len(o.missed) == 0
	})
	for domain, want := range map[string]flow.ListedSignal{
		"a": {Listed: true, Plan: true}, "b": {}, "c": {Listed: true}, "d": {Listed: true},
	} {
		if d := cmp.Diff(want, o.temporal.arg("domain/"+domain+".example listed")); d != "" {
			t.Errorf("%s: -want +got:\n%s", domain, d)
		}
	}
	if got := o.temporal.start("domain/d.example").WorkflowIDReusePolicy; got != enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE {
		t.Errorf("d: %v", got)
	}
	write(t, o.file, next+"  - domian: x\n")
	if _, err := o.Reload(t.Context()); err == nil {
		t.Fatal("a wrong file was taken")
	}
	told := o.told(t)
	if _, err := o.FileProblem(); err == nil || len(told) != 5 || !strings.Contains(told[4], "not taken: ") || len(o.Domains()) != 3 {
		t.Errorf("%v %q", err, told)
	}
}

// Roles: of an actor who has less with one domain of a customer than with another, the
// less counts.
func TestRoles(t *testing.T) {
	o := open(t, "roles: {root: admin}\ncustomers:\n"+
		entry("a.example", "    name: N\n    roles: {ada: [view, approve], bob: admin, eve: view}\n")+
		entry("b.example", "    name: N\n    roles: {ada: view, bob: admin}\n")+
		entry("c.example", "    name: C\n    roles: {eve: approve}\n"), nil)
	r := o.Roles()
	for _, tt := range []struct {
		actor, customer string
		role            approve.Role
		want            bool
	}{
		{"root", "C", approve.Admin, true}, {"ada", "N", approve.View, true}, {"ada", "N", approve.Approve, false},
		{"bob", "N", approve.Admin, true}, {"bob", "C", approve.View, false}, {"eve", "N", approve.View, false},
		{"eve", "C", approve.Approve, true}, {"eve", "C", approve.Admin, false}, {approve.Operator, "C", approve.View, false},
	} {
		if got := r.Allows(tt.actor, tt.customer, tt.role); got != tt.want {
			t.Errorf("%s, %s, %s: %v", tt.actor, tt.customer, tt.role, got)
		}
	}
	o.o.Password = true
	if r := o.Roles(); !r.Allows(approve.Operator, "C", approve.Admin) || r.Allows("root", "C", approve.View) {
		t.Error("password mode")
	}
}

// What is not there is fs.ErrNotExist; evidence tells what is, and what is not.
func TestStored(t *testing.T) {
	o := open(t, everybody+entry("a.example", ""), nil)
	hash := o.waiting(t, "a.example", nil)
	_, p := o.Preflight("a.example")
	_, v := o.Verification("a.example")
	_, r := o.Rotation("a.example")
	for _, err := range []error{p, v, r} {
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v", err)
		}
	}
	report := &federation.Report{Version: 2, Verb: federation.VerbFederate, Plan: federation.Plan{Domain: "a.example"}, Started: noon}
	b, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.o.Data.SaveReport("a.example", "run1", noon, b); err != nil {
		t.Fatal(err)
	}
	refs, err := o.Reports("A.example")
	if err != nil || len(refs) != 1 {
		t.Fatalf("%v %v", refs, err)
	}
	if rep, err := o.Report(refs[0]); err != nil || rep.Plan.Domain != "a.example" {
		t.Fatalf("%v", err)
	}
	if err := o.Log(audit.Entry{Verb: "log-in", Domain: "a.example", Actors: []string{"ada"}}); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := o.Evidence("a.example", &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"# a.example, of a.example", "Not there: there is no preflight", "federate a.example", refs[0].SHA256, "log-in by ada",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if err := o.Evidence("x.example", &out); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	if len(hash) != 64 {
		t.Error(hash)
	}
}
