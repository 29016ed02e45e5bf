package federation

import (
	"bufio"
	"fmt"
	"slices"
	"strings"
)

// audit are the events that a change leaves in a service's log: JumpCloud's
// Directory Insights by event_type, Azure AD's audit log by activity. The names
// are those that the services use today; they may rename them.
type audit struct {
	log, event string
}

// audits are the events by what is done; those of whatever has none of its own
// stand under otherwise.
type audits map[Action][]audit

const otherwise Action = ""

// insight are events of JumpCloud's Directory Insights.
func insight(names ...string) []audit { return auditsOf("JumpCloud Directory Insights", names) }

// audited are activities of Azure AD's audit log.
func audited(names ...string) []audit { return auditsOf("Azure AD audit log", names) }

func auditsOf(log string, names []string) (as []audit) {
	for _, n := range names {
		as = append(as, audit{log, n})
	}
	return as
}

// events returns what a change leaves in the logs.
func (c Change) events() []audit {
	if c.addsDefault() {
		return insight("integration_default_domain_add")
	}
	all := resources[c.Resource].events
	if as, ok := all[c.Action]; ok {
		return as
	}
	return all[otherwise]
}

// The activities that look like an attack, because an attack looks like them.
const (
	activityAuthentication = "Set domain authentication"
	activityFederation     = "Set federation settings on domain"
)

func (e Evidence) writeEvents(b *bufio.Writer) {
	type line struct {
		audit
		by []string
	}
	var lines []line
	suspicious := false
	for _, s := range e.steps() {
		if !s.happened() {
			continue
		}
		for _, a := range s.Change.events() {
			suspicious = suspicious || a.event == activityAuthentication || a.event == activityFederation
			i := slices.IndexFunc(lines, func(l line) bool { return l.audit == a })
			if i < 0 {
				lines, i = append(lines, line{audit: a}), len(lines)
			}
			if name := span(s.Change.Name); !slices.Contains(lines[i].by, name) {
				lines[i].by = append(lines[i].by, name)
			}
		}
	}
	if len(lines) == 0 {
		return
	}
	slices.SortStableFunc(lines, func(a, b line) int { return strings.Compare(b.log, a.log) })
	b.WriteString("\n## Audit events to expect\n\n| log | event | about |\n|---|---|---|\n")
	for _, l := range lines {
		fmt.Fprintf(b, "| %s | %s | %s |\n", l.log, span(l.event), strings.Join(l.by, ", "))
	}
	if !suspicious {
		return
	}
	fmt.Fprintf(b, "\n%s and %s are also what an intruder leaves who federates a domain to stay in it. "+
		"Published detection rules, Sigma's and Elastic's among them, raise an alert on either, "+
		"and assessments mark any federated domain. Tell whoever watches the tenant beforehand. ",
		span(activityAuthentication), span(activityFederation))
	var from []string
	if e.AzureAD != nil && e.AzureAD.AppID != "" {
		from = append(from, "come from the application "+span(e.AzureAD.AppID))
	}
	if !e.ahead() {
		from = append(from, "were made between "+clock(e.Report.Started)+" and "+clock(e.Report.Finished))
	}
	from = append(from, "are about "+span(e.domain()))
	if len(e.certificates()) > 0 {
		from = append(from, "show the certificates above")
	}
	fmt.Fprintf(b, "Events of this change %s; any other is not of this change and should be looked into at once.\n", enumerate(from))
}

// enumerate joins phrases with commas and an and.
func enumerate(s []string) string {
	if len(s) < 2 {
		return strings.Join(s, "")
	}
	return strings.Join(s[:len(s)-1], ", ") + " and " + s[len(s)-1]
}
