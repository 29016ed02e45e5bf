package federation

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/internal/text"
	"github.com/jcaad/jcaad/jumpcloud"
)

// An Explanation is one thing that an error of this module says, in words for the
// person who has to do something about it. What is not known is "".
type Explanation struct {
	// Happened says what happened, in one sentence without a full stop.
	Happened string

	// Service is who answered or could not be asked, "JumpCloud" or "Azure AD", and
	// Operation what was asked for: method and path template.
	Service, Operation string
	// Answer is what the service said, with its status; Cause is what went wrong on
	// this side. Email addresses are left out.
	Answer, Cause string
	// Needs is the permission or scope that the operation needs, where it was refused.
	Needs string
	// RequestID is what to quote to the service's support.
	RequestID string

	// Repair says what to do, and Consent which field of [Consent] does instead.
	Repair, Consent string
}

// String returns the explanation as a paragraph of lines.
func (e Explanation) String() string {
	var b strings.Builder
	b.WriteString(e.Happened)
	for _, l := range [...]struct{ name, value string }{
		{"asked for", e.Operation}, {"answer", e.Answer}, {"cause", e.Cause}, {"needed", e.Needs},
		{"request ID", e.RequestID}, {"what to do", e.Repair}, {"or consent in the plan", e.Consent},
	} {
		if l.value != "" {
			b.WriteString("\n  " + l.name + ": " + l.value)
		}
	}
	return b.String()
}

// Explain says of any error of this module what happened, which service was asked
// for what, and what to do: each finding of a [PreconditionError]; each answer of a
// service in the tree of err, once; and last, where a run stopped. Of other errors it
// returns the text. It is nil only for nil.
//
// There are no secrets in it, as there are none in the errors of this module; what an
// [Options.Confirm] of the caller returned is repeated as it is, on one line.
// The sentences are for people, and may change at any time: branch on [errors.Is].
func Explain(err error) []Explanation {
	if err == nil {
		return nil
	}
	var refused *PreconditionError
	if errors.As(err, &refused) && len(refused.Findings) > 0 {
		var all []Explanation
		for _, f := range refused.Findings {
			all = append(all, Explanation{Happened: f.Message, Repair: f.Repair, Consent: f.Consent})
		}
		return all
	}
	all := answers(err)
	var step *StepError
	last := Explanation{Repair: advice(err)}
	switch {
	case errors.As(err, &step):
		last.Happened = "the run stopped at: " + string(step.Phase)
		if step.Change.Resource != "" {
			last.Happened += " " + step.Change.String()
		}
		if len(all) == 0 {
			last.Cause = sentence(step.Err)
		}
	case len(all) == 0:
		last.Happened = sentence(err)
	default:
		return all
	}
	return append(all, last)
}

// answers explains the errors of the two services in err's tree, each once.
func answers(err error) (all []Explanation) {
	seen := make(map[string]bool)
	var walk func(error)
	walk = func(err error) {
		var e Explanation
		switch x := err.(type) {
		case *jumpcloud.Error:
			e = answer("JumpCloud", x.Op, x.StatusCode, x.Message, x.Err)
			e.RequestID = x.RequestID
			if errors.Is(x, jumpcloud.ErrDenied) || errors.Is(x, jumpcloud.ErrUnauthenticated) {
				e.Needs = x.Scope
			}
		case *aad.Error:
			e = answer("Azure AD", x.Op, x.StatusCode, x.Code+" "+x.Message, x.Err)
			e.RequestID = x.RequestID
			if errors.Is(x, aad.ErrDenied) || errors.Is(x, aad.ErrUnauthenticated) {
				e.Needs = x.Permission
			}
		case interface{ Unwrap() error }:
			if next := x.Unwrap(); next != nil {
				walk(next)
			}
			return
		case interface{ Unwrap() []error }:
			for _, next := range x.Unwrap() {
				walk(next)
			}
			return
		default:
			return
		}
		if !errors.Is(err, context.Canceled) && !seen[err.Error()] {
			seen[err.Error()] = true
			e.Repair = advice(err)
			all = append(all, e)
		}
	}
	walk(err)
	return all
}

func answer(service, operation string, status int, said string, cause error) Explanation {
	e := Explanation{Service: service, Operation: operation, Cause: sentence(cause)}
	said = text.OneLine(text.NoAddresses(said), 600)
	switch {
	case status != 0:
		e.Happened = service + " answered with an error"
		e.Answer = strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
		if said != "" {
			e.Answer += ": " + said
		}
	case cause != nil:
		e.Happened = service + " could not be asked"
	default:
		e.Happened = service + " was not asked"
		e.Cause = said
	}
	return e
}

// sentence is the text of an error without the names of packages in front.
func sentence(err error) string {
	if err == nil {
		return ""
	}
	s := text.OneLine(text.NoAddresses(err.Error()), 1000)
	for _, name := range [...]string{"federation: ", "aad: ", "jumpcloud: ", "certs: "} {
		s = strings.TrimPrefix(s, name)
	}
	return s
}

const (
	comeBack = "come back later; the run goes on from what it finds"
	runAgain = "run it again; the run goes on from what it finds"
)

// advices are what to do about the kinds of errors, the first that fits. What a
// write may have done all the same goes before why nobody knows.
var advices = []struct {
	kind error
	text string
}{
	{ErrNotConfirmed, "nothing was written; confirm the changes, or change the plan"},
	{ErrDiffers, "look at what changed since, and decide yourself what is to be undone"},
	{ErrNotStarted, "nothing was done for it; run it again when the others are repaired"},
	{ErrWrong, "waiting does not mend it: see what Verify says of each layer"},
	{jumpcloud.ErrCertificateRegenerated, "run it again at once, so that Azure AD is told of the new certificate"},
	{jumpcloud.ErrReadOnly, "nothing was written; use a client that may write"},
	{aad.ErrReadOnly, "nothing was written; use a client that may write"},
	{jumpcloud.ErrOutcomeUnknown, "the change may have been made: " + runAgain},
	{aad.ErrOutcomeUnknown, "the change may have been made: " + runAgain},
	{jumpcloud.ErrUnauthenticated, "check the API key or the service account's ID and secret: it may be wrong, expired, or of another region"},
	{aad.ErrUnauthenticated, "get a token for Microsoft Graph in this tenant, with a credential that has not expired"},
	{jumpcloud.ErrDenied, "give the service account the scope, or use a key of an administrator with a role that may do this; " +
		"if there are several organisations, say which one"},
	{aad.ErrDenied, "grant the permission to the application and have an administrator consent to it; " +
		"a signed-in user also needs a directory role, such as Global Administrator"},
	{aad.ErrOpaqueToken, "the permissions show when they are used; for a look before, use a token of Microsoft Graph"},
	{aad.ErrIssuerInUse, "set application.idpEntityID to one that no other domain has, in this tenant or another"},
	{jumpcloud.ErrThrottled, comeBack},
	{aad.ErrThrottled, comeBack},
	{jumpcloud.ErrUnavailable, runAgain},
	{aad.ErrUnavailable, runAgain},
	{ErrNotConverged, runAgain},
	{context.DeadlineExceeded, "give it more time; the run goes on from what it finds"},
	{context.Canceled, runAgain},
}

func advice(err error) string {
	for _, a := range advices {
		if errors.Is(err, a.kind) {
			return a.text
		}
	}
	return ""
}
