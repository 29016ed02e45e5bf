package aad

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/jcaad/jcaad/internal/perm"
	"github.com/jcaad/jcaad/internal/rest"
)

// NewUser is a user to be created.
type NewUser struct {
	UserPrincipalName string // on a domain of the tenant
	DisplayName       string
	MailNickname      string // default: what stands before the @
	Password          Secret
	ForceChange       bool   // the user has to choose another password at the first sign-in
	ImmutableID       string // required on a federated domain
	UsageLocation     string // two letters; needed before a licence can be assigned
	Disabled          bool
}

// CreateUser creates a user who lives in the cloud only.
// On a federated domain the service demands an immutable ID. A user principal
// name that is taken is [ErrConflict].
//
//	POST /users; User.ReadWrite.All; not repeated when the answer is lost
func (c *Client) CreateUser(ctx context.Context, u NewUser) (*User, error) {
	r := &rest.Request{Method: http.MethodPost, Path: "users", Class: rest.Create, Permission: perm.UserWrite}
	var errs []error
	need := func(name string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s %w", name, err))
		}
	}
	need("userPrincipalName", checkUPN(u.UserPrincipalName))
	need("displayName", checkText(u.DisplayName))
	if u.MailNickname == "" {
		u.MailNickname, _, _ = strings.Cut(u.UserPrincipalName, "@")
	}
	if u.Password.IsZero() {
		need("password", errMissing)
	}
	if u.ImmutableID != "" {
		need("onPremisesImmutableId", checkImmutableID(u.ImmutableID))
	}
	if len(errs) > 0 {
		return nil, invalid(r.Method+" "+r.Path, errs...)
	}
	body := map[string]any{
		"accountEnabled":    !u.Disabled,
		"userPrincipalName": u.UserPrincipalName,
		"displayName":       u.DisplayName,
		"mailNickname":      u.MailNickname,
		"passwordProfile": map[string]any{
			"password":                      u.Password.Reveal(),
			"forceChangePasswordNextSignIn": u.ForceChange,
		},
	}
	if u.ImmutableID != "" {
		body["onPremisesImmutableId"] = u.ImmutableID
	}
	if u.UsageLocation != "" {
		body["usageLocation"] = u.UsageLocation
	}
	r.Body = body
	var made entity[User]
	resp, err := c.do(ctx, r, &made)
	if err != nil {
		return nil, err
	}
	return made.get(r, resp, userID)
}

func checkUPN(s string) error {
	if s == "" {
		return errMissing
	}
	if err := checkUserID(s); err != nil {
		return errors.New("has a character that user principal names do not have")
	}
	i := strings.LastIndex(s, "@")
	if i <= 0 {
		return errors.New("is not a name, an at sign and a domain")
	}
	if _, err := domainName(s[i+1:]); err != nil {
		return errors.New("is not a name, an at sign and a domain")
	}
	return nil
}

func checkImmutableID(s string) error {
	if strings.ContainsAny(s, "$_") {
		return errors.New("has a $ or a _ in it, which the service refuses")
	}
	return checkText(s)
}

// SetImmutableID sets the ID that a federated sign-in is matched with; "" clears
// it. The service refuses users that come from a directory on the premises, and may
// refuse users whose name is on a federated domain: set the IDs before federating.
// An ID with $ or _ in it is refused here.
//
//	PATCH /users/{id}; User.ReadWrite.All; safe to repeat
func (c *Client) SetImmutableID(ctx context.Context, id, immutableID string) error {
	if immutableID == "" {
		return c.patchUser(ctx, id, map[string]any{"onPremisesImmutableId": nil}, nil) // "" would not clear it
	}
	err := checkImmutableID(immutableID)
	if err != nil {
		err = fmt.Errorf("onPremisesImmutableId %w", err)
	}
	return c.patchUser(ctx, id, map[string]any{"onPremisesImmutableId": immutableID}, err)
}

// SetUserPrincipalName renames a user. A name that is taken is [ErrConflict].
//
//	PATCH /users/{id}; User.ReadWrite.All; safe to repeat
func (c *Client) SetUserPrincipalName(ctx context.Context, id, upn string) error {
	err := checkUPN(upn)
	if err != nil {
		err = fmt.Errorf("userPrincipalName %w", err)
	}
	return c.patchUser(ctx, id, map[string]any{"userPrincipalName": upn}, err)
}

func (c *Client) patchUser(ctx context.Context, id string, body any, err error) error {
	path, arg := userPath(id)
	r := &rest.Request{Method: http.MethodPatch, Path: path, Args: []string{arg}, Body: body, Class: rest.Idempotent,
		Permission: perm.UserWrite}
	if err := errors.Join(checkUserID(id), err); err != nil {
		return invalid(r.Method+" "+r.Path, err)
	}
	_, err = c.do(ctx, r, nil)
	return err
}

// DeleteUser deletes a user; for 30 days the service can restore it. A user who
// is not there is a success.
//
//	DELETE /users/{id}; User.ReadWrite.All; safe to repeat
func (c *Client) DeleteUser(ctx context.Context, id string) error {
	path, arg := userPath(id)
	r := &rest.Request{Method: http.MethodDelete, Path: path, Args: []string{arg}, Class: rest.Idempotent, Permission: perm.UserWrite}
	if err := checkUserID(id); err != nil {
		return invalid(r.Method+" "+r.Path, err)
	}
	if _, err := c.do(ctx, r, nil); !errors.Is(err, ErrNotFound) {
		return err
	}
	return nil
}

// RevokeSignInSessions ends the sign-in sessions of a user: refresh tokens and
// browser sessions that were issued before are not taken any more, and who has one
// has to sign in again. Access tokens live on until they expire, within some hours.
// The service needs minutes for it.
//
// A signed-in administrator needs a directory role too, and for users with a role
// a higher one; an application needs one for such users. Without it, that is
// [ErrDenied]. An answer that does not say that it was done, or says that it was
// not, is [ErrUnavailable] and [ErrOutcomeUnknown].
//
//	POST /users/{id}/revokeSignInSessions; User.RevokeSessions.All, which User.ReadWrite.All includes;
//	safe to repeat
func (c *Client) RevokeSignInSessions(ctx context.Context, id string) error {
	path, arg := userPath(id)
	r := &rest.Request{Method: http.MethodPost, Path: path + "/revokeSignInSessions", Args: []string{arg}, Class: rest.Idempotent,
		Permission: perm.RevokeSessions}
	if err := checkUserID(id); err != nil {
		return invalid(r.Method+" "+r.Path, err)
	}
	var answer []byte
	resp, err := c.do(ctx, r, &answer)
	if err != nil {
		return err
	}
	var done struct{ Value *bool }
	switch {
	case len(bytes.TrimSpace(answer)) == 0:
		return nil
	case json.Unmarshal(answer, &done) != nil || done.Value == nil:
		return unusable(r, resp, errors.New("the answer does not say whether the sessions were revoked"))
	case !*done.Value:
		return unusable(r, resp, errors.New("the service says that the sessions were not revoked"))
	}
	return nil
}
