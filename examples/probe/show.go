package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/jcaad/jcaad/examples/internal/cli"
	"github.com/jcaad/jcaad/federation/assumptions"
)

// introduction has a line for each paragraph: they are broken as the terminal is wide.
const introduction = `Do JumpCloud and Azure AD behave as this module assumes?

To federate a domain, the module relies on %d things that neither service documents, or that were seen to differ. ` +
	`This program asks both services, reads only, and says of each whether it holds, whether it differs and what that means, ` +
	`or why it could not be told.
`

func (p *probe) introduce() {
	page := cli.NewPage(p.out, os.Getenv)
	fmt.Fprintf(page, introduction, len(assumptions.All()))
	if p.live {
		fmt.Fprintf(page, "\nThis is live:\n\n  JumpCloud   %s\n  Azure AD    %s\n\n", p.services.JumpCloud(), p.services.AzureAD())
		return
	}
	fmt.Fprintf(page, "\nNothing here is live: both services are stand-ins that listen on this machine, filled with people who do not exist. "+
		"What asks them is the code that asks live ones.\n\n  JumpCloud   %s\n  Azure AD    %s, with the domain %s\n",
		p.services.JumpCloudURL, p.services.GraphURL, p.domain)
	if len(p.differ) > 0 {
		fmt.Fprintf(page, "  turned      %s\n", strings.Join(p.differ, ", "))
	}
	fmt.Fprintln(page)
}

// hint says what can be done next.
func (p *probe) hint(f *assumptions.Findings) {
	page := cli.NewPage(p.out, os.Getenv)
	switch {
	case p.live:
		if f.Advice() != "" && p.save == "" {
			fmt.Fprintln(page, "\nWhat differs for you is worth a test: -save FILE keeps what was seen, anonymised, to be handed over.")
		}
	case len(p.differ) == 0 && !p.fresh:
		fmt.Fprintln(page, "\nTo see one fail: probe -differ jc-template-name,aad-managed-404. To see what can be told before anything is "+
			"federated: probe -fresh. To look at your own organisation and tenant, which only reads: probe -live; probe -h tells how.")
	}
}

// write shows what was found in a form.
func write(w io.Writer, form string, f *assumptions.Findings) error {
	switch form {
	case "json":
		return writeJSON(w, f)
	case "markdown":
		_, err := io.WriteString(w, markdown(f))
		return err
	}
	_, err := f.WriteTo(cli.NewPage(w, os.Getenv))
	return err
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// cell makes a text fit for a cell of a table in Markdown.
var cell = strings.NewReplacer("|", `\|`, "<", "&lt;", "*", `\*`, "`", `\`+"`")

func markdown(f *assumptions.Findings) string {
	var b strings.Builder
	b.WriteString("| assumption | assumed | result | seen | means |\n|---|---|---|---|---|\n")
	for _, a := range f.Answers {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", a.ID, cell.Replace(a.Assumed), a.Result, cell.Replace(a.Seen), cell.Replace(a.Means()))
	}
	return b.String()
}

// writeList shows every assumption.
func writeList(w io.Writer, form string) error {
	all := assumptions.All()
	switch form {
	case "json":
		return writeJSON(w, all)
	case "markdown":
		var b strings.Builder
		b.WriteString("| assumption | kind | assumed | borne as well | breaks otherwise | setting | knobs | source |\n" +
			"|---|---|---|---|---|---|---|---|\n")
		for _, a := range all {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", a.ID, a.Kind, cell.Replace(a.Assumed), cell.Replace(a.Tolerated),
				cell.Replace(a.Breaks), a.Setting, strings.Join(a.Knobs, ", "), cell.Replace(a.Source))
		}
		_, err := io.WriteString(w, b.String())
		return err
	}
	page := cli.NewPage(w, os.Getenv)
	for _, a := range all {
		fmt.Fprintf(page, "%s (%s)\n", a.ID, a.Kind)
		for _, line := range [][2]string{
			{"assumed", a.Assumed}, {"borne", a.Tolerated}, {"breaks", a.Breaks}, {"setting", a.Setting},
			{"knobs", strings.Join(a.Knobs, ", ")}, {"source", a.Source},
		} {
			if line[1] != "" {
				fmt.Fprintf(page, "  %-8s  %s\n", line[0]+":", line[1])
			}
		}
		if _, err := fmt.Fprintln(page); err != nil {
			return err
		}
	}
	return nil
}
