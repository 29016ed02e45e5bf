package trace

import (
	"net/url"
	"strings"
)

const hidden = "{id}"

// words are the segments of paths of the two services that are no names of anything.
var words = func() map[string]bool {
	const list = `
	$batch $count $ref administrators api application-templates applications associations auditLogs beta certificate.pem common
	connect default digestmethod directories directory domains events federatedTokenValidationPolicy federationConfiguration
	getuserrealm.srf GetUserRealm.srf groups import insights integrations login logout me members membership memberOf metadata.xml
	microsoft.graph.user microsoft.graph.group oauth oauth2 office365s organization organizations policies promote providers
	revokeSignInSessions roleAssignments roleDefinitions roleManagement saml2 search serviceConfigurationRecords servicePrincipals
	signIns subscribedSkus systemusers token translationrules transitiveMembers usergroups userrealm users v1 v1.0 v2 v2.0
	verificationDnsRecords verify`
	m := make(map[string]bool)
	for _, w := range strings.Fields(list) {
		m[w] = true
	}
	return m
}()

// Template returns the path of a URL with all that is not a word of the services'
// interfaces as {id}. At most 12 segments are shown.
func Template(u *url.URL) string {
	const most = 12
	var b strings.Builder
	n := 0
	for segment := range strings.SplitSeq(strings.Trim(u.EscapedPath(), "/"), "/") {
		if n++; n > most {
			b.WriteString("/…")
			break
		}
		if segment != "" && !words[segment] {
			segment = hidden
		}
		b.WriteByte('/')
		b.WriteString(segment)
	}
	return b.String()
}
