package conformance

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/jcaad/jcaad/aad/aadtest"
)

// things is a description in OpenAPI 3.
const things = `
openapi: 3.0.3
info: {title: things, version: "1"}
servers: [{url: https://things.example/api}]
security: [{token: []}]
paths:
  /things:
    get:
      parameters:
      - {name: limit, in: query, schema: {type: integer, minimum: 1}}
      - {name: kind, in: query, required: true, schema: {type: string, enum: [a, b]}}
      - {name: X-Trace, in: header, schema: {type: string}}
      responses:
        "200":
          description: the list
          headers:
            X-Total-Count: {required: true, schema: {type: integer}}
          content: {application/json: {schema: {type: array, items: {$ref: '#/components/schemas/thing'}}}}
  /things/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string, pattern: '^[a-z0-9]+$'}}]
    put:
      requestBody: {required: true, content: {application/json: {schema: {$ref: '#/components/schemas/thing'}}}}
      responses:
        "200": {description: the thing, content: {application/json: {schema: {$ref: '#/components/schemas/thing'}}}}
    delete:
      responses:
        "204": {description: gone}
components:
  securitySchemes:
    token: {type: http, scheme: bearer}
  schemas:
    base: {type: object, required: [name], properties: {id: {type: string, readOnly: true}, name: {type: string}}}
    thing:
      allOf:
      - $ref: '#/components/schemas/base'
      - type: object
        additionalProperties: true
        properties:
          size: {type: integer, nullable: true}
          tags: {type: array, items: {type: string}}
          at: {type: string, format: date-time}
          made: {$ref: '#/components/schemas/base'}
    special:
      allOf:
      - $ref: '#/components/schemas/thing'
      - type: object
        properties: {colour: {type: string}}
`

// old is one in Swagger 2.0, with extensions where there should be operations.
const old = `{"swagger": "2.0", "info": {"title": "old", "version": "1"}, "host": "old.example", "basePath": "/api/", "schemes": ["https"],
	"consumes": ["application/json"], "produces": ["application/json"],
	"securityDefinitions": {"x-api-key": {"type": "apiKey", "in": "header", "name": "x-api-key"}},
	"paths": {"/users": {"x-tags": ["users"],
		"get": {"security": [{"x-api-key": []}], "parameters": [{"$ref": "#/parameters/a:fields"}],
			"responses": {"200": {"description": "", "schema": {"$ref": "#/definitions/user"}}}},
		"post": {"parameters": [{"in": "body", "name": "body", "schema": {"$ref": "#/definitions/user"}}], "responses": {"201": {"description": ""}}}}},
	"parameters": {"a:fields": {"name": "fields", "in": "query", "type": "array", "items": {"type": "string"}}},
	"definitions": {"user": {"type": "object", "required": ["email"], "properties": {"email": {"type": "string"}, "nick": {"type": "string", "x-nullable": true}}}}}`

// exchangeTest is a request and its answer.
type exchangeTest struct {
	name    string
	request string // method and address
	header  string // more header, "Name: value"
	body    string
	status  int
	answer  string // "" has no type either
	reply   string // more header of the answer
	want    []string
}

const (
	list = "GET https://things.example/api/things?kind=a"
	put  = "PUT https://things.example/api/things/t1"
	del  = "DELETE https://things.example/api/things/t1"
	one  = "X-Total-Count: 1"
)

