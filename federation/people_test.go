package federation

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/jumpcloud"
)

// place is what both directories say, as a table test writes it down.
type place struct {
	a        audience
	jc       []jcUser
	ad       []adUser
	bindings []binding
	members  []member
}

type binding struct{ user, external, fault string }

type member struct {
	user             string
	nested, exported bool
}

// fill adds everything to a crowd, in an order that shuffle decides.
func (w place) fill(shuffle func(n int, swap func(i, j int))) *crowd {
	c := newCrowd(w.a.domains(), len(w.a.rules) > 0)
	var do []func()
	for _, u := range w.jc {
		do = append(do, func() { c.addJumpCloud(&u) })
	}
	for _, u := range w.ad {
		do = append(do, func() { c.addAzureAD(&u) })
	}
	for _, b := range w.bindings {
		do = append(do, func() { c.addBinding(b.user, b.external, b.fault) })
	}
	for _, m := range w.members {
		do = append(do, func() { c.addMember(m.user, !m.nested, m.exported) })
	}
	if shuffle != nil {
		shuffle(len(do), func(i, j int) { do[i], do[j] = do[j], do[i] })
	}
	for _, f := range do {
		f()
	}
	return c
}

func (w place) judge() *People { return judge(w.fill(nil), w.a) }

func jcID(n int) string { return fmt.Sprintf("6026bec6b8207255%08x", n) }
func adID(n int) string { return fmt.Sprintf("6601d14b-d113-4f64-8da2-%012x", n) }

// anna is in order on both sides: bound, in a group, with an immutable ID.
func anna() place {
	return place{
		a: audience{domain: "example.com", directoryID: "d1"},
		jc: []jcUser{
			{id: jcID(1), username: "anna", email: "anna@example.com"},
		},
		ad: []adUser{
			{id: adID(1), upn: "Anna@example.com", name: "Anna Berg", mail: "anna@Example.com", immutableID: jcID(1), proxies: []string{"SMTP:anna@example.com", "smtp:a.berg@example.com", "SIP:anna@example.com"}},
		},
		bindings: []binding{{jcID(1), adID(1), ""}},
		members:  []member{{jcID(1), false, true}},
	}
}

