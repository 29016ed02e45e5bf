package main

import (
	"context"
	"fmt"
)

// show is PreviewRotation. It returns the exit code.
func (j *job) show(ctx context.Context) int {
	p, err := j.federator.PreviewRotation(ctx, j.plan, j.last)
	fmt.Fprint(j.out, p)
	if err != nil {
		return j.failed(err)
	}
	return exitDone
}