var exchangeTests = []exchangeTest{
	{name: "all is well", request: list + "&limit=1", header: "X-Trace: 1", answer: `[{"id":"1","name":"n","size":null,"tags":["a"],"at":"2026-01-02T03:04:05Z","made":{"name":"m"}}]`, reply: one},
	{name: "all is well with a body", request: put, body: `{"name":"n","size":1}`, answer: `{"name":"n"}`},
	{name: "all is well without", request: del, status: 204},

	{name: "unknown path", request: "GET https://things.example/api/nothings", answer: `[]`,
		want: []string{"GET https://things.example/api/nothings: request: there is no such operation"}},
	{name: "unknown method", request: "POST https://things.example/api/things", answer: `[]`,
		want: []string{"POST https://things.example/api/things: request: there is no such operation"}},
	{name: "another host", request: "DELETE https://other.example/api/things/t1", status: 204,
		want: []string{"DELETE https://other.example/api/things/t1: request: there is no such operation"}},
	{name: "empty parameter in the path", request: "DELETE https://things.example/api/things/", status: 204,
		want: []string{"DELETE https://things.example/api/things/: request: there is no such operation"}},
	{name: "parameter in the path", request: "DELETE https://things.example/api/things/T%2F1", status: 204,
		want: []string{`things DELETE /things/{id}: request path id: pattern: string doesn't match the regular expression "^[a-z0-9]+$"`}},
	{name: "query that is not described", request: list + "&$top=1", answer: `[]`, reply: one,
		want: []string{"things GET /things: request query $top: not described"}},
	{name: "query of the wrong kind", request: list + "&limit=many", answer: `[]`, reply: one,
		want: []string{"things GET /things: request query limit: "}},
	{name: "query out of bounds", request: list + "&limit=0", answer: `[]`, reply: one,
		want: []string{"things GET /things: request query limit: minimum: "}},
	{name: "query that is none of the values", request: "GET https://things.example/api/things?kind=c", answer: `[]`, reply: one,
		want: []string{"things GET /things: request query kind: enum: "}},
	{name: "query missing", request: "GET https://things.example/api/things", answer: `[]`, reply: one,
		want: []string{"things GET /things: request query kind: value is required"}},
	{name: "header that is not described", request: list, header: "ConsistencyLevel: eventual", answer: `[]`, reply: one,
		want: []string{"things GET /things: request header Consistencylevel: not described"}},
	{name: "no credential", request: list, header: "Authorization: Basic abc", answer: `[]`, reply: one,
		want: []string{"things GET /things: request security: the credential is missing"}},
	{name: "no body", request: put, answer: `{"name":"n"}`,
		want: []string{"things PUT /things/{id}: request body: value is required"}},
	{name: "body of the wrong kind", request: put, body: `{"name":1,"tags":{}}`, answer: `{"name":"n"}`,
		want: []string{"things PUT /things/{id}: request body /name: type: ", "things PUT /things/{id}: request body /tags: type: "}},
	{name: "body without what is required", request: put, body: `{"made":{}}`, answer: `{"name":"n"}`,
		want: []string{`things PUT /things/{id}: request body /made/name: required: `, `things PUT /things/{id}: request body /name: required: `}},
	{name: "body with what can only be read", request: put, body: `{"id":"1","name":"n"}`, answer: `{"name":"n"}`,
		want: []string{"things PUT /things/{id}: request body /id: readOnly: "}},
	{name: "body with more than is described", request: put, body: `{"name":"n","nmae":"n","made":{"name":"m","size":1}}`, answer: `{"name":"n"}`,
		want: []string{"things PUT /things/{id}: request body /made/size: not described", "things PUT /things/{id}: request body /nmae: not described"}},
	{name: "body that is no JSON", request: put, body: `name=n`, answer: `{"name":"n"}`,
		want: []string{"things PUT /things/{id}: request body: "}},
	{name: "body of another type", request: put, header: "Content-Type: text/plain", body: `{"name":"n"}`, answer: `{"name":"n"}`,
		want: []string{`things PUT /things/{id}: request body: header Content-Type has unexpected value "text/plain"`}},
	{name: "body where there should be none", request: del, body: `{}`, status: 204,
		want: []string{"things DELETE /things/{id}: request body: not described"}},

	{name: "status that is not described", request: del, status: 404, answer: `{"message":"Not Found"}`,
		want: []string{"things DELETE /things/{id}: response 404: status is not supported"}},
	{name: "answer of the wrong kind", request: list, answer: `[{"name":"n","size":"1","tags":[1]}]`, reply: one,
		want: []string{"things GET /things: response 200 body /*/size: type: ", "things GET /things: response 200 body /*/tags/*: type: "}},
	{name: "answer that is no list", request: list, answer: `{"results":[]}`, reply: one,
		want: []string{"things GET /things: response 200 body: type: "}},
	{name: "answer with null", request: list, answer: `[{"name":null}]`, reply: one,
		want: []string{"things GET /things: response 200 body /*/name: null: "}},
	{name: "answer without what is required", request: list, answer: `[{"size":1}]`, reply: one,
		want: []string{"things GET /things: response 200 body /*/name: required: "}},
	{name: "answer with more than is described", request: list, answer: `[{"name":"n","colour":"red"}]`, reply: one,
		want: []string{"things GET /things: response 200 body /*/colour: not described"}},
	{name: "answer of a derived type", request: list, answer: `[{"@odata.type":"#special","name":"n","colour":1}]`, reply: one,
		want: []string{"things GET /things: response 200 body /*/@odata.type: not described", "things GET /things: response 200 body /*/colour: type: "}},
	{name: "answer with a wrong time", request: list, answer: `[{"name":"n","at":"yesterday"}]`, reply: one,
		want: []string{"things GET /things: response 200 body /*/at: format: "}},
	{name: "answer that is cut", request: list, answer: `[{"name":`, reply: one,
		want: []string{"things GET /things: response 200 body: "}},
	{name: "answer of another type", request: put, body: `{"name":"n"}`, answer: `<html>`, reply: "Content-Type: text/html",
		want: []string{`things PUT /things/{id}: response 200: response header Content-Type has unexpected value: "text/html"`}},
	{name: "answer without a header", request: list, answer: `[]`,
		want: []string{`things GET /things: response 200: response header "X-Total-Count" missing`}},
	{name: "answer with a wrong header", request: list, answer: `[]`, reply: "X-Total-Count: many",
		want: []string{"things GET /things: response 200: "}},
	{name: "answer where there should be none", request: del, status: 204, answer: `{}`,
		want: []string{"things DELETE /things/{id}: response 204 body: not described"}},

	{name: "the old description, well", request: "GET https://old.example/api/users?fields=a,b", header: "X-Api-Key: k", answer: `{"email":"e","nick":null}`},
	{name: "the old description, wrong request", request: "POST https://old.example/api/users", body: `{"nick":1,"x":1}`, status: 201,
		want: []string{"old POST /users: request body /email: required: ", "old POST /users: request body /nick: type: ", "old POST /users: request body /x: not described"}},
	{name: "the old description, wrong answer", request: "GET https://old.example/api/users", answer: `{"email":null}`,
		want: []string{"old GET /users: request security: x-api-key is missing; there is Authorization: Bearer", "old GET /users: response 200 body /email: null: "}},
}

