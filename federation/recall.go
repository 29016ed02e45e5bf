package federation

import (
	"context"
	"iter"
	"sync"
	"time"
)

// A recall remembers what was read for one plan of a batch, so that the others need
// not ask for the same within half a minute; or what one run's gates have read. What a
// run depends on after its own writes is always read anew, and what is read anew is
// remembered.
type recall struct {
	mu    sync.Mutex
	reads map[string]*recalled
}

type recalled struct {
	at   time.Time     // when it was asked for
	done chan struct{} // closed once it is answered
	val  any
	err  error
}

// recallFrom is how a context says which answers are young enough: those that
// were asked for since then, or none, if it is zero.
type recallFrom struct {
	*recall
	since time.Time
}

type recallKey struct{}

// recalling lets reads under the context be answered by what the batch has read
// since then; the zero time lets them be read anew, and remembered.
func (r *recall) recalling(ctx context.Context, since time.Time) context.Context {
	if r == nil {
		return ctx
	}
	return context.WithValue(ctx, recallKey{}, recallFrom{r, since})
}

// within is recalling for reads of a run that is no part of a batch.
func (r *recall) within(ctx context.Context, since time.Time) context.Context {
	if _, batch := ctx.Value(recallKey{}).(recallFrom); batch {
		return ctx
	}
	return r.recalling(ctx, since)
}

// anew lets reads under the context be answered by the services alone.
func anew(ctx context.Context) context.Context {
	if from, ok := ctx.Value(recallKey{}).(recallFrom); ok {
		return context.WithValue(ctx, recallKey{}, recallFrom{from.recall, time.Time{}})
	}
	return ctx
}

// recallable reads something, or recalls it. The value is shared and must not be
// changed.
func recallable[T any](ctx context.Context, key string, read func(context.Context) (T, error)) (T, error) {
	from, ok := ctx.Value(recallKey{}).(recallFrom)
	if !ok {
		return read(ctx)
	}
	r := from.recall
	r.mu.Lock()
	if r.reads == nil {
		r.reads = make(map[string]*recalled)
	}
	known := r.reads[key]
	if known != nil && !from.since.IsZero() && !known.at.Before(from.since) {
		r.mu.Unlock()
		select {
		case <-known.done:
			if known.err == nil {
				return known.val.(T), nil
			}
		case <-ctx.Done():
			var none T
			return none, context.Cause(ctx)
		}
		return read(ctx) // it failed for somebody else, perhaps because that one was cancelled
	}
	mine := &recalled{at: time.Now(), done: make(chan struct{})}
	r.reads[key] = mine
	r.mu.Unlock()
	val, err := read(ctx)
	mine.val, mine.err = val, err
	close(mine.done)
	return val, err
}

// remembered is a list that was read whole, and whether it was.
func remembered[T any](r *recall, key string) (all []T, ok bool) {
	r.mu.Lock()
	known := r.reads[key]
	r.mu.Unlock()
	if known == nil {
		return nil, false
	}
	<-known.done
	all, ok = known.val.([]T)
	return all, ok && known.err == nil
}

// recallList is a list that may be recalled. Outside of a batch it is the list itself.
func recallList[T any](ctx context.Context, key string, l iter.Seq2[T, error]) iter.Seq2[T, error] {
	if _, ok := ctx.Value(recallKey{}).(recallFrom); !ok {
		return l
	}
	return func(yield func(T, error) bool) {
		all, err := recallable(ctx, key, func(context.Context) (all []T, err error) {
			for v, err := range l {
				if err != nil {
					return nil, err
				}
				all = append(all, v)
			}
			return all, nil
		})
		for _, v := range all {
			if !yield(v, nil) {
				return
			}
		}
		if err != nil {
			var none T
			yield(none, err)
		}
	}
}
