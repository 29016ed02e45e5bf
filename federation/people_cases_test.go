package federation_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
)

// person adds somebody to both directories: bound and synchronised, in no group,
// with JumpCloud's ID. A change may make them otherwise.
func person(env *federationtest.Env, login string, change func(*jumpcloud.User, *aad.User)) (jumpcloud.Object, string) {
	ju := jumpcloud.User{Username: login, Email: login + "@" + env.Domain, State: jumpcloud.Activated, Activated: true}
	au := aad.User{UserPrincipalName: ju.Email, DisplayName: login, Mail: ju.Email}
	if change != nil {
		change(&ju, &au)
	}
	id := env.JumpCloud.AddUser(ju)
	if au.ImmutableID == "" {
		au.ImmutableID = id
	}
	account := env.AzureAD.AddUser(au)
	env.JumpCloud.BindUser(env.Directory, id, account)
	return jumpcloud.Object{Type: jumpcloud.UserObject, ID: id}, account
}

// everyone is the group that has the people of a new environment.
func everyone(env *federationtest.Env) jumpcloud.Object {
	return jumpcloud.Object{Type: jumpcloud.GroupObject, ID: env.JumpCloud.Groups()[0].ID}
}

// lockedOut are the names of those whom a refusal says to be locked out; it
// demands that the error and its finding agree about them.
func lockedOut(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	var p *federation.PreconditionError
	if !errors.As(err, &p) {
		t.Fatalf("%v; want a *PreconditionError", err)
	}
	for _, f := range p.Findings {
		if f.Code != federation.CodeLockOut {
			t.Errorf("and also %s: %s", f.Code, f)
		}
	}
	return names(p.People)
}

func names(ps []federation.PersonFinding) []string {
	var out []string
	for _, p := range ps {
		out = append(out, p.UserPrincipalName)
	}
	return out
}

// toldOf are the people whom a report tells of under a code.
func toldOf(rep *federation.Report, c federation.Code) []string {
	var out []string
	for _, f := range rep.Findings {
		if f.Code == c {
			out = append(out, names(f.People)...)
			for _, p := range f.People {
				if len(f.People) <= 10 && !strings.Contains(f.Message, p.UserPrincipalName) {
					out = append(out, "the message does not name "+p.UserPrincipalName)
				}
			}
		}
	}
	return out
}