func TestPersonFindings(t *testing.T) {
	type want struct {
		code     Code
		severity Severity
		locked   bool
		who      string // part of
		evidence string // part of
	}
	expected := make(map[Code]bool)
	for _, tt := range []struct {
		name string
		edit func(w *place)
		want []want // all of them, in order
	}{
		{"in order", func(w *place) {}, nil},
		{"missing in JumpCloud", func(w *place) { w.jc = nil },
			[]want{{CodePersonNotInJumpCloud, Refusal, true, "anna@example.com (Anna Berg)", "no JumpCloud user has this address"}}},
		{"missing in JumpCloud, disabled", func(w *place) { w.jc, w.ad[0].disabled = nil, true },
			[]want{{CodePersonDisabled, Info, false, "anna@example.com", "disabled"}}},
		{"missing in Azure AD", func(w *place) { w.ad, w.bindings = nil, nil },
			[]want{{CodePersonNotInAzureAD, Warning, false, "anna@example.com", "has no such account"}}},
		{"in JumpCloud for something else", func(w *place) {
			w.jc = append(w.jc, jcUser{id: jcID(2), email: "bob@elsewhere.example"})
		}, nil},
		{"left, in JumpCloud only", func(w *place) { w.ad, w.bindings, w.jc[0].suspended = nil, nil, true }, nil},
		{"not in a group", func(w *place) { w.members = nil },
			[]want{{CodePersonNotInGroup, Refusal, true, "anna@example.com", "in none of the JumpCloud groups"}}},
		{"to be added to the group", func(w *place) { w.members, w.a.newMembers = nil, []newMember{{email: "Anna@EXAMPLE.com"}} }, nil},
		{"nested group", func(w *place) { w.members[0].nested = true },
			[]want{{CodePersonNestedGroup, Warning, false, "anna@example.com", "by way of another group"}}},
		{"nested and direct", func(w *place) { w.members = append(w.members, member{jcID(1), true, true}) }, nil},
		{"not bound, the plan binds the group", func(w *place) { w.bindings = nil },
			[]want{{CodePersonNotBound, Warning, false, "anna@example.com", "not bound to JumpCloud's Microsoft 365 directory yet"}}},
		{"not bound, the plan adds the person", func(w *place) {
			w.bindings, w.members, w.a.newMembers = nil, nil, []newMember{{email: "anna@example.com", exported: true}}
		},
			[]want{{CodePersonNotBound, Warning, false, "anna@example.com", "yet"}}},
		{"not bound, in a group that is not exported", func(w *place) { w.bindings, w.members[0].exported = nil, false },
			[]want{{CodePersonNotBound, Refusal, true, "anna@example.com", "knows no immutable ID"}}},
		{"no directory", func(w *place) { w.bindings, w.a.directoryID = nil, "" }, nil},
		{"binding in error", func(w *place) {
			w.bindings[0].external, w.bindings[0].fault = "", "Another object with the same value exists"
		},
			[]want{{CodePersonBindingError, Refusal, true, "anna@example.com", "the Microsoft 365 directory reports: Another object"}}},
		{"binding in error, once synchronised", func(w *place) { w.bindings[0].fault = "licence\nmissing" },
			[]want{{CodePersonBindingError, Warning, false, "anna@example.com", "licence missing"}}},
		{"no immutable ID", func(w *place) { w.ad[0].immutableID = "" },
			[]want{{CodePersonNoImmutableID, Refusal, true, "anna@example.com (Anna Berg)", "AADSTS51004"}}},
		{"immutable ID shared", func(w *place) {
			w.ad = append(w.ad, adUser{id: adID(2), upn: "room1@example.com", name: "One", mail: "x@example.com", immutableID: jcID(1), disabled: true})
		}, []want{
			{CodePersonSharedImmutableID, Refusal, true, "anna@example.com", "the account room1@example.com has the same immutable ID"},
			{CodePersonSharedImmutableID, Warning, false, "room1@example.com", "the same immutable ID"},
			{CodePersonDisabled, Info, false, "room1@example.com", ""},
		}},
		{"email differs from the user principal name", func(w *place) { w.jc[0].email = "anna.berg@example.com" },
			[]want{{CodePersonEmailDiffers, Warning, false, "anna@example.com", "anna.berg@example.com in JumpCloud, anna@example.com in Azure AD (the account's immutable ID is"}}},
		{"email differs from the user principal name, matched by the binding", func(w *place) {
			w.jc[0].email, w.ad[0].immutableID = "anna.berg@example.com", "anna-id"
		}, []want{
			{CodePersonImmutableIDDiffers, Warning, false, "anna@example.com", "a text of some other form"},
			{CodePersonEmailDiffers, Warning, false, "anna@example.com", "anna.berg@example.com in JumpCloud, anna@example.com in Azure AD (the binding says"},
		}},
		{"email is the mail, not the user principal name", func(w *place) {
			w.ad[0].upn, w.ad[0].immutableID, w.bindings[0].external = "ab@example.com", "anna-id", ""
		}, []want{{CodePersonImmutableIDDiffers, Warning, false, "ab@example.com", "never synchronised"}, {CodePersonEmailDiffers, Warning, false, "ab@example.com", "anna@example.com in JumpCloud, ab@example.com in Azure AD (matched by the mail"}}},
		{"email differs from the mail", func(w *place) { w.ad[0].mail = "a.berg@example.com" },
			[]want{{CodePersonEmailDiffers, Info, false, "anna@example.com", "the mail address in Azure AD is a.berg@example.com"}}},
		{"email is a proxy address", func(w *place) {
			w.jc[0].email, w.ad[0].immutableID, w.bindings[0].external = "A.Berg@example.com", "anna-id", ""
		},
			[]want{{CodePersonImmutableIDDiffers, Warning, false, "anna@example.com", ""}, {CodePersonAliasOnly, Warning, false, "anna@example.com", "a.berg@example.com in JumpCloud is only a further address of anna@example.com"}}},
		{"email is another mail", func(w *place) {
			w.jc[0].email, w.bindings[0].external, w.ad[0].others = "anna@home.example", "", []string{"anna@home.example"}
			w.ad[0].immutableID = "anna-id"
		}, []want{{CodePersonImmutableIDDiffers, Warning, false, "anna@example.com", ""}, {CodePersonAliasOnly, Warning, false, "anna@example.com", "one of the other mail addresses"}}},
		{"alternate email by the rule", func(w *place) {
			w.a.rules = []string{ruleAlternateEmail}
			w.jc[0].email, w.jc[0].alternate, w.bindings[0].external = "a@corp.example", "anna@example.com", ""
			w.ad[0].mail = "a@corp.example"
		}, nil},
		{"alternate email without the rule", func(w *place) {
			w.jc[0].email, w.jc[0].alternate, w.bindings[0].external = "a@corp.example", "anna@example.com", ""
			w.ad[0].immutableID = "anna-id"
		}, []want{
			{CodePersonNotInJumpCloud, Refusal, true, "anna@example.com", ""},
			{CodePersonOtherDomain, Warning, false, "a@corp.example", "JumpCloud exports the user principal name a@corp.example, which is not on example.com; Azure AD refuses"},
		}},
		{"no alternate email, with the rule", func(w *place) { w.a.rules = []string{ruleAlternateEmail} },
			[]want{{CodePersonNoEmail, Warning, false, "anna@example.com", "no alternate email in JumpCloud"}}},
		{"no alternate email, with the rule, matched by email", func(w *place) {
			w.a.rules, w.bindings[0].external = []string{ruleAlternateEmail}, ""
		}, []want{{CodePersonNoEmail, Warning, false, "anna@example.com", "no alternate email in JumpCloud"}}},
		{"user principal name on another domain", func(w *place) { w.ad[0].upn = "anna@contoso.onmicrosoft.com" },
			[]want{{CodePersonOtherDomain, Warning, false, "anna@contoso.onmicrosoft.com (Anna Berg)", "is anna@contoso.onmicrosoft.com, which is not on example.com; Azure AD refuses sign-ins from one domain for people of another (AADSTS5000820)"}}},
		{"another domain, and the policy does not mind", func(w *place) {
			w.ad[0].upn = "anna@contoso.onmicrosoft.com"
			w.a.policy = &aad.TokenValidationPolicy{RootDomains: aad.NoDomains}
		}, []want{{CodePersonOtherDomain, Info, false, "anna@contoso.onmicrosoft.com", "policy lets its domain through"}}},
		{"bound to an account elsewhere", func(w *place) { w.ad = nil },
			[]want{{CodePersonOtherDomain, Warning, false, "anna@example.com", "bound to the Azure AD account " + adID(1)}}},
		{"two bound to one account", func(w *place) {
			w.jc = append(w.jc, jcUser{id: jcID(2), email: "anna2@example.com"})
			w.bindings = append(w.bindings, binding{jcID(2), adID(1), ""})
		}, []want{{CodePersonBindingError, Warning, false, "anna2@example.com", "the account in Azure AD that is anna@example.com's"}}},
		{"two bound to one account, of whom nobody has the ID", func(w *place) {
			w.jc = append(w.jc, jcUser{id: jcID(2), email: "anna2@example.com"})
			w.bindings = append(w.bindings, binding{jcID(2), adID(1), ""})
			w.ad[0].immutableID = "anna-id"
		}, []want{
			{CodePersonImmutableIDDiffers, Warning, false, "anna@example.com", ""},
			{CodePersonBindingError, Warning, false, "anna2@example.com", "to which anna@example.com is bound as well"},
		}},
		{"suspended", func(w *place) { w.jc[0].suspended = true },
			[]want{{CodePersonSuspended, Refusal, true, "anna@example.com", "suspended in JumpCloud as anna@example.com"}}},
		{"not activated", func(w *place) { w.jc[0].notActivated = true },
			[]want{{CodePersonNotActivated, Refusal, true, "anna@example.com", "not been activated"}}},
		{"suspended and disabled", func(w *place) { w.jc[0].suspended, w.ad[0].disabled = true, true },
			[]want{{CodePersonDisabled, Info, false, "anna@example.com", "disabled"}}},
		{"guest", func(w *place) {
			w.ad = append(w.ad, adUser{id: adID(2), upn: "max_gmail.com#EXT#@contoso.onmicrosoft.com", mail: "max@example.com", guest: true})
		}, []want{{CodePersonGuest, Info, false, "max_gmail.com#ext#@contoso.onmicrosoft.com", "a guest"}}},
		{"a guest's mail is no match", func(w *place) {
			w.ad[0].upn, w.ad[0].guest, w.bindings = "anna_example.com#EXT#@contoso.onmicrosoft.com", true, nil
		}, []want{
			{CodePersonNotInAzureAD, Warning, false, "anna@example.com", ""},
			{CodePersonGuest, Info, false, "anna_example.com#ext#@contoso.onmicrosoft.com", ""},
		}},
		{"synchronised from the premises", func(w *place) { w.ad[0].synced = true },
			[]want{{CodePersonDirectorySynced, Warning, false, "anna@example.com", "premises"}}},
		{"service account", func(w *place) {
			w.ad = append(w.ad, adUser{id: adID(2), upn: "svc-backup@example.com", name: "Backup", mail: "svc-backup@example.com", immutableID: "2"})
		}, []want{
			{CodePersonNotInJumpCloud, Refusal, true, "svc-backup@example.com (Backup)", ""},
			{CodePersonServiceAccount, Warning, false, "svc-backup@example.com", `its name has the word "svc" in it`},
		}},
		{"service account, overridden", func(w *place) {
			w.a.likelyService = func(upn, name string) string {
				if upn != "anna@example.com" || name != "Anna Berg" {
					t.Errorf("likelyService(%q, %q)", upn, name)
				}
				return "on my list"
			}
		}, []want{{CodePersonServiceAccount, Warning, false, "anna@example.com", "on my list"}}},
		{"Global Administrator", func(w *place) { w.ad[0].admin, w.ad[0].immutableID = true, "" }, []want{
			{CodePersonNoImmutableID, Refusal, true, "anna@example.com", ""},
			{CodePersonGlobalAdmin, Warning, false, "anna@example.com", "depend on JumpCloud"},
		}},
		{"privileged with an immutable ID", func(w *place) { w.ad[0].admin = true }, []want{
			{CodePersonGlobalAdmin, Warning, false, "anna@example.com", ""},
			{CodePersonPrivilegedID, Warning, false, "anna@example.com", "with an immutable ID"},
		}},
		{"duplicate email", func(w *place) {
			w.jc = append(w.jc, jcUser{id: jcID(2), email: "ANNA@example.com"})
		}, []want{
			{CodePersonDuplicateEmail, Warning, false, "anna@example.com (Anna Berg)", "another JumpCloud user than " + jcID(1) + " has the email address anna@example.com"},
			{CodePersonNotInAzureAD, Warning, false, "anna@example.com", ""},
			{CodePersonDuplicateEmail, Warning, false, "anna@example.com: another", ""},
		}},
		{"no email in JumpCloud", func(w *place) { w.jc[0].email = " " },
			[]want{{CodePersonNoEmail, Warning, false, "anna@example.com", "the JumpCloud user anna has no email address"}}},
		{"no email in JumpCloud, not bound", func(w *place) { w.jc[0].email, w.bindings, w.ad[0].immutableID = "", nil, "anna-id" }, []want{
			{CodePersonNotInJumpCloud, Refusal, true, "anna@example.com", ""},
			{CodePersonNoEmail, Warning, false, "anna", "the JumpCloud user anna has no email address"},
		}},
		{"no mail in Azure AD", func(w *place) { w.jc, w.ad[0].mail = nil, "" }, []want{
			{CodePersonNotInJumpCloud, Refusal, true, "anna@example.com", ""},
			{CodePersonNoEmail, Info, false, "anna@example.com", "no mail address"},
		}},
		{"domain in another alphabet", func(w *place) {
			w.a.domain = "xn--bcher-kva.example"
			w.jc[0].email, w.ad[0].upn, w.ad[0].mail = "anna@Bücher.example", "anna@xn--bcher-kva.example", ""
			w.ad[0].proxies, w.bindings = nil, []binding{{jcID(1), "", ""}}
		}, nil},
		{"local parts fold in ASCII only", func(w *place) {
			w.jc[0].email, w.ad[0].upn, w.ad[0].mail, w.ad[0].proxies = "änne@example.com", "Änne@example.com", "", nil
			w.bindings, w.ad[0].immutableID = nil, "anna-id"
		}, []want{
			{CodePersonNotInJumpCloud, Refusal, true, "Änne@example.com", ""},
			{CodePersonNotInAzureAD, Warning, false, "änne@example.com", ""},
			{CodePersonNoEmail, Info, false, "Änne@example.com", ""},
		}},
		{"password expired", func(w *place) { w.jc[0].expired = true },
			[]want{{CodePersonPasswordExpired, Warning, false, "anna@example.com", "has expired"}}},
		{"locked after wrong passwords", func(w *place) { w.jc[0].locked = true },
			[]want{{CodePersonAccountLocked, Warning, false, "anna@example.com", "locked in JumpCloud"}}},
		{"expired and locked, disabled", func(w *place) { w.jc[0].expired, w.jc[0].locked, w.ad[0].disabled = true, true, true },
			[]want{{CodePersonDisabled, Info, false, "anna@example.com", ""}}},
		{"an account of this tenant that is a guest", func(w *place) { w.ad[0].guest = true }, nil},
		{"an internal guest who is not in JumpCloud", func(w *place) { w.jc, w.ad[0].guest = nil, true },
			[]want{{CodePersonNotInJumpCloud, Refusal, true, "anna@example.com", ""}}},
		{"an internal guest without an ID", func(w *place) { w.ad[0].guest, w.ad[0].immutableID = true, "" },
			[]want{{CodePersonNoImmutableID, Refusal, true, "anna@example.com", ""}}},
		{"a member of another tenant", func(w *place) {
			w.ad = append(w.ad, adUser{id: adID(2), upn: "max_mail.example#EXT#@example.com", mail: "max@mail.example"})
		}, []want{{CodePersonGuest, Info, false, "max_mail.example#ext#@example.com", "a member from another tenant"}}},
		{"a member of another tenant is no match", func(w *place) {
			w.ad[0].upn, w.bindings = "anna_mail.example#EXT#@example.com", nil
		}, []want{{CodePersonNotInAzureAD, Warning, false, "anna@example.com", ""}, {CodePersonGuest, Info, false, "anna_mail", ""}}},
		{"on a subdomain that follows", func(w *place) {
			w.a.subdomains = []string{"eu.example.com"}
			w.jc[0].email, w.ad[0].upn, w.ad[0].mail = "anna@eu.example.com", "anna@eu.example.com", "anna@eu.example.com"
		}, nil},
		{"on a subdomain that follows, not in JumpCloud", func(w *place) {
			w.a.subdomains = []string{"de.example.com", "eu.example.com"}
			w.ad = append(w.ad, adUser{id: adID(2), upn: "eva@EU.example.com", mail: "eva@eu.example.com", immutableID: "e"})
		}, []want{{CodePersonNotInJumpCloud, Refusal, true, "eva@eu.example.com", ""}}},
		{"on a subdomain of its own", func(w *place) {
			w.ad = append(w.ad, adUser{id: adID(2), upn: "eva@labs.example.com", mail: "eva@example.com", immutableID: "e"})
		}, nil},
		{"bound to an account that is gone, another has the name", func(w *place) {
			w.bindings[0].external, w.ad[0].immutableID = adID(8), "new"
		}, []want{
			{CodePersonBoundElsewhere, Warning, false, "anna@example.com (Anna Berg)", "bound the person to the account " + adID(8) + ", which is not on example.com, and not to this one"},
			{CodePersonImmutableIDDiffers, Warning, false, "anna@example.com", ""},
		}},
		{"bound to another's account, and the other to nobody's", func(w *place) {
			w.ad[0].immutableID = "a"
			w.ad = append(w.ad, adUser{id: adID(2), upn: "ben@example.com", mail: "ben@example.com", immutableID: "b"})
			w.jc = append(w.jc, jcUser{id: jcID(2), email: "ben@example.com"})
			w.members = append(w.members, member{jcID(2), false, true})
			w.bindings[0].external = adID(2)
		}, []want{
			{CodePersonBoundElsewhere, Warning, false, "anna@example.com", "to the account ben@example.com, and not to this one"},
			{CodePersonImmutableIDDiffers, Warning, false, "anna@example.com", ""},
			{CodePersonNotBound, Warning, false, "ben@example.com", "yet"},
			{CodePersonImmutableIDDiffers, Warning, false, "ben@example.com", ""},
		}},
		{"bound to an account with another name, and somebody new has the address", func(w *place) {
			w.ad[0].immutableID = "a"
			w.ad = append(w.ad, adUser{id: adID(2), upn: "anna.berg@example.com", mail: "anna.berg@example.com", immutableID: "b"})
			w.bindings[0].external = adID(2)
		}, []want{
			{CodePersonNotInJumpCloud, Refusal, true, "anna@example.com", ""},
			{CodePersonImmutableIDDiffers, Warning, false, "anna.berg@example.com", ""},
			{CodePersonEmailDiffers, Warning, false, "anna.berg@example.com", "the binding says"},
		}},
		{"two bound crosswise", func(w *place) {
			w.ad[0].immutableID = "a"
			w.ad = append(w.ad, adUser{id: adID(2), upn: "ben@example.com", mail: "ben@example.com", immutableID: "b"})
			w.jc = append(w.jc, jcUser{id: jcID(2), email: "ben@example.com"})
			w.members = append(w.members, member{jcID(2), false, true})
			w.bindings = []binding{{jcID(1), adID(2), ""}, {jcID(2), adID(1), ""}}
		}, []want{
			{CodePersonBoundElsewhere, Warning, false, "anna@example.com", "ben@example.com"},
			{CodePersonImmutableIDDiffers, Warning, false, "anna@example.com", ""},
			{CodePersonBoundElsewhere, Warning, false, "ben@example.com", "anna@example.com"},
			{CodePersonImmutableIDDiffers, Warning, false, "ben@example.com", ""},
		}},
		{"bound crosswise, and the IDs are right", func(w *place) {
			w.ad = append(w.ad, adUser{id: adID(2), upn: "ben@example.com", mail: "ben@example.com", immutableID: jcID(2)})
			w.jc = append(w.jc, jcUser{id: jcID(2), email: "ben@example.com"})
			w.members = append(w.members, member{jcID(2), false, true})
			w.bindings = []binding{{jcID(1), adID(2), ""}, {jcID(2), adID(1), ""}}
		}, []want{
			{CodePersonBoundElsewhere, Warning, false, "anna@example.com", "ben@example.com"},
			{CodePersonBoundElsewhere, Warning, false, "ben@example.com", "anna@example.com"},
		}},
		{"the ID of another JumpCloud organisation", func(w *place) { w.ad[0].immutableID = jcID(99) },
			[]want{{CodePersonImmutableIDDiffers, Warning, false, "anna@example.com", "the ID of another JumpCloud user"}}},
		{"the ID in capitals, which is another", func(w *place) { w.ad[0].immutableID = strings.ToUpper(jcID(1)) },
			[]want{{CodePersonImmutableIDDiffers, Warning, false, "anna@example.com", "some other form"}}},
		{"never synchronised, with an ID of another origin", func(w *place) {
			w.bindings[0].external, w.ad[0].immutableID = "", FromObjectID.of(adID(1), "")
		}, []want{{CodePersonImmutableIDDiffers, Warning, false, "anna@example.com", "base64 of the account's object ID; the directory has never synchronised the person"}}},
		{"never synchronised, with JumpCloud's ID", func(w *place) { w.bindings[0].external = "" }, nil},
		{"out already, not in JumpCloud", func(w *place) { w.a.before, w.jc = asAfter, nil },
			[]want{{CodePersonNotInJumpCloud, Warning, false, "anna@example.com", ""}}},
		{"out already by the other provider, without an ID", func(w *place) { w.a.before, w.ad[0].immutableID = withID, "" },
			[]want{{CodePersonNoImmutableID, Warning, false, "anna@example.com", ""}}},
		{"in by the other provider, suspended here", func(w *place) { w.a.before, w.jc[0].suspended = withID, true },
			[]want{{CodePersonSuspended, Refusal, true, "anna@example.com", ""}}},
		{"listed twice", func(w *place) {
			w.jc = append(w.jc, w.jc[0])
			w.ad = append(w.ad, w.ad[0])
			w.members = append(w.members, w.members[0])
		}, nil},
	} {
		for _, w := range tt.want {
			expected[w.code] = true
		}
		t.Run(tt.name, func(t *testing.T) {
			w := anna()
			tt.edit(&w)
			p := w.judge()
			got := p.Findings()
			for i, f := range got {
				if i >= len(tt.want) {
					t.Errorf("and also %s %s: %s", f.Severity, f.Code, f)
					continue
				}
				want := tt.want[i]
				if f.Code != want.code || f.Severity != want.severity || f.LockedOut != want.locked ||
					!strings.HasPrefix(f.String(), want.who) || !strings.Contains(f.Evidence, want.evidence) {
					t.Errorf("finding %d = %s %s locked=%v: %s\nwant %+v", i, f.Severity, f.Code, f.LockedOut, f, want)
				}
				if f.Repair == "" || f.Repair != f.Code.Repair() || !strings.HasSuffix(f.Repair, ".") {
					t.Errorf("repair of %s = %q", f.Code, f.Repair)
				}
				if f.LockedOut != (f.Severity == Refusal) {
					t.Errorf("%s is %s and LockedOut = %v", f.Code, f.Severity, f.LockedOut)
				}
				if f.AlreadyOut != strings.HasPrefix(tt.name, "out already") {
					t.Errorf("%s has AlreadyOut = %v", f.Code, f.AlreadyOut)
				}
			}
			if len(got) < len(tt.want) {
				t.Errorf("missing: %+v", tt.want[len(got):])
			}
		})
	}
	for k := kind(1); int(k) < len(personCodes); k++ {
		if !expected[k.code()] {
			t.Errorf("no case expects %s", k.code())
		}
	}
}

