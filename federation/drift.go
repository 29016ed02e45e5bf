package federation

import (
	"fmt"
	"strings"
	"time"
)

// drift turns what is missing and what is odd into findings.
func (st *observation) drift(p Plan, missing Changes, now time.Time) []Finding {
	ps := st.inspectAll(p, now)
	for i := range ps {
		if ps[i].Code == CodeRotationKey && ps[i].Severity == Refusal {
			ps[i].Severity = Warning // nothing is written here
		}
		if ps[i].refuses() && ps[i].Code == CodeRotationBroken || ps[i].Code == CodeCertificateMismatch && ps[i].Severity == Refusal ||
			ps[i].Code == CodeDomainForeign || ps[i].Code == CodeDomainHalf {
			ps[i].Severity = Alarm
		}
	}
	for _, c := range missing {
		ps = append(ps, st.driftOf(p, c)...)
	}
	if want := p.DefaultDomain; want != "" {
		if d := st.domain(want); d != nil && !d.IsDefault {
			ps.info(CodeDrift, want,
				"the tenant's default domain is not "+want, "")
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
