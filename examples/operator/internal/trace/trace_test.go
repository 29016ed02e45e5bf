package trace

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

func TestTemplate(t *testing.T) {
	for _, test := range []struct{ path, want string }{
		{"", "/"},
		{"/", "/"},
		{"/v1.0/users/ada%40contoso.example", "/v1.0/users/{id}"},
		{"/v1.0/users/ada", "/v1.0/users/{id}"},
		{"/v1.0/users/ada%2Fdomains", "/v1.0/users/{id}"},
		{"/v1.0/domains/contoso.example/federationConfiguration/6ae6a34d", "/v1.0/domains/{id}/federationConfiguration/{id}"},
		{"/common/userrealm/ada@contoso.example", "/common/userrealm/{id}"},
		{"/7b1f2c7e-0b0a-4b6e-9f0e-3f6a2f0c9d11/oauth2/v2.0/token", "/{id}/oauth2/v2.0/token"},
		{"/api/v2/office365s/5f0c/translationrules/1/", "/api/v2/office365s/{id}/translationrules/{id}"},
		{"/api//users", "/api//users"},
		{strings.Repeat("/users", 20), strings.Repeat("/users", 12) + "/…"},
	} {
		u, err := url.Parse("https://host" + test.path + "?ada=1")
		if err != nil {
			t.Fatal(err)
		}
		if got := Template(u); got != test.want {
			t.Errorf("%s: got %s, want %s", test.path, got, test.want)
		}
	}
}

// everything returns the text of all that is known of spans.
func everything(t *testing.T, spans tracetest.SpanStubs) string {
	t.Helper()
	b, err := json.Marshal(spans)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s %+v", b, spans)
}

var canaries = []string{"canary", "ada@", "ada%40", "contoso", "Bearer"}

// recorder keeps the spans as they were made, and as they are exported.
func recorder(t *testing.T) (*sdk.TracerProvider, *tracetest.InMemoryExporter, *tracetest.InMemoryExporter) {
	made, exported := tracetest.NewInMemoryExporter(), tracetest.NewInMemoryExporter()
	p := sdk.NewTracerProvider(sdk.WithSyncer(made), sdk.WithSyncer(Redact(exported)))
	t.Cleanup(func() { _ = p.Shutdown(context.Background()) })
	return p, made, exported
}

