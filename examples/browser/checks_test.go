package browser

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/google/go-cmp/cmp"
)

// TestElsewhere: the browser reaches the two services and nothing else, and what it asks
// for elsewhere is noticed.
func TestElsewhere(t *testing.T) {
	w := newWorld(t)
	v := newVisitor(t, w, ways[0])
	for _, address := range []string{"https://example.com/", "https://www." + microsoft + "/", "https://127.0.0.1/"} {
		r := call(v, cdppage.Navigate, cdppage.NavigateParams{URL: address})
		if r.ErrorText != "net::ERR_NAME_NOT_RESOLVED" {
			t.Errorf("%s: %q", address, r.ErrorText)
		}
	}
	if got := v.elsewhere(); len(got) != 3 {
		t.Errorf("noticed %q", got)
	}
	v = newVisitor(t, w, ways[0]) // as the browser's own page of an error may still be on its way
	v.open("https://" + microsoft + "/")
	if v.at.Heading != "Sign in" {
		t.Errorf("the page is %v", v.at)
	}
}

// bad is a page with faults of every kind.
const bad = `<html><head><style>
body { margin: 0; font: 16px sans-serif; }
.faint { color: #777; background: #f0f0f0; }
.glass { color: rgba(0, 0, 0, .4); }
.picture { background: linear-gradient(#000, #111); color: #fff; }
input { height: 30px; border: 1px solid #ccc; }
:focus { outline: none; }
</style></head><body>
<h1>One</h1><h1>Two</h1>
<p class="faint">faint</p><p class="glass">glass</p><p class="picture">picture</p>
<p role="alert" id="same">Wrong</p>
<form><input id="same"><input type="password" id="p" tabindex="1" aria-label="Secret"></form>
<div style="width: 2000px">wide</div>
<button style="min-height: 44px"></button>
</body></html>`

// TestInspector: what finds no fault with the pages does find faults.
func TestInspector(t *testing.T) {
	v := newVisitor(t, newWorld(t), ways[0])
	r := call(v, cdppage.GetFrameTree, cdp.Empty{})
	call(v, cdppage.SetDocumentContent, cdppage.SetDocumentContentParams{FrameID: r.FrameTree.Frame.ID, HTML: bad})
	p, err := inspect[*page](v, "page(1280)")
	v.must(err)
	want := []string{
		"no doctype", "no title", "no language", "not one h1", "not one main", "no viewport",
		"2000 of 1280 pixels wide, not 1280", "an ID twice",
		`<input id=same> "" has no name`, `<input id=same> "" is 30 pixels high`, `<input id=p> "Secret" is 30 pixels high`,
		`<button> "" has no name`,
		`<input id=same> "" has autocomplete ""`, `<input id=same> "" is not required`,
		`<input id=same> "" is not described by the alert`,
		`contrast 1.61 of the border of <input id=same> "", not 3`,
		`<input id=p> "Secret" has autocomplete ""`, `<input id=p> "Secret" is not required`,
		`<input id=p> "Secret" is not described by the alert`,
		`contrast 1.61 of the border of <input id=p> "Secret", not 3`,
		`contrast 3.93 of the text of <p> "faint", not 4.5`, `contrast 2.85 of the text of <p> "glass", not 4.5`,
		`contrast 0.00 of the text of <p> "picture", not 4.5`,
	}
	if diff := cmp.Diff(want, p.Problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	v.at = p
	v.do(chromedp.KeyEvent(kb.Tab))
	var got []string
	for range 2 {
		f := v.focus()
		got = append(got, f.Control)
		if !strings.Contains(fmt.Sprint(f.Problems), "does not show the focus") {
			t.Errorf("%s: %q", f.Control, f.Problems)
		}
		v.do(chromedp.KeyEvent(kb.Tab))
	}
	if diff := cmp.Diff([]string{`<input id=p> "Secret"`, `<input id=same> ""`}, got); diff != "" {
		t.Errorf("order of the focus (-want +got):\n%s", diff)
	}
}
