// Command floor does the work as fast as one can that asks net/http and looks for the bytes
// that it knows: it decodes nothing, would not see what is broken, and is what the others
// are held against.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"

	"github.com/jcaad/jcaad/examples/bench/internal/crowd"
	"github.com/jcaad/jcaad/examples/bench/internal/task"
)

func main() {
	task.Main(map[string]task.Func{task.Join: join, task.JumpCloud: readJumpCloud, task.Graph: readGraph, task.Metadata: metadata})
}

var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8, DisableCompression: true}}

// get reads an answer into buf.
func get(ctx context.Context, t *task.Task, address string, buf *bytes.Buffer) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	req.Header.Set("X-Api-Key", "not-a-real-key")
	req.Header.Set("Authorization", "Bearer "+t.Token)
	req.Header.Set("ConsistencyLevel", "eventual")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", address, resp.Status)
	}
	buf.Reset()
	buf.Grow(int(max(resp.ContentLength, 0)) + bytes.MinRead)
	_, err = io.Copy(buf, resp.Body)
	return err
}

// pair is what is kept of a user: the texts of a page are one string.
type pair struct{ id, name string }

// pairs appends the pairs of a page, in which the first key comes before the second.
func pairs(out []pair, text []byte, id, name string) []pair {
	kept := make([]byte, 0, len(text)/2)
	at := make([]int, 0, 2048)
	for {
		for _, key := range [...]string{id, name} {
			i := bytes.Index(text, []byte(key))
			if i < 0 {
				return cut(out, string(kept), at)
			}
			text = text[i+len(key):]
			end := bytes.IndexByte(text, '"')
			kept = append(kept, text[:end]...)
			at = append(at, len(kept))
			text = text[end:]
		}
	}
}

func cut(out []pair, kept string, at []int) []pair {
	from := 0
	for i := 0; i+1 < len(at); i += 2 {
		out = append(out, pair{kept[from:at[i]], kept[at[i]:at[i+1]]})
		from = at[i+1]
	}
	return out
}

// users hands over the users of JumpCloud, a page at a time.
func users(ctx context.Context, t *task.Task, yield func([]pair)) error {
	address := t.JumpCloudURL + "/api/systemusers?sort=_id&fields=" +
		url.QueryEscape("_id email username state activated suspended") + "&limit=100&skip="
	const workers = 8
	var wg sync.WaitGroup
	var mu sync.Mutex
	errs := make([]error, workers)
	for w := range workers {
		wg.Go(func() {
			var buf bytes.Buffer
			var page []pair
			for skip := 100 * w; skip < t.People && errs[w] == nil; skip += 100 * workers {
				if errs[w] = get(ctx, t, address+strconv.Itoa(skip), &buf); errs[w] == nil {
					page = pairs(page[:0], buf.Bytes(), `"_id":"`, `"email":"`)
					mu.Lock()
					yield(page)
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// accounts hands over the accounts of Azure AD, a page at a time.
func accounts(ctx context.Context, t *task.Task, yield func([]pair)) error {
	q := url.Values{
		"$top": {"999"}, "$count": {"true"}, "$filter": {"endsWith(userPrincipalName,'@" + crowd.Domain + "')"},
		"$select": {"id,userPrincipalName,displayName,mail,onPremisesImmutableId,accountEnabled"},
	}
	var buf bytes.Buffer
	var page []pair
	for next := t.GraphURL + "/v1.0/users?" + q.Encode(); next != ""; {
		if err := get(ctx, t, next, &buf); err != nil {
			return err
		}
		const link = `"@odata.nextLink":"`
		next = ""
		head, _, _ := bytes.Cut(buf.Bytes(), []byte(`"value":`))
		if _, rest, ok := bytes.Cut(head, []byte(link)); ok {
			next = string(rest[:bytes.IndexByte(rest, '"')])
		}
		page = pairs(page[:0], buf.Bytes(), `"id":"`, `"userPrincipalName":"`)
		yield(page)
	}
	return nil
}

func readJumpCloud(ctx context.Context, t *task.Task) (sum crowd.Sum, err error) {
	err = users(ctx, t, func(page []pair) { add(&sum, page) })
	return sum, err
}

func readGraph(ctx context.Context, t *task.Task) (sum crowd.Sum, err error) {
	err = accounts(ctx, t, func(page []pair) { add(&sum, page) })
	return sum, err
}

func add(sum *crowd.Sum, page []pair) {
	for _, p := range page {
		sum.Add(p.id, p.name)
	}
}

func join(ctx context.Context, t *task.Task) (sum crowd.Sum, err error) {
	ids := make(map[string]string, t.People)
	all := make([]pair, 0, t.People)
	var wg sync.WaitGroup
	var failed [2]error
	wg.Go(func() {
		failed[0] = users(ctx, t, func(page []pair) {
			for _, p := range page {
				ids[p.name] = p.id
			}
		})
	})
	wg.Go(func() { failed[1] = accounts(ctx, t, func(page []pair) { all = append(all, page...) }) })
	wg.Wait()
	for _, a := range all {
		if id, ok := ids[a.name]; ok {
			sum.Add(a.name, id, a.id)
		}
	}
	return sum, errors.Join(failed[:]...)
}
