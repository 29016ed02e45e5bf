package aad

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Permissions is what the client's token says that it may do. Microsoft Graph
// has the last word: a signed-in user also needs a directory role.
type Permissions struct {
	AppOnly  bool     // the token is an application's own, without a signed-in user
	Granted  []string // names of permissions, such as "Domain.Read.All"
	TenantID string   // the tenant that issued the token
	AppID    string   // the application that it was issued to

	// ObjectID and UserPrincipalName say whose token it is: the account that is
	// signed in, or, for an application's own, the ID of its service principal and
	// no name. Like everything here they are read from the token and not verified:
	// they are to be shown, and decide nothing. A token may lack either.
	ObjectID          string
	UserPrincipalName string
}

// Has reports whether the permission is in the token, or one that includes it:
// Domain.ReadWrite.All includes Domain.Read.All.
func (p *Permissions) Has(name string) bool {
	for _, g := range p.Granted {
		if strings.EqualFold(g, name) {
			return true
		}
		if i := strings.Index(name, ".Read."); i >= 0 && strings.EqualFold(g, name[:i]+".ReadWrite."+name[i+len(".Read."):]) {
			return true
		}
	}
	return false
}

// Missing returns what the token lacks. Each of needed is a list of permissions of
// which one is enough; of those that are lacking altogether, the first, which
// should be the least privileged one, is returned.
func (p *Permissions) Missing(needed ...[]string) []string {
	var missing []string
	for _, any := range needed {
		if len(any) > 0 && !slices.ContainsFunc(any, p.Has) && !slices.Contains(missing, any[0]) {
			missing = append(missing, any[0])
		}
	}
	return missing
}

// Permissions returns the permissions in the client's token, which is read and not
// verified: that is the service's business. A token that cannot be read is
// [ErrOpaqueToken].
//
// No request to Graph is made. The credential is asked for a token if there is none yet.
func (c *Client) Permissions(ctx context.Context) (*Permissions, error) {
	const op = "read the token"
	token, err := c.tokens.get(ctx)
	if err != nil {
		e := &Error{Op: op, Err: err}
		if _, ok := err.(*credentialError); ok {
			e.meaning = ErrUnauthenticated
		}
		return nil, e
	}
	var claims struct {
		Roles []string
		Scp   string
		Tid   string
		Appid string
		Azp   string
		Idtyp string
		Oid   string
		Upn   string
	}
	parts := strings.Split(token.Reveal(), ".")
	if len(parts) < 2 {
		return nil, &Error{Op: op, Err: fmt.Errorf("%w: it is not a JWT", ErrOpaqueToken)}
	}
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil || json.Unmarshal(b, &claims) != nil {
		return nil, &Error{Op: op, Err: fmt.Errorf("%w: its claims cannot be read", ErrOpaqueToken)}
	}
	p := &Permissions{TenantID: claims.Tid, AppID: claims.Appid, ObjectID: claims.Oid, UserPrincipalName: claims.Upn}
	if p.AppID == "" {
		p.AppID = claims.Azp
	}
	if claims.Scp != "" {
		p.Granted = strings.Fields(claims.Scp)
	} else {
		p.AppOnly = true
		p.Granted = claims.Roles
	}
	return p, nil
}
