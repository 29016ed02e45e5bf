package page

import (
	"fmt"
	"net/http"
	"time"
)

const (
	eventsPause = time.Second      // between two events of one viewer
	eventsAlive = 20 * time.Second // after which something is sent in any case
	eventsWrite = 10 * time.Second // that a browser may take to receive one
)

// events tells the script whenever something has changed, and nothing else: it then asks
// for what is live of its page, which is judged like any request. It ends when the viewer
// is nobody any more.
func (p *page) events(w http.ResponseWriter, r *http.Request) {
	if _, ok := p.who(w, r); !ok {
		return
	}
	changed, cancel := p.o.Backend.Subscribe()
	defer cancel()
	out := http.NewResponseController(w)
	send := func(text string) bool {
		_ = out.SetWriteDeadline(time.Now().Add(eventsWrite)) // a test's writer has none
		_, err := fmt.Fprint(w, text)
		return err == nil && out.Flush() == nil
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	if !send("retry: 3000\n\n") {
		return
	}
	alive := time.NewTicker(eventsAlive)
	defer alive.Stop()
	for {
		text := ": alive\n\n"
		select {
		case <-r.Context().Done():
			return
		case <-alive.C:
		case <-changed:
			text = "event: changed\ndata: 1\n\n"
		}
		if _, err := p.o.Guard.Actor(r); err != nil || !send(text) {
			return
		}
		if !pause(r, eventsPause) {
			return
		}
	}
}

// pause waits, and reports whether the request is still there.
func pause(r *http.Request, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-r.Context().Done():
		return false
	case <-t.C:
		return true
	}
}
