package page

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/jcaad/jcaad/examples/operator/internal/approve"
	"github.com/jcaad/jcaad/examples/operator/internal/chromium"
	"github.com/jcaad/jcaad/examples/operator/internal/data"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/federation"
)

// lively is a fake in which acts have effects, as those of workflows have.
type lively struct{ *fake }

// change changes the state of Contoso's domain.
func (l lively) change(change func(*flow.State)) {
	s, _ := l.Domain(contoso)
	change(&s)
	l.set(s)
}

// newLively is a site at which a proposal waits for ada and abe.
func newLively(t *testing.T) (lively, *httptest.Server) {
	t.Helper()
	l := lively{contosoFake(t)}
	return l, site(t, l.fake)
}

// sits opens a tab for somebody whom the proxy names.
func sits(t *testing.T, browser context.Context, srv *httptest.Server, actor string) *chromium.Person {
	t.Helper()
	return chromium.Sit(t, browser, srv.URL, map[string]string{identity: actor})
}

func TestChromium(t *testing.T) {
	browser := chromium.Start(t)
	t.Run("approves and watches", func(t *testing.T) {
		l, srv := newLively(t)
		ada := sits(t, browser, srv, "ada")
		ada.Open("/domain/" + contoso)
		ada.Fills("approve-typed", contoso)
		ada.Click("Approve aaaa")
		ada.Sees("Approved")
		got := l.done()
		if len(got) != 1 || got[0].Verb != flow.UpdateApprove || got[0].Hashes[0] != hashA || got[0].Actor.Name != "ada" {
			t.Fatalf("acts: %+v", got)
		}
		l.live[contoso] = []string{"the application is created"}
		l.change(func(s *flow.State) { s.Phase, s.Open = flow.Running, nil })
		ada.Sees("the application is created")
		ada.Sees("What you can do here has changed.")
		l.change(func(s *flow.State) { s.Phase, s.Effective = flow.Watching, true })
		ada.Sees("people can sign in through JumpCloud")
	})
	t.Run("what is typed stays while the page changes", func(t *testing.T) {
		l, srv := newLively(t)
		ada := sits(t, browser, srv, "ada")
		ada.Open("/domain/" + contoso)
		ada.Fills("approve-typed", "contoso.")
		l.change(func(s *flow.State) { s.Waits = "something else is waited for" })
		ada.Sees("something else is waited for")
		ada.Do(chromedp.KeyEvent("example" + kb.Enter))
		ada.Sees("Approved")
		if got := l.done(); len(got) != 1 {
			t.Fatalf("acts: %+v", got)
		}
	})
	t.Run("rotates and reverts", func(t *testing.T) {
		l, srv := newLively(t)
		l.change(func(s *flow.State) { s.Phase, s.Open, s.Effective = flow.Watching, nil, true })
		ada := sits(t, browser, srv, "ada")
		ada.Open("/domain/" + contoso)
		ada.Click("Rotate the certificate")
		ada.Do(chromedp.Evaluate[chromedp.Void](`document.getElementById("rotate-method").value = "own-key-pair"`))
		ada.Click("Propose to rotate")
		ada.Until("the act", func() bool { return len(l.done()) == 1 })
		if r := l.done()[0].Rotate; r == nil || r.Method != federation.OwnKeyPair || r.Replace != signs {
			t.Errorf("the rotation: %+v", r)
		}
		ada.Sees("Revert")
		ada.Click("Revert")
		ada.Fills("revert-typed", contoso)
		ada.Click("Propose to revert")
		ada.Until("the act", func() bool { return len(l.done()) == 2 })
		if got := l.done()[1].Verb; got != flow.UpdateRevert {
			t.Errorf("the verb is %s", got)
		}
	})
	t.Run("two people at once", func(t *testing.T) {
		l, srv := newLively(t)
		l.change(func(s *flow.State) { s.Open.Two = true })
		ada, abe := sits(t, browser, srv, "ada"), sits(t, browser, srv, "abe")
		for _, p := range []*chromium.Person{ada, abe} {
			p.Open("/domain/" + contoso)
			p.Sees("nobody has yet")
		}
		ada.Fills("approve-typed", contoso)
		ada.Click("Approve aaaa")
		ada.Sees("Approved")
		l.approvers[contoso+" "+string(federation.VerbFederate)] = []string{"ada"}
		l.change(func(s *flow.State) { s.Open.First = &data.Ref{Name: "approvals/x.json"} })
		abe.Sees("What you can do here has changed.")
		abe.Click("Load this page again")
		abe.Sees("the first was ada")
		abe.Fills("approve-typed", contoso)
		abe.Click("Approve aaaa")
		abe.Sees("Approved")
		if got := l.done(); len(got) != 2 || got[0].Actor.Name != "ada" || got[1].Actor.Name != "abe" || got[0].ID == got[1].ID {
			t.Errorf("acts: %+v", got)
		}
		ada.Open("/domain/" + contoso)
		if strings.Contains(ada.Text(), "as the first of two") {
			t.Error("the first is asked again")
		}
	})
	t.Run("without the script", func(t *testing.T) {
		l, srv := newLively(t)
		ada := sits(t, browser, srv, "ada")
		ada.Open("/domain/" + contoso)
		chromium.Tell(ada, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		ada.Open("/domain/" + contoso)
		ada.Tabs("approve-typed", "")
		ada.Do(chromedp.KeyEvent("contosso.example" + kb.Enter))
		ada.Sees("Nothing was done.")
		ada.Tabs("approve-typed", "")
		ada.Do(chromedp.KeyEvent(contoso + kb.Enter))
		ada.Sees("Approved")
		l.change(func(s *flow.State) { s.Phase, s.Open = flow.Running, nil })
		ada.Click("Load it again")
		ada.Sees("No proposal waits for an approval.")
		if got := l.done(); len(got) != 1 {
			t.Errorf("acts: %+v", got)
		}
	})
	t.Run("with the keyboard alone", func(t *testing.T) {
		l, srv := newLively(t)
		ada := sits(t, browser, srv, "ada")
		ada.Open("/")
		ada.Tabs("", "Skip to the content")
		ada.Tabs("", contoso)
		ada.Do(chromedp.KeyEvent(kb.Enter))
		ada.Sees("Proposal to federate")
		ada.Tabs("approve-typed", "")
		ada.Do(chromedp.KeyEvent(contoso + kb.Enter))
		ada.Sees("Approved")
		ada.Tabs("", "Pause: begin no new write")
		ada.Do(chromedp.KeyEvent(kb.Enter))
		ada.Until("the second act", func() bool { return len(l.done()) == 2 })
		if got := l.done()[1].Verb; got != flow.UpdatePause {
			t.Errorf("the verb is %s", got)
		}
	})
	t.Run("stops everything", func(t *testing.T) {
		l, _ := newLively(t)
		var err error
		if l.roles, err = approve.NewRoles(approve.Grant{Actor: "root", Customer: approve.Everywhere, Role: approve.Admin}); err != nil {
			t.Fatal(err)
		}
		srv := site(t, l.fake)
		root, other := sits(t, browser, srv, "root"), sits(t, browser, srv, "root")
		root.Open("/")
		other.Open("/domain/" + contoso)
		other.Sees(contoso)
		root.Click("Stop all new writes")
		root.Sees("All new writes are held by root")
		l.set()
		other.Sees("All new writes are held by root")
	})
	t.Run("narrow and wide, in light and dark", func(t *testing.T) {
		l, _ := newLively(t)
		var err error
		if l.roles, err = approve.NewRoles(approve.Grant{Actor: "root", Customer: approve.Everywhere, Role: approve.Admin}); err != nil {
			t.Fatal(err)
		}
		l.set(flow.State{Domain: "fabrikam-with-a-rather-long-name.europe.example", Customer: "Fabrikam", Phase: flow.People,
			Problem: &flow.Problem{Class: federation.ClassPeople, Text: strings.Repeat("The application lacks a permission. ", 20)}})
		l.batches = []flow.BatchState{{Batch: "ABC", Waves: [][]string{{contoso}}, Outcomes: map[string]flow.Outcome{contoso: flow.OutcomeFailed},
			Stopped: true, Why: "one failed"}}
		root := sits(t, browser, site(t, l.fake), "root")
		report := l.reports[contoso][0].Name
		for _, path := range []string{"/", "/domain/" + contoso, "/domain/fabrikam-with-a-rather-long-name.europe.example",
			"/domain/" + contoso + "/preflight", "/domain/" + contoso + "/report?name=" + report,
			"/approve", "/batches", "/batch/ABC", "/audit", "/nowhere"} {
			for _, width := range []int64{320, 1280} {
				for _, scheme := range []string{"light", "dark"} {
					root.Sized(width)
					chromium.Tell(root, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
						Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
					root.Open(path)
					for _, bad := range chromium.Eval[[]string](root, inspector) {
						t.Errorf("%s, %d wide, %s: %s", path, width, scheme, bad)
					}
				}
			}
		}
	})
}

// inspector finds what is wrong with a page for those who see it badly, or do not.
const inspector = `(() => {
	const bad = [], all = s => [...document.querySelectorAll(s)], root = document.documentElement;
	const is = (ok, what) => ok || bad.push(what);
	const visible = e => e.getClientRects().length > 0 && getComputedStyle(e).visibility === "visible";
	const show = e => e.outerHTML.slice(0, 90);
	is(root.lang === "en", "no language");
	is(document.title, "no title");
	is(all("h1").length === 1, all("h1").length + " h1");
	is(all("main").length === 1, "not one main");
	is(root.scrollWidth <= innerWidth, root.scrollWidth + " of " + innerWidth + " pixels wide");
	const ids = all("[id]").map(e => e.id);
	is(new Set(ids).size === ids.length, "an ID twice: " + ids.filter((id, i) => ids.indexOf(id) !== i));
	let level = 0;
	for (const h of all("h1, h2, h3, h4").filter(visible)) {
		const n = +h.localName[1];
		is(n <= level + 1, "a heading too deep: " + show(h));
		level = n;
	}
	for (const e of all("a[href], button, input:not([type=hidden]), select, textarea, summary").filter(visible)) {
		const labels = [...(e.labels || [])].map(l => l.textContent.trim()).join("");
		is(e.getAttribute("aria-label") || labels || e.textContent.trim() && !e.matches("select, textarea"), "no name: " + show(e));
		if (e.matches("button, input, select")) is(e.getBoundingClientRect().height >= 13, "too small: " + show(e));
	}
	for (const t of all("table")) {
		is(t.caption, "no caption: " + show(t));
		is(t.querySelector("th[scope]"), "no th with a scope: " + show(t));
	}
	const color = text => {
		const m = /^rgba?\((\d+), (\d+), (\d+)(?:, ([\d.]+))?\)$/.exec(text);
		return m && [+m[1], +m[2], +m[3], m[4] === undefined ? 1 : +m[4]];
	};
	const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
	const canvas = matchMedia("(prefers-color-scheme: dark)").matches ? [18, 18, 18, 1] : [255, 255, 255, 1];
	const ground = e => {
		const layers = [];
		for (; e; e = e.parentElement) { const c = color(getComputedStyle(e).backgroundColor); if (!c) return null; layers.unshift(c); }
		return layers.reduce((below, top) => over(top, below), canvas);
	};
	const light = c => {
		const [r, g, b] = c.map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const nodes = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), told = new Set();
	for (let n; n = nodes.nextNode();) {
		const e = n.parentElement;
		if (!n.data.trim() || !visible(e) || e.closest("svg, .skip")) continue;
		const below = ground(e), c = color(getComputedStyle(e).color);
		if (!below || !c) { bad.push("no color: " + show(e)); continue; }
		const [x, y] = [light(over(c, below)), light(below)];
		const contrast = (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
		const key = e.localName + "." + e.className;
		if (contrast < 4.5 && !told.has(key)) { told.add(key); bad.push("contrast " + contrast.toFixed(2) + ": " + show(e)); }
	}
	return bad;
})()`

// TestInspector: what finds no fault with the pages does find faults.
func TestInspector(t *testing.T) {
	browser := chromium.Start(t)
	_, srv := newLively(t)
	p := sits(t, browser, srv, "ada")
	p.Open("/")
	p.Do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`document.body.innerHTML = %q`,
		`<h1>One</h1><h1>Two</h1><h4>deep</h4><table></table><input id="a"><p id="a">x</p><svg width="3000" height="9"></svg>`)))
	got := strings.Join(chromium.Eval[[]string](p, inspector), "\n")
	for _, want := range []string{"2 h1", "not one main", "pixels wide", "an ID twice: a", "too deep", "no name", "no caption", "no th"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
}
