package aad

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jcaad/jcaad/internal/perm"
	"github.com/jcaad/jcaad/internal/rest"
)

// User is a user of the tenant. A property that was not asked for is zero.
type User struct {
	ID                string `json:"id,omitempty"`
	UserPrincipalName string `json:"userPrincipalName,omitempty"`
	DisplayName       string `json:"displayName,omitempty"`
	Mail              string `json:"mail,omitempty"`
	ImmutableID       string `json:"onPremisesImmutableId,omitempty"` // what a federated sign-in is matched with
	UserType          string `json:"userType,omitempty"`              // Member, Guest

	Enabled               *bool `json:"accountEnabled,omitempty"`
	OnPremisesSyncEnabled *bool `json:"onPremisesSyncEnabled,omitempty"` // nil: never was synchronised

	ProxyAddresses []string `json:"proxyAddresses,omitempty"` // SMTP: the first address, smtp: the others
	OtherMails     []string `json:"otherMails,omitempty"`

	Created time.Time `json:"createdDateTime,omitzero"`
}

// userFields are the properties of User, by the names that Graph gives them.
var userFields = []string{
	"id", "userPrincipalName", "displayName", "mail", "onPremisesImmutableId", "userType",
	"accountEnabled", "onPremisesSyncEnabled", "proxyAddresses", "otherMails", "createdDateTime",
}

// UsersOptions say which users are listed, and how. The conditions add up.
type UsersOptions struct {
	// Domain selects the users whose user principal name is on a domain;
	// those of its subdomains are not among them.
	Domain string

	// Prefix selects the users whose user principal name begins with it;
	// capitals do not matter.
	Prefix string

	// NotPrefixes leaves out the users whose user principal name begins with one of these.
	NotPrefixes []string

	// IDs selects users by object ID. They are asked for 15 at a time; users
	// that do not exist are left out.
	IDs []string

	// Filter is another condition, in the words of OData. See [Quote].
	Filter string

	// Select lists the properties that are asked for, by Graph's names; fewer
	// are faster. The default is everything that [User] holds.
	Select []string

	// Parallel reads a long list in several ranges at once, with as many requests as
	// the service bears. The order of the users is then not defined. If the ranges show
	// fewer than nine tenths of the users that the service has counted, the list ends
	// with [ErrUnavailable].
	Parallel bool

	// Reuse returns every user in the same variable, for very long lists: who
	// keeps one beyond its turn copies it. Its strings stay good, its slices do not.
	Reuse bool

	// OnTotal, if not nil, is told how many users the service has counted,
	// before the first of them is returned. The count may be behind the list.
	OnTotal func(n int)
}

// Quote makes s a string of an OData filter, for [UsersOptions].Filter.
func Quote(s string) string { return quote(s) }

const (
	maxPage = 999 // users a page
	maxIn   = 15  // members of an "in" list

	pageTries = 3 // how often a page is read that is none
)

// copyOf returns options that the caller cannot change any more.
func (o *UsersOptions) copyOf() UsersOptions {
	if o == nil {
		return UsersOptions{}
	}
	c := *o
	c.NotPrefixes, c.IDs, c.Select = slices.Clone(o.NotPrefixes), slices.Clone(o.IDs), slices.Clone(o.Select)
	return c
}

// filter returns the conditions in the words of OData.
func (o *UsersOptions) filter() (string, error) {
	var and []string
	if o.Domain != "" {
		name, err := domainName(o.Domain)
		if err != nil {
			return "", err
		}
		and = append(and, "endsWith(userPrincipalName,"+quote("@"+name)+")")
	}
	if o.Prefix != "" {
		and = append(and, "startsWith(userPrincipalName,"+quote(o.Prefix)+")")
	}
	for _, p := range o.NotPrefixes {
		if p == "" {
			return "", errors.New("one of NotPrefixes is empty, which would leave out everybody")
		}
		and = append(and, "not(startsWith(userPrincipalName,"+quote(p)+"))")
	}
	if o.Filter != "" {
		and = append(and, "("+o.Filter+")")
	}
	for _, s := range []string{o.Prefix, o.Filter} {
		if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return "", errors.New("the filter has a control character in it")
		}
	}
	return strings.Join(and, " and "), nil
}

// block returns what every user is decoded into; nil means each into its own.
func (o *UsersOptions) block() *block {
	if !o.Reuse {
		return nil
	}
	return new(block)
}

