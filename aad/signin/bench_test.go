package signin_test

import (
	"crypto/x509"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/signin"
)

// The floor is what a service provider on goxmldsig does at least: read the
// message, and verify its signatures. The budget of Judge is 1.3 of that. On a
// machine that does other things, compare the minima of several runs:
//
//	go test -run=- -bench=Judge -count=10 ./aad/signin

// floor verifies the assertion's signature, and the response's if it has one.
func floor(tb testing.TB, ctx *dsig.ValidationContext, b []byte, response bool) {
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(b); err != nil {
		tb.Fatal(err)
	}
	if response {
		if _, err := ctx.Validate(doc.Root()); err != nil {
			tb.Fatal(err)
		}
	}
	el := find(doc.Root(), "Assertion")
	ns, err := etreeutils.NSBuildParentContext(el)
	if err != nil {
		tb.Fatal(err)
	}
	if el, err = etreeutils.NSDetatch(ns, el); err != nil {
		tb.Fatal(err)
	}
	if _, err := ctx.Validate(el); err != nil {
		tb.Fatal(err)
	}
}

func floorContext() *dsig.ValidationContext {
	ctx := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{
		keys().current.cert.X509(), keys().next.cert.X509()}})
	ctx.Clock = dsig.NewFakeClockAt(now)
	return ctx
}

func BenchmarkJudge(b *testing.B) {
	groups := func(root *etree.Element) {
		st := find(root, "Assertion/AttributeStatement")
		for i := range 200 {
			a := st.CreateElement("saml:Attribute")
			a.CreateAttr("Name", fmt.Sprint("group", i))
			a.CreateElement("saml:AttributeValue").SetText("All people of the department")
		}
	}
	for _, c := range []struct {
		name string
		m    maker
	}{
		{"assertion", good()},
		{"both", maker{xml: response, response: true}},
		{"groups", maker{xml: response, before: groups}},
	} {
		msg, ten := c.m.make(b), tenant(aad.SAML)
		b.Run(c.name+"/signin", func(b *testing.B) {
			b.SetBytes(int64(len(msg)))
			b.ReportAllocs()
			for b.Loop() {
				if v := signin.Judge(msg, ten, now); v.Accepted != signin.Yes {
					b.Fatal(v)
				}
			}
		})
		b.Run(c.name+"/floor", func(b *testing.B) {
			b.SetBytes(int64(len(msg)))
			b.ReportAllocs()
			ctx := floorContext()
			for b.Loop() {
				floor(b, ctx, msg, c.m.response)
			}
		})
	}
}

// TestBudget holds Judge against the floor, if JCAAD_BUDGET is set: a machine
// that does other things would fail it.
func TestBudget(t *testing.T) {
	if os.Getenv("JCAAD_BUDGET") == "" {
		t.Skip("JCAAD_BUDGET is not set: times are measured on a machine that does nothing else")
	}
	least := func(f func()) time.Duration {
		best := time.Hour
		for range 500 {
			begin := time.Now()
			f()
			best = min(best, time.Since(begin))
		}
		return best
	}
	ten, ctx := tenant(aad.SAML), floorContext()
	for _, both := range []bool{false, true} {
		m := good()
		m.response = both
		msg := m.make(t)
		judge, bare := least(func() { signin.Judge(msg, ten, now) }), least(func() { floor(t, ctx, msg, both) })
		t.Logf("response signed %v: %v, and %v bare: %.2f", both, judge, bare, float64(judge)/float64(bare))
		if float64(judge) > 1.3*float64(bare) {
			t.Errorf("response signed %v: more than 1.3 times", both)
		}
	}
}

// TestHostile: what costs a plain reader seconds ends soon, and is never accepted.
func TestHostile(t *testing.T) {
	repeat := func(n int, f func(i int) string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(f(i))
		}
		return b.String()
	}
	signed := string(good().make(t))
	at := func(old, by string) string { return strings.Replace(signed, old, by, 1) }
	limit := time.Minute // told from a hang; how fast it is, is measured on a machine that does nothing else
	if os.Getenv("JCAAD_BUDGET") != "" {
		limit = 100 * time.Millisecond
	}
	for name, in := range map[string]string{
		"namespaces": at("<saml:Subject>", "<saml:Subject"+repeat(9000, func(i int) string {
			return fmt.Sprintf(` xmlns:n%d="urn:%d"`, i, i)
		})+">"),
		"nested namespaces": at("<saml:Subject>", repeat(90, func(i int) string {
			return fmt.Sprintf(`<n%d:x xmlns:n%d="urn:%d">`, i, i, i)
		})+
			repeat(90, func(i int) string { return fmt.Sprintf(`</n%d:x>`, 89-i) })+"<saml:Subject>"),
		"transforms": at("<ds:Transforms>", "<ds:Transforms>"+repeat(2000, func(int) string {
			return `<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>`
		})),
		"references": at("<ds:Reference ", strings.Repeat(`<ds:Reference URI="#_a1"></ds:Reference>`, 2000)+"<ds:Reference "),
		"depth":      at("<saml:Subject>", strings.Repeat("<a>", 20000)),
		"elements":   at("<saml:Subject>", strings.Repeat("<a/>", 50000)+"<saml:Subject>"),
		"attributes": at("<saml:Subject>", "<saml:Subject"+repeat(9000, func(i int) string { return fmt.Sprintf(` a%d=""`, i) })+">"),
		"assertions": at("</samlp:Response>", repeat(60, func(int) string {
			return signed[strings.Index(signed, "<saml:Assertion"):strings.Index(signed, "</samlp:Response>")]
		})+"</samlp:Response>"),
		"text":          at(annID, strings.Repeat("a", 250<<10)),
		"comments":      at(annID, strings.Repeat("a<!---->", 20000)),
		"references &":  at(annID, strings.Repeat("&#97;", 40000)),
		"fields":        strings.Repeat("SAMLResponse=", 70000),
		"fields, blank": strings.Repeat("SAMLResponse: ", 60000) + strings.Repeat("A", 1<<17),
		"forms":         "<html>" + strings.Repeat(`<input name="SAMLResponse" value="%`, 20000),
		"bomb":          deflate([]byte("<a>" + strings.Repeat(" ", 64<<20) + "</a>")),
		"JSON":          strings.Repeat(`{"log":`, 100000),
		"JSON, entries": `{"log":{"entries":[` + strings.Repeat(`{"request":{"method":"POST","url":"wresult"}},`, 100000),
		"IDs":           at("<saml:Subject>", repeat(4000, func(i int) string { return fmt.Sprintf(`<a ID="i%d"/>`, i%7) })+"<saml:Subject>"),
	} {
		t.Run(name, func(t *testing.T) {
			var v *signin.Verdict
			d := time.Hour
			for range 3 { // the machine may do other things
				begin := time.Now()
				v = signin.Judge([]byte(in), tenant(aad.SAML), now)
				if d = min(d, time.Since(begin)); d < 100*time.Millisecond {
					break
				}
			}
			t.Logf("%v, %d bytes: %.150v", d, len(in), v)
			if v.Accepted == signin.Yes {
				t.Error("accepted")
			}
			if d > limit {
				t.Errorf("it took %v", d)
			}
		})
	}
}
