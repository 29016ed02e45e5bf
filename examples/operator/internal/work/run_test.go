package work

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jcaad/jcaad/examples/operator/internal/approve"
	"github.com/jcaad/jcaad/examples/operator/internal/customers"
	"github.com/jcaad/jcaad/examples/operator/internal/data"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
)

const manage = "    mode: manage\n"

func TestFederate(t *testing.T) {
	b := newBench(t, &federationtest.Options{Lifelike: true}, manage)
	out := b.federated(t.Context())
	if out.After != federation.StateFederated || out.Steps == 0 || !out.Sent || out.Problem != nil {
		t.Errorf("the run: %+v", out)
	}
	again := b.look(t.Context())
	if again.Open != nil || again.Problem != nil || again.Found != federation.StateFederated || again.Look.Changes != 0 {
		t.Errorf("afterwards: %+v %+v", again, again.Problem)
	}
	v, err := b.a.Verify(t.Context(), flow.VerifyIn{Domain: b.env.Domain})
	if keep(b, v, err); err != nil || v.Problem != nil || len(v.Layers) == 0 || v.Verification == nil {
		t.Errorf("verify: %+v, %v", v, err)
	}
	w, err := b.a.Watch(t.Context(), flow.WatchIn{Domain: b.env.Domain, Whole: true})
	if keep(b, w, err); err != nil || w.Problem != nil || w.Watched == nil || !w.Watched.Known || w.Whole == nil {
		t.Errorf("watch: %+v, %v", w, err)
	}
	b.clean()
}