// eventual is the header without which the service does not answer advanced queries.
func eventual() http.Header { return http.Header{"Consistencylevel": {"eventual"}} }

// request returns the request for the first page.
func (o *UsersOptions) request() (*rest.Request, error) {
	fields := o.Select
	if len(fields) == 0 {
		fields = userFields
	}
	r := &rest.Request{Method: http.MethodGet, Path: "users", Permission: perm.UserRead, Bulk: true, Query: url.Values{
		"$select": {strings.Join(fields, ",")},
		"$top":    {strconv.Itoa(maxPage)},
	}}
	filter, err := o.filter()
	if err != nil {
		return r, err
	}
	if filter != "" {
		r.Query.Set("$filter", filter)
	}
	if filter != "" || o.OnTotal != nil || o.Parallel {
		r.Query.Set("$count", "true")
		r.Header = eventual()
	}
	return r, nil
}

// Users lists users.
//
// Each range over the result starts again; it ends after the first error. Users
// that are created, deleted or renamed meanwhile may be missed or seen twice, and
// lists by condition come from an index that lags behind by seconds to minutes.
// Memory is needed for a page or, if opts.Parallel, for a page of each range.
//
// The users of a page share their memory, some dozens at a time, and so do their strings; who
// keeps only a few of them for long clones what they keep.
//
//	GET /users, $top=999, with $count and ConsistencyLevel: eventual where there is a condition; User.Read.All; safe to repeat
func (c *Client) Users(ctx context.Context, opts *UsersOptions) iter.Seq2[*User, error] {
	o := opts.copyOf()
	r, err := o.request()
	if err != nil {
		return failed[User](r, err)
	}
	switch {
	case o.IDs != nil:
		return c.usersByID(ctx, o)
	case o.Parallel:
		return c.usersParallel(ctx, o)
	}
	return c.users(ctx, r, &o)
}

// users reads the pages of a list one after the other.
func (c *Client) users(ctx context.Context, first *rest.Request, o *UsersOptions) iter.Seq2[*User, error] {
	onTotal := o.OnTotal
	return func(yield func(*User, error) bool) {
		p := c.pages(ctx, first)
		reuse := o.block()
		for p.next() {
			p.page.reuse = reuse
			if onTotal != nil && p.number == 1 && p.page.count >= 0 {
				onTotal(p.page.count)
			}
			for u := range p.page.users() {
				if !yield(u, nil) {
					return
				}
			}
		}
		if p.err != nil {
			yield(nil, p.err)
		}
	}
}

// GroupMembers lists the users of a group and of the groups in it, with all
// properties of [User].
//
//	GET /groups/{id}/transitiveMembers/microsoft.graph.user; GroupMember.Read.All and User.Read.All; safe to repeat
func (c *Client) GroupMembers(ctx context.Context, groupID string) iter.Seq2[*User, error] {
	request := &rest.Request{
		Method: http.MethodGet, Path: "groups/{id}/transitiveMembers/microsoft.graph.user", Args: []string{groupID},
		Permission: perm.GroupRead + " and " + perm.UserRead,
		Query:      url.Values{"$select": {strings.Join(userFields, ",")}, "$top": {"999"}, "$count": {"true"}},
		Header:     eventual(), Bulk: true,
	}
	if groupID == "" {
		return failed[User](request, errNoID)
	}
	return c.users(ctx, request, new(UsersOptions))
}

// usersByID reads users by ID, a few at a time.
func (c *Client) usersByID(ctx context.Context, o UsersOptions) iter.Seq2[*User, error] {
	return func(yield func(*User, error) bool) {
		if o.OnTotal != nil {
			o.OnTotal(len(o.IDs))
		}
		for ids := range slices.Chunk(o.IDs, maxIn) {
			quoted := make([]string, len(ids))
			for i, id := range ids {
				quoted[i] = quote(id)
			}
			part := o
			part.OnTotal = nil
			in := "id in (" + strings.Join(quoted, ",") + ")"
			if part.Filter = in; o.Filter != "" {
				part.Filter = in + " and (" + o.Filter + ")"
			}
			r, err := part.request()
			if slices.Contains(ids, "") {
				err = errNoID
			}
			if err != nil {
				yield(nil, invalid(r.Method+" "+r.Path, err))
				return
			}
			if o.Filter == "" && o.Domain == "" && o.Prefix == "" && len(o.NotPrefixes) == 0 {
				// By ID alone the service answers from the directory itself, which does not lag.
				r.Header = nil
				r.Query.Del("$count")
			}
			for u, err := range c.users(ctx, r, &part) {
				if !yield(u, err) || err != nil {
					return
				}
			}
		}
	}
}

