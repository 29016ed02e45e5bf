package flow

// Workflows are the workflows of the operator: its methods Domain, Rotation and Batch. They
// are registered by the names of the methods.
//
// Show and ShowBatch, if they are not nil, are given the state whenever it has changed, and
// not while a history is replayed. They are called in a workflow: they must not block, and
// nothing of what they do may come back to it.
type Workflows struct {
	Show      func(State)
	ShowBatch func(BatchState)
}
