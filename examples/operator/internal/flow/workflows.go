package flow

import "go.temporal.io/sdk/workflow"

// Workflows are the workflows of the operator: its methods Domain, Rotation and Batch. They
// are registered by the names of the methods.
//
// Show and ShowBatch, if they are not nil, are given the state whenever it has changed, and
// not while a history is replayed. They are called in a workflow: they must not block, and
// nothing of what they do may come back to it.
//
// Admit, if it is not nil, is asked by the validator of every update, as the last thing,
// whether the update of that ID is still wanted: who sent it may have given up meanwhile,
// and Temporal delivers it all the same once a worker is there. True takes it; the same ID
// may be asked about again, as a workflow task is tried again, and is to be answered the
// same. It must not block. A validator runs once, before the update is in the history, and
// is not replayed: so its answer may come from outside.
type Workflows struct {
	Show      func(State)
	ShowBatch func(BatchState)
	Admit     func(id string) bool
}

// admits refuses an update that nobody waits for any more.
func (w *Workflows) admits(ctx workflow.Context) error {
	if w.Admit == nil || w.Admit(workflow.GetCurrentUpdateInfo(ctx).ID) {
		return nil
	}
	return refuse("nobody waits for this any more: whoever sent it was told that nothing was recorded")
}
