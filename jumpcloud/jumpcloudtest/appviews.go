package jumpcloudtest

import (
	"maps"
	"net/http"
)

// appViewFields are those of applications in v2.
var appViewFields = []string{"_id", "name", "displayName", "displayLabel", "description", "color", "logo", "organization", "sso"}

// appViewRoutes serve v2's view of applications, which no description has: what it
// holds is what a published client reads, without settings and certificate.
func (s *Server) appViewRoutes(mux *http.ServeMux) {
	list := func(c *call) reply {
		var all []object
		for _, a := range s.apps.list(s.ListLag) {
			all = append(all, s.viewApp(s.behind(a, "certificate in lists", s.Quirks.CertificateLag)))
		}
		return v2list(s, c, all, appViewFields...)
	}
	s.route(mux, "GET /api/v2/applications", "applications.readonly", list)
	s.route(mux, "GET /api/v2/applications/{$}", "applications.readonly", list) // as that client asks
	s.route(mux, "GET /api/v2/applications/{id}", "applications.readonly", func(c *call) reply {
		if a := s.apps.read(c.PathValue("id"), s.GetLag); a != nil {
			return ok(s.viewApp(s.behind(a, "certificate", s.Quirks.CertificateLag)))
		}
		return notFound
	})
}

// viewApp is an application as v2 shows it.
func (s *Server) viewApp(a *app) object {
	shown := s.render(a)
	sso := asObject(shown["sso"])
	view := object{"active": raw(a.active()), "url": raw(a.text("ssoUrl")), "certExpired": raw(false)}
	for _, key := range []string{"type", "hidden", "beta", "idpCertExpirationAt", "idpCertificateUpdatedAt", "idpPrivateKeyUpdatedAt"} {
		if v, ok := sso[key]; ok {
			view[key] = v
		}
	}
	if c := parseValue(a.value("idpCertificate")); c != nil {
		view["certExpired"] = raw(s.now().After(c.NotAfter))
	}
	out := object{"sso": raw(view)}
	maps.Copy(out, only(shown, appViewFields[:len(appViewFields)-1]))
	return out
}
