package desk

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/temporal"

	"github.com/jcaad/jcaad/examples/operator/internal/approve"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/examples/operator/internal/page"
	"github.com/jcaad/jcaad/federation"
)

const everybody = "roles: {ada: admin, bob: approve, eve: view}\ncustomers:\n"

// An approval is in the audit before Temporal is asked, is one that can be checked, and is
// told under the nonce of its form.
func TestApprove(t *testing.T) {
	o := open(t, everybody+entry("a.example", "    twoPeople: false\n"), nil)
	hash := o.waiting(t, "a.example", nil)
	var before []string
	o.temporal.during = func(call string) { before = append(o.told(t), "then "+call) }
	act := by("bob", flow.UpdateApprove, "A.example.", hash)
	if err := o.Act(t.Context(), act); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"bob approve a.example: asked", "then update domain/a.example approve"}, before); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	arg, _ := o.temporal.arg("domain/a.example approve").(flow.ApproveArg)
	if id := o.temporal.ids["domain/a.example approve"]; id != act.ID || arg.Hash != hash || !arg.Complete || arg.Batch != "" {
		t.Fatalf("update %s: %+v", id, arg)
	}
	a, err := o.approval(arg.Approval)
	if err != nil {
		t.Fatal(err)
	}
	p, err := o.Proposal("a.example")
	if err != nil {
		t.Fatal(err)
	}
	two := false
	of, err := approve.Of("a.example", p.Verb, p, &two)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.o.Key.Check(*a, of, false, o.Roles(), noon); err != nil {
		t.Errorf("the approval: %v", err)
	}
	// The same form again is the same act.
	if err := o.Act(t.Context(), act); err != nil || o.temporal.count("update") != 1 || len(o.told(t)) != 1 {
		t.Errorf("again: %v, %d updates, %q", err, o.temporal.count("update"), o.told(t))
	}
}

// Two posts of one form at the same moment are one act.
func TestAtOnce(t *testing.T) {
	o := open(t, everybody+entry("a.example", ""), nil)
	o.Show(flow.State{Domain: "a.example"})
	act := by("ada", flow.UpdatePause, "a.example")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := o.Act(t.Context(), act); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := o.temporal.count("update"); n != 1 {
		t.Errorf("%d updates", n)
	}
}

// A form that was used is used for nothing else, and not said to be.
func TestOtherAct(t *testing.T) {
	o := open(t, everybody+entry("a.example", ""), nil)
	o.Show(flow.State{Domain: "a.example"})
	act := by("ada", flow.UpdatePause, "a.example")
	if err := o.Act(t.Context(), act); err != nil {
		t.Fatal(err)
	}
	act.Actor.From = "192.0.2.2"
	if err := o.Act(t.Context(), act); err != nil {
		t.Errorf("the same from elsewhere: %v", err)
	}
	for _, change := range []func(*page.Act){
		func(a *page.Act) { a.Verb = flow.UpdateResume }, func(a *page.Act) { a.Actor.Name = "bob" },
		func(a *page.Act) { a.Domains = []string{"b.example"} },
	} {
		other := act
		change(&other)
		if err := o.Act(t.Context(), other); err == nil || !strings.Contains(err.Error(), "for something else") {
			t.Errorf("%s %s: %v", other.Actor.Name, other.Verb, err)
		}
	}
	if n := o.temporal.count("update"); n != 1 {
		t.Errorf("%d updates", n)
	}
}

// What the audit cannot keep is not done.
func TestNoAudit(t *testing.T) {
	o := open(t, everybody+entry("a.example", ""), nil)
	hash := o.waiting(t, "a.example", nil)
	o.o.Audit.Close()
	for _, act := range []page.Act{
		by("ada", flow.UpdateApprove, "a.example", hash), by("ada", flow.UpdatePause, "a.example"),
		by("ada", flow.UpdateRetire, "a.example"), by("ada", verbBatch, "a.example", hash), by("ada", verbLook, "a.example"),
	} {
		if err := o.Act(t.Context(), act); err == nil {
			t.Errorf("%s: done without an audit", act.Verb)
		}
	}
	if len(o.temporal.calls) > 0 {
		t.Errorf("asked: %q", o.temporal.calls)
	}
	if err := o.SetStop(t.Context(), approve.Actor{Name: "ada"}, true); err == nil {
		t.Error("the Stop button: no error")
	}
	if _, on := o.Stop(); !on {
		t.Error("without an audit the Stop button does not hold")
	}
	if err := o.SetStop(t.Context(), approve.Actor{Name: "ada"}, false); err == nil {
		t.Error("let go without an audit")
	}
	if _, on := o.Stop(); !on {
		t.Error("let go without an audit")
	}
}

