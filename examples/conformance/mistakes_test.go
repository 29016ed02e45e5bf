package conformance

import "strings"

// mistake is a place where a description is wrong, or says less than is known.
type mistake struct {
	operation string // as in a finding; … stands for anything
	where     string // the same
	what      string // how the finding begins
	reason    string // and who says so
}

// covers reports whether the entry accounts for f.
func (m *mistake) covers(f finding) bool {
	return like(m.operation, f.operation) && like(m.where, f.where) && strings.HasPrefix(f.what, m.what)
}

// like reports whether s has the form of pattern.
func like(pattern, s string) bool {
	start, more, found := strings.Cut(pattern, "…")
	if !found {
		return pattern == s
	}
	s, ok := strings.CutPrefix(s, start)
	for i := 0; ok && i <= len(s); i++ {
		if like(more, s[i:]) {
			return true
		}
	}
	return false
}

// excused returns the findings that no entry covers, and the entries that are
// not needed: those that cover none.
func excused(findings []finding, known []mistake) (left []finding, unused []mistake) {
	used := make([]bool, len(known))
	for _, f := range findings {
		covered := false
		for i := range known {
			if known[i].covers(f) {
				used[i], covered = true, true
			}
		}
		if !covered {
			left = append(left, f)
		}
	}
	for i, u := range used {
		if !u {
			unused = append(unused, known[i])
		}
	}
	return left, unused
}

// Who says what the descriptions do not.
const (
	recorded  = "recorded traffic (JupiterOne/graph-jumpcloud)"
	loadsmart = "loadsmart/terraform-provider-jumpcloud"
	newriver  = "newriverstrat/terraform-provider-jumpcloud, a request captured from the console"
	jcCLI     = "TheJumpCloud/jc-cli, JumpCloud's own program"
	baton     = "ConductorOne/baton-jumpcloud"
	graphDocs = "microsoftgraph/microsoft-graph-docs-contrib"
)

const (
	notDescribed = "not described"
	isNull       = "null: "
	status       = "status is not supported"
)

