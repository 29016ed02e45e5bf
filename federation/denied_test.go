package federation_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// deniable are all that a Federator can be asked for, each on an environment in which it
// has something to do.
var deniable = []struct {
	name   string
	before func(t *testing.T, env *federationtest.Env) *federation.Report
	do     func(ctx context.Context, f *federation.Federator, p federation.Plan, rep *federation.Report) (*federation.Report, error)
}{
	{"Preview", nil, func(ctx context.Context, f *federation.Federator, p federation.Plan, _ *federation.Report) (*federation.Report, error) {
		_, err := f.Preview(ctx, p)
		return nil, err
	}},
	{"Preflight", nil, func(ctx context.Context, f *federation.Federator, p federation.Plan, _ *federation.Report) (*federation.Report, error) {
		_, err := f.Preflight(ctx, p)
		return nil, err
	}},
	{"Federate", nil, func(ctx context.Context, f *federation.Federator, p federation.Plan, _ *federation.Report) (*federation.Report, error) {
		return f.Federate(ctx, p)
	}},
	{"Verify", switched, func(ctx context.Context, f *federation.Federator, p federation.Plan, _ *federation.Report) (*federation.Report, error) {
		_, err := f.Verify(ctx, p)
		return nil, err
	}},
	{"Inspect", switched, func(ctx context.Context, f *federation.Federator, p federation.Plan, _ *federation.Report) (*federation.Report, error) {
		_, err := f.Inspect(ctx, p.Domain)
		return nil, err
	}},
	{"Revert", switched, func(ctx context.Context, f *federation.Federator, _ federation.Plan, rep *federation.Report) (*federation.Report, error) {
		return f.Revert(ctx, rep)
	}},
	{"Defederate", switched, func(ctx context.Context, f *federation.Federator, p federation.Plan, _ *federation.Report) (*federation.Report, error) {
		return f.Defederate(ctx, federation.DefederatePlan{Domain: p.Domain, Passwords: federation.PasswordsReset, RemoveApplication: true})
	}},
	{"Repair", nil, func(ctx context.Context, f *federation.Federator, p federation.Plan, _ *federation.Report) (*federation.Report, error) {
		rep, err := f.PreviewRepair(ctx, federation.RepairPlan{Plan: p, ImmutableIDs: federation.FromJumpCloudID, Bind: true, Group: p.Groups[0].Name})
		if err != nil {
			return rep, err
		}
		return f.Repair(ctx, rep)
	}},
}

func switched(t *testing.T, env *federationtest.Env) *federation.Report {
	plan, opts := everyKind(env)
	rep, err := env.Federator(opts).Federate(t.Context(), plan)
	if err != nil {
		t.Fatalf("%v\n%s", err, rep)
	}
	time.Sleep(time.Hour)
	return rep
}

// everyKind is a plan that needs every kind of change.
func everyKind(env *federationtest.Env) (federation.Plan, *federation.Options) {
	plan := env.Plan()
	plan.Groups = append(plan.Groups, federation.Group{Name: "Pilots", Members: []string{env.JumpCloud.Users()[0].Email}})
	plan.Directory.Rules = []string{"user_department"}
	plan.TechnicalAccount = federation.TechnicalAccount{UserPrincipalName: "tech@contoso.onmicrosoft.com", Create: true}
	return plan, &federation.Options{TechnicalPassword: aad.NewSecret("Correct-Horse-7")}
}

// tolerated are the reads that a verb does without, and why.
func tolerated(verb, path string) bool {
	switch {
	case strings.Contains(strings.ToLower(path), "userrealm"):
		return true // public and undocumented: a layer, not a failure
	case strings.HasSuffix(path, "/tokenValidationPolicy"), strings.Contains(path, "/policies/"):
		return true // the service's default is assumed, and told
	}
	return false
}

// A read that is denied for good, whichever it is, comes back as an error, and never
// as something that was not there.
func TestReadsThatAreDenied(t *testing.T) {
	for _, v := range deniable {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			deniedAnywhere(t, v.name, v.before, v.do)
		})
	}
}

