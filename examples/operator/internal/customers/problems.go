package customers

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
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
type Problem struct {
	// Path is where in the file, such as "customers[0].plan.groups", "" for all of it.
	Path string `json:"path,omitempty"`
	// Line and Column are where in the file, from 1; 0 if it is not known.
	Line   int `json:"line,omitempty"`
	Column int `json:"column,omitempty"`
	// Text says what is wrong there, and what would be right.
	Text string `json:"text"`
}

// String returns the problem as "line 3, column 5: customers[0].mode: …".
func (p Problem) String() string {
	var parts []string
	switch {
	case p.Line > 0 && p.Column > 0:
		parts = append(parts, fmt.Sprintf("line %d, column %d", p.Line, p.Column))
	case p.Line > 0:
		parts = append(parts, fmt.Sprintf("line %d", p.Line))
	}
	if p.Path != "" {
		parts = append(parts, p.Path)
	}
	return strings.Join(append(parts, p.Text), ": ")
}

func inOrder(ps []Problem) {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

// hint says what may be meant by a name that none of names is: the nearest, else all.
func hint(name string, names []string) string {
	if utf8.RuneCountInString(name) <= longestName {
		best, least := "", 0
		for _, known := range names {
			d := distance(fold(name), fold(known))
			if d <= max(1, len(known)/3) && (best == "" || d < least) {
				best, least = known, d
			}
		}
		switch {
		case best != "" && strings.EqualFold(best, name):
			return fmt.Sprintf("did you mean %q? Small and capital letters are told apart", best)
		case best != "":
			return fmt.Sprintf("did you mean %q?", best)
		}
	}
	return "there are " + strings.Join(names, ", ")
}

// fold makes two_people, Two-People and twoPeople one.
func fold(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(name))
}

// distance counts the letters to insert, delete, change or swap with the next between a and b.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	before, last, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		before, last, row = last, row, before
		row[0] = i + 1
		for j := range y {
			change := last[j]
			if x[i] != y[j] {
				change++
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, change)
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(y)]
}