// TestWhoIsLockedOut: who would lose their sign-in is found, whatever is special
// about them, and nobody else.
func TestWhoIsLockedOut(t *testing.T) {
	all := []string{"ada.abbott@example.com", "ben.baker@example.com", "cleo.clarke@example.com"}
	user := func(upn, kind string) aad.User {
		return aad.User{UserPrincipalName: upn, Mail: strings.ToLower(upn), UserType: kind, ImmutableID: "b2xkZXI=" + upn[:3]}
	}
	// application makes the plan's application, as an earlier run may have.
	application := func(env *federationtest.Env) jumpcloud.Object {
		return jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: env.JumpCloud.AddApplication("office365", "Microsoft 365", entityID, loginURL)}
	}
	for _, tt := range []struct {
		name string
		make func(*federationtest.Env, *federation.Plan)
		want []string
	}{
		{"nobody", func(*federationtest.Env, *federation.Plan) {}, nil},
		{"an internal guest", func(env *federationtest.Env, _ *federation.Plan) {
			env.AzureAD.AddUser(user("contractor@example.com", "Guest"))
		}, []string{"contractor@example.com"}},
		{"an internal guest who is in JumpCloud", func(env *federationtest.Env, _ *federation.Plan) {
			u, _ := person(env, "contractor", func(_ *jumpcloud.User, a *aad.User) { a.UserType = "Guest" })
			env.JumpCloud.Bind(everyone(env), u)
		}, nil},
		{"people of other tenants", func(env *federationtest.Env, _ *federation.Plan) {
			env.AzureAD.AddUser(user("partner_mail.example#EXT#@contoso.onmicrosoft.com", "Member"))
			env.AzureAD.AddUser(user("guest_mail.example#EXT#@example.com", "Guest"))
			env.AzureAD.AddUser(user("member_mail.example#ext#@example.com", "Member"))
		}, nil},
		{"on subdomains", func(env *federationtest.Env, _ *federation.Plan) {
			for _, d := range []string{"eu.example.com", "de.eu.example.com"} {
				env.AzureAD.AddDomain(d)
				env.AzureAD.AddUser(user("eva@"+d, "Member"))
			}
			for _, d := range []string{"labs.example.com", "notexample.com"} {
				env.AzureAD.AddDomain(d, func(v *aad.Domain) { v.IsRoot = true })
				env.AzureAD.AddUser(user("lars@"+d, "Member"))
			}
			env.AzureAD.AddDomain("a.labs.example.com")
			env.AzureAD.AddUser(user("lea@a.labs.example.com", "Member"))
		}, []string{"eva@de.eu.example.com", "eva@eu.example.com"}},
		{"on many subdomains", func(env *federationtest.Env, _ *federation.Plan) {
			for i := range 12 {
				env.AzureAD.AddDomain(fmt.Sprintf("d%02d.example.com", i))
				env.AzureAD.AddUser(user(fmt.Sprintf("p%02d@d%02d.example.com", i, i), "Member"))
			}
		}, []string{"p00@d00.example.com", "p01@d01.example.com", "p02@d02.example.com", "p03@d03.example.com", "p04@d04.example.com", "p05@d05.example.com",
			"p06@d06.example.com", "p07@d07.example.com", "p08@d08.example.com", "p09@d09.example.com", "p10@d10.example.com", "p11@d11.example.com"}},
		{"a group that does not exist", func(_ *federationtest.Env, p *federation.Plan) { p.Groups = []federation.Group{{Name: "Everyon"}} }, all},
		{"a group that nobody is in", func(env *federationtest.Env, p *federation.Plan) {
			env.JumpCloud.AddGroup("New")
			p.Groups = []federation.Group{{Name: "New"}}
		}, all},
		{"a new group with listed members", func(_ *federationtest.Env, p *federation.Plan) {
			p.Groups = []federation.Group{{Name: "New", Members: []string{"Ada.Abbott@example.com", "cleo.clarke@example.com"}}}
		}, all[1:2]},
		{"a new group beside one with everybody", func(_ *federationtest.Env, p *federation.Plan) {
			p.Groups = append(p.Groups, federation.Group{Name: "New"})
		}, nil},
		{"a new group, and nobody on the domain", func(env *federationtest.Env, p *federation.Plan) {
			p.Groups = []federation.Group{{Name: "New"}}
			for _, upn := range all {
				env.AzureAD.RemoveUser(upn)
			}
		}, nil},
		{"a listed member of a group that the directory does not export", func(env *federationtest.Env, p *federation.Plan) {
			u := env.JumpCloud.AddUser(jumpcloud.User{Username: "dan", Email: "dan@example.com", State: jumpcloud.Activated, Activated: true})
			env.AzureAD.AddUser(aad.User{UserPrincipalName: "dan@example.com", ImmutableID: u})
			p.Groups = append(p.Groups, federation.Group{Name: "New", Members: []string{"dan@example.com"}})
			p.Directory.Groups = []string{federationtest.Group}
		}, []string{"dan@example.com"}},
		{"the same, and the directory exports another group of the person", func(env *federationtest.Env, p *federation.Plan) {
			u := env.JumpCloud.AddUser(jumpcloud.User{Username: "dan", Email: "dan@example.com", State: jumpcloud.Activated, Activated: true})
			env.AzureAD.AddUser(aad.User{UserPrincipalName: "dan@example.com", ImmutableID: u})
			p.Groups = append(p.Groups, federation.Group{Name: "New", Members: []string{"dan@example.com"}})
			p.Directory.Groups = []string{federationtest.Group}
			dir := jumpcloud.Object{Type: jumpcloud.DirectoryObject, ID: env.Directory}
			env.JumpCloud.Bind(dir, jumpcloud.Object{Type: jumpcloud.GroupObject, ID: env.JumpCloud.AddGroup("Exported", u)})
		}, nil},
		{"a listed member of a group that the directory exports already", func(env *federationtest.Env, p *federation.Plan) {
			u := env.JumpCloud.AddUser(jumpcloud.User{Username: "dan", Email: "dan@example.com", State: jumpcloud.Activated, Activated: true})
			env.AzureAD.AddUser(aad.User{UserPrincipalName: "dan@example.com", ImmutableID: u})
			p.Groups = append(p.Groups, federation.Group{Name: "Old", Members: []string{"dan@example.com"}})
			p.Directory.Groups = []string{federationtest.Group}
			dir := jumpcloud.Object{Type: jumpcloud.DirectoryObject, ID: env.Directory}
			env.JumpCloud.Bind(dir, jumpcloud.Object{Type: jumpcloud.GroupObject, ID: env.JumpCloud.AddGroup("Old")})
		}, nil},
		{"in a group that is bound and not in the plan", func(env *federationtest.Env, _ *federation.Plan) {
			u, _ := person(env, "lena", nil)
			env.JumpCloud.Bind(application(env), jumpcloud.Object{Type: jumpcloud.GroupObject, ID: env.JumpCloud.AddGroup("Legacy", u.ID)})
		}, nil},
		{"in a group of another application", func(env *federationtest.Env, _ *federation.Plan) {
			u, _ := person(env, "lena", nil)
			application(env)
			other := env.JumpCloud.AddApplication("saml2", "Wiki", "urn:wiki", "https://sso.jumpcloud.com/saml2/wiki")
			env.JumpCloud.Bind(jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: other}, jumpcloud.Object{Type: jumpcloud.GroupObject, ID: env.JumpCloud.AddGroup("Legacy", u.ID)})
		}, []string{"lena@example.com"}},
		{"bound to the application without a group", func(env *federationtest.Env, _ *federation.Plan) {
			u, _ := person(env, "lena", nil)
			env.JumpCloud.Bind(application(env), u)
		}, nil},
		{"bound to the application without a group, and not to the directory", func(env *federationtest.Env, _ *federation.Plan) {
			u, _ := person(env, "lena", nil)
			env.JumpCloud.Bind(application(env), u)
			env.JumpCloud.Unbind(jumpcloud.Object{Type: jumpcloud.DirectoryObject, ID: env.Directory}, u)
		}, []string{"lena@example.com"}},
		{"a password that has expired, and a locked account", func(env *federationtest.Env, _ *federation.Plan) {
			for _, login := range []string{"lara", "lou"} {
				u, _ := person(env, login, func(j *jumpcloud.User, _ *aad.User) {
					j.PasswordExpired, j.AccountLocked = login == "lara", login == "lou"
				})
				env.JumpCloud.Bind(everyone(env), u)
			}
		}, nil},
		{"suspended, staged, without a password", func(env *federationtest.Env, _ *federation.Plan) {
			for login, change := range map[string]func(*jumpcloud.User){
				"s1": func(j *jumpcloud.User) { j.State, j.Suspended = jumpcloud.Suspended, true },
				"s2": func(j *jumpcloud.User) { j.State = jumpcloud.Staged },
				"s3": func(j *jumpcloud.User) { j.Activated = false },
			} {
				u, _ := person(env, login, func(j *jumpcloud.User, _ *aad.User) { change(j) })
				env.JumpCloud.Bind(everyone(env), u)
			}
		}, []string{"s1@example.com", "s2@example.com", "s3@example.com"}},
		{"an immutable ID that JumpCloud hardly sends", func(env *federationtest.Env, _ *federation.Plan) {
			u, _ := person(env, "lena", func(_ *jumpcloud.User, a *aad.User) { a.ImmutableID = "other" })
			env.JumpCloud.Bind(everyone(env), u)
		}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				plan := env.Plan()
				tt.make(env, &plan)
				// Azure AD's directory takes conditions of fifteen clauses.
				env.AzureAD.Fault = func(r *http.Request) aadtest.Fault {
					if n := strings.Count(r.URL.Query().Get("$filter"), "endsWith("); n > 15 {
						t.Errorf("a list has a condition of %d clauses", n)
					}
					return aadtest.Fault{}
				}
				f := env.Federator(nil)
				pf, err := f.Preflight(t.Context(), plan)
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(tt.want, names(pf.LockedOut())); d != "" {
					t.Errorf("Preflight (-want +got):\n%s\n%s", d, pf)
				}
				rep, err := f.Federate(t.Context(), plan)
				if d := cmp.Diff(tt.want, lockedOut(t, err)); d != "" {
					t.Errorf("Federate (-want +got):\n%s%v", d, err)
				}
				if got := env.AzureAD.Domain(env.Domain).AuthenticationType; (got == aad.Managed) != (tt.want != nil) {
					t.Errorf("the domain is %s\n%s", got, rep)
				}
			})
		})
	}
}

