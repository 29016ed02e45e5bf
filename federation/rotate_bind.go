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

// A bindings is in what the second application's bindings differ from the first's.
type bindings struct {
	missing []jumpcloud.Object // bound to the first only
	spare   []jumpcloud.Object // bound by this rotation, and to the first no more
}

func (d *bindings) none() bool { return len(d.missing)+len(d.spare) == 0 }

// lacks is what is to be bound to the second application, and what no more, in an order.
func (q *seconding) lacks(ctx context.Context) (*bindings, error) {
	first, err := q.boundTo(ctx, q.app1.ID)
	if err != nil {
		return nil, err
	}
	second, err := q.boundTo(ctx, q.app2.ID)
	if err != nil {
		return nil, err
	}
	d := new(bindings)
	for o := range first {
		if !second[o] {
			d.missing = append(d.missing, o)
		}
	}
	var more []string
	for o := range second {
		switch {
		case first[o]:
		case q.hasBound(o):
			d.spare = append(d.spare, o)
		default:
			more = append(more, o.String())
		}
	}
	if slices.Sort(more); len(more) > 0 {
		q.warn(CodeRotation, q.app2.ID, "bound to the second application and not to the first: "+some(more, ", "),
			"unbind in JumpCloud whoever was only to try it, or is not to sign in any more")
	}
	for _, all := range [][]jumpcloud.Object{d.missing, d.spare} {
		slices.SortFunc(all, func(a, b jumpcloud.Object) int { return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.ID, b.ID)) })
	}
	return d, nil
}

// hasBound reports whether this rotation has bound a group or a user to the second
// application, and not unbound it since.
func (q *seconding) hasBound(o jumpcloud.Object) bool {
	for i := len(q.rot.Steps) - 1; i >= 0; i-- {
		s := &q.rot.Steps[i]
		if c := &s.Change; c.bindsApplication() && c.Parent == q.app2.ID && c.Name == o.String() && s.Outcome != Refused {
			return c.Action == Add
		}
	}
	return false
}

// A tie is a binding to be made, or to be ended.
type tie struct {
	jumpcloud.Object
	end bool
}

func (t tie) change(application string) Change {
	c := binding(application, t.Object)
	if t.end {
		c.Action = Remove
	}
	return c
}

// bind lets those use the second application that may use the first, and those no more
// that may not any more, so many at a time.
func (q *seconding) bind(ctx context.Context, s *secondSight, row *secondRow, d *bindings) error {
	q.place(s, row)
	q.same = func(ctx context.Context) error { return q.stillHolds(ctx, s, row) }
	all := d.ties()
	left := max(0, len(all)-bindAtMost)
	all = all[:len(all)-left]
	var cs Changes
	for _, t := range all {
		cs = append(cs, t.change(q.app2.ID))
	}
	std, asked := q.certs(), time.Now()
	if err := q.ask(ctx, &std, cs...); err != nil {
		return err
	}
	if len(d.spare) > 0 { // believed if it is so twice, and apart
		if err := sleep(ctx, rotateApart); err != nil {
			return reading(PhaseWait, err)
		}
	}
	if len(d.spare) > 0 || time.Since(asked) > freshRead {
		now, err := q.lacks(ctx)
		if err != nil {
			return err
		}
		still := now.ties()
		all = slices.DeleteFunc(all, func(t tie) bool { return !slices.Contains(still, t) })
	}
	began := len(q.rot.Steps)
	for _, t := range all {
		_, err := q.write(ctx, t.change(q.app2.ID), func() error {
			from := jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: q.app2.ID}
			if t.end {
				return q.f.jc.Dissociate(ctx, from, t.Object)
			}
			return q.f.jc.Associate(ctx, from, t.Object)
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
		shown := true
		for i, t := range all {
			if st := &q.rot.Steps[began+i]; second[t.Object] != t.end && st.Outcome != Refused {
				st.Outcome, st.Error = Done, ""
			} else {
				shown = false
			}
		}
		switch {
		case shown && left > 0:
			q.rot.NotBefore = q.f.now().UTC()
			q.rot.Next = fmt.Sprintf("%s: %d are left", q.secondText(stepBind), left)
			return nil
		case shown:
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

// stillBound reports whether the bindings of the two are the same still, though a
// confirmation was waited for since began.
func (q *seconding) stillBound(ctx context.Context, began time.Time) (bool, error) {
	if time.Since(began) <= freshRead {
		return true, nil
	}
	d, err := q.lacks(ctx)
	return err == nil && d.none(), err
}

// ties are all of them, those to be made first.
func (d *bindings) ties() []tie {
	var all []tie
	for _, o := range d.missing {
		all = append(all, tie{Object: o})
	}
	for _, o := range d.spare {
		all = append(all, tie{o, true})
	}
	return all
}
