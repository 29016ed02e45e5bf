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