// TestPersonCodes makes sure that no finding is without a repair.
func TestPersonCodes(t *testing.T) {
	for k := kind(1); int(k) < len(personCodes); k++ {
		if c := personCodes[k]; !strings.HasPrefix(string(c.code), "person-") || c.repair == "" {
			t.Errorf("code %d = %+v", k, c)
		}
	}
	if int(kDisabled) != len(personCodes)-1 || kDisabled.code() != CodePersonDisabled || kGuest.code() != CodePersonGuest || kNoEmail.code() != CodePersonNoEmail {
		t.Error("kinds and personCodes are not in step")
	}
}

// company is a place where everything happens at once.
func company() place {
	w := anna()
	w.a.admins = map[string]bool{adID(9): true}
	add := func(n int, j jcUser, u adUser) {
		if j != (jcUser{}) {
			j.id = jcID(n)
			w.jc = append(w.jc, j)
		}
		if u.upn != "" {
			u.id = adID(n)
			w.ad = append(w.ad, u)
		}
	}
	full := func(n int, local, name string) {
		a := local + "@example.com"
		add(n, jcUser{username: local, email: a}, adUser{upn: a, name: name, mail: a, immutableID: local})
		w.bindings = append(w.bindings, binding{jcID(n), adID(n), ""})
		w.members = append(w.members, member{jcID(n), false, true})
	}
	full(2, "bruno", "Bruno Caro")
	full(3, "carla", "Carla Diaz")
	add(4, jcUser{}, adUser{upn: "dora@example.com", name: "Dora | Eis", mail: "dora@example.com", immutableID: "4"})
	add(5, jcUser{email: "emil@example.com", username: "emil"}, adUser{})
	add(6, jcUser{email: "fritz@example.com", username: "fritz"}, adUser{upn: "f.gold@example.com", name: "=cmd|' /C calc'!A0", mail: "f.gold@example.com", immutableID: "6", proxies: []string{"SMTP:f.gold@example.com", "smtp:fritz@example.com"}})
	w.members = append(w.members, member{jcID(6), true, true})
	w.bindings = append(w.bindings, binding{jcID(6), "", "@SUM(1) \x1b[31mrefused"})
	add(7, jcUser{email: "gina@example.com", username: "gina", suspended: true}, adUser{upn: "gina@example.com", name: "Gina Hof", mail: "gina@example.com", immutableID: "carla"})
	add(8, jcUser{username: "nomail"}, adUser{upn: "room.3@example.com", name: "Room 3", mail: "room.3@example.com", immutableID: "8"})
	add(9, jcUser{email: "ida@example.com", username: "ida"}, adUser{upn: "ida@example.com", name: "Ida Jung", mail: "ida@example.com", immutableID: "9", admin: true, synced: true})
	w.members = append(w.members, member{jcID(9), false, true})
	add(10, jcUser{email: "jan@example.com", username: "jan"}, adUser{upn: "jan@contoso.onmicrosoft.com", name: "Jan Klee", mail: "jan@example.com", immutableID: "10"})
	w.members = append(w.members, member{jcID(10), false, true})
	add(11, jcUser{email: "Ida@example.com", username: "ida2"}, adUser{})
	add(12, jcUser{email: "x@partner.example", username: "x"}, adUser{upn: "kai@example.com", name: "Kai", disabled: true})
	add(13, jcUser{email: "lea@example.com", username: "lea", notActivated: true}, adUser{upn: "lea@example.com", name: "Léa\u202eMai", mail: "lea@example.com"})
	w.members = append(w.members, member{jcID(13), false, true})
	w.bindings = append(w.bindings, binding{jcID(13), adID(13), ""})
	return w
}

