package federation_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/signin"
	"github.com/jcaad/jcaad/federation"
)

// TestCodesOfTexts: whatever code of Azure AD a text of this package names, package
// signin knows it, and says what it means.
func TestCodesOfTexts(t *testing.T) {
	named := make(map[string]bool)
	for _, pattern := range []string{"*.go", "internal/people/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, code := range regexp.MustCompile(`AADSTS[0-9]+`).FindAllString(string(b), -1) {
				named[code] = true
			}
		}
	}
	if len(named) < 4 {
		t.Fatalf("only %d codes are named", len(named))
	}
	for code := range named {
		if e := signin.Explain(code); len(e) != 1 || e[0].Source == "" {
			t.Errorf("%s is named, and package signin says of it %+v", code, e)
		}
	}
}

// TestExplainCodes: codes of Azure AD in an answer, in an error of a credential, and in
// findings are explained by package signin's table.
func TestExplainCodes(t *testing.T) {
	refused := errors.New(`POST https://login.microsoftonline.com/t/oauth2/v2.0/token: 400 {"error":"unauthorized_client",` +
		`"error_description":"AADSTS700016: Application was not found.","error_codes":[700016]}`)
	for _, tt := range []struct {
		name  string
		err   error
		codes []string
	}{
		{"a credential's", &aad.Error{Op: "GET domains", Err: refused}, []string{"AADSTS700016"}},
		{"within others", fmt.Errorf("federation: %w", &federation.StepError{Phase: federation.PhaseObserve, Err: &aad.Error{Op: "GET domains", Err: refused}}),
			[]string{"AADSTS700016"}},
		{"not of this module", refused, []string{"AADSTS700016"}},
		{"an answer", &aad.Error{Op: "GET domains", StatusCode: 401, Message: "AADSTS50020: User account from identity provider does not exist"},
			[]string{"AADSTS50020"}},
		{"one that is not known", &aad.Error{Op: "GET domains", Err: errors.New("AADSTS7000215: Invalid client secret provided")}, []string{"AADSTS7000215"}},
		{"a finding", &federation.PreconditionError{Findings: []federation.Finding{{Message: "no password (AADSTS50056)", Repair: "r"}, {Message: "m (AADSTS50056)"}}},
			[]string{"AADSTS50056"}},
		{"none", &aad.Error{Op: "GET domains", StatusCode: 503, RequestID: "50107"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var codes []string
			for _, e := range federation.Explain(tt.err) {
				code, _, _ := strings.Cut(e.Happened, ":")
				if !strings.HasPrefix(code, "AADSTS") || e.Service != "" {
					continue
				}
				known := signin.Explain(code)
				if len(known) != 1 || e.Happened != code+": "+known[0].Meaning || e.Repair != known[0].Repair {
					continue
				}
				codes = append(codes, code)
			}
			if !slices.Equal(codes, tt.codes) {
				t.Errorf("explains %q; want %q\n%v", codes, tt.codes, federation.Explain(tt.err))
			}
		})
	}
}
