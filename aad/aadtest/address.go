package aadtest

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// address is how a request to Graph was addressed, before it was put into the form
// that the operations have.
type address struct {
	url    *url.URL // as it was sent
	quoted bool     // a key was in parentheses
}

type addressKey struct{}

// asked returns how a request was addressed.
func asked(r *http.Request) address {
	if a, ok := r.Context().Value(addressKey{}).(address); ok {
		return a
	}
	return address{url: r.URL}
}

// canonical puts a request into the form of the operations: without the tenant in the
// path, and with keys between slashes instead of parentheses.
func (s *Server) canonical(r *http.Request) (*http.Request, *refusal) {
	a := address{url: r.URL}
	segments := strings.Split(strings.TrimPrefix(r.URL.EscapedPath(), "/v1.0/"), "/")
	if name, err := url.PathUnescape(segments[0]); err == nil && s.isTenant(name) {
		segments = segments[1:]
	}
	path, raw := "/v1.0", "/v1.0"
	for _, segment := range segments {
		plain, err := url.PathUnescape(segment)
		if err != nil {
			return nil, bad("The request URI is not valid.")
		}
		name, key, ok := strings.Cut(plain, "('")
		key, ends := strings.CutSuffix(key, "')")
		switch {
		case ok && ends && strings.ContainsAny(name, "(="):
			return nil, notModelled("the key %s", plain)
		case ok && (!ends || name == "" || key == "" || strings.Contains(strings.ReplaceAll(key, "''", ""), "'")):
			return nil, noSegment(plain)
		case ok:
			a.quoted = true
			key = strings.ReplaceAll(key, "''", "'")
			path, raw = path+"/"+name+"/"+key, raw+"/"+url.PathEscape(name)+"/"+url.PathEscape(key)
		case strings.Contains(plain, "(") && strings.Contains(plain, "='"):
			return nil, notModelled("the key %s", plain)
		case strings.HasSuffix(plain, "()") || plain == "delta":
			return nil, notModelled("the function %s", plain)
		case plain == "$count" && path != "/v1.0/users" || plain == "$ref" || plain == "$value":
			return nil, notModelled("%s %s/%s", r.Method, strings.TrimPrefix(path, "/v1.0"), plain)
		default:
			path, raw = path+"/"+plain, raw+"/"+segment
		}
	}
	u := *r.URL
	u.Path, u.RawPath = path, raw
	out := r.WithContext(context.WithValue(r.Context(), addressKey{}, a))
	out.URL = &u
	return out, nil
}

// isTenant reports whether a name in a path is the tenant's: its ID, or one of its
// domains.
func (s *Server) isTenant(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.find(name)
	return strings.EqualFold(name, s.TenantID) || d != nil && d.state.Now().isVerified
}

func noSegment(name string) *refusal {
	return &refusal{http.StatusBadRequest, "BadRequest", "Resource not found for the segment '" + name + "'."}
}

// roots are what addresses of Graph begin with.
var roots = strings.Fields(`
	$metadata admin administrativeUnits agreementAcceptances agreements appCatalogs applicationTemplates applications
	auditLogs authenticationMethodConfigurations authenticationMethodsPolicy certificateBasedAuthConfiguration chats
	communications compliance connections contacts contracts copilot dataPolicyOperations deviceAppManagement
	deviceManagement devices directory directoryObjects directoryRoleTemplates directoryRoles domainDnsRecords domains
	drives education employeeExperience external filterOperators functions groupLifecyclePolicies groupSettingTemplates
	groupSettings groups identity identityGovernance identityProtection identityProviders informationProtection
	invitations me myorganization oauth2PermissionGrants organization permissionGrants places planner policies print privacy reports
	roleManagement schemaExtensions scopedRoleMemberships search security servicePrincipals shares sites solutions
	storage subscribedSkus subscriptions teams teamsTemplates teamwork tenantRelationships users`)

// elsewhere refuses what no operation is there for: what Graph has by its name.
func elsewhere(r *http.Request) *refusal {
	path := strings.TrimPrefix(r.URL.Path, "/v1.0")
	root, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if root != "" && !slices.ContainsFunc(roots, func(s string) bool { return strings.EqualFold(s, root) }) {
		return noSegment(root)
	}
	return notModelled("%s %s", r.Method, path)
}

// serveGraph serves a request to Graph, however it is addressed.
func (s *Server) serveGraph(operations http.Handler, w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.URL.Path, "/v1.0/") {
		if s.allow(w, r, "") {
			refuse(w, notModelled("%s %s", r.Method, r.URL.Path))
		}
		return
	}
	in, e := s.canonical(r)
	if e != nil {
		if s.allow(w, r, "") {
			refuse(w, e)
		}
		return
	}
	operations.ServeHTTP(w, in)
	r.Pattern = in.Pattern // for the log
}
