package trace

import (
	"context"
	"net/url"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// told are the attributes that are exported as they are.
var told = map[attribute.Key]bool{
	"http.request.method": true, "http.response.status_code": true, "http.request.resend_count": true, "error.type": true,
	"server.address": true, "server.port": true, "network.protocol.name": true, "network.protocol.version": true,
}

// Redact returns an exporter that hands on of each span what may be told, and nothing
// else: no message of an error, no event, no link, no attribute but a few, of a URL the
// template. A span that is not of [Transport] has the name of what made it.
func Redact(next sdk.SpanExporter) sdk.SpanExporter { return redacting{next} }

type redacting struct{ sdk.SpanExporter }

func (r redacting) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	out := make([]sdk.ReadOnlySpan, len(spans))
	for i, s := range spans {
		out[i] = redacted{s}
	}
	return r.SpanExporter.ExportSpans(ctx, out)
}

type redacted struct{ sdk.ReadOnlySpan }

func (r redacted) Name() string {
	if scope := r.InstrumentationScope().Name; scope != otelhttp.ScopeName {
		return scope
	}
	return r.ReadOnlySpan.Name()
}

func (r redacted) Attributes() []attribute.KeyValue {
	var out []attribute.KeyValue
	for _, a := range r.ReadOnlySpan.Attributes() {
		switch {
		case a.Key == "url.full":
			out = append(out, attribute.String("url.full", template(a.Value.AsString())))
		case told[a.Key]:
			out = append(out, a)
		}
	}
	return out
}

func (r redacted) Status() sdk.Status  { return sdk.Status{Code: r.ReadOnlySpan.Status().Code} }
func (r redacted) Events() []sdk.Event { return nil }
func (r redacted) Links() []sdk.Link   { return nil }

// template returns scheme, host and template of a URL.
func template(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return hidden
	}
	return u.Scheme + "://" + u.Host + Template(u)
}
