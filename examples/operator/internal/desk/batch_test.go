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
	if d := cmp.Diff(want, o.temporal.arg("batch/"+act.ID)); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	for i, domain := range act.Domains {
		arg, _ := o.temporal.arg("domain/" + domain + " approve").(flow.ApproveArg)
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

// The pilot may lock somebody out or need a consent, as its proposal is seen whole; it is
// approved by one, or by the second of two, as any other.
func TestBatchPilot(t *testing.T) {
	lockedOut := func(p *federation.Proposal, o *flow.Open) {
		p.People, o.LockedOut = []federation.PersonFinding{{}, {}}, 2
	}
	consent := func(_ *federation.Proposal, o *flow.Open) { o.Consent = true }
	for name, tt := range map[string]struct {
		change func(*federation.Proposal, *flow.Open)
		one    bool // one is enough, for all domains
		first  bool // one of two has approved the one that is changed
		pilot  bool // it is the pilot that is changed
		want   string
	}{
		"pilot locks out":             {change: lockedOut, one: true, pilot: true},
		"another locks out":           {change: lockedOut, one: true, want: "2 people would lose their sign-in"},
		"pilot needs a consent":       {change: consent, one: true, pilot: true},
		"another needs a consent":     {change: consent, one: true, want: "it needs a consent"},
		"pilot needs two":             {change: lockedOut, pilot: true, want: "two people must approve it: let the first"},
		"pilot has the first of two":  {change: lockedOut, pilot: true, first: true},
		"another needs two":           {change: lockedOut, first: true, want: "2 people would lose their sign-in"},
		"pilot is to be rotated":      {change: verb(federation.VerbRotate), one: true, pilot: true, want: "it is to rotate"},
		"pilot is to be led back":     {change: verb(federation.VerbRevert), one: true, pilot: true, want: "it is to revert"},
		"another has a third verb":    {change: verb(federation.VerbRevert), one: true, want: "it is to revert"},
		"another is to be repaired":   {change: verb(federation.VerbRepair), one: true},
		"pilot is nothing of a batch": {change: verb(federation.VerbDefederate), one: true, pilot: true, want: "it is to defederate"},
	} {
		t.Run(name, func(t *testing.T) {
			file, more := everybody, ""
			if tt.one {
				more = "    twoPeople: false\n"
			}
			for _, domain := range []string{"d00.example", "d01.example"} {
				file += entry(domain, more)
			}
			o := open(t, file, nil)
			act := by("ada", verbBatch, "")
			act.Domains = []string{"d00.example", "d01.example"}
			changed := 1
			if tt.pilot {
				changed = 0
			}
			for i, domain := range act.Domains {
				change := tt.change
				if i != changed {
					change = nil
				}
				act.Hashes = append(act.Hashes, o.waiting(t, domain, change))
			}
			if tt.first {
				domain := act.Domains[changed]
				if err := o.Act(t.Context(), by("bob", flow.UpdateApprove, domain, act.Hashes[changed])); err != nil {
					t.Fatal(err)
				}
				s, _ := o.Domain(domain)
				arg := o.temporal.arg("domain/" + domain + " approve").(flow.ApproveArg)
				s.Open.First = &arg.Approval
				o.Show(s)
				o.temporal.calls = nil
			}
			err := o.Act(t.Context(), act)
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), act.Domains[changed]+": "+tt.want) || len(o.temporal.calls) > 0 {
					t.Errorf("%v, %q", err, o.temporal.calls)
				}
				return
			}
			in, _ := o.temporal.arg("batch/" + act.ID).(flow.BatchIn)
			if d := cmp.Diff([][]string{{"d00.example"}, {"d01.example"}}, in.Waves); d != "" || err != nil {
				t.Errorf("%v %s", err, d)
			}
			for _, domain := range act.Domains {
				if arg := o.temporal.arg("domain/" + domain + " approve").(flow.ApproveArg); !arg.Complete || arg.Batch != act.ID {
					t.Errorf("%s: %+v", domain, arg)
				}
			}
		})
	}
}

func verb(v federation.Verb) func(*federation.Proposal, *flow.Open) {
	return func(p *federation.Proposal, _ *flow.Open) { p.Verb = v }
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
		in, _ := o.temporal.arg("batch/" + act.ID).(flow.BatchIn)
		if d := cmp.Diff([][]string{{"d00.example"}, {"d01.example", "d03.example"}}, in.Waves); d != "" {
			t.Errorf("-want +got:\n%s", d)
		}
	}
}

// Where no worker is, not every domain is waited for.
func TestBatchNoWorker(t *testing.T) {
	o, act := many(t, 40)
	o.temporal.update = func(u client.UpdateWorkflowOptions) error {
		if u.WorkflowID == "domain/d00.example" {
			return nil
		}
		return tooLate()
	}
	err := o.Act(t.Context(), act)
	var part *page.PartError
	if !errors.As(err, &part) || !errors.Is(err, page.ErrNoWorker) || cmp.Diff(act.Domains[1:], part.Left) != "" {
		t.Fatal(err)
	}
	if n := o.temporal.count("update"); n < 1+atOnce || n > 1+2*atOnce {
		t.Errorf("%d updates", n)
	}
	in, _ := o.temporal.arg("batch/" + act.ID).(flow.BatchIn)
	if d := cmp.Diff([][]string{act.Domains[:1]}, in.Waves); d != "" {
		t.Errorf("-want +got:\n%s", d)
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
