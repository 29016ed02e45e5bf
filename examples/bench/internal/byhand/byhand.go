// Package byhand reads both services as one would without a library: net/http and
// encoding/json, the pages of JumpCloud by several goroutines, those of Azure AD one after
// the other, as each names the next.
package byhand

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jcaad/jcaad/examples/bench/internal/crowd"
	"github.com/jcaad/jcaad/examples/bench/internal/task"
)

// Loop is the loop. Client sends its requests.
type Loop struct {
	Client *http.Client

	// Patient waits as long as a refusal says, and asks again. Otherwise whatever is not
	// 200 is an error.
	Patient bool
}

// Works are the tasks that the loop does.
func (l *Loop) Works() map[string]task.Func {
	return map[string]task.Func{task.Join: l.join, task.JumpCloud: l.jumpCloud, task.Graph: l.graph, task.Preflight: l.preflight}
}

// get decodes an answer. It returns the header.
func (l *Loop) get(ctx context.Context, t *task.Task, address string, out any) (http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("X-Api-Key", "not-a-real-key")
	req.Header.Set("Authorization", "Bearer "+t.Token)
	req.Header.Set("ConsistencyLevel", "eventual")
	for {
		resp, err := l.Client.Do(req)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode == http.StatusTooManyRequests && l.Patient {
			resp.Body.Close()
			seconds, err := strconv.Atoi(resp.Header.Get("Retry-After"))
			if err != nil {
				seconds = 1
			}
			time.Sleep(time.Duration(seconds) * time.Second)
			continue
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("GET %s: %s", address, resp.Status)
		}
		return resp.Header, json.NewDecoder(resp.Body).Decode(out)
	}
}

// pages asks for page after page of JumpCloud's, by several goroutines, until one is
// empty or there is an error.
func pages(t *task.Task, fetch func(skip int) (int, error)) error {
	workers := t.Workers
	if workers == 0 {
		workers = 32
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var first error
	next, ended := 0, false
	for range workers {
		wg.Go(func() {
			for {
				mu.Lock()
				skip, stop := next, ended || next > t.People-1
				next += 100
				mu.Unlock()
				if stop {
					return
				}
				if n, err := fetch(skip); n == 0 || err != nil {
					mu.Lock()
					ended = true
					if first == nil {
						first = err
					}
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	return first
}

type user struct {
	ID        string `json:"_id"`
	Email     string
	Username  string
	State     string
	Activated bool
	Suspended bool
}

// users hands over JumpCloud's users, a page at a time.
func (l *Loop) users(ctx context.Context, t *task.Task, yield func([]user)) error {
	var mu sync.Mutex
	query := "/api/systemusers?sort=_id&fields=" + url.QueryEscape("_id email username state activated suspended") + "&limit=100&skip="
	return pages(t, func(skip int) (int, error) {
		var page struct{ Results []user }
		if _, err := l.get(ctx, t, t.JumpCloudURL+query+strconv.Itoa(skip), &page); err != nil {
			return 0, err
		}
		mu.Lock()
		defer mu.Unlock()
		yield(page.Results)
		return len(page.Results), nil
	})
}

type account struct {
	ID                    string
	UserPrincipalName     string
	DisplayName           string
	Mail                  string
	OnPremisesImmutableID string `json:"onPremisesImmutableId"`
	AccountEnabled        *bool
}

// accounts hands over Azure AD's accounts, a page at a time.
func (l *Loop) accounts(ctx context.Context, t *task.Task, yield func([]account)) error {
	q := url.Values{
		"$top": {"999"}, "$count": {"true"}, "$filter": {"endsWith(userPrincipalName,'@" + crowd.Domain + "')"},
		"$select": {"id,userPrincipalName,displayName,mail,onPremisesImmutableId,accountEnabled"},
	}
	for next := t.GraphURL + "/v1.0/users?" + q.Encode(); next != ""; {
		var page struct {
			Value []account
			Next  string `json:"@odata.nextLink"`
		}
		if _, err := l.get(ctx, t, next, &page); err != nil {
			return err
		}
		yield(page.Value)
		next = page.Next
	}
	return nil
}

func (l *Loop) jumpCloud(ctx context.Context, t *task.Task) (sum crowd.Sum, err error) {
	err = l.users(ctx, t, func(page []user) {
		for _, u := range page {
			sum.Add(u.ID, u.Email)
		}
	})
	return sum, err
}

func (l *Loop) graph(ctx context.Context, t *task.Task) (sum crowd.Sum, err error) {
	err = l.accounts(ctx, t, func(page []account) {
		for _, a := range page {
			sum.Add(a.ID, a.UserPrincipalName)
		}
	})
	return sum, err
}

// both reads both directories at once.
func (l *Loop) both(ctx context.Context, t *task.Task) (users map[string]user, accounts []account, err error) {
	users = make(map[string]user)
	errs := parallel(func() error {
		return l.users(ctx, t, func(page []user) {
			for _, u := range page {
				users[strings.ToLower(u.Email)] = u
			}
		})
	}, func() error {
		return l.accounts(ctx, t, func(page []account) { accounts = append(accounts, page...) })
	})
	return users, accounts, errs
}

func (l *Loop) join(ctx context.Context, t *task.Task) (sum crowd.Sum, err error) {
	users, accounts, err := l.both(ctx, t)
	for _, a := range accounts {
		if u, ok := users[strings.ToLower(a.UserPrincipalName)]; ok {
			sum.Add(a.UserPrincipalName, u.ID, a.ID)
		}
	}
	return sum, err
}

// parallel returns the first error in the order of the functions.
func parallel(fs ...func() error) error {
	errs := make([]error, len(fs))
	var wg sync.WaitGroup
	for i, f := range fs {
		wg.Go(func() { errs[i] = f() })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
