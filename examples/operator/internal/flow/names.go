// Package flow has the workflows of the operator: where each domain is, and what it
// waits for. It asks nobody anything: what reads and writes is behind [Activities].
//
// Everything that a workflow is given, holds and returns is kept in Temporal's history.
// So nothing of it names a person: people are counted, and files that name them, such as
// reports, proposals and approvals, are told by name and SHA-256.
package flow

// TaskQueue is where the workflows and their activities run.
const TaskQueue = "operator"

// DomainID is the ID of the workflow of a domain, which is in lower case.
func DomainID(domain string) string { return "domain/" + domain }

// RotationID is the ID of the workflow that rotates the certificate of a domain.
func RotationID(domain string) string { return "rotation/" + domain }

// BatchID is the ID of the workflow of a batch.
func BatchID(batch string) string { return "batch/" + batch }

// Names of the workflows' handlers. Updates have validators; their IDs are the nonces of
// the forms, so that one that is sent again is one act.
const (
	QueryState = "state" // of Domain: a State; of Rotation: a RotationState; of Batch: a BatchState

	UpdateApprove = "approve" // ApproveArg
	UpdateReject  = "reject"  // RejectArg
	UpdatePause   = "pause"   // no argument; of Rotation and Batch as well
	UpdateResume  = "resume"  // no argument; of Rotation and Batch as well
	UpdateRevert  = "revert"  // no argument: a proposal is made, to be approved
	UpdateRotate  = "rotate"  // RotateArg: a proposal is made, to be approved
	UpdateRetire  = "retire"  // RetireArg
	UpdateNote    = "note"    // NoteArg
	UpdateSkip    = "skip"    // SkipArg, of Batch

	SignalTurn     = "turn"     // to Domain: TurnSignal, of its batch
	SignalListed   = "listed"   // to Domain: ListedSignal, of a change of the customers file
	SignalLook     = "look"     // to Domain, which tells its Rotation: no argument; looks now
	SignalRotation = "rotation" // to Domain: RotationState
	SignalPaused   = "paused"   // to Rotation, of its domain: PausedSignal
	SignalOutcome  = "outcome"  // to Batch: OutcomeSignal
)
