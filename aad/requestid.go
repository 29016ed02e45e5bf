package aad

import (
	"context"

	"github.com/jcaad/jcaad/internal/rest"
)

// WithRequestIDs returns a context whose requests tell Microsoft Graph's ID of each
// request that succeeded, for a change record; that of a request that failed is
// in the [Error]. tell may be called from several goroutines.
func WithRequestIDs(ctx context.Context, tell func(id string)) context.Context {
	return rest.WithRequestIDs(ctx, tell)
}