// TestPeopleOrder is the law that the same input gives the same bytes, in
// whatever order the pages come.
func TestPeopleOrder(t *testing.T) {
	w := company()
	// Ties that only IDs can decide, and IDs that are none of the usual ones.
	for n := 100; n < 140; n++ {
		w.jc = append(w.jc, jcUser{id: jcID(n), email: fmt.Sprintf("twin%d@example.com", n%7)})
		w.ad = append(w.ad, adUser{id: adID(n), upn: fmt.Sprintf("t%d@example.com", n), name: "Twin", immutableID: fmt.Sprint(n % 11), proxies: []string{fmt.Sprintf("smtp:twin%d@example.com", n%5)}})
		w.jc = append(w.jc, jcUser{id: fmt.Sprintf("odd-%d", n), email: fmt.Sprintf("twin%d@example.com", n%3)})
		w.ad = append(w.ad, adUser{id: fmt.Sprintf("odd-%d", n), upn: fmt.Sprintf("t%d@example.com", n-90), mail: fmt.Sprintf("twin%d@example.com", n%3)})
		w.bindings = append(w.bindings, binding{jcID(n), adID(100 + n%3), ""})
	}
	render := func(p *People) string {
		var b bytes.Buffer
		p.WriteTable(&b)
		p.WriteCSV(&b)
		p.WriteMarkdown(&b)
		js, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(js)
		return b.String()
	}
	want := render(judge(w.fill(nil), w.a))
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		if got := render(judge(w.fill(r.Shuffle), w.a)); got != want {
			t.Fatalf("seed %d: %s", seed, cmp.Diff(want, got))
		}
	}
}

