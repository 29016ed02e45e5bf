// Package desk is what the page shows and asks: the board of all domains as their
// workflows have shown them, and what people decide, told to the workflows after it was
// written into the audit.
//
// It begins the workflows of the listed domains ([Desk.Start]), and tells them when the
// customers file has changed ([Desk.Reload]). It writes to no service.
package desk

import (
	"context"
	"iter"
	"log/slog"
	"strings"
	"sync"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/jcaad/jcaad/examples/operator/internal/approve"
	"github.com/jcaad/jcaad/examples/operator/internal/audit"
	"github.com/jcaad/jcaad/examples/operator/internal/customers"
	"github.com/jcaad/jcaad/examples/operator/internal/data"
	"github.com/jcaad/jcaad/examples/operator/internal/page"
	"github.com/jcaad/jcaad/examples/operator/internal/secret"
)

// Options are what a [Desk] works with. All are needed, but where a default is named.
type Options struct {
	Client    client.Client
	Data      *data.Dir
	Audit     *audit.Log
	Key       approve.Key
	Customers *customers.Holder
	Vault     *secret.Vault
	// Password: everybody is the one actor of password mode, so that the roles of the
	// customers file count for nothing.
	Password bool
	// Speed is that of the bent clock; 0 is 1. See flow.DomainIn.
	Speed float64
	// Now is the clock of the proposals and approvals; the default is time.Now.
	Now func() time.Time
	// Log is the default of slog if nil. It is told no person's name.
	Log *slog.Logger
	// Within is how long a workflow is given to answer; the default is 10 s. One that has
	// taken an act is given half as much again to say what came of it.
	Within time.Duration
}

// Desk implements [page.Backend]. It is safe for concurrent use.
type Desk struct {
	o         Options
	board     board
	admission admission

	reloading sync.Mutex // one reading of the customers file at a time
	signing   sync.Mutex // one approval to retire at a time
	keeping   sync.Mutex // one writing of what was told at a time

	mu       sync.Mutex
	acts     acts
	retiring map[string]data.Ref // the first approval of two, by domain
	missed   map[string]signal   // what a workflow could not be told yet, by domain
	told     map[string]string   // the plan that it was told of last, by domain; nil before Start
	untold   bool                // told is not kept in the folder
	unmade   map[string]batch    // batches that could not be begun yet
	unasked  []string            // workflows that have not said where they are
	away     error               // why Temporal did not answer last, nil if it did
	since    time.Time           // when that began
	wake     chan struct{}

	caughtUp chan struct{} // closed by Start
}

var _ page.Backend = (*Desk)(nil)

// New returns a desk with an empty board. It reads what a desk before it has kept in the
// folder.
func New(o Options) *Desk {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Within <= 0 {
		o.Within = 10 * time.Second
	}
	if o.Speed <= 0 {
		o.Speed = 1
	}
	d := &Desk{
		o: o, board: newBoard(), admission: newAdmission(), acts: newActs(),
		missed: make(map[string]signal), unmade: make(map[string]batch), wake: make(chan struct{}, 1),
		caughtUp: make(chan struct{}),
	}
	d.retiring = d.retirements()
	return d
}

// File returns the customers file that is in force.
func (d *Desk) File() *customers.File { return d.o.Customers.Current() }

// FileProblem returns when the customers file was last read, and why that was not taken.
func (d *Desk) FileProblem() (time.Time, error) { return d.o.Customers.Problem() }

// Roles returns who may do what now: what the customers file says, or in password mode
// everything for its one actor.
func (d *Desk) Roles() approve.Roles {
	if d.o.Password {
		return approve.PasswordRoles()
	}
	return RolesOf(d.File())
}

// RolesOf returns the roles of a customers file. Several domains may be of one customer,
// and a role is had with a customer: of an actor whose roles differ between the domains of
// one customer the least counts.
func RolesOf(f *customers.File) approve.Roles {
	if f == nil {
		return approve.Roles{}
	}
	rank := map[customers.RoleName]int{customers.View: 1, customers.Approve: 2, customers.Admin: 3}
	names := [...]approve.Role{1: approve.View, 2: approve.Approve, 3: approve.Admin}
	var grants []approve.Grant
	for _, r := range f.Roles {
		grants = append(grants, approve.Grant{Actor: r.Actor, Customer: approve.Everywhere, Role: names[rank[r.Name]]})
	}
	of := make(map[string]map[string]int) // by customer and actor
	for _, c := range f.Customers {
		own := make(map[string]int)
		for _, r := range c.Roles {
			actor := approve.Name(r.Actor)
			own[actor] = max(own[actor], rank[r.Name])
		}
		before, several := of[c.Name]
		if !several {
			of[c.Name] = own
			continue
		}
		for actor := range before {
			before[actor] = min(before[actor], own[actor])
		}
	}
	for customer, actors := range of {
		for actor, r := range actors {
			if r > 0 && actor != "" {
				grants = append(grants, approve.Grant{Actor: actor, Customer: customer, Role: names[r]})
			}
		}
	}
	var good []approve.Grant
	for _, g := range grants {
		if approve.Name(g.Actor) != "" { // a name that no proxy can tell is nobody's
			good = append(good, g)
		}
	}
	roles, err := approve.NewRoles(good...)
	if err != nil {
		return approve.Roles{} // nobody may do anything
	}
	return roles
}

// Away says since when, and why, Temporal does not answer; the error is nil if it does.
func (d *Desk) Away() (time.Time, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.since, d.away
}

// Audit reads the audit.
func (d *Desk) Audit(f audit.Filter) iter.Seq2[audit.Entry, error] { return d.o.Audit.Entries(f) }

// Log records what the page itself has seen, by the clock of the proposals if the entry has
// no time.
func (d *Desk) Log(e audit.Entry) error {
	if e.Time.IsZero() {
		e.Time = d.o.Now()
	}
	return d.o.Audit.Append(e)
}

// Stop says whether all new writes are held, and by whom.
func (d *Desk) Stop() (data.Stop, bool) { return d.o.Data.Stop() }

// SetStop holds all new writes or lets them go. Letting go is not done unless the audit
// has it; holding is done in any case, and an error then says what was not kept.
func (d *Desk) SetStop(_ context.Context, actor approve.Actor, on bool) error {
	e := entryOf(actor)
	e.Verb, e.Outcome = "stop", "all new writes are held"
	if !on {
		e.Verb, e.Outcome = "go", "new writes may begin again"
	}
	kept := d.Log(e)
	if kept != nil && !on {
		return kept
	}
	err := d.o.Data.SetStop(on, actor.Name, d.o.Now())
	d.board.changed()
	if kept != nil {
		return kept
	}
	return err
}

// entryOf begins an entry of the audit by somebody.
func entryOf(actor approve.Actor) audit.Entry {
	e := audit.Entry{Source: actor.From}
	if actor.Name != "" {
		e.Actors = []string{actor.Name}
	}
	return e
}

// lower is how workflows name a domain.
func lower(domain string) string {
	return strings.ToLower(strings.TrimSuffix(strings.TrimSpace(domain), "."))
}
