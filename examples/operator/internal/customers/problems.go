package customers

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/internal/text"
)

// An Error lists everything that is wrong with a customers file, in the order of its lines.
type Error struct {
	File     string
	Problems []Problem
}

// Error tells all problems on one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if len(e.Problems) > 1 {
		fmt.Fprintf(&b, ": %d problems", len(e.Problems))
	}
	for i, p := range e.Problems {
		b.WriteString([...]string{": ", "; "}[min(i, 1)])
		b.WriteString(p.String())
	}
	return b.String()
}

// A Problem is one thing that is wrong with a customers file. No credential is in it, and
// no name of a person.
type Problem = federation.PlanProblem

func inOrder(ps []Problem) {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

// hint says what may be meant by a name that none of names is: the nearest, else all.
func hint(name string, names []string) string {
	if meant := text.Meant(name, names); meant != "" {
		return meant
	}
	return "there are " + strings.Join(names, ", ")
}