// TestToldByName: what is likely to keep somebody out refuses nothing, and stands
// in the report of the run, by name.
func TestToldByName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		in := func(login string, change func(*jumpcloud.User, *aad.User)) jumpcloud.Object {
			u, _ := person(env, login, change)
			env.JumpCloud.Bind(everyone(env), u)
			return u
		}
		in("expired", func(j *jumpcloud.User, _ *aad.User) { j.PasswordExpired = true })
		in("locked", func(j *jumpcloud.User, _ *aad.User) { j.AccountLocked = true })
		in("older", func(_ *jumpcloud.User, a *aad.User) { a.ImmutableID = "b2xkZXI=" })
		fresh := in("fresh", func(_ *jumpcloud.User, a *aad.User) { a.ImmutableID = "ZnJlc2g=" })
		env.JumpCloud.SetSync(env.Directory, jumpcloud.BoundUser{UserID: fresh.ID})
		// The account was deleted and made anew by hand.
		rita := in("rita", nil)
		env.AzureAD.RemoveUser("rita@example.com")
		env.AzureAD.AddUser(aad.User{UserPrincipalName: "rita@example.com", DisplayName: "Rita", ImmutableID: rita.ID})
		// The directory has another account of the tenant.
		mia := in("mia", nil)
		env.JumpCloud.SetSync(env.Directory, jumpcloud.BoundUser{UserID: mia.ID, ExternalID: env.AzureAD.AddUser(cloudOnly("mia.other"))})

		pf, err := env.Federator(nil).Preflight(t.Context(), env.Plan())
		if err != nil {
			t.Fatal(err)
		}
		for _, says := range []string{"which does not exist in this tenant, and not to this one", "to the account mia.other@contoso.onmicrosoft.com, and not to this one",
			"the directory has never synchronised the person"} {
			if !strings.Contains(pf.String(), says) {
				t.Errorf("Preflight does not say %q:\n%s", says, pf)
			}
		}
		rep, err := env.Federator(nil).Federate(t.Context(), env.Plan())
		if err != nil {
			t.Fatal(err)
		}
		got := make(map[federation.Code][]string)
		for _, f := range rep.Findings {
			if len(f.People) > 0 && f.Severity == federation.Warning {
				got[f.Code] = toldOf(rep, f.Code)
			}
		}
		if d := cmp.Diff(map[federation.Code][]string{
			federation.CodePersonPasswordExpired:    {"expired@example.com"},
			federation.CodePersonAccountLocked:      {"locked@example.com"},
			federation.CodePersonImmutableIDDiffers: {"fresh@example.com", "older@example.com"},
			federation.CodePersonBoundElsewhere:     {"mia@example.com", "rita@example.com"},
		}, got); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	})
}

