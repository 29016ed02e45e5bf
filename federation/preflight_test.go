package federation_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

func TestPreflight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(&federationtest.Options{Lifelike: true})
		// Somebody whose mail is on the domain and whose name is not, and somebody
		// whom the directory reports an error about.
		id := env.JumpCloud.AddUser(jumpcloud.User{Username: "ann.other", Email: "ann.other@example.com", State: jumpcloud.Activated, Activated: true})
		env.JumpCloud.BindUser(env.Directory, id, env.AzureAD.AddUser(aad.User{UserPrincipalName: "ann@contoso.onmicrosoft.com", DisplayName: "Ann Other", Mail: "ann.other@example.com", ImmutableID: "ann"}))
		env.JumpCloud.SetSync(env.Directory, jumpcloud.BoundUser{UserID: env.JumpCloud.Users()[0].ID, Sync: &jumpcloud.SyncStatus{Code: "409", Message: "Another object with the same value for property proxyAddresses already exists."}})
		env.ResetLog()

		pf, err := env.Federator(nil).Preflight(t.Context(), env.Plan())
		if err != nil {
			t.Fatal(err)
		}
		if n := env.Writes(); n != 0 {
			t.Errorf("%d writes", n)
		}
		federation.Golden(t, "people/lifelike.txt", pf.People.String())

		env.AzureAD.SetPolicy(aad.TokenValidationPolicy{RootDomains: aad.NoDomains})
		relaxed, err := env.Federator(nil).Preflight(t.Context(), env.Plan())
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(relaxed.String(), "policy lets its domain through") {
			t.Errorf("the policy was not read: %s", relaxed)
		}
		if d := federation.Diff(pf, relaxed); len(d.Fixed)+len(d.New) != 0 {
			t.Errorf("%s", d)
		}
	})
}

// TestPreflightLikelyService overrides the guess.
func TestPreflightLikelyService(t *testing.T) {
	env := federationtest.New(nil)
	f := env.Federator(&federation.Options{LikelyService: func(upn, name string) string {
		if strings.HasPrefix(upn, "ada.") && name == "Ada Abbott" {
			return "she is on my list"
		}
		return ""
	}})
	pf, err := f.Preflight(t.Context(), env.Plan())
	if err != nil {
		t.Fatal(err)
	}
	all := pf.People.Findings()
	if len(all) != 1 || all[0].Code != federation.CodePersonServiceAccount || !strings.HasSuffix(all[0].Evidence, "she is on my list") {
		t.Errorf("%s", pf)
	}
}

// TestPreflightStates reads the states of accounts as both services write them.
func TestPreflightStates(t *testing.T) {
	env := federationtest.New(&federationtest.Options{Users: 4})
	users := env.JumpCloud.Users()
	for i, edit := range []func(*jumpcloud.User){
		func(u *jumpcloud.User) { u.State = jumpcloud.Staged },
		func(u *jumpcloud.User) { u.State, u.Activated = "", false },
		func(u *jumpcloud.User) { u.State, u.Suspended = "", true },
		func(u *jumpcloud.User) { u.State = jumpcloud.Suspended },
	} {
		env.JumpCloud.EditUser(users[i].ID, edit)
	}
	off, on := false, true
	env.AzureAD.AddUser(aad.User{UserPrincipalName: "off@example.com", Mail: "off@example.com", Enabled: &off})
	env.AzureAD.AddUser(aad.User{UserPrincipalName: "synced@example.com", Mail: "synced@example.com", OnPremisesSyncEnabled: &on})
	env.AzureAD.AddUser(aad.User{UserPrincipalName: "guest#EXT#@contoso.onmicrosoft.com", Mail: "guest@example.com", UserType: "Guest"})
	pf, err := env.Federator(nil).Preflight(t.Context(), env.Plan())
	if err != nil {
		t.Fatal(err)
	}
	want := map[federation.Code]int{
		federation.CodePersonNotActivated: 2, federation.CodePersonSuspended: 2, federation.CodePersonDisabled: 1,
		federation.CodePersonDirectorySynced: 1, federation.CodePersonNotInJumpCloud: 1, federation.CodePersonGuest: 1,
	}
	if d := cmp.Diff(want, pf.People.Counts.ByCode); d != "" {
		t.Errorf("%s\n%s", d, pf)
	}
}

