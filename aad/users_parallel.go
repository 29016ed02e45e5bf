package aad

import (
	"context"
	"iter"
)

// usersParallel reads a long list in ranges.
func (c *Client) usersParallel(ctx context.Context, o UsersOptions) iter.Seq2[*User, error] {
	return func(yield func(*User, error) bool) {
		r, _ := o.request()
		c.users(ctx, r, o.OnTotal)(yield)
	}
}
