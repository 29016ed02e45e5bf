package federation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/certs"
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
// for what, and what to do: each finding of a [PreconditionError]; each problem of
// a [PlanError]; each answer of a service in the tree of err, once; what package
// certs found in place of a certificate; and last, where a run stopped. Behind an answer
// of Azure AD, and behind findings, each AADSTS code in them is explained, as package
// signin does; of one that is not known it says so. Of a batch, it says which domain. Of
// other errors it returns the text. It is nil only for nil.
//
// There are no secrets in it, as there are none in the errors of this module; what an
// [Options.Confirm] of the caller returned is repeated as it is, on one line.
// The sentences are for people, and may change at any time: branch on [errors.Is].
func Explain(err error) []Explanation {
	if err == nil {
		return nil
	}
	x := explaining{seen: make(map[Explanation]bool)}
	x.tell(err)
	return x.told
}

type explaining struct {
	told []Explanation
	seen map[Explanation]bool
}

func (x *explaining) add(e Explanation) {
	if !x.seen[e] {
		x.seen[e] = true
		x.told = append(x.told, e)
	}
}

// tell explains err, by its text if there is nothing in it that says more.
func (x *explaining) tell(err error) {
	if !x.walk(err) {
		x.add(Explanation{Happened: sentence(err), Repair: advice(err)})
		x.explainCodes(err.Error())
	}
}

// walk explains what err's tree holds of this module's types, and reports whether
// there is any. Nobody was asked what ended because the caller had gone.
func (x *explaining) walk(err error) bool {
	switch e := err.(type) {
	case *PreconditionError:
		for _, f := range e.Findings {
			x.add(Explanation{Happened: f.Message, Repair: f.Repair, Consent: f.Consent})
		}
		for _, f := range e.Findings {
			x.explainCodes(f.Message + " " + f.Repair)
		}
		return len(e.Findings) > 0
	case *PlanError:
		for _, p := range e.Problems {
			x.add(Explanation{Happened: p.String(), Repair: "mend the file with the plan"})
		}
		return len(e.Problems) > 0
	case *StepError:
		x.stopped(e)
	case *jumpcloud.Error:
		if errors.Is(e, context.Canceled) {
			return false
		}
		a := answer("JumpCloud", e.Op, e.StatusCode, e.Code+" "+e.Message, e.Err)
		a.RequestID = e.RequestID
		if errors.Is(e, jumpcloud.ErrDenied) || errors.Is(e, jumpcloud.ErrUnauthenticated) {
			a.Needs = e.Scope
		}
		a.Repair = repair(e, a.Service, e.RetryAfter)
		x.add(a)
	case *aad.Error:
		if errors.Is(e, context.Canceled) {
			return false
		}
		a := answer("Azure AD", e.Op, e.StatusCode, e.Code+" "+e.Message, e.Err)
		a.RequestID = cmp.Or(e.RequestID, e.ClientRequestID)
		if errors.Is(e, aad.ErrDenied) || errors.Is(e, aad.ErrUnauthenticated) {
			a.Needs = e.Permission
		}
		a.Repair = repair(e, a.Service, e.RetryAfter)
		x.add(a)
		x.explainCodes(e.Error())
	case *certs.ParseError:
		x.add(Explanation{Happened: sentence(e), Repair: parseAdvice(e.Found)})
	case interface{ Unwrap() error }:
		return e.Unwrap() != nil && x.within(err, e.Unwrap())
	case interface{ Unwrap() []error }:
		return x.several(err, e.Unwrap())
	default:
		return false
	}
	return true
}

// within explains cause, with what err, which wraps it, says around it: which
// domain of a batch, which application.
func (x *explaining) within(err, cause error) bool {
	n := len(x.told)
	if !x.walk(cause) {
		return false
	}
	before, after, found := strings.Cut(clean(err.Error()), clean(cause.Error()))
	if !found {
		return true
	}
	before, after = strings.Trim(sentenceOf(before), " :"), strings.Trim(after, " ;:()")
	for i := range x.told[n:] {
		e := &x.told[n+i]
		if before != "" {
			e.Happened = before + ": " + e.Happened
		}
		if after != "" {
			e.Happened += " (" + after + ")"
		}
	}
	return true
}

// several explains each of the errors that err joins. Those that [fmt.Errorf] made
// one sentence of stay one, if it is all there is to say.
func (x *explaining) several(err error, all []error) bool {
	var lines []string
	for _, e := range all {
		lines = append(lines, e.Error())
	}
	if strings.Join(lines, "\n") == err.Error() {
		for _, e := range all {
			x.tell(e)
		}
		return len(all) > 0
	}
	var silent []error
	for _, e := range all {
		if !x.walk(e) {
			silent = append(silent, e)
		}
	}
	if len(silent) == len(all) {
		return false
	}
	for _, e := range silent {
		x.tell(e)
	}
	return true
}

