package federation_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
)

// An account that was just made is not known everywhere in Azure AD for minutes:
// its role is tried again, by the run that made it and by the next one.
func TestRoleForAYoungAccount(t *testing.T) {
	unknown := map[int]string{
		404: `{"error":{"code":"Request_ResourceNotFound","message":"Resource 'x' does not exist or one of its queried reference-property objects are not present."}}`,
		400: `{"error":{"code":"Request_BadRequest","message":"Not a valid reference update."}}`,
	}
	for name, tt := range map[string]struct {
		status int
		before time.Duration // how long ago an earlier run has made the account; 0: this one makes it
		ends   bool          // with an error, at once
	}{
		"404":                            {status: 404},
		"400":                            {status: 400},
		"404, made by an earlier run":    {status: 404, before: time.Minute},
		"400, made by an earlier run":    {status: 400, before: time.Minute},
		"400, of an account of long ago": {status: 400, before: 24 * time.Hour, ends: true},
		"404, of an account of long ago": {status: 404, before: 24 * time.Hour, ends: true},
		"403 says something else":        {status: 403, ends: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(nil)
				s.opts.TechnicalPassword = aad.NewSecret("Correct-Horse-7")
				s.plan.TechnicalAccount = federation.TechnicalAccount{UserPrincipalName: "rescue@contoso.onmicrosoft.com", Create: true}
				if tt.before > 0 {
					u := cloudOnly("rescue")
					u.Created = time.Now()
					s.AzureAD.AddUser(u)
					time.Sleep(tt.before)
				}
				tries := 0
				s.AzureAD.Fault = func(r *http.Request) aadtest.Fault {
					if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/roleAssignments") {
						return aadtest.Fault{}
					}
					if tries++; tries > 3 {
						return aadtest.Fault{}
					}
					return aadtest.Fault{Kind: aadtest.Refuse503, Status: tt.status, Body: unknown[tt.status]}
				}
				rep, err := s.federator().Federate(t.Context(), s.plan)
				if (err != nil) != tt.ends || tt.ends != (tries == 1) {
					t.Errorf("%v after %d tries\n%s", err, tries, rep)
				}
			})
		})
	}
}

// A technical account whose name begins with a dollar sign is found.
func TestTechnicalAccountWithADollar(t *testing.T) {
	env := federationtest.New(nil)
	upn := "$rescue@contoso.onmicrosoft.com"
	env.AzureAD.AddUser(aad.User{UserPrincipalName: upn})
	plan := env.Plan()
	plan.TechnicalAccount = federation.TechnicalAccount{UserPrincipalName: upn, Create: true}
	cs, err := env.Federator(nil).Preview(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cs {
		if c.Resource == federation.ResTechnicalAccount {
			t.Errorf("would be made again: %s", c)
		}
	}
}
