package byhand

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"sync"

	"github.com/jcaad/jcaad/examples/bench/internal/crowd"
	"github.com/jcaad/jcaad/examples/bench/internal/task"
)

type bound struct {
	ID         string
	ExternalID string
	SyncStatus *struct {
		Code    json.RawMessage
		Message string
	}
}

type member struct {
	ID    string
	Paths [][]struct{ To struct{ ID, Type string } }
}

// preflight reads all four lists, and counts who could not sign in. It names nobody, and
// knows one reason from another only here.
func (l *Loop) preflight(ctx context.Context, t *task.Task) (sum crowd.Sum, err error) {
	var users map[string]user
	var accounts []account
	bindings, members := make(map[string]bound), make(map[string]member)
	err = parallel(func() (err error) {
		users, accounts, err = l.both(ctx, t)
		return err
	}, func() error {
		return reached(ctx, l, t, "/api/v2/office365s/"+t.Directory+"/users?syncStatus=true", func(b bound) { bindings[b.ID] = b })
	}, func() error {
		return reached(ctx, l, t, "/api/v2/usergroups/"+t.Group+"/membership?", func(m member) { members[m.ID] = m })
	})
	for _, a := range accounts {
		u, ok := users[strings.ToLower(a.UserPrincipalName)]
		if _, in := members[u.ID]; !ok || !in || bindings[u.ID].ID == "" || a.OnPremisesImmutableID == "" || u.Suspended || !u.Activated {
			sum.Count++
		}
	}
	return sum, err
}

// reached reads a list of JumpCloud's that is an array.
func reached[T any](ctx context.Context, l *Loop, t *task.Task, path string, add func(T)) error {
	var mu sync.Mutex
	return pages(t, func(skip int) (int, error) {
		var page []T
		if _, err := l.get(ctx, t, t.JumpCloudURL+path+"&limit=100&skip="+strconv.Itoa(skip), &page); err != nil {
			return 0, err
		}
		mu.Lock()
		defer mu.Unlock()
		for _, v := range page {
			add(v)
		}
		return len(page), nil
	})
}
