package federation

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/certs"
)

// Evidence is what a change ticket asks for: before the change, with Plan and
// Changes out of [Federator.Preview], or afterwards, with a Report of any run.
// It holds no secrets; certificates are public.
type Evidence struct {
	// Plan and Changes are what is to be done. If there is a report, they are
	// taken from it.
	Plan    Plan
	Changes Changes

	// Report is what was done; before the change nil, or what
	// [Federator.PreviewRepair] has found to be done.
	Report *Report

	// AzureAD says which application acts, and for whom: what
	// [aad.Client.Permissions] returned. Nil: not told.
	AzureAD *aad.Permissions

	// JumpCloud names who acts there in words, such as "the service account
	// federation", and Reason why, such as the number of the ticket.
	JumpCloud, Reason string
}

// domain is what the evidence is about.
func (e Evidence) domain() string {
	if e.Report != nil {
		return e.Report.Plan.Domain
	}
	return domainName(e.Plan.Domain)
}

// ahead reports whether nothing has been tried yet: there is no report, or one that
// [Federator.PreviewRepair] has made.
func (e Evidence) ahead() bool {
	return e.Report == nil || e.Report.Error == "" && !e.Report.Changed() && e.Report.Count(Planned) > 0
}

// ticketStep is a change with what became of it, or one that is planned.
type ticketStep struct {
	Step
	planned bool
}

// steps are the changes in their order, without those that came to nothing.
func (e Evidence) steps() []ticketStep {
	var out []ticketStep
	if e.Report == nil {
		for _, c := range e.Changes {
			out = append(out, ticketStep{Step{Change: c}, true})
		}
		slices.SortStableFunc(out, func(a, b ticketStep) int { return a.Change.stage() - b.Change.stage() })
		return out
	}
	ahead := e.ahead()
	for _, s := range e.Report.Steps {
		out = append(out, ticketStep{s, ahead})
	}
	return out
}

// happened reports whether the step may have changed anything, or will.
func (s ticketStep) happened() bool {
	return s.planned || s.Outcome == Done || s.Outcome == Made || s.Outcome == Unknown
}

func (s ticketStep) outcome() string {
	switch {
	case s.planned:
		return "planned"
	case s.Error != "" && s.Outcome != Done:
		return string(s.Outcome) + ": " + s.Error
	}
	return string(s.Outcome)
}

// WriteMarkdown writes a page for a change ticket: what changes, with which
// certificates, who acts, which audit events are to be expected, how it is
// rolled back, and the same as Microsoft Graph PowerShell. What comes from
// outside is escaped.
func (e Evidence) WriteMarkdown(w io.Writer) error {
	b := bufio.NewWriter(w)
	e.writeHead(b)
	e.writeChanges(b)
	e.writeCertificates(b)
	e.writeFindings(b)
	e.writeEvents(b)
	e.writeRollback(b)
	var script strings.Builder
	if err := e.WritePowerShell(&script); err != nil {
		return err
	}
	fence := strings.Repeat("`", max(3, longestRun(script.String(), '`')+1))
	fmt.Fprintf(b, "\n## The same in Microsoft Graph PowerShell\n\nFor reading; the change is not made this way.\n\n%spowershell\n%s%s\n",
		fence, script.String(), fence)
	return b.Flush()
}

func (e Evidence) writeHead(b *bufio.Writer) {
	r := e.Report
	title, state := "planned change", "not made yet"
	if !e.ahead() {
		title, state = "change", "made"
		switch {
		case r.Error != "" && r.Changed():
			state = "made in part; it ended with: " + r.Error
		case r.Error != "":
			state = "not made: " + r.Error
		case !r.Changed():
			state = "nothing was to be changed"
		}
	}
	fmt.Fprintf(b, "# Sign-in of %s: %s\n\n", markdown(e.domain()), title)
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(b, "| %s | %s |\n", name, value)
		}
	}
	b.WriteString("| | |\n|---|---|\n")
	row("domain", span(e.domain()))
	row("change", markdown(state))
	row("reason", markdown(e.Reason))
	if !e.ahead() {
		row("state before", markdown(string(r.Before)+explain(r.Before)))
		row("state afterwards", markdown(string(r.After)+explain(r.After)))
		row("began", clock(r.Started))
		row("ended", clock(r.Finished))
	}
	row("acts in Azure AD", e.actor())
	row("acts in JumpCloud", markdown(e.JumpCloud))
}