func (x *explaining) stopped(e *StepError) {
	last := Explanation{Happened: "the run stopped at: " + string(e.Phase), Repair: advice(e)}
	if e.Change.Resource != "" {
		last.Happened += " " + e.Change.String()
	}
	if e.Err != nil && !x.walk(e.Err) {
		last.Cause = sentence(e.Err)
	}
	var refused *PreconditionError
	if errors.As(e.Err, &refused) {
		last.Repair = "mend what stands in the way, and " + runAgain
	}
	x.add(last)
}

func answer(service, operation string, status int, said string, cause error) Explanation {
	e := Explanation{Service: service, Operation: operation, Cause: sentence(cause)}
	said = text.OneLine(text.NoAddresses(said), 600)
	switch {
	case status != 0:
		e.Happened = service + " answered with an error"
		e.Answer = strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
		if status < 300 {
			e.Happened = service + " did not answer what it should"
		}
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

// repair is what to do about an error of a service.
func repair(err error, service string, retryAfter time.Duration) string {
	switch s := advice(err); {
	case retryAfter > 0 && s == comeBack:
		return "come back after " + retryAfter.String() + "; the run goes on from what it finds"
	case s != "":
		return s
	}
	return "try once more; if it stays so, quote the request ID to the support of " + service
}

// sentence is the text of an error without the names of packages that its parts begin
// with.
func sentence(err error) string {
	if err == nil {
		return ""
	}
	return sentenceOf(clean(err.Error()))
}

func sentenceOf(s string) string {
	for _, name := range [...]string{"federation: ", "aad: ", "jumpcloud: ", "certs: "} {
		s = strings.ReplaceAll(strings.TrimPrefix(s, name), ": "+name, ": ")
	}
	return s
}

func clean(s string) string { return text.OneLine(text.NoAddresses(s), 1000) }

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
	{ErrNotApproved, "look at the difference, make a new proposal, and have it approved; " +
		"one of another customer is applied with that customer's credentials"},
	{ErrNotStored, "make room for the report where it is stored, and " + runAgain},
	{ErrNoKey, "bring the stored key pair of the domain back, or call Rotate, which says what can be done without it"},
	{ErrDiffers, "look at what changed since, and decide yourself what is to be undone"},
	{ErrNotStarted, "nothing was done for it; see to what kept it from being begun, and run it again"},
	{ErrWrong, "waiting does not mend it: see what Verify says of each layer"},
	{jumpcloud.ErrCertificateRegenerated, "run it again at once, so that Azure AD is told of the new certificate"},
	{jumpcloud.ErrNotVisible, "wait some minutes, and look again whether JumpCloud shows the new certificate everywhere; " +
		"do not write another one meanwhile"},
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
	{aad.ErrAlreadyFederated, "ask Inspect whose federation it is; update it, or consent to take it over"},
	{aad.ErrNotFederated, "the domain is managed, or its configuration cannot be read: ask Inspect, and federate it"},
	{jumpcloud.ErrCertificate, "nothing was written; look which certificate is in place, and use ReplaceCertificate"},
	{jumpcloud.ErrNoCertificate, "wait a minute, and " + runAgain + "; if it stays so, look at the application in JumpCloud's console"},
	{jumpcloud.ErrTooManyPages, "ask for less, or raise the client's MaxPages"},
	{aad.ErrTooManyPages, "ask for less, or raise the client's MaxPages"},
	{jumpcloud.ErrConflict, "look at what is there already: adopt it, rename it, or delete it"},
	{aad.ErrConflict, "look at what has that value already, perhaps among what was deleted: adopt it, change it, or delete it"},
	{errLagging, runAgain},
	{jumpcloud.ErrNotFound, "look whether it was deleted, and whether the key is of the right organisation; what is new may show later"},
	{aad.ErrNotFound, "look whether it was deleted, and whether the credential is of the right tenant; what is new may show later"},
	{jumpcloud.ErrInvalid, "mend the value that the message is about"},
	{aad.ErrInvalid, "mend the value that the message is about"},
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

// parseAdvice is what to do about an input that is not what was asked for.
func parseAdvice(found certs.Kind) string {
	switch found {
	case certs.KindPrivateKey, certs.KindEncryptedPrivateKey, certs.KindPKCS12:
		return "pass the certificate alone, and no key; replace a key that others have seen"
	case certs.KindSeveral:
		return "pass only the certificate that signs"
	case certs.KindSeveralIdPs, certs.KindUnknownEntity:
		return "choose one identity provider by its entity ID"
	case certs.KindUnsigned, certs.KindWeakSignature, certs.KindBadSignature:
		return "do not trust the document; download it anew, or compare its certificate's thumbprint with the provider's"
	case certs.KindTruncated, certs.KindTrailingData, certs.KindDamaged, certs.KindMalformedXML:
		return "copy or download it anew, whole"
	}
	return "pass a certificate (PEM, base64 or DER), or the identity provider's metadata"
}
