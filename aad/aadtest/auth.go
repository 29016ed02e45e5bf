package aadtest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/jcaad/jcaad/aad"
)

// AllPermissions are the permissions with which package aad can do everything.
func AllPermissions() []string {
	return []string{
		"Domain.ReadWrite.All", "Domain-InternalFederation.ReadWrite.All", "Organization.Read.All", "Policy.Read.All",
		"User.ReadWrite.All", "User.RevokeSessions.All", "GroupMember.Read.All", "RoleManagement.ReadWrite.Directory", "AuditLog.Read.All",
	}
}

// grant is what a token allows.
type grant struct {
	app, user []string // roles of an application, scopes of a signed-in user
	issued    time.Time
	expires   time.Time
}

// credential issues tokens of a server.
type credential struct {
	s         *Server
	app, user []string
	account   string // who is signed in: an ID, or "" for the first administrator
}

// Credential returns a credential whose tokens carry these permissions of an
// application; without any, all that package aad needs. To have none at all, pass "".
func (s *Server) Credential(permissions ...string) azcore.TokenCredential {
	s.start()
	if len(permissions) == 0 {
		permissions = AllPermissions()
	}
	return &credential{s: s, app: slices.Clone(permissions)}
}

// UserCredential returns a credential of a signed-in user, with these
// delegated permissions. Its tokens name the first user of the tenant who was made
// a Global Administrator; if there is none, an account that is not in the tenant.
// See [Server.SignIn] for another one.
func (s *Server) UserCredential(scopes ...string) azcore.TokenCredential {
	s.start()
	return &credential{s: s, user: append([]string{}, scopes...)}
}

// SignIn returns a credential of this user, with these delegated permissions. It
// panics if there is no such user.
func (s *Server) SignIn(idOrUPN string, scopes ...string) azcore.TokenCredential {
	s.start()
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.lookup(idOrUPN, false)
	if u == nil {
		panic("aadtest: there is no user " + idOrUPN)
	}
	return &credential{s: s, user: append([]string{}, scopes...), account: u.state.Now().ID}
}

// GetToken implements [azcore.TokenCredential].
func (c *credential) GetToken(ctx context.Context, _ policy.TokenRequestOptions) (azcore.AccessToken, error) {
	if err := ctx.Err(); err != nil {
		return azcore.AccessToken{}, err
	}
	token, expires := c.s.issue(c.app, c.user, c.account)
	return azcore.AccessToken{Token: token, ExpiresOn: expires}, nil
}

// RevokeTokens makes the server refuse all tokens issued so far.
func (s *Server) RevokeTokens() {
	s.start()
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.tokens)
}

// servicePrincipal is the application that tokens are issued to, in the tenant.
const servicePrincipal = "00000000-0000-4000-8000-0000000000bb"

// signedIn is whose delegated token it is.
func (s *Server) signedIn(account string) (id, upn string) {
	for _, a := range s.roles {
		if account == "" && a.role == aad.GlobalAdministrator && !a.gone.Now() && s.lookup(a.principal, false) != nil {
			account = a.principal
		}
	}
	if u := s.lookup(account, false); u != nil {
		st := u.state.Now()
		return st.ID, st.UserPrincipalName
	}
	if account != "" {
		return account, "" // deleted since
	}
	return "00000000-0000-4000-8000-0000000000cc", "admin@" + s.InitialDomain
}

// issue makes a token: a JWT without signature, or an opaque one. A user's names the
// account.
func (s *Server) issue(app, user []string, account string) (string, time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	life := s.TokenLifetime
	if life <= 0 {
		life = time.Hour
	}
	g := grant{app: app, user: user, issued: time.Now(), expires: time.Now().Add(life)}
	id := s.newID(0x70ce)
	token := "opaque-" + id
	if !s.OpaqueTokens {
		claims := map[string]any{
			"aud": "https://graph.microsoft.com", "iss": "https://sts.windows.net/" + s.TenantID + "/", "tid": s.TenantID,
			"appid": "00000000-0000-4000-8000-0000000000aa", "iat": g.issued.Unix(), "exp": g.expires.Unix(), "jti": id,
		}
		if user != nil {
			claims["scp"] = strings.Join(user, " ")
			oid, upn := s.signedIn(account)
			claims["oid"], claims["upn"] = oid, upn
		} else {
			claims["roles"], claims["oid"] = app, servicePrincipal
		}
		b, _ := json.Marshal(claims)
		token = base64.RawURLEncoding.EncodeToString([]byte(`{"typ":"JWT","alg":"none"}`)) + "." + base64.RawURLEncoding.EncodeToString(b) + "."
	}
	s.tokens[token] = g
	return token, g.expires
}

