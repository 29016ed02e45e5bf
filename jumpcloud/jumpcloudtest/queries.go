package jumpcloudtest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
)

// queries are the parameters that each route takes in its query. A route that is
// not here takes none.
var queries = map[string]string{
	"GET /api/systemusers":                "limit skip sort fields filter search",
	"GET /api/systemusers/{id}":           "fields",
	"GET /api/organizations":              "limit skip sort sortIgnoreCase fields filter",
	"GET /api/organizations/{org}":        "fields",
	"GET /api/applications":               "limit skip sort fields filter",
	"GET /api/application-templates":      "limit skip sort fields filter",
	"GET /api/application-templates/{id}": "fields",

	"GET /api/v2/applications":                     "limit skip sort fields filter",
	"GET /api/v2/applications/{$}":                 "limit skip sort fields filter",
	"GET /api/v2/directories":                      "limit skip sort fields",
	"GET /api/v2/usergroups":                       "limit skip sort fields filter",
	"GET /api/v2/usergroups/{id}/members":          "limit skip",
	"GET /api/v2/usergroups/{id}/membership":       "limit skip sort filter",
	"GET /api/v2/users/{id}/memberof":              "limit skip sort filter",
	"GET /api/v2/office365s":                       "limit skip sort fields filter",
	"GET /api/v2/office365s/{id}/domains":          "limit skip",
	"GET /api/v2/office365s/{id}/translationrules": "limit skip sort fields filter",
	"GET /api/v2/office365s/{id}/import/users":     "top skipToken filter",
	"GET /api/v2/office365s/{id}/users":            "limit skip filter syncStatus",
}

// queryOf returns the parameters that a route takes in its query.
func queryOf(pattern string) []string {
	if q, ok := queries[pattern]; ok {
		return strings.Fields(q)
	}
	switch {
	case !strings.HasPrefix(pattern, "GET /api/v2/"):
	case strings.HasSuffix(pattern, "/associations"):
		return []string{"targets", "limit", "skip"}
	case traverses(pattern):
		return []string{"limit", "skip", "filter"}
	}
	return nil
}

// unasked returns the first parameter in a query that its route does not take; ""
// if there is none. Of v1's filters there are several, as in filter[or][0].
func unasked(q url.Values, takes []string) string {
	var strange []string
	for key := range q {
		name := key
		if v1Filter(key) {
			name = "filter"
		}
		if !slices.Contains(takes, name) {
			strange = append(strange, key)
		}
	}
	if len(strange) == 0 {
		return ""
	}
	return slices.Min(strange)
}

// bodies are the properties that each route takes in its body. Those of applications
// and users depend on what there is: see extraneous.
var bodies = map[string]string{
	"POST /api/search/systemusers":                  "fields filter searchFilter limit skip sort",
	"POST /api/systemusers/{id}/unlock":             "",
	"POST /api/systemusers/{id}/state/activate":     "email",
	"POST /api/systemusers/{id}/state/suspend":      "",
	"POST /api/v2/usergroups":                       groupProperties,
	"PUT /api/v2/usergroups/{id}":                   groupProperties,
	"PATCH /api/v2/office365s/{id}":                 "id name groupsEnabled userLockoutAction userPasswordExpirationAction defaultDomain",
	"POST /api/v2/office365s/{id}/domains":          "domain",
	"POST /api/v2/office365s/{id}/translationrules": "builtIn direction",
	"POST " + eventsPath:                            "service start_time end_time limit sort search_after search_term fields",
}

const (
	groupProperties = "id type name description email attributes membershipMethod memberQuery memberQueryExemptions memberSuggestionsNotify"
	graphProperties = "op type id attributes"
)

// strange returns the first property of a body that its route does not take; "" if
// there is none.
func strange(pattern string, body object) string {
	takes, limited := bodies[pattern]
	if strings.HasSuffix(pattern, "/associations") || strings.HasSuffix(pattern, "/members") {
		takes, limited = graphProperties, true
	}
	if !limited {
		return ""
	}
	return extraneous(body, takes, nil)
}

// What can be written of applications and users, beside what the service shows and
// does not take from anybody: that may come back as it was.
const (
	applicationProperties = "_id id created organization active beta color config databaseAttributes description displayLabel " +
		"displayName learnMore logo name parentApp sso ssoUrl"
	userProperties = "_id id created organization account_locked activated addresses allow_public_key alternateEmail attributes " +
		"company costCenter delegatedAuthority department description disableDeviceMaxLoginAttempts displayname email " +
		"employeeIdentifier employeeType enable_managed_uid " +
		"enable_user_portal_multifactor external_dn external_password_expiration_date external_source_type externally_managed firstname " +
		"jobTitle lastname ldap_binding_user location managedAppleId manager mfa middlename password password_expired password_never_expires " +
		"passwordless_sudo phoneNumbers public_key recoveryEmail relationships restrictedFields samba_service_user ssh_keys state sudo " +
		"suspended unix_guid unix_uid username"
)

// extraneous returns the first property of a body that is neither among those that can
// be written nor shown already as it is; "" if there is none.
func extraneous(body object, writable string, shown object) string {
	known := strings.Fields(writable)
	var unknown []string
	for key, v := range body {
		if !slices.Contains(known, key) && !sameJSON(v, shown[key]) {
			unknown = append(unknown, key)
		}
	}
	if len(unknown) == 0 {
		return ""
	}
	return slices.Min(unknown)
}

// sameJSON reports whether two values in JSON are equal.
func sameJSON(a, b json.RawMessage) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}

// unmodelled is the answer to what the stand-in does not do: better than one that
// looks as if it did.
func unmodelled(what string) reply {
	return answer(http.StatusNotImplemented, map[string]string{"message": "Not Implemented: jumpcloudtest does not model " + what})
}

// everythingElse is the pattern of what no other route serves.
const everythingElse = "/"

// unrouted answers what no other route does.
func unrouted(c *call) reply {
	if !strings.HasPrefix(c.URL.Path, "/api/") && !strings.HasPrefix(c.URL.Path, "/insights/") {
		return notFound
	}
	return unmodelled(c.Method + " " + c.URL.Path)
}