// TestUsualForm: a form that most immutable IDs have is told once; whoever has
// another is named.
func TestUsualForm(t *testing.T) {
	for _, tt := range []struct {
		name   string
		others int // with JumpCloud's IDs
		told   bool
		want   []string
	}{
		{"most", 3, true, []string{"odd@example.com"}},
		{"half", 5, false, []string{"odd@example.com", "old0@example.com", "old1@example.com", "old2@example.com", "old3@example.com"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(&federationtest.Options{Users: tt.others - 1})
				for i := range 5 {
					login, id := fmt.Sprintf("old%d", i), fmt.Sprintf("old%d@example.com", i)
					if i == 4 {
						login, id = "odd", "ABEiM0RVZneImaq7zN3uAA=="
					}
					u, _ := person(env, login, func(_ *jumpcloud.User, a *aad.User) { a.ImmutableID = id })
					env.JumpCloud.Bind(everyone(env), u)
				}
				rep, err := env.Federator(nil).Federate(t.Context(), env.Plan())
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(tt.want, toldOf(rep, federation.CodePersonImmutableIDDiffers)); d != "" {
					t.Errorf("named (-want +got):\n%s", d)
				}
				i := slices.IndexFunc(rep.Findings, func(f federation.Finding) bool { return f.Code == federation.CodeImmutableIDForm })
				if (i >= 0) != tt.told || i >= 0 && !strings.Contains(rep.Findings[i].Message, "4 of 7 people are of one other form, an email address") {
					t.Errorf("the form is told: %t; want %t\n%s", i >= 0, tt.told, rep)
				}
			})
		})
	}
}
