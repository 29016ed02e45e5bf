package federation_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// classOf is the class of each kind of error that this module exports.
var classOf = map[federation.ErrorClass]string{
	federation.ClassUnsettled: `federation.ErrNotConverged federation.StepError jumpcloud.ErrOutcomeUnknown aad.ErrOutcomeUnknown
		jumpcloud.ErrNotVisible jumpcloud.ErrCertificateRegenerated`,
	federation.ClassPeople: `federation.ErrNotConfirmed federation.ErrNotApproved federation.NotApprovedError federation.ErrDiffers federation.ErrNoKey federation.ErrWrong
		federation.PlanError federation.PreconditionError certs.ParseError
		jumpcloud.ErrUnauthenticated jumpcloud.ErrDenied jumpcloud.ErrReadOnly jumpcloud.ErrInvalid jumpcloud.ErrConflict jumpcloud.ErrNotFound
		jumpcloud.ErrCertificate jumpcloud.ErrTooManyPages
		aad.ErrUnauthenticated aad.ErrDenied aad.ErrReadOnly aad.ErrInvalid aad.ErrConflict aad.ErrNotFound aad.ErrNotFederated
		aad.ErrAlreadyFederated aad.ErrIssuerInUse aad.ErrTooManyPages aad.ErrOpaqueToken`,
	federation.ClassTemporary: `jumpcloud.ErrThrottled aad.ErrThrottled jumpcloud.ErrUnavailable aad.ErrUnavailable jumpcloud.ErrNoCertificate
		federation.ErrNotStored`,
	federation.ClassStopped: `federation.ErrNotStarted`,
	federation.ClassFault:   `aad.Error jumpcloud.Error`, // with statuses that nobody knows
}

// TestClassOfEachKind: each kind that is exported is of the class that is said here,
// however it is wrapped.
func TestClassOfEachKind(t *testing.T) {
	want := make(map[string]federation.ErrorClass)
	for class, names := range classOf {
		for _, name := range strings.Fields(names) {
			want[name] = class
		}
	}
	for name, kind := range kinds {
		if want[name] == "" {
			t.Errorf("%s has no class here", name)
		}
		for _, err := range []error{kind, fmt.Errorf("outside: %w", kind), errors.Join(nil, kind),
			&federation.StepError{Phase: federation.PhaseApply, Err: kind}} {
			if got := federation.Class(err); got != want[name] {
				t.Errorf("%s as %T is %q; want %q", name, err, got, want[name])
			}
		}
	}
}

func TestClass(t *testing.T) {
	denied := &aad.Error{Op: "GET users", StatusCode: 403}
	throttled := &jumpcloud.Error{Op: "GET /api/x", StatusCode: 429, RetryAfter: time.Minute}
	lost := &jumpcloud.Error{Op: "POST /api/x", OutcomeUnknown: true, StatusCode: 503, RetryAfter: 2 * time.Second}
	for _, tt := range []struct {
		name  string
		err   error
		want  federation.ErrorClass
		after time.Duration
	}{
		{"nothing", nil, "", 0},
		{"throttled", fmt.Errorf("x: %w", throttled), federation.ClassTemporary, time.Minute},
		{"the longest", errors.Join(lost, throttled), federation.ClassUnsettled, time.Minute},
		{"throttled and denied", errors.Join(throttled, denied), federation.ClassPeople, time.Minute},
		{"a batch that stopped", errors.Join(denied, fmt.Errorf("%w: %w", federation.ErrNotStarted, context.Canceled)), federation.ClassPeople, 0},
		{"cancelled", &federation.StepError{Err: &aad.Error{Op: "GET users", Err: context.Canceled}}, federation.ClassStopped, 0},
		{"out of time", context.DeadlineExceeded, federation.ClassTemporary, 0},
		{"not confirmed", fmt.Errorf("%w: %w", federation.ErrNotConfirmed, errors.New("no")), federation.ClassPeople, 0},
		{"nobody answered", fmt.Errorf("%w: %w", federation.ErrNotConfirmed, context.Canceled), federation.ClassStopped, 0},
		{"not stored", fmt.Errorf("%w: %w", federation.ErrNotStored, errors.New("disk full")), federation.ClassTemporary, 0},
		{"something else", errors.New("something"), federation.ClassFault, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := federation.Class(tt.err); got != tt.want {
				t.Errorf("%q; want %q", got, tt.want)
			}
			if got := federation.RetryAfter(tt.err); got != tt.after {
				t.Errorf("after %v; want %v", got, tt.after)
			}
		})
	}
}

// TestClassOfRuns: what a run really ends with.
func TestClassOfRuns(t *testing.T) {
	for _, tt := range []struct {
		name string
		edit func(*federationtest.Env, *federation.Plan)
		want federation.ErrorClass
	}{
		{"good", func(*federationtest.Env, *federation.Plan) {}, ""},
		{"a plan that is none", func(_ *federationtest.Env, p *federation.Plan) { p.MFA = "" }, federation.ClassPeople},
		{"another tenant's domain", func(_ *federationtest.Env, p *federation.Plan) { p.Domain = "nobody.example" }, federation.ClassPeople},
		{"a service that is down", func(e *federationtest.Env, _ *federation.Plan) {
			e.AzureAD.Fault = func(*http.Request) aadtest.Fault { return aadtest.Fault{Kind: aadtest.Refuse503, RetryAfter: "3600"} }
		}, federation.ClassTemporary},
		{"a key that is refused", func(e *federationtest.Env, _ *federation.Plan) {
			e.JumpCloud.Fault = func(*http.Request) jumpcloudtest.Fault {
				return jumpcloudtest.Fault{Kind: jumpcloudtest.Refuse503, Status: http.StatusUnauthorized}
			}
		}, federation.ClassPeople},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env := federationtest.New(nil)
			plan := env.Plan()
			tt.edit(env, &plan)
			_, err := env.Federator(nil).Federate(federationtest.Hurry(t.Context()), plan)
			if got := federation.Class(err); got != tt.want {
				t.Errorf("%q; want %q: %v", got, tt.want, err)
			}
		})
	}
}

// TestClassOfCredentials: a credential that could not be asked is another thing than one
// that was refused.
func TestClassOfCredentials(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want federation.ErrorClass
	}{
		{errors.New("AADSTS7000222: the secret has expired"), federation.ClassPeople},
		{&net.OpError{Op: "dial", Err: errors.New("no route to host")}, federation.ClassTemporary},
	} {
		env := federationtest.New(nil)
		ad, err := aad.New(refusingCredential{tt.err}, &aad.Options{HTTPClient: env.AzureAD.HTTPClient()})
		if err != nil {
			t.Fatal(err)
		}
		_, err = federation.New(env.JumpCloud.Client(nil), ad, nil).Inspect(federationtest.Hurry(t.Context()), env.Domain)
		if err == nil || federation.Class(err) != tt.want {
			t.Errorf("%v is %q; want %q", err, federation.Class(err), tt.want)
		}
	}
}

type refusingCredential struct{ err error }

func (c refusingCredential) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{}, c.err
}
