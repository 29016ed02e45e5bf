package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/jumpcloud"
)

// Explain writes what [federation.Explain] says of an error, and where the
// credential is wrong, where these programs take it from.
func (s *Services) Explain(w io.Writer, err error) {
	all := federation.Explain(err)
	var refused *federation.PreconditionError
	if errors.As(err, &refused) {
		n := min(len(refused.Findings), len(all))
		how := "; nothing was written"
		if len(all) > n {
			how = " before the domain was switched"
		}
		if n == 1 {
			fmt.Fprintf(w, "Refused%s. One thing stands in the way:\n", how)
		} else {
			fmt.Fprintf(w, "Refused%s. %d things stand in the way:\n", how, n)
		}
		for i, e := range all[:n] {
			fmt.Fprintf(w, "\n%3d. %s\n", i+1, e.Happened)
			if e.Repair != "" {
				fmt.Fprintf(w, "     what to do:  %s\n", e.Repair)
			}
			if e.Consent != "" {
				fmt.Fprintf(w, "     or consent in the plan: consent.%s\n", e.Consent)
			}
		}
		if all = all[n:]; len(all) > 0 {
			fmt.Fprintln(w)
		}
	}
	told := ""
	for _, e := range all {
		fmt.Fprintln(w, strings.ToUpper(e.Happened[:1])+e.Happened[1:])
		repair := cmp.Or(s.ownAdvice(e.Service, err), e.Repair)
		if repair == told {
			repair = ""
		}
		told = cmp.Or(repair, told)
		detail(w, "asked for", e.Operation)
		detail(w, "answer", e.Answer)
		detail(w, "cause", e.Cause)
		detail(w, map[string]string{"JumpCloud": "scope needed", "Azure AD": "permission needed"}[e.Service], e.Needs)
		detail(w, "request ID", e.RequestID)
		detail(w, "what to do", repair)
	}
}

// ownAdvice says what to do about a credential that a service does not take.
func (s *Services) ownAdvice(service string, err error) string {
	switch {
	case service != "Azure AD" && errors.Is(err, jumpcloud.ErrUnauthenticated):
		return fmt.Sprintf("check the credential in JUMPCLOUD_API_KEY (or JUMPCLOUD_CLIENT_ID and JUMPCLOUD_CLIENT_SECRET): "+
			"it may be wrong, expired, or of another region than this one (-region us, eu or in; it is %s)", cmp.Or(s.Region, "us"))
	case service != "JumpCloud" && errors.Is(err, aad.ErrUnauthenticated) && s.GraphTokenEnv != "":
		return "the token in " + s.GraphTokenEnv + " was not accepted: get a new one, for https://graph.microsoft.com and for this tenant"
	case service != "JumpCloud" && errors.Is(err, aad.ErrUnauthenticated):
		return "sign in with \"az login\", or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET of an application in this tenant"
	}
	return ""
}

func detail(w io.Writer, name, value string) {
	if value != "" {
		fmt.Fprintf(w, "  %-18s %s\n", name, value)
	}
}
