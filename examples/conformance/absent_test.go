package conformance

import (
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// absence is an operation that a client calls and that no description has. If
// there are schemas of what it sends and answers all the same, they hold.
type absence struct {
	operation      string // method and address, with parameters
	sends, answers string // names of schemas; or an operation that answers the same
	reason         string
}

const (
	trimmed = "the description was cut to what a federation cannot do without; "
	hidden  = "not part of Microsoft Graph, and not documented; "
)

var absent = map[string][]absence{
	"jumpcloud": {
		{operation: "GET https://console.jumpcloud.com/api/organizations/{org}/applications/{id}/metadata.xml",
			reason: "the description has the path without an operation; five providers for Terraform use it"},
		{operation: "GET https://console.jumpcloud.com/api/v2/office365s", reason: "no description has it; " + jcCLI + " asks it"},
		{operation: "GET https://console.jumpcloud.com/api/v2/office365s/{id}/domains",
			reason: "taken out of the description after 2024: konfig-sdks/jump-cloud-java-sdk has it"},
		{operation: "POST https://console.jumpcloud.com/api/v2/office365s/{id}/domains", reason: "the same"},
		{operation: "DELETE https://console.jumpcloud.com/api/v2/office365s/{id}/domains/{domain}", reason: "the same"},
		{operation: "POST https://api.jumpcloud.com/insights/directory/v1/events", reason: "Directory Insights has a description of its own, which is not at hand"},
		{operation: "POST https://admin-oauth.id.jumpcloud.com/oauth2/token", reason: "service accounts are not in the description; " + jcCLI},
	},
	"graph": {
		{operation: "POST https://graph.microsoft.com/v1.0/users", sends: "microsoft.graph.user", answers: "microsoft.graph.user",
			reason: trimmed + graphDocs + ", user-post-users"},
		{operation: "DELETE https://graph.microsoft.com/v1.0/users/{id}", reason: trimmed + graphDocs + ", user-delete"},
		{operation: "POST https://graph.microsoft.com/v1.0/users/{id}/revokeSignInSessions", reason: trimmed + graphDocs + ", user-revokesigninsessions"},
		{operation: "GET https://graph.microsoft.com/v1.0/users/$count", reason: trimmed + graphDocs + ", user-list"},
		{operation: "GET https://graph.microsoft.com/v1.0/domains/{id}/serviceConfigurationRecords", answers: "GET /domains/{domain-id}/verificationDnsRecords",
			reason: trimmed + graphDocs + ", domain-list-serviceconfigurationrecords"},
		{operation: "GET https://graph.microsoft.com/v1.0/groups/{id}/transitiveMembers/microsoft.graph.user", answers: "microsoft.graph.userCollectionResponse",
			reason: trimmed + graphDocs + ", group-list-transitivemembers"},
		{operation: "POST https://graph.microsoft.com/v1.0/roleManagement/directory/roleAssignments", sends: "microsoft.graph.unifiedRoleAssignment", answers: "microsoft.graph.unifiedRoleAssignment",
			reason: trimmed + graphDocs + ", rbacapplication-post-roleassignments"},
		{operation: "DELETE https://graph.microsoft.com/v1.0/roleManagement/directory/roleAssignments/{id}", reason: trimmed + graphDocs + ", unifiedroleassignment-delete"},
		{operation: "GET https://graph.microsoft.com/v1.0/roleManagement/directory/roleDefinitions", reason: trimmed + graphDocs + ", rbacapplication-list-roledefinitions"},
		{operation: "GET https://graph.microsoft.com/v1.0/policies/federatedTokenValidationPolicy", reason: trimmed + graphDocs + ", federatedtokenvalidationpolicy-get"},
		{operation: "GET https://graph.microsoft.com/v1.0/auditLogs/signIns", reason: trimmed + graphDocs + ", signin-list"},
		{operation: "GET https://login.microsoftonline.com/common/userrealm/{user}", reason: hidden + "the libraries of Microsoft for signing in ask it"},
		{operation: "GET https://login.microsoftonline.com/getuserrealm.srf", reason: hidden + "Microsoft's sign-in page asks it"},
	},
}

// absentRoutes returns the operations of a service without a description; d has
// the schemas.
func absentRoutes(t *testing.T, service string, d *description) []*route {
	t.Helper()
	var all []*route
	for _, a := range absent[service] {
		method, address, _ := strings.Cut(a.operation, " ")
		slash := strings.Index(address[len("https://"):], "/") + len("https://")
		o := &route{method: method, base: address[:slash], path: address[slash:], desc: d}
		for _, body := range []struct {
			name   string
			schema **openapi3.Schema
		}{{a.sends, &o.sends}, {a.answers, &o.answers}} {
			if body.name == "" {
				continue
			}
			if *body.schema = d.schema(body.name); *body.schema == nil {
				t.Fatalf("%s: there is no schema %s", a.operation, body.name)
			}
		}
		all = append(all, o)
	}
	return all
}

// schema returns the schema with a name, or that of an operation's answers.
func (d *description) schema(name string) *openapi3.Schema {
	if ref := d.doc.Components.Schemas[name]; ref != nil {
		return ref.Value
	}
	method, path, _ := strings.Cut(name, " ")
	if item := d.doc.Paths.Value(path); item != nil && item.GetOperation(method) != nil {
		return item.GetOperation(method).Responses.Value("200").Value.Content.Get("application/json").Schema.Value
	}
	return nil
}
