package text

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// LongestName is how many characters of a name are looked at, and told.
const LongestName = 64

// Meant asks, in one sentence, whether the nearest of names was meant by one that none of
// them is; "" if none is near, or the name is too long to be one.
func Meant(name string, names []string) string {
	if utf8.RuneCountInString(name) > LongestName {
		return ""
	}
	best, least := "", 0
	folded := Fold(name)
	for _, known := range names {
		dist := distance(folded, Fold(known))
		if dist <= max(1, len(known)/3) && (best == "" || dist < least) {
			best, least = known, dist
		}
	}
	switch {
	case best == "":
		return ""
	case strings.EqualFold(best, name):
		return fmt.Sprintf("did you mean %q? Small and capital letters are told apart", best)
	}
	return fmt.Sprintf("did you mean %q?", best)
}

// Fold makes login_url, Login-URL and loginURL one.
func Fold(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(name))
}

// distance counts the letters to insert, delete, change or swap with the next
// between a and b.
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