// TestPeopleJoinOnce makes sure that nobody is matched twice, on either side.
func TestPeopleJoinOnce(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 2))
		w := place{a: audience{domain: "example.com", directoryID: "d"}}
		if seed%3 == 0 {
			w.a.rules = []string{ruleAlternateEmail}
		}
		address := func() string {
			return fmt.Sprintf("%c%c@%s", 'a'+r.IntN(4), "xX"[r.IntN(2)], []string{"example.com", "Example.Com", "other.example"}[r.IntN(3)])
		}
		for n := range 12 {
			w.jc = append(w.jc, jcUser{id: jcID(n), email: address(), alternate: address()})
			w.ad = append(w.ad, adUser{id: adID(n), upn: address(), mail: address(), proxies: []string{"smtp:" + address()}, others: []string{address()}})
			if r.IntN(3) == 0 {
				w.bindings = append(w.bindings, binding{jcID(n), adID(r.IntN(15)), ""})
			}
		}
		c := w.fill(r.Shuffle)
		partner := c.join(nil)
		seen := make(map[uint32]bool)
		for u, j := range partner {
			if j == 0 {
				continue
			}
			if seen[j] {
				t.Fatalf("seed %d: JumpCloud user %d is matched twice", seed, j)
			}
			seen[j] = true
			if p := c.jc.at(j - 1); p.ad != uint32(u)+1 || match(p.flags>>jcHow) == matchNone {
				t.Fatalf("seed %d: account %d has user %d, who has account %d", seed, u, j, p.ad)
			}
		}
		// Whoever is left has no address in common with anybody who is left.
		for j := range c.jc.n {
			if !c.free(j) {
				continue
			}
			for u := range c.ad.n {
				if c.open(partner, u) && c.key(j) != 0 && c.key(j) == c.ad.at(u).upn {
					t.Fatalf("seed %d: user %d and account %d have the same address and were not matched", seed, j, u)
				}
			}
		}
	}
}

