package browser

import (
	"fmt"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// tabThrough goes once through the page with the Tab key.
func (v *visitor) tabThrough() (problems []string) {
	v.t.Helper()
	for _, want := range v.at.Controls {
		got := v.tab()
		problems = append(problems, got.Problems...)
		if got.Control != want {
			problems = append(problems, fmt.Sprintf("Tab leads to %s, not to %s", got.Control, want))
		}
	}
	return problems
}

// focused is what has the focus.
type focused struct {
	Control, Name string
	Problems      []string
}

func (v *visitor) focus() focused {
	v.t.Helper()
	f, err := inspect[focused](v, "focus()")
	v.must(err)
	return f
}

func (v *visitor) tab() focused {
	v.t.Helper()
	v.do(chromedp.KeyEvent(kb.Tab))
	return v.focus()
}

// reach gives the focus to the control with a name, by pressing Tab.
func (v *visitor) reach(name string) {
	v.t.Helper()
	for range 2*len(v.at.Controls) + 2 {
		if v.focus().Name == name || v.tab().Name == name {
			return
		}
	}
	v.t.Fatalf("%v: Tab does not lead to %q, there are %q", v.at, name, v.at.Controls)
}

// click clicks the control with a name or, if it has a label, that.
func (v *visitor) click(name string) {
	v.t.Helper()
	at, err := inspect[*struct{ X, Y float64 }](v, fmt.Sprintf("place(%q)", name))
	v.must(err)
	if at == nil {
		v.t.Fatalf("%v: there is no %q, there are %q", v.at, name, v.at.Controls)
	}
	v.do(chromedp.MouseClickXY(at.X, at.Y))
}

// fill types a text into the field with a label.
func (v *visitor) fill(label, text string) {
	v.t.Helper()
	if v.way.keyboard {
		v.reach(label) // which selects what is there
	} else {
		v.click(label)
		if got := v.focus().Name; got != label {
			v.t.Fatalf("%v: the label %q gives the focus to %q", v.at, label, got)
		}
		v.do(chromedp.KeyEvent(kb.End), chromedp.KeyEvent(kb.Home, chromedp.KeyModifiers(8))) // Shift
	}
	call(v, input.InsertText, input.InsertTextParams{Text: text})
	v.typed = true
}

// press presses a button, or follows a link, and waits for the page to which it leads.
// With a keyboard, a form that has been filled in is sent by Enter from where the
// focus is.
func (v *visitor) press(name string) {
	v.t.Helper()
	v.settle(func() {
		if !v.way.keyboard {
			v.click(name)
			return
		}
		if !v.typed {
			v.reach(name)
		}
		v.do(chromedp.KeyEvent(kb.Enter))
	})
}
