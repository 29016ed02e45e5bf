package browser

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

//go:embed inspect.js
var inspector string

// way is how a person uses the browser.
type way struct {
	name          string
	width, height int64
	scripts       bool
	keyboard      bool // Tab and Enter only, else a mouse
}

// ways are those of all walks.
var ways = []way{
	{"mouse, scripts, wide", 1280, 800, true, false},
	{"keyboard, no scripts, narrow", 320, 640, false, true},
}

// page is what a person sees.
type page struct {
	Title, Heading, Alert, Code, Text string
	Facts                             map[string]string // by ID
	Values                            map[string]string // of what can be filled in, by label
	Controls                          []string          // in their order
	Problems                          []string

	url *url.URL
}

// String is the page in few words: where it is, its heading, and what is wrong.
func (p *page) String() string {
	s := p.url.Hostname() + ": " + p.Heading
	switch {
	case p.Code != "":
		return s + " [" + p.Code + "]"
	case p.Alert != "":
		code, _, _ := strings.Cut(p.Alert, ": ")
		return s + " [" + code + "]"
	}
	return s
}

// visitor is a person with a browser that has no cookies yet.
type visitor struct {
	t    testing.TB
	w    *world
	way  way
	ctx  context.Context
	at   *page
	seen []string // each page, but the one that says only that it goes on

	loader cdp.LoaderID // of the page
	loads  chan cdp.LoaderID
	typed  bool // the focus is in a form that has been filled in
	shot   int

	mu        sync.Mutex
	requests  []string
	documents map[cdp.LoaderID]*network.Response
	complaint []string
}

func newVisitor(t testing.TB, w *world, how way) *visitor {
	t.Helper()
	v := &visitor{t: t, w: w, way: how, loads: make(chan cdp.LoaderID, 1000), documents: map[cdp.LoaderID]*network.Response{}}
	ctx, cancel := chromedp.NewContext(chromium, chromedp.WithNewBrowserContext(), chromedp.WithListener(v.hear))
	t.Cleanup(cancel)
	v.ctx = ctx
	v.must(chromedp.Do(ctx)) // which must not have a limit: it opens the tab
	call(v, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: how.width, Height: how.height, DeviceScaleFactor: 1, Mobile: how.width < 600})
	call(v, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}) // others have it as well
	call(v, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !how.scripts})
	return v
}

// hear notes what the browser tells of the tab.
func (v *visitor) hear(event any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch e := event.(type) {
	case *cdppage.EventLifecycleEvent:
		if e.Name == "load" {
			v.loads <- e.LoaderID
		}
	case *network.EventRequestWillBeSent:
		v.requests = append(v.requests, e.Request.URL)
	case *network.EventResponseReceived:
		if e.Type == network.ResourceTypeDocument {
			v.documents[e.LoaderID] = e.Response
		}
	case *runtime.EventConsoleAPICalled:
		v.complaint = append(v.complaint, fmt.Sprintf("console.%s", e.Type))
	case *runtime.EventExceptionThrown:
		v.complaint = append(v.complaint, exception(e.ExceptionDetails))
	case *log.EventEntryAdded:
		// That a page has the status of an error is no fault of the page.
		if e.Entry.Source != log.EntrySourceNetwork || !strings.Contains(e.Entry.Text, "responded with a status of") {
			v.complaint = append(v.complaint, fmt.Sprintf("%s %s: %s", e.Entry.Source, e.Entry.Level, e.Entry.Text))
		}
	}
}

func exception(d *runtime.ExceptionDetails) string {
	if d.Exception != nil {
		return d.Text + " " + d.Exception.Description
	}
	return d.Text
}

func (v *visitor) must(err error) {
	v.t.Helper()
	if err != nil {
		v.t.Fatalf("%v, after %q", err, v.seen)
	}
}

// call gives the browser a command for the tab.
func call[P, R any](v *visitor, c cdp.Command[P, R], params P) R {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, patience)
	defer cancel()
	r, err := chromedp.Call(ctx, c, params)
	v.must(err)
	return r
}

// do does something in the tab.
func (v *visitor) do(a ...chromedp.Action[chromedp.Void]) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, patience)
	defer cancel()
	v.must(chromedp.Do(ctx, a...))
}

// inspect evaluates a call of the inspector.
func inspect[T any](v *visitor, call string) (T, error) {
	ctx, cancel := context.WithTimeout(v.ctx, patience)
	defer cancel()
	var out T
	raw, err := chromedp.Run(ctx, chromedp.Evaluate[[]byte](inspector+"."+call))
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	return out, err
}

