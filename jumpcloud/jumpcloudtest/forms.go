package jumpcloudtest

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// forms are the types that the descriptions give to properties: those of each form
// are named in one text. A property that no text names may be anything.
type forms struct{ texts, flags, numbers, lists, objects string }

var (
	userForms = forms{
		texts: "_id id organization alternateEmail company costCenter department description displayname email employeeIdentifier employeeType " +
			"external_dn external_password_expiration_date external_source_type firstname jobTitle lastname location managedAppleId manager " +
			"middlename password public_key state username",
		flags: "account_locked activated allow_public_key disableDeviceMaxLoginAttempts enable_managed_uid enable_user_portal_multifactor " +
			"externally_managed ldap_binding_user password_expired password_never_expires passwordless_sudo samba_service_user sudo suspended",
		numbers: "unix_guid unix_uid",
		lists:   "addresses attributes phoneNumbers relationships restrictedFields ssh_keys",
		objects: "delegatedAuthority mfa recoveryEmail",
	}
	groupForms = forms{
		texts: "type name description email membershipMethod", flags: "memberSuggestionsNotify",
		lists: "memberQueryExemptions", objects: "attributes memberQuery",
	}
	office365Forms = forms{
		texts: "name userLockoutAction userPasswordExpirationAction", flags: "groupsEnabled", objects: "defaultDomain",
	}
	applicationForms = forms{
		texts: "name displayName displayLabel description learnMore ssoUrl", flags: "active beta", objects: "config sso",
	}
)

// strange returns the first property of a body whose value has another type than it
// should; "" if there is none. What the service makes of such a value is not known.
// null is taken for everything but flags, which have no other way to be unset.
func (f forms) strange(body object) string {
	for _, name := range slices.Sorted(maps.Keys(body)) {
		v := body[name]
		is := func(names string) bool { return slices.Contains(strings.Fields(names), name) }
		var into any
		switch {
		case is(f.flags):
			into = new(bool)
			if string(v) == "null" {
				return name
			}
		case is(f.texts):
			into = new(string)
		case is(f.numbers):
			into = new(float64)
		case is(f.lists):
			into = new([]json.RawMessage)
		case is(f.objects):
			into = new(object)
		default:
			continue
		}
		if json.Unmarshal(v, into) != nil {
			return name
		}
	}
	return ""
}

// mistyped is the answer to a property whose value has another type than it should.
func mistyped(name string) reply {
	return unmodelled("a value of this type for the property " + strconv.Quote(name))
}

// unclear returns the first parameter of a query that is there more than once and is no
// list, or should be a number above zero and is none, or is a skip that is not one from
// zero on, or a word that is neither true nor false, or one of v1's sorts with commas, which
// parts its fields with spaces; "" if there is none. What the service makes of them is not known.
func unclear(q url.Values, v2 bool) string {
	for _, name := range slices.Sorted(maps.Keys(q)) {
		values := q[name]
		list := v1Filter(name) || v2 && (name == "sort" || name == "fields")
		least := map[string]int{"limit": 1, "top": 1, "skip": 0}
		if low, numeric := least[name]; numeric {
			if n, err := strconv.Atoi(values[0]); err != nil || n < low {
				return name
			}
		}
		if len(values) > 1 && !list || name == "syncStatus" && values[0] != "true" && values[0] != "false" ||
			!v2 && strings.HasPrefix(name, "sort") && strings.Contains(values[0], ",") {
			return name
		}
	}
	return ""
}
