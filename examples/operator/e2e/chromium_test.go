//go:build !race

package e2e

import (
	"bytes"
	"cmp"
	"context"
	"flag"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/jcaad/jcaad/examples/operator/internal/chromium"
)

var picture = flag.String("picture", "", "`file` for a picture of the page of the demonstration, as PNG")

// TestChromium: in a browser somebody logs in, approves, watches how it is written and
// begins to work, rotates the certificate, and takes all of it back.
func TestChromium(t *testing.T) {
	if testing.Short() {
		t.Skip("a server is built")
	}
	t.Parallel()
	browser := chromium.Start(t)
	p := begin(t, 2, 3, 720, "-tour", "0")
	const domain = "customer01.example"
	ada := p.logIn(browser)
	p.until("a proposal waits", time.Minute, func() bool { return strings.Contains(ada.Text(), "for you") })
	ada.Click(domain)
	p.again(ada, domain, "Proposal to federate")
	approve := func(verb string) {
		t.Helper()
		ada.Sees("Proposal to " + verb)
		ada.Fills("approve-typed", domain)
		ada.Click("Approve ")
		ada.Sees("Approved")
	}
	// What is asked for is answered before the page is loaded again.
	propose := func(button string) {
		t.Helper()
		ada.Click(button)
		ada.Until("what came of it", func() bool {
			return strings.Contains(chromium.Eval[string](ada, `(document.querySelector(".result") || {}).className || ""`), "good")
		})
	}
	approve("federate")
	p.until("people can sign in", time.Minute, func() bool { return strings.Contains(ada.Text(), "people can sign in through JumpCloud") })
	offered := func(id string) {
		t.Helper()
		p.until(id+" is offered", time.Minute, func() bool { // the first watch comes some time after the run
			ada.Open("/domain/" + domain)
			return chromium.Eval[bool](ada, `document.getElementById("`+id+`") != null`)
		})
	}

	offered("rotate-method")
	ada.Click("Rotate the certificate")
	ada.Do(chromedp.Evaluate[chromedp.Void](`document.getElementById("rotate-method").value = "own-key-pair"`))
	ada.Fills("rotate-settle", "2")
	propose("Propose to rotate")
	p.again(ada, domain, "Proposal to rotate")
	approve("rotate")
	p.until("the rotation is done", 2*time.Minute, func() bool {
		return strings.Contains(ada.Text(), "retired") && strings.Contains(ada.Text(), "done")
	})

	offered("revert-typed")
	ada.Fills("revert-typed", domain)
	propose("Propose to revert")
	p.again(ada, domain, "Proposal to revert")
	approve("revert")
	p.until("it is managed again", time.Minute, func() bool { return p.federated() == 0 })
	ada.Open("/audit?verb=approve")
	if n := strings.Count(ada.Text(), domain); n < 3 {
		t.Errorf("the audit has %d approvals:\n%s", n, ada.Text())
	}
}

// TestPicture makes the picture of the README: go test ./e2e -run Picture -picture FILE.
func TestPicture(t *testing.T) {
	if *picture == "" {
		t.Skip("nobody asks for it")
	}
	p := begin(t, 25, 3, 720, "-tour", "8", "-fake-plain=false")
	ada := p.logIn(chromium.Start(t))
	p.until("there is something to see", 2*time.Minute, func() bool { return strings.Contains(p.out.String(), "rotation: published") })
	ada.Sized(900)
	ada.Open("/")
	ctx, cancel := context.WithTimeout(ada.Context(), time.Minute)
	defer cancel()
	b, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	if b, err = small(b); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(*picture, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// small is a PNG with no more than the 256 colors that it has most of.
func small(b []byte) ([]byte, error) {
	in, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	n := make(map[color.Color]int)
	for y := range in.Bounds().Dy() {
		for x := range in.Bounds().Dx() {
			n[in.At(x, y)]++
		}
	}
	colors := slices.SortedFunc(maps.Keys(n), func(a, b color.Color) int { return cmp.Compare(n[b], n[a]) })
	out := image.NewPaletted(in.Bounds(), colors[:min(len(colors), 256)])
	draw.Draw(out, out.Bounds(), in, image.Point{}, draw.Src)
	var small bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&small, out)
	return small.Bytes(), err
}

// logIn opens the page and gives the password.
func (p *program) logIn(browser context.Context) *chromium.Person {
	p.t.Helper()
	p.until("the page", time.Minute, func() bool { return strings.Contains(p.out.String(), "http://") })
	ada := chromium.Sit(p.t, browser, "http://"+p.args[3], nil)
	ada.Open("/")
	ada.Sees("Password")
	ada.Fills("password", password)
	ada.Click("Log in")
	ada.Sees("Waits for you")
	return ada
}

// again loads the page of a domain until it says something.
func (p *program) again(ada *chromium.Person, domain, text string) {
	p.t.Helper()
	p.until(text, time.Minute, func() bool { ada.Open("/domain/" + domain); return strings.Contains(ada.Text(), text) })
}
