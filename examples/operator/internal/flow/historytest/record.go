// Package historytest records histories of workflows for tests that replay them.
package historytest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Record writes the history of a run, which may be under way, to a file as JSON; an empty
// runID means the latest run. What tells of the machine is left out, see [Normalise]. A
// history with encrypted payloads is refused, as nobody could replay it. The folder is made,
// and a file that exists is not written over: recorded histories are only added to.
func Record(ctx context.Context, c client.Client, workflowID, runID, file string) error {
	var h historypb.History
	events := c.GetWorkflowHistory(ctx, workflowID, runID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			return fmt.Errorf("the history of %s: %w", workflowID, err)
		}
		h.Events = append(h.Events, e)
	}
	if len(h.Events) == 0 {
		return fmt.Errorf("the history of %s has no events", workflowID)
	}
	clean, err := Normalise(&h)
	if err != nil {
		return fmt.Errorf("the history of %s: %w", workflowID, err)
	}
	b, err := temporalproto.CustomJSONMarshalOptions{Indent: " "}.Marshal(clean)
	if err != nil {
		return fmt.Errorf("the history of %s: %w", workflowID, err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(append(b, '\n'))
	return errors.Join(err, f.Close())
}

// Read reads a history that Record has written.
func Read(file string) (*historypb.History, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h, err := client.HistoryFromJSON(f, client.HistoryJSONOptions{})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return h, nil
}

// dropped are the fields, wherever they are, that tell of a machine, a program or a caller,
// and that a replay does not need.
var dropped = map[protoreflect.Name]bool{
	"identity":                  true,
	"principal":                 true,
	"binary_checksum":           true,
	"stack_trace":               true,
	"worker_version":            true,
	"worker_instance_key":       true,
	"worker_control_task_queue": true,
	"worker_deployment_name":    true,
	"worker_deployment_version": true,
	"deployment":                true,
	"deployment_version":        true,
	"source_version_stamp":      true,
	"inherited_build_id":        true,
}

// Normalise returns a copy of a history without what tells of the machine on which it was
// made: identities of workers and clients, queues of one worker, checksums of programs, stacks
// of errors. It replays as before.
func Normalise(h *historypb.History) (*historypb.History, error) {
	out := proto.CloneOf(h)
	if encrypted := clean(out.ProtoReflect()); encrypted {
		return nil, errors.New("its payloads are encrypted, and it cannot be replayed without the key: record one without")
	}
	return out, nil
}

// clean drops what is to be dropped of a message and all below it, and reports whether a
// payload is encrypted.
func clean(m protoreflect.Message) (encrypted bool) {
	switch p := m.Interface().(type) {
	case *taskqueuepb.TaskQueue:
		if p.GetKind() == enumspb.TASK_QUEUE_KIND_STICKY {
			p.Name, p.NormalName, p.Kind = p.GetNormalName(), "", enumspb.TASK_QUEUE_KIND_NORMAL
		}
	case *commonpb.Payload:
		return string(p.GetMetadata()[converter.MetadataEncoding]) == "binary/encrypted"
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case dropped[f.Name()]:
			m.Clear(f)
		case f.IsMap():
			if f.MapValue().Message() == nil {
				break
			}
			v.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
				encrypted = clean(v.Message()) || encrypted
				return true
			})
		case f.Message() == nil:
		case f.IsList():
			for i := range v.List().Len() {
				encrypted = clean(v.List().Get(i).Message()) || encrypted
			}
		default:
			encrypted = clean(v.Message()) || encrypted
		}
		return true
	})
	return encrypted
}
