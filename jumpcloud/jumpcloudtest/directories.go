package jumpcloudtest

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/jcaad/jcaad/jumpcloud"
)

// dir is a directory of any type. It is never changed, only replaced.
type dir struct {
	id, name string
	t        jumpcloud.ObjectType
	oauth    *jumpcloud.OAuthStatus
	def      string // ID of the default domain
	groups   bool
	lockout  string
	expiry   string
}

type domain struct{ id, dir, name string }

type rule struct {
	dir       string
	ID        string `json:"id"`
	BuiltIn   string `json:"builtIn"`
	Direction string `json:"direction"`
}

// syncStatus is the status as JumpCloud writes it.
type syncStatus struct {
	Code     json.RawMessage `json:"code,omitempty"`
	Message  string          `json:"message"`
	Details  json.RawMessage `json:"details,omitempty"`
	SyncedAt *time.Time      `json:"syncedAt,omitempty"`
}

func (s *Server) directoryRoutes(mux *http.ServeMux) {
	s.route(mux, "GET /api/v2/directories", "directories.readonly", func(c *call) reply {
		var all []any
		for _, d := range s.dirs.list(s.ListLag) {
			all = append(all, s.renderDirectory(d))
		}
		return v2list(s, c, all, "id", "name", "type", "organizationId", "defaultDomain", "oAuthStatus")
	})
	s.route(mux, "GET /api/v2/office365s", "directories.readonly", func(c *call) reply {
		if !s.Quirks.ListOffice365s {
			return notFound
		}
		var all []any
		for _, d := range s.dirs.list(s.ListLag) {
			if d.t == jumpcloud.DirectoryObject {
				all = append(all, s.renderOffice365(d))
			}
		}
		return v2list(s, c, all, "id", "name", "groupsEnabled", "userLockoutAction", "userPasswordExpirationAction", "defaultDomain")
	})
	office := func(pattern, scope string, f func(*call, *dir) reply) {
		method, path, _ := strings.Cut(pattern, " ")
		s.route(mux, method+" /api/v2/office365s/{id}"+path, scope, func(c *call) reply {
			d := s.dirs.get(c.PathValue("id"))
			if d == nil || d.t != jumpcloud.DirectoryObject {
				return notFound
			}
			return f(c, d)
		})
	}
	const read, write = "directories.readonly", "directories"
	office("GET ", read, func(_ *call, d *dir) reply {
		if d = s.dirs.read(d.id, s.GetLag); d == nil {
			return notFound
		}
		return ok(s.renderOffice365(d))
	})
	office("PATCH ", write, s.patchOffice365)
	office("GET /domains", read, s.listDomains)
	office("POST /domains", write, s.addDomain)
	office("DELETE /domains/{domain}", write, s.deleteDomain)
	office("GET /translationrules", read, func(c *call, d *dir) reply {
		var all []*rule
		for _, r := range s.rules.list(s.ListLag) {
			if r.dir == d.id {
				all = append(all, r)
			}
		}
		return v2list(s, c, all, "id", "builtIn", "direction")
	})
	office("POST /translationrules", write, s.addRule)
	office("GET /translationrules/{rule}", read, func(c *call, d *dir) reply {
		if r := s.rules.read(c.PathValue("rule"), s.GetLag); r != nil && r.dir == d.id {
			return ok(r)
		}
		return notFound
	})
	office("DELETE /translationrules/{rule}", write, func(c *call, d *dir) reply {
		r := s.rules.get(c.PathValue("rule"))
		if r == nil || r.dir != d.id {
			return notFound
		}
		s.rules.put(r.ID, nil)
		c.change(jumpcloud.DirectoryObject, d.id)
		return noContent
	})
	office("GET /import/users", read, s.importUsers)
}

func (s *Server) renderDirectory(d *dir) map[string]any {
	out := map[string]any{"id": d.id, "name": d.name, "type": d.t, "organizationId": s.orgID()}
	if dom := s.domains.get(d.def); dom != nil {
		out["defaultDomain"] = map[string]string{"id": dom.id, "domain": dom.name}
	}
	if o := d.oauth; o != nil {
		st := map[string]any{}
		if !o.Expiry.IsZero() { // protobuf's JSON quotes 64-bit numbers
			st["expiry"] = map[string]string{"seconds": strconv.FormatInt(o.Expiry.Unix(), 10)}
		}
		if o.Error != "" {
			st["error"], st["errorMessage"] = o.Error, o.Message
		}
		out["oAuthStatus"] = st
	}
	return out
}

func (s *Server) renderOffice365(d *dir) map[string]any {
	def := map[string]string{}
	if dom := s.domains.get(d.def); dom != nil {
		def["id"], def["domain"] = dom.id, dom.name
	}
	return map[string]any{
		"id": d.id, "name": d.name, "groupsEnabled": d.groups,
		"userLockoutAction": d.lockout, "userPasswordExpirationAction": d.expiry, "defaultDomain": def,
	}
}

