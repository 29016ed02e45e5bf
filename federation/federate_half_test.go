package federation_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/internal/fake"
	"github.com/jcaad/jcaad/jumpcloud"
)

// A creation that fails half through leaves the domain federated without a
// configuration. The next run says so; with consent it starts anew.
func TestHalfState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		env.AzureAD.Quirks.HalfState = 1
		rep, err := env.Federator(nil).Federate(t.Context(), env.Plan())
		if !errors.Is(err, federation.ErrNotConverged) {
			t.Fatalf("first run: %v; want ErrNotConverged", err)
		}
		if rep.After != federation.StateHalf {
			t.Errorf("the report says %s; want %s", rep.After, federation.StateHalf)
		}
		_, err = env.Federator(nil).Federate(t.Context(), rep.Plan)
		var pe *federation.PreconditionError
		if !errors.As(err, &pe) || !pe.Has(federation.CodeDomainHalf) {
			t.Fatalf("second run: %v; want a refusal that names the state", err)
		}
		plan := rep.Plan
		plan.Consent.Recover = true
		rep, err = env.Federator(nil).Federate(t.Context(), plan)
		if err != nil {
			t.Fatalf("with consent: %v\n%s", err, rep)
		}
		if len(rep.Consents) == 0 {
			t.Error("the report does not tell that the consent was used")
		}
		if changes, err := env.Federator(nil).Preview(t.Context(), env.Plan()); err != nil || len(changes) != 0 {
			t.Errorf("Preview: %v\n%s", err, changes)
		}
	})
}

// Changes of one stage are made side by side, and yet equal runs tell equal
// stories: a report can be compared with the one before it.
func TestEqualRunsTellEqualStories(t *testing.T) {
	var first []string
	for n := range 50 {
		var steps []string
		synctest.Test(t, func(t *testing.T) {
			w := newWatched()
			rep, err := w.Federator(nil).Federate(t.Context(), w.plan)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range rep.Steps {
				steps = append(steps, s.Change.String())
			}
		})
		if n == 0 {
			first = steps
			if len(first) < 9 {
				t.Fatalf("only %d steps, in which order they are shows little: %q", len(first), first)
			}
		}
		if d := cmp.Diff(first, steps); d != "" {
			t.Fatalf("run %d tells its steps in another order (-first +now):\n%s", n+1, d)
		}
	}
}

// What fails while something is read says what was being done.
func TestFailedReadsTellThePhase(t *testing.T) {
	for _, tt := range []struct {
		name  string
		path  string // that answers 403
		phase federation.Phase
		run   func(*federation.Federator, federation.Plan) error
	}{
		{"the first look of Federate", "/domains", federation.PhaseObserve, func(f *federation.Federator, p federation.Plan) error {
			_, err := f.Federate(context.Background(), p)
			return err
		}},
		{"the gates of Federate", "/organization", federation.PhaseCheck, func(f *federation.Federator, p federation.Plan) error {
			_, err := f.Federate(context.Background(), p)
			return err
		}},
		{"Preview", "/domains", federation.PhaseObserve, func(f *federation.Federator, p federation.Plan) error {
			_, err := f.Preview(context.Background(), p)
			return err
		}},
		{"people in Preflight", "/systemusers", federation.PhaseCheck, func(f *federation.Federator, p federation.Plan) error {
			_, err := f.Preflight(context.Background(), p)
			return err
		}},
		{"Inspect", "/domains", federation.PhaseObserve, func(f *federation.Federator, p federation.Plan) error {
			_, err := f.Inspect(context.Background(), p.Domain)
			return err
		}},
		{"Verify", "/domains", federation.PhaseObserve, func(f *federation.Federator, p federation.Plan) error {
			_, err := f.Verify(context.Background(), p)
			return err
		}},
		{"Defederate", "/domains/example.com", federation.PhaseObserve, func(f *federation.Federator, p federation.Plan) error {
			_, err := f.Defederate(context.Background(), federation.DefederatePlan{Domain: p.Domain, Passwords: federation.PasswordsKnown})
			return err
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				hit := false
				refuse := func(r *http.Request) fake.Fault {
					if strings.HasSuffix(r.URL.Path, tt.path) {
						hit = true
						return fake.Fault{Kind: fake.Error500Before, Status: http.StatusForbidden, Body: `{"error":{"code":"Authorization_RequestDenied","message":"Insufficient privileges to complete the operation."}}`}
					}
					return fake.Fault{}
				}
				env.JumpCloud.Fault, env.AzureAD.Fault = refuse, refuse
				err := tt.run(env.Federator(nil), env.Plan())
				var step *federation.StepError
				if denied := errors.Is(err, aad.ErrDenied) || errors.Is(err, jumpcloud.ErrDenied); !hit || !denied || !errors.As(err, &step) || step.Phase != tt.phase || step.Change.Resource != "" {
					t.Errorf("refused: %v; error %v (%+v); want one of phase %s", hit, err, step, tt.phase)
				}
			})
		})
	}
}