// open goes to an address and waits for the page.
func (v *visitor) open(address string) {
	v.t.Helper()
	v.settle(func() {
		r := call(v, cdppage.Navigate, cdppage.NavigateParams{URL: address})
		if r.ErrorText != "" {
			v.t.Fatalf("%s: %s", address, r.ErrorText)
		}
	})
}

// settle does something and waits for the page to which it leads: one that has been
// loaded, and does not go on by itself.
func (v *visitor) settle(something func()) {
	v.t.Helper()
	something()
	v.typed = false
	ctx, cancel := context.WithTimeout(v.ctx, patience)
	defer cancel()
	for {
		select {
		case id := <-v.loads:
			if !v.arrived(ctx, id) {
				continue
			}
		case <-ctx.Done():
			v.t.Fatalf("no page came, after %q; %q", v.seen, v.complaints())
		}
		break
	}
	v.look()
	if goesOn(v.at) {
		v.press("Go on")
		return
	}
	v.seen = append(v.seen, v.at.String())
}

// goesOn reports whether a page is the one with JumpCloud's answer, whose script posts it.
func goesOn(p *page) bool { return strings.HasPrefix(p.Heading, "Signing in to ") }

// arrived reads the page that was loaded. It is false if another one is on its way.
func (v *visitor) arrived(ctx context.Context, id cdp.LoaderID) bool {
	there := func() bool {
		r, err := chromedp.Call(ctx, cdppage.GetFrameTree, cdp.Empty{})
		return err == nil && r.FrameTree.Frame.LoaderID == id
	}
	if id == v.loader || !there() {
		return false
	}
	p, err := inspect[*page](v, fmt.Sprintf("page(%d)", v.way.width))
	if err == nil && v.way.scripts && goesOn(p) {
		if c := v.complaints(); len(c) > 0 {
			v.t.Fatalf("the page does not go on by itself: %q", c)
		}
		return false
	}
	if err != nil || !there() {
		if there() && err != nil {
			v.t.Fatalf("the page cannot be read: %v", err)
		}
		return false
	}
	v.mu.Lock()
	response := v.documents[id]
	v.mu.Unlock()
	if response == nil {
		return false // about:blank
	}
	v.loader, v.at = id, p
	var errURL error
	p.url, errURL = url.Parse(response.URL)
	v.must(errURL)
	headers := map[string]string{}
	for k, value := range response.Headers {
		headers[strings.ToLower(k)] = fmt.Sprint(value)
	}
	if policy := headers["content-security-policy"]; !strings.HasPrefix(policy, "default-src 'none';") {
		p.Problems = append(p.Problems, fmt.Sprintf("Content-Security-Policy %q", policy))
	}
	if c := headers["cache-control"]; c != "no-store" {
		p.Problems = append(p.Problems, fmt.Sprintf("Cache-Control %q", c))
	}
	return true
}

// look finds what is wrong with the page.
func (v *visitor) look() {
	v.t.Helper()
	problems := v.at.Problems
	if v.way.keyboard {
		problems = append(problems, v.tabThrough()...)
	}
	problems = append(problems, v.complaints()...)
	for _, address := range v.elsewhere() {
		problems = append(problems, "asked for "+address)
	}
	for _, p := range problems {
		v.t.Errorf("%v: %s", v.at, p)
	}
	v.photograph()
}

// elsewhere is what the tab has asked for since it was last asked, and is not at one of
// the services.
func (v *visitor) elsewhere() (out []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, address := range v.requests {
		if strings.HasPrefix(address, "data:") {
			continue // it does not leave the browser
		}
		u, err := url.Parse(address)
		if err != nil || u.Scheme != "https" || u.Host != microsoft && u.Host != sso && u.Host != console {
			out = append(out, address)
		}
	}
	v.requests = nil
	return out
}

// complaints are what the browser has complained of since it was last asked.
func (v *visitor) complaints() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	out := v.complaint
	v.complaint = nil
	return out
}

// photograph keeps a picture of the page.
func (v *visitor) photograph() {
	v.t.Helper()
	if *shots == "" {
		return
	}
	r := call(v, cdppage.CaptureScreenshot, cdppage.CaptureScreenshotParams{})
	v.shot++
	v.must(os.MkdirAll(*shots, 0o755))
	name := strings.NewReplacer("/", "_", " ", "_", ",", "").Replace(v.t.Name())
	v.must(os.WriteFile(filepath.Join(*shots, fmt.Sprintf("%s-%d.png", name, v.shot)), r.Data, 0o644))
}
