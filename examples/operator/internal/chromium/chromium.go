// Package chromium lets tests use a browser as people do, whom it calls persons.
package chromium

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// patience is how long the browser may take for one thing. It only ends what hangs.
const patience = 30 * time.Second

// Start begins the browser for a test, which is skipped where there is none; with CI=true
// in the environment it fails there. The browser ends with the test.
func Start(t *testing.T) context.Context {
	t.Helper()
	var program string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if found, err := exec.LookPath(name); err == nil && program == "" {
			program = found
		}
	}
	if program == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("there is no browser")
		}
		t.Skip("there is no browser: nobody has looked at the pages")
	}
	all, stop := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("no-proxy-server", true), chromedp.Flag("lang", "en-US"), chromedp.Flag("hide-scrollbars", false))...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(all, chromedp.WithErrorf(func(string, ...any) {}))
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal("the browser does not start: ", err)
	}
	return ctx
}

// Person sits before a tab of the browser. What a page does not let a person do fails the
// test, and so does whatever the browser complains of: of the policy, of the script.
type Person struct {
	t    *testing.T
	ctx  context.Context
	site string

	mu        sync.Mutex
	complaint []string
}

// Sit opens a tab with cookies of its own, which sends headers with each request. site is
// the address that paths are of, without a slash at its end.
func Sit(t *testing.T, browser context.Context, site string, headers map[string]string) *Person {
	t.Helper()
	p := &Person{t: t, site: site}
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext(), chromedp.WithListener(p.hear))
	t.Cleanup(cancel)
	p.ctx = ctx
	if err := chromedp.Do(ctx); err != nil { // opens the tab, which must not have a limit
		t.Fatal(err)
	}
	Tell(p, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	sent := make(network.Headers)
	for name, value := range headers {
		sent[name] = value
	}
	Tell(p, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: sent})
	p.Sized(1280)
	t.Cleanup(func() {
		for _, c := range p.complaints() {
			t.Errorf("the browser: %s", c)
		}
	})
	return p
}

// Context is of the tab, for actions that are not here.
func (p *Person) Context() context.Context { return p.ctx }

// hear notes what the browser complains of: of the policy, of the script.
func (p *Person) hear(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		p.complaint = append(p.complaint, fmt.Sprintf("console.%s", e.Type))
	case *runtime.EventExceptionThrown:
		p.complaint = append(p.complaint, e.ExceptionDetails.Text)
	case *log.EventEntryAdded:
		if e.Entry.Source != log.EntrySourceNetwork { // a status is no fault of the page
			p.complaint = append(p.complaint, fmt.Sprintf("%s: %s", e.Entry.Source, e.Entry.Text))
		}
	}
}

func (p *Person) complaints() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.complaint
	p.complaint = nil
	return out
}

// Tell gives the browser a command for the tab.
func Tell[P, R any](p *Person, c cdp.Command[P, R], params P) R {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	r, err := chromedp.Call(ctx, c, params)
	if err != nil {
		p.t.Fatal(err)
	}
	return r
}

// Sized makes the window so many pixels wide.
func (p *Person) Sized(width int64) {
	Tell(p, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: width, Height: 800, DeviceScaleFactor: 1, Mobile: width < 600})
}

// Do does something in the tab.
func (p *Person) Do(a ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, a...); err != nil {
		p.t.Fatalf("%v; at %s", err, p.Text())
	}
}

// Eval evaluates an expression in the page.
func Eval[T any](p *Person, expression string) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	out, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return out
}

// Text is what the page says.
func (p *Person) Text() string {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	out, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.innerText`))
	if err != nil {
		return err.Error()
	}
	return out
}

// Open goes to a path of the site, also from a page that is about to go elsewhere by
// itself, such as after a form.
func (p *Person) Open(path string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	for {
		err := chromedp.Do(ctx, chromedp.Navigate(p.site+path))
		if err == nil {
			return
		}
		if !strings.Contains(err.Error(), "ERR_ABORTED") {
			p.t.Fatalf("%s: %v; at %s", path, err, p.Text())
		}
	}
}

// Sees waits until the page says something.
func (p *Person) Sees(text string) {
	p.t.Helper()
	p.Until(fmt.Sprintf("%q", text), func() bool { return strings.Contains(p.Text(), text) })
}

// Until waits for something of the page.
func (p *Person) Until(what string, is func() bool) {
	p.t.Helper()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	limit := time.After(patience)
	for !is() {
		select {
		case <-look.C:
		case <-limit:
			p.t.Fatalf("nobody sees %s:\n%s", what, p.Text())
		}
	}
}

// Click clicks the first thing that can be clicked and has a text, opening what hides it.
func (p *Person) Click(text string) {
	p.t.Helper()
	at := Eval[[]float64](p, fmt.Sprintf(`(() => {
		const e = [...document.querySelectorAll("button, a, summary")].find(e => e.textContent.trim().startsWith(%q));
		if (!e) return [];
		for (let d = e.closest("details"); d; d = d.parentElement.closest("details")) if (!e.matches("summary")) d.open = true;
		e.scrollIntoView({ block: "center", behavior: "instant" });
		const r = e.getBoundingClientRect();
		const x = r.left + r.width / 2, y = r.top + r.height / 2, over = document.elementFromPoint(x, y);
		return e.contains(over) ? [x, y] : [x, y, 0];
	})()`, text))
	if len(at) != 2 {
		p.t.Fatalf("there is no %q to click, or something lies over it, %v:\n%s", text, at, p.Text())
	}
	p.Do(chromedp.MouseClickXY(at[0], at[1]))
}

// Fills types into a field, opening what hides it.
func (p *Person) Fills(id, text string) {
	p.t.Helper()
	if !Eval[bool](p, fmt.Sprintf(`(() => { 
		const e = document.getElementById(%q);
		if (!e) return false;
		for (let d = e.closest("details"); d; d = d.parentElement.closest("details")) d.open = true;
		e.focus();
		return document.activeElement === e;
	})()`, id)) {
		p.t.Fatalf("there is no field %q:\n%s", id, p.Text())
	}
	p.Do(chromedp.KeyEvent(text))
}

// Tabs presses Tab until something has the focus: what has the ID, or else begins with
// the text. Whatever has the focus on the way has to show it.
func (p *Person) Tabs(id, text string) {
	p.t.Helper()
	const look = `(() => {
		const e = document.activeElement;
		if (!e || e === document.body) return ["", "", ""];
		const s = getComputedStyle(e);
		const seen = s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2;
		return [e.id, e.textContent.trim(), seen ? "" : e.outerHTML.slice(0, 80)];
	})()`
	for range 200 {
		p.Do(chromedp.KeyEvent(kb.Tab))
		at := Eval[[]string](p, look)
		if at[2] != "" {
			p.t.Errorf("it does not show that it has the focus: %s", at[2])
		}
		if id != "" && at[0] == id || text != "" && strings.HasPrefix(at[1], text) {
			return
		}
	}
	p.t.Fatalf("Tab does not lead to %q %q", id, text)
}
