package federation

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// section is a part of a digest: a title, and lines below it.
type section struct {
	title string
	lines []string
}

// String is the digest for people, as plain text.
func (d Digest) String() string {
	var b strings.Builder
	b.WriteString(plain(d.figures()) + "\n")
	for _, s := range d.sections() {
		b.WriteString(s.title + ":\n")
		for _, line := range s.lines {
			b.WriteString("  " + plain(line) + "\n")
		}
	}
	return b.String()
}

// WriteMarkdown writes the same in Markdown.
func (d Digest) WriteMarkdown(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "%s.\n", markdown(d.figures()))
	for _, s := range d.sections() {
		fmt.Fprintf(b, "\n**%s**\n\n", s.title)
		for _, line := range s.lines {
			fmt.Fprintf(b, "- %s\n", markdown(line))
		}
	}
	return b.Flush()
}

// figures are the states in one sentence without a full stop.
func (d *Digest) figures() string {
	what := plural(d.Domains, "domain", "domains")
	if !d.At.IsZero() {
		what += " on " + when(d.At)
	}
	var counts []string
	for _, s := range d.States {
		status := Status{State: s.State}
		counts = append(counts, fmt.Sprintf("%d %s", s.Domains, status.state()))
	}
	if counts == nil {
		return what
	}
	return what + ": " + strings.Join(counts, ", ")
}

// sections are the parts in which there is something.
func (d *Digest) sections() (all []section) {
	tell := func(title string, lines []DigestLine, more int) {
		var told []string
		for _, l := range lines {
			status := Status{State: l.State}
			line := l.Domain + " (" + status.state() + "): " + l.Reason
			if l.Severity != "" {
				line = string(l.Severity) + ": " + line
			}
			told = append(told, line)
		}
		if more > 0 {
			told = append(told, fmt.Sprintf("and %d more", more))
		}
		if told != nil {
			all = append(all, section{title, told})
		}
	}
	tell("Look at these first", d.First, d.FirstMore)
	tell("Could not be read", d.Unread, d.UnreadMore)
	if d.Certificates == 0 {
		return all
	}
	lines := []string{fmt.Sprintf("of %d, %d have ended; %d end within 7 days, %d within 30, %d within 60",
		d.Certificates, d.Ended, d.Within7, d.Within30, d.Within60)}
	for _, side := range []struct {
		name string
		next *CertificateEnd
	}{{"JumpCloud signs with", d.JumpCloudNext}, {"Azure AD accepts", d.AzureADNext}} {
		if n := side.next; n != nil {
			lines = append(lines, fmt.Sprintf("next of those that %s: %s, %s, %s", side.name, n.Domain, leftDays(n.Days), when(n.Ends)))
		}
	}
	return append(all, section{"Ends of certificates", lines})
}