// pager reads one page after the other.
type pager struct {
	ctx    context.Context
	c      *Client
	r      *rest.Request
	page   userPage
	number int // of the page, from 1
	seen   map[string]bool
	err    error
}

func (c *Client) pages(ctx context.Context, first *rest.Request) *pager {
	return &pager{ctx: ctx, c: c, r: first, seen: make(map[string]bool), page: userPage{count: -1}}
}

// next reads the next page; it returns false after the last one, and if there is an error.
func (p *pager) next() bool {
	link := p.page.link
	if p.number > 0 && link == "" {
		return false
	}
	switch {
	case p.seen[link]:
		p.err = repeatedLink(p.r)
		return false
	case len(p.seen) == p.c.maxPages:
		p.err = tooManyPages(p.r, p.c.maxPages)
		return false
	}
	p.seen[link] = true
	p.number++
	var made blocks
	if p.page.reuse != nil { // nobody keeps a user of the page before
		made = p.page.made
		made.clear()
	}
	for try := 1; ; try++ {
		var body rest.Body
		r := *p.r
		r.Header = r.Header.Clone() // the same ones on each page, but for our ID
		var resp *rest.Response
		if resp, p.err = p.c.get(p.ctx, link, &r, &body); p.err != nil {
			return false
		}
		var err error
		if p.page, err = parsePage(body.Bytes, made); err == nil {
			body.Release()
			return true
		}
		if err == errNoList || try == pageTries {
			p.err = unusable(&r, resp, err)
			return false
		}
		made = blocks{} // what was made in them is half a page
	}
}

// UserCount returns how many users there are, or how many of them fulfil the
// conditions of opts. IDs, Select, Parallel and OnTotal are ignored.
//
//	GET /users/$count with ConsistencyLevel: eventual; User.Read.All; safe to repeat
func (c *Client) UserCount(ctx context.Context, opts *UsersOptions) (int, error) {
	o := opts.copyOf()
	r := &rest.Request{Method: http.MethodGet, Path: "users/$count", Permission: perm.UserRead, Bulk: true, Header: eventual(),
		Query: url.Values{}}
	filter, err := o.filter()
	if err != nil {
		return 0, invalid(r.Method+" "+r.Path, err)
	}
	if filter != "" {
		r.Query.Set("$filter", filter)
	}
	var body []byte
	resp, err := c.do(ctx, r, &body)
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(string(body), "\ufeff")))
	if err != nil || n < 0 {
		return 0, unusable(r, resp, errors.New("the answer is not a number"))
	}
	return n, nil
}

// User returns a user by object ID or user principal name, with all properties
// of [User], or [ErrNotFound].
//
//	GET /users/{id}; User.Read.All; safe to repeat
func (c *Client) User(ctx context.Context, idOrUPN string) (*User, error) {
	path, arg := userPath(idOrUPN)
	r := &rest.Request{
		Method: http.MethodGet, Path: path, Args: []string{arg}, Permission: perm.UserRead,
		Query: url.Values{"$select": {strings.Join(userFields, ",")}},
	}
	if err := checkUserID(idOrUPN); err != nil {
		return nil, invalid(r.Method+" "+r.Path, err)
	}
	var u entity[User]
	resp, err := c.do(ctx, r, &u)
	if err != nil {
		return nil, err
	}
	return u.get(r, resp, userID)
}

func userID(u *User) string { return u.ID }

// userPath is the path of a user. The service takes a name that begins with a
// dollar sign for an operator of its own and answers 400, unless it is given in
// the form of a key: Microsoft's page on getting a user says so.
func userPath(idOrUPN string) (path, arg string) {
	if strings.HasPrefix(idOrUPN, "$") {
		return "users('{id}')", strings.ReplaceAll(idOrUPN, "'", "''")
	}
	return "users/{id}", idOrUPN
}

// checkUserID refuses what cannot name a user, before it becomes a path.
func checkUserID(s string) error {
	switch {
	case s == "":
		return errors.New("the ID or user principal name is empty")
	case strings.ContainsAny(s, `/\?`) || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return errors.New("the ID or user principal name has a character that none has")
	}
	return nil
}