// TestCatch shows that what is wrong is found, and nothing else.
func TestCatch(t *testing.T) {
	for _, tt := range exchangeTests {
		t.Run(tt.name, func(t *testing.T) {
			check := newChecker(roundTripper(tt.respond), nil, parsed(t, "things", things), parsed(t, "old", old))
			resp, err := check.RoundTrip(tt.make(t))
			if err != nil {
				t.Fatal(err)
			}
			if b, err := io.ReadAll(resp.Body); err != nil || string(b) != tt.answer {
				t.Errorf("the answer arrives as %q (%v), want %q", b, err, tt.answer)
			}
			var got []string
			for _, f := range check.findings {
				got = append(got, f.String())
			}
			slices.Sort(got)
			if !slices.EqualFunc(got, tt.want, strings.HasPrefix) {
				t.Errorf("found\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

func parsed(t *testing.T, name, text string) *description {
	t.Helper()
	d, err := parse(name, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (tt *exchangeTest) make(t *testing.T) *http.Request {
	method, address, _ := strings.Cut(tt.request, " ")
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(tt.body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer t")
	if tt.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	set(r.Header, tt.header)
	return r
}

func set(h http.Header, line string) {
	if name, value, ok := strings.Cut(line, ": "); ok {
		h.Set(name, value)
	}
}

func (tt *exchangeTest) respond(r *http.Request) (*http.Response, error) {
	if b, err := io.ReadAll(r.Body); err != nil || string(b) != tt.body {
		return nil, io.ErrUnexpectedEOF // the request has to arrive as it was sent
	}
	resp := &http.Response{StatusCode: tt.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(tt.answer)), Request: r}
	if tt.status == 0 {
		resp.StatusCode = http.StatusOK
	}
	if tt.answer != "" {
		resp.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
	set(resp.Header, tt.reply)
	return resp, nil
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestUndescribed shows that an operation without a description is compared with
// the schemas that there are.
func TestUndescribed(t *testing.T) {
	d := parsed(t, "things", things)
	o := &route{method: "PUT", base: "https://things.example", path: "/api/others/{id}", desc: d, sends: d.schema("thing"), answers: d.schema("PUT /things/{id}")}
	tt := exchangeTest{request: "PUT https://things.example/api/others/1", body: `{"x":1}`, answer: `{"name":1}`}
	check := newChecker(roundTripper(tt.respond), []*route{o}, d)
	if _, err := check.RoundTrip(tt.make(t)); err != nil {
		t.Fatal(err)
	}
	const operation = "PUT https://things.example/api/others/{id}"
	want := []finding{
		{operation, "request body /name", `required: property "name" is missing`},
		{operation, "request body /x", notDescribed},
		{operation, "response 200 body /name", "type: value must be a string"},
	}
	if !slices.Equal(check.findings, want) || check.driven[operation] != 1 {
		t.Errorf("found %v in %v, want %v", check.findings, check.driven, want)
	}
}

// TestExcused shows that an entry covers what it says, and is missed when it is
// not needed.
func TestExcused(t *testing.T) {
	findings := []finding{
		{"a GET /x", "response 200 body /id", "null: no"},
		{"a GET /x", "response 200 body /id", "type: no"},
		{"a GET /y", "response 200 body /list/*/id", "null: no"},
	}
	known := []mistake{
		{"a GET…", "response 200 body …/id", "null: ", ""},
		{"a GET /y", "… body /list/*/id", "null: ", ""},
		{"a GET /x", "response 200 body", "type: ", ""},
		{"a POST…", "…", "", ""},
	}
	left, unused := excused(findings, known)
	if !slices.Equal(left, findings[1:2]) || !slices.Equal(unused, known[2:]) {
		t.Errorf("left %v, unused %v; want %v and %v", left, unused, findings[1:2], known[2:])
	}
}

// TestCatchReal shows the same with a real description and a real fake, between
// which somebody changes what is sent.
func TestCatchReal(t *testing.T) {
	d := load(t, "graph", "graph-v1.0-trimmed.yaml")
	var tenant aadtest.Server
	tenant.AddDomain("example.com")
	fake := tenant.HTTPClient().Transport
	check := newChecker(roundTripper(func(r *http.Request) (*http.Response, error) {
		resp, err := fake.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		b, err := take(&resp.Body)
		resp.Body = io.NopCloser(strings.NewReader(strings.Replace(string(b), `"isVerified":true`, `"isVerified":"yes","isVerfied":true`, 1)))
		return resp, err
	}), nil, d)
	token, err := tenant.Credential().GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{"https://graph.microsoft.com/.default"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{"", "?$top=some&$page=1"} { // the second one is refused
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://graph.microsoft.com/v1.0/domains/example.com"+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token.Token)
		if _, err := check.RoundTrip(r); err != nil {
			t.Fatal(err)
		}
	}
	for _, where := range []string{"request query $page", "response 200 body /isVerified", "response 200 body /isVerfied"} {
		if !slices.ContainsFunc(check.findings, func(f finding) bool { return f.operation == "graph GET /domains/{domain-id}" && f.where == where }) {
			t.Errorf("%s is wrong and was not found; found %v", where, check.findings)
		}
	}
}
