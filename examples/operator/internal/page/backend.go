// Package page shows where all domains are, and takes what people decide about them.
package page

import (
	"context"
	"errors"
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
	// Evidence writes what is kept of a domain as Markdown, for a change ticket.
	Evidence(domain string, w io.Writer) error
	Audit(f audit.Filter) iter.Seq2[audit.Entry, error]

	// Stop says whether all new writes are held, and by whom; SetStop holds them or lets
	// them go.
	Stop() (data.Stop, bool)
	SetStop(ctx context.Context, actor approve.Actor, on bool) error

	// Act does what a person has decided. When it returns nil it is recorded. The error is
	// ErrNoWorker, or says why it was refused.
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
	// pilot.
	Federated bool
	Failures  int
}

// ErrNoWorker: nobody was there within ten seconds to record the act.
var ErrNoWorker = errors.New("nothing was recorded: no worker answered within 10 s; look again, then send it again")
