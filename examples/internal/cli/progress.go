package cli

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/jcaad/jcaad/federation"
)

// IsTerminal reports whether somebody sits at v: a terminal's file, or what
// says so itself by a method of the same name.
func IsTerminal(v any) bool {
	if t, ok := v.(interface{ IsTerminal() bool }); ok {
		return t.IsTerminal()
	}
	f, ok := v.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Progress shows the events of a run, a line for each. On a terminal a last
// line moves while something is under way.
type Progress struct {
	w     io.Writer
	start time.Time

	mu      sync.Mutex
	status  string   // what is under way; empty: nothing
	running []string // changes under way, side by side
	frame   int
	stop    chan struct{} // nil if w is no terminal
	done    chan struct{}
}

// NewProgress starts to show progress on w. Close it.
func NewProgress(w io.Writer) *Progress {
	p := &Progress{w: w, start: time.Now()}
	if IsTerminal(w) {
		p.stop, p.done = make(chan struct{}), make(chan struct{})
		go p.spin()
	}
	return p
}

// Close takes the moving line away.
func (p *Progress) Close() {
	if p.stop == nil {
		return
	}
	close(p.stop)
	<-p.done
	p.Pause()
}

// Pause takes the moving line away until the next event, for a question.
func (p *Progress) Pause() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	p.status = ""
}

// Event shows an event. It fits [federation.Options.OnEvent].
func (p *Progress) Event(e federation.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e.Phase {
	case federation.PhaseObserve:
		p.line(e.Text)
		p.status = e.Text
	case federation.PhaseCheck:
		switch {
		case e.Done == 0 && e.Total == 0:
			p.line(e.Text)
			p.status = e.Text
		case e.Done < e.Total:
			p.status = fmt.Sprintf("%s %s %d of %d", e.Text, bar(e.Done, e.Total), e.Done, e.Total)
		default:
			p.status = e.Text
		}
	case federation.PhaseApply, federation.PhaseUndo:
		text := what(e.Change)
		if e.Elapsed == 0 && e.Err == nil {
			p.running = append(p.running, text)
		} else {
			p.line(fmt.Sprintf("%s%s (%s)%s", row(e.Change), text, seconds(e.Elapsed), problem(e)))
			if i := slices.Index(p.running, text); i >= 0 {
				p.running = slices.Delete(p.running, i, i+1)
			}
		}
		p.status = strings.Join(p.running, ", ")
	case federation.PhaseWait:
		text := e.Text
		if e.Change != nil {
			text = "waiting until it shows: " + what(e.Change)
		}
		if e.Attempt > 1 {
			text += fmt.Sprintf(" (look %d)", e.Attempt)
		}
		p.line(text + problem(e))
		p.status = text
	case federation.PhaseDone:
		p.line(e.Text)
		p.status = ""
	}
	p.draw()
}

func problem(e federation.Event) string {
	if e.Err == nil {
		return ""
	}
	return ": " + e.Err.Error()
}

// row is the row of the procedure that a change belongs to.
func row(c *federation.Change) string {
	if c == nil || c.Resource.Row() == 0 {
		return ""
	}
	return fmt.Sprintf("row %-2d ", c.Resource.Row())
}

func what(c *federation.Change) string {
	if c == nil {
		return "a change"
	}
	return fmt.Sprintf("%s %s %q", c.Action, c.Resource, c.Name)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

func bar(done, total int) string {
	const width = 20
	n := width * done / max(total, 1)
	return "[" + strings.Repeat("#", n) + strings.Repeat(" ", width-n) + "]"
}

// line writes a line that stays.
func (p *Progress) line(text string) {
	p.clear()
	fmt.Fprintf(p.w, "  %7s  %s\n", seconds(time.Since(p.start)), text)
}

// clear takes the moving line away.
func (p *Progress) clear() {
	if p.stop != nil && p.status != "" {
		io.WriteString(p.w, clearLine)
	}
}

// draw writes the moving line, cut to the width of the page.
func (p *Progress) draw() {
	if p.stop == nil || p.status == "" {
		return
	}
	text := []rune(fmt.Sprintf("  %7s  %c %s", seconds(time.Since(p.start)), []rune(`|/-\`)[p.frame%4], p.status))
	if w, ok := p.w.(interface{ Width() int }); ok && len(text) > w.Width() {
		text = text[:w.Width()]
	}
	io.WriteString(p.w, clearLine+string(text))
}

func (p *Progress) spin() {
	defer close(p.done)
	t := time.NewTicker(100 * time.Millisecond)
	defer t.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-t.C:
			p.mu.Lock()
			p.frame++
			p.draw()
			p.mu.Unlock()
		}
	}
}
