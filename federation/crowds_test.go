package federation_test

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// An ailment is what is wrong with everybody of a crowd.
type ailment struct {
	name string

	unbound, ungrouped bool // nobody is bound, or in a group
	user               func(i int, u *jumpcloud.User)
	binding            func(i int, b *jumpcloud.BoundUser)
	account            func(i int, u *aad.User)

	found []federation.Code // about everybody, and nothing else
	peak  float64           // the budget of BenchmarkPreflightAll in bytes a person; 0: not measured
}

// check tells whether these figures are those of n people a side with the ailment.
// The one person who is not of the crowd may have up to four findings.
func (a ailment) check(n int, c federation.PeopleCounts) error {
	for _, code := range a.found {
		if got := c.ByCode[code]; got < n || got > n+1 {
			return fmt.Errorf("%d people have %s, want all of %d", got, code, n)
		}
	}
	if most := n*len(a.found) + 4; c.JumpCloud != n+1 || c.AzureAD != n+1 || c.Findings > most {
		return fmt.Errorf("want %d people a side and at most %d findings: %+v", n+1, most, c)
	}
	return nil
}

// ailments are what companies look like before their first run, and what may befall
// all of their people at once.
var ailments = []ailment{
	{
		name: "first run", unbound: true, ungrouped: true,
		account: func(_ int, u *aad.User) { u.ImmutableID = "" },
		found:   []federation.Code{federation.CodePersonNoImmutableID, federation.CodePersonNotInGroup, federation.CodePersonNotBound},
		peak:    200,
	},
	{name: "nobody bound", unbound: true, found: []federation.Code{federation.CodePersonNotBound}},
	{
		name:    "no immutable IDs",
		account: func(_ int, u *aad.User) { u.ImmutableID = "" },
		found:   []federation.Code{federation.CodePersonNoImmutableID},
	},
	{name: "no group", ungrouped: true, found: []federation.Code{federation.CodePersonNotInGroup}},
	{
		name:  "suspended",
		user:  func(_ int, u *jumpcloud.User) { u.Suspended, u.State = true, jumpcloud.Suspended },
		found: []federation.Code{federation.CodePersonSuspended},
	},
	{
		name:  "renamed",
		user:  func(_ int, u *jumpcloud.User) { u.Email = "New." + u.Email },
		found: []federation.Code{federation.CodePersonEmailDiffers},
	},
	{
		name: "alias only", unbound: true,
		user: func(_ int, u *jumpcloud.User) { u.Email = "old." + u.Email },
		account: func(_ int, u *aad.User) {
			u.ImmutableID = ""
			u.ProxyAddresses = append(u.ProxyAddresses, "smtp:old."+u.UserPrincipalName)
		},
		found: []federation.Code{federation.CodePersonAliasOnly, federation.CodePersonNotBound, federation.CodePersonNoImmutableID},
		peak:  250, // three addresses each, which have to be kept, in place of one
	},
	{
		name: "apart", unbound: true, ungrouped: true,
		user:    func(_ int, u *jumpcloud.User) { u.Email = "here." + u.Email },
		account: func(_ int, u *aad.User) { u.ImmutableID = "" },
		found:   []federation.Code{federation.CodePersonNotInJumpCloud, federation.CodePersonNotInAzureAD},
	},
	{
		name:    "bound to others",
		binding: func(i int, b *jumpcloud.BoundUser) { b.ExternalID = accountID(i ^ 1) },
		account: func(_ int, u *aad.User) { u.ImmutableID = "" },
		found:   []federation.Code{federation.CodePersonBoundElsewhere, federation.CodePersonNoImmutableID},
		peak:    200,
	},
	{
		name: "binding errors",
		binding: func(i int, b *jumpcloud.BoundUser) {
			b.ExternalID = ""
			b.Sync = &jumpcloud.SyncStatus{Code: "409", Message: "Another object with the value " + addressOf(i) + " exists."}
		},
		found: []federation.Code{federation.CodePersonBindingError},
	},
	{
		name:    "IDs shared",
		account: func(i int, u *aad.User) { u.ImmutableID = "pair " + strconv.Itoa(i/2) },
		found:   []federation.Code{federation.CodePersonSharedImmutableID},
	},
}

