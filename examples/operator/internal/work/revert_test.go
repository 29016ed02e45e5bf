package work

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"github.com/jcaad/jcaad/examples/operator/internal/data"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
)

// earlier stands for one file.
func earlier(r data.Ref) flow.Earlier {
	sum := sha256.Sum256([]byte("\n" + r.Name + "\n" + r.SHA256 + "\n"))
	return flow.Earlier{Count: 1, SHA256: hex.EncodeToString(sum[:]), First: r.Name, Last: r.Name}
}

// Runs whose reports the workflow does not name any more are undone as well; if one of them is
// gone, or is not what it was, nothing is proposed.
func TestRevertEarlierRuns(t *testing.T) {
	for name, tt := range map[string]struct {
		spoil func(file string) error
		lost  bool
	}{
		"as it was": {func(string) error { return nil }, false},
		"gone":      {os.Remove, true},
		"changed":   {func(file string) error { return os.WriteFile(file, []byte(`{"version":1}`), 0o600) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, nil, manage)
			first := b.federated(t.Context())
			spoilFederation(b)
			look := b.look(t.Context())
			if look.Open == nil {
				t.Fatalf("nothing is proposed: %+v", look.Problem)
			}
			second := b.run(t.Context(), b.approved(*look.Open, approve1))
			if !second.Done || second.Report == nil || second.Report.Name <= first.Report.Name {
				t.Fatalf("the second run: %+v %+v", second, second.Problem)
			}
			if err := tt.spoil(filepath.Join(b.dir.Path(), first.Report.Name)); err != nil {
				t.Fatal(err)
			}
			out, err := b.a.ProposeRevert(t.Context(), flow.ProposeRevertIn{
				Domain: b.env.Domain, Reports: []data.Ref{*second.Report}, Earlier: earlier(*first.Report),
			})
			keep(b, out, err)
			if tt.lost {
				if err != nil || out.Open != nil || out.Problem == nil || out.Problem.Code != "report-lost" {
					t.Errorf("%+v %+v, %v", out, out.Problem, err)
				}
				return
			}
			if err != nil || out.Open == nil {
				t.Fatalf("%+v %+v, %v", out, out.Problem, err)
			}
			if run := b.run(t.Context(), b.approved(*out.Open, approve1, approve2)); !run.Done {
				t.Fatalf("%+v %+v", run, run.Problem)
			}
			if _, ok := b.env.AzureAD.Federation(b.env.Domain); ok || len(b.env.JumpCloud.Applications()) > 0 {
				t.Error("what the first run has made is still there")
			}
			b.clean()
		})
	}
}