// What the folder cannot keep is told to no workflow, and the audit says that it was not
// done.
func TestNotStored(t *testing.T) {
	o := open(t, everybody+entry("a.example", "    twoPeople: false\n")+entry("b.example", "    twoPeople: false\n"), nil)
	both := []string{o.waiting(t, "a.example", nil), o.waiting(t, "b.example", nil)}
	for _, folder := range []string{"approvals", "notes"} {
		if err := os.RemoveAll(filepath.Join(o.folder, folder)); err != nil {
			t.Fatal(err)
		}
	}
	note := by("ada", flow.UpdateNote, "a.example")
	note.Note = "asked by telephone"
	batch := by("ada", verbBatch, "", both...)
	batch.Domains = []string{"a.example", "b.example"}
	for _, act := range []page.Act{
		note, batch, by("ada", flow.UpdateApprove, "a.example", both[0]), by("ada", flow.UpdateRetire, "a.example"),
	} {
		before := len(o.told(t))
		if err := o.Act(t.Context(), act); err == nil {
			t.Errorf("%s: done without what it needs", act.Verb)
		}
		told := o.told(t)[before:]
		if len(told) < 2 || !strings.Contains(told[0], asked) || !strings.Contains(told[len(told)-1], refused+"data: ") {
			t.Errorf("%s: the audit says %q", act.Verb, told)
		}
	}
	if len(o.temporal.calls) > 0 {
		t.Errorf("asked: %q", o.temporal.calls)
	}
}

// Who does not answer has recorded nothing; who says no is heard; both are in the audit.
func TestNotDone(t *testing.T) {
	for name, tt := range map[string]struct {
		err  error
		none bool
		want string
	}{
		"late":     {client.NewWorkflowUpdateServiceTimeoutOrCanceledError(context.DeadlineExceeded), true, notRecorded},
		"deadline": {context.DeadlineExceeded, true, notRecorded},
		"away":     {serviceerror.NewUnavailable("connection refused"), true, notRecorded},
		"no":       {sdk.NewApplicationError("it is paused already", "Refused"), false, refused + "it is paused already"},
		"gone":     {serviceerror.NewNotFound("workflow execution already completed"), false, refused + "there is no workflow"},
		"other":    {serviceerror.NewInternal("what?"), false, refused + "nothing was recorded"},
	} {
		o := open(t, everybody+entry("a.example", ""), nil)
		o.Show(flow.State{Domain: "a.example"})
		o.temporal.update = func(client.UpdateWorkflowOptions) error { return tt.err }
		act := by("ada", flow.UpdatePause, "a.example")
		err := o.Act(t.Context(), act)
		if err == nil || errors.Is(err, page.ErrNoWorker) != tt.none {
			t.Errorf("%s: %v", name, err)
		}
		told := o.told(t)
		if len(told) != 2 || told[0] != "ada pause a.example: asked" || !strings.HasPrefix(told[1], "ada pause a.example: "+tt.want) {
			t.Errorf("%s: the audit says %q", name, told)
		}
		// Sent again it is tried again, under the same ID.
		o.temporal.update = nil
		if err := o.Act(t.Context(), act); err != nil || o.temporal.ids["domain/a.example pause"] != act.ID {
			t.Errorf("%s: again: %v", name, err)
		}
	}
}

// What is refused before anybody is asked.
func TestRefused(t *testing.T) {
	o := open(t, everybody+entry("a.example", ""), nil)
	hash := o.waiting(t, "a.example", nil)
	o.Show(flow.State{Domain: "b.example", Customer: "b", Phase: flow.People})
	nobody := by("", flow.UpdatePause, "a.example")
	formless := by("ada", flow.UpdatePause, "a.example")
	formless.ID = ""
	for _, tt := range []struct {
		act  page.Act
		want string
		told bool
	}{
		{nobody, "nobody has sent it", false},
		{formless, "has no form", false},
		{by("ada", "federate", "a.example"), "nothing that can be asked", false},
		{by("ada", flow.UpdatePause, "c.example"), "no such domain", false},
		{by("ada", flow.UpdateApprove, "a.example"), "which proposal", false},
		{by("ada", flow.UpdateApprove, "a.example", strings.Repeat("0", 64)), "load the page again", true},
		{by("ada", flow.UpdateApprove, "b.example", hash), "not in the customers file", true},
		{by("eve", flow.UpdateApprove, "a.example", hash), "needs the role approve", true},
		{by("ada", flow.UpdateRotate, "a.example"), "which method", false},
		{by("ada", flow.UpdateNote, "a.example"), "empty", false},
		{by("ada", flow.UpdateSkip, "a.example"), "of one batch", false},
	} {
		before := len(o.told(t))
		err := o.Act(t.Context(), tt.act)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v; want %q", tt.act.Verb, err, tt.want)
		}
		if told := o.told(t)[before:]; (len(told) == 1 && strings.Contains(told[0], refused)) != tt.told {
			t.Errorf("%s: the audit says %q", tt.act.Verb, told)
		}
	}
	if len(o.temporal.calls) > 0 {
		t.Errorf("asked: %q", o.temporal.calls)
	}
}