func explain(s State) string {
	if m := s.Meaning(); m != "" {
		return ": " + m
	}
	return ""
}

func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 MST")
}

// actor names the application that acts in Azure AD.
func (e Evidence) actor() string {
	if e.AzureAD == nil {
		return ""
	}
	who := "application " + span(e.AzureAD.AppID) + " in tenant " + span(e.AzureAD.TenantID)
	switch person := signedInName(e.AzureAD); {
	case e.AzureAD.AppOnly:
		who += ", by itself"
	case person != "":
		who += ", for " + span(person) + ", who is signed in"
	default:
		who += ", for a person who is signed in"
	}
	var names []string
	for _, p := range slices.Sorted(slices.Values(e.AzureAD.Granted)) {
		names = append(names, span(p))
	}
	if len(names) > 0 {
		who += "; permissions " + strings.Join(names, ", ")
	}
	return who
}

func (e Evidence) writeChanges(b *bufio.Writer) {
	steps := e.steps()
	if e.ahead() {
		b.WriteString("\n## What will change\n\n")
	} else {
		b.WriteString("\n## What was changed\n\n")
	}
	if len(steps) == 0 {
		b.WriteString("Nothing.\n")
		return
	}
	b.WriteString("| # | where | what | values | outcome |\n|---|---|---|---|---|\n")
	for i, s := range steps {
		service, what := s.Change.Resource.names()
		var values []string
		for _, f := range s.Change.Fields {
			v := markdown(f.Name) + ": "
			if s.Change.Action != Create && s.Change.Action != Add {
				v += span(f.show(f.Old)) + " → "
			}
			values = append(values, v+span(f.show(f.New)))
		}
		out := markdown(s.outcome())
		if s.RequestID != "" {
			out += " (request " + span(s.RequestID) + ")"
		}
		if s.ID != "" {
			out += "<br>ID " + span(s.ID)
		}
		fmt.Fprintf(b, "| %d | %s | %s %s %s | %s | %s |\n", i+1, service, s.Change.Action, what, span(s.Change.Name),
			strings.Join(values, "<br>"), out)
	}
}

// names are the service and the kind of a resource, for people.
func (r Resource) names() (service, kind string) {
	service, kind, _ = strings.Cut(string(r), "/")
	switch service {
	case "azure-ad":
		service = "Azure AD"
	case "jumpcloud":
		service = "JumpCloud"
	}
	if k := resources[r].kind; k != "" {
		kind = k
	}
	return service, strings.ReplaceAll(kind, "-", " ")
}

// used is a certificate and what the change does with it.
type used struct {
	cert certs.Cert
	as   []string
}

// certificates are those that the change concerns, in the order of the steps.
func (e Evidence) certificates() []used {
	var out []used
	add := func(c certs.Cert, as string) {
		if c.IsZero() {
			return
		}
		i := slices.IndexFunc(out, func(u used) bool { return u.cert == c })
		if i < 0 {
			out, i = append(out, used{cert: c}), len(out)
		}
		if !slices.Contains(out[i].as, as) {
			out[i].as = append(out[i].as, as)
		}
	}
	for _, s := range e.steps() {
		for _, f := range s.Change.Fields {
			as := "Azure AD's certificate"
			if f.Name == fieldNextCertificate {
				as = "Azure AD's second certificate"
			} else if f.Name != fieldCertificate {
				continue
			}
			for _, v := range [...]struct{ b64, when string }{{f.Old, "before"}, {f.New, "afterwards"}} {
				if c, err := certs.ParseOne([]byte(v.b64)); err == nil {
					add(c, as+" "+v.when)
				}
			}
		}
		if s.Backup != nil {
			add(s.Backup.SigningCertificate, "Azure AD's certificate before")
			add(s.Backup.NextSigningCertificate, "Azure AD's second certificate before")
		}
	}
	return out
}

