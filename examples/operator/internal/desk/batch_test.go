package desk

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/temporal"

	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/examples/operator/internal/page"
	"github.com/jcaad/jcaad/federation"
)

// many is a desk with n domains whose proposals wait, and the act that approves them all.
func many(t *testing.T, n int) (*office, page.Act) {
	file := everybody
	for i := range n {
		file += entry(fmt.Sprintf("d%02d.example", i), "")
	}
	o := open(t, file, nil)
	act := by("ada", verbBatch, "")
	act.Domains, act.Federated, act.Failures = nil, true, 3
	for i := range n {
		domain := fmt.Sprintf("d%02d.example", i)
		act.Domains = append(act.Domains, domain)
		act.Hashes = append(act.Hashes, o.waiting(t, domain, nil))
	}
	return o, act
}

func TestBatch(t *testing.T) {
	o, act := many(t, 13)
	if err := o.Act(t.Context(), act); err != nil {
		t.Fatal(err)
	}
	want := flow.BatchIn{Batch: act.ID, Waves: [][]string{act.Domains[:1], act.Domains[1:11], act.Domains[11:]}, Federated: true, Failures: 3}
	if d := cmp.Diff(want, o.temporal.args["batch/"+act.ID]); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	for i, domain := range act.Domains {
		arg, _ := o.temporal.args["domain/"+domain+" approve"].(flow.ApproveArg)
		if arg.Batch != act.ID || !arg.Complete || arg.Hash != act.Hashes[i] || o.temporal.ids["domain/"+domain+" approve"] != act.ID+"/"+domain {
			t.Errorf("%s: %+v", domain, arg)
		}
	}
	calls := o.temporal.calls
	if calls[0] != "update domain/d00.example approve" || calls[len(calls)-1] != "start batch/"+act.ID || len(calls) != 14 {
		t.Errorf("%q", calls)
	}
	if told := o.told(t); len(told) != 14 || told[0] != "ada batch : asked, of 13 domains; the pilot is d00.example" ||
		told[1] != "ada approve d00.example: asked, in batch/"+act.ID {
		t.Errorf("%q", told)
	}
	if err := o.Act(t.Context(), act); err != nil || len(o.temporal.calls) != 14 {
		t.Errorf("again: %v, %d calls", err, len(o.temporal.calls))
	}
}

// One that cannot be approved with others keeps all from being approved.
func TestBatchRefused(t *testing.T) {
	for want, change := range map[string]func(*federation.Proposal, *flow.Open){
		"2 people would lose": func(_ *federation.Proposal, o *flow.Open) { o.LockedOut = 2 },
		"needs a consent":     func(_ *federation.Proposal, o *flow.Open) { o.Consent = true },
		"two people must":     func(p *federation.Proposal, _ *flow.Open) { p.Verb = federation.VerbRevert },
		"load the page again": func(p *federation.Proposal, o *flow.Open) {
			p.Hash, o.Hash = strings.Repeat("1", 64), strings.Repeat("1", 64)
		},
	} {
		o, act := many(t, 3)
		o.waiting(t, "d02.example", change)
		err := o.Act(t.Context(), act)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "d02.example") {
			t.Errorf("%v; want %q", err, want)
		}
		if told := o.told(t); len(o.temporal.calls) > 0 || len(told) != 1 || !strings.Contains(told[0], refused) {
			t.Errorf("%s: %q, %q", want, o.temporal.calls, told)
		}
	}
	o, act := many(t, 2)
	act.Domains[1] = "D00.example"
	if err := o.Act(t.Context(), act); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("twice: %v", err)
	}
}

// A pilot that is refused ends it; another domain is left out.
func TestBatchPart(t *testing.T) {
	for _, bad := range []string{"domain/d00.example", "domain/d02.example"} {
		o, act := many(t, 4)
		o.temporal.update = func(u client.UpdateWorkflowOptions) error {
			if u.WorkflowID == bad {
				return sdk.NewApplicationError("outdated", "Refused")
			}
			return nil
		}
		err := o.Act(t.Context(), act)
		if bad == "domain/d00.example" {
			if err == nil || err.Error() != "outdated" || o.temporal.count("update") != 1 || o.temporal.count("start") != 0 {
				t.Errorf("pilot: %v, %q", err, o.temporal.calls)
			}
			continue
		}
		var part *page.PartError
		if !errors.As(err, &part) || cmp.Diff([]string{"d02.example"}, part.Left) != "" || !strings.Contains(err.Error(), "outdated") {
			t.Errorf("%v", err)
		}
		in, _ := o.temporal.args["batch/"+act.ID].(flow.BatchIn)
		if d := cmp.Diff([][]string{{"d00.example"}, {"d01.example", "d03.example"}}, in.Waves); d != "" {
			t.Errorf("-want +got:\n%s", d)
		}
	}
}

// A batch that an operator was killed before beginning is begun by the next one.
func TestBatchMended(t *testing.T) {
	o, _ := many(t, 3)
	for i, domain := range []string{"d00.example", "d01.example", "d02.example"} {
		s := flow.State{Domain: domain, Phase: flow.Turn, Approved: &flow.Approved{Batch: "lost"}}
		if i == 2 {
			s.Approved.Batch = "known"
		}
		o.temporal.states["domain/"+domain] = s
	}
	o.board.domains = map[string]flow.State{}
	o.temporal.states["batch/known"] = flow.BatchState{Batch: "known"}
	o.temporal.listed = []string{"batch/known"}
	started := make(chan string, 10)
	o.temporal.during = func(call string) {
		if strings.HasPrefix(call, "start batch/") {
			started <- call
		}
	}
	o.start(t)
	if got := <-started; got != "start batch/lost" {
		t.Fatal(got)
	}
	o.eventually(t, "the batch", func() bool { return len(o.Batches()) == 1 })
}
