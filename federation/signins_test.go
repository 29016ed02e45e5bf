package federation_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/signin"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// logged is a line of the sign-in log of the i-th person.
func logged(env *federationtest.Env, i, code int) {
	u := onDomain(env)[i]
	env.AzureAD.AddSignIn(aad.SignIn{UserID: u.ID, UserPrincipalName: u.UserPrincipalName, Protocol: aad.SignInSAML20,
		Token: aad.TokenSAML20, ErrorCode: code})
}

// onDomain are the accounts of the environment's people.
func onDomain(env *federationtest.Env) []aad.User {
	return slices.DeleteFunc(env.AzureAD.Users(), func(u aad.User) bool { return !strings.HasSuffix(u.UserPrincipalName, "@"+env.Domain) })
}

// eventsSay has Directory Insights answer with these events, each with the
// application's ID in the place of APP and the time in that of NOW.
func eventsSay(t *testing.T, env *federationtest.Env, body string) {
	body = strings.NewReplacer("APP", app(t, env), "NOW", time.Now().UTC().Format(time.RFC3339)).Replace(body)
	env.JumpCloud.Fault = insightsFault(200, body)
}

// insightsFault has Directory Insights answer so.
func insightsFault(status int, body string) func(*http.Request) jumpcloudtest.Fault {
	return func(r *http.Request) jumpcloudtest.Fault {
		if !strings.HasPrefix(r.URL.Path, "/insights/") {
			return jumpcloudtest.Fault{}
		}
		return jumpcloudtest.Fault{Kind: jumpcloudtest.Refuse503, Status: status, Body: body}
	}
}

