package aadtest

import (
	"net/http"
	"strings"
	"time"

	"github.com/jcaad/jcaad/internal/reshape"
)

// Shapes choose among forms of answers: what the service may leave out, or say in
// another way, without doing anything else than it does. The zero value is what is likely.
type Shapes struct {
	// ClockAhead is how far the Date of answers is ahead of the real time (aad-clock).
	ClockAhead time.Duration

	// ListsWithoutCertificates leaves the certificates out where federations are listed;
	// what is asked by its ID has them (aad-federation-list).
	ListsWithoutCertificates bool

	// NoStartsWith and NoEndsWith refuse filters with these functions (aad-starts-with,
	// aad-ends-with).
	NoStartsWith, NoEndsWith bool

	// NoCounts leaves @odata.count out of lists, and refuses to count users (aad-counts).
	NoCounts bool

	// NoPrincipals ignores $expand where role assignments are listed (aad-role-expand).
	NoPrincipals bool

	// NoResourceUnits leaves out x-ms-resource-unit, which tells what a request costs
	// (aad-throttle-headers).
	NoResourceUnits bool

	// NoGetUserRealm answers 404 at getuserrealm.srf (aad-realm-srf).
	NoGetUserRealm bool

	// NoRealmProtocol leaves the protocol of a federated domain out of common/userrealm
	// (aad-realm-protocol).
	NoRealmProtocol bool
}

// shape serves r by next, with the answer in the forms that Quirks.Shapes choose.
func (s *Server) shape(w http.ResponseWriter, r *http.Request, next http.Handler) {
	sh := s.Quirks.Shapes
	if sh == (Shapes{}) {
		next.ServeHTTP(w, r)
		return
	}
	reshape.Serve(w, r, next, func(a *reshape.Answer) { sh.edit(r, a) })
}

func (sh *Shapes) edit(r *http.Request, a *reshape.Answer) {
	if sh.ClockAhead != 0 {
		a.Header.Set("Date", time.Now().Add(sh.ClockAhead).UTC().Format(http.TimeFormat))
	}
	if !isGraph(r) {
		sh.editRealm(r, a)
		return
	}
	if sh.NoResourceUnits {
		a.Header.Del("x-ms-resource-unit")
	}
	filter := strings.ToLower(r.URL.Query().Get("$filter"))
	switch {
	case a.Status/100 != 2 || r.Method != http.MethodGet:
	case sh.NoStartsWith && strings.Contains(filter, "startswith("), sh.NoEndsWith && strings.Contains(filter, "endswith("):
		a.Refuse(http.StatusBadRequest, unsupportedQuery)
	case sh.NoCounts && strings.HasSuffix(r.URL.Path, "/$count"):
		a.Refuse(http.StatusBadRequest, unsupportedQuery)
	default:
		a.JSON(func(o map[string]any) { sh.editList(r, o) })
	}
}

const unsupportedQuery = `{"error":{"code":"Request_UnsupportedQuery","message":"Unsupported Query."}}`

func (sh *Shapes) editList(r *http.Request, o map[string]any) {
	if sh.NoCounts {
		delete(o, "@odata.count")
	}
	members := func(path string, names ...string) {
		all, _ := o["value"].([]any)
		for _, v := range all {
			if m, ok := v.(map[string]any); ok && strings.HasSuffix(r.URL.Path, path) {
				for _, name := range names {
					delete(m, name)
				}
			}
		}
	}
	if sh.ListsWithoutCertificates {
		members("/federationConfiguration", "signingCertificate", "nextSigningCertificate")
	}
	if sh.NoPrincipals {
		members("/roleAssignments", "principal")
	}
}

func (sh *Shapes) editRealm(r *http.Request, a *reshape.Answer) {
	switch {
	case sh.NoGetUserRealm && strings.HasSuffix(r.URL.Path, "/getuserrealm.srf"):
		a.Status, a.Body = http.StatusNotFound, nil
	case sh.NoRealmProtocol && strings.HasPrefix(r.URL.Path, "/common/userrealm/"):
		a.JSON(func(o map[string]any) { delete(o, "federation_protocol") })
	}
}
