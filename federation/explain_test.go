package federation_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
)

func TestExplain(t *testing.T) {
	type es = []federation.Explanation
	change := federation.Change{Resource: federation.ResApplication, Name: "urn:x", Action: federation.Create}
	denied := &jumpcloud.Error{Op: "GET /api/x", StatusCode: 403, Message: "no", Scope: "applications", RequestID: "ray-1"}
	const key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"
	const again = "run it again; the run goes on from what it finds"
	tests := []struct {
		name string
		err  error
		want es // with a beginning of each Repair
	}{
		{"nothing", nil, nil},
		{"findings", fmt.Errorf("federation: %w", &federation.PreconditionError{Findings: []federation.Finding{
			{Message: "m1", Repair: "r1", Consent: "takeOver"}, {Message: "m2"}}}),
			es{{Happened: "m1", Repair: "r1", Consent: "takeOver"}, {Happened: "m2"}}},
		{"a refused step", &federation.StepError{Phase: federation.PhaseApply, Change: change, Err: denied}, es{
			{Happened: "JumpCloud answered with an error", Service: "JumpCloud", Operation: "GET /api/x", Answer: "403 Forbidden: no",
				Needs: "applications", RequestID: "ray-1", Repair: "give the service account the scope"},
			{Happened: `the run stopped at: apply create jumpcloud/application "urn:x"`, Repair: "give the service account the scope"}}},
		{"a refused look", &federation.StepError{Phase: federation.PhaseObserve, Err: &aad.Error{Op: "GET users", StatusCode: 403, Code: "Denied", Permission: "User.Read.All"}}, es{
			{Happened: "Azure AD answered with an error", Service: "Azure AD", Operation: "GET users", Answer: "403 Forbidden: Denied", Needs: "User.Read.All", Repair: "grant the permission"},
			{Happened: "the run stopped at: observe", Repair: "grant the permission"}}},
		{"both, one twice", errors.Join(denied, denied, &aad.Error{Op: "GET domains", StatusCode: 429, RequestID: "g-1", Permission: "Domain.Read.All"}), es{
			{Happened: "JumpCloud answered with an error", Service: "JumpCloud", Operation: "GET /api/x", Answer: "403 Forbidden: no", Needs: "applications", RequestID: "ray-1", Repair: "give"},
			{Happened: "Azure AD answered with an error", Service: "Azure AD", Operation: "GET domains", Answer: "429 Too Many Requests", RequestID: "g-1", Repair: "come back later"}}},
		{"no answer", fmt.Errorf("federation: %w", &aad.Error{Op: "GET domains", Err: io.ErrUnexpectedEOF}),
			es{{Happened: "Azure AD could not be asked", Service: "Azure AD", Operation: "GET domains", Cause: "unexpected EOF", Repair: again}}},
		{"lost answer of a write", &jumpcloud.Error{Op: "POST /api/x", OutcomeUnknown: true, Err: io.EOF},
			es{{Happened: "JumpCloud could not be asked", Service: "JumpCloud", Operation: "POST /api/x", Cause: "EOF", Repair: "the change may have been made"}}},
		{"credential", &jumpcloud.Error{Op: "GET /api/x", StatusCode: 401}, es{{Happened: "JumpCloud answered with an error", Service: "JumpCloud", Operation: "GET /api/x",
			Answer: "401 Unauthorized", Repair: "check the API key"}}},
		{"people in a message", &jumpcloud.Error{Op: "POST /api/x", StatusCode: 400, Message: "dana@example.com\nis taken"},
			es{{Happened: "JumpCloud answered with an error", Service: "JumpCloud", Operation: "POST /api/x", Answer: "400 Bad Request: <address> is taken", Repair: "mend the value"}}},
		{"a wait that ended", &federation.StepError{Phase: federation.PhaseWait, Change: change, Err: federation.ErrNotConverged},
			es{{Happened: `the run stopped at: wait create jumpcloud/application "urn:x"`, Cause: "the change does not show yet", Repair: again}}},
		{"not confirmed", fmt.Errorf("federation: %w: %w", federation.ErrNotConfirmed, errors.New("no\x1b")), es{{Happened: "not confirmed: no", Repair: "nothing was written"}}},
		{"not started", federation.ErrNotStarted, es{{Happened: federation.ErrNotStarted.Error(), Repair: "nothing was done"}}},
		{"not started, and why", fmt.Errorf("Contoso: federation: a.example: %w: %w", federation.ErrNotStarted, context.Canceled),
			es{{Happened: "Contoso: a.example: not started: context canceled", Repair: "nothing was done"}}},
		{"not stored", errors.Join(&federation.StepError{Phase: federation.PhaseApply, Change: change,
			Err: fmt.Errorf("federation: %w: %w", federation.ErrNotStored, errors.New("disk full"))}), es{
			{Happened: `the run stopped at: apply create jumpcloud/application "urn:x"`, Cause: "the report was not stored: disk full", Repair: "make room"}}},
		{"not approved", fmt.Errorf("federation: the run of 2026-03-02: %w",
			fmt.Errorf("federation: %w: the proposal has expired", federation.ErrNotApproved)), es{
			{Happened: "the run of 2026-03-02: not approved: the proposal has expired", Repair: "look at the difference"}}},
		{"a file", fmt.Errorf("plan.json: %w", &federation.PlanError{Problems: []federation.PlanProblem{
			{Path: "mfa", Line: 2, Column: 3, Text: "doubled"}, {Text: "the plan is empty"}}}), es{
			{Happened: "plan.json: line 2, column 3: mfa: doubled", Repair: "mend the file"}, {Happened: "plan.json: the plan is empty", Repair: "mend the file"}}},
		{"differs", fmt.Errorf("federation: %w", federation.ErrDiffers), es{{Happened: federation.ErrDiffers.Error(), Repair: "look at what changed"}}},
		{"wrong", federation.ErrWrong, es{{Happened: federation.ErrWrong.Error(), Repair: "waiting does not mend it"}}},
		{"cancelled", &federation.StepError{Phase: federation.PhaseApply, Err: &aad.Error{Op: "GET users", Err: context.Canceled}},
			es{{Happened: "the run stopped at: apply", Cause: "GET users: context canceled", Repair: again}}},
		{"findings before the switch", &federation.StepError{Phase: federation.PhaseApply, Change: change,
			Err: &federation.PreconditionError{Findings: []federation.Finding{{Message: "m1", Repair: "r1"}}}}, es{{Happened: "m1", Repair: "r1"},
			{Happened: `the run stopped at: apply create jumpcloud/application "urn:x"`, Repair: "mend what stands in the way, and " + again}}},
		{"a batch", errors.Join(
			fmt.Errorf("a.example: %w", &federation.PreconditionError{Findings: []federation.Finding{{Message: "m1", Repair: "r1"}}}),
			fmt.Errorf("b.example: %w", &federation.StepError{Phase: federation.PhaseObserve, Err: denied}),
			fmt.Errorf("federation: c.example: %w", federation.ErrNotStarted)), es{
			{Happened: "a.example: m1", Repair: "r1"},
			{Happened: "b.example: JumpCloud answered with an error", Service: "JumpCloud", Operation: "GET /api/x", Answer: "403 Forbidden: no",
				Needs: "applications", RequestID: "ray-1", Repair: "give the service account the scope"},
			{Happened: "b.example: the run stopped at: observe", Repair: "give the service account the scope"},
			{Happened: "c.example: " + federation.ErrNotStarted.Error(), Repair: "nothing was done"}}},
		{"not confirmed, because of a service", fmt.Errorf("federation: %w: %w", federation.ErrNotConfirmed, denied), es{
			{Happened: "JumpCloud answered with an error", Service: "JumpCloud", Operation: "GET /api/x", Answer: "403 Forbidden: no",
				Needs: "applications", RequestID: "ray-1", Repair: "give the service account the scope"},
			{Happened: "not confirmed", Repair: "nothing was written"}}},
		{"what a caller adds", fmt.Errorf("%w (the domain has another configuration)", denied), es{
			{Happened: "JumpCloud answered with an error (the domain has another configuration)", Service: "JumpCloud", Operation: "GET /api/x",
				Answer: "403 Forbidden: no", Needs: "applications", RequestID: "ray-1", Repair: "give the service account the scope"}}},
		{"asked to stay away", &aad.Error{Op: "GET users", StatusCode: 429, RetryAfter: 90 * time.Second}, es{{Happened: "Azure AD answered with an error",
			Service: "Azure AD", Operation: "GET users", Answer: "429 Too Many Requests", Repair: "come back after 1m30s"}}},
		{"an answer that is none", &aad.Error{Op: "GET users", StatusCode: 200, ClientRequestID: "ours", Err: errors.New("no list")}, es{
			{Happened: "Azure AD did not answer what it should", Service: "Azure AD", Operation: "GET users", Answer: "200 OK", Cause: "no list",
				RequestID: "ours", Repair: again}}},
		{"an answer that nobody knows", &jumpcloud.Error{Op: "GET /api/x", StatusCode: 418, Code: "TEAPOT"}, es{
			{Happened: "JumpCloud answered with an error", Service: "JumpCloud", Operation: "GET /api/x", Answer: "418 I'm a teapot: TEAPOT",
				Repair: "try once more; if it stays so, quote the request ID to the support of JumpCloud"}}},
		{"a certificate that is none", fmt.Errorf("jumpcloud: application a1: its certificate cannot be read: %w", parseError("nothing of the kind")), es{
			{Happened: "application a1: its certificate cannot be read: " + strings.TrimPrefix(parseError("nothing of the kind").Error(), "certs: "),
				Repair: "pass a certificate"}}},
		{"a key in place of a certificate", parseError(key), es{
			{Happened: strings.TrimPrefix(parseError(key).Error(), "certs: "),
				Repair: "pass the certificate alone"}}},
		{"late", context.DeadlineExceeded, es{{Happened: "context deadline exceeded", Repair: "give it more time"}}},
		{"anything", errors.New("federation: something"), es{{Happened: "something"}}},
	}
	for _, tt := range tests {
		got := federation.Explain(tt.err)
		for i := range got {
			if i < len(tt.want) && tt.want[i].Repair != "" && strings.HasPrefix(got[i].Repair, tt.want[i].Repair) {
				got[i].Repair = tt.want[i].Repair
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func parseError(s string) error {
	_, err := certs.ParseOne([]byte(s))
	return err
}

// kinds are the errors that this module exports, by package and name, and of each
// type of errors one.
var kinds = map[string]error{
	"federation.ErrNotConverged": federation.ErrNotConverged, "federation.ErrNotConfirmed": federation.ErrNotConfirmed,
	"federation.ErrNoKey": federation.ErrNoKey, "federation.ErrNotStored": federation.ErrNotStored, "federation.ErrDiffers": federation.ErrDiffers,
	"federation.ErrNotApproved": federation.ErrNotApproved, "federation.NotApprovedError": &federation.NotApprovedError{Reason: "x"},
	"federation.ErrNotStarted": federation.ErrNotStarted,
	"federation.ErrWrong":      federation.ErrWrong,
	"aad.ErrNotFound":          aad.ErrNotFound, "aad.ErrNotFederated": aad.ErrNotFederated, "aad.ErrAlreadyFederated": aad.ErrAlreadyFederated,
	"aad.ErrIssuerInUse": aad.ErrIssuerInUse, "aad.ErrInvalid": aad.ErrInvalid, "aad.ErrConflict": aad.ErrConflict,
	"aad.ErrDenied": aad.ErrDenied, "aad.ErrUnauthenticated": aad.ErrUnauthenticated, "aad.ErrThrottled": aad.ErrThrottled,
	"aad.ErrUnavailable": aad.ErrUnavailable, "aad.ErrOutcomeUnknown": aad.ErrOutcomeUnknown, "aad.ErrTooManyPages": aad.ErrTooManyPages,
	"aad.ErrReadOnly": aad.ErrReadOnly, "aad.ErrOpaqueToken": aad.ErrOpaqueToken,
	"jumpcloud.ErrNotFound": jumpcloud.ErrNotFound, "jumpcloud.ErrConflict": jumpcloud.ErrConflict, "jumpcloud.ErrInvalid": jumpcloud.ErrInvalid,
	"jumpcloud.ErrUnauthenticated": jumpcloud.ErrUnauthenticated, "jumpcloud.ErrDenied": jumpcloud.ErrDenied,
	"jumpcloud.ErrThrottled": jumpcloud.ErrThrottled, "jumpcloud.ErrUnavailable": jumpcloud.ErrUnavailable,
	"jumpcloud.ErrOutcomeUnknown": jumpcloud.ErrOutcomeUnknown, "jumpcloud.ErrTooManyPages": jumpcloud.ErrTooManyPages,
	"jumpcloud.ErrReadOnly": jumpcloud.ErrReadOnly, "jumpcloud.ErrNoCertificate": jumpcloud.ErrNoCertificate,
	"jumpcloud.ErrCertificate": jumpcloud.ErrCertificate, "jumpcloud.ErrCertificateRegenerated": jumpcloud.ErrCertificateRegenerated,
	"jumpcloud.ErrNotVisible": jumpcloud.ErrNotVisible,

	"federation.PlanError":         &federation.PlanError{Problems: []federation.PlanProblem{{Text: "p"}}},
	"federation.PreconditionError": &federation.PreconditionError{Findings: []federation.Finding{{Message: "m", Repair: "r"}}},
	"federation.StepError":         &federation.StepError{Phase: federation.PhaseApply, Err: federation.ErrNotConverged},
	"aad.Error":                    &aad.Error{StatusCode: 418},
	"jumpcloud.Error":              &jumpcloud.Error{StatusCode: 302},
	"certs.ParseError":             parseError(""),
}

// exportedErrors matches what the list of the surface has of errors: variables, and
// types with the method of one.
var exportedErrors = regexp.MustCompile(`^(?:\t|var )(Err[A-Z]\w*)|^func \(\w* ?\*?([A-Z]\w*)\) Error\(\) string`)

// TestExplainKnowsEveryKind: an error that is exported is told here, and so explained.
func TestExplainKnowsEveryKind(t *testing.T) {
	surface, err := os.ReadFile(filepath.Join("..", "internal", "surface", "testdata", "surface.txt"))
	if err != nil {
		t.Fatal(err)
	}
	exported, known := make(map[string]bool), make(map[string]bool)
	pkg := ""
	for line := range strings.Lines(string(surface)) {
		if name, ok := strings.CutPrefix(line, "package "); ok {
			pkg = path.Base(strings.TrimSpace(name))
		}
		if m := exportedErrors.FindStringSubmatch(line); m != nil {
			exported[pkg+"."+m[1]+m[2]] = true
		}
	}
	for name := range kinds {
		known[name] = true
	}
	if diff := cmp.Diff(exported, known); diff != "" {
		t.Errorf("errors (-exported +known here):\n%s", diff)
	}
}

// TestExplainSaysWhatToDo: of each error that this module exports, and of a context's.
func TestExplainSaysWhatToDo(t *testing.T) {
	for _, err := range append(slices.Collect(maps.Values(kinds)), context.Canceled, context.DeadlineExceeded) {
		for _, err := range []error{err, fmt.Errorf("outside: %w", err), errors.Join(err, nil), &federation.StepError{Phase: federation.PhaseApply, Err: err}} {
			all := federation.Explain(err)
			if len(all) == 0 || all[0].Happened == "" || all[0].Repair == "" {
				t.Errorf("%v: %+v", err, all)
			}
		}
	}
}

// TestExplainBatch: what a batch returns says which domain each of it is about.
func TestExplainBatch(t *testing.T) {
	env := federationtest.New(nil)
	unknown := env.Plan()
	unknown.Domain = "nobody.example"
	_, err := env.Federator(nil).FederateAll(t.Context(), []federation.Plan{unknown}, nil)
	all := federation.Explain(err)
	if len(all) == 0 || !strings.HasPrefix(all[0].Happened, "nobody.example: ") || all[0].Repair == "" {
		t.Errorf("%v:\n%+v", err, all)
	}
}

// TestExplainTenants: a list in which customers are mixed up is explained entry by
// entry, and what came of many customers says whose it is.
func TestExplainTenants(t *testing.T) {
	ctx := federationtest.Hurry(t.Context())
	p := federationtest.NewProvider(2, nil)
	mixed := p.Tenants(nil)
	mixed[1].Name, mixed[1].Federator = mixed[0].Name, mixed[0].Federator
	_, err := federation.FederateTenants(ctx, mixed, nil)
	all := federation.Explain(err)
	if len(all) != 2 { // the name and the Federator
		t.Fatalf("%v: %+v", err, all)
	}
	for _, e := range all {
		if !strings.Contains(e.Happened, mixed[0].Name) || e.Repair == "" || e.Service != "" {
			t.Errorf("%+v", e)
		}
	}

	list := p.Tenants(nil)
	list[0].Plans[0].Groups = nil
	_, err = federation.FederateTenants(ctx, list, &federation.TenantsOptions{Concurrency: 1, MaxFailures: 1})
	all = federation.Explain(err)
	want := []string{"Customer 01: customer01.example: ", "Customer 02: not started: "}
	if len(all) != len(want) {
		t.Fatalf("%v: %+v", err, all)
	}
	for i, e := range all {
		if !strings.HasPrefix(e.Happened, want[i]) || e.Repair == "" {
			t.Errorf("%+v; want %q", e, want[i])
		}
	}
}

// TestExplainApply: a proposal that has become old, or that is another's, is explained
// by what to do with it.
func TestExplainApply(t *testing.T) {
	ctx := federationtest.Hurry(t.Context())
	p := federationtest.NewProvider(2, nil)
	f, other := p.Customers[0].Federator(nil), p.Customers[1].Federator(nil)
	proposal, err := f.Propose(ctx, p.Customers[0].Plan())
	if err != nil {
		t.Fatal(err)
	}
	old := f.With(federation.Options{Now: func() time.Time { return time.Now().Add(100 * time.Hour) }})
	for name, by := range map[string]*federation.Federator{"the proposal has expired": old, "the proposal is of": other} {
		_, err := by.Apply(ctx, proposal)
		all := federation.Explain(err)
		if len(all) != 1 || !strings.HasPrefix(all[0].Happened, "not approved: "+name) || !strings.Contains(all[0].Repair, "make a new proposal") {
			t.Errorf("%s: %v: %+v", name, err, all)
		}
	}
}

// TestExplainHoldsNoSecret: what the clients answer to a wrong credential that the
// service repeats is explained without it.
func TestExplainHoldsNoSecret(t *testing.T) {
	env := federationtest.New(nil)
	const key = "a-key-that-nobody-may-see"
	env.JumpCloud.APIKey = "another"
	jc, err := jumpcloud.New(key, &jumpcloud.Options{HTTPClient: env.JumpCloud.HTTPClient()})
	if err != nil {
		t.Fatal(err)
	}
	_, err = federation.New(jc, env.AzureAD.Client(nil), nil).Preview(t.Context(), env.Plan())
	all := federation.Explain(err)
	if len(all) == 0 || all[0].Service != "JumpCloud" || all[0].Repair == "" {
		t.Fatalf("%v: %+v", err, all)
	}
	for _, e := range all {
		if strings.Contains(e.String(), key) {
			t.Errorf("the key is in %q", e)
		}
	}
}

func ExampleExplain() {
	err := &federation.StepError{
		Phase:  federation.PhaseApply,
		Change: federation.Change{Action: federation.Create, Resource: federation.ResFederation, Name: "example.com"},
		Err: &aad.Error{
			Op: "POST domains/{domain}/federationConfiguration", StatusCode: 403, Code: "Authorization_RequestDenied",
			Permission: "Domain-InternalFederation.ReadWrite.All", RequestID: "5d1c3bd2",
		},
	}
	for _, e := range federation.Explain(err)[:1] {
		fmt.Println(e)
	}
	// Output:
	// Azure AD answered with an error
	//   asked for: POST domains/{domain}/federationConfiguration
	//   answer: 403 Forbidden: Authorization_RequestDenied
	//   needed: Domain-InternalFederation.ReadWrite.All
	//   request ID: 5d1c3bd2
	//   what to do: grant the permission to the application and have an administrator consent to it; a signed-in user also needs a directory role, such as Global Administrator
}
