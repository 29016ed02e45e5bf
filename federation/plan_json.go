package federation

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/jcaad/jcaad/internal/text"
)

const (
	maxPlanSize  = 4 << 20 // some 100 000 names of people
	maxPlanDepth = 32      // a plan has five levels
)

// ParsePlan reads a plan in JSON, as json.Marshal writes one, strictly: a consent
// with a typing error must not look like one that is given, nor a pin that was
// lost like a plan without. Names that a plan does not have, doubled names and
// values of the wrong kind are refused, all of them in one [*PlanError]. Capital
// and small letters of a name are told apart. A number is no text.
//
// An object or a list may be null, which is as if it was left out, and so is a list
// without items; nothing else may be null. A byte order mark is skipped; behind the
// plan nothing may follow. Up to 4 MiB are read.
//
// Only the form is judged here: [Plan.Validate] judges what the plan says. With an
// error the plan is the zero one. Nothing is asked of any service.
func ParsePlan(b []byte) (Plan, error) {
	b = bytes.TrimPrefix(b, []byte("\ufeff"))
	r := jsonReader{b: b, d: json.NewDecoder(bytes.NewReader(b)), line: 1, column: 1}
	r.d.UseNumber()
	if p := r.check(); p != nil {
		return Plan{}, &PlanError{[]PlanProblem{*p}}
	}
	root := r.value(0)
	if r.deep != nil {
		return Plan{}, &PlanError{[]PlanProblem{*r.deep}}
	}
	var d planDecoder
	p := d.plan(root)
	if r.skip(" \t\r\n"); r.at < len(b) {
		d.problems = append(d.problems, r.problem("more follows behind the end of the plan; a file holds one"))
	}
	if err := d.err(); err != nil {
		return Plan{}, err
	}
	return p, nil
}

// jsonReader makes nodes of JSON.
type jsonReader struct {
	b []byte
	d *json.Decoder

	at           int // everything before it has been counted
	line, column int // where at is, in characters, from 1

	deep *PlanProblem
}

// check reports why b cannot be read at all. What follows behind the first value
// is not looked at.
func (r *jsonReader) check() *PlanProblem {
	if len(r.b) > maxPlanSize {
		return &PlanProblem{Text: fmt.Sprintf("the file has %d bytes; a plan may have %d", len(r.b), maxPlanSize)}
	}
	at, says := -1, ""
	var raw json.RawMessage
	var syntax *json.SyntaxError
	switch err := json.NewDecoder(bytes.NewReader(r.b)).Decode(&raw); {
	case errors.Is(err, io.EOF):
		return &PlanProblem{Text: "the plan is empty"}
	case errors.Is(err, io.ErrUnexpectedEOF):
		at, says = len(r.b), "the JSON ends too early: something is not closed"
	case errors.As(err, &syntax):
		at, says = int(syntax.Offset)-1, "this is no JSON: "+text.OneLine(syntax.Error(), 80)
	case err != nil:
		return &PlanProblem{Text: "this is no JSON"}
	}
	if !utf8.Valid(r.b) {
		for at = 0; at < len(r.b); {
			c, size := utf8.DecodeRune(r.b[at:])
			if c == utf8.RuneError && size == 1 {
				break
			}
			at += size
		}
		says = "the file is not UTF-8"
	}
	if at < 0 {
		return nil
	}
	r.moveTo(min(max(at, 0), len(r.b)))
	p := r.problem(says)
	return &p
}

// moveTo counts lines up to the offset at.
func (r *jsonReader) moveTo(at int) {
	for ; r.at < at; r.at++ {
		switch c := r.b[r.at]; {
		case c == '\n':
			r.line, r.column = r.line+1, 1
		case utf8.RuneStart(c):
			r.column++
		}
	}
}

func (r *jsonReader) problem(says string) PlanProblem {
	return PlanProblem{Line: r.line, Column: r.column, Text: says}
}

// skip goes over what is between the last token and the next.
func (r *jsonReader) skip(between string) {
	at := int(r.d.InputOffset())
	for at < len(r.b) && strings.IndexByte(between, r.b[at]) >= 0 {
		at++
	}
	r.moveTo(at)
}

// value reads the next value, which check has seen to be valid.
func (r *jsonReader) value(depth int) *jsonNode {
	r.skip(" \t\r\n,:")
	n := &jsonNode{kind: NodeNull, line: r.line, column: r.column}
	if depth > maxPlanDepth {
		if r.deep == nil {
			p := r.problem(fmt.Sprintf("more than %d lists and objects are nested here", maxPlanDepth))
			r.deep = &p
		}
		return n
	}
	tok, err := r.d.Token()
	if err != nil {
		return n
	}
	switch v := tok.(type) {
	case string:
		n.kind, n.value = NodeText, v
	case json.Number:
		n.kind, n.value = NodeNumber, v.String()
	case bool:
		n.kind, n.value = NodeBool, fmt.Sprint(v)
	case json.Delim:
		n.kind = NodeList
		if v == '{' {
			n.kind = NodeObject
		}
		for r.d.More() && r.deep == nil {
			n.children = append(n.children, r.value(depth+1))
		}
		if r.deep == nil {
			_, _ = r.d.Token() // the closing bracket
		}
	}
	return n
}

// jsonNode is a [Node] of JSON.
type jsonNode struct {
	kind         NodeKind
	value        string
	line, column int
	children     []Node
}

func (n *jsonNode) Kind() NodeKind   { return n.kind }
func (n *jsonNode) Value() string    { return n.value }
func (n *jsonNode) Line() int        { return n.line }
func (n *jsonNode) Column() int      { return n.column }
func (n *jsonNode) Children() []Node { return n.children }