func TestTransport(t *testing.T) {
	errCanary := errors.New("canary-error of ada@contoso.example")
	for _, test := range []struct {
		name     string
		fail     error // of the round trip
		readFail error
		status   int
		want     codes.Code
	}{
		{name: "good", status: http.StatusOK},
		{name: "refused", status: http.StatusForbidden, want: codes.Error},
		{name: "no answer", fail: errCanary, want: codes.Error},
		{name: "half an answer", status: http.StatusOK, readFail: errCanary, want: codes.Error},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, made, exported := recorder(t)
			asked := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked++
				body, _ := io.ReadAll(r.Body)
				if r.Method != "POST" || r.RequestURI != "/v1.0/users/ada%40contoso.example/revokeSignInSessions?$filter=canary-query" ||
					string(body) != "canary-body" || r.Header.Get("Authorization") != "Bearer canary-token" || r.Host != "canary-host.example" {
					t.Errorf("it was changed: %s %s %v %s", r.Method, r.RequestURI, r.Header, body)
				}
				if len(r.Header) != 4 { // Accept-Encoding, Authorization, Content-Length, User-Agent
					t.Errorf("headers were added: %v", r.Header)
				}
				w.WriteHeader(test.status)
				fmt.Fprint(w, "canary-answer")
			}))
			defer server.Close()
			base := roundTripper(func(r *http.Request) (*http.Response, error) {
				if test.fail != nil {
					return nil, test.fail
				}
				resp, err := http.DefaultTransport.RoundTrip(r)
				if err == nil && test.readFail != nil {
					resp.Body = failing{resp.Body, test.readFail}
				}
				return resp, err
			})
			req, err := http.NewRequestWithContext(t.Context(), "POST",
				server.URL+"/v1.0/users/ada%40contoso.example/revokeSignInSessions?$filter=canary-query", strings.NewReader("canary-body"))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer canary-token")
			req.Header.Set("User-Agent", "canary-agent")
			req.Host = "canary-host.example"
			client := &http.Client{Transport: transport("azuread", base, otelhttp.WithTracerProvider(p))}
			resp, err := client.Do(req)
			if !errors.Is(err, test.fail) || test.fail == nil && err != nil {
				t.Fatalf("got %v, want %v", err, test.fail)
			}
			if err == nil {
				body, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != test.readFail || err == nil && string(body) != "canary-answer" ||
					resp.StatusCode != test.status || resp.Request.URL != req.URL {
					t.Errorf("got %d %q, %v", resp.StatusCode, body, err)
				}
				if asked != 1 {
					t.Errorf("asked %d times", asked)
				}
			}
			for _, spans := range []tracetest.SpanStubs{made.GetSpans(), exported.GetSpans()} {
				if len(spans) != 1 {
					t.Fatalf("%d spans", len(spans))
				}
				if got := spans[0].Name; got != "POST azuread /v1.0/users/{id}/revokeSignInSessions" {
					t.Errorf("name: %s", got)
				}
				if got := spans[0].Status.Code; got != test.want {
					t.Errorf("status: %v, want %v", got, test.want)
				}
				text := everything(t, spans)
				for _, c := range canaries {
					if strings.Contains(text, c) {
						t.Errorf("%s in %s", c, text)
					}
				}
			}
			attributes := map[string]string{}
			for _, a := range exported.GetSpans()[0].Attributes {
				attributes[string(a.Key)] = a.Value.String()
			}
			if got, want := attributes["url.full"], server.URL+"/v1.0/users/{id}/revokeSignInSessions"; got != want {
				t.Errorf("url.full: %s, want %s", got, want)
			}
			if want := fmt.Sprint(test.status); test.fail == nil && attributes["http.response.status_code"] != want {
				t.Errorf("status code: %v, want %s", attributes, want)
			}
		})
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

type failing struct {
	io.ReadCloser
	err error
}

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// TestRedact: spans of others tell nothing, whatever is in them.
func TestRedact(t *testing.T) {
	p, made, exported := recorder(t)
	ctx, first := p.Tracer("someone").Start(t.Context(), "canary-name")
	first.End()
	_, s := p.Tracer("someone").Start(ctx, "GET /users/canary-name")
	s.SetAttributes(attribute.String("url.full", "https://canary-user:canary-password@host/users/canary-id?canary-query#canary"),
		attribute.String("url.query", "canary-query"), attribute.String("enduser.id", "ada@contoso.example"),
		attribute.String("http.request.method", "GET"))
	s.RecordError(errors.New("canary-error"))
	s.SetStatus(codes.Error, "canary-error")
	s.End()
	if !strings.Contains(everything(t, made.GetSpans()), "canary-error") {
		t.Fatal("the canaries were not in the span")
	}
	spans := exported.GetSpans()
	if len(spans) != 2 {
		t.Fatalf("%d spans", len(spans))
	}
	text := everything(t, spans)
	for _, c := range canaries {
		if strings.Contains(text, c) {
			t.Errorf("%s in %s", c, text)
		}
	}
	want := []attribute.KeyValue{attribute.String("url.full", "https://host/users/{id}"), attribute.String("http.request.method", "GET")}
	if diff := cmp.Diff(fmt.Sprint(want), fmt.Sprint(spans[1].Attributes)); diff != "" {
		t.Error(diff)
	}
	if spans[1].Name != "someone" || spans[1].Parent.SpanID() != spans[0].SpanContext.SpanID() {
		t.Errorf("got %s of %v", spans[1].Name, spans[1].Parent)
	}
}
