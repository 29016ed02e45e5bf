package desk

import "sync"

// mostTaken is how many updates are remembered as taken after nobody waits for them.
const mostTaken = 2000

// admission knows which updates somebody waits for. Temporal keeps an update that no
// worker has taken, and delivers it when one is there: to somebody who was told meanwhile
// that nothing was recorded. So a worker takes only what is waited for, and who waits
// gives up only what no worker has taken.
type admission struct {
	mu      sync.Mutex
	waiting map[string]bool // by ID: whether a worker has taken it
	taken   map[string]bool // of those that nobody waits for any more
	order   []string        // of taken
}

func newAdmission() admission {
	return admission{waiting: make(map[string]bool), taken: make(map[string]bool)}
}

// Admit reports whether a worker may take the update of an ID. It is what flow.Workflows
// is given. Once it is true it stays so, as a workflow task may be tried again; of the
// updates that nobody waits for any more for the last 2000. One of another process, or of
// somebody else than this desk, is refused: nobody of here waits for it.
func (d *Desk) Admit(id string) bool {
	a := &d.admission
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, ok := a.waiting[id]; ok {
		a.waiting[id] = true
		return true
	}
	return a.taken[id]
}

// expect says that an update is about to be sent.
func (a *admission) expect(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.waiting[id] = a.taken[id]
}

// withdraw gives an update up, and reports whether that was done: not if a worker has
// taken it.
func (a *admission) withdraw(id string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.waiting[id] {
		return false
	}
	delete(a.waiting, id)
	return true
}

// done says that nobody waits for an update any more.
func (a *admission) done(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	taken := a.waiting[id]
	delete(a.waiting, id)
	if !taken || a.taken[id] {
		return
	}
	a.taken[id] = true
	if a.order = append(a.order, id); len(a.order) > mostTaken {
		delete(a.taken, a.order[0])
		a.order = a.order[1:]
	}
}
