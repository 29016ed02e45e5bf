package federation

import (
	"context"
	"errors"

	"github.com/jcaad/jcaad/jumpcloud"
)

// pair is the other application of a rotation by a second one: of the two the domain's
// application is one, and the login URL of the second is that of the first with the
// beginning of a fingerprint behind it. Nil if there is none.
func (r *rotating) pair() *jumpcloud.Application { return r.see.pair() }

func (s *rotateSight) pair() *jumpcloud.Application { return nil }

func (r *rotating) second(ctx context.Context) error { return errors.New("later") }
