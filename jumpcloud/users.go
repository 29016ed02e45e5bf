package jumpcloud

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/jcaad/jcaad/internal/jsonscan"
	"github.com/jcaad/jcaad/internal/rest"
)

const (
	scopeUsers     = "users"
	scopeUsersRead = "users.readonly"
)

// States of a [User]. JumpCloud may have others.
const (
	Staged    = "STAGED"
	Activated = "ACTIVATED"
	Suspended = "SUSPENDED"
)

// User is a person in JumpCloud (a "system user" in its API).
type User struct {
	ID             string
	Username       string
	Email          string // the company email: Microsoft 365's userPrincipalName, unless a translation rule says otherwise
	AlternateEmail string
	FirstName      string
	LastName       string
	DisplayName    string
	State          string // Staged, Activated or Suspended; older organisations have none

	Activated         bool // has set a password
	Suspended         bool
	AccountLocked     bool
	PasswordExpired   bool // signs in nowhere until a new one is chosen
	ExternallyManaged bool // by Active Directory or another source
	Created           time.Time

	// Raw is the whole object as JumpCloud sent it, with the fields that
	// this package does not know. It is nil in lists that ask for
	// [UsersOptions.Fields] of this struct only, and ignored in writes.
	Raw json.RawMessage
}

// UnmarshalJSON reads JumpCloud's form of a user.
func (u *User) UnmarshalJSON(b []byte) error {
	s, k := jsonscan.New(b), jsonscan.NewKeys(userField)
	*u = User{}
	u.scan(&s, &k, new(jsonscan.Arena), allUserFields)
	u.Raw = slices.Clone(b)
	return s.End()
}

// UsersOptions narrow a list of users.
type UsersOptions struct {
	// Filter are conditions that must all hold; see [Eq], [In], [StartsWith].
	Filter []string

	// Fields are the fields to ask for, by JumpCloud's names ("email",
	// "alternateEmail", "state", …). All others stay empty, but for the ID.
	// Name them when there are many users: a whole user is a kilobyte.
	Fields []string

	// Search finds users by a part of their names or addresses.
	Search string

	// OnTotal, if not nil, is told how many users the service has counted,
	// before the first of them is returned.
	OnTotal func(n int)
}

// Users lists the users in the order of their IDs: GET /api/systemusers, scope
// users.readonly. The first page tells how many there are; the others are read
// side by side (see [Options.Workers]).
//
// Each range over the result starts again from the first page and ends after
// the first error. Who is created meanwhile is included if the total tells of
// them in time. Everybody else is yielded once, even when others are deleted
// meanwhile and the pages move: each page begins with the last user of the one
// before it, and where it does not, what lies between is read again.
func (c *Client) Users(ctx context.Context, opts *UsersOptions) iter.Seq2[*User, error] {
	var o UsersOptions
	if opts != nil {
		o = *opts
	}
	const path = "api/systemusers"
	q := url.Values{"sort": {"_id"}}
	if err := setFilter(q, o.Filter); err != nil {
		return failed[*User](op(http.MethodGet, path, err))
	}
	if err := setFields(q, o.Fields); err != nil {
		return failed[*User](op(http.MethodGet, path, err))
	}
	if hasControl(o.Search) {
		return failed[*User](op(http.MethodGet, path, invalidf("the search text has control characters")))
	}
	if o.Search != "" {
		q.Set("search", o.Search)
	}
	want, raw := fieldsOf(o.Fields)
	return listWide(ctx, c, func(ctx context.Context, skip, limit int) (page[User], error) {
		out := userPage{want: want, raw: raw}
		r := &rest.Request{Method: http.MethodGet, Path: path, Query: paged(q, skip, limit), Bulk: true, Permission: scopeUsersRead}
		_, err := c.read(ctx, r, &out)
		out.r = r
		if skip == 0 && err == nil && out.total >= 0 && o.OnTotal != nil {
			o.OnTotal(out.total)
		}
		return out.page, err
	}, userID)
}

func userID(u *User) string { return u.ID }

// UserSearch says whom [Client.SearchUsers] finds.
type UserSearch struct {
	// Terms are parts of values: a user is found if one of them occurs in
	// one of the TermFields, which must then be named.
	Terms, TermFields []string

	// All are conditions that must hold together; Any, conditions of which
	// one must. Only one of the two can be used.
	All, Any []Condition

	// Fields are the fields to ask for, as in [UsersOptions].
	Fields []string
}

// Condition is a field that has a value.
type Condition struct {
	Field string
	Value any // a string, bool or number
}

