//go:build !race

package e2e

import (
	"context"
	"strings"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protopath"
	"google.golang.org/protobuf/reflect/protorange"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/jcaad/jcaad/examples/operator/internal/flow"
)

// What may be kept of a workflow.
const (
	mostEvents  = 2000      // of a run
	mostBytes   = 300 << 10 // of all runs of a domain
	mostRun     = 2 << 20   // of a run of anything
	mostPayload = 32 << 10
)

// histories asserts how long the histories are: all that is kept of each domain, and
// what else there is.
func (p *program) histories(c client.Client, domains int) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	bytes := make(map[string]int) // by workflow
	var runs, longest, payload int
	in := &workflowservice.ListWorkflowExecutionsRequest{PageSize: 500}
	for {
		out, err := c.ListWorkflow(ctx, in)
		if err != nil {
			p.t.Fatal(err)
		}
		for _, e := range out.GetExecutions() {
			id, events, size := e.GetExecution().GetWorkflowId(), 0, 0
			h := c.GetWorkflowHistory(ctx, id, e.GetExecution().GetRunId(), false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
			for h.HasNext() {
				event, err := h.Next()
				if err != nil {
					p.t.Fatalf("%s: %v", id, err)
				}
				events++
				size += proto.Size(event)
				largest, err := largestPayload(event)
				if err != nil {
					p.t.Fatal(err)
				}
				if payload = max(payload, largest); largest > mostPayload {
					p.t.Errorf("%s: %v has a payload of %d bytes", id, event.GetEventType(), largest)
				}
			}
			if events > mostEvents || size > mostRun {
				p.t.Errorf("%s: a run has %d events, %d bytes", id, events, size)
			}
			runs++
			longest = max(longest, events)
			bytes[id] += size
		}
		if in.NextPageToken = out.GetNextPageToken(); len(in.NextPageToken) == 0 {
			break
		}
	}
	found, most := 0, 0
	for id, size := range bytes {
		if !strings.HasPrefix(id, flow.DomainID("")) {
			continue
		}
		found++
		if most = max(most, size); size > mostBytes {
			p.t.Errorf("%s has a history of %d bytes", id, size)
		}
	}
	if found != domains {
		p.t.Errorf("there are histories of %d domains, want %d", found, domains)
	}
	p.t.Logf("%d workflows in %d runs: at most %d events a run, %d KiB a domain, %d bytes a payload",
		len(bytes), runs, longest, most>>10, payload)
}

// largestPayload returns the size of the largest payload of a message.
func largestPayload(m proto.Message) (most int, err error) {
	err = protorange.Range(m.ProtoReflect(), func(v protopath.Values) error {
		if m, ok := v.Index(-1).Value.Interface().(protoreflect.Message); ok {
			if payload, ok := m.Interface().(*commonpb.Payload); ok {
				most = max(most, proto.Size(payload))
			}
		}
		return nil
	})
	return most, err
}
