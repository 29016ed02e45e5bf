package federation

import (
	"fmt"
	"strings"
	"time"
)

// drift turns what is missing and what is odd into findings.
func drift(p Plan, st *observation, missing Changes, now time.Time) []Finding {
	var ps problems = inspect(p, st, now)
	for i := range ps {
		if ps[i].Code == CodeCertificateMismatch || ps[i].Code == CodeDomainForeign || ps[i].Code == CodeDomainHalf {
			ps[i].Severity = Alarm
		}
	}
	for _, c := range missing {
		f := Finding{Code: CodeDrift, Severity: Warning, Subject: c.Name, Message: "the plan does not hold: Federate would " + c.String(), Repair: "run Federate"}
		switch c.Resource {
		case ResFederation, ResRecover:
			if classify(p, st) != StateForeign && st.fed != nil {
				ps = append(ps, driftFederation(c, f)...)
			} else if !st.federated(p.Domain) && c.Resource == ResFederation {
				f.Message, f.Severity = c.Name+" is not federated: people sign in with Azure AD passwords", Alarm
				ps = append(ps, f)
			} // else told by inspect
			continue
		case ResApplication:
			f.Message, f.Severity = "JumpCloud's application is missing, so nobody can sign in", Alarm
			if c.Action == Update {
				f.Message = "JumpCloud's application differs: " + describe(c)
				if a := st.app(p); a == nil || a.Active {
					f.Severity = Warning
				}
			}
		case ResApplicationGroup:
			f.Message = "the group " + quote(c.Name) + " is not bound to JumpCloud's application, so its members cannot sign in"
			f.Severity = Alarm
		case ResDirectoryGroup:
			f.Message = "the group " + quote(c.Name) + " is not bound to the Microsoft 365 directory, so new members are not exported"
		case ResDefaultDomain:
			f.Message = "the tenant's default domain is " + p.Domain + " again"
		}
		ps = append(ps, f)
	}
	if want := p.DefaultDomain; want != "" {
		if d := st.domain(want); d != nil && !d.IsDefault {
			ps = append(ps, Finding{Code: CodeDrift, Severity: Info, Subject: want, Message: "the tenant's default domain is not " + want})
		}
	}
	return ps
}

func describe(c Change) string {
	var parts []string
	for _, f := range c.Fields {
		parts = append(parts, fmt.Sprintf("%s is %s, the plan says %s", f.Name, f.show(f.Old), f.show(f.New)))
	}
	return strings.Join(parts, ", ")
}
