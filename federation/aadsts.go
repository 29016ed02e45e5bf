package federation

import (
	"strings"

	"github.com/jcaad/jcaad/aad/signin"
)

// The codes of Azure AD that the texts of this package name. What they mean is said by
// package signin alone.
const (
	codeNoPassword = "AADSTS50056"   // after the way back to passwords
	codeNoUser     = "AADSTS51004"   // nobody has the immutable ID
	codeOtherRoot  = "AADSTS5000820" // the policy of token validation
	codeLoop       = "AADSTS50196"   // a second factor that is never shown
)

// withMeaning is a code with its meaning in brackets, to be put behind what leads to it.
func withMeaning(code string) string {
	e := known(code)
	return " (" + e.Code + ": " + e.Meaning + ")"
}

// known is what package signin says of one code.
func known(code string) signin.Explanation {
	for _, e := range signin.Explain(code) {
		return e
	}
	return signin.Explanation{Code: code, Meaning: "this is no code of Azure AD"}
}

// explainCodes explains every code of Azure AD in a text, such as the answer of a
// service. One that is not known is said to be so.
func (x *explaining) explainCodes(text string) {
	for _, e := range signin.Explain(text) {
		out := Explanation{Happened: e.Code + ": " + e.Meaning, Repair: e.Repair}
		if len(e.Causes) > 0 {
			out.Cause = "most likely " + strings.Join(e.Causes, "; or ")
		}
		x.add(out)
	}
}
