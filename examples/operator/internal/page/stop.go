package page

import (
	"context"
	"net/http"
	"strings"

	"github.com/jcaad/jcaad/examples/operator/internal/approve"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
)

// stopView is what the layout shows of the Stop button.
type stopView struct {
	On   bool
	By   string // "" if the viewer may not know, or nobody does
	At   string
	Form head
	May  bool // the viewer may press it
}

// Verbs of the Stop button.
const (
	verbStop = "stop"
	verbGo   = "go"
)

// stopView says whether all new writes are held. Whoever may approve for all customers
// holds them; letting them go needs an administrator.
func (p *page) stopView(v *viewer) stopView {
	if v == nil {
		return stopView{}
	}
	held, on := p.o.Backend.Stop()
	s := stopView{On: on, Form: v.form("/stop", verbStop), May: v.canAll(approve.Approve)}
	if on {
		s.Form, s.May, s.At = v.form("/stop", verbGo), v.canAll(approve.Admin), clock(held.At)
		if v.canAll(approve.View) {
			s.By = held.Who
		}
	}
	return s
}

// stop holds all new writes, or lets them go.
func (p *page) stop(v *viewer, r *http.Request) (*sent, error) {
	verb, role := verbStop, approve.Approve
	if r.PostForm.Get("verb") == verbGo {
		verb, role = verbGo, approve.Admin
	}
	if !v.canAll(role) {
		v.refused(verb, flow.State{}, errForbidden)
		return nil, errForbidden
	}
	back, _, _ := strings.Cut(inside(r.PostForm.Get("back")), "?")
	return &sent{kind: []string{verb}, back: back, do: func(ctx context.Context, _ string) (string, error) {
		if err := p.o.Backend.SetStop(ctx, v.actor, verb == verbStop); err != nil {
			return "", err
		}
		if verb == verbStop {
			return "All new writes are held: a run that is under way begins no further one, and reads go on.", nil
		}
		return "New writes may begin again. What was held sees that within a minute.", nil
	}}, nil
}
