package browser

import (
	"testing"

	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
)

// Ada is who signs in, on each side.
const (
	ada          = "ada.abbott@example.com"
	adaName      = "Ada Abbott"
	adaLogin     = "ada.abbott" // at JumpCloud
	hers         = "correct horse"
	before       = "battery staple" // her password at Azure AD
	breakGlass   = "breakglass1@contoso.onmicrosoft.com"
	codeOfTenant = "123456"
	codeOfHers   = "246810" // JumpCloud's second factor, where she has one
)

// world is a tenant and an organisation, which the browser reaches.
type world struct {
	*federationtest.Env
	t       testing.TB
	ada     string               // ID of Ada's user at JumpCloud
	app     string               // ID of the application, once federated
	reports []*federation.Report // of the runs
}

// newWorld returns a world in which nothing is federated yet.
func newWorld(t testing.TB) *world {
	w := &world{Env: federationtest.New(nil), t: t}
	for _, u := range w.JumpCloud.Users() {
		if u.Username == adaLogin {
			w.ada = u.ID
		}
	}
	w.JumpCloud.DefaultPassword = hers
	w.AzureAD.SetPassword(ada, before)
	w.AzureAD.SetPassword(breakGlass, before)
	sites.connect(w.Env)
	return w
}

// federate federates the domain.
func (w *world) federate(plan federation.Plan) {
	w.t.Helper()
	rep, err := w.Federator(nil).Federate(federationtest.Hurry(w.t.Context()), plan)
	if err != nil {
		w.t.Fatalf("Federate: %v\n%v", err, rep)
	}
	w.reports = append(w.reports, rep)
	for _, a := range w.JumpCloud.Applications() {
		w.app = a.ID
	}
}

// revert undoes what federate did.
func (w *world) revert() {
	w.t.Helper()
	if rep, err := w.Federator(nil).Revert(federationtest.Hurry(w.t.Context()), w.reports[len(w.reports)-1]); err != nil {
		w.t.Fatalf("Revert: %v\n%v", err, rep)
	}
}

// defederate gives the domain its passwords back.
func (w *world) defederate() {
	w.t.Helper()
	plan := federation.DefederatePlan{Domain: w.Domain, Passwords: federation.PasswordsKnown}
	if rep, err := w.Federator(nil).Defederate(federationtest.Hurry(w.t.Context()), plan); err != nil {
		w.t.Fatalf("Defederate: %v\n%v", err, rep)
	}
}
