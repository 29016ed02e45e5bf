package trace

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// Environment variables that name a collector; either turns traces on.
const (
	EndpointVariable       = "OTEL_EXPORTER_OTLP_ENDPOINT"
	TracesEndpointVariable = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
)

// Setup sends spans to the collector that the environment names, by OTLP over gRPC, and
// returns what sends the last ones and ends it; that is never nil. Without a collector,
// or with OTEL_SDK_DISABLED=true or OTEL_TRACES_EXPORTER=none, it does nothing. The other
// variables of OpenTelemetry hold as well, such as OTEL_TRACES_SAMPLER and
// OTEL_SERVICE_NAME. A collector that is away stops nothing: spans are dropped. Setup does
// not wait for it. The error shows no value of the environment.
func Setup(ctx context.Context) (shutdown func(context.Context) error, err error) {
	nothing := func(context.Context) error { return nil }
	name, endpoint := TracesEndpointVariable, os.Getenv(TracesEndpointVariable)
	if endpoint == "" {
		name, endpoint = EndpointVariable, os.Getenv(EndpointVariable)
	}
	if endpoint == "" || strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") || os.Getenv("OTEL_TRACES_EXPORTER") == "none" {
		return nothing, nil
	}
	protocol := os.Getenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL")
	if protocol == "" {
		protocol = os.Getenv("OTEL_EXPORTER_OTLP_PROTOCOL")
	}
	if protocol != "" && protocol != "grpc" {
		return nothing, errors.New("trace: the environment asks for another protocol than grpc, which is the only one here: " +
			"unset OTEL_EXPORTER_OTLP_PROTOCOL and name the collector's port for gRPC, mostly 4317")
	}
	if !usable(endpoint) {
		return nothing, fmt.Errorf("trace: %s is not of the form http://host:4317 or https://host:4317", name)
	}
	exporter, err := otlptracegrpc.New(ctx)
	if err != nil {
		return nothing, errors.New("trace: the exporter cannot be made by what the environment says (OTEL_EXPORTER_OTLP_*)")
	}
	// What the environment says goes before.
	r, err := resource.Merge(resource.NewSchemaless(attribute.String("service.name", "jcaad-operator")), resource.Environment())
	if err != nil {
		return nothing, errors.Join(errors.New("trace: OTEL_RESOURCE_ATTRIBUTES cannot be read"), exporter.Shutdown(ctx))
	}
	provider := sdk.NewTracerProvider(sdk.WithBatcher(Redact(exporter)), sdk.WithResource(r))
	otel.SetTracerProvider(provider)
	var once sync.Once
	return func(ctx context.Context) (err error) {
		once.Do(func() { err = provider.Shutdown(ctx) })
		return err
	}, nil
}

func usable(endpoint string) bool {
	if _, _, err := net.SplitHostPort(endpoint); err == nil && !strings.Contains(endpoint, "/") {
		return false // "host:4317" is a URL of the scheme "host"
	}
	u, err := url.Parse(endpoint)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != ""
}
