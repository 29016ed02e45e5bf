// Package schema has JSON Schemas, of the version 2020-12, of what this module reads
// and writes as JSON, so that an editor completes and checks a plan, and a program in
// another language knows what a report holds. They are made from the Go types: the
// descriptions are the comments of these.
//
// The schema of a [federation.Plan] is as strict as [federation.ParsePlan] about names
// and kinds, and asks for what [federation.Plan.Validate] cannot do without. Three
// things no schema can see: a name that is doubled, what follows behind the plan, and
// a whole number that is written as 1.0 or 1e0, which ParsePlan refuses. In YAML, a
// group that is named 123 has to be in quotes for the schema, and need not be for the
// reader.
//
//	# yaml-language-server: $schema=plan.json
//
// as the first line of a plan in YAML lets editors use the file beside it.
//
// The other schemas say what this version writes. They take fields that they do not
// know, as the readers do, and words of Azure AD that no version has named.
//
// No schema has an $id: the address is that at which you serve it.
//
// [federation.Plan]: https://pkg.go.dev/github.com/jcaad/jcaad/federation#Plan
// [federation.ParsePlan]: https://pkg.go.dev/github.com/jcaad/jcaad/federation#ParsePlan
// [federation.Plan.Validate]: https://pkg.go.dev/github.com/jcaad/jcaad/federation#Plan.Validate
package schema

import _ "embed" // the files beside this one

var (
	//go:embed plan.json
	plan string
	//go:embed report.json
	report string
	//go:embed preflight.json
	preflight string
	//go:embed rotation.json
	rotation string
	//go:embed verdict.json
	verdict string
)

// Plan returns the schema of a federation.Plan. The caller owns the bytes, here and below.
func Plan() []byte { return []byte(plan) }

// Report returns the schema of a federation.Report.
func Report() []byte { return []byte(report) }

// Preflight returns the schema of a federation.Preflight.
func Preflight() []byte { return []byte(preflight) }

// Rotation returns the schema of a federation.Rotation.
func Rotation() []byte { return []byte(rotation) }

// Verdict returns the schema of a signin.Verdict.
func Verdict() []byte { return []byte(verdict) }
