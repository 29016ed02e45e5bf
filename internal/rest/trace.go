package rest

import "context"

type requestIDs struct{}

// WithRequestIDs returns a context whose requests tell the service's ID of each
// request that was answered well; those of failures are in the [Failure].
func WithRequestIDs(ctx context.Context, tell func(id string)) context.Context {
	return context.WithValue(ctx, requestIDs{}, tell)
}

func tellRequestID(ctx context.Context, id string) {
	if tell, ok := ctx.Value(requestIDs{}).(func(string)); ok && id != "" {
		tell(id)
	}
}
