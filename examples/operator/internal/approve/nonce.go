package approve

import (
	"container/list"
	"crypto/rand"
	"errors"
	"sync"
	"time"
)

// Errors of [Nonces.Use].
var (
	// ErrUsed: the form was sent before. What it asked for is done once.
	ErrUsed = errors.New("this form was sent already, and counts once: look at the page for what came of it")
	// ErrNoForm: there is no such form, or it has expired.
	ErrNoForm = errors.New("this form is not known any more; nothing was recorded now: load the page again, and see what was before")
	// ErrOtherForm: the nonce is that of somebody else, or of another form.
	ErrOtherForm = errors.New("this form was made for somebody else or for something else: load the page again; nothing was recorded")
)

// NonceOptions tune [Nonces]. The zero value of every field is its default.
type NonceOptions struct {
	Life     time.Duration    // of a form that was not sent; 2 hours
	PerActor int              // forms of one actor that are known; 500
	AtMost   int              // forms that are known; 50,000
	Now      func() time.Time // the clock; time.Now
}

// Nonces are the forms that were shown, each to be sent once by whom it was shown to.
// They are in memory: after a restart each page is to be loaded again. Their number is
// bounded: the oldest of the same actor goes first, then the oldest of all. They may be
// used by several goroutines.
type Nonces struct {
	opts NonceOptions

	mu     sync.Mutex
	all    list.List // of *nonce, the oldest first
	by     map[string]*list.Element
	actors map[string]*list.List // of *list.Element of all
}

type nonce struct {
	id, actor, form string
	expires         time.Time
	used            bool
	own             *list.Element // in the actor's list
}

// NewNonces returns an empty store.
func NewNonces(opts NonceOptions) *Nonces {
	if opts.Life <= 0 {
		opts.Life = 2 * time.Hour
	}
	if opts.PerActor <= 0 {
		opts.PerActor = 500
	}
	if opts.AtMost <= 0 {
		opts.AtMost = 50_000
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Nonces{opts: opts, by: make(map[string]*list.Element), actors: make(map[string]*list.List)}
}

// Issue returns a nonce for a form that is shown to an actor, such as "approve" with a
// domain and a hash. Nobody can guess it.
func (n *Nonces) Issue(actor, form string) string {
	now := n.opts.Now()
	n.mu.Lock()
	defer n.mu.Unlock()
	for e := n.all.Front(); e != nil && !now.Before(e.Value.(*nonce).expires); e = n.all.Front() {
		n.drop(e)
	}
	if own := n.actors[actor]; own != nil && own.Len() >= n.opts.PerActor {
		n.drop(own.Front().Value.(*list.Element))
	}
	if n.all.Len() >= n.opts.AtMost {
		n.drop(n.all.Front())
	}
	own := n.actors[actor]
	if own == nil {
		own = list.New()
		n.actors[actor] = own
	}
	this := &nonce{id: rand.Text(), actor: actor, form: form, expires: now.Add(n.opts.Life)}
	e := n.all.PushBack(this)
	this.own = own.PushBack(e)
	n.by[this.id] = e
	return this.id
}

// drop forgets a nonce.
func (n *Nonces) drop(e *list.Element) {
	this := n.all.Remove(e).(*nonce)
	delete(n.by, this.id)
	own := n.actors[this.actor]
	if own.Remove(this.own); own.Len() == 0 {
		delete(n.actors, this.actor)
	}
}

// Use takes a nonce back: nil the first time, for the actor and the form that it was
// issued for. A nonce that somebody else sends stays good for its owner.
func (n *Nonces) Use(id, actor, form string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	this, err := n.find(id, actor, form)
	if err == nil {
		this.used = true
	}
	return err
}

// holds is Use that takes nothing back.
func (n *Nonces) holds(id, actor, form string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	_, err := n.find(id, actor, form)
	return err
}

func (n *Nonces) find(id, actor, form string) (*nonce, error) {
	e := n.by[id]
	if e == nil {
		return nil, ErrNoForm
	}
	this := e.Value.(*nonce)
	switch {
	case !n.opts.Now().Before(this.expires):
		return nil, ErrNoForm
	case this.actor != actor || this.form != form:
		return nil, ErrOtherForm
	case this.used:
		return nil, ErrUsed
	}
	return this, nil
}
