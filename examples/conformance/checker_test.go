package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
)

// finding is a difference between what was sent and what is described.
type finding struct {
	operation string // "graph GET /users/{user-id}"; of an unknown one the address
	where     string // "request query $top", "response 200 body /value/*/id"
	what      string
}

func (f finding) String() string { return f.operation + ": " + f.where + ": " + f.what }

// checker sends requests on and compares them and their answers with the
// descriptions. It changes neither.
type checker struct {
	next   http.RoundTripper
	routes []*route

	mu       sync.Mutex
	driven   map[string]int // by operation
	findings []finding
}

// newChecker returns a checker for these descriptions, and for operations that
// they do not have.
func newChecker(next http.RoundTripper, absent []*route, descriptions ...*description) *checker {
	c := &checker{next: next, routes: slices.Clone(absent), driven: map[string]int{}}
	for _, d := range descriptions {
		c.routes = append(c.routes, d.routes()...)
	}
	return c
}

// RoundTrip implements http.RoundTripper.
func (c *checker) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := take(&r.Body)
	if err != nil {
		return nil, err
	}
	found, params := find(c.routes, r)
	if found == nil {
		c.add(finding{r.Method + " " + r.URL.Scheme + "://" + r.URL.Host + r.URL.Path, "request", "there is no such operation"})
		return c.next.RoundTrip(r)
	}
	x := &exchange{checker: c, route: found}
	c.drove(x.operation())
	if found.route != nil {
		x.request(r, params, body)
	} else {
		x.body("request body", found.sends, body, openapi3.VisitAsRequest())
	}
	resp, err := c.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	answer, err := take(&resp.Body)
	if err != nil {
		return nil, err
	}
	if found.route != nil {
		x.response(resp, answer)
	} else if resp.StatusCode < 300 {
		x.body(fmt.Sprintf("response %d body", resp.StatusCode), found.answers, answer, openapi3.VisitAsResponse())
	}
	return resp, nil
}

// take reads a body and puts it back.
func take(body *io.ReadCloser) ([]byte, error) {
	if *body == nil || *body == http.NoBody {
		return nil, nil
	}
	b, err := io.ReadAll(*body)
	if cerr := (*body).Close(); err == nil {
		err = cerr
	}
	*body = io.NopCloser(bytes.NewReader(b))
	return b, err
}

func (c *checker) add(f finding) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Contains(c.findings, f) {
		c.findings = append(c.findings, f)
	}
}

func (c *checker) drove(operation string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.driven[operation]++
}

// exchange is a request and its answer.
type exchange struct {
	*checker
	route *route
	input *openapi3filter.RequestValidationInput
}

func (x *exchange) operation() string {
	o := x.route
	if o.route == nil {
		return o.method + " " + o.base + o.path
	}
	return o.desc.name + " " + o.method + " " + o.path
}

func (x *exchange) found(where, format string, args ...any) {
	x.add(finding{x.operation(), where, fmt.Sprintf(format, args...)})
}

// standard are the headers that need no description: HTTP's own.
var standard = []string{"Accept", "Accept-Encoding", "Authorization", "Content-Length", "Content-Type", "User-Agent"}

func (x *exchange) request(r *http.Request, params map[string]string, body []byte) {
	copied := r.Clone(r.Context())
	copied.Body, copied.GetBody = io.NopCloser(bytes.NewReader(body)), nil
	copied.ContentLength = int64(len(body))
	x.input = &openapi3filter.RequestValidationInput{
		Request: copied, PathParams: params, Route: x.route.route, QueryParams: r.URL.Query(), Options: options(),
	}
	x.report("request", openapi3filter.ValidateRequest(r.Context(), x.input))
	for name := range r.URL.Query() {
		if !x.declares("query", name) {
			x.found("request query "+name, "not described")
		}
	}
	for name := range r.Header {
		if !slices.Contains(standard, name) && !x.declares("header", name) {
			x.found("request header "+name, "not described")
		}
	}
	operation := x.route.route.Operation
	if len(body) == 0 {
		return
	}
	if operation.RequestBody == nil {
		x.found("request body", "not described")
		return
	}
	if media := operation.RequestBody.Value.Content.Get(r.Header.Get("Content-Type")); media != nil && media.Schema != nil {
		x.properties("request body", media.Schema.Value, body)
	}
}

func (x *exchange) response(resp *http.Response, body []byte) {
	where := fmt.Sprintf("response %d", resp.StatusCode)
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: x.input, Status: resp.StatusCode, Header: resp.Header, Options: options(),
	}
	input.SetBodyBytes(body)
	x.report(where, openapi3filter.ValidateResponse(x.input.Request.Context(), input))
	responses := x.route.route.Operation.Responses
	answer := responses.Status(resp.StatusCode)
	if answer == nil {
		answer = responses.Default()
	}
	if answer == nil {
		return // that was reported
	}
	if len(answer.Value.Content) == 0 {
		if len(body) > 0 {
			x.found(where+" body", "not described")
		}
		return
	}
	if media := answer.Value.Content.Get(resp.Header.Get("Content-Type")); media != nil && media.Schema != nil {
		x.properties(where+" body", media.Schema.Value, body)
	}
}

// body compares a body with a schema that no operation leads to.
func (x *exchange) body(where string, schema *openapi3.Schema, body []byte, as openapi3.SchemaValidationOption) {
	if schema == nil {
		return
	}
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		x.found(where, "%v", err)
		return
	}
	x.report(where, schema.VisitJSON(value, as, openapi3.MultiErrors()))
	x.properties(where, schema, body)
}

// declares reports whether the operation has a parameter.
func (x *exchange) declares(in, name string) bool {
	r := x.route.route
	for _, p := range slices.Concat(r.Operation.Parameters, r.PathItem.Parameters) {
		if p.Value.In == in && (p.Value.Name == name || in == "header" && strings.EqualFold(p.Value.Name, name)) {
			return true
		}
	}
	for _, s := range x.route.desc.doc.Components.SecuritySchemes {
		if s.Value.Type == "apiKey" && s.Value.In == in && strings.EqualFold(s.Value.Name, name) {
			return true
		}
	}
	return false
}

func options() *openapi3filter.Options {
	return &openapi3filter.Options{
		MultiError:                        true,
		IncludeResponseStatus:             true,
		RejectWhenRequestBodyNotSpecified: false, // reported by request
		SkipSettingDefaults:               true,
		AuthenticationFunc:                authenticated,
	}
}

// authenticated demands the credential that a description demands.
func authenticated(_ context.Context, in *openapi3filter.AuthenticationInput) error {
	h := in.RequestValidationInput.Request.Header
	switch s := in.SecurityScheme; {
	case s.Type == "apiKey" && s.In == "header":
		if h.Get(s.Name) != "" {
			return nil
		}
		kind, _, _ := strings.Cut(h.Get("Authorization"), " ")
		return fmt.Errorf("%s is missing; there is Authorization: %s", s.Name, kind)
	case s.Type == "oauth2", s.Type == "http" && s.Scheme == "bearer":
		if token, ok := strings.CutPrefix(h.Get("Authorization"), "Bearer "); ok && token != "" {
			return nil
		}
	}
	return errors.New("the credential is missing")
}
