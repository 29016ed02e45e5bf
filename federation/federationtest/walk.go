package federationtest

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// A Walk is how a person's sign-in went.
type Walk struct {
	Pages []Page // in the order in which they were seen

	// SignedIn is the user principal name on the page that says so; empty if the
	// person is not signed in.
	SignedIn string

	// Code is that of Azure AD's error page, such as "AADSTS51004".
	Code string

	// Refusal is why JumpCloud did not sign the person in.
	Refusal jumpcloudtest.Refusal

	// Text is what the last page says to have gone wrong.
	Text string

	// Posted is the last answer of JumpCloud that the browser has posted to Azure AD,
	// field by field: what its developer tools would show, and what package signin judges.
	Posted url.Values
}

// Page is one page, or one redirect, of a walk.
type Page struct {
	Service string // "Microsoft" or "JumpCloud"
	Title   string // the heading; "(redirect)" of one
	URL     string // without query
	Status  int
	Did     string // what the person did there, in a few words; empty for nothing
}

// String is the page in one line.
func (p Page) String() string {
	title := p.Title
	if p.Status != http.StatusOK && p.Title != "(redirect)" {
		title += fmt.Sprintf(" (%d)", p.Status)
	}
	return strings.TrimRight(fmt.Sprintf("%-9s  %-50s  %s", p.Service, title, p.Did), " ")
}

// String tells the walk: a line for each page, and one for how it ended.
func (w *Walk) String() string {
	var b strings.Builder
	for i, p := range w.Pages {
		fmt.Fprintf(&b, "%2d  %s\n", i+1, p)
	}
	b.WriteString("    " + w.Outcome() + "\n")
	return b.String()
}

// Outcome says in one line how the walk ended.
func (w *Walk) Outcome() string {
	switch {
	case w.SignedIn != "":
		return "signed in as " + w.SignedIn
	case w.Code != "":
		return "not signed in: " + w.Code + ": " + w.Text
	case w.Refusal != "":
		return "not signed in: JumpCloud says " + string(w.Refusal) + ": " + w.Text
	case w.Text != "":
		return "not signed in: " + w.Text
	}
	return "not signed in"
}

// Through reports whether the person saw a page of JumpCloud.
func (w *Walk) Through() bool {
	for _, p := range w.Pages {
		if p.Service == "JumpCloud" {
			return true
		}
	}
	return false
}

var errorCode = regexp.MustCompile(`^(AADSTS[0-9]+): `)

// read takes from a page how the walk ends, and reports whether it does.
func (w *Walk) read(d *document) bool {
	if name := d.byID["userPrincipalName"]; name != "" {
		w.SignedIn = name
		return true
	}
	if m := errorCode.FindStringSubmatch(d.byID["message"]); m != nil {
		w.Code, w.Text = m[1], strings.TrimPrefix(d.byID["message"], m[0])
		return true
	}
	w.Refusal = jumpcloudtest.Refusal(d.code) // a form that is shown again has one as well
	if w.Refusal != "" && len(d.forms) == 0 {
		w.Text = d.first
		return true
	}
	return false
}