func TestPeopleGolden(t *testing.T) {
	pf := &Preflight{
		Version: preflightVersion, Domain: "example.com", Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Gates:  []Finding{{Code: CodeBreakGlass, Severity: Refusal, Subject: "example.com", Message: "no Global Administrator could sign in", Repair: "make two", Consent: "noBreakGlass"}},
		People: company().judge(),
	}
	for name, write := range map[string]func(b *bytes.Buffer) error{
		"company.txt":  func(b *bytes.Buffer) error { return pf.WriteTable(b) },
		"company.csv":  func(b *bytes.Buffer) error { return pf.WriteCSV(b) },
		"company.md":   func(b *bytes.Buffer) error { return pf.WriteMarkdown(b) },
		"company.json": func(b *bytes.Buffer) error { return pf.WriteJSON(b) },
		"fixed.diff": func(b *bytes.Buffer) error {
			w := company()
			w.jc[len(w.jc)-1].notActivated = false                            // Lea has chosen a password
			w.ad = append(w.ad[:3], w.ad[4:]...)                              // Dora has left
			w.members = append(w.members, member{jcID(7), false, true})       // Gina is in the group
			w.jc = append(w.jc, jcUser{id: jcID(20), email: "z@example.com"}) // and somebody is new
			after := &Preflight{Domain: "example.com", Time: pf.Time.Add(time.Hour), People: w.judge()}
			b.WriteString(Diff(pf, after).String())
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := write(&b); err != nil {
				t.Fatal(err)
			}
			Golden(t, "people/"+name, b.String())
		})
	}
}

