package federation

import (
	"context"
	"errors"
	"sync"
	"time"
)

// makings are the shared things that runs of one Federator have made or are making:
// groups, members, bindings to the directory, its rules, the technical account. Runs
// that overlap make each once, whatever lists show meanwhile.
type makings struct {
	mu     sync.Mutex
	things map[string]*making
	active map[any]time.Time // runs and batches under way, and since when
}

type making struct {
	by   *run
	done chan struct{} // closed once it is made, or was not
	at   time.Time     // when that was
	id   string
	err  error
}

// enter begins a run or a batch; the returned function ends it. What was made before
// the oldest of those that are left began is forgotten.
func (m *makings) enter(who any) (leave func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.active == nil {
		m.active, m.things = make(map[any]time.Time), make(map[string]*making)
	}
	m.active[who] = time.Now()
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.active, who)
		for key, t := range m.things {
			needed := t.at.IsZero()
			for _, since := range m.active {
				needed = needed || !t.at.Before(since)
			}
			if !needed {
				delete(m.things, key)
			}
		}
	}
}

// overlaps reports whether a thing was made, or is being made, since the run or its
// batch began.
func (m *makings) overlaps(t *making, by *run) bool {
	return t.at.IsZero() || !t.at.Before(m.active[by]) || by.batch != nil && !t.at.Before(m.active[by.batch])
}

// shared reports whether several plans may need what the change makes.
func (c Change) shared() bool { return resources[c.Resource].shared }

// once makes the change, unless another run has made it or is about to, for whose
// answer it waits. A change that was certainly refused for a while is left to whoever
// comes next.
func (m *makings) once(ctx context.Context, by *run, c Change, send func() (string, error)) (id string, theirs bool, err error) {
	if !c.shared() {
		id, err = send()
		return id, false, err
	}
	key := c.key() + " " + c.Parent + " " + c.Target
	for {
		m.mu.Lock()
		t, ok := m.things[key]
		if ok && (t.by == by || !m.overlaps(t, by)) {
			ok = false // its own second attempt, or a run that is over
		}
		if !ok {
			t = &making{by: by, done: make(chan struct{})}
			m.things[key] = t
		}
		m.mu.Unlock()
		if !ok {
			id, err = send()
			m.mu.Lock()
			t.id, t.err, t.at = id, err, time.Now()
			if err != nil && !unknown(err) && m.things[key] == t &&
				(temporary(err) || notThere(err) || errors.Is(err, ErrNotStored) || ctx.Err() != nil) {
				delete(m.things, key)
			}
			m.mu.Unlock()
			close(t.done)
			return id, false, err
		}
		select {
		case <-t.done:
		case <-ctx.Done():
			return "", false, context.Cause(ctx)
		}
		m.mu.Lock()
		gone := m.things[key] != t
		m.mu.Unlock()
		if !gone {
			return t.id, true, t.err
		}
	}
}
