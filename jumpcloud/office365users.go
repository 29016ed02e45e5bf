package jumpcloud

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/jcaad/jcaad/internal/jsonscan"
	"github.com/jcaad/jcaad/internal/rest"
)

// BoundUser is a user who is bound to a Microsoft 365 directory.
type BoundUser struct {
	UserID string
	// ExternalID is the object that the user is synchronised with in Azure
	// AD. It is empty until that has happened.
	ExternalID string
	// Sync is the last synchronisation; nil if JumpCloud knows none.
	Sync *SyncStatus
}

// SyncStatus is how the last synchronisation of a user went.
type SyncStatus struct {
	Code     string
	Message  string
	SyncedAt time.Time
	Details  json.RawMessage // nil if there are none
}

// boundPage is a page of bound users. Like userPage it reads only what is
// wanted: the paths of each user are most of the answer.
type boundPage struct {
	items []BoundUser
	sync  []SyncStatus
	total int
}

func (p *boundPage) decode(b []byte) (err error) {
	s, a := jsonscan.New(b), new(jsonscan.Arena)
	*p = boundPage{items: make([]BoundUser, 0, pageSize)}
	with := make([]int, 0, pageSize) // the place of each one's status in p.sync, from 1
	e := elementsOf(&s)
	for ok := e.first(); ok; ok = e.next() {
		p.items = append(p.items, BoundUser{})
		with = append(with, p.user(&p.items[len(p.items)-1], &s, a))
	}
	for i, n := range with {
		if n > 0 {
			p.items[i].Sync = &p.sync[n-1]
		}
	}
	p.total, err = e.end()
	return err
}

// user reads one user, and returns how many have a status if this one does; else 0.
func (p *boundPage) user(u *BoundUser, s *jsonscan.Scanner, a *jsonscan.Arena) (status int) {
	for key, ok := s.Object(); ok; key, ok = s.Field() {
		switch string(key) {
		case "id":
			a.Loose(s, &u.UserID)
		case "externalId":
			a.Loose(s, &u.ExternalID)
		case "syncStatus":
			if s.Peek() != '{' {
				continue
			}
			if p.sync == nil {
				p.sync = make([]SyncStatus, 0, pageSize)
			}
			p.sync = append(p.sync, SyncStatus{})
			status = len(p.sync)
			p.sync[status-1].scan(s, a)
		}
	}
	return status
}

func (st *SyncStatus) scan(s *jsonscan.Scanner, a *jsonscan.Arena) {
	for key, ok := s.Object(); ok; key, ok = s.Field() {
		switch string(key) {
		case "code": // a number, says the description
			a.Loose(s, &st.Code)
		case "message":
			a.Loose(s, &st.Message)
		case "syncedAt":
			st.SyncedAt = moment(s)
		case "details":
			if d := s.Skip(); string(d) != "null" && string(d) != "[]" {
				st.Details = slices.Clone(d)
			}
		}
	}
}

// Office365Users lists the users who are bound to a directory, directly or by
// way of a group, with the state of their synchronisation: GET
// /api/v2/office365s/{id}/users?syncStatus=true, scope users.readonly. Only they
// can sign in to Microsoft 365 when its domain is federated.
//
// It lists like [Client.Users]: the first page tells how many there are, the
// others are read side by side. JumpCloud promises no order here, so a user who
// is bound or unbound meanwhile may be yielded twice.
func (c *Client) Office365Users(ctx context.Context, id string) iter.Seq2[*BoundUser, error] {
	const path = office365Path + "/users"
	return listWide(ctx, c, func(ctx context.Context, skip, limit int) (page[BoundUser], error) {
		var out boundPage
		r := &rest.Request{
			Method: http.MethodGet, Path: path, Args: []string{id},
			Query: paged(url.Values{"syncStatus": {"true"}}, skip, limit), Bulk: true, Permission: scopeUsersRead,
		}
		resp, err := c.read(ctx, r, &out)
		if err != nil {
			return page[BoundUser]{}, err
		}
		if out.total < 0 {
			out.total = totalHeader(resp)
		}
		return page[BoundUser]{out.items, out.total, r}, nil
	}, func(u *BoundUser) string { return u.UserID })
}

// ImportUser is a user of Microsoft 365 as JumpCloud offers it for import.
type ImportUser struct {
	ID                string `json:"id"` // the object in Azure AD
	UserPrincipalName string `json:"userPrincipalName"`
	Email             string `json:"email"`
	Username          string `json:"username"`
	GivenName         string `json:"givenName"`
	Surname           string `json:"surname"`
}

// ImportableUsers lists the users of Microsoft 365 as JumpCloud sees them: GET
// /api/v2/office365s/{id}/import/users, scope directories.readonly. It works
// without any permission in Azure AD, page after page.
func (c *Client) ImportableUsers(ctx context.Context, id string) iter.Seq2[*ImportUser, error] {
	const path = office365Path + "/import/users"
	return func(yield func(*ImportUser, error) bool) {
		seen := make(map[string]bool) // a token that comes again would never end
		for token := ""; ; {
			q := url.Values{"top": {strconv.Itoa(pageSize)}}
			if token != "" {
				q.Set("skipToken", token)
			}
			var out struct {
				SkipToken string               `json:"skipToken"`
				Users     jsonList[ImportUser] `json:"users"`
			}
			r := &rest.Request{Method: http.MethodGet, Path: path, Args: []string{id}, Query: q, Bulk: true, Permission: scopeDirectoriesRead}
			resp, err := c.do(ctx, r, &out)
			if err := c.whole(r, resp, out.Users.read, err); err != nil {
				yield(nil, err)
				return
			}
			for i := range out.Users.items {
				if !yield(&out.Users.items[i], nil) {
					return
				}
			}
			if token = out.SkipToken; token == "" || seen[token] {
				return
			}
			if seen[token] = true; len(seen) == c.maxPages {
				yield(nil, c.tooManyPages(r, c.maxPages))
				return
			}
		}
	}
}