// TestPreflightRequests is the budget of a small company: one request a list.
func TestPreflightRequests(t *testing.T) {
	env := federationtest.New(&federationtest.Options{Users: 100})
	env.ResetLog()
	var people atomic.Int32 // the same path serves the administrators' accounts
	env.AzureAD.Fault = func(r *http.Request) aadtest.Fault {
		if strings.Contains(r.URL.Query().Get("$filter"), "endsWith(mail") {
			people.Add(1)
		}
		return aadtest.Fault{}
	}
	if _, err := env.Federator(nil).Preflight(t.Context(), env.Plan()); err != nil {
		t.Fatal(err)
	}
	if n := people.Load(); n != 1 {
		t.Errorf("%d requests for the people in Azure AD", n)
	}
	count := make(map[string]int)
	for _, r := range env.JumpCloud.Requests() {
		count[r.Pattern]++
	}
	for pattern, n := range count {
		for _, list := range []string{"systemusers", "office365s/{id}/users", "/membership"} {
			if strings.HasSuffix(pattern, list) && n != 1 {
				t.Errorf("%d times %s", n, pattern)
			}
		}
	}
	if n := env.Requests(); n > 20 {
		t.Errorf("%d requests: %v", n, count)
	}
}

// TestPreflightUnknownDomain makes sure that gates alone are a result too.
func TestPreflightUnknownDomain(t *testing.T) {
	env := federationtest.New(nil)
	plan := env.Plan()
	plan.Domain = "elsewhere.example"
	pf, err := env.Federator(nil).Preflight(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	if pf.People != nil || len(pf.Gates) == 0 || pf.Gates[0].Code != federation.CodeDomainUnknown {
		t.Errorf("got %s", pf)
	}
	var b bytes.Buffer
	if err := errors.Join(pf.WriteJSON(&b), pf.WriteCSV(&b), pf.WriteMarkdown(&b), pf.WriteTable(&b)); err != nil {
		t.Error(err)
	}
	plan.MFA = ""
	var bad *federation.PreconditionError
	if _, err := env.Federator(nil).Preflight(t.Context(), plan); !errors.As(err, &bad) {
		t.Errorf("a plan that is wrong by itself: %v", err)
	}
}

func TestPreflightCrowd(t *testing.T) {
	const n = 2500
	env := crowd(n)
	var last federation.Event
	events := 0
	pf, err := env.Federator(&federation.Options{OnEvent: func(e federation.Event) {
		if e.Done == 0 {
			return
		}
		if e.Phase != federation.PhaseCheck || e.Done < last.Done || e.Total < e.Done {
			t.Errorf("event %+v after %+v", e, last)
		}
		last, events = e, events+1
	}}).Preflight(t.Context(), env.Plan())
	if err != nil {
		t.Fatal(err)
	}
	c := pf.People.Counts
	if c.JumpCloud != n+1 || c.AzureAD != n+1 || c.Matched != n+1-n/100 || c.LockedOut != 2*n/100 {
		t.Errorf("counts %+v", c)
	}
	if events < 10 || last.Done != 2*n+2 || last.Total != last.Done {
		t.Errorf("%d events, the last %+v", events, last)
	}
	want := map[federation.Code]int{
		federation.CodePersonNotInJumpCloud: n / 100,
		federation.CodePersonNotInAzureAD:   n / 100,
		federation.CodePersonNoImmutableID:  n / 100,
	}
	if d := cmp.Diff(want, c.ByCode); d != "" {
		t.Errorf("%s", d)
	}
	for i, f := range pf.People.All() {
		if f.DisplayName == "" && f.UserPrincipalName != "" || f.Who() == "somebody" {
			t.Errorf("finding %d has no name: %+v", i, f)
		}
	}
}

// TestPreflightMoves deletes people while they are read: nobody else may be lost
// or doubled.
func TestPreflightMoves(t *testing.T) {
	env := federationtest.New(&federationtest.Options{Users: 950})
	users := env.JumpCloud.Users()
	client := env.JumpCloud.HTTPClient()
	var mu sync.Mutex
	var deleted int
	env.JumpCloud.Fault = func(r *http.Request) jumpcloudtest.Fault {
		if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/systemusers") && r.URL.Query().Get("skip") != "0" {
			mu.Lock()
			defer mu.Unlock()
			for range 3 { // of the first page, which has been read
				req, _ := http.NewRequestWithContext(r.Context(), http.MethodDelete, "https://console.jumpcloud.com/api/systemusers/"+users[deleted].ID, nil)
				req.Header.Set("X-Api-Key", "key")
				resp, err := client.Do(req)
				if err != nil || resp.StatusCode != http.StatusOK {
					t.Errorf("deleting: %v %v", resp, err)
				}
				deleted++
			}
		}
		return jumpcloudtest.Fault{}
	}
	pf, err := env.Federator(nil).Preflight(t.Context(), env.Plan())
	if err != nil {
		t.Fatal(err)
	}
	if deleted < 20 {
		t.Fatalf("only %d were deleted", deleted)
	}
	if c := pf.People.Counts; c.JumpCloud != 950 || c.LockedOut > deleted {
		t.Errorf("%d deleted, counts %+v", deleted, c)
	}
	for _, f := range pf.People.All() {
		if f.Code == federation.CodePersonNotInJumpCloud || f.Code == federation.CodePersonDuplicateEmail {
			t.Errorf("%s: %s", f.Code, f)
		}
	}
}

