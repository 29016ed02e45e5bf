package federation

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jcaad/jcaad/aad"
)

// Statuses are the states of several domains, such as [Federator.Overview] returns,
// to be shown together:
//
//	all, err := f.Overview(ctx)
//	…
//	fmt.Print(federation.Statuses(all))
//
// Of more domains than fit on a page [Statuses.Digest] tells what matters first.
// In JSON they are a list of Status.
type Statuses []Status

// String returns the table; see [Statuses.WriteTable].
func (ss Statuses) String() string {
	var b strings.Builder
	ss.WriteTable(&b)
	return b.String()
}

// statusColumns are the headings of the table. The certificates are told by the days
// that are left.
var statusColumns = [...]string{"domain", "state", "identity provider", "MFA", "Azure AD accepts", "JumpCloud signs", "administrators"}

// row is a line of the table.
func (s *Status) row() [len(statusColumns)]string {
	names := s.Administrators
	more := ""
	if n := len(names) - adminsAtMost; n > 0 {
		names, more = names[:adminsAtMost], fmt.Sprintf(" and %d more", n)
	}
	return [...]string{
		s.Domain, s.state(), s.Provider, shortMFA(s.MFA), s.accepts(), left(s.ApplicationExpires, s.Checked), strings.Join(names, ", ") + more,
	}
}

// adminsAtMost is how many administrators a line names.
const adminsAtMost = 3

// shortMFA is the behaviour in a word.
func shortMFA(b aad.MFABehavior) string {
	switch b {
	case aad.AcceptIfMFADoneByFederatedIdP:
		return "accept"
	case aad.EnforceMFAByFederatedIdP:
		return "enforce"
	case aad.RejectMFAByFederatedIdP:
		return "reject"
	}
	return string(b)
}

// accepts tells of the two certificates that Azure AD accepts.
func (s *Status) accepts() string {
	first, next := left(s.Expires, s.Checked), left(s.NextExpires, s.Checked)
	if f := s.Federation; f != nil {
		const unreadable = "not readable"
		if first == "" && f.RawSigningCertificate != "" {
			first = unreadable
		}
		if next == "" && f.RawNextSigningCertificate != "" {
			next = unreadable
		}
	}
	if next != "" {
		return cmp.Or(first, "none") + "; " + next
	}
	return first
}

// left says how long a certificate is still good for; "" if there is none.
func left(end, now time.Time) string {
	switch days := int(end.Sub(now) / (24 * time.Hour)); {
	case end.IsZero():
		return ""
	case !now.Before(end):
		return "expired"
	default:
		return plural(days, "day", "days")
	}
}

// notes are what a line has no room for: errors, and findings to be looked at.
func (s *Status) notes() (notes []string) {
	if s.Error != "" {
		notes = append(notes, "could not be read: "+s.Error)
	}
	if place := s.place(); place != "" {
		notes = append(notes, place)
	}
	if s.State == StateRotating && s.Rotation != "" {
		notes = append(notes, "rotation "+string(s.Rotation)+": "+s.Next)
	}
	for _, f := range s.Findings {
		if f.Severity != Info {
			notes = append(notes, string(f.Severity)+": "+f.String())
		}
	}
	return notes
}

// WriteTable writes a line for each domain as aligned text, indented for one that
// inherits, and below the lines what is to be noted about them.
func (ss Statuses) WriteTable(w io.Writer) error {
	b := bufio.NewWriter(w)
	rows := [][len(statusColumns)]string{statusColumns}
	var width [len(statusColumns)]int
	for i := range ss {
		row := ss[i].row()
		if ss[i].State == StateInherits {
			row[0] = "  " + row[0]
		}
		rows = append(rows, row)
	}
	for _, row := range rows {
		for i, cell := range row {
			width[i] = min(max(width[i], utf8.RuneCountInString(plain(cell))), maxColumn)
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			cell = plain(cell)
			line.WriteString(cell)
			line.WriteString(strings.Repeat(" ", max(0, width[i]-utf8.RuneCountInString(cell))+2))
		}
		b.WriteString(strings.TrimRight(line.String(), " "))
		b.WriteByte('\n')
	}
	told := false
	for i := range ss {
		for _, note := range ss[i].notes() {
			if !told {
				b.WriteByte('\n')
				told = true
			}
			fmt.Fprintf(b, "%s: %s\n", plain(ss[i].Domain), plain(note))
		}
	}
	return b.Flush()
}

// WriteMarkdown writes the same in Markdown.
func (ss Statuses) WriteMarkdown(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "| %s |\n|%s\n", strings.Join(statusColumns[:], " | "), strings.Repeat("---|", len(statusColumns)))
	for i := range ss {
		b.WriteByte('|')
		for _, cell := range ss[i].row() {
			fmt.Fprintf(b, " %s |", markdown(cell))
		}
		b.WriteByte('\n')
	}
	told := false
	for i := range ss {
		for _, note := range ss[i].notes() {
			if !told {
				b.WriteByte('\n')
				told = true
			}
			fmt.Fprintf(b, "- %s: %s\n", markdown(ss[i].Domain), markdown(note))
		}
	}
	return b.Flush()
}
