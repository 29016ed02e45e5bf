package rest

import (
	"context"
	"iter"
	"sync"
)

type bulkKey struct{}

func isBulk(ctx context.Context) bool { return ctx.Value(bulkKey{}) != nil }

// Pages fetches the pages 0 to n-1, several at a time, and yields them in
// order. How many at a time is what the Caller has learned that the service
// bears; the memory is bounded by it. The iteration ends after the first
// error, which comes in its page's place; when the loop is left, the fetches
// that are still running are cancelled and waited for.
//
// Each range over the result starts again from page 0.
func Pages[T any](ctx context.Context, c *Caller, n int, fetch func(ctx context.Context, page int) (T, error)) iter.Seq2[T, error] {
	type result struct {
		page  int
		value T
		err   error
	}
	return func(yield func(T, error) bool) {
		c.pace.Expect(n)
		ctx, cancel := context.WithCancel(context.WithValue(ctx, bulkKey{}, true))
		var wg sync.WaitGroup
		defer wg.Wait()
		defer cancel()
		var (
			results = make(chan result, 2*c.cfg.MaxWorkers)
			waiting = make(map[int]result)
			end     = n // no page from here on is of interest
			started int
			running int
		)
		defer func() { c.pace.Expect(started - n) }() // nobody waits for the others any more
		take := func(r result) {
			running--
			waiting[r.page] = r
			if r.err != nil {
				end = min(end, r.page+1)
			}
		}
		for page := 0; page < end; {
			for drained := false; !drained; {
				select {
				case r := <-results:
					take(r)
				default:
					drained = true
				}
			}
			for width := c.pace.Width(); started < end && running < width && started < page+2*width; started++ {
				running++
				i := started
				wg.Go(func() {
					v, err := fetch(ctx, i)
					results <- result{i, v, err}
				})
			}
			r, ok := waiting[page]
			if !ok {
				take(<-results)
				continue
			}
			delete(waiting, page)
			if !yield(r.value, r.err) || r.err != nil {
				return
			}
			page++
		}
	}
}

// Expect says that a list of so many bulk requests is about to be read, one after
// the other or side by side: the fewer they are, the more a refusal matters. Fewer
// than none takes back what was not asked for. Of what [Pages] reads it knows.
func (c *Caller) Expect(requests int) { c.pace.Expect(requests) }

// Throttled reports whether the service has refused a request, so that everything
// is paced from then on.
func (c *Caller) Throttled() bool { return c.pace.Throttled() }