// SearchUsers finds users by parts of their fields: POST
// /api/search/systemusers, scope users.readonly. It changes nothing, and works
// with a [Options.ReadOnly] client. It lists like [Client.Users].
func (c *Client) SearchUsers(ctx context.Context, search UserSearch) iter.Seq2[*User, error] {
	const path = "api/search/systemusers"
	body, err := search.body()
	if err != nil {
		return failed[*User](op(http.MethodPost, path, err))
	}
	want, raw := fieldsOf(search.Fields)
	return listWide(ctx, c, func(ctx context.Context, skip, limit int) (page[User], error) {
		b := make(map[string]any, len(body)+3)
		for k, v := range body {
			b[k] = v
		}
		b["limit"], b["skip"], b["sort"] = limit, skip, "_id"
		out := userPage{want: want, raw: raw}
		r := &rest.Request{Method: http.MethodPost, Path: path, Body: b, Class: rest.Read, Bulk: true, Permission: scopeUsersRead}
		_, err := c.read(ctx, r, &out)
		out.r = r
		return out.page, err
	}, userID)
}

func (s UserSearch) body() (map[string]any, error) {
	body := map[string]any{}
	switch {
	case len(s.All) > 0 && len(s.Any) > 0:
		return nil, invalidf("a search takes All or Any, not both")
	case (len(s.Terms) > 0) != (len(s.TermFields) > 0):
		return nil, invalidf("a search takes Terms together with TermFields")
	}
	for _, f := range slices.Concat(s.TermFields, s.Fields) {
		if !isField(f) {
			return nil, invalidf("field %q: give one name in each string", f)
		}
	}
	conditions := func(cs []Condition) ([]map[string]any, error) {
		var out []map[string]any
		for _, c := range cs {
			if !isField(c.Field) {
				return nil, invalidf("field %q", c.Field)
			}
			out = append(out, map[string]any{c.Field: c.Value})
		}
		return out, nil
	}
	for word, cs := range map[string][]Condition{"and": s.All, "or": s.Any} {
		if len(cs) == 0 {
			continue
		}
		list, err := conditions(cs)
		if err != nil {
			return nil, err
		}
		body["filter"] = map[string]any{word: list}
	}
	if len(s.Terms) > 0 {
		body["searchFilter"] = map[string]any{"searchTerm": s.Terms, "fields": s.TermFields}
	}
	if len(s.Fields) > 0 {
		body["fields"] = "_id " + strings.Join(s.Fields, " ")
	}
	return body, nil
}

// User returns a user: GET /api/systemusers/{id}, scope users.readonly.
func (c *Client) User(ctx context.Context, id string) (*User, error) {
	return c.user(ctx, &rest.Request{Method: http.MethodGet, Path: "api/systemusers/{id}", Args: []string{id}, Permission: scopeUsersRead})
}

func (c *Client) user(ctx context.Context, r *rest.Request) (*User, error) {
	u := new(User)
	resp, err := c.do(ctx, r, u)
	if err := c.whole(r, resp, u.ID != "", err); err != nil {
		return nil, err
	}
	return u, nil
}

// CreateUser creates a user with the fields of u that are not empty, ID and
// times left out; Username and Email are required. Without a State the
// organisation's default applies. POST /api/systemusers, scope users.
//
// If the answer is lost the error is [ErrOutcomeUnknown]; look for the user by
// email before repeating it.
func (c *Client) CreateUser(ctx context.Context, u User) (*User, error) {
	const path = "api/systemusers"
	switch {
	case u.Username == "":
		return nil, op(http.MethodPost, path, invalidf("a user needs a Username"))
	case !strings.Contains(u.Email, "@"):
		return nil, op(http.MethodPost, path, invalidf("a user needs an Email"))
	}
	body := map[string]any{"username": u.Username, "email": u.Email}
	for k, v := range map[string]string{
		"alternateEmail": u.AlternateEmail, "firstname": u.FirstName, "lastname": u.LastName, "displayname": u.DisplayName, "state": u.State,
	} {
		if v != "" {
			body[k] = v
		}
	}
	if u.Activated {
		body["activated"] = true
	}
	if u.Suspended && u.State == "" { // beside a state it is refused if it contradicts
		body["suspended"] = true
	}
	return c.user(ctx, &rest.Request{Method: http.MethodPost, Path: path, Body: body, Class: rest.Create, Permission: scopeUsers})
}

// UserUpdate is what [Client.UpdateUser] changes. Nil leaves a field alone.
type UserUpdate struct {
	Username       *string `json:"username,omitempty"`
	Email          *string `json:"email,omitempty"`
	AlternateEmail *string `json:"alternateEmail,omitempty"`
	FirstName      *string `json:"firstname,omitempty"`
	LastName       *string `json:"lastname,omitempty"`
	DisplayName    *string `json:"displayname,omitempty"`
	State          *string `json:"state,omitempty"` // Activated or Suspended
}

// UpdateUser changes the named fields of a user and leaves the others: PUT
// /api/systemusers/{id}, scope users. It is safe to repeat. A new Email changes
// the userPrincipalName of a user who is bound to Microsoft 365.
func (c *Client) UpdateUser(ctx context.Context, id string, update UserUpdate) (*User, error) {
	const path = "api/systemusers/{id}"
	if update == (UserUpdate{}) {
		return nil, op(http.MethodPut, path, invalidf("an update that changes nothing"))
	}
	return c.user(ctx, &rest.Request{Method: http.MethodPut, Path: path, Args: []string{id}, Body: update,
		Class: rest.Idempotent, Permission: scopeUsers})
}
