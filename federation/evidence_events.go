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

const (
	insights = "JumpCloud Directory Insights"
	auditLog = "Azure AD audit log"
)

// events returns what a change leaves in the logs.
func (c Change) events() []audit {
	pick := func(m map[Action]string) []audit {
		if e := m[c.Action]; e != "" {
			return []audit{{insights, e}}
		}
		return nil
	}
	switch c.Resource {
	case ResGroup:
		return pick(map[Action]string{Create: "group_create", Update: "group_update", Delete: "group_delete"})
	case ResApplication:
		return pick(map[Action]string{Create: "application_create", Update: "application_update", Delete: "application_delete"})
	case ResMember, ResApplicationGroup:
		return []audit{{insights, "association_change"}}
	case ResDirectoryGroup: // whose members are exported from then on
		return []audit{{insights, "association_change"}, {insights, "user_create_provision"}, {insights, "user_update_provision"}, {auditLog, "Update user"}}
	case ResDirectoryRule:
		return pick(map[Action]string{Add: "integrationattribute_include", Remove: "integrationattribute_exclude"})
	case ResDirectoryDomain:
		return pick(map[Action]string{Add: "integration_domain_add", Remove: "integration_domain_delete"})
	case ResDirectoryDefault:
		if len(c.Fields) == 1 && c.Fields[0].Old == "" {
			return []audit{{insights, "integration_default_domain_add"}}
		}
		return []audit{{insights, "integration_default_domain_update"}}
	case ResTechnicalAccount:
		if c.Action == Delete {
			return []audit{{auditLog, "Delete user"}}
		}
		return []audit{{auditLog, "Add user"}}
	case ResRole:
		if c.Action == Remove {
			return []audit{{auditLog, "Remove member from role"}}
		}
		return []audit{{auditLog, "Add member to role"}}
	case ResDefaultDomain:
		return []audit{{auditLog, "Update domain"}}
	case ResRecover:
		return []audit{{auditLog, activityAuthentication}}
	case ResFederation:
		if c.Action == Update {
			return []audit{{auditLog, activityFederation}}
		}
		return []audit{{auditLog, activityAuthentication}, {auditLog, activityFederation}}
	}
	return nil
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
	fmt.Fprintf(b, "\n%s and %s are also what an intruder leaves who federates a domain to stay in it. Published detection rules, Sigma's and Elastic's among them, "+
		"raise an alert on either, and assessments mark any federated domain. Tell whoever watches the tenant beforehand. ", span(activityAuthentication), span(activityFederation))
	var from []string
	if e.AzureAD != nil && e.AzureAD.AppID != "" {
		from = append(from, "come from the application "+span(e.AzureAD.AppID))
	}
	if e.Report != nil {
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
