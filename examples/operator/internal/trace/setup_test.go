package trace

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel"
	sdk "go.opentelemetry.io/otel/sdk/trace"
)

func TestSetup(t *testing.T) {
	const away = "http://127.0.0.1:1"
	for _, test := range []struct {
		name string
		env  map[string]string
		on   bool
		err  string
	}{
		{name: "nothing"},
		{name: "a collector", env: map[string]string{EndpointVariable: away}, on: true},
		{name: "a collector of traces", env: map[string]string{TracesEndpointVariable: away, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, on: true},
		{name: "off", env: map[string]string{EndpointVariable: away, "OTEL_SDK_DISABLED": "true"}},
		{name: "no exporter", env: map[string]string{EndpointVariable: away, "OTEL_TRACES_EXPORTER": "none"}},
		{name: "another protocol", err: "another protocol",
			env: map[string]string{EndpointVariable: away, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}},
		{name: "no URL", env: map[string]string{EndpointVariable: "canary.example:4317"}, err: "not of the form"},
		{name: "unreadable", env: map[string]string{TracesEndpointVariable: "http://canary:%zz"}, err: TracesEndpointVariable},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, name := range []string{EndpointVariable, TracesEndpointVariable, "OTEL_SDK_DISABLED", "OTEL_TRACES_EXPORTER",
				"OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"} {
				t.Setenv(name, test.env[name])
			}
			nobody := sdk.NewTracerProvider() // which exports nothing
			otel.SetTracerProvider(nobody)
			shutdown, err := Setup(t.Context())
			if (err != nil) != (test.err != "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Fatalf("got %v, want %q", err, test.err)
			}
			if err != nil && strings.Contains(err.Error(), "canary") {
				t.Errorf("the error shows a value: %v", err)
			}
			if shutdown == nil {
				t.Fatal("no shutdown")
			}
			if on := otel.GetTracerProvider() != nobody; on != test.on {
				t.Errorf("on: %t", on)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			for range 2 {
				if err := shutdown(ctx); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// TestExport: spans go to the collector that the environment names.
func TestExport(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.(*net.TCPListener).SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	called := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err == nil {
			_ = c.SetDeadline(time.Now().Add(10 * time.Second))
			_, err = c.Read(make([]byte, 1))
			c.Close()
		}
		called <- err
	}()
	t.Setenv(EndpointVariable, "http://"+l.Addr().String())
	shutdown, err := Setup(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer otel.SetTracerProvider(sdk.NewTracerProvider())
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	resp, err := (&http.Client{Transport: Transport("jumpcloud", nil)}).Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = shutdown(ctx) }()
	if err := <-called; err != nil {
		t.Error(err)
	}
	cancel() // this collector never answers
	<-done
}
