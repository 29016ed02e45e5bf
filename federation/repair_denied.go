package federation

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/jumpcloud"
)

// hopeless reports whether everybody else would fail in the same way, whatever is
// done to them.
func hopeless(err error) bool {
	for _, t := range []error{aad.ErrUnauthenticated, aad.ErrReadOnly, jumpcloud.ErrUnauthenticated, jumpcloud.ErrReadOnly} {
		if errors.Is(err, t) {
			return true
		}
	}
	return false
}

// deniedAtMost is how many people have to be refused, and nobody to succeed, until
// it is believed that everybody will be.
const deniedAtMost = 5

// denials tell a refusal of one person, such as an administrator whose account the
// permission does not reach, from a permission that is missing altogether.
type denials struct {
	f     *Federator
	mu    sync.Mutex
	kinds map[Resource]*denial
}

type denial struct {
	people    map[string]bool // who was refused
	succeeded bool
	over      error // why nobody else is tried
}

func newDenials(f *Federator) *denials { return &denials{f: f, kinds: make(map[Resource]*denial)} }

// note takes notice of what came of a change.
func (d *denials) note(ctx context.Context, c Change, outcome Outcome, err error) {
	denied := errors.Is(err, aad.ErrDenied) || errors.Is(err, jumpcloud.ErrDenied)
	is := resources[c.Resource]
	var missing []string
	if denied && is.permissions != nil {
		if perms, err := d.f.ad.Permissions(ctx); err == nil {
			missing = perms.Missing(slices.Concat(is.permissions, is.instead))
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	k := d.kinds[c.Resource]
	if k == nil {
		k = &denial{people: make(map[string]bool)}
		d.kinds[c.Resource] = k
	}
	what := string(c.Action) + " " + string(c.Resource)
	switch {
	case !denied:
		k.succeeded = k.succeeded || outcome == Done || errors.Is(err, errNotShown)
	case k.over != nil:
	case missing != nil:
		k.over = fmt.Errorf("the token lacks the permission %s, which is needed to %s: %w", strings.Join(missing, ", "), what, err)
	default:
		k.people[c.Target] = true
		if n := len(k.people); n >= deniedAtMost && !k.succeeded {
			k.over = fmt.Errorf("the first %d people were refused, and nobody has succeeded, to %s: %w", n, what, err)
		}
	}
}

// over is why no further change of a kind is tried, or nil.
func (d *denials) over(kind Resource) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if k := d.kinds[kind]; k != nil {
		return k.over
	}
	return nil
}

// all is why changes were not tried, or nil.
func (d *denials) all() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var errs []error
	for _, kind := range slices.Sorted(maps.Keys(d.kinds)) {
		if err := d.kinds[kind].over; err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
