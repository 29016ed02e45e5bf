//go:build !race

package e2e

import (
	"context"
	"net"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
)

// spans is a collector of traces that keeps what it is told, as JSON.
type spans struct {
	collector.UnimplementedTraceServiceServer
	mu   sync.Mutex
	text string
}

// collect starts a collector, and returns its address.
func collect(t *testing.T) (_ *spans, addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, server := &spans{}, grpc.NewServer()
	collector.RegisterTraceServiceServer(server, s)
	go func() { _ = server.Serve(l) }() // who hears of no span sees that it has ended
	t.Cleanup(server.Stop)
	return s, "http://" + l.Addr().String()
}

// Export implements [collector.TraceServiceServer].
func (s *spans) Export(_ context.Context, in *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	b, err := protojson.Marshal(in)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text += string(b) + "\n"
	return &collector.ExportTraceServiceResponse{}, nil
}

// String returns all that was told.
func (s *spans) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text
}