// includes maps a permission to those that include it.
var includes = map[string][]string{
	"Domain.Read.All":                    {"Domain.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"},
	"Domain.ReadWrite.All":               nil,
	"Domain-InternalFederation.Read.All": {"Domain-InternalFederation.ReadWrite.All"},
	"federation by ID": {
		"Domain-InternalFederation.Read.All", "Domain-InternalFederation.ReadWrite.All", "Domain.Read.All", "Domain.ReadWrite.All",
	},
	"Domain-InternalFederation.ReadWrite.All": {"Domain.ReadWrite.All"},
	"Policy.Read.All":                         {"Policy.ReadWrite.AuthenticationMethod", "Directory.Read.All"},
	"Organization.Read.All": {
		"Organization.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All", "User.Read.All",
	},
	"User.Read.All":                      {"User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"},
	"User.ReadWrite.All":                 {"Directory.ReadWrite.All"},
	"User.RevokeSessions.All":            {"User.ReadWrite.All", "Directory.ReadWrite.All"},
	"GroupMember.Read.All":               {"Group.Read.All", "Directory.Read.All", "Directory.ReadWrite.All"},
	"RoleManagement.Read.Directory":      {"RoleManagement.ReadWrite.Directory", "Directory.Read.All", "Directory.ReadWrite.All"},
	"RoleManagement.ReadWrite.Directory": nil,
	"AuditLog.Read.All":                  nil,
}

func (g grant) has(need string) bool {
	for _, have := range slices.Concat(g.app, g.user) {
		if have == need || slices.Contains(includes[need], have) {
			return true
		}
	}
	return false
}

// allow reports whether the request's token has a permission; if not, it has been refused.
func (s *Server) allow(w http.ResponseWriter, r *http.Request, need string) bool {
	header := r.Header.Get("Authorization")
	token, bearer := strings.CutPrefix(header, "Bearer ")
	s.mu.Lock()
	g, known := s.tokens[token]
	s.mu.Unlock()
	switch {
	case !bearer || token == "":
		unauthorized(w, "Access token is empty.")
	case !known:
		unauthorized(w, "Access token validation failure.")
	case !time.Now().Before(g.expires):
		unauthorized(w, "Lifetime validation failed, the token is expired.")
	case need != "" && !s.permits(r, g, need):
		refuse(w, &refusal{http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges to complete the operation."})
	default:
		return true
	}
	return false
}

func (s *Server) permits(r *http.Request, g grant, need string) bool {
	if need == "Domain-InternalFederation.ReadWrite.All" && !slices.Contains(slices.Concat(g.app, g.user), need) {
		update := r.Method == http.MethodPatch
		if update && s.Quirks.DomainWriteMayNotUpdate || !update && s.Quirks.DomainWriteIsNotEnough {
			return false
		}
	}
	return g.has(need)
}

func unauthorized(w http.ResponseWriter, message string) {
	w.Header().Set("WWW-Authenticate", `Bearer realm="", `+
		`authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", `+
		`client_id="00000003-0000-0000-c000-000000000000"`)
	refuse(w, &refusal{http.StatusUnauthorized, "InvalidAuthenticationToken", message})
}

// token serves the token endpoint: client credentials, whatever the secret,
// get a token that may do everything.
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	fail := func(status int, code, description string) {
		write(w, status, object{
			"error":             code,
			"error_description": description + "\r\nTrace ID: 0\r\nCorrelation ID: 0\r\nTimestamp: 0",
			"error_codes":       []int{},
		})
	}
	switch {
	case r.FormValue("grant_type") != "client_credentials":
		fail(http.StatusBadRequest, "unsupported_grant_type", "AADSTS70003: The app requested an unsupported grant type.")
	case r.FormValue("client_id") == "":
		fail(http.StatusBadRequest, "invalid_request", "AADSTS900144: The request body must contain the following parameter: 'client_id'.")
	case r.FormValue("client_secret") == "" && r.FormValue("client_assertion") == "":
		fail(http.StatusUnauthorized, "invalid_client", "AADSTS7000216: 'client_assertion', 'client_secret' or 'request' "+
			"is required for the 'client_credentials' grant type.")
	case !strings.HasSuffix(r.FormValue("scope"), "/.default"):
		fail(http.StatusBadRequest, "invalid_scope", "AADSTS70011: The provided value for the input parameter 'scope' is not valid.")
	default:
		token, expires := s.issue(AllPermissions(), nil, "")
		write(w, http.StatusOK, object{"token_type": "Bearer", "expires_in": int(time.Until(expires).Seconds()), "access_token": token})
	}
}

// configuration serves the OpenID configuration that credentials look at first.
func (s *Server) configuration(w http.ResponseWriter, r *http.Request) {
	root := scheme(r) + "://" + r.Host + "/" + s.TenantID
	write(w, http.StatusOK, object{
		"issuer":                 root + "/v2.0",
		"token_endpoint":         root + "/oauth2/v2.0/token",
		"authorization_endpoint": root + "/oauth2/v2.0/authorize",
		"jwks_uri":               root + "/discovery/v2.0/keys",
	})
}
