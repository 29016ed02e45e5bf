package people_test

import (
	"cmp"
	"strings"
	"testing"

	"github.com/jcaad/jcaad/federation/internal/people"
	"github.com/jcaad/jcaad/federation/internal/people/peopletest"
)

// TestFindings says of each kind of trouble what is found, about whom, and that
// nothing else is.
func TestFindings(t *testing.T) {
	type want struct {
		kind     people.Kind
		severity people.Severity
		locked   bool
		who      string // part of
		evidence string // part of
	}
	expected := make(map[people.Kind]bool)
	for _, tt := range []struct {
		name string
		edit func(w *peopletest.Place)
		want []want // all of them, in order
	}{
		{"in order", func(w *peopletest.Place) {}, nil},
		{"missing in JumpCloud", func(w *peopletest.Place) { w.JumpCloud = nil },
			[]want{{people.NotInJumpCloud, people.Refusal, true, "anna@example.com (Anna Berg)", "no JumpCloud user has this address"}}},
		{"missing in JumpCloud, disabled", func(w *peopletest.Place) { w.JumpCloud, w.AzureAD[0].Disabled = nil, true },
			[]want{{people.Disabled, people.Info, false, "anna@example.com", "disabled"}}},
		{"missing in Azure AD", func(w *peopletest.Place) { w.AzureAD, w.Bindings = nil, nil },
			[]want{{people.NotInAzureAD, people.Warning, false, "anna@example.com", "has no such account"}}},
		{"in JumpCloud for something else", func(w *peopletest.Place) {
			w.JumpCloud = append(w.JumpCloud, people.JumpCloudUser{ID: peopletest.JumpCloudID(2), Email: "bob@elsewhere.example"})
		}, nil},
		{"left, in JumpCloud only", func(w *peopletest.Place) { w.AzureAD, w.Bindings, w.JumpCloud[0].Suspended = nil, nil, true }, nil},
		{"not in a group", func(w *peopletest.Place) { w.Members = nil },
			[]want{{people.NotInGroup, people.Refusal, true, "anna@example.com", "in none of the JumpCloud groups"}}},
		{"to be added to the group", func(w *peopletest.Place) { w.Members, w.Planned = nil, map[string]bool{"Anna@EXAMPLE.com": false} }, nil},
		{"nested group", func(w *peopletest.Place) { w.Members[0].Nested = true },
			[]want{{people.NestedGroup, people.Warning, false, "anna@example.com", "by way of another group"}}},
		{"nested and direct", func(w *peopletest.Place) {
			w.Members = append(w.Members, peopletest.Member{User: peopletest.JumpCloudID(1), Nested: true, Exported: true})
		}, nil},
		{"not bound, the plan binds the group", func(w *peopletest.Place) { w.Bindings = nil },
			[]want{{people.NotBound, people.Warning, false, "anna@example.com", "not bound to JumpCloud's Microsoft 365 directory yet"}}},
		{"not bound, the plan adds the person", func(w *peopletest.Place) {
			w.Bindings, w.Members, w.Planned = nil, nil, map[string]bool{"anna@example.com": true}
		},
			[]want{{people.NotBound, people.Warning, false, "anna@example.com", "yet"}}},
		{"not bound, in a group that is not exported", func(w *peopletest.Place) { w.Bindings, w.Members[0].Exported = nil, false },
			[]want{{people.NotBound, people.Refusal, true, "anna@example.com", "knows no immutable ID"}}},
		{"no directory", func(w *peopletest.Place) { w.Bindings, w.Directory = nil, false }, nil},
		{"binding in error", func(w *peopletest.Place) {
			w.Bindings[0].External, w.Bindings[0].Fault = "", "Another object with the same value exists"
		},
			[]want{{people.BindingError, people.Refusal, true, "anna@example.com", "the Microsoft 365 directory reports: Another object"}}},
		{"binding in error, once synchronised", func(w *peopletest.Place) { w.Bindings[0].Fault = "licence\nmissing" },
			[]want{{people.BindingError, people.Warning, false, "anna@example.com", "licence missing"}}},
		{"no immutable ID", func(w *peopletest.Place) { w.AzureAD[0].ImmutableID = "" },
			[]want{{people.NoImmutableID, people.Refusal, true, "anna@example.com (Anna Berg)", "AADSTS51004"}}},
		{"immutable ID shared", func(w *peopletest.Place) {
			w.AzureAD = append(w.AzureAD, people.AzureADUser{ID: peopletest.AzureADID(2), UPN: "room1@example.com", Name: "One", Mail: "x@example.com", ImmutableID: peopletest.JumpCloudID(1), Disabled: true})
		}, []want{
			{people.SharedImmutableID, people.Refusal, true, "anna@example.com", "the account room1@example.com has the same immutable ID"},
			{people.SharedImmutableID, people.Warning, false, "room1@example.com", "the same immutable ID"},
			{people.Disabled, people.Info, false, "room1@example.com", ""},
		}},
		{"email differs from the user principal name", func(w *peopletest.Place) { w.JumpCloud[0].Email = "anna.berg@example.com" },
			[]want{{people.EmailDiffers, people.Warning, false, "anna@example.com", "anna.berg@example.com in JumpCloud, anna@example.com in Azure AD (the account's immutable ID is"}}},
		{"email differs from the user principal name, matched by the binding", func(w *peopletest.Place) {
			w.JumpCloud[0].Email, w.AzureAD[0].ImmutableID = "anna.berg@example.com", "anna-id"
		}, []want{
			{people.ImmutableIDDiffers, people.Warning, false, "anna@example.com", "a text of some other form"},
			{people.EmailDiffers, people.Warning, false, "anna@example.com", "anna.berg@example.com in JumpCloud, anna@example.com in Azure AD (the binding says"},
		}},
		{"email is the mail, not the user principal name", func(w *peopletest.Place) {
			w.AzureAD[0].UPN, w.AzureAD[0].ImmutableID, w.Bindings[0].External = "ab@example.com", "anna-id", ""
		}, []want{{people.ImmutableIDDiffers, people.Warning, false, "ab@example.com", "never synchronised"}, {people.EmailDiffers, people.Warning, false, "ab@example.com", "anna@example.com in JumpCloud, ab@example.com in Azure AD (matched by the mail"}}},
		{"email differs from the mail", func(w *peopletest.Place) { w.AzureAD[0].Mail = "a.berg@example.com" },
			[]want{{people.EmailDiffers, people.Info, false, "anna@example.com", "the mail address in Azure AD is a.berg@example.com"}}},
		{"email is a proxy address", func(w *peopletest.Place) {
			w.JumpCloud[0].Email, w.AzureAD[0].ImmutableID, w.Bindings[0].External = "A.Berg@example.com", "anna-id", ""
		},
			[]want{{people.ImmutableIDDiffers, people.Warning, false, "anna@example.com", ""}, {people.AliasOnly, people.Warning, false, "anna@example.com", "a.berg@example.com in JumpCloud is only a further address of anna@example.com"}}},
		{"email is another mail", func(w *peopletest.Place) {
			w.JumpCloud[0].Email, w.Bindings[0].External, w.AzureAD[0].Others = "anna@home.example", "", []string{"anna@home.example"}
			w.AzureAD[0].ImmutableID = "anna-id"
		}, []want{{people.ImmutableIDDiffers, people.Warning, false, "anna@example.com", ""}, {people.AliasOnly, people.Warning, false, "anna@example.com", "one of the other mail addresses"}}},
		{"alternate email by the rule", func(w *peopletest.Place) {
			w.AlternateEmail = true
			w.JumpCloud[0].Email, w.JumpCloud[0].Alternate, w.Bindings[0].External = "a@corp.example", "anna@example.com", ""
			w.AzureAD[0].Mail = "a@corp.example"
		}, nil},
		{"alternate email without the rule", func(w *peopletest.Place) {
			w.JumpCloud[0].Email, w.JumpCloud[0].Alternate, w.Bindings[0].External = "a@corp.example", "anna@example.com", ""
			w.AzureAD[0].ImmutableID = "anna-id"
		}, []want{
			{people.NotInJumpCloud, people.Refusal, true, "anna@example.com", ""},
			{people.OtherDomain, people.Warning, false, "a@corp.example", "JumpCloud exports the user principal name a@corp.example, which is not on example.com; Azure AD refuses"},
		}},
		{"no alternate email, with the rule", func(w *peopletest.Place) { w.AlternateEmail = true },
			[]want{{people.NoEmail, people.Warning, false, "anna@example.com", "no alternate email in JumpCloud"}}},
		{"no alternate email, with the rule, matched by email", func(w *peopletest.Place) {
			w.AlternateEmail, w.Bindings[0].External = true, ""
		}, []want{{people.NoEmail, people.Warning, false, "anna@example.com", "no alternate email in JumpCloud"}}},
		{"user principal name on another domain", func(w *peopletest.Place) { w.AzureAD[0].UPN = "anna@contoso.onmicrosoft.com" },
			[]want{{people.OtherDomain, people.Warning, false, "anna@contoso.onmicrosoft.com (Anna Berg)", "is anna@contoso.onmicrosoft.com, which is not on example.com; Azure AD refuses sign-ins from one domain for people of another (AADSTS5000820)"}}},
		{"another domain, and the policy does not mind", func(w *peopletest.Place) {
			w.AzureAD[0].UPN = "anna@contoso.onmicrosoft.com"
			w.Validates = func(domain string) bool { return domain != "contoso.onmicrosoft.com" }
		}, []want{{people.OtherDomain, people.Info, false, "anna@contoso.onmicrosoft.com", "policy lets its domain through"}}},
		{"bound to an account elsewhere", func(w *peopletest.Place) { w.AzureAD = nil },
			[]want{{people.OtherDomain, people.Warning, false, "anna@example.com", "bound to the Azure AD account " + peopletest.AzureADID(1)}}},
		{"two bound to one account", func(w *peopletest.Place) {
			w.JumpCloud = append(w.JumpCloud, people.JumpCloudUser{ID: peopletest.JumpCloudID(2), Email: "anna2@example.com"})
			w.Bindings = append(w.Bindings, peopletest.Binding{User: peopletest.JumpCloudID(2), External: peopletest.AzureADID(1)})
		}, []want{{people.BindingError, people.Warning, false, "anna2@example.com", "the account in Azure AD that is anna@example.com's"}}},
		{"two bound to one account, of whom nobody has the ID", func(w *peopletest.Place) {
			w.JumpCloud = append(w.JumpCloud, people.JumpCloudUser{ID: peopletest.JumpCloudID(2), Email: "anna2@example.com"})
			w.Bindings = append(w.Bindings, peopletest.Binding{User: peopletest.JumpCloudID(2), External: peopletest.AzureADID(1)})
			w.AzureAD[0].ImmutableID = "anna-id"
		}, []want{
			{people.ImmutableIDDiffers, people.Warning, false, "anna@example.com", ""},
			{people.BindingError, people.Warning, false, "anna2@example.com", "to which anna@example.com is bound as well"},
		}},
		{"suspended", func(w *peopletest.Place) { w.JumpCloud[0].Suspended = true },
			[]want{{people.Suspended, people.Refusal, true, "anna@example.com", "suspended in JumpCloud as anna@example.com"}}},
		{"not activated", func(w *peopletest.Place) { w.JumpCloud[0].NotActivated = true },
			[]want{{people.NotActivated, people.Refusal, true, "anna@example.com", "not been activated"}}},
		{"suspended and disabled", func(w *peopletest.Place) { w.JumpCloud[0].Suspended, w.AzureAD[0].Disabled = true, true },
			[]want{{people.Disabled, people.Info, false, "anna@example.com", "disabled"}}},
		{"guest", func(w *peopletest.Place) {
			w.AzureAD = append(w.AzureAD, people.AzureADUser{ID: peopletest.AzureADID(2), UPN: "max_gmail.com#EXT#@contoso.onmicrosoft.com", Mail: "max@example.com", Guest: true})
		}, []want{{people.Guest, people.Info, false, "max_gmail.com#ext#@contoso.onmicrosoft.com", "a guest"}}},
		{"a guest's mail is no match", func(w *peopletest.Place) {
			w.AzureAD[0].UPN, w.AzureAD[0].Guest, w.Bindings = "anna_example.com#EXT#@contoso.onmicrosoft.com", true, nil
		}, []want{
			{people.NotInAzureAD, people.Warning, false, "anna@example.com", ""},
			{people.Guest, people.Info, false, "anna_example.com#ext#@contoso.onmicrosoft.com", ""},
		}},
		{"synchronised from the premises", func(w *peopletest.Place) { w.AzureAD[0].Synced = true },
			[]want{{people.DirectorySynced, people.Warning, false, "anna@example.com", "premises"}}},
		{"service account", func(w *peopletest.Place) {
			w.AzureAD = append(w.AzureAD, people.AzureADUser{ID: peopletest.AzureADID(2), UPN: "svc-backup@example.com", Name: "Backup", Mail: "svc-backup@example.com", ImmutableID: "2"})
		}, []want{
			{people.NotInJumpCloud, people.Refusal, true, "svc-backup@example.com (Backup)", ""},
			{people.ServiceAccount, people.Warning, false, "svc-backup@example.com", `its name has the word "svc" in it`},
		}},
		{"service account, overridden", func(w *peopletest.Place) {
			w.LikelyService = func(upn, name string) string {
				if upn != "anna@example.com" || name != "Anna Berg" {
					t.Errorf("LikelyService(%q, %q)", upn, name)
				}
				return "on my list"
			}
		}, []want{{people.ServiceAccount, people.Warning, false, "anna@example.com", "on my list"}}},
		{"Global Administrator", func(w *peopletest.Place) { w.AzureAD[0].Admin, w.AzureAD[0].ImmutableID = true, "" }, []want{
			{people.NoImmutableID, people.Refusal, true, "anna@example.com", ""},
			{people.GlobalAdmin, people.Warning, false, "anna@example.com", "depend on JumpCloud"},
		}},
		{"privileged with an immutable ID", func(w *peopletest.Place) { w.AzureAD[0].Admin = true }, []want{
			{people.GlobalAdmin, people.Warning, false, "anna@example.com", ""},
			{people.PrivilegedID, people.Warning, false, "anna@example.com", "with an immutable ID"},
		}},
		{"duplicate email", func(w *peopletest.Place) {
			w.JumpCloud = append(w.JumpCloud, people.JumpCloudUser{ID: peopletest.JumpCloudID(2), Email: "ANNA@example.com"})
		}, []want{
			{people.DuplicateEmail, people.Warning, false, "anna@example.com (Anna Berg)", "another JumpCloud user than " + peopletest.JumpCloudID(1) + " has the email address anna@example.com"},
			{people.NotInAzureAD, people.Warning, false, "anna@example.com", ""},
			{people.DuplicateEmail, people.Warning, false, "anna@example.com: another", ""},
		}},
		{"no email in JumpCloud", func(w *peopletest.Place) { w.JumpCloud[0].Email = " " },
			[]want{{people.NoEmail, people.Warning, false, "anna@example.com", "the JumpCloud user anna has no email address"}}},
		{"no email in JumpCloud, not bound", func(w *peopletest.Place) {
			w.JumpCloud[0].Email, w.Bindings, w.AzureAD[0].ImmutableID = "", nil, "anna-id"
		}, []want{
			{people.NotInJumpCloud, people.Refusal, true, "anna@example.com", ""},
			{people.NoEmail, people.Warning, false, "anna", "the JumpCloud user anna has no email address"},
		}},
		{"no mail in Azure AD", func(w *peopletest.Place) { w.JumpCloud, w.AzureAD[0].Mail = nil, "" }, []want{
			{people.NotInJumpCloud, people.Refusal, true, "anna@example.com", ""},
			{people.NoEmail, people.Info, false, "anna@example.com", "no mail address"},
		}},
		{"domain in another alphabet", func(w *peopletest.Place) {
			w.Domain = "xn--bcher-kva.example"
			w.JumpCloud[0].Email, w.AzureAD[0].UPN, w.AzureAD[0].Mail = "anna@Bücher.example", "anna@xn--bcher-kva.example", ""
			w.AzureAD[0].Proxies, w.Bindings = nil, []peopletest.Binding{{User: peopletest.JumpCloudID(1)}}
		}, nil},
		{"local parts fold in ASCII only", func(w *peopletest.Place) {
			w.JumpCloud[0].Email, w.AzureAD[0].UPN, w.AzureAD[0].Mail, w.AzureAD[0].Proxies = "änne@example.com", "Änne@example.com", "", nil
			w.Bindings, w.AzureAD[0].ImmutableID = nil, "anna-id"
		}, []want{
			{people.NotInJumpCloud, people.Refusal, true, "Änne@example.com", ""},
			{people.NotInAzureAD, people.Warning, false, "änne@example.com", ""},
			{people.NoEmail, people.Info, false, "Änne@example.com", ""},
		}},
		{"password expired", func(w *peopletest.Place) { w.JumpCloud[0].Expired = true },
			[]want{{people.PasswordExpired, people.Warning, false, "anna@example.com", "has expired"}}},
		{"locked after wrong passwords", func(w *peopletest.Place) { w.JumpCloud[0].Locked = true },
			[]want{{people.AccountLocked, people.Warning, false, "anna@example.com", "locked in JumpCloud"}}},
		{"expired and locked, disabled", func(w *peopletest.Place) {
			w.JumpCloud[0].Expired, w.JumpCloud[0].Locked, w.AzureAD[0].Disabled = true, true, true
		},
			[]want{{people.Disabled, people.Info, false, "anna@example.com", ""}}},
		{"an account of this tenant that is a guest", func(w *peopletest.Place) { w.AzureAD[0].Guest = true }, nil},
		{"an internal guest who is not in JumpCloud", func(w *peopletest.Place) { w.JumpCloud, w.AzureAD[0].Guest = nil, true },
			[]want{{people.NotInJumpCloud, people.Refusal, true, "anna@example.com", ""}}},
		{"an internal guest without an ID", func(w *peopletest.Place) { w.AzureAD[0].Guest, w.AzureAD[0].ImmutableID = true, "" },
			[]want{{people.NoImmutableID, people.Refusal, true, "anna@example.com", ""}}},
		{"a member of another tenant", func(w *peopletest.Place) {
			w.AzureAD = append(w.AzureAD, people.AzureADUser{ID: peopletest.AzureADID(2), UPN: "max_mail.example#EXT#@example.com", Mail: "max@mail.example"})
		}, []want{{people.Guest, people.Info, false, "max_mail.example#ext#@example.com", "a member from another tenant"}}},
		{"a member of another tenant is no match", func(w *peopletest.Place) {
			w.AzureAD[0].UPN, w.Bindings = "anna_mail.example#EXT#@example.com", nil
		}, []want{{people.NotInAzureAD, people.Warning, false, "anna@example.com", ""}, {people.Guest, people.Info, false, "anna_mail", ""}}},
		{"on a subdomain that follows", func(w *peopletest.Place) {
			w.Subdomains = []string{"eu.example.com"}
			w.JumpCloud[0].Email, w.AzureAD[0].UPN, w.AzureAD[0].Mail = "anna@eu.example.com", "anna@eu.example.com", "anna@eu.example.com"
		}, nil},
		{"on a subdomain that follows, not in JumpCloud", func(w *peopletest.Place) {
			w.Subdomains = []string{"de.example.com", "eu.example.com"}
			w.AzureAD = append(w.AzureAD, people.AzureADUser{ID: peopletest.AzureADID(2), UPN: "eva@EU.example.com", Mail: "eva@eu.example.com", ImmutableID: "e"})
		}, []want{{people.NotInJumpCloud, people.Refusal, true, "eva@eu.example.com", ""}}},
		{"on a subdomain of its own", func(w *peopletest.Place) {
			w.AzureAD = append(w.AzureAD, people.AzureADUser{ID: peopletest.AzureADID(2), UPN: "eva@labs.example.com", Mail: "eva@example.com", ImmutableID: "e"})
		}, nil},
		{"bound to an account that is gone, another has the name", func(w *peopletest.Place) {
			w.Bindings[0].External, w.AzureAD[0].ImmutableID = peopletest.AzureADID(8), "new"
		}, []want{
			{people.BoundElsewhere, people.Warning, false, "anna@example.com (Anna Berg)", "bound the person to the account " + peopletest.AzureADID(8) + ", which is not on example.com, and not to this one"},
			{people.ImmutableIDDiffers, people.Warning, false, "anna@example.com", ""},
		}},
		{"bound to another's account, and the other to nobody's", func(w *peopletest.Place) {
			w.AzureAD[0].ImmutableID = "a"
			w.AzureAD = append(w.AzureAD, people.AzureADUser{ID: peopletest.AzureADID(2), UPN: "ben@example.com", Mail: "ben@example.com", ImmutableID: "b"})
			w.JumpCloud = append(w.JumpCloud, people.JumpCloudUser{ID: peopletest.JumpCloudID(2), Email: "ben@example.com"})
			w.Members = append(w.Members, peopletest.Member{User: peopletest.JumpCloudID(2), Exported: true})
			w.Bindings[0].External = peopletest.AzureADID(2)
		}, []want{
			{people.BoundElsewhere, people.Warning, false, "anna@example.com", "to the account ben@example.com, and not to this one"},
			{people.ImmutableIDDiffers, people.Warning, false, "anna@example.com", ""},
			{people.NotBound, people.Warning, false, "ben@example.com", "yet"},
			{people.ImmutableIDDiffers, people.Warning, false, "ben@example.com", ""},
		}},
		{"bound to an account with another name, and somebody new has the address", func(w *peopletest.Place) {
			w.AzureAD[0].ImmutableID = "a"
			w.AzureAD = append(w.AzureAD, people.AzureADUser{ID: peopletest.AzureADID(2), UPN: "anna.berg@example.com", Mail: "anna.berg@example.com", ImmutableID: "b"})
			w.Bindings[0].External = peopletest.AzureADID(2)
		}, []want{
			{people.NotInJumpCloud, people.Refusal, true, "anna@example.com", ""},
			{people.ImmutableIDDiffers, people.Warning, false, "anna.berg@example.com", ""},
			{people.EmailDiffers, people.Warning, false, "anna.berg@example.com", "the binding says"},
		}},
		{"two bound crosswise", func(w *peopletest.Place) {
			w.AzureAD[0].ImmutableID = "a"
			w.AzureAD = append(w.AzureAD, people.AzureADUser{ID: peopletest.AzureADID(2), UPN: "ben@example.com", Mail: "ben@example.com", ImmutableID: "b"})
			w.JumpCloud = append(w.JumpCloud, people.JumpCloudUser{ID: peopletest.JumpCloudID(2), Email: "ben@example.com"})
			w.Members = append(w.Members, peopletest.Member{User: peopletest.JumpCloudID(2), Exported: true})
			w.Bindings = []peopletest.Binding{{User: peopletest.JumpCloudID(1), External: peopletest.AzureADID(2)}, {User: peopletest.JumpCloudID(2), External: peopletest.AzureADID(1)}}
		}, []want{
			{people.BoundElsewhere, people.Warning, false, "anna@example.com", "ben@example.com"},
			{people.ImmutableIDDiffers, people.Warning, false, "anna@example.com", ""},
			{people.BoundElsewhere, people.Warning, false, "ben@example.com", "anna@example.com"},
			{people.ImmutableIDDiffers, people.Warning, false, "ben@example.com", ""},
		}},
		{"bound crosswise, and the IDs are right", func(w *peopletest.Place) {
			w.AzureAD = append(w.AzureAD, people.AzureADUser{ID: peopletest.AzureADID(2), UPN: "ben@example.com", Mail: "ben@example.com", ImmutableID: peopletest.JumpCloudID(2)})
			w.JumpCloud = append(w.JumpCloud, people.JumpCloudUser{ID: peopletest.JumpCloudID(2), Email: "ben@example.com"})
			w.Members = append(w.Members, peopletest.Member{User: peopletest.JumpCloudID(2), Exported: true})
			w.Bindings = []peopletest.Binding{{User: peopletest.JumpCloudID(1), External: peopletest.AzureADID(2)}, {User: peopletest.JumpCloudID(2), External: peopletest.AzureADID(1)}}
		}, []want{
			{people.BoundElsewhere, people.Warning, false, "anna@example.com", "ben@example.com"},
			{people.BoundElsewhere, people.Warning, false, "ben@example.com", "anna@example.com"},
		}},
		{"the ID of another JumpCloud organisation", func(w *peopletest.Place) { w.AzureAD[0].ImmutableID = peopletest.JumpCloudID(99) },
			[]want{{people.ImmutableIDDiffers, people.Warning, false, "anna@example.com", "the ID of another JumpCloud user"}}},
		{"the ID in capitals, which is another", func(w *peopletest.Place) { w.AzureAD[0].ImmutableID = strings.ToUpper(peopletest.JumpCloudID(1)) },
			[]want{{people.ImmutableIDDiffers, people.Warning, false, "anna@example.com", "some other form"}}},
		{"never synchronised, with an ID of another origin", func(w *peopletest.Place) {
			w.Bindings[0].External, w.AzureAD[0].ImmutableID = "", people.ObjectIDImmutable(peopletest.AzureADID(1))
		}, []want{{people.ImmutableIDDiffers, people.Warning, false, "anna@example.com", "base64 of the account's object ID; the directory has never synchronised the person"}}},
		{"never synchronised, with JumpCloud's ID", func(w *peopletest.Place) { w.Bindings[0].External = "" }, nil},
		{"never synchronised, and somebody else was", func(w *peopletest.Place) {
			w.AzureAD = append(w.AzureAD, people.AzureADUser{ID: peopletest.AzureADID(2), UPN: "ben@example.com", Mail: "ben@example.com", ImmutableID: peopletest.JumpCloudID(2)})
			w.JumpCloud = append(w.JumpCloud, people.JumpCloudUser{ID: peopletest.JumpCloudID(2), Email: "ben@example.com"})
			w.Members = append(w.Members, peopletest.Member{User: peopletest.JumpCloudID(2), Exported: true})
			w.Bindings = []peopletest.Binding{{User: peopletest.JumpCloudID(1)}, {User: peopletest.JumpCloudID(2), External: peopletest.AzureADID(2)}}
		}, []want{{people.NotExported, people.Warning, false, "anna@example.com", "has synchronised others"}}},
		{"out already, not in JumpCloud", func(w *peopletest.Place) { w.Before, w.JumpCloud = people.AsAfter, nil },
			[]want{{people.NotInJumpCloud, people.Warning, false, "anna@example.com", ""}}},
		{"out already by the other provider, without an ID", func(w *peopletest.Place) { w.Before, w.AzureAD[0].ImmutableID = people.WithID, "" },
			[]want{{people.NoImmutableID, people.Warning, false, "anna@example.com", ""}}},
		{"in by the other provider, suspended here", func(w *peopletest.Place) { w.Before, w.JumpCloud[0].Suspended = people.WithID, true },
			[]want{{people.Suspended, people.Refusal, true, "anna@example.com", ""}}},
		{"listed twice", func(w *peopletest.Place) {
			w.JumpCloud = append(w.JumpCloud, w.JumpCloud[0])
			w.AzureAD = append(w.AzureAD, w.AzureAD[0])
			w.Members = append(w.Members, w.Members[0])
		}, nil},
	} {
		for _, w := range tt.want {
			expected[w.kind] = true
		}
		t.Run(tt.name, func(t *testing.T) {
			w := peopletest.Anna()
			tt.edit(&w)
			j := w.Judge()
			for i := range j.Len() {
				f := j.At(i)
				p, evidence := j.Person(f), j.Evidence(f)
				if i >= len(tt.want) {
					t.Errorf("and also %v: %+v: %s", f, p, evidence)
					continue
				}
				want := tt.want[i]
				if f.Kind != want.kind || f.Severity != want.severity || f.LockedOut != want.locked ||
					!strings.HasPrefix(line(p, evidence), want.who) || !strings.Contains(evidence, want.evidence) {
					t.Errorf("finding %d = %v: %s\nwant %+v", i, f, line(p, evidence), want)
				}
				if f.LockedOut != (f.Severity == people.Refusal) {
					t.Errorf("%v is no refusal, or none by which somebody is locked out", f)
				}
				if f.AlreadyOut != strings.HasPrefix(tt.name, "out already") {
					t.Errorf("%v has AlreadyOut = %v", f, f.AlreadyOut)
				}
			}
			if j.Len() < len(tt.want) {
				t.Errorf("missing: %+v", tt.want[j.Len():])
			}
		})
	}
	for k := people.Kind(1); k < people.Kinds; k++ {
		if !expected[k] {
			t.Errorf("no case expects kind %d", k)
		}
	}
}

// line is a finding as it is shown.
func line(p people.Person, evidence string) string {
	who := cmp.Or(p.UserPrincipalName, p.Email, p.Username)
	if p.DisplayName != "" {
		who += " (" + p.DisplayName + ")"
	}
	return who + ": " + evidence
}