func TestVerifySignIns(t *testing.T) {
	const passed = `[{"id":"1","event_type":"sso_auth","timestamp":"NOW","initiated_by":{"username":"ada.abbott@example.com"},"application":{"id":"APP"}},` +
		`{"id":"2","event_type":"sso_auth_failed","timestamp":"NOW","initiated_by":{"username":"x"},"application":{"id":"APP"}},` +
		`{"id":"3","event_type":"sso_auth","timestamp":"NOW","initiated_by":{"username":"x"},"application":{"id":"another"}}]`
	for _, tt := range []struct {
		name   string
		make   func(*testing.T, *federationtest.Env) // after the domain was federated
		cred   []string                              // permissions; nil means all
		status federation.LayerStatus
		says   []string // the evidence
		others bool     // another layer is not good
	}{
		{name: "none seen yet", status: federation.Unseen, says: []string{"nobody has been seen", "minutes late", "the change"}},
		{name: "a success", status: federation.Good, make: func(_ *testing.T, env *federationtest.Env) { logged(env, 0, 0); logged(env, 0, 0); logged(env, 1, 0) },
			says: []string{"2 people have signed in", "by saml20"}},
		{name: "a success among failures", status: federation.Good, make: func(_ *testing.T, env *federationtest.Env) {
			logged(env, 0, 0)
			for i := range 3 {
				logged(env, i, 5000811)
			}
		}, says: []string{"1 person has signed in", "refused 3 sign-ins of 3 people", "AADSTS5000811: " + signin.Explain("AADSTS5000811")[0].Meaning}},
		{name: "a matter of one person's", status: federation.Unseen, make: func(_ *testing.T, env *federationtest.Env) { logged(env, 0, 51004); logged(env, 0, 51004) },
			says: []string{"refused 2 sign-ins of 1 person", "AADSTS51004", signin.Explain("AADSTS51004")[0].Repair}},
		{name: "a matter of everybody's", status: federation.Wrong, make: func(_ *testing.T, env *federationtest.Env) { logged(env, 0, 5000811); logged(env, 1, 50107) },
			says: []string{"AADSTS5000811", "AADSTS50107"}},
		{name: "one that proves that the signature is taken", status: federation.Unseen,
			make: func(_ *testing.T, env *federationtest.Env) { logged(env, 0, 5000811); logged(env, 1, 51004) },
			says: []string{"AADSTS5000811", "AADSTS51004"}},
		{name: "three people with one reason", status: federation.Wrong, make: func(_ *testing.T, env *federationtest.Env) {
			for i := range 3 {
				logged(env, i, 51004)
			}
		}, says: []string{"3 sign-ins of 3 people"}},
		{name: "while the realm is late", status: federation.Late, others: true, make: func(_ *testing.T, env *federationtest.Env) {
			logged(env, 0, 50107)
			realmSays(env, `{"NameSpaceType":"Managed","DomainName":"example.com"}`)
		}, says: []string{"AADSTS50107"}},
		{name: "a code that nobody knows", status: federation.Unseen, make: func(_ *testing.T, env *federationtest.Env) { logged(env, 0, 987654) },
			says: []string{"AADSTS987654: not known"}},
		{name: "on the way", status: federation.Unseen, make: func(_ *testing.T, env *federationtest.Env) { logged(env, 0, 50076) },
			says: []string{"stopped 1 sign-in to ask for something"}},
		{name: "passwords are another matter", status: federation.Unseen, make: func(_ *testing.T, env *federationtest.Env) {
			env.AzureAD.AddSignIn(aad.SignIn{UserPrincipalName: "ada.abbott@example.com", Protocol: "none", Token: "none"})
			env.AzureAD.AddSignIn(aad.SignIn{UserPrincipalName: "ada.abbott@example.com", Protocol: "none", Token: "none", ErrorCode: 50126})
		}, says: []string{"nobody has been seen"}},
		{name: "before the change", status: federation.Unseen, make: func(_ *testing.T, env *federationtest.Env) {
			env.AzureAD.AddSignIn(aad.SignIn{UserPrincipalName: "ada.abbott@example.com", Protocol: aad.SignInSAML20, Created: time.Now().Add(-8 * 24 * time.Hour)})
		}, says: []string{"nobody has been seen"}},
		{name: "people of another domain", status: federation.Unseen, make: func(_ *testing.T, env *federationtest.Env) {
			env.AzureAD.AddSignIn(aad.SignIn{UserPrincipalName: "ada@elsewhere.example", Protocol: aad.SignInSAML20})
		}, says: []string{"nobody has been seen"}},
		{name: "a log without protocols", status: federation.Unseen, make: func(_ *testing.T, env *federationtest.Env) {
			env.AzureAD.Quirks.BareSignIns = true
			logged(env, 0, 0)
			logged(env, 0, 50126)
		}, says: []string{"nobody has been seen", "1 sign-in has succeeded, and the logs do not show that it was through JumpCloud"}},
		{name: "a log without protocols, and JumpCloud's", status: federation.Good, make: func(t *testing.T, env *federationtest.Env) {
			env.AzureAD.Quirks.BareSignIns = true
			env.AzureAD.AddSignIn(aad.SignIn{UserPrincipalName: "ada.abbott@example.com"})
			eventsSay(t, env, passed)
		}, says: []string{"1 person has signed in", "JumpCloud has let 1 sign-in pass", "itself has refused 1"}},
		{name: "JumpCloud lets pass", status: federation.Unseen, make: func(t *testing.T, env *federationtest.Env) { eventsSay(t, env, passed) },
			says: []string{"JumpCloud has let 1 sign-in pass", "no success"}},
		{name: "without the permission", status: federation.Unseen, cred: readers, says: []string{"without the permission AuditLog.Read.All"}},
		{name: "without the license", status: federation.Unseen, make: func(_ *testing.T, env *federationtest.Env) { env.AzureAD.Quirks.NoPremium = true },
			says: []string{"no license", "Microsoft Entra ID P1"}},
		{name: "without Insights", status: federation.Good, make: func(_ *testing.T, env *federationtest.Env) {
			logged(env, 0, 0)
			env.JumpCloud.Fault = insightsFault(403, `{"message":"no"}`)
		}, says: []string{"1 person has signed in", "Directory Insights cannot be read", "not published"}},
		{name: "more than is read", status: federation.Good, make: func(_ *testing.T, env *federationtest.Env) {
			env.AzureAD.PageSize = 2
			for range 9 {
				logged(env, 0, 0)
			}
		}, says: []string{"only the newest 6 entries"}},
		{name: "a domain that is managed", status: federation.Unseen, others: true,
			make: func(_ *testing.T, env *federationtest.Env) { env.AzureAD.RemoveFederation(env.Domain) }, says: []string{"not looked for"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				federated(t, env)
				began := time.Now()
				time.Sleep(time.Hour)
				if tt.make != nil {
					tt.make(t, env)
				}
				ad := env.AzureAD.ClientWith(env.AzureAD.Credential(tt.cred...), nil)
				verify := func(log *federation.SignInLog) (*federation.Verification, int) {
					env.ResetLog()
					v, err := federation.New(env.JumpCloud.Client(nil), ad, &federation.Options{SignInLog: log}).Verify(t.Context(), env.Plan())
					if err != nil {
						t.Fatal(err)
					}
					return v, env.Requests()
				}
				plain, few := verify(nil)
				v, many := verify(&federation.SignInLog{Since: began})
				if many < few || many > few+6 {
					t.Errorf("%d requests, %d without the logs", many, few)
				}
				l := layer(t, v, federation.LayerSignIn)
				if l.Status != tt.status {
					t.Errorf("the layer is %s: %s; want %s", l.Status, l.Evidence, tt.status)
				}
				for _, s := range tt.says {
					if !strings.Contains(l.Evidence, s) {
						t.Errorf("the evidence does not say %q: %s", s, l.Evidence)
					}
				}
				for _, u := range onDomain(env) {
					if b, _ := json.Marshal(v); strings.Contains(string(b), u.UserPrincipalName) {
						t.Errorf("the verification names %s", u.UserPrincipalName)
					}
				}
				if plain.SignIns != nil || plain.Layers[len(plain.Layers)-1].Name == federation.LayerSignIn {
					t.Errorf("the logs were looked at without leave:\n%s", plain)
				}
				// The other layers, and what they say together, are as without it.
				if d := cmp.Diff(plain.Layers, v.Layers[:len(v.Layers)-1], cmp.FilterPath(
					func(p cmp.Path) bool {
						return slices.Contains([]string{"Checked", "Works"}, strings.TrimPrefix(p.Last().String(), "."))
					}, cmp.Ignore())); d != "" {
					t.Errorf("other layers (-without +with):\n%s", d)
				}
				bad := tt.status == federation.Wrong
				if v.Wrong() != (plain.Wrong() || bad) || v.Effective() != (plain.Effective() && !bad) || plain.Effective() == tt.others {
					t.Errorf("Wrong %t, Effective %t; without the logs %t, %t", v.Wrong(), v.Effective(), plain.Wrong(), plain.Effective())
				}
				if v.AskAgain != plain.AskAgain && !bad {
					t.Errorf("AskAgain %s; without the logs %s", v.AskAgain, plain.AskAgain)
				}
				var back federation.Verification
				b, err := json.Marshal(v)
				if err == nil {
					err = json.Unmarshal(b, &back)
				}
				if err != nil || back.Effective() != v.Effective() || back.Wrong() != v.Wrong() || cmp.Diff(v.SignIns, back.SignIns) != "" {
					t.Errorf("it comes back from JSON otherwise: %v\n%s", err, b)
				}
				if !strings.Contains(v.String(), string(tt.status)) || !strings.Contains(v.String(), l.Evidence) {
					t.Errorf("the layer is not shown:\n%s", v)
				}
			})
		})
	}
}