// What may not be done is not done: nothing is written.
func TestRunRefuses(t *testing.T) {
	type want struct {
		busy, void, unlisted bool
		code                 string
	}
	hour := time.Hour
	for name, tt := range map[string]struct {
		set  func(*bench, *flow.Approved)
		want want
	}{
		"only watched": {func(b *bench, _ *flow.Approved) { b.list("") }, want{code: "mode-watch"}},
		"held": {func(b *bench, _ *flow.Approved) {
			if err := b.dir.SetStop(true, "x", time.Now()); err != nil {
				b.t.Fatal(err)
			}
		}, want{busy: true}},
		"window": {func(b *bench, _ *flow.Approved) {
			now := b.now().UTC().Add(6 * hour)
			b.list(manage + fmt.Sprintf("    window: {days: [mon, tue, wed, thu, fri, sat, sun], from: %q, to: %q, timeZone: UTC}\n",
				now.Format("15:04"), now.Add(hour).Format("15:04")))
		}, want{busy: true}},
		"no role any more": {func(b *bench, _ *flow.Approved) { b.roles = approve.Roles{} }, want{void: true, code: "approval"}},
		"forged": {func(b *bench, in *flow.Approved) {
			b.edit(in, func(a *approve.Approval) { a.Actors = append(a.Actors, approve2) })
		}, want{void: true, code: "approval"}},
		"another customer's": {func(b *bench, in *flow.Approved) {
			b.resign(in, func(a *approve.Act) { a.Customer = "Fabrikam" })
		}, want{void: true, code: "approval"}},
		"another domain's": {func(b *bench, in *flow.Approved) {
			b.resign(in, func(a *approve.Act) { a.Domain = "fabrikam.example" })
		}, want{void: true, code: "approval"}},
		"another verb's": {func(b *bench, in *flow.Approved) {
			b.resign(in, func(a *approve.Act) { a.Verb = federation.VerbRepair })
		}, want{void: true, code: "approval"}},
		"another proposal's": {func(b *bench, in *flow.Approved) {
			b.resign(in, func(a *approve.Act) { a.Hash = strings.Repeat("0", 64) })
		}, want{void: true, code: "approval"}},
		"one of two": {func(b *bench, _ *flow.Approved) { b.list(manage + "    twoPeople: true\n") }, want{void: true, code: "approval"}},
		"another key": {func(b *bench, _ *flow.Approved) {
			b.o.Key, _ = approve.ParseKey("fedcba9876543210fedcba9876543210")
			b.restart()
		}, want{void: true, code: "approval"}},
		"expired": {func(b *bench, _ *flow.Approved) {
			b.now = func() time.Time { return time.Now().Add(100 * hour) }
		}, want{void: true, code: "approval"}},
		"proposal gone": {func(b *bench, in *flow.Approved) {
			os.Remove(filepath.Join(b.dir.Path(), in.Open.Proposal.Name))
		}, want{void: true, code: "proposal"}},
		"proposal changed": {func(b *bench, in *flow.Approved) {
			os.WriteFile(filepath.Join(b.dir.Path(), in.Open.Proposal.Name), []byte("{}"), 0o600)
		}, want{void: true, code: "proposal"}},
		"no approval":    {func(_ *bench, in *flow.Approved) { in.Approval = data.Ref{} }, want{void: true, code: "approval"}},
		"does not stand": {func(_ *bench, in *flow.Approved) { in.Open.Standing = true }, want{void: true, code: "standing"}},
		"not standing for this": {func(b *bench, in *flow.Approved) {
			b.list(manage + "    standing: [mend-ours]\n")
			in.Open.Standing = true
		}, want{void: true, code: "standing"}},
		"more is missing": {func(b *bench, _ *flow.Approved) {
			jc := b.env.JumpCloud.Client(nil)
			for d, err := range jc.Office365Domains(b.t.Context(), b.env.Directory) {
				if err == nil {
					_ = jc.UnsetOffice365DefaultDomain(b.t.Context(), b.env.Directory)
					err = jc.DeleteOffice365Domain(b.t.Context(), b.env.Directory, d.ID)
				}
				if err != nil {
					b.t.Fatal(err)
				}
			}
		}, want{void: true, code: "not-approved"}},
		"unlisted": {func(b *bench, _ *flow.Approved) {
			f, err := customers.Parse([]byte(strings.ReplaceAll(b.text, b.env.Domain, "other.example")), "c")
			if err != nil {
				b.t.Fatal(err)
			}
			b.file = f
		}, want{unlisted: true}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, nil, manage)
			look := b.look(t.Context())
			if look.Open == nil {
				t.Fatalf("nothing is proposed: %+v", look.Problem)
			}
			in := b.approved(*look.Open, approve1)
			tt.set(b, &in)
			b.env.ResetLog()
			out := b.run(t.Context(), in)
			if out.Done || out.Sent || b.env.Writes() > 0 {
				t.Errorf("%d writes: %+v", b.env.Writes(), out)
			}
			got := want{busy: out.Busy > 0, void: out.Void, unlisted: out.Unlisted}
			if out.Problem != nil {
				got.code = out.Problem.Code
				t.Log(out.Problem.Text)
			}
			if tt.want != (want{}) && got != tt.want {
				t.Errorf("it is %+v, want %+v", got, tt.want)
			}
			if tt.want == (want{}) && out.Problem == nil {
				t.Error("nothing stands in the way")
			}
			b.clean()
		})
	}
}

func (b *bench) edit(in *flow.Approved, edit func(*approve.Approval)) {
	text, err := b.dir.Load(in.Approval)
	if err != nil {
		b.t.Fatal(err)
	}
	var a approve.Approval
	if err := json.Unmarshal(text, &a); err != nil {
		b.t.Fatal(err)
	}
	edit(&a)
	*in = b.with(in.Open, a)
}

// resign has another act approved, by the right key.
func (b *bench) resign(in *flow.Approved, edit func(*approve.Act)) {
	p, err := b.a.loadProposal(in.Open, b.env.Domain)
	if err != nil {
		b.t.Fatal(err)
	}
	act, err := approve.Of("Contoso", in.Open.Verb, p, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	edit(&act)
	a, err := b.key.Sign(act, nil, approve1, b.roles, b.now())
	if err != nil {
		b.t.Fatal(err)
	}
	*in = b.with(in.Open, a)
}
