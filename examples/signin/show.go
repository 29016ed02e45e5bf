package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/jcaad/jcaad/aad/signin"
	"github.com/jcaad/jcaad/examples/internal/cli"
)

const stamp = "2006-01-02 15:04:05 UTC"

// write writes the result in a form.
func (r *result) write(w io.Writer, form string) error {
	switch form {
	case "json":
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(r)
	case "markdown":
		var b strings.Builder
		r.markdown(&b)
		_, err := io.WriteString(w, b.String())
		return err
	}
	var b strings.Builder
	r.table(&b)
	_, err := io.WriteString(cli.NewPage(w, os.Getenv), b.String())
	return err
}

// table writes the result for people.
func (r *result) table(w io.Writer) {
	fmt.Fprintln(w, r.Sentence)
	if r.Attack != "" {
		fmt.Fprintf(w, "\nATTACK?  This looks like a sign-in that somebody forged: %s. An error of the identity provider can look "+
			"the same.\n", r.Attack)
	}
	if r.Accepted != nil {
		r.about(w)
		r.checks(w)
	}
	for _, e := range r.Explanations {
		for _, c := range r.Checks {
			if c.Result != signin.Good && c.Repair == e.Repair {
				e.Repair = "" // it stands there already
			}
		}
		fmt.Fprintln(w)
		e.table(w)
	}
	if len(r.Notes) > 0 {
		fmt.Fprintln(w)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(w, "  - %s\n", n)
	}
}

// about says what was judged, when, and by what.
func (r *result) about(w io.Writer) {
	fmt.Fprintln(w)
	if r.Input != "" {
		fmt.Fprintf(w, "  captured  %s, %s\n", r.Input, r.Message)
	}
	fmt.Fprintf(w, "  at        %s, %s\n", r.At.Format(stamp), r.AtFrom)
	fmt.Fprintf(w, "  tenant    %s\n", r.Tenant)
	for i, d := range r.Differences {
		name := ""
		if i == 0 {
			name = "plan"
		}
		fmt.Fprintf(w, "  %-8s  %s\n", name, d)
	}
}

// checks writes the checks in Azure AD's order, and their sources below.
func (r *result) checks(w io.Writer) {
	var sources []string
	row := func(result, topic, found string) { fmt.Fprintf(w, "  %-8s  %-9s  %s\n", result, topic, found) }
	detail := func(name, text string) {
		if text != "" {
			fmt.Fprintf(w, "  %-8s  %-9s  %-6s  %s\n", "", "", name, text)
		}
	}
	fmt.Fprintln(w)
	row("result", "about", "what was found")
	row("------", "-----", "--------------")
	var good []string
	all := !slices.ContainsFunc(r.Checks, func(c signin.Check) bool { return c.Topic == signin.TopicSignature && c.Result == signin.Good })
	unproved := all && slices.ContainsFunc(r.Checks, func(c signin.Check) bool { return c.Unproved })
	told := "" // a repair that several checks have is told once
	for _, c := range r.Checks {
		if r.brief && c.Result == signin.Good {
			if !slices.Contains(good, string(c.Topic)) {
				good = append(good, string(c.Topic))
			}
			continue
		}
		found := c.Found
		if c.Unproved && !all {
			found += " (unproved)"
			unproved = true
		}
		if c.Source != "" {
			i := slices.Index(sources, c.Source)
			if i < 0 {
				i, sources = len(sources), append(sources, c.Source)
			}
			found += fmt.Sprintf(" [%d]", i+1)
		}
		result := c.Result.String()
		if c.Result == signin.Bad {
			result = "BAD"
		}
		row(result, string(c.Topic), found)
		if c.Result == signin.Good {
			continue
		}
		detail("wanted", c.Want)
		if c.Result == signin.Bad {
			detail("side", side(&c))
		}
		if c.Repair != told {
			detail("to do", c.Repair)
			told = c.Repair
		}
		if c.Code != r.Code {
			detail("code", c.Code)
		}
	}
	if len(good) > 0 {
		row("good", "the rest", strings.Join(good, ", "))
	}
	if unproved {
		text := "Unproved is what no valid signature covers: whoever sent the message can have written it."
		if all {
			text = "All of this is unproved: no signature that could be verified covers it, and whoever sent the message can have written it."
		}
		fmt.Fprintf(w, "\n  %s\n", text)
	}
	if len(sources) > 0 {
		fmt.Fprintf(w, "\n  How it is known\n")
	}
	for i, s := range sources {
		fmt.Fprintf(w, "  %2d. %s\n", i+1, s)
	}
}

