package federation_test

import (
	"errors"
	"fmt"

	"github.com/jcaad/jcaad/federation"
)

// A plan out of a file: whatever is wrong with it is told at once, and where.
func ExampleParsePlan() {
	_, err := federation.ParsePlan([]byte(`{
  "domain": "example.com",
  "groups": [{"name": 123}],
  "consent": {"lockout": {"atMost": 3}}
}`))
	var bad *federation.PlanError
	if errors.As(err, &bad) {
		for _, p := range bad.Problems {
			fmt.Println(p)
		}
	}

	plan, err := federation.ParsePlan([]byte(`{"domain": "example.com", "groups": [{"name": "123"}]}`))
	fmt.Println(plan.Groups[0].Name, err)
	// Output:
	// line 3, column 23: groups[0].name: text is wanted, this is 123
	// line 4, column 15: consent.lockout: no such field; did you mean "lockOut"? Small and capital letters are told apart
	// 123 <nil>
}

// A property is a value in a format of one's own: a name, and what it holds.
type property struct {
	kind     federation.NodeKind
	value    string
	line     int
	children []federation.Node
}

func (p property) Kind() federation.NodeKind   { return p.kind }
func (p property) Value() string               { return p.value }
func (p property) Line() int                   { return p.line }
func (p property) Column() int                 { return 0 }
func (p property) Children() []federation.Node { return p.children }
func text(line int, value string) federation.Node {
	return property{federation.NodeText, value, line, nil}
}

// A plan in another format is read as strictly, out of the nodes of its reader.
func ExampleParsePlanNode() {
	plan := func(key string) federation.Node {
		return property{federation.NodeObject, "", 1, []federation.Node{
			text(1, "domain"), text(1, "example.com"),
			text(2, key), text(2, "Example"),
		}}
	}
	p, err := federation.ParsePlanNode(plan("brandName"))
	fmt.Println(p.Domain, p.BrandName, err)
	_, err = federation.ParsePlanNode(plan("brandNam"))
	fmt.Println(err)
	// Output:
	// example.com Example <nil>
	// federation: this is no plan: line 2: brandNam: no such field; did you mean "brandName"?
}
