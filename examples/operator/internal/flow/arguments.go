package flow

import (
	"time"

	"github.com/jcaad/jcaad/examples/operator/internal/data"
	"github.com/jcaad/jcaad/federation"
)

// DomainIn begins a Domain, or carries it on.
type DomainIn struct {
	Domain string `json:"domain"`
	// Speed is how many times as fast the clock of the services runs: 1 on real tenants. A
	// timer is a duration of that clock divided by it. 0 is 1.
	Speed float64 `json:"speed,omitempty"`
	// State is what continue-as-new carries; nil begins.
	State *State `json:"state,omitempty"`
	// Queue are the acts that were accepted and not yet seen to.
	Queue []Queued `json:"queue,omitempty"`
	// Notices are those that were not sent yet.
	Notices []Unsent `json:"notices,omitempty"`
}

// Unsent is a notice that was not sent yet, and until when that is tried.
type Unsent struct {
	Notice Notice    `json:"notice"`
	Until  time.Time `json:"until"`
}

// Queued is an act that was accepted and not yet seen to. Exactly one of Revert, Rotate and
// Look is set.
type Queued struct {
	Revert bool       `json:"revert,omitempty"`
	Rotate *RotateArg `json:"rotate,omitempty"`
	Look   bool       `json:"look,omitempty"`
	// Standing: nobody has asked for the rotation; the customers file is to allow it.
	Standing bool `json:"standing,omitempty"`
}

// ApproveArg approves the open proposal.
type ApproveArg struct {
	Hash     string   `json:"hash"`
	Approval data.Ref `json:"approval"` // stored before
	// Complete: all who must approve have; else it is the first of two.
	Complete bool   `json:"complete"`
	Batch    string `json:"batch,omitempty"` // whose turn is waited for
}

// RejectArg rejects the open proposal.
type RejectArg struct {
	Hash string `json:"hash"`
}

// RotateArg asks for the proposal of a rotation.
type RotateArg struct {
	Method  federation.RotateMethod  `json:"method"`
	Replace string                   `json:"replace,omitempty"`
	Settle  time.Duration            `json:"settleNanoseconds,omitempty"`
	Cancel  bool                     `json:"cancel,omitempty"`
	Consent federation.RotateConsent `json:"consent,omitzero"`
}

// RetireArg ends the management of the domain: nothing is written.
type RetireArg struct {
	Approval data.Ref `json:"approval"`
}

// NoteArg keeps a note, which was stored before.
type NoteArg struct {
	Note data.Ref `json:"note"`
}

// TurnSignal says that it is the domain's turn.
type TurnSignal struct {
	Batch string `json:"batch"`
	// Skipped: it will have no turn. What was approved for it is void, unless it was begun.
	Skipped bool `json:"skipped,omitempty"`
}

// ListedSignal says that the customers file has changed.
type ListedSignal struct {
	Listed bool `json:"listed"`
	// Plan: the plan is another one, which voids open proposals.
	Plan bool `json:"plan,omitempty"`
}

// PausedSignal says whether the domain is paused.
type PausedSignal struct {
	Paused bool `json:"paused"`
}

// BatchIn begins a Batch, or carries it on.
type BatchIn struct {
	Batch string `json:"batch"`
	// Waves are domains, in lower case, each once; the first wave is the pilot. What carries
	// on has none: State has them.
	Waves [][]string `json:"waves,omitempty"`
	// Federated: the next wave begins when all are federated; else when all are effective.
	Federated bool `json:"federated,omitempty"`
	// Failures is how many stop the batch; 0 is 1.
	Failures int         `json:"failures,omitempty"`
	State    *BatchState `json:"state,omitempty"`
}

// OutcomeSignal is how it went with a domain. [OutcomeWaiting] says that it was approved
// again and waits for a turn: it is given another one.
type OutcomeSignal struct {
	Domain  string  `json:"domain"`
	Outcome Outcome `json:"outcome"`
}

// Outcome is how far a domain of a batch is.
type Outcome string

// The outcomes. Failed is a write that failed, or a Verify that says wrong.
const (
	OutcomeWaiting   Outcome = "waiting" // for its wave
	OutcomeTurn      Outcome = "turn"    // it has its turn
	OutcomeFederated Outcome = "federated"
	OutcomeEffective Outcome = "effective"
	OutcomeFailed    Outcome = "failed"
	OutcomeSkipped   Outcome = "skipped"   // by a person
	OutcomeWithdrawn Outcome = "withdrawn" // its approval is void: it needs another
)

// SkipArg skips a domain, so that the next wave need not wait for it.
type SkipArg struct {
	Domain string `json:"domain"`
}

// BatchState is how far a batch is.
type BatchState struct {
	Batch    string             `json:"batch"`
	Waves    [][]string         `json:"waves"`
	Wave     int                `json:"wave"` // the one that has its turn, from 0
	Outcomes map[string]Outcome `json:"outcomes"`
	// Failed is how many failed since the batch was begun or resumed.
	Failed int `json:"failed"`
	// Stopped: no new turn is given, by failures or by a person.
	Stopped bool   `json:"stopped,omitempty"`
	Why     string `json:"why,omitempty"`
	Done    bool   `json:"done,omitempty"`
}

// RotationIn begins a Rotation, or carries it on.
type RotationIn struct {
	Domain   string         `json:"domain"`
	Speed    float64        `json:"speed,omitempty"`
	Approved Approved       `json:"approved"` // Open.Rotate says what is to be done
	State    *RotationState `json:"state,omitempty"`
}
