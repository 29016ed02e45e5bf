package work

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/examples/operator/internal/approve"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/examples/operator/internal/secret"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/internal/text"
	"github.com/jcaad/jcaad/jumpcloud"
)

// mostText is how long the text of a problem can be, in bytes.
const mostText = 1024

// safe makes a text fit to be kept in a history.
func safe(s string) string {
	s = text.OneLine(text.NoAddresses(s), mostText)
	for len(s) > mostText {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return s
}

// people is a problem that waits for somebody.
func people(code, format string, args ...any) *flow.Problem {
	return &flow.Problem{Class: federation.ClassPeople, Code: code, Text: safe(fmt.Sprintf(format, args...))}
}

// problem says of an error what happened and what to do, without what may name people:
// from codes, numbers and general sentences.
func problem(err error) *flow.Problem {
	p := &flow.Problem{Class: federation.Class(err), After: federation.RetryAfter(err)}
	var refused *federation.PreconditionError
	var fetch *secret.Error
	var other *federation.NotApprovedError
	switch {
	case errors.As(err, &fetch):
		p.Class, p.Code, p.Text = federation.ClassPeople, "credential", safe(fetch.Error())
	case errors.As(err, &refused):
		p.Class = federation.ClassPeople
		if len(refused.Findings) > 0 {
			p.Code = string(refused.Findings[0].Code)
		}
		p.Text = safe(findings(refused.Findings, len(refused.People)))
	case errors.As(err, &other):
		p.Code, p.Text = "not-approved", safe(difference(other))
	case approval(err):
		p.Class, p.Code, p.Text = federation.ClassPeople, "approval", safe(err.Error())
	default:
		p.Code, p.Text = told(err)
	}
	return p
}

// approval reports whether the error is one of package approve, which name nobody.
func approval(err error) bool {
	return slices.ContainsFunc([]error{
		approve.ErrForged, approve.ErrOtherProposal, approve.ErrOtherVerb, approve.ErrOtherDomain, approve.ErrExpired,
		approve.ErrYetToCome, approve.ErrSamePerson, approve.ErrOnePerson, approve.ErrNoTwo, approve.ErrNoRole,
	}, func(kind error) bool { return errors.Is(err, kind) })
}

// aboutServices are the beginnings of the codes whose messages are of domains,
// applications, directories and certificates, and of nobody.
var aboutServices = []string{"domain-", "application-", "certificate", "directory-", "rotation", "plan-domain", "plan-entity-id",
	"plan-url",
	"plan-mfa", "plan-rotation", "plan-default-domain", "wrong-", "sign-out-url", "issuer-in-use", "template-missing", "login-url-taken",
	"next-certificate", "default-domain", "token-validation-policy", "subdomain"}

// generally says what the other codes mean.
var generally = map[federation.Code]string{
	federation.CodeLockOut:          "people would lose their sign-in",
	federation.CodeAlreadyOut:       "people cannot sign in today either",
	federation.CodeBreakGlass:       "no administrator could sign in if JumpCloud were down",
	federation.CodeBreakGlassOne:    "only one administrator could sign in if JumpCloud were down",
	federation.CodeTechnicalAccount: "the technical account is not what the plan says",
	federation.CodePermission:       "a permission is missing",
	federation.CodeMemberUnknown:    "a member whom the plan names is not there",
	federation.CodePasswordNeeded:   "people have no known password",
	federation.CodeGroupTwice:       "two groups have the name that the plan names",
	federation.CodeConsentUnused:    "a consent covers nobody",
	federation.CodeSessions:         "not everybody was signed out",
}

// findings tells each kind of finding once.
func findings(fs []federation.Finding, lose int) string {
	var parts []string
	count := make(map[federation.Code]int)
	for _, f := range fs {
		count[f.Code]++
	}
	said := make(map[federation.Code]bool)
	for _, f := range fs {
		if said[f.Code] {
			continue
		}
		said[f.Code] = true
		what := generally[f.Code]
		switch {
		case f.Code == federation.CodeLockOut && lose > 0:
			what = fmt.Sprintf("%s: %d", what, lose)
		case slices.ContainsFunc(aboutServices, func(s string) bool { return strings.HasPrefix(string(f.Code), s) }):
			what = f.Message
			if f.Repair != "" {
				what += ": " + f.Repair
			}
		case what == "":
			what = "see the preflight"
		}
		if n := count[f.Code]; n > 1 {
			what += fmt.Sprintf(" (%d of this kind)", n)
		}
		parts = append(parts, string(f.Code)+": "+what)
	}
	return strings.Join(parts, "; ")
}

// difference says what is not approved: what kind of changes, and how many people.
func difference(e *federation.NotApprovedError) string {
	var what []string
	if e.Reason != "" {
		what = append(what, e.Reason)
	}
	n := make(map[string]int)
	for _, c := range e.Changes {
		n[string(c.Action)+" "+string(c.Resource)]++
	}
	var changes []string
	for _, c := range slices.Sorted(maps.Keys(n)) {
		changes = append(changes, fmt.Sprintf("%s (%d)", c, n[c]))
	}
	if len(changes) > 0 {
		what = append(what, "these changes are not in the proposal: "+strings.Join(changes, ", "))
	}
	if len(e.People) > 0 {
		what = append(what, fmt.Sprintf("people would lose their sign-in whom it does not name: %d", len(e.People)))
	}
	return "what is to be done is not what was approved: " + strings.Join(what, "; ") + ": look at a new proposal, and approve that"
}

// told is the code and the text of any other error: who was asked for what, the status
// of the answer, and what is to be done.
func told(err error) (code, said string) {
	var parts []string
	var je *jumpcloud.Error
	var ae *aad.Error
	status := 0
	switch {
	case errors.As(err, &je):
		status, code = je.StatusCode, "jumpcloud"
	case errors.As(err, &ae):
		status, code = ae.StatusCode, "azure-ad"
	}
	if status != 0 {
		code = fmt.Sprintf("%s-%d", code, status)
	}
	var repair string
	for _, e := range federation.Explain(err) {
		if e.Service == "" {
			continue
		}
		s := e.Service + " could not be asked"
		if status != 0 {
			s = fmt.Sprintf("%s answered %d", e.Service, status)
		}
		if e.Operation != "" {
			s += " to " + e.Operation
		}
		if e.Needs != "" {
			s += "; needed: " + e.Needs
		}
		if e.RequestID != "" {
			s += "; request ID " + e.RequestID
		}
		parts, repair = append(parts, s), e.Repair
		break
	}
	var step *federation.StepError
	if errors.As(err, &step) {
		s := "the run stopped at " + string(step.Phase)
		if step.Change.Resource != "" {
			s += fmt.Sprintf(" %s %s", step.Change.Action, step.Change.Resource)
		}
		parts = append(parts, s)
	}
	for _, k := range []struct {
		kind error
		code string
	}{
		{federation.ErrNotConverged, "not-converged"}, {federation.ErrNotStored, "not-stored"}, {federation.ErrNotConfirmed, "not-confirmed"},
		{federation.ErrDiffers, "differs"}, {federation.ErrNoKey, "no-key"}, {federation.ErrWrong, "wrong"},
	} {
		if errors.Is(err, k.kind) {
			parts = append(parts, k.kind.Error())
			if code == "" {
				code = k.code
			}
		}
	}
	if len(parts) == 0 {
		parts = []string{"it failed"}
	}
	if repair != "" {
		parts = append(parts, repair)
	}
	return code, safe(strings.Join(parts, "; "))
}
