package jumpcloudtest

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const tokenPath = "/oauth2/token"

var wrongKey = fail(http.StatusUnauthorized, `{"error":"Unauthorized","message":"Unauthorized: api key user not found"}`)

// admit checks the credential, the organisation and the scope of a request.
func (s *Server) admit(r *http.Request, scope string) (reply, bool) {
	key, bearer := r.Header.Get("X-Api-Key"), r.Header.Get("Authorization")
	f := s.front()
	switch {
	case key == "" && bearer == "":
		return reply{status: http.StatusFound, where: "/login"}, false
	case f.foreign(r.Host):
		return wrongKey, false
	case key != "":
		if f.APIKey != "" && key != f.APIKey {
			return wrongKey, false
		}
	default:
		f.mu.Lock()
		expiry, known := f.tokens[strings.TrimPrefix(bearer, "Bearer ")]
		f.mu.Unlock()
		if !known || !time.Now().Before(expiry) {
			return fail(http.StatusUnauthorized, `{"error":"Unauthorized","message":"Unauthorized"}`), false
		}
	}
	if out, ok := s.admitOrg(r); !ok {
		return out, false
	}
	if scope != "" && f.Scopes != nil && !slices.ContainsFunc(f.Scopes, func(have string) bool {
		return have == scope || have+".readonly" == scope
	}) {
		return fail(http.StatusForbidden, `{"message":"Forbidden"}`), false
	}
	return reply{}, true
}

// foreign reports whether host is the console of another region, or the host of its events.
func (s *Server) foreign(host string) bool {
	hosts := map[string]string{
		"console.jumpcloud.com": "", "console.eu.jumpcloud.com": "eu", "console.in.jumpcloud.com": "in",
		"api.jumpcloud.com": "", "api.eu.jumpcloud.com": "eu", "api.in.jumpcloud.com": "in",
	}
	region, known := hosts[host]
	return known && region != string(s.Region)
}

// ownOrg are the paths that do not take x-org-id.
var ownOrg = []string{
	"/api/search/organizations", "/api/organizations", "/api/users",
	"/api/v2/organizations", "/api/v2/administrators", "/api/v2/providers", "/api/v2/integrations/",
}

// organizationOf returns which of the added organisations a request is for; nil if
// none. The path of metadata names it, the login URL of an application is one of
// its own, all others leave it to x-org-id.
func (s *Server) organizationOf(r *http.Request) *Server {
	if !ofAPI(r) {
		if o := s.hostOf(r); o != s {
			return o
		}
		return nil
	}
	id := r.Header.Get("X-Org-Id")
	if rest, ok := strings.CutPrefix(r.URL.Path, "/api/organizations/"); ok {
		id, _, _ = strings.Cut(rest, "/")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return find(s.orgs, func(o *Server) bool { return o.orgID() == id })
}

func (s *Server) admitOrg(r *http.Request) (reply, bool) {
	id := r.Header.Get("X-Org-Id") // an empty one is fine
	own := slices.ContainsFunc(ownOrg, func(p string) bool { return strings.HasPrefix(r.URL.Path, p) })
	metadata := strings.HasSuffix(r.URL.Path, "/metadata.xml")
	switch {
	case id == "" && s.Quirks.RequireMetadataOrg && metadata:
		return fail(http.StatusBadRequest, `{"message":"x-org-id is required"}`), false
	case id == "":
		if s.MultiTenant && !own {
			return fail(http.StatusUnauthorized, `{"message":"Unauthorized: an organization must be selected"}`), false
		}
		return reply{}, true
	case len(id) != 24 || strings.Trim(id, "0123456789abcdef") != "":
		return fail(http.StatusBadRequest, `{"message":"Bad Request: malformed organization id"}`), false
	case metadata:
		if strings.HasPrefix(r.URL.Path, "/api/organizations/"+id+"/") {
			return reply{}, true
		}
		return fail(http.StatusBadRequest, `{"message":"Bad Request: organization id in header and path differ"}`), false
	case own:
		return fail(http.StatusForbidden, `{"message":"Forbidden: this route takes no organization id"}`), false
	}
	if id != s.orgID() {
		return fail(http.StatusNotFound, `{"message":"Not Found: organization"}`), false
	}
	return reply{}, true
}

// token is the OAuth token endpoint for service accounts.
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	s = s.front()
	refuse := func(status int, code string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(map[string]string{"error": code, "error_description": "the request was refused"})
	}
	id, secret, ok := r.BasicAuth()
	if ok { // RFC 6749, 2.3.1
		id, _ = url.QueryUnescape(id)
		secret, _ = url.QueryUnescape(secret)
	}
	switch {
	case !ok || s.ClientID != "" && id != s.ClientID || s.ClientSecret != "" && secret != s.ClientSecret:
		refuse(http.StatusUnauthorized, "invalid_client")
		return
	case r.ParseForm() != nil || r.PostForm.Get("grant_type") != "client_credentials":
		refuse(http.StatusBadRequest, "unsupported_grant_type")
		return
	case r.PostForm.Get("scope") != "api":
		refuse(http.StatusBadRequest, "invalid_scope")
		return
	}
	life := cmp.Or(s.TokenLifetime, time.Hour)
	token := rand.Text()
	s.mu.Lock()
	if s.tokens == nil {
		s.tokens = map[string]time.Time{}
	}
	s.tokens[token] = time.Now().Add(life)
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"access_token": token, "token_type": "bearer", "expires_in": int(life.Seconds())})
}

// RevokeTokens ends all tokens of service accounts.
func (s *Server) RevokeTokens() {
	s = s.front()
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.tokens)
}