func (e Evidence) writeCertificates(b *bufio.Writer) {
	all := e.certificates()
	if len(all) == 0 {
		return
	}
	b.WriteString("\n## Certificates\n\nWhoever holds the key of one that Azure AD accepts can sign in as anybody on the domain.\n\n" +
		"| certificate | SHA-1 | SHA-256 | valid | subject |\n|---|---|---|---|---|\n")
	for _, u := range all {
		x := u.cert.X509()
		fmt.Fprintf(b, "| %s | %s | %s | %s to %s | %s |\n", strings.Join(u.as, ", "), span(u.cert.Thumbprint()), span(u.cert.Fingerprint()),
			x.NotBefore.UTC().Format(time.DateOnly), x.NotAfter.UTC().Format(time.DateOnly), span(x.Subject.String()))
	}
}

func (e Evidence) writeFindings(b *bufio.Writer) {
	if e.Report == nil {
		return
	}
	list := func(title string, fs []Finding) {
		if len(fs) == 0 {
			return
		}
		fmt.Fprintf(b, "\n## %s\n\n", title)
		for _, f := range fs {
			fmt.Fprintf(b, "- **%s** %s\n", f.Severity, markdown(f.String()))
		}
	}
	list("Consents that were needed", e.Report.Consents)
	list("What was found besides", e.Report.Findings)
}

func (e Evidence) writeRollback(b *bufio.Writer) {
	var back []string
	for _, s := range slices.Backward(e.steps()) {
		if !s.happened() {
			continue
		}
		service, what := s.Change.Resource.names()
		line := fmt.Sprintf("%s: %s %s %s", service, s.Change.inverse().Action, what, span(s.Change.Name))
		switch {
		case s.Change.recovers():
			line = service + ": nothing; a federation that could not be read is not brought back"
		case s.Change.deletesApplication():
			line = service + ": impossible; the application's key is gone, and a new application has a new certificate"
		case s.Change.Action == Update:
			line = fmt.Sprintf("%s: set %s %s to what it was", service, what, span(s.Change.Name))
		}
		back = append(back, line)
	}
	if len(back) == 0 {
		return
	}
	b.WriteString("\n## Roll-back\n\n`Federator.Revert` with the report of this change undoes it, last step first. A step is undone only " +
		"if the present state is what the step left, and nothing is deleted that the change did not make:\n\n")
	for i, line := range back {
		fmt.Fprintf(b, "%d. %s\n", i+1, line)
	}
	b.WriteString("\nKeep the report: it holds the values before the change.")
	if slices.ContainsFunc(e.steps(), func(s ticketStep) bool { return s.Change.federates() }) {
		fmt.Fprintf(b, " Once %s is managed again, its people sign in with Azure AD passwords, "+
			"which many of them may never have had%s: have resets or temporary access passes ready. "+
			"Published delays are up to 60 minutes for the way back, and up to 24 hours for the change itself.",
			span(e.domain()), withMeaning(codeNoPassword))
	}
	b.WriteByte('\n')
}

// span is s as code on one line, also in a table: nothing in it is markup.
func span(s string) string {
	s = strings.ReplaceAll(plain(s), "|", `\|`)
	if s == "" {
		return ""
	}
	fence := strings.Repeat("`", longestRun(s, '`')+1)
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") || strings.Trim(s, " ") == "" {
		s = " " + s + " "
	}
	return fence + s + fence
}

// longestRun is the length of the longest run of c in s.
func longestRun(s string, c byte) int {
	longest, n := 0, 0
	for i := range len(s) {
		if s[i] != c {
			n = 0
			continue
		}
		n++
		longest = max(longest, n)
	}
	return longest
}
