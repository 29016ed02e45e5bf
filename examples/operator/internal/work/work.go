// Package work asks the services what the workflows want to know, and writes what was
// approved: it is [flow.Activities] over package federation.
//
// Reads use clients that cannot write; a client that can is made for [Activities.Run] and
// [Activities.Rotate] alone, of customers in mode manage, after the approval was checked.
// Of each domain there is one call at a time, of each credential four, and sixteen in all:
// who finds no place is told when to ask again, and waits in the workflow.
//
// Nothing that leaves the package names a person, but the files of package data, and the
// actors of the audit. Texts are made of codes, counts and general sentences, never of
// what a service has said.
package work

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/jcaad/jcaad/examples/internal/keyfile"
	"github.com/jcaad/jcaad/examples/operator/internal/approve"
	"github.com/jcaad/jcaad/examples/operator/internal/audit"
	"github.com/jcaad/jcaad/examples/operator/internal/customers"
	"github.com/jcaad/jcaad/examples/operator/internal/data"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/examples/operator/internal/secret"
	"github.com/jcaad/jcaad/federation"
)

// Options are what [New] needs. Customers, Vault, Data, Audit and Roles must be there.
type Options struct {
	// Customers returns the file that is in force, and Roles who may do what now.
	Customers func() *customers.File
	Roles     func() approve.Roles
	Vault     *secret.Vault
	Data      *data.Dir
	Audit     *audit.Log
	// Key is that of approvals. Without it nothing is carried out but what stands.
	Key approve.Key
	// Now is the bent clock; the default is time.Now. Speed is how many times as fast it
	// runs; 0 is 1.
	Now   func() time.Time
	Speed float64
	// KeyPassphrase encrypts the keys of rotations. Without it the method own-key-pair is
	// refused before any write.
	KeyPassphrase string
	// OnStep is told of the steps of a run as they happen, in words that name no person.
	OnStep func(domain, text string)
	// OnSent is told of each change that a run or a rotation has sent, once the call ends.
	OnSent func(federation.Outcome)
	// Notify sends a notice; nil: nobody is told.
	Notify func(context.Context, flow.Notice) error
	// Beat sends a heartbeat, and says whether it got through: [Heartbeat]. The default
	// records it with the SDK, which does not tell. If none got through for 20 s, no write begins.
	Beat func(context.Context, Progress) error
	// HTTPClient returns what sends the requests of a credential; nil, or a nil client,
	// is the library's own. Wrap is as in the options of both clients, such as for traces.
	HTTPClient func(customers.Credential) *http.Client
	Wrap       func(http.RoundTripper) http.RoundTripper
	// Context, if set, makes the context in which the services are asked.
	Context func(context.Context) context.Context
}

// Activities are the activities. They are safe for concurrent use.
type Activities struct {
	o       Options
	clients *clients
	slots   *slots
	keys    federation.KeyStore // nil without a passphrase
}

var _ flow.Activities = (*Activities)(nil)

// New returns the activities. It asks nobody anything.
func New(o Options) (*Activities, error) {
	for name, missing := range map[string]bool{
		"Customers": o.Customers == nil, "Roles": o.Roles == nil, "Vault": o.Vault == nil, "Data": o.Data == nil, "Audit": o.Audit == nil,
	} {
		if missing {
			return nil, fmt.Errorf("work: %s is missing in the options", name)
		}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Speed <= 0 {
		o.Speed = 1
	}
	if o.OnStep == nil {
		o.OnStep = func(string, string) {}
	}
	if o.OnSent == nil {
		o.OnSent = func(federation.Outcome) {}
	}
	if o.Notify == nil {
		o.Notify = func(context.Context, flow.Notice) error { return nil }
	}
	if o.Context == nil {
		o.Context = func(ctx context.Context) context.Context { return ctx }
	}
	if o.Beat == nil {
		o.Beat = func(ctx context.Context, p Progress) error {
			if activity.IsActivity(ctx) {
				activity.RecordHeartbeat(ctx, p)
			}
			return nil
		}
	}
	a := &Activities{o: o, slots: newSlots(), clients: newClients(o)}
	if o.KeyPassphrase != "" {
		a.keys = &keyfile.Store{Dir: o.Data.Keys(), Passphrase: o.KeyPassphrase}
	}
	return a, nil
}

// Tell sends a notice.
func (a *Activities) Tell(ctx context.Context, in flow.Notice) error { return a.o.Notify(ctx, in) }

// options are those that all calls of the library have in common.
func (a *Activities) options() federation.Options {
	return federation.Options{Now: a.o.Now, Keys: a.keys}
}

// bent is a time on the wall by the bent clock.
func (a *Activities) bent(d time.Duration) time.Duration {
	return time.Duration(float64(d) * a.o.Speed)
}

var errNoFile = errors.New("work: no customers file is in force yet")

// enter begins a call: it says in the reply whose domain it is, and takes its place. If
// it returns nil without an error, the reply says why nothing is to be asked. leave must
// be called if there is a customer.
func (a *Activities) enter(domain string, r *flow.Reply) (c *customers.Customer, leave func(), err error) {
	file := a.o.Customers()
	if file == nil {
		return nil, nil, errNoFile
	}
	c, ok := file.ByDomain(domain)
	if !ok {
		r.Unlisted = true
		return nil, nil, nil
	}
	r.Customer, r.Mode = c.Name, string(c.Mode)
	leave, wait, why := a.slots.take(c.Domain, c.JumpCloud.Key(), c.AzureAD.Key())
	if leave == nil {
		r.Busy, r.Why = a.bent(wait), why
		return nil, nil, nil
	}
	return c, leave, nil
}

// listed reports whether a domain may be written to still.
func (a *Activities) listed(domain string) bool {
	file := a.o.Customers()
	if file == nil {
		return false
	}
	c, ok := file.ByDomain(domain)
	return ok && c.Mode == customers.Manage
}

// ask calls do with the customer's federator. If a service does not take a credential,
// it is fetched anew, once, and do is called again.
func (a *Activities) ask(ctx context.Context, c *customers.Customer, write bool, o federation.Options,
	do func(context.Context, *federation.Federator) error) error {
	ctx = a.o.Context(ctx)
	for try := 0; ; try++ {
		u, err := a.clients.get(ctx, c, write)
		if err != nil {
			return err
		}
		err = do(ctx, u.fed.With(o))
		u.release()
		if err == nil || try > 0 || ctx.Err() != nil {
			return err
		}
		again, renewed := a.clients.renew(ctx, c, u, err)
		if renewed != nil {
			return renewed
		}
		if !again {
			return err
		}
	}
}
