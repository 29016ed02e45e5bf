package federation

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/jcaad/jcaad/federation/internal/people"
)

// String returns the findings as a table; see [People.WriteTable].
func (p *People) String() string {
	var b strings.Builder
	p.WriteTable(&b)
	return b.String()
}

// Summary is one sentence with the figures.
func (c PeopleCounts) Summary() string {
	return fmt.Sprintf("%s in JumpCloud, %s on the domain in Azure AD, %d in both; %s",
		plural(c.JumpCloud, "user", "users"), plural(c.AzureAD, "account", "accounts"), c.Matched, c.verdict())
}

func (c PeopleCounts) verdict() string {
	s := "nobody would be locked out"
	if c.LockedOut > 0 {
		s = plural(c.LockedOut, "person", "people") + " would be locked out"
	}
	if c.AlreadyOut > 0 {
		s += "; " + plural(c.AlreadyOut, "person", "people") + " cannot sign in today either"
	}
	return s
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// label is the first column: how bad it is.
func (f PersonFinding) label() string {
	if f.LockedOut {
		return "LOCKED OUT"
	}
	if f.AlreadyOut {
		return "out already"
	}
	return string(f.Severity)
}

// maxColumn is how wide a column of names may make the table.
const maxColumn = 40

// WriteTable writes the findings as aligned text, and below them what is to be
// done about each kind.
func (p *People) WriteTable(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintln(b, p.counts().Summary())
	var width [4]int
	row := func(f PersonFinding) [4]string {
		return [4]string{f.label(), plain(f.Who()), plain(f.DisplayName), f.Code.reason()}
	}
	for _, f := range p.All() {
		for i, s := range row(f) {
			width[i] = min(max(width[i], utf8.RuneCountInString(s)), maxColumn)
		}
	}
	var kinds []Code
	for i, f := range p.All() {
		if i == 0 {
			b.WriteByte('\n')
		}
		for i, s := range row(f) {
			b.WriteString(s)
			for n := utf8.RuneCountInString(s); n < width[i]; n++ {
				b.WriteByte(' ')
			}
			if width[i] > 0 {
				b.WriteString("  ")
			}
		}
		b.WriteString(plain(f.Evidence))
		b.WriteByte('\n')
		if len(kinds) < len(personCodes) && !hasCode(kinds, f.Code) {
			kinds = append(kinds, f.Code)
		}
	}
	for i, k := range kinds {
		if i == 0 {
			fmt.Fprintf(b, "\nwhat to do\n")
		}
		fmt.Fprintf(b, "  %s: %s\n", k.reason(), p.repair(k))
	}
	return b.Flush()
}

func hasCode(kinds []Code, c Code) bool {
	for _, k := range kinds {
		if k == c {
			return true
		}
	}
	return false
}

// repair returns the sentence for a code, also of a newer version's JSON.
func (p *People) repair(c Code) string {
	if s := c.Repair(); s != "" {
		return s
	}
	for _, f := range p.All() {
		if f.Code == c {
			return plain(f.Repair)
		}
	}
	return ""
}

func (p *People) counts() PeopleCounts {
	if p == nil {
		return PeopleCounts{}
	}
	return p.Counts
}

var csvHeader = []string{
	"severity", "lockedOut", "code", "userPrincipalName", "email", "displayName", "evidence", "repair", "jumpCloudID", "azureADID",
}

// WriteCSV writes the findings as comma-separated values with a header. A cell
// that a spreadsheet would take for a formula is preceded by an apostrophe.
func (p *People) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	out.Write(csvHeader)
	for _, f := range p.All() {
		locked := "no"
		if f.LockedOut {
			locked = "yes"
		}
		cells := []string{
			string(f.Severity), locked, string(f.Code), f.UserPrincipalName, f.Email, f.DisplayName,
			f.Evidence, f.Repair, f.JumpCloudID, f.AzureADID,
		}
		for i, s := range cells {
			cells[i] = csvCell(s)
		}
		if err := out.Write(cells); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// LockOutReasons are the codes of the findings by which people would be locked out,
// in order, each once.
func (p *People) LockOutReasons() (reasons []Code) {
	for i := range p.Len() {
		if c := p.code(i); p.isLockedOut(i) && !hasCode(reasons, c) {
			reasons = append(reasons, c)
		}
	}
	slices.Sort(reasons)
	return reasons
}

// WriteLockOuts writes only those who would be locked out, as comma-separated values
// with a header, for people who do not know this program: reason by reason, and within
// one by name; a line for each person and reason. If reasons are given, no others are
// written. Cells are as in [People.WriteCSV]. The error is that of w.
func (p *People) WriteLockOuts(w io.Writer, reasons ...Code) error {
	out := csv.NewWriter(w)
	out.Write([]string{"reason", "name", "email", "account", "what was found", "what to do"})
	all := p.LockOutReasons()
	slices.SortStableFunc(all, func(a, b Code) int { return strings.Compare(a.reason(), b.reason()) })
	for _, c := range all {
		if len(reasons) > 0 && !hasCode(reasons, c) {
			continue
		}
		for _, i := range p.lockOuts(c) {
			if err := out.Write(p.lockOut(i)); err != nil {
				return err
			}
		}
	}
	out.Flush()
	return out.Error()
}

// reason is what a code is called where all are about people.
func (c Code) reason() string { return strings.TrimPrefix(string(c), "person-") }

// lockOut is the line of [People.WriteLockOuts] about a finding.
func (p *People) lockOut(i int) []string {
	f := p.At(i)
	return []string{
		f.Code.reason(), csvCell(f.DisplayName), csvCell(f.Email), csvCell(f.UserPrincipalName),
		csvCell(f.Evidence), csvCell(f.Repair),
	}
}

// lockOuts are the lock-outs of a code in the order of their lines. Only the names are
// held, by which most people differ.
func (p *People) lockOuts(c Code) []int {
	type line struct {
		name string
		i    int
	}
	lines := make([]line, 0, min(max(p.counts().ByCode[c], 0), p.Len()))
	for i := range p.Len() {
		if p.code(i) == c && p.isLockedOut(i) {
			lines = append(lines, line{csvCell(p.At(i).DisplayName), i})
		}
	}
	slices.SortStableFunc(lines, func(a, b line) int {
		if n := strings.Compare(a.name, b.name); n != 0 {
			return n
		}
		return slices.Compare(p.lockOut(a.i), p.lockOut(b.i))
	})
	order := make([]int, len(lines))
	for k, l := range lines {
		order[k] = l.i
	}
	return order
}

// csvCell makes text of what Excel, LibreOffice and Google Sheets would take
// for a formula.
func csvCell(s string) string {
	s = plain(s)
	if t := strings.TrimLeftFunc(s, unicode.IsSpace); t != "" {
		switch r, _ := utf8.DecodeRuneInString(t); r {
		case '=', '+', '-', '@', '|', '%', '＝', '＋', '－', '＠':
			return "'" + s
		}
	}
	return s
}

// WriteMarkdown writes the findings as a table in Markdown, and below it what is
// to be done about each kind.
func (p *People) WriteMarkdown(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "%s.\n", p.counts().Summary())
	var kinds []Code
	for i, f := range p.All() {
		if i == 0 {
			b.WriteString("\n| | person | name | finding | what was found |\n|---|---|---|---|---|\n")
		}
		label := f.label()
		if f.LockedOut {
			label = "**locked out**"
		}
		fmt.Fprintf(b, "| %s | %s | %s | `%s` | %s |\n", label, markdown(f.Who()), markdown(f.DisplayName), f.Code, markdown(f.Evidence))
		if len(kinds) < len(personCodes) && !hasCode(kinds, f.Code) {
			kinds = append(kinds, f.Code)
		}
	}
	for i, k := range kinds {
		if i == 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(b, "- `%s`: %s\n", k, markdown(p.repair(k)))
	}
	return b.Flush()
}

// markdown makes s mean nothing but itself inside a table.
func markdown(s string) string {
	var b strings.Builder
	for _, r := range plain(s) {
		switch r {
		case '\\', '`', '*', '_', '[', ']', '<', '>', '|', '#', '!', '~', '&', '$':
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// plain returns s on one line, without what a terminal would obey.
func plain(s string) string { return people.Plain(s) }