// Two people approve a revert: the second must be another one, and of the same proposal.
func TestTwoPeople(t *testing.T) {
	o := open(t, everybody+entry("a.example", ""), nil)
	hash := o.waiting(t, "a.example", func(p *federation.Proposal, open *flow.Open) { p.Verb, open.Two = federation.VerbRevert, true })
	if err := o.Act(t.Context(), by("ada", flow.UpdateApprove, "a.example", hash)); err != nil {
		t.Fatal(err)
	}
	arg := o.temporal.arg("domain/a.example approve").(flow.ApproveArg)
	if arg.Complete {
		t.Fatal("one is enough")
	}
	s, _ := o.Domain("a.example")
	s.Open.First = &arg.Approval
	o.Show(s)
	if err := o.Act(t.Context(), by("ada", flow.UpdateApprove, "a.example", hash)); !errors.Is(err, approve.ErrSamePerson) {
		t.Errorf("the same person: %v", err)
	}
	if err := o.Act(t.Context(), by("bob", flow.UpdateApprove, "a.example", hash)); err != nil {
		t.Fatal(err)
	}
	arg = o.temporal.arg("domain/a.example approve").(flow.ApproveArg)
	a, err := o.approval(arg.Approval)
	if err != nil || !arg.Complete || cmp.Diff([]string{"ada", "bob"}, a.Actors) != "" {
		t.Errorf("%v %+v %+v", err, arg, a)
	}
	if told := o.told(t); told[0] != "ada approve a.example: asked, the first of two" || told[len(told)-1] != "bob approve a.example: asked" {
		t.Errorf("%q", told)
	}
	// In password mode nobody can be told from another.
	o = open(t, everybody+entry("a.example", ""), func(o *Options) { o.Password = true })
	hash = o.waiting(t, "a.example", func(p *federation.Proposal, open *flow.Open) { p.Verb, open.Two = federation.VerbRevert, true })
	if err := o.Act(t.Context(), by(approve.Operator, flow.UpdateApprove, "a.example", hash)); !errors.Is(err, approve.ErrNoTwo) {
		t.Errorf("password mode: %v", err)
	}
}

// The other acts, as they are told.
func TestActs(t *testing.T) {
	o := open(t, everybody+entry("a.example", ""), nil)
	hash := o.waiting(t, "a.example", nil)
	rotate := by("ada", flow.UpdateRotate, "a.example")
	rotate.Rotate = &flow.RotateArg{Method: federation.OwnKeyPair}
	skip := by("ada", flow.UpdateSkip, "a.example")
	skip.Batch = "b1"
	pause := by("ada", flow.UpdatePause, "a.example")
	pause.Batch, pause.Domains = "b1", nil
	note := by("ada", flow.UpdateNote, "a.example")
	note.Note = "asked by telephone"
	for _, tt := range []struct {
		act  page.Act
		call string
		arg  any
	}{
		{by("ada", flow.UpdateReject, "a.example", hash), "domain/a.example reject", flow.RejectArg{Hash: hash}},
		{by("ada", flow.UpdateResume, "a.example"), "domain/a.example resume", nil},
		{by("ada", flow.UpdateRevert, "a.example"), "domain/a.example revert", nil},
		{rotate, "domain/a.example rotate", *rotate.Rotate},
		{skip, "batch/b1 skip", flow.SkipArg{Domain: "a.example"}},
		{pause, "batch/b1 pause", nil},
		{note, "domain/a.example note", nil},
		{by("ada", verbLook, "a.example"), "domain/a.example look", nil},
	} {
		if err := o.Act(t.Context(), tt.act); err != nil {
			t.Errorf("%s: %v", tt.call, err)
		}
		if n := o.temporal.count("update "+tt.call) + o.temporal.count("signal "+tt.call); n != 1 {
			t.Errorf("%s: told %d times", tt.call, n)
		}
		if got := o.temporal.arg(tt.call); tt.arg != nil && cmp.Diff(tt.arg, got) != "" {
			t.Errorf("%s: %+v", tt.call, got)
		}
	}
	arg := o.temporal.arg("domain/a.example note").(flow.NoteArg)
	s, _ := o.Domain("a.example")
	s.Notes = append(s.Notes, arg.Note)
	o.Show(s)
	notes, err := o.Notes("a.example")
	if err != nil || len(notes) != 1 || !strings.HasSuffix(notes[0], " ada: asked by telephone") {
		t.Errorf("%v %q", err, notes)
	}
}