// mistakes are those of the descriptions of each service.
var mistakes = map[string][]mistake{
	"jumpcloud": {
		// Requests.
		{"jumpcloud…", "request header X-Org-Id", notDescribed, "only the code samples beside each operation have it; as a parameter it is in JumpCloud's description of January 2025: " + baton},
		{"jumpcloud v1 GET /organizations", "request security", "x-api-key is missing; there is Authorization: Bearer", "a service account sends a token in place of the key: " + jcCLI},
		{"jumpcloud v1 GET /systemusers", "request query filter[0]", notDescribed, "the text beside the parameter filter says how several conditions are sent"},
		{"jumpcloud v1 GET /systemusers", "request query filter[1]", notDescribed, "the same"},
		{"jumpcloud v1 POST /search/systemusers", "request body /sort", notDescribed, "the other lists of v1 have it, and without sort=_id pages lose users: JumpCloud's article on best practices"},

		// Properties that answers have, and that come back when an application is written.
		{"jumpcloud v1…", "response 200 body /id", notDescribed, "objects of v1 have id beside _id: " + recorded},
		{"jumpcloud v1…", "response 200 body /results/*/id", notDescribed, "the same"},
		{"jumpcloud v1 PUT /applications/{id}", "request body /id", notDescribed, "the same, written back"},
		{"jumpcloud v1 GET /organizations", "response 200 body /results/*/created", notDescribed, recorded},
		{"jumpcloud v1…/applications…", "… body …/config/databaseAttributes/value/*/isCustomAttribute", notDescribed, newriver},
		{"jumpcloud v1…/applications…", "… body …/config/databaseAttributes/value/*/mutable", notDescribed, newriver},
		{"jumpcloud v1…/applications…", "… body …/config/databaseAttributes/value/*/tempId", notDescribed, newriver},
		{"jumpcloud v1…/applications…", "response 200 body …/config/authClaimConfiguration", notDescribed, "described for templates, and an application has the settings of its template: " + loadsmart},
		{"jumpcloud v1 GET /application-templates", "response 200 body /results/*/config/subjectField", notDescribed, "described for applications, and the template has it: " + loadsmart},
		{"jumpcloud v1 GET /application-templates", "response 200 body /results/*/config/signatureAlgorithm", notDescribed, "the same"},
		{"jumpcloud v1 GET /application-templates", "response 200 body /results/*/config/overrideNameIdFormat", notDescribed, "the same"},
		{"jumpcloud v1 GET /application-templates", "response 200 body /results/*/config/declareRedirectEndpoint", notDescribed, "described for applications, whose settings are those of the template"},
		{"jumpcloud v1 GET /application-templates", "response 200 body /results/*/config/includeGroups", notDescribed, "the same, and in the template: " + loadsmart},
		{"jumpcloud v1 GET /application-templates", "response 200 body /results/*/config/groupsAttributeName", notDescribed, "the same"},
		{"jumpcloud v1 GET /application-templates", "response 200 body /results/*/config/defaultTargetUrl", notDescribed, "the same"},
		{"jumpcloud v1 GET /application-templates", "response 200 body /results/*/config/idpInitUrl", notDescribed, "the same"},
		{"jumpcloud v1 GET /application-templates", "response 200 body /results/*/config/databaseAttributes/…", notDescribed, "nothing but its position is described; it is a setting like the others: " + loadsmart},
		{"jumpcloud v1 GET /application-templates", "response 200 body /results/*/config/authClaimConfiguration/…", notDescribed, "label and value, as every setting has them: " + loadsmart},
		{"jumpcloud v2 GET /directories", "response 200 body /*/organizationId", notDescribed, jcCLI},

		// Null where the description wants a value: Swagger 2.0 cannot say it.
		{"jumpcloud v1…/applications…", "… body …/color", isNull, recorded},
		{"jumpcloud v1…systemusers…", "response 200 body …/employeeIdentifier", isNull, recorded},
		{"jumpcloud v1 GET /organizations", "response 200 body /results/*/logoUrl", isNull, recorded},
		{"jumpcloud v2 GET /usergroups", "response 200 body /*/attributes", isNull, recorded},
		{"jumpcloud v2 GET …/associations", "response 200 body /*/attributes", isNull, "a connection, as in " + recorded},
		{"jumpcloud v2 GET …/associations", "response 200 body /*/to/attributes", isNull, "the same"},
		{"jumpcloud v2 GET /usergroups/{group_id}/members", "response 200 body /*/attributes", isNull, "the same"},
		{"jumpcloud v2 GET /usergroups/{group_id}/members", "response 200 body /*/to/attributes", isNull, "the same"},
		{"jumpcloud v2 GET…", "response 200 body /*/paths/*/*/attributes", isNull, recorded},
		{"jumpcloud v2 GET…", "response 200 body /*/paths/*/*/to/attributes", isNull, recorded},

		// Statuses: only success is described.
		{"jumpcloud v1 DELETE /applications/{id}", "response 204", status, loadsmart},
		{"jumpcloud v1 DELETE /applications/{id}", "response 404", status, loadsmart},
		{"jumpcloud v2 DELETE /usergroups/{id}", "response 404", status, loadsmart},
		{"jumpcloud v2 DELETE /office365s/{office365_id}/translationrules/{id}", "response 404", status, "what v2 answers wherever there is no such object: " + loadsmart},
		{"jumpcloud v2 POST /applications/{application_id}/associations", "response 404", status, "what is not bound cannot be unbound: " + loadsmart},
		{"jumpcloud v2 POST /applications/{application_id}/associations", "response 409", status, "what is bound cannot be bound again: " + loadsmart},
		{"jumpcloud v2 POST /office365s/{office365_id}/associations", "response 404", status, "the same"},
		{"jumpcloud v2 POST /office365s/{office365_id}/associations", "response 409", status, "the same"},
		{"jumpcloud v2 POST /usergroups/{group_id}/associations", "response 404", status, "the same: " + jcCLI},
		{"jumpcloud v2 POST /usergroups/{group_id}/associations", "response 409", status, "the same: " + jcCLI},
		{"jumpcloud v2 POST /users/{user_id}/associations", "response 404", status, "the same"},
		{"jumpcloud v2 POST /users/{user_id}/associations", "response 409", status, "the same"},
		{"jumpcloud v2 POST /usergroups/{group_id}/members", "response 404", status, "the same: " + baton},
		{"jumpcloud v2 POST /usergroups/{group_id}/members", "response 409", status, "the same: " + baton},
	},
	"graph": {
		{"graph…", "request header Client-Request-Id", notDescribed, "goes with every request, for Microsoft's support: " + graphDocs + ", best practices"},
		{"graph GET /users", "request query $skiptoken", notDescribed, "a link to the next page is followed as it came: " + graphDocs + ", paging"},
		{"graph GET /domains", "request query $skiptoken", notDescribed, "the same"},
		{"graph GET /roleManagement/directory/roleAssignments", "request query $skiptoken", notDescribed, "the same"},
		{"graph POST /domains", "request body /id", "readOnly", "the name is what a domain is created with: " + graphDocs + ", domain-post-domains"},
		{"graph GET /roleManagement/directory/roleAssignments", "response 200 body /value/*/resourceScope", notDescribed, "in the sample of " + graphDocs + ", rbacapplication-list-roleassignments"},
		{"graph GET /roleManagement/directory/roleAssignments", "response 200 body /value/*/principal/displayName", notDescribed, "a group, whose type was cut from the description: " + graphDocs + ", group"},
		{"graph GET /roleManagement/directory/roleAssignments", "response 200 body /value/*/principal/isAssignableToRole", notDescribed, "the same"},
		{"graph GET /roleManagement/directory/roleAssignments", "response 200 body /value/*/principal/securityEnabled", notDescribed, "the same"},
		{"POST https://graph.microsoft.com/v1.0/roleManagement/directory/roleAssignments", "response 201 body /resourceScope", notDescribed, "the same object as in the list"},
	},
}
