package federationtest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
)

// TestPreflightForetells: whoever Preflight says will be locked out is, for many kinds of
// people that an organisation has. Of everybody else who is kept out it has told why.
func TestPreflightForetells(t *testing.T) {
	env := federationtest.New(&federationtest.Options{Lifelike: true})
	jc, ad := env.JumpCloud, env.AzureAD
	users := jc.Users()
	group := jumpcloud.Object{Type: jumpcloud.GroupObject, ID: jc.Groups()[0].ID}
	user := func(i int) jumpcloud.Object { return jumpcloud.Object{Type: jumpcloud.UserObject, ID: users[i].ID} }
	spoil := []func(i int){
		func(i int) { jc.EditUser(users[i].ID, func(u *jumpcloud.User) { u.Suspended = true }) },
		func(i int) {
			jc.EditUser(users[i].ID, func(u *jumpcloud.User) { u.State, u.Activated = jumpcloud.Staged, false })
		},
		func(i int) { jc.EditUser(users[i].ID, func(u *jumpcloud.User) { u.PasswordExpired = true }) },
		func(i int) { jc.EditUser(users[i].ID, func(u *jumpcloud.User) { u.AccountLocked = true }) },
		func(i int) { ad.EditUser(users[i].Email, func(u *aad.User) { u.ImmutableID = "" }) },
		func(i int) {
			ad.EditUser(users[i].Email, func(u *aad.User) { u.ImmutableID = "bm90IGhlcnMgYXQgYWxsIQ==" })
		},
		func(i int) {
			ad.EditUser(users[i].Email, func(u *aad.User) { u.ImmutableID = strings.Repeat("a", 24) })
		},
		func(i int) { jc.Unbind(group, user(i)) },
		func(i int) { ad.EditUser(users[i].Email, func(u *aad.User) { u.Enabled = ptr(false) }) },
		func(i int) { jc.EditUser(users[i].ID, func(u *jumpcloud.User) { u.Email = "another." + u.Email }) },
		func(i int) { // in a group of the group
			jc.Unbind(group, user(i))
			jc.Bind(group, jumpcloud.Object{Type: jumpcloud.GroupObject, ID: jc.AddGroup("Inner", users[i].ID)})
		},
		func(i int) { ad.EditUser(users[i].Email, func(u *aad.User) { u.ProxyAddresses = nil }) },
		func(i int) { jc.SetSync(env.Directory, jumpcloud.BoundUser{UserID: users[i].ID}) },
	}
	for i, f := range spoil {
		f(i)
	}
	plan := env.Plan()
	plan.Consent.LockOut.People = nil
	ctx := federationtest.Hurry(t.Context())
	pre, err := env.Federator(nil).Preflight(ctx, plan)
	if err != nil {
		t.Fatal(err)
	}
	findings := make(map[string][]federation.PersonFinding) // by user principal name
	for _, f := range pre.People.All() {
		findings[f.UserPrincipalName] = append(findings[f.UserPrincipalName], f)
	}
	for _, f := range pre.People.LockedOut() {
		plan.Consent.LockOut.People = append(plan.Consent.LockOut.People, f.UserPrincipalName)
	}
	walk := func(name string) *federationtest.Walk {
		t.Helper()
		who := federationtest.Person{UserName: name}
		for _, u := range users {
			if strings.HasSuffix(u.Email, name) || strings.HasPrefix(name, u.Username+"@") {
				who.JumpCloudName = u.Username
			}
		}
		w, err := env.Browser().SignIn(ctx, who)
		if err != nil {
			t.Fatalf("%s: %v\n%v", name, err, w)
		}
		return w
	}
	before := make(map[string]bool)
	for _, u := range ad.Users() {
		before[u.UserPrincipalName] = walk(u.UserPrincipalName).SignedIn != ""
	}
	if _, err := env.Federator(nil).Federate(ctx, plan); err != nil {
		t.Fatal(err)
	}
	told := []federation.Code{ // not counted as lock-outs: it is likely only, it passes, or it is nothing new
		federation.CodePersonImmutableIDDiffers, federation.CodePersonPasswordExpired,
		federation.CodePersonAccountLocked, federation.CodePersonDisabled, federation.CodePersonNotExported,
	}
	in, out := 0, 0
	for name, could := range before {
		w := walk(name)
		locked, already, warned, codes := false, false, false, []federation.Code{}
		for _, f := range findings[name] {
			locked, already, codes = locked || f.LockedOut, already || f.AlreadyOut, append(codes, f.Code)
			warned = warned || slices.Contains(told, f.Code)
		}
		can := w.SignedIn != ""
		if can {
			in++
		} else {
			out++
		}
		if (locked && !could) || (already && could) || can == (locked || already || warned) {
			t.Errorf("%s: could sign in: %v, can: %v; Preflight says locked out: %v, out already: %v; %v\n%v",
				name, could, can, locked, already, codes, w)
		}
	}
	if in < 8 || out < 8 {
		t.Errorf("%d got in and %d did not: too few to tell", in, out)
	}
}