func TestPreflightReadBack(t *testing.T) {
	pf := &Preflight{Version: preflightVersion, Domain: "example.com", Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Gates: []Finding{}, People: company().judge()}
	streamed, err := new(bytes.Buffer), error(nil)
	if err = pf.WriteJSON(streamed); err != nil {
		t.Fatal(err)
	}
	marshalled, err := json.Marshal(pf)
	if err != nil {
		t.Fatal(err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, streamed.Bytes()); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(marshalled), compact.String()); d != "" {
		t.Errorf("WriteJSON and json.Marshal differ:\n%s", d)
	}
	back, err := ParsePreflight(streamed.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if back.String() != pf.String() {
		t.Errorf("read back: %s", cmp.Diff(pf.String(), back.String()))
	}
	if d := cmp.Diff(pf.LockedOut(), back.LockedOut()); d != "" {
		t.Errorf("LockedOut:\n%s", d)
	}
	if d := Diff(pf, back); len(d.Fixed)+len(d.New) != 0 || d.Same != pf.People.Len() {
		t.Errorf("Diff with itself = %s", d)
	}
	for _, bad := range []string{``, `[]`, `{}`, `{"version":99,"domain":"example.com"}`, `{"version":1}`} {
		if _, err := ParsePreflight([]byte(bad)); err == nil {
			t.Errorf("ParsePreflight(%q) succeeded", bad)
		}
	}
	var none *People
	if none.Len() != 0 || none.LockedOut() != nil || none.Findings() == nil {
		t.Error("nil people have findings")
	}
}

func TestLockedOutConsent(t *testing.T) {
	p := company().judge()
	everyone := p.LockedOut()
	if len(everyone) != p.Counts.LockedOut || len(everyone) < 4 {
		t.Fatalf("LockedOut = %d people, Counts say %d", len(everyone), p.Counts.LockedOut)
	}
	for _, tt := range []struct {
		consent      LockOut
		open, agreed int
	}{
		{LockOut{}, len(everyone), 0},
		{LockOut{AtMost: len(everyone)}, 0, len(everyone)},
		{LockOut{AtMost: len(everyone) - 1}, len(everyone), 0},
		{LockOut{People: []string{"DORA@EXAMPLE.com"}}, len(everyone) - 1, 1},
		{LockOut{People: []string{"dora@example.com"}, AtMost: len(everyone) - 1}, 0, len(everyone)},
		{LockOut{People: []string{"nobody@example.com", "*"}}, len(everyone), 0},
	} {
		open, agreed := p.lockedOut(tt.consent)
		if len(open) != tt.open || len(agreed) != tt.agreed {
			t.Errorf("lockedOut(%+v) = %d, %d; want %d, %d", tt.consent, len(open), len(agreed), tt.open, tt.agreed)
		}
	}
}

// TestCSVIsNoFormula reads the CSV back and looks for cells that a spreadsheet
// would execute.
func TestCSVIsNoFormula(t *testing.T) {
	w := anna()
	for i, name := range []string{"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "|calc", "%x", "＝1", "a\n=1", "\u00a0=1", "\ufeff=1"} {
		w.ad = append(w.ad, adUser{id: adID(10 + i), upn: fmt.Sprintf("=u%d@example.com", i), name: name})
	}
	var b bytes.Buffer
	if err := w.judge().WriteCSV(&b); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) < 10 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, row := range rows {
		for _, cell := range row {
			if s := strings.TrimLeft(cell, " \u00a0\ufeff\t\r\n"); s != "" && strings.ContainsAny(s[:1], "=+-@|%") || strings.HasPrefix(s, "＝") {
				t.Errorf("cell %q", cell)
			}
			if strings.ContainsAny(cell, "\n\r\t\x1b") {
				t.Errorf("cell %q has control characters", cell)
			}
		}
	}
}

func TestLikelyService(t *testing.T) {
	for _, tt := range []struct {
		upn, name string
		want      bool
	}{
		{"anna@example.com", "Anna Berg", false},
		{"SVC_backup@example.com", "", true},
		{"svc1@example.com", "", true},
		{"info@example.com", "", true},
		{"info.smith@example.com", "Info Smith", false},
		{"no-reply@example.com", "", true},
		{"meeting.room.2@example.com", "", true},
		{"x17@example.com", "Printer 2nd floor", true},
		{"x17@example.com", "PRINTER", true},
		{"broom@example.com", "Bill Broom", false},
		{"mark.services@example.com", "", true},
		{"sales@example.com", "Sales", true},
		{"j.sales@example.com", "Jane Sales", false},
		{"", "", false},
	} {
		if got := LikelyService(tt.upn, tt.name); (got != "") != tt.want {
			t.Errorf("LikelyService(%q, %q) = %q", tt.upn, tt.name, got)
		}
	}
}

func TestTextsKeepWhatTheyAreGiven(t *testing.T) {
	x := newTexts()
	r := rand.New(rand.NewPCG(1, 1))
	refs := make(map[string]ref)
	for n := range 60000 {
		local := strings.Repeat("x", r.IntN(300)*(n%17/16)) + fmt.Sprint(r.IntN(20000))
		s := fmt.Sprintf("%s@d%d.example", local, r.IntN(400)) // more domains than have numbers
		got := x.address(strings.ToUpper(s))
		if old, ok := refs[s]; ok && old != got {
			t.Fatalf("%q has two refs", s)
		}
		refs[s] = got
	}
	byRef := make(map[ref]string)
	for s, got := range refs {
		if other, ok := byRef[got]; ok {
			t.Fatalf("%q and %q have one ref", s, other)
		}
		byRef[got] = s
		if x.str(got) != s || x.known(s) != got || x.domain(got) != s[strings.IndexByte(s, '@')+1:] {
			t.Fatalf("%q came back as %q, domain %q", s, x.str(got), x.domain(got))
		}
	}
	if x.known("nobody@d1.example") != 0 || x.address("") != 0 || x.address("  ") != 0 || x.name("") != 0 {
		t.Error("refs for nothing")
	}
	if got := x.str(x.address("a@b@Example.COM.")); got != "a@b@example.com" {
		t.Errorf("got %q", got)
	}
	if got := x.str(x.name("a\x1b[31m\nb\u202e")); got != "a [31m b " {
		t.Errorf("got %q", got)
	}
}

