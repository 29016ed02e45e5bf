package jumpcloudtest

import "net/http"

func (s *Server) organizationRoutes(mux *http.ServeMux) {
	s.route(mux, "GET /api/organizations", "organizations.readonly", func(c *call) reply {
		var all []object
		for _, o := range append([]*Server{s}, s.orgs...) {
			all = append(all, o.renderOrganization())
		}
		return s.v1list(c, all, "_id")
	})
	s.route(mux, "GET /api/organizations/{org}", "organizations.readonly", func(c *call) reply {
		if c.PathValue("org") != s.orgID() { // another of the credential's answers itself
			return notFound
		}
		o := s.renderOrganization()
		for _, f := range fieldsOf(c.URL.Query().Get("fields")) {
			if _, known := o[f]; !known {
				return unmodelled("the field " + f + " of an organization")
			}
		}
		return ok(project(o, c.URL.Query().Get("fields")))
	})
}

// renderOrganization is the organisation as lists show it. Asked by its ID it shows
// more, such as settings, which are not modelled: the fields are those of the list.
func (s *Server) renderOrganization() object {
	id := raw(s.orgID())
	return object{
		"_id": id, "id": id, "displayName": raw(s.organization()), "logoUrl": raw(nil), "created": raw("2021-02-11T20:57:14.837Z"),
	}
}
