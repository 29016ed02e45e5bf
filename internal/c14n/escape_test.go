package c14n_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/jcaad/jcaad/internal/c14n"
	"github.com/jcaad/jcaad/internal/xmlscan"
)

// Each byte is written as a reference or not, wherever it stands in a text of any
// length, and whatever stands around it.
func TestEveryByteEverywhere(t *testing.T) {
	inText := map[byte]string{'&': "&amp;", '<': "&lt;", '>': "&gt;", '\r': "&#xD;"}
	for _, fill := range []byte("x=\x00\xff") {
		for c := range 256 {
			for _, n := range []int{1, 7, 8, 15, 16, 17, 31, 32, 35} {
				for at := range n {
					text := bytes.Repeat([]byte{fill}, n)
					text[at] = byte(c)
					want := string(text)
					if ref, ok := inText[byte(c)]; ok {
						want = string(text[:at]) + ref + string(text[at+1:])
					}
					w := c14n.NewWriter(nil, c14n.Method{})
					w.Text(text)
					if got, err := w.Bytes(); err != nil || string(got) != want {
						t.Fatalf("%q is written as %q, %v; want %q", text, got, err, want)
					}
				}
			}
		}
	}
}

// What the scanner says is plain is written as it is, and what is not, is not.
func TestCharacters(t *testing.T) {
	long := strings.Repeat("some text ", 8)
	for text, want := range map[string]string{
		long: long, long + "é": long + "é", long + "\n" + long: long + "\n" + long, "\t]": "\t]",
		long + ">" + long: long + "&gt;" + long, "a]]&gt;": "a]]&gt;", long + "&#13;" + long: long + "&#xD;" + long, "\r\n" + long + "\r": "\n" + long + "\n",
		"&amp;" + long: "&amp;" + long, "<![CDATA[" + long + "<&>]]>": long + "&lt;&amp;&gt;", "x<![CDATA[\r]]>": "x\n",
	} {
		for _, m := range []c14n.Method{{}, {Exclusive: true}} {
			got, err := canonical(t, m, "<a>"+text+"</a>", "")
			if err != nil || got != "<a>"+want+"</a>" {
				t.Errorf("canonical form of %q: %q, %v; want %q", text, got, err, want)
			}
		}
	}
}

// Values, which are copied where the scanner says that they are plain, and
// attributes, which are left where they are if they are in order, are the same in
// the root element and in others.
func TestAttributesEverywhere(t *testing.T) {
	long := strings.Repeat("x", 30)
	for tag, want := range map[string]string{
		` b="` + long + `"`:               ` b="` + long + `"`,
		` b='` + long + `"'`:              ` b="` + long + `&quot;"`,
		` b='` + long + `&#10;>é'`:        ` b="` + long + `&#xA;>é"`,
		` b='1' a='2'`:                    ` a="2" b="1"`,
		` a='2' b='1'`:                    ` a="2" b="1"`,
		` a='2' xmlns:q='urn:q' b='1'`:    ` a="2" b="1"`,
		` p:a='1' b='2'`:                  ` b="2" p:a="1"`,
		` xml:a='1' p:a='2'`:              ` xml:a="1" p:a="2"`,
		` p:a='1' xml:b='2'`:              ` xml:b="2" p:a="1"`,
		` p:b='1' p:a='2' xml:b='3' c=''`: ` c="" xml:b="3" p:a="2" p:b="1"`,
	} {
		doc := `<p:r xmlns:p="urn:p"><p:a` + tag + `></p:a></p:r>`
		if got, err := canonical(t, c14n.Method{Exclusive: true}, doc, ""); err != nil || got != `<p:r xmlns:p="urn:p"><p:a`+want+`></p:a></p:r>` {
			t.Errorf("canonical form of %s: %s, %v", doc, got, err)
		}
		if got, err := canonical(t, c14n.Method{Exclusive: true}, doc, "a"); err != nil || got != `<p:a xmlns:p="urn:p"`+want+`></p:a>` {
			t.Errorf("canonical form of a in %s: %s, %v", doc, got, err)
		}
	}
}

// Writing takes no memory of its own once there is room.
func TestWriterAllocations(t *testing.T) {
	doc := []byte(`<md:r xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:a b="c" a="d"/><md:b ds:c="">text</md:b></md:r>`)
	c := chunks{}
	write := func() {
		c.all.Reset()
		s, w := xmlscan.New(doc), c14n.NewWriter(&c, c14n.Method{Exclusive: true})
		w.Grow(1 << 10)
		for {
			switch k, err := s.Next(); {
			case err != nil:
				t.Fatal(err)
			case k == xmlscan.Start:
				w.Start(s)
			case k == xmlscan.Text:
				w.Characters(s)
			case k == xmlscan.End:
				w.End(s.Name)
			case k == xmlscan.EOF:
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
				return
			}
		}
	}
	write()
	if c.all.Len() < len(doc) {
		t.Fatalf("%s was written", c.all.Bytes())
	}
	// The scanner, the Writer, its buffer, and its lists, which grow.
	if n := testing.AllocsPerRun(50, write); n > 10 {
		t.Errorf("%.0f allocations", n)
	}
}