func TestIsDirect(t *testing.T) {
	group := func(id string) jumpcloud.Object { return jumpcloud.Object{Type: jumpcloud.GroupObject, ID: id} }
	user := jumpcloud.Object{Type: jumpcloud.UserObject, ID: "u"}
	for _, tt := range []struct {
		name  string
		paths [][]jumpcloud.Object
		want  bool
	}{
		{"no way told", nil, true},
		{"direct", [][]jumpcloud.Object{{user}}, true},
		{"the group itself on the way", [][]jumpcloud.Object{{group("g"), user}}, true},
		{"through another", [][]jumpcloud.Object{{group("h"), user}}, false},
		{"both ways", [][]jumpcloud.Object{{group("h"), user}, {user}}, true},
	} {
		if got := isDirect(&jumpcloud.Reach{Object: user, Paths: tt.paths}, "g"); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

func TestBindingFault(t *testing.T) {
	for _, tt := range []struct {
		sync *jumpcloud.SyncStatus
		want string
	}{
		{nil, ""},
		{&jumpcloud.SyncStatus{}, ""},
		{&jumpcloud.SyncStatus{Code: "0", Message: "fine"}, ""},
		{&jumpcloud.SyncStatus{Code: "OK"}, ""},
		{&jumpcloud.SyncStatus{Code: "200", Message: "OK"}, ""},
		{&jumpcloud.SyncStatus{Code: "409", Message: "taken"}, "taken"},
		{&jumpcloud.SyncStatus{Code: "13"}, "code 13"},
	} {
		if got := bindingFault(tt.sync); got != tt.want {
			t.Errorf("%+v: %q", tt.sync, got)
		}
	}
}

// TestNames is the law that a name comes back, whether the login spells it or not.
func TestNames(t *testing.T) {
	x := newTexts()
	for _, tt := range []struct {
		login, name string
		stored      bool
	}{
		{"anna.berg", "Anna Berg", false},
		{"anna_berg-lang12", "Anna Berg Lang", false},
		{"anna", "Anna", false},
		{"anna.b", "Anna Berg", true},
		{"anna.berg", "anna berg", true},
		{"anna.berg", "Anna berg", true},
		{"anna.berg", "Anna  Berg", true},
		{"anna..berg", "Anna  Berg", true},
		{"anna.berg", "Anna ", true},
		{"anna.berg", "Anna.Berg", true},
		{"a1.b2", "A1 B2", false},
		{"1a", "1a", true},
		{"änne.berg", "Änne Berg", true},
		{"zoë.berg", "Zoë Berg", true},
		{"anna.berg", "", true},
		{strings.Repeat("a", 300), "A" + strings.Repeat("a", 299), true},
	} {
		a := x.address(tt.login + "@example.com")
		n := x.nameLike(a, tt.name)
		if got := x.nameOr(a, n); got != tt.name || (n < nameOf) != tt.stored {
			t.Errorf("%s: %q came back as %q, stored %v", tt.login, tt.name, got, n < nameOf)
		}
	}
	r := rand.New(rand.NewPCG(3, 3))
	for range 20000 {
		random := func(from string) string {
			b := make([]byte, r.IntN(6))
			for i := range b {
				b[i] = from[r.IntN(len(from))]
			}
			return string(b)
		}
		login, name := random("ab._-")+"x", random("aAbB ._")
		a := x.address(login)
		if got := x.nameOr(a, x.nameLike(a, name)); got != name {
			t.Fatalf("%q: %q came back as %q", login, name, got)
		}
	}
}

func TestIDs(t *testing.T) {
	c := newCrowd([]string{"example.com"}, false)
	for _, id := range []string{jcID(1), "short", "ffffffffffffffffffffffff", "6026BEC6B820725500000001", "not-hexadecimal-24-chars"} {
		i := c.jumpCloud(id)
		if got := c.jcID(i); got != strings.ToLower(id) || c.jumpCloud(id) != i {
			t.Errorf("ID %q came back as %q", id, got)
		}
	}
	for _, id := range []string{adID(1), "short", strings.ToUpper(adID(2)), "6601d14b-d113-4f64-8da2-00000000000g", "6601d14b-d113-4f64-8da2x000000000001"} {
		i := c.azureAD(id)
		if got := c.adID(i); got != strings.ToLower(id) || c.azureAD(id) != i {
			t.Errorf("ID %q came back as %q", id, got)
		}
	}
}

func TestSimilar(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"Everyone", "everyone", true},
		{"Everyone", " Every one ", true},
		{"Everyone", "Every\u00a0one", true},
		{"Everyone", "Evreyone", true},
		{"Everyone", "Everyon", true},
		{"Everyone", "Everybody", false},
		{"Microsoft 365", "Microsoft-365", true},
		{"Microsoft 365", "Microsoft 356", true},
		{"Sales", "Slaes", true},
		{"Sales", "Sails", false},
		{"IT", "HR", false},
		{"IT", "It ", true},
		{"Büro", "büro", true},
		{"***", "---", false},
		{"", "", false},
	} {
		if got := similar(tt.a, tt.b); got != tt.want || similar(tt.b, tt.a) != got {
			t.Errorf("similar(%q, %q) = %t; want %t, both ways", tt.a, tt.b, got, tt.want)
		}
	}
}
