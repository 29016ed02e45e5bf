package federation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jcaad/jcaad/jumpcloud"
)

// bindAtMost is how many groups and users one call binds.
const bindAtMost = 20

// boundTo is what is bound to an application: groups and users.
func (q *seconding) boundTo(ctx context.Context, id string) (map[jumpcloud.Object]bool, error) {
	for n := 1; ; n++ {
		bound := make(map[jumpcloud.Object]bool)
		var err error
		from := jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: id}
		for to, e := range q.f.jc.Associations(ctx, from, jumpcloud.GroupObject, jumpcloud.UserObject) {
			if e != nil {
				err = lagging(e)
				break
			}
			bound[to] = true
		}
		if err == nil {
			return bound, nil
		}
		if !temporary(err) || n == rotateLooks {
			return nil, reading(PhaseObserve, err)
		}
		if err := sleep(ctx, backoff(n)); err != nil {
			return nil, reading(PhaseObserve, err)
		}
	}
}

// lacks is what is bound to the first application and not to the second, in an order.
func (q *seconding) lacks(ctx context.Context) ([]jumpcloud.Object, error) {
	first, err := q.boundTo(ctx, q.app1.ID)
	if err != nil {
		return nil, err
	}
	second, err := q.boundTo(ctx, q.app2.ID)
	if err != nil {
		return nil, err
	}
	var missing []jumpcloud.Object
	for o := range first {
		if !second[o] {
			missing = append(missing, o)
		}
	}
	var more []string
	for o := range second {
		if !first[o] {
			more = append(more, o.String())
		}
	}
	if slices.Sort(more); len(more) > 0 {
		q.warn(CodeRotation, q.app2.ID, "bound to the second application and not to the first: "+some(more, ", "),
			"unbind in JumpCloud whoever was only to try it, or is not to sign in any more")
	}
	slices.SortFunc(missing, func(a, b jumpcloud.Object) int { return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.ID, b.ID)) })
	return missing, nil
}

// bind lets those use the second application that may use the first, so many at a time.
func (q *seconding) bind(ctx context.Context, s *secondSight, row *secondRow, missing []jumpcloud.Object) error {
	q.place(s, row)
	left := max(0, len(missing)-bindAtMost)
	missing = missing[:len(missing)-left]
	var cs Changes
	for _, o := range missing {
		cs = append(cs, binding(q.app2.ID, o))
	}
	std := q.certs()
	if err := q.ask(ctx, &std, cs...); err != nil {
		return err
	}
	began := len(q.rot.Steps)
	for i, o := range missing {
		_, err := q.write(ctx, cs[i], func() error {
			return q.f.jc.Associate(ctx, jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: q.app2.ID}, o)
		})
		switch {
		case errors.Is(err, jumpcloud.ErrNotFound): // deleted meanwhile, or not to be seen yet: the next look decides
		case err != nil:
			return err
		case ctx.Err() != nil:
			return reading(PhaseApply, context.Cause(ctx))
		}
	}
	for n := 1; ; n++ {
		second, err := q.boundTo(ctx, q.app2.ID)
		if err != nil {
			return err
		}
		all := true
		for i, o := range missing {
			if st := &q.rot.Steps[began+i]; second[o] && st.Outcome != Refused {
				st.Outcome, st.Error = Done, ""
			} else {
				all = false
			}
		}
		switch {
		case all && left > 0:
			q.rot.NotBefore = q.f.now().UTC()
			q.rot.Next = fmt.Sprintf("%s: %d are left", q.secondText(stepBind), left)
			return nil
		case all:
			q.see.read = q.f.now()
			s := q.sight()
			s.bound = true
			return q.arrive(s, s.row(secondTable))
		case n == rotateLooks:
			return q.notVisible("groups and users were bound to the second application")
		}
		if err := sleep(ctx, backoff(n)); err != nil {
			return reading(PhaseWait, err)
		}
	}
}

// stillBound reports whether nothing was bound to the first application alone while a
// confirmation was waited for since began.
func (q *seconding) stillBound(ctx context.Context, began time.Time) (bool, error) {
	if time.Since(began) <= freshRead {
		return true, nil
	}
	missing, err := q.lacks(ctx)
	return len(missing) == 0, err
}
