package secret

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"
)

// Keep is how long a value stays in memory at most.
const Keep = 15 * time.Minute

// ErrSame says that a secret which a service refused is still what its source gives:
// somebody has to replace it there.
var ErrSame = errors.New("it is refused, and fetched anew it is the same one")

// An Error says why a source gave no secret. Nothing of the secret is in it, nor of what
// a program printed. It is for people to mend: another attempt at once would not help.
type Error struct {
	Source Source
	reason error
}

// Error tells the source and the reason on one line.
func (e *Error) Error() string {
	return "the credential of " + e.Source.String() + " cannot be had: " + e.reason.Error()
}

// Unwrap returns [ErrSame] if it is that.
func (e *Error) Unwrap() error { return e.reason }

// Options tune a [Vault]. The zero value of every field is its default.
type Options struct {
	// LookupEnv reads the environment. The default is [os.LookupEnv].
	LookupEnv func(name string) (string, bool)
}

// Vault fetches secrets and keeps each for at most [Keep]. It may be used by many
// goroutines at once: who asks for what is being fetched already gets that.
type Vault struct {
	fetch func(context.Context, Source) (string, error)

	mu      sync.Mutex
	kept    map[string]*kept
	fetches map[string]*call
}

type kept struct {
	value Value
	timer *time.Timer
}

// call is a fetch under way; its fields are set before done is closed.
type call struct {
	done  chan struct{}
	value Value
	err   error

	outdated bool // Forget came meanwhile; Vault.mu guards it
}

// NewVault returns an empty Vault. A nil o means the defaults; o is not retained.
func NewVault(o *Options) *Vault {
	lookup := os.LookupEnv
	if o != nil && o.LookupEnv != nil {
		lookup = o.LookupEnv
	}
	return &Vault{
		fetch: func(ctx context.Context, s Source) (string, error) {
			if len(s.args) > 0 {
				return defaultLimits.run(ctx, s.args)
			}
			v, ok := lookup(s.name)
			if !ok {
				return "", errors.New("the variable is not set")
			}
			return v, nil
		},
		kept:    make(map[string]*kept),
		fetches: make(map[string]*call),
	}
}

// Get returns the secret of s, out of memory or fetched. The error is an [*Error], or
// that of ctx; a failure is not remembered. A fetch whose caller goes away ends by itself
// within some seconds, and serves the next who asks.
func (v *Vault) Get(ctx context.Context, s Source) (Value, error) {
	return v.get(ctx, s, Value{})
}

// Renew returns another secret than refused, which [Vault.Get] returned and the service
// did not take. If somebody else has renewed it meanwhile, that is it; else it is fetched,
// once. A source that still gives the refused one is an [*Error] that is [ErrSame], and
// the refused one is in memory no longer.
func (v *Vault) Renew(ctx context.Context, s Source, refused Value) (Value, error) {
	return v.get(ctx, s, refused)
}

// Forget drops all that is in memory, such as after a change of the customers file.
func (v *Vault) Forget() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for key := range v.kept {
		v.drop(key)
	}
	for key, c := range v.fetches {
		c.outdated = true
		delete(v.fetches, key)
	}
}

// get returns a secret that is not refused.
func (v *Vault) get(ctx context.Context, s Source, refused Value) (Value, error) {
	if err := ctx.Err(); err != nil {
		return Value{}, context.Cause(ctx)
	}
	if s.IsZero() {
		return Value{}, &Error{s, errors.New("none is named")}
	}
	key := s.Key()
	v.mu.Lock()
	if k := v.kept[key]; k != nil {
		if refused.IsZero() || !k.value.Equal(refused) {
			v.mu.Unlock()
			return k.value, nil
		}
		v.drop(key)
	}
	c := v.fetches[key]
	if c == nil {
		c = &call{done: make(chan struct{})}
		v.fetches[key] = c
		go v.call(context.WithoutCancel(ctx), c, s, key)
	}
	v.mu.Unlock()

	select {
	case <-ctx.Done():
		return Value{}, context.Cause(ctx)
	case <-c.done:
	}
	switch {
	case c.err != nil:
		return Value{}, &Error{s, c.err}
	case !refused.IsZero() && c.value.Equal(refused):
		v.mu.Lock()
		if k := v.kept[key]; k != nil && k.value.Equal(refused) {
			v.drop(key)
		}
		v.mu.Unlock()
		return Value{}, &Error{s, ErrSame}
	}
	return c.value, nil
}

// call fetches for all who wait for c.
func (v *Vault) call(ctx context.Context, c *call, s Source, key string) {
	text, err := v.fetch(ctx, s)
	if err == nil {
		err = check(text)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if c.err = err; err == nil {
		c.value = NewValue(text)
	}
	if !c.outdated {
		delete(v.fetches, key)
		if err == nil {
			k := &kept{value: c.value}
			v.kept[key] = k
			k.timer = time.AfterFunc(Keep, func() {
				v.mu.Lock()
				defer v.mu.Unlock()
				if v.kept[key] == k {
					delete(v.kept, key)
				}
			})
		}
	}
	close(c.done)
}

// drop takes a value out of memory; v.mu is held.
func (v *Vault) drop(key string) {
	v.kept[key].timer.Stop()
	delete(v.kept, key)
}

// check refuses what cannot be a credential: it goes into a header or a form.
func check(s string) error {
	if s == "" {
		return errors.New("it is empty")
	}
	if !utf8.ValidString(s) {
		return errors.New("it is not UTF-8")
	}
	for _, r := range s {
		if r == '\n' || r == '\r' {
			return errors.New("it has more than one line")
		}
		if unicode.IsControl(r) {
			return errors.New("it has control characters")
		}
	}
	return nil
}
