package page

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/jcaad/jcaad/examples/operator/internal/approve"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
)

// head is the beginning of a form.
type head struct {
	v      *viewer
	kind   string
	Action string // where it is sent
}

// form begins a form of a kind: what it does, to what, and what the viewer was shown of
// that. A form that is sent counts once, from who it was shown to, for that kind.
func (v *viewer) form(action string, kind ...string) head {
	return head{v: v, kind: strings.Join(kind, "\x00"), Action: action}
}

// Nonce is the form's own number. Each call makes another.
func (h head) Nonce() string { return h.v.p.nonces.Issue(h.v.actor.Name, h.kind) }

// mostForm is how large a form may be, in bytes.
const mostForm = 256 << 10

// sent is a form that was sent by somebody who may.
type sent struct {
	kind []string // as of form
	back string   // the page that it was on, without a query
	// wrong is what is wrong with what was typed, nil if nothing is. The form can then be
	// sent again.
	wrong error
	// do does what is asked, under the form's number, and returns what to say then.
	do func(ctx context.Context, nonce string) (string, error)
}

// post answers a form that read understands. read judges the viewer's role; its errors are
// as of get, and kept in the audit by who returns them.
func (p *page) post(read func(*viewer, *http.Request) (*sent, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, mostForm)
		v, ok := p.who(w, r)
		if !ok {
			return
		}
		if err := r.ParseForm(); err != nil {
			p.problem(w, v, http.StatusBadRequest, errors.New("the form cannot be read, and nothing was done: load the page again"))
			return
		}
		s, err := read(v, r)
		if err != nil {
			p.failed(w, v, err)
			return
		}
		nonce := r.PostForm.Get("nonce")
		if s.wrong != nil {
			p.back(w, r, v, s.back, rand.Text(), result{Text: sentence(s.wrong.Error()) + " Nothing was done."})
			return
		}
		switch err := p.nonces.Use(nonce, v.actor.Name, strings.Join(s.kind, "\x00")); {
		case errors.Is(err, approve.ErrUsed):
			p.again(w, r, v, s.back, nonce, err)
			return
		case err != nil:
			v.refused(s.kind[0], flow.State{}, err)
			p.problem(w, v, http.StatusConflict, err)
			return
		}
		text, err := s.do(r.Context(), nonce)
		if err != nil {
			text = sentence(err.Error())
		}
		p.back(w, r, v, s.back, nonce, result{Good: err == nil, Text: text})
	}
}

// again answers a form that was sent before, with what came of it if that is known.
func (p *page) again(w http.ResponseWriter, r *http.Request, v *viewer, back, nonce string, err error) {
	if p.results.get(v.actor.Name, nonce) == nil {
		nonce = rand.Text()
		p.results.put(v.actor.Name, nonce, result{Text: sentence(err.Error())})
	}
	redirect(w, r, back, nonce)
}

// back keeps what came of a form, and shows the page again.
func (p *page) back(w http.ResponseWriter, r *http.Request, v *viewer, to, token string, res result) {
	res.At = p.o.Now()
	p.results.put(v.actor.Name, token, res)
	redirect(w, r, to, token)
}

func redirect(w http.ResponseWriter, r *http.Request, to, token string) {
	between := "?"
	if strings.Contains(to, "?") {
		between = "&"
	}
	http.Redirect(w, r, to+between+"sent="+token, http.StatusSeeOther)
}

// result is what came of a form.
type result struct {
	Good bool
	Text string
	At   time.Time
}

// mostResults is how many are remembered.
const mostResults = 2000

// results are what came of forms, by who has sent them and their number.
type results struct {
	mu    sync.Mutex
	by    map[string]result
	order []string
}

func newResults() results { return results{by: make(map[string]result)} }

func (r *results) put(actor, token string, res result) {
	key := actor + "\x00" + token
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.by[key]; !known {
		if r.order = append(r.order, key); len(r.order) > mostResults {
			delete(r.by, r.order[0])
			r.order = r.order[1:]
		}
	}
	r.by[key] = res
}

func (r *results) get(actor, token string) *result {
	if token == "" {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	res, ok := r.by[actor+"\x00"+token]
	if !ok {
		return nil
	}
	return &res
}

// typed says what is wrong with a name that had to be typed, nil if it is the right one.
func typed(given, want string) error {
	given = strings.ToLower(strings.TrimSuffix(strings.TrimSpace(given), "."))
	switch given {
	case want:
		return nil
	case "":
		return fmt.Errorf("type %s into the field, so that it is not the wrong one", want)
	}
	return fmt.Errorf("%.80q was typed, and this is about %s", given, want)
}

// sentence is a text with a capital letter and a full stop.
func sentence(s string) string {
	if s == "" {
		return s
	}
	s = strings.ToUpper(s[:1]) + s[1:]
	if !strings.HasSuffix(s, ".") {
		s += "."
	}
	return s
}

// limit allows something most times within a time.
type limit struct {
	most   int
	within time.Duration

	mu   sync.Mutex
	last []time.Time
}

// allow reports whether it is allowed now, and counts it if so.
func (l *limit) allow(now time.Time) bool {
	ok := l.peek(now)
	if ok {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.last = append(l.last, now)
	}
	return ok
}

// peek is allow that counts nothing.
func (l *limit) peek(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.last) > 0 && now.Sub(l.last[0]) >= l.within {
		l.last = l.last[1:]
	}
	return len(l.last) < l.most
}
