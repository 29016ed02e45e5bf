package jumpcloud

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"strings"

	"github.com/jcaad/jcaad/internal/rest"
	"github.com/jcaad/jcaad/internal/text"
)

const office365Path = "api/v2/office365s/{office365_id}"

// Office365 is a Microsoft 365 directory.
type Office365 struct {
	ID, Name                     string
	GroupsEnabled                bool
	UserLockoutAction            string // "suspend" or "maintain"
	UserPasswordExpirationAction string // the same
	DefaultDomain                *DirectoryDomain
}

// UnmarshalJSON reads JumpCloud's form of the directory.
func (o *Office365) UnmarshalJSON(b []byte) error {
	var w struct {
		ID                           string           `json:"id"`
		Name                         string           `json:"name"`
		GroupsEnabled                bool             `json:"groupsEnabled"`
		UserLockoutAction            string           `json:"userLockoutAction"`
		UserPasswordExpirationAction string           `json:"userPasswordExpirationAction"`
		DefaultDomain                *DirectoryDomain `json:"defaultDomain"`
	}
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	*o = Office365{w.ID, w.Name, w.GroupsEnabled, w.UserLockoutAction, w.UserPasswordExpirationAction, domainOrNil(w.DefaultDomain)}
	return nil
}

// Office365 returns a Microsoft 365 directory: GET /api/v2/office365s/{id},
// scope directories.readonly. Its ID is that of a [Directory] of type
// [DirectoryObject].
func (c *Client) Office365(ctx context.Context, id string) (*Office365, error) {
	return c.office365(ctx, &rest.Request{Method: http.MethodGet, Path: office365Path, Args: []string{id}, Permission: scopeDirectoriesRead})
}

func (c *Client) office365(ctx context.Context, r *rest.Request) (*Office365, error) {
	o := new(Office365)
	resp, err := c.do(ctx, r, o)
	if err := c.whole(r, resp, o.ID != "", err); err != nil {
		return nil, err
	}
	return o, nil
}

// Office365s lists the Microsoft 365 directories: GET /api/v2/office365s, scope
// directories.readonly. JumpCloud's own command line asks this, and no description has
// it: whether it is answered is not known, and [ErrNotFound] is the likely answer. Use
// [Client.Directories], which lists those of all types.
func (c *Client) Office365s(ctx context.Context) iter.Seq2[*Office365, error] {
	return listFew(ctx, c, v2[*Office365](c, "api/v2/office365s", scopeDirectoriesRead, nil), func(o *Office365) string { return o.ID })
}

// Office365Update is what [Client.UpdateOffice365] changes. Nil leaves a field
// alone.
type Office365Update struct {
	Name                         *string `json:"name,omitempty"`
	GroupsEnabled                *bool   `json:"groupsEnabled,omitempty"`
	UserLockoutAction            *string `json:"userLockoutAction,omitempty"`            // "suspend" or "maintain"
	UserPasswordExpirationAction *string `json:"userPasswordExpirationAction,omitempty"` // the same
}

// UpdateOffice365 changes the named fields of a directory: PATCH
// /api/v2/office365s/{id}, scope directories. It is safe to repeat. For the
// default domain see [Client.SetOffice365DefaultDomain].
func (c *Client) UpdateOffice365(ctx context.Context, id string, update Office365Update) (*Office365, error) {
	if update == (Office365Update{}) {
		return nil, op(http.MethodPatch, office365Path, invalidf("an update that changes nothing"))
	}
	return c.patchOffice365(ctx, id, update)
}

func (c *Client) patchOffice365(ctx context.Context, id string, body any) (*Office365, error) {
	return c.office365(ctx, &rest.Request{Method: http.MethodPatch, Path: office365Path, Args: []string{id}, Body: body,
		Class: rest.Idempotent, Permission: scopeDirectories})
}

// SetOffice365DefaultDomain makes one of the directory's domains its default,
// without which new users do not synchronise: PATCH /api/v2/office365s/{id},
// scope directories. It is safe to repeat.
func (c *Client) SetOffice365DefaultDomain(ctx context.Context, id, domainID string) error {
	if err := checkID("domain", domainID); err != nil {
		return op(http.MethodPatch, office365Path, err)
	}
	_, err := c.patchOffice365(ctx, id, map[string]any{"defaultDomain": map[string]string{"id": domainID}})
	return err
}

// UnsetOffice365DefaultDomain leaves the directory without a default domain:
// PATCH /api/v2/office365s/{id}, scope directories. It is safe to repeat.
func (c *Client) UnsetOffice365DefaultDomain(ctx context.Context, id string) error {
	_, err := c.patchOffice365(ctx, id, map[string]any{"defaultDomain": struct{}{}})
	return err
}

const domainsPath = office365Path + "/domains"

// Office365Domains lists the domains of a directory: GET
// /api/v2/office365s/{id}/domains, scope directories.readonly.
func (c *Client) Office365Domains(ctx context.Context, id string) iter.Seq2[*DirectoryDomain, error] {
	return listFew(ctx, c, func(ctx context.Context, skip, limit int) (page[*DirectoryDomain], error) {
		out := domainList{TotalCount: -1}
		r := &rest.Request{Method: http.MethodGet, Path: domainsPath, Args: []string{id}, Query: paged(nil, skip, limit),
			Permission: scopeDirectoriesRead}
		resp, err := c.do(ctx, r, &out)
		return page[*DirectoryDomain]{out.Domains.items, int(out.TotalCount), r}, c.whole(r, resp, out.whole(), err)
	}, func(d *DirectoryDomain) string { return d.ID })
}

