package federation

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
)

// WritePowerShell writes what the change does in Azure AD as cmdlets of
// Microsoft Graph PowerShell, for auditors to read, and the way back. What it
// does in JumpCloud stands in comments. Passwords are asked for, not written.
func (e Evidence) WritePowerShell(w io.Writer) error {
	b := bufio.NewWriter(w)
	steps := slices.DeleteFunc(e.steps(), func(s ticketStep) bool { return !s.happened() })
	fmt.Fprintf(b, "# Sign-in of %s\n", comment(e.domain()))
	if len(steps) == 0 {
		b.WriteString("# Nothing is to be changed.\n")
		return b.Flush()
	}
	scopes := scopesOf(steps)
	if len(scopes) > 0 {
		fmt.Fprintf(b, "Connect-MgGraph -Scopes %s\n", strings.Join(scopes, ", "))
	}
	for _, s := range steps {
		b.WriteByte('\n')
		writeCmdlets(b, s.Change, s.Step)
	}
	fmt.Fprintf(b, "\n# read back\nGet-MgDomain -DomainId %[1]s | Select-Object Id, AuthenticationType, IsDefault\n"+
		"Get-MgDomainFederationConfiguration -DomainId %[1]s\n", psQuote(e.domain()))

	b.WriteString("\n# the way back, if it is needed\n")
	for _, s := range slices.Backward(steps) {
		if s.Change.recovers() {
			continue // nobody wants that back
		}
		writeCmdlets(b, s.Change.inverse(), s.Step)
	}
	return b.Flush()
}

// scopesOf returns the permissions that the steps need, quoted.
func scopesOf(steps []ticketStep) []string {
	var scopes []string
	for _, s := range steps {
		for _, name := range resources[s.Change.Resource].permissions {
			if q := psQuote(name); !slices.Contains(scopes, q) {
				scopes = append(scopes, q)
			}
		}
	}
	return scopes
}

// writeComment tells what is none of Azure AD's.
func (c Change) writeComment(b *bufio.Writer) {
	service, kind := c.Resource.names()
	fmt.Fprintf(b, "# %s: %s %s %s\n", service, c.Action, kind, comment(quote(c.Name)))
	for _, f := range c.Fields {
		if c.Action == Delete || c.Action == Remove {
			break
		}
		fmt.Fprintf(b, "#   %s: %s\n", comment(f.Name), comment(f.show(f.New)))
	}
}

func psValue(f Field) string {
	switch {
	case f.New == Later:
		return "$null # " + Later + ": the certificate of the JumpCloud application"
	case f.New == "":
		return "$null"
	case f.Name == fieldCertificate || f.Name == fieldNextCertificate:
		return psQuote(f.New) + " # " + comment(f.show(f.New))
	}
	return psQuote(f.New)
}

// psQuote is s as a literal of PowerShell, in which nothing is expanded. Its
// typographic quotes end a literal as the plain one does.
func psQuote(s string) string {
	var b strings.Builder
	b.WriteByte('\'')
	for _, r := range plain(s) {
		switch r {
		case '\'', '\u2018', '\u2019', '\u201a', '\u201b':
			b.WriteRune(r)
		}
		b.WriteRune(r)
	}
	b.WriteByte('\'')
	return b.String()
}

// comment is s in a comment, which ends with the line.
func comment(s string) string { return plain(s) }
