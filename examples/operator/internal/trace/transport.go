package trace

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/propagation"
)

// Transport makes a span of each request that goes through base, named by its method, the
// service and the template of its path. Without [Setup], or without a collector, there
// is none. A nil base is [http.DefaultTransport].
func Transport(service string, base http.RoundTripper) http.RoundTripper {
	return transport(service, base)
}

func transport(service string, base http.RoundTripper, more ...otelhttp.Option) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	options := append([]otelhttp.Option{
		otelhttp.WithPropagators(propagation.NewCompositeTextMapPropagator()), // no header is added
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string {
			return r.Method + " " + service + " " + r.URL.Path
		}),
	}, more...)
	return &outer{otelhttp.NewTransport(inner{base}, options...)}
}

// exchange is a request as it is sent, and the error as it came. What makes the span
// sees neither.
type exchange struct {
	url  *url.URL
	head http.Header
	host string
	err  error // of the round trip
	read error // of the body
}

type exchangeKey struct{}

// outer hides what names somebody from the transport that makes the span.
type outer struct{ spans http.RoundTripper }

func (o *outer) RoundTrip(r *http.Request) (*http.Response, error) {
	x := &exchange{url: r.URL, head: r.Header, host: r.Host}
	shown := r.Clone(context.WithValue(r.Context(), exchangeKey{}, x))
	// The path is a template, which is no path to be sent.
	shown.URL = &url.URL{Scheme: r.URL.Scheme, Host: r.URL.Host, Path: Template(r.URL)}
	shown.Header = make(http.Header)
	resp, err := o.spans.RoundTrip(shown)
	if err != nil {
		if x.err != nil {
			err = x.err
		}
		return nil, err
	}
	resp.Body = &body{ReadCloser: resp.Body, x: x}
	resp.Request = r
	return resp, nil
}

// inner sends the request as it was.
type inner struct{ base http.RoundTripper }

func (i inner) RoundTrip(r *http.Request) (*http.Response, error) {
	x, ok := r.Context().Value(exchangeKey{}).(*exchange)
	if !ok {
		return nil, errors.New("trace: a request that did not come through Transport")
	}
	real := r.Clone(r.Context())
	real.URL, real.Header, real.Host = x.url, x.head, x.host
	resp, err := i.base.RoundTrip(real)
	if err != nil {
		x.err = err
		return nil, errHidden
	}
	resp.Body = &innerBody{ReadCloser: resp.Body, x: x}
	return resp, nil
}

// errHidden stands in spans for an error, whose text could show an address.
var errHidden = errors.New("no answer")

// innerBody keeps the error of a read from the span, body gives it back.
type innerBody struct {
	io.ReadCloser
	x *exchange
}

func (b *innerBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF { // bodies return io.EOF itself
		b.x.read, err = err, errHidden
	}
	return n, err
}

type body struct {
	io.ReadCloser
	x *exchange
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && b.x.read != nil {
		err = b.x.read
	}
	return n, err
}