// TestSignInsSince: what the caller knows of the change counts, and never more than
// when the certificate was made.
func TestSignInsSince(t *testing.T) {
	for _, tt := range []struct {
		name       string
		back       time.Duration // of Since, from now; negative: not given
		regenerate bool
		want       federation.LayerStatus
		says       string
	}{
		{"before the sign-in", 2 * time.Hour, false, federation.Good, ", the change, the last"},
		{"after it", time.Minute, false, federation.Unseen, ", the change; the logs"},
		{"the certificate is newer", 4 * time.Hour, true, federation.Unseen, "certificate"},
		{"not given", -1, false, federation.Unseen, "is not known"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				federated(t, env)
				time.Sleep(10 * time.Hour)
				logged(env, 0, 0)
				time.Sleep(time.Hour)
				if tt.regenerate {
					env.JumpCloud.RegenerateCertificate(app(t, env))
					if _, err := env.Federator(nil).Federate(t.Context(), env.Plan()); err != nil {
						t.Fatal(err)
					}
				}
				log := new(federation.SignInLog)
				if tt.back >= 0 {
					log.Since = time.Now().Add(-tt.back)
				}
				v, err := env.Federator(&federation.Options{SignInLog: log}).Verify(t.Context(), env.Plan())
				if err != nil {
					t.Fatal(err)
				}
				if l := layer(t, v, federation.LayerSignIn); l.Status != tt.want || !strings.Contains(l.Evidence, tt.says) {
					t.Errorf("the layer is %s: %s; want %s: …%s…", l.Status, l.Evidence, tt.want, tt.says)
				}
			})
		})
	}
}

