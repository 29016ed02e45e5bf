package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/jumpcloud"
)

// Explain writes an error for people: everything that stands in the way, each
// with what to do; and for an answer of one of the services which service, what
// was asked for, what it said, and what to quote to its support.
func (s *Services) Explain(w io.Writer, err error) {
	var refused *federation.PreconditionError
	switch {
	case errors.As(err, &refused):
		explainRefusal(w, refused)
		return
	case errors.Is(err, federation.ErrNotConfirmed):
		fmt.Fprintf(w, "%s: nothing was written\n", oneLine(err))
		return
	}
	told := false
	for _, e := range services(err) {
		told = true
		switch e := e.(type) {
		case *jumpcloud.Error:
			answer(w, "JumpCloud", e.Op, status(e.StatusCode, e.Message), e.Err)
			detail(w, "scope needed", e.Scope)
			detail(w, "request ID", e.RequestID)
			detail(w, "what to do", s.jumpCloudAdvice(e))
		case *aad.Error:
			answer(w, "Azure AD", e.Op, status(e.StatusCode, strings.TrimSpace(e.Code+" "+e.Message)), e.Err)
			detail(w, "permission needed", e.Permission)
			detail(w, "request ID", e.RequestID)
			detail(w, "what to do", s.azureADAdvice(e))
		}
	}
	var step *federation.StepError
	switch {
	case errors.As(err, &step):
		fmt.Fprintf(w, "The run stopped at: %s %s\n", step.Phase, what(&step.Change))
		if !told && !errors.Is(err, context.Canceled) {
			detail(w, "cause", oneLine(step.Err))
		}
	case !told:
		fmt.Fprintln(w, strings.TrimPrefix(err.Error(), "federation: "))
	}
}

func explainRefusal(w io.Writer, e *federation.PreconditionError) {
	if n := len(e.Findings); n == 1 {
		fmt.Fprintln(w, "Refused; nothing was written. One thing stands in the way:")
	} else {
		fmt.Fprintf(w, "Refused; nothing was written. %d things stand in the way:\n", n)
	}
	for i, f := range e.Findings {
		fmt.Fprintf(w, "\n%3d. %s\n", i+1, Wrap(f.Message, 5))
		if f.Repair != "" {
			fmt.Fprintf(w, "     what to do: %s\n", Wrap(f.Repair, 17))
		}
		if f.Consent != "" {
			fmt.Fprintf(w, "     or consent in the plan: consent.%s\n", f.Consent)
		}
	}
}

// services returns the errors of the two services in err's tree, each once.
func services(err error) []error {
	var out []error
	seen := make(map[string]bool)
	var walk func(error)
	walk = func(err error) {
		switch err := err.(type) {
		case nil:
			return
		case *jumpcloud.Error, *aad.Error:
			if !errors.Is(err, context.Canceled) && !seen[err.Error()] {
				seen[err.Error()] = true
				out = append(out, err)
			}
			return
		}
		switch err := err.(type) {
		case interface{ Unwrap() error }:
			walk(err.Unwrap())
		case interface{ Unwrap() []error }:
			for _, e := range err.Unwrap() {
				walk(e)
			}
		}
	}
	walk(err)
	return out
}

func answer(w io.Writer, service, op, said string, cause error) {
	switch {
	case said != "":
		fmt.Fprintf(w, "%s answered with an error.\n", service)
	case cause != nil:
		fmt.Fprintf(w, "%s could not be asked.\n", service)
	}
	detail(w, "asked for", op)
	detail(w, "answer", said)
	if cause != nil {
		detail(w, "cause", oneLine(cause))
	}
}

func detail(w io.Writer, name, value string) {
	if value != "" {
		fmt.Fprintf(w, "  %-18s %s\n", name, Wrap(value, 21))
	}
}

func status(code int, said string) string {
	if code == 0 {
		return ""
	}
	text := fmt.Sprintf("%d %s", code, http.StatusText(code))
	if said = strings.TrimSpace(said); said != "" {
		text += ": " + said
	}
	return text
}

func (s *Services) jumpCloudAdvice(e *jumpcloud.Error) string {
	switch {
	case errors.Is(e, jumpcloud.ErrUnauthenticated):
		return fmt.Sprintf("check the credential in JUMPCLOUD_API_KEY (or JUMPCLOUD_CLIENT_ID and JUMPCLOUD_CLIENT_SECRET): "+
			"it may be wrong, expired, or of another region than this one (-region us, eu or in; it is %s)", cmp.Or(s.Region, "us"))
	case errors.Is(e, jumpcloud.ErrDenied):
		return "give the service account the scope, or use a key of an administrator with a role that may do this; if there are several organisations, set JUMPCLOUD_ORG_ID"
	case errors.Is(e, jumpcloud.ErrThrottled):
		return "come back later; the run goes on from what it finds"
	case errors.Is(e, jumpcloud.ErrUnavailable):
		return "run it again; the run goes on from what it finds"
	}
	return ""
}

func (s *Services) azureADAdvice(e *aad.Error) string {
	switch {
	case errors.Is(e, aad.ErrUnauthenticated) && s.GraphTokenEnv != "":
		return "the token in " + s.GraphTokenEnv + " was not accepted: get a new one, for https://graph.microsoft.com and for this tenant"
	case errors.Is(e, aad.ErrUnauthenticated):
		return "sign in with \"az login\", or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET of an application in this tenant"
	case errors.Is(e, aad.ErrDenied):
		return "grant the permission to the application and have an administrator consent to it; a signed-in user also needs a directory role, such as Global Administrator"
	case errors.Is(e, aad.ErrThrottled):
		return "come back later; the run goes on from what it finds"
	case errors.Is(e, aad.ErrUnavailable):
		return "run it again; the run goes on from what it finds"
	}
	return ""
}

func oneLine(err error) string {
	return strings.Join(strings.Fields(strings.TrimPrefix(err.Error(), "federation: ")), " ")
}

const lineWidth = 110

// Wrap breaks text into lines; all but the first are indented.
func Wrap(text string, indent int) string {
	var b strings.Builder
	column := indent
	for i, word := range strings.Fields(text) {
		n := len([]rune(word))
		switch {
		case i == 0:
		case column+1+n > lineWidth:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			column = indent
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += n
	}
	return b.String()
}