// TestPreflightCancel makes sure that the end of the context is the end.
func TestPreflightCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := crowd(5000)
		env.JumpCloud.Latency, env.AzureAD.Latency = 50*time.Millisecond, 50*time.Millisecond
		ctx, cancel := context.WithCancel(t.Context())
		var at time.Time
		f := env.Federator(&federation.Options{OnEvent: func(e federation.Event) {
			if e.Done > 500 && at.IsZero() {
				at = time.Now()
				cancel()
			}
		}})
		pf, err := f.Preflight(ctx, env.Plan())
		if !errors.Is(err, context.Canceled) || pf != nil {
			t.Errorf("got %v, %v", pf, err)
		}
		if d := time.Since(at); at.IsZero() || d > time.Millisecond {
			t.Errorf("it took %v to stop", d)
		}
		synctest.Wait() // what was on its way at that moment is counted
		n := env.Requests()
		time.Sleep(time.Minute)
		if more := env.Requests(); more != n {
			t.Errorf("%d requests after the end", more-n)
		}
	})
}

// TestPreflightFails makes sure that an error comes back and nobody goes on.
func TestPreflightFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := crowd(3000)
		env.AzureAD.Fault = func(r *http.Request) aadtest.Fault {
			if r.URL.Path == "/v1.0/users" && r.URL.Query().Get("$skiptoken") != "" {
				return aadtest.Fault{Kind: aadtest.Error500Before}
			}
			return aadtest.Fault{}
		}
		pf, err := env.Federator(nil).Preflight(t.Context(), env.Plan())
		if !errors.Is(err, aad.ErrUnavailable) || pf != nil {
			t.Errorf("got %v, %v", pf, err)
		}
	})
}

// TestPreflightWall is the time that the requests take, in bent time: 50 ms each,
// and nothing for the computing.
func TestPreflightWall(t *testing.T) {
	for _, tt := range []struct {
		people  int
		bare    bool // without bindings and memberships to read
		workers int  // 0: the default
		most    time.Duration
	}{
		{100, false, 0, 200 * time.Millisecond},
		{10000, false, 0, 800 * time.Millisecond},
		{100000, true, 0, 2600 * time.Millisecond},
		{100000, false, 0, 5500 * time.Millisecond}, // three lists of JumpCloud's pages instead of one
		{100000, false, 96, 2600 * time.Millisecond},
	} {
		t.Run(fmt.Sprintf("%d/%v/%d", tt.people, tt.bare, tt.workers), func(t *testing.T) {
			if (testing.Short() || raceDetector) && tt.people > 10000 {
				t.Skip("reads hundreds of thousands of people")
			}
			synctest.Test(t, func(t *testing.T) {
				env := crowd(tt.people)
				plan := env.Plan()
				if tt.bare {
					env.JumpCloud.RemoveDirectory(env.Directory)
					plan.Groups = []federation.Group{{Name: "to come"}}
				}
				env.JumpCloud.Latency, env.AzureAD.Latency = 50*time.Millisecond, 50*time.Millisecond
				env.ResetLog()
				var began time.Time
				jc, ad := env.JumpCloud.Client(&jumpcloud.Options{MaxWorkers: tt.workers}), env.AzureAD.Client(nil)
				pf, err := federation.New(jc, ad, &federation.Options{OnEvent: func(e federation.Event) {
					if e.Phase == federation.PhaseCheck && began.IsZero() {
						began = time.Now()
					}
				}}).Preflight(t.Context(), plan)
				if err != nil {
					t.Fatal(err)
				}
				took := time.Since(began)
				t.Logf("%d people a side: %v, %d requests", tt.people, took, env.Requests())
				if pf.People.Counts.JumpCloud != tt.people+1 || took > tt.most {
					t.Errorf("%+v in %v, want at most %v", pf.People.Counts, took, tt.most)
				}
			})
		})
	}
}

// A consent that fits nobody is told by name, ten names at most.
func TestUnusedConsentsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		plan := env.Plan()
		for i := range 12 {
			plan.Consent.LockOut.People = append(plan.Consent.LockOut.People, fmt.Sprintf("nobody%02d@example.com", i))
		}
		pre, err := env.Federator(nil).Preflight(t.Context(), plan)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(pre.Gates, func(f federation.Finding) bool { return f.Code == federation.CodeConsentUnused })
		if i < 0 || strings.Count(pre.Gates[i].Message, "nobody") != 10 || !strings.HasSuffix(pre.Gates[i].Message, ", and 2 more") {
			t.Errorf("%v", pre.Gates)
		}
	})
}