func (s *Server) patchOffice365(c *call, old *dir) reply {
	if name := office365Forms.strange(c.body); name != "" {
		return mistyped(name)
	}
	if v, sent := c.body["name"]; sent && plain(v) == "" {
		return unmodelled("a directory without a name")
	}
	d := *old
	for key, v := range c.body {
		switch key {
		case "name":
			d.name = plain(v)
		case "groupsEnabled":
			d.groups = string(v) == "true"
		case "userLockoutAction", "userPasswordExpirationAction":
			action := plain(v)
			if action != "suspend" && action != "maintain" {
				return invalid(key + " must be suspend or maintain")
			}
			if key == "userLockoutAction" {
				d.lockout = action
			} else {
				d.expiry = action
			}
		case "defaultDomain":
			var w struct{ ID string }
			json.Unmarshal(v, &w)
			if dom := s.domains.get(w.ID); w.ID != "" && (dom == nil || dom.dir != d.id) {
				return notFound
			}
			d.def = w.ID
		}
	}
	s.dirs.put(d.id, &d)
	c.change(jumpcloud.DirectoryObject, d.id)
	return ok(s.renderOffice365(&d))
}

func (s *Server) renderDomain(d *domain) map[string]any {
	dir := s.dirs.get(d.dir)
	return map[string]any{"objectId": d.id, "domain": d.name, "default": dir != nil && dir.def == d.id, "resourceObjectId": d.dir}
}

func (s *Server) listDomains(c *call, d *dir) reply {
	var all []any
	for _, dom := range s.domains.list(s.ListLag) {
		if dom.dir == d.id {
			all = append(all, s.renderDomain(dom))
		}
	}
	from, to := s.window(c, len(all))
	out := map[string]any{"domains": append([]any{}, all[from:to]...), "totalCount": len(all)}
	if s.Quirks.StringTotals {
		out["totalCount"] = strconv.Itoa(len(all))
	}
	return ok(out)
}

func (s *Server) addDomain(c *call, d *dir) reply {
	name := c.str("domain")
	if name == "" {
		return answer(http.StatusBadRequest, map[string]any{"code": 3, "message": "domain is required", "details": []any{}}) // google.rpc.Status
	}
	for _, dom := range s.domains.all() {
		if strings.EqualFold(dom.name, name) {
			return exists
		}
	}
	dom := &domain{s.newID(kindDomain), d.id, name}
	s.domains.put(dom.id, dom)
	c.change(jumpcloud.DirectoryObject, d.id)
	return ok(map[string]any{"domain": s.renderDomain(dom)})
}

func (s *Server) deleteDomain(c *call, d *dir) reply {
	dom := s.domains.get(c.PathValue("domain"))
	if dom == nil || dom.dir != d.id {
		return notFound
	}
	out := s.renderDomain(dom)
	s.domains.put(dom.id, nil)
	if d.def == dom.id {
		n := *d
		n.def = ""
		s.dirs.put(d.id, &n)
	}
	c.change(jumpcloud.DirectoryObject, d.id)
	return ok(map[string]any{"domain": out})
}

// builtIns are the translations that JumpCloud has.
var builtIns = map[string]bool{
	"user_alternate_email": true, "user_business_phones": true, "user_city": true, "user_country": true, "user_department": true,
	"user_job_title": true, "user_manager": true, "user_mobile_phone": true, "user_office_location": true, "user_postal_code": true,
	"user_principal_name_from_alternate_email": true, "user_state": true, "user_street_address": true,
}

func (s *Server) addRule(c *call, d *dir) reply {
	r := &rule{dir: d.id, BuiltIn: c.str("builtIn"), Direction: "export"}
	if _, sent := c.body["direction"]; sent { // JumpCloud's client for Go does not send it
		r.Direction = c.str("direction")
	}
	if !builtIns[r.BuiltIn] || r.Direction != "export" {
		return answer(http.StatusBadRequest, map[string]any{"code": 400, "status": "Bad Request", "message": "invalid translation rule",
			"details": []any{map[string]any{"@type": "type.googleapis.com/google.rpc.BadRequest"}}})
	}
	for _, other := range s.rules.all() {
		if other.dir == d.id && other.BuiltIn == r.BuiltIn {
			return exists
		}
	}
	r.ID = s.newID(kindRule)
	s.rules.put(r.ID, r)
	c.change(jumpcloud.DirectoryObject, d.id)
	return answer(http.StatusCreated, r)
}

func (s *Server) syncOf(dirID, userID string) jumpcloud.BoundUser {
	st, ok := s.sync[[2]string{dirID, userID}]
	if !ok && s.Sync != nil {
		st = s.Sync(dirID, userID)
	}
	return st
}

func render(st *jumpcloud.SyncStatus) *syncStatus {
	if st == nil {
		return nil
	}
	out := &syncStatus{Message: st.Message, Details: st.Details}
	if n, err := strconv.Atoi(st.Code); err == nil {
		out.Code = raw(n)
	} else if st.Code != "" {
		out.Code = raw(st.Code)
	}
	if !st.SyncedAt.IsZero() {
		out.SyncedAt = &st.SyncedAt
	}
	return out
}

// appendBound writes a generated bound user, fast.
func appendBound(b []byte, o jumpcloud.Object, u jumpcloud.BoundUser, with bool) []byte {
	b = append(b, `{"id":"`...)
	b = append(b, u.UserID...)
	b = append(b, `","type":"user","compiledAttributes":{},"paths":[[{"attributes":null,"to":{"attributes":null,"id":"`...)
	b = append(b, u.UserID...)
	b = append(b, `","type":"user"}}]]`...)
	if with && u.ExternalID != "" {
		b = append(append(append(b, `,"externalId":"`...), u.ExternalID...), '"')
	}
	if with && u.Sync != nil {
		b = append(append(b, `,"syncStatus":`...), raw(render(u.Sync))...)
	}
	return append(b, '}')
}