func deniedAnywhere(t *testing.T, verb string, before func(*testing.T, *federationtest.Env) *federation.Report,
	do func(context.Context, *federation.Federator, federation.Plan, *federation.Report) (*federation.Report, error)) {
	step := 1
	if testing.Short() || raceDetector {
		step = 3
	}
	struck := 0
	for k, n := 1, 1; n >= k-step; k += step { // until a run ends before it
		synctest.Test(t, func(t *testing.T) {
			env := federationtest.New(&federationtest.Options{DefaultDomain: true})
			var rep *federation.Report
			if before != nil {
				rep = before(t, env)
			}
			plan, opts := everyKind(env)
			var mu sync.Mutex
			var denied string
			count := 0
			strike := func(r *http.Request) jumpcloudtest.Fault {
				mu.Lock()
				defer mu.Unlock()
				count++
				if count == k && r.Method == http.MethodGet && !tolerated(verb, r.URL.Path) {
					denied = r.URL.Path
				}
				if r.Method == http.MethodGet && r.URL.Path == denied {
					return jumpcloudtest.Fault{Kind: jumpcloudtest.Refuse503, Status: http.StatusForbidden}
				}
				return jumpcloudtest.Fault{}
			}
			env.JumpCloud.Fault, env.AzureAD.Fault = strike, strike
			out, err := do(t.Context(), env.Federator(opts), plan, rep)
			mu.Lock()
			defer mu.Unlock()
			if denied != "" {
				struck++
			}
			if untold := out != nil && out.After == ""; denied != "" && err == nil && !untold { // what came of it is read once more, and left out
				t.Errorf("GET %s is denied from request %d on: no error\n%s", denied, k, out)
			}
			if out != nil && slices.ContainsFunc(out.Steps, func(s federation.Step) bool { return s.Outcome == "" }) {
				t.Errorf("GET %s is denied from request %d on: a step has no outcome\n%s", denied, k, out)
			}
			if out != nil && err != nil {
				b, merr := json.Marshal(out)
				if merr != nil || out.Error == "" {
					t.Errorf("GET %s: the report does not tell: %v %s", denied, merr, b)
				} else if _, perr := federation.ParseReport(b); perr != nil {
					t.Errorf("the report does not parse back: %v", perr)
				}
			}
			if n = count; n < k && err != nil {
				t.Fatal(fmt.Errorf("without trouble: %w", err))
			}
		})
	}
	if struck < 2 {
		t.Errorf("%d reads were denied", struck)
	}
}

// A plan that says nothing sensible is refused by every verb, before any request.
func TestVerbsRefuseWhatIsNoPlan(t *testing.T) {
	for _, v := range deniable {
		if v.name == "Revert" {
			continue
		}
		synctest.Test(t, func(t *testing.T) {
			env := federationtest.New(nil)
			plan := env.Plan()
			plan.Domain, plan.MFA = "no domain", ""
			out, err := v.do(t.Context(), env.Federator(nil), plan, nil)
			if err == nil || env.Requests() > 0 {
				t.Errorf("%s: %v, %d requests\n%s", v.name, err, env.Requests(), out)
			}
		})
	}
}

// What cannot be read right before the domain is switched is told as something that
// was not sent, and nothing was.
func TestSwitchThatCannotBeJudged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		bound, asked := false, 0
		var mu sync.Mutex
		env.JumpCloud.OnRequest = func(r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			bound = bound || r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/associations")
		}
		env.AzureAD.Fault = func(r *http.Request) jumpcloudtest.Fault {
			mu.Lock()
			defer mu.Unlock()
			if bound && r.Method == http.MethodGet && r.URL.Path == "/v1.0/domains" {
				asked++
				return jumpcloudtest.Fault{Kind: jumpcloudtest.Refuse503, Status: http.StatusForbidden}
			}
			return jumpcloudtest.Fault{}
		}
		env.AzureAD.ResetLog()
		rep, err := env.Federator(nil).Federate(t.Context(), env.Plan())
		if asked == 0 || !errors.Is(err, aad.ErrDenied) || !strings.Contains(err.Error(), "not sent, because who could sign in otherwise cannot be read") {
			t.Errorf("asked %d times: %v\n%s", asked, err, rep)
		}
		if env.AzureAD.Writes() > 0 {
			t.Errorf("%d writes to Azure AD", env.AzureAD.Writes())
		}
	})
}
