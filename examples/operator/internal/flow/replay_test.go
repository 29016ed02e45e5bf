package flow

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/jcaad/jcaad/examples/operator/internal/flow/historytest"
)

// histories are the recorded ones, of all versions. Files are only added: as long as somebody
// may have a workflow open that an earlier version began, this one must go on with it.
func histories(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "histories", "*", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("no history was recorded")
	}
	return files
}

func TestReplay(t *testing.T) {
	types := map[string]int{}
	for _, file := range histories(t) {
		t.Run(strings.TrimPrefix(filepath.ToSlash(file), "testdata/histories/"), func(t *testing.T) {
			h, err := historytest.Read(file)
			if err != nil {
				t.Fatal(err)
			}
			name := h.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes().GetWorkflowType().GetName()
			types[name]++
			w := &Workflows{}
			r := worker.NewWorkflowReplayer()
			r.RegisterWorkflow(w.Domain)
			r.RegisterWorkflow(w.Rotation)
			r.RegisterWorkflow(w.Batch)
			if err := r.ReplayWorkflowHistory(rotationSilent{}, h); err != nil {
				t.Errorf("a %s of an earlier version does not go on: %v", name, err)
			}
		})
	}
	for _, name := range []string{"Domain", "Rotation", "Batch"} {
		if types[name] == 0 {
			t.Errorf("there is no history of a %s", name)
		}
	}
}

// What makes other commands than a history has is found.
func TestReplayFindsChanges(t *testing.T) {
	other := func(ctx workflow.Context, _ map[string]any) error { return workflow.Sleep(ctx, 1) }
	for _, file := range histories(t) {
		h, err := historytest.Read(file)
		if err != nil {
			t.Fatal(err)
		}
		name := h.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes().GetWorkflowType().GetName()
		r := worker.NewWorkflowReplayer()
		r.RegisterWorkflowWithOptions(other, workflow.RegisterOptions{Name: name})
		if err := r.ReplayWorkflowHistory(rotationSilent{}, h); err == nil {
			t.Errorf("%s is replayed by a workflow that does something else", file)
		}
	}
}

// No history tells where it was recorded.
func TestHistoriesNameNoMachine(t *testing.T) {
	for _, file := range histories(t) {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{"identity", "stackTrace", "binaryChecksum", "STICKY", "workerVersion", "/home/", "/root/", "/tmp/"} {
			if bytes.Contains(b, []byte(word)) {
				t.Errorf("%s has %q", file, word)
			}
		}
	}
}