// domainList is the list of domains, which is in a form of its own.
type domainList struct {
	Domains    jsonList[*DirectoryDomain] `json:"domains"`
	TotalCount looseInt                   `json:"totalCount"`
}

// whole reports whether there was a list, or the word that there are none:
// protobuf's JSON may leave out an empty list.
func (l *domainList) whole() bool { return l.Domains.read || l.TotalCount == 0 }

// jsonList is an array inside an object. It knows whether it was there.
type jsonList[T any] struct {
	items []T
	read  bool
}

// UnmarshalJSON implements [json.Unmarshaler].
func (l *jsonList[T]) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	l.read = true
	return json.Unmarshal(b, &l.items)
}

// AddOffice365Domain adds a domain, which must be verified in Microsoft 365, to
// a directory; one that it has already is returned. POST
// /api/v2/office365s/{id}/domains, scope directories. It is safe to repeat. A
// domain that another directory has is [ErrConflict].
func (c *Client) AddOffice365Domain(ctx context.Context, id, domain string) (*DirectoryDomain, error) {
	domain = text.Domain(domain)
	if wrong := text.WrongDomain(domain); wrong != "" {
		return nil, op(http.MethodPost, domainsPath, invalidf("the domain %q %s", domain, wrong))
	}
	var out struct {
		Domain *DirectoryDomain `json:"domain"`
	}
	resp, err := c.do(ctx, &rest.Request{
		Method: http.MethodPost, Path: domainsPath, Args: []string{id}, Body: map[string]string{"domain": domain},
		Class: rest.Idempotent, Permission: scopeDirectories,
	}, &out)
	if err == nil && out.Domain != nil && out.Domain.ID != "" {
		return out.Domain, nil
	}
	if err != nil && !errors.Is(err, ErrConflict) {
		return nil, err
	}
	for d, lerr := range c.Office365Domains(ctx, id) {
		if lerr != nil {
			var e *Error
			if err == nil && errors.As(lerr, &e) { // it was added, and cannot be shown
				e.OutcomeUnknown = true
			}
			return nil, lerr
		}
		if strings.EqualFold(d.Domain, domain) {
			return d, nil
		}
	}
	if err == nil {
		err = &Error{Op: opName(http.MethodPost, domainsPath), StatusCode: resp.Status, RequestID: resp.RequestID,
			Message: "the answer holds no domain", OutcomeUnknown: true}
	}
	return nil, err
}

// DeleteOffice365Domain removes a domain from a directory; one that it does not
// have is success. DELETE /api/v2/office365s/{id}/domains/{domain_id}, scope
// directories. It is safe to repeat.
func (c *Client) DeleteOffice365Domain(ctx context.Context, id, domainID string) error {
	return c.delete(ctx, domainsPath+"/{domain_id}", scopeDirectories, id, domainID)
}

// TranslationRule says which field of a JumpCloud user is written to which of
// Microsoft 365, beside those that always are.
type TranslationRule struct {
	ID        string `json:"id"`
	BuiltIn   string `json:"builtIn"`   // for instance "user_department"
	Direction string `json:"direction"` // "export"
}

// Translation rules that change who a user is in Microsoft 365, and the usual direction.
const (
	// UPNFromAlternateEmail makes alternateEmail the userPrincipalName, in
	// place of the company email.
	UPNFromAlternateEmail = "user_principal_name_from_alternate_email"
	Export                = "export"
)

const rulesPath = office365Path + "/translationrules"

// TranslationRules lists a directory's rules: GET
// /api/v2/office365s/{id}/translationrules, scope directories.readonly.
func (c *Client) TranslationRules(ctx context.Context, id string) iter.Seq2[*TranslationRule, error] {
	return listFew(ctx, c, v2[*TranslationRule](c, rulesPath, scopeDirectoriesRead, nil, id), func(r *TranslationRule) string { return r.ID })
}

// CreateTranslationRule adds a rule to a directory; without a Direction it is
// [Export]. POST /api/v2/office365s/{id}/translationrules, scope directories.
// If the answer is lost the error is [ErrOutcomeUnknown]; look before repeating
// it.
func (c *Client) CreateTranslationRule(ctx context.Context, id string, rule TranslationRule) (*TranslationRule, error) {
	if !isField(rule.BuiltIn) {
		return nil, op(http.MethodPost, rulesPath, invalidf("translation rule %q", rule.BuiltIn))
	}
	out := new(TranslationRule)
	r := &rest.Request{
		Method: http.MethodPost, Path: rulesPath, Args: []string{id},
		Body:  map[string]string{"builtIn": rule.BuiltIn, "direction": cmp.Or(rule.Direction, Export)},
		Class: rest.Create, Permission: scopeDirectories,
	}
	resp, err := c.do(ctx, r, out)
	if err := c.whole(r, resp, out.ID != "", err); err != nil {
		return nil, err
	}
	return out, nil
}

// DeleteTranslationRule removes a rule; one that is not there is success. DELETE
// /api/v2/office365s/{id}/translationrules/{rule_id}, scope directories. It is
// safe to repeat.
func (c *Client) DeleteTranslationRule(ctx context.Context, id, ruleID string) error {
	return c.delete(ctx, rulesPath+"/{id}", scopeDirectories, id, ruleID)
}