// table explains a code.
func (e explanation) table(w io.Writer) {
	code := e.Code
	if !e.InInput {
		code += ", in general"
	}
	fmt.Fprintf(w, "  %s: %s\n", code, e.Meaning)
	detail := func(name, text string) {
		if text != "" {
			fmt.Fprintf(w, "    %-12s  %s\n", name, text)
		}
	}
	for i, c := range e.Causes {
		name := ""
		if i == 0 {
			name = "likely cause"
		}
		if len(e.Causes) > 1 {
			c = fmt.Sprintf("%d. %s", i+1, c)
		}
		fmt.Fprintf(w, "    %-12s  %s\n", name, c)
	}
	detail("what to do", e.Repair)
	detail("source", e.source())
}

// source says how sure an explanation is.
func (e explanation) source() string {
	switch {
	case e.Source == "":
		return ""
	case e.Confirmed:
		return e.Source + "; the text was seen on a real page"
	}
	return e.Source
}

// markdown writes the result for a ticket.
func (r *result) markdown(w io.Writer) {
	fmt.Fprintf(w, "# Sign-in\n\n%s\n", plain(r.Sentence))
	if r.Attack != "" {
		fmt.Fprintf(w, "\n**This looks like a sign-in that somebody forged:** %s. An error of the identity provider can look the same.\n",
			plain(r.Attack))
	}
	if r.Accepted != nil {
		fmt.Fprintf(w, "\n- Captured: %s, %s\n- Judged as of: %s, %s\n- Tenant: %s\n", plain(r.Input), plain(r.Message),
			r.At.Format(time.RFC3339), r.AtFrom, plain(r.Tenant))
		if r.Side != "" {
			fmt.Fprintf(w, "- Side: %s\n", plain(r.Side))
		}
		for _, d := range r.Differences {
			fmt.Fprintf(w, "- Not as planned: %s\n", plain(d))
		}
		fmt.Fprintf(w, "\n## Checks\n\n| result | about | found | wanted | what to do | code | source |\n|---|---|---|---|---|---|---|\n")
		for _, c := range r.Checks {
			found := plain(c.Found)
			if c.Unproved {
				found += " (unproved)"
			}
			result := c.Result.String()
			if c.Result == signin.Bad {
				result = "**bad**"
			}
			fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s | %s |\n", result, c.Topic, found, plain(c.Want), plain(c.Repair), c.Code,
				plain(c.Source))
		}
	}
	for _, e := range r.Explanations {
		fmt.Fprintf(w, "\n## %s\n\n%s\n", e.Code, plain(e.Meaning))
		for i, c := range e.Causes {
			if i == 0 {
				fmt.Fprintf(w, "\nLikely causes:\n\n")
			}
			fmt.Fprintf(w, "%d. %s\n", i+1, plain(c))
		}
		if e.Repair != "" {
			fmt.Fprintf(w, "\nWhat to do: %s\n", plain(e.Repair))
		}
		if s := e.source(); s != "" {
			fmt.Fprintf(w, "\nSource: %s\n", plain(s))
		}
	}
	for i, n := range r.Notes {
		if i == 0 {
			fmt.Fprintf(w, "\n## Notes\n\n")
		}
		fmt.Fprintf(w, "- %s\n", plain(n))
	}
}

// plain is text in which Markdown finds nothing of its own.
var plain = strings.NewReplacer("\\", "\\\\", "|", "\\|", "<", "&lt;", "&", "&amp;", "`", "\\`", "*", "\\*", "_", "\\_", "[", "\\[",
	"]", "\\]",
	"\n", " ").Replace
