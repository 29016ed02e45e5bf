package historytest

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	historypb "go.temporal.io/api/history/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	updatepb "go.temporal.io/api/update/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/proto"
)

// machine is what must not be in a file.
const machine = "1@canary-host@"

// told is a history that tells of the machine in all the ways that there are.
func told(encoding string) *historypb.History {
	payload := &commonpb.Payload{Metadata: map[string][]byte{"encoding": []byte(encoding)}, Data: []byte(`"x"`)}
	payloads := &commonpb.Payloads{Payloads: []*commonpb.Payload{payload}}
	sticky := &taskqueuepb.TaskQueue{Name: machine + "q", NormalName: "operator", Kind: enumspb.TASK_QUEUE_KIND_STICKY}
	return &historypb.History{Events: []*historypb.HistoryEvent{
		{EventId: 1, EventType: enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED,
			Attributes: &historypb.HistoryEvent_WorkflowExecutionStartedEventAttributes{
				WorkflowExecutionStartedEventAttributes: &historypb.WorkflowExecutionStartedEventAttributes{
					Identity: machine, Input: payloads, WorkflowType: &commonpb.WorkflowType{Name: "Batch"},
					Header: &commonpb.Header{Fields: map[string]*commonpb.Payload{"h": {}}},
				}}},
		{EventId: 2, EventType: enumspb.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED,
			Attributes: &historypb.HistoryEvent_WorkflowTaskScheduledEventAttributes{
				WorkflowTaskScheduledEventAttributes: &historypb.WorkflowTaskScheduledEventAttributes{TaskQueue: sticky}}},
		{EventId: 3, EventType: enumspb.EVENT_TYPE_ACTIVITY_TASK_STARTED,
			Attributes: &historypb.HistoryEvent_ActivityTaskStartedEventAttributes{
				ActivityTaskStartedEventAttributes: &historypb.ActivityTaskStartedEventAttributes{
					LastFailure: &failurepb.Failure{Message: "kept", Cause: &failurepb.Failure{StackTrace: machine}}}}},
		{EventId: 4, EventType: enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED,
			Attributes: &historypb.HistoryEvent_WorkflowExecutionUpdateAcceptedEventAttributes{
				WorkflowExecutionUpdateAcceptedEventAttributes: &historypb.WorkflowExecutionUpdateAcceptedEventAttributes{
					AcceptedRequest: &updatepb.Request{Meta: &updatepb.Meta{UpdateId: "u", Identity: machine}}}}},
	}}
}

// served is a client that has one history.
type served struct {
	client.Client
	h *historypb.History
	n int
}

func (s *served) GetWorkflowHistory(context.Context, string, string, bool, enumspb.HistoryEventFilterType) client.HistoryEventIterator {
	return s
}
func (s *served) HasNext() bool { return s.n < len(s.h.GetEvents()) }
func (s *served) Next() (*historypb.HistoryEvent, error) {
	s.n++
	return s.h.Events[s.n-1], nil
}

func TestRecord(t *testing.T) {
	h := told("json/plain")
	before := proto.CloneOf(h)
	file := filepath.Join(t.TempDir(), "v1", "batch.json")
	if err := Record(t.Context(), &served{h: h}, "batch/b", "", file); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), "canary") || !strings.Contains(string(b), "kept") {
		t.Errorf("written: %s", b)
	}
	if !proto.Equal(h, before) {
		t.Error("what the client has was changed")
	}
	got, err := Read(file)
	if err != nil {
		t.Fatal(err)
	}
	if want, err := Normalise(h); err != nil || !proto.Equal(got, want) || len(got.GetEvents()) != 4 {
		t.Errorf("read: %v, %v", got, err)
	}
	if q := got.GetEvents()[1].GetWorkflowTaskScheduledEventAttributes().GetTaskQueue(); q.GetName() != "operator" {
		t.Errorf("the queue is %v", q)
	}
	if err := Record(t.Context(), &served{h: h}, "batch/b", "", file); err == nil {
		t.Error("a recorded history is written over")
	}
}

func TestRecordRefused(t *testing.T) {
	for name, c := range map[string]struct {
		h    *historypb.History
		want string
	}{
		"encrypted": {told("binary/encrypted"), "encrypted"},
		"no events": {&historypb.History{}, "no events"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "h.json")
			err := Record(t.Context(), &served{h: c.h}, "batch/b", "", file)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v, not one with %q", err, c.want)
			}
			if _, err := os.Stat(file); err == nil {
				t.Error("a file was written")
			}
		})
	}
}
