package federation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/internal/perm"
	"github.com/jcaad/jcaad/jumpcloud"
)

// errNotShown is what a step ends with to which a service has said yes, and which
// does not show.
var errNotShown = errors.New("the service has said yes, and it does not show yet")

// shows reports whether the services show a step to be done: by the step itself,
// not in some other way.
func (f *Federator) shows(ctx context.Context, s RepairStep) (is bool, err error) {
	switch s.Kind {
	case SetImmutableID:
		var u *aad.User
		if u, err = f.ad.User(ctx, s.AzureADID); err == nil {
			is = u.ImmutableID == s.Value
		}
	case BindToDirectory:
		is, err = f.isBound(ctx, s)
	case AddToGroup:
		is, _, err = f.isMember(ctx, s)
	}
	return is, err
}

// confirmed reads back what was written.
func (f *Federator) confirmed(ctx context.Context, s RepairStep) (Outcome, error) {
	if is, err := f.shows(ctx, s); err == nil && is {
		return Done, nil
	}
	return Unknown, errNotShown
}

// readBack looks what became of steps whose outcome is unknown: those to which a
// service has said yes until nothing has shown for as long as a change may take,
// those whose answer was lost at the same time. Nothing is sent, and what is there
// now was not there before.
func (f *Federator) readBack(ctx context.Context, out *RepairReport, todo []int, said map[int]bool) {
	since := time.Now()
	for n := 1; ctx.Err() == nil; n++ {
		var mu sync.Mutex
		var waiting []int
		progress := false
		var g errgroup.Group
		g.SetLimit(repairWorkers)
		for _, i := range todo {
			if out.Steps[i].Outcome != Unknown {
				continue
			}
			g.Go(func() error {
				is, err := f.shows(ctx, out.Steps[i])
				mu.Lock()
				defer mu.Unlock()
				switch s := &out.Steps[i]; {
				case err == nil && is:
					s.Outcome, s.Error = Done, ""
					progress = true
				case said[i]:
					waiting = append(waiting, i)
				}
				return nil
			})
		}
		_ = g.Wait() // what cannot be read stays unknown
		if n == 1 {
			waiting = f.withoutRule(ctx, out, waiting)
		}
		if progress {
			since = time.Now()
		}
		if len(waiting) == 0 || time.Since(since) >= f.opts.Settle || sleep(ctx, backoff(n)) != nil {
			return
		}
	}
}

// withoutRule refuses the additions to groups whose members a rule decides on, and
// returns the other steps.
func (f *Federator) withoutRule(ctx context.Context, out *RepairReport, steps []int) (others []int) {
	dynamic := make(map[string]bool)
	for _, i := range steps {
		s := &out.Steps[i]
		if s.Kind == AddToGroup {
			if _, ok := dynamic[s.Value]; !ok {
				g, err := f.jc.Group(ctx, s.Value)
				dynamic[s.Value] = err == nil && g.IsDynamic()
			}
		}
		if s.Kind == AddToGroup && dynamic[s.Value] {
			s.Outcome, s.Error = Refused, "a rule decides who is a member of the group, and additions have no effect: "+
				"change the rule, or name another group"
			continue
		}
		others = append(others, i)
	}
	return others
}

// explainTaken says who has an immutable ID that is refused because somebody has it.
func (f *Federator) explainTaken(ctx context.Context, s RepairStep, err error) error {
	if !errors.Is(err, aad.ErrConflict) {
		return err
	}
	opts := &aad.UsersOptions{Filter: "onPremisesImmutableId eq " + aad.Quote(s.Value), Select: []string{"id", "userPrincipalName"}}
	for u, lookErr := range f.ad.Users(ctx, opts) {
		if lookErr != nil {
			return fmt.Errorf("another account has the immutable ID %s, perhaps a deleted one: %w", s.Value, err)
		}
		if u.ID != s.AzureADID {
			return fmt.Errorf("%s has the immutable ID %s: %w", u.UserPrincipalName, s.Value, err)
		}
	}
	return fmt.Errorf("no account shows the immutable ID %s, so a deleted user most likely holds it, for 30 days after the deletion: "+
		"restore that user, or delete it for good, in the Entra admin center under Deleted users, and repair again: %w", s.Value, err)
}

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

// immutableIDPermissions are those of which one is enough to set immutable IDs.
var immutableIDPermissions = []string{perm.UserWrite, "Directory.ReadWrite.All", "Directory.AccessAsUser.All"}

// denials tell a refusal of one person, such as an administrator whose account the
// permission does not reach, from a permission that is missing altogether.
type denials struct {
	f     *Federator
	mu    sync.Mutex
	kinds map[RepairKind]*denial
}

type denial struct {
	people    map[string]bool // who was refused
	succeeded bool
	over      error // why nobody else is tried
}

func newDenials(f *Federator) *denials { return &denials{f: f, kinds: make(map[RepairKind]*denial)} }

// note takes notice of what came of a step.
func (d *denials) note(ctx context.Context, s RepairStep, outcome Outcome, err error) {
	denied := errors.Is(err, aad.ErrDenied) || errors.Is(err, jumpcloud.ErrDenied)
	var missing []string
	if denied && s.Kind == SetImmutableID {
		if perms, err := d.f.ad.Permissions(ctx); err == nil {
			missing = perms.Missing(immutableIDPermissions)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	k := d.kinds[s.Kind]
	if k == nil {
		k = &denial{people: make(map[string]bool)}
		d.kinds[s.Kind] = k
	}
	switch {
	case !denied:
		k.succeeded = k.succeeded || outcome == Done || outcome == Undone || errors.Is(err, errNotShown)
	case k.over != nil:
	case missing != nil:
		k.over = fmt.Errorf("the token lacks the permission %s, which is needed to %s: %w", strings.Join(missing, ", "), s.Kind, err)
	default:
		k.people[s.AzureADID+" "+s.JumpCloudID] = true
		if n := len(k.people); n >= deniedAtMost && !k.succeeded {
			k.over = fmt.Errorf("the first %d people were refused, and nobody has succeeded, to %s: %w", n, s.Kind, err)
		}
	}
}

// over is why no further step of a kind is tried, or nil.
func (d *denials) over(kind RepairKind) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if k := d.kinds[kind]; k != nil {
		return k.over
	}
	return nil
}

// all is why steps were not tried, or nil.
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

// leftIn names the people who are left; the report says of each step why.
func leftIn(steps []RepairStep, todo []int, phase Phase) string {
	outcomes := []Outcome{Planned, Refused, Unknown}
	if phase == PhaseUndo {
		outcomes = []Outcome{Done, Unknown}
	}
	var names []string
	seen := make(map[string]bool)
	for _, i := range slices.Sorted(slices.Values(todo)) {
		who := cmp.Or(steps[i].UserPrincipalName, steps[i].Email)
		if slices.Contains(outcomes, steps[i].Outcome) && !seen[who] {
			seen[who] = true
			names = append(names, who)
		}
	}
	if n := len(names) - namesAtMost; n > 0 {
		names = append(names[:namesAtMost], fmt.Sprintf("and %d more", n))
	}
	return strings.Join(names, ", ") + "; the report says why"
}