// TestWaitWithoutSignIns: that nobody has signed in prolongs nothing.
func TestWaitWithoutSignIns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		federated(t, env)
		began := time.Now()
		v, err := env.Federator(&federation.Options{SignInLog: new(federation.SignInLog)}).Wait(t.Context(), env.Plan())
		if err != nil || !v.Effective() || time.Since(began) > time.Second {
			t.Errorf("Wait took %s: %v\n%s", time.Since(began), err, v)
		}
	})
}

// TestImmutableIDsProved: what is expected is told apart from what is proved.
func TestImmutableIDsProved(t *testing.T) {
	for _, tt := range []struct {
		name    string
		log     bool
		signIn  []int // who has signed in
		other   []int // whose immutable ID is another one than JumpCloud's
		unbound []int // whom the directory has not synchronised
		says    []string
		named   int // of whom a difference is told by name, as likely
	}{
		{name: "by bindings", says: []string{"of 3 people with immutable IDs, 3 have", "proved for 3 by the directory"}},
		{name: "not at all", unbound: []int{0, 1, 2}, says: []string{"likely for 3"}},
		{name: "by a sign-in", log: true, signIn: []int{0}, unbound: []int{0, 1, 2}, says: []string{"proved for 1 by sign-ins", "likely for 2"}},
		{name: "sign-ins that may not be looked at", signIn: []int{0}, unbound: []int{0, 1, 2}, says: []string{"likely for 3"}},
		{name: "another, likely wrong", log: true, other: []int{1}, says: []string{"2 have the one"}, named: 1},
		{name: "another, which is proved", log: true, signIn: []int{1}, other: []int{1}, says: []string{"2 have the one", "of 1 others sign-ins"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				federated(t, env)
				began := time.Now()
				time.Sleep(time.Minute)
				people := onDomain(env)
				for _, i := range tt.other {
					env.AzureAD.EditUser(people[i].ID, func(u *aad.User) { u.ImmutableID = "b2xkZXI9PQ" })
				}
				for _, i := range tt.unbound {
					env.JumpCloud.SetSync(env.Directory, jumpcloud.BoundUser{UserID: people[i].ImmutableID})
				}
				for _, i := range tt.signIn {
					logged(env, i, 0)
				}
				opts := new(federation.Options)
				if tt.log {
					opts.SignInLog = &federation.SignInLog{Since: began}
				}
				pre, err := env.Federator(opts).Preflight(t.Context(), env.Plan())
				if err != nil {
					t.Fatal(err)
				}
				i := slices.IndexFunc(pre.Gates, func(f federation.Finding) bool { return f.Code == federation.CodeImmutableIDExpected })
				if i < 0 {
					t.Fatalf("nothing is told of what is expected:\n%s", pre)
				}
				for _, s := range tt.says {
					if !strings.Contains(pre.Gates[i].Message, s) {
						t.Errorf("it is not told that %q: %s", s, pre.Gates[i].Message)
					}
				}
				named := 0
				for _, f := range pre.People.All() {
					if f.Code == federation.CodePersonImmutableIDDiffers && f.Severity == federation.Warning && strings.Contains(f.Evidence, "most likely") {
						named++
					}
				}
				if named != tt.named {
					t.Errorf("%d people are told of as likely to fail; want %d\n%s", named, tt.named, pre)
				}
				if told := slices.ContainsFunc(pre.Gates, func(f federation.Finding) bool { return f.Code == federation.CodeSignInLog }); told != tt.log {
					t.Errorf("the log is told of: %t; want %t", told, tt.log)
				}
			})
		})
	}
}