// crowd is an environment of n people a side who exist by number only. Of every
// hundred one is missing in JumpCloud, one in Azure AD and one has no immutable ID.
func crowd(n int) *federationtest.Env {
	return populate(federationtest.New(&federationtest.Options{Users: 1}), n, ailment{
		user: func(i int, u *jumpcloud.User) {
			if i%100 == 7 {
				u.Email = "gone." + u.Email
			}
		},
		binding: func(i int, b *jumpcloud.BoundUser) {
			if i%100 == 7 {
				b.ExternalID = ""
			}
		},
		account: func(i int, u *aad.User) {
			switch i % 100 {
			case 3:
				u.ImmutableID = ""
			case 7:
				u.ImmutableID = fmt.Sprintf("older-%d", i)
			}
		},
	})
}

// ailing is an environment of n people a side with the same ailment.
func ailing(n int, with ailment) *federationtest.Env {
	return populate(federationtest.New(&federationtest.Options{Users: 1}), n, with)
}

var given = [...]string{"anna", "ben", "carla", "dora", "emil", "fritz", "gina", "hugo", "ida", "jan", "kai", "lea", "mia", "noah", "olga", "paul", "quinn", "rosa", "sam", "tess", "uwe", "vera", "walt", "xena", "yara", "zoe"}

var family = [...]string{"berg", "caro", "diaz", "eis", "fuchs", "gold", "hof", "iten", "jung", "klee", "lang", "mai", "nagy", "ott", "pohl", "quast", "rot", "stern", "thal", "ude", "vogt", "wolf", "xu", "yilmaz", "zorn"}

// login is distinct for each i and spread over the alphabet, as names are.
func login(i int) string {
	return given[i%len(given)] + "." + family[i/len(given)%len(family)] + strconv.Itoa(i)
}

func addressOf(i int) string { return login(i) + "@example.com" }

func display(i int) string {
	g, f := given[i%len(given)], family[i/len(given)%len(family)]
	return strings.ToUpper(g[:1]) + g[1:] + " " + strings.ToUpper(f[:1]) + f[1:]
}

func accountID(i int) string { return fmt.Sprintf("%08x-9e37-4000-8000-%012x", i, i) }

// populate adds n people a side to an environment of example.com.
func populate(env *federationtest.Env, n int, with ailment) *federationtest.Env {
	env.JumpCloud.GenerateUsers(n, func(i int) jumpcloud.User {
		u := jumpcloud.User{Username: login(i), Email: addressOf(i), State: jumpcloud.Activated, Activated: true}
		if with.user != nil {
			with.user(i, &u)
		}
		return u
	})
	synced := &jumpcloud.SyncStatus{Code: "200", Message: "OK"}
	if !with.unbound {
		env.JumpCloud.GenerateBound(env.Directory, n, func(i int) jumpcloud.BoundUser {
			b := jumpcloud.BoundUser{UserID: jumpcloudtest.GeneratedID(i), ExternalID: accountID(i), Sync: synced}
			if with.binding != nil {
				with.binding(i, &b)
			}
			return b
		})
	}
	if !with.ungrouped {
		env.JumpCloud.GenerateMembers(env.JumpCloud.Groups()[0].ID, n, jumpcloudtest.GeneratedID)
	}
	enabled := true
	env.AzureAD.GenerateUsers(n, func(i int) aad.User {
		u := aad.User{
			ID: accountID(i), UserPrincipalName: addressOf(i), DisplayName: display(i), Mail: addressOf(i), ImmutableID: jumpcloudtest.GeneratedID(i),
			UserType: "Member", Enabled: &enabled, ProxyAddresses: []string{"SMTP:" + addressOf(i)},
		}
		if with.account != nil {
			with.account(i, &u)
		}
		return u
	})
	return env
}
