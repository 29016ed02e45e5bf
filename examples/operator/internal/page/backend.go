// Package page shows where all domains are, and takes what people decide about them.
package page

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/jcaad/jcaad/examples/operator/internal/approve"
	"github.com/jcaad/jcaad/examples/operator/internal/audit"
	"github.com/jcaad/jcaad/examples/operator/internal/customers"
	"github.com/jcaad/jcaad/examples/operator/internal/data"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/federation"
)

// Backend is what the page shows and asks. It checks no role: the page does, at every
// answer, by Roles. It is safe for concurrent use.
type Backend interface {
	// Roles are who may do what now, File the customers file in force, and FileProblem why
	// the last change of it was not taken, nil if it was.
	Roles() approve.Roles
	File() *customers.File
	FileProblem() (time.Time, error)
	// Away says since when, and why, Temporal does not answer; the error is nil if it does.
	Away() (time.Time, error)

	// Domains are all states that are known, by domain; Batches all batches, newest first.
	Domains() []flow.State
	Domain(domain string) (flow.State, bool)
	Batches() []flow.BatchState
	// Live are the last steps of the run of a domain that is under way, in words without a
	// person's name.
	Live(domain string) []string
	// Subscribe returns a channel that has something whenever a domain has changed; cancel
	// ends it.
	Subscribe() (changed <-chan struct{}, cancel func())

	// What is stored. An fs.ErrNotExist means that there is none, or none any more.
	Preflight(domain string) (*federation.Preflight, error)
	Proposal(domain string) (*federation.Proposal, error) // the open one
	Verification(domain string) (*federation.Verification, error)
	Rotation(domain string) (*federation.Rotation, error)
	Reports(domain string) ([]data.Ref, error)
	Report(ref data.Ref) (*federation.Report, error)
	Notes(domain string) ([]string, error)
	// Approvers are who have approved so far what waits for two, the first of them: the open
	// proposal of a domain, or with the verb approve.VerbRetire that it is managed no more.
	Approvers(domain string, verb federation.Verb) []string
	// Evidence writes what is kept of a domain as Markdown, for a change ticket.
	Evidence(domain string, w io.Writer) error
	Audit(f audit.Filter) iter.Seq2[audit.Entry, error]

	// Stop says whether all new writes are held, and by whom; SetStop holds them or lets
	// them go.
	Stop() (data.Stop, bool)
	SetStop(ctx context.Context, actor approve.Actor, on bool) error

	// Act does what a person has decided. When it returns nil it is recorded. The error is
	// ErrNoWorker, ErrTaken, a *PartError of a batch that is under way, or says why it was
	// refused.
	Act(ctx context.Context, act Act) error
	// Log records what the page itself has seen, such as log-ins and refusals.
	Log(e audit.Entry) error
}

// Act is what a person has decided about one domain, or a batch of several.
type Act struct {
	// ID is the nonce of the form: the same act sent twice is done once.
	ID    string
	Actor approve.Actor
	// Verb is one of flow's updates (approve, reject, pause, resume, revert, rotate,
	// retire, note, skip), "batch", or "look".
	Verb    string
	Domains []string // one, but of "batch"
	Hashes  []string // of approve, reject and batch, in the order of Domains
	Batch   string   // of skip, and of pause and resume of a batch
	Rotate  *flow.RotateArg
	Note    string
	// Federated and Failures are of batch: see flow.BatchIn. The first of Domains is the
	// pilot, whose proposal the actor has seen whole; all others lock nobody out and need no
	// consent.
	Federated bool
	Failures  int
}

// ErrNoWorker: nobody was there within ten seconds to record the act, and nobody will record
// it later.
var ErrNoWorker = errors.New("nothing was recorded: no worker answered within 10 s; look again, then send it again")

// ErrTaken: somebody has taken the act in time, and has not told soon enough what came of
// it. It is not to be sent again before the page shows whether it was done. Of a batch, it
// says that the batch is under way, with a domain of whose approval that is so.
var ErrTaken = errors.New("the act was taken, and is about to be done, but no answer came in time: look at the page for what comes of it")

// PartError says that a batch was begun without some of its domains.
type PartError struct {
	Batch string
	// Left are the domains that were left out, and Why the reasons, in their order.
	Left []string
	Why  []error
}

// Error tells how many were left out, and the first reason.
func (e *PartError) Error() string {
	return fmt.Sprintf("the batch is under way; %d of its domains were left out, and wait for an approval as before: %s: %v",
		len(e.Left), e.Left[0], e.Why[0])
}

// Unwrap returns the reasons.
func (e *PartError) Unwrap() []error { return e.Why }
