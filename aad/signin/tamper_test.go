package signin_test

import (
	"bytes"
	"testing"

	"github.com/beevik/etree"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/signin"
)

// TestTampering: no byte of what is signed can be changed, and no element of it
// removed, doubled or given other text, so that the message is still accepted.
func TestTampering(t *testing.T) {
	for _, table := range []struct {
		base     maker
		protocol aad.Protocol
	}{{good(), aad.SAML}, {good11(), aad.WSFed}} {
		msg, ten := table.base.make(t), tenant(table.protocol)
		if v := judge(t, msg, ten); v.Accepted != signin.Yes {
			t.Fatal(v)
		}
		from, to := bytes.Index(msg, []byte("<saml:Assertion")), bytes.Index(msg, []byte("</saml:Assertion>"))
		// The value of the signature and the key's name are not signed.
		open, end := bytes.Index(msg, []byte("<ds:SignatureValue>")), bytes.Index(msg, []byte("</ds:Signature>"))
		step := 3
		if testing.Short() {
			step = 97
		}
		for i := from; i < to; i += step {
			if i > open && i < end {
				continue
			}
			changed := bytes.Clone(msg)
			changed[i] = 'x'
			if msg[i] == 'x' {
				changed[i] = 'y'
			}
			if v := judge(t, changed, ten); v.Accepted == signin.Yes || v.User != nil {
				t.Errorf("accepted with another byte at %d: %q", i, changed[max(0, i-20):min(len(msg), i+20)])
			}
		}
		doc := etree.NewDocument()
		if err := doc.ReadFromBytes(msg); err != nil {
			t.Fatal(err)
		}
		for _, el := range doc.Root().FindElements(".//Assertion//*") {
			if el.Space == "ds" && el.Tag != "SignedInfo" {
				continue // in the tables
			}
			in, at := el.Parent(), el.Index()
			for name, f := range map[string]func() func(){
				"removed": func() func() {
					in.RemoveChildAt(at)
					return func() { in.InsertChildAt(at, el) }
				},
				"doubled": func() func() {
					in.InsertChildAt(at, el.Copy())
					return func() { in.RemoveChildAt(at) }
				},
				"given text": func() func() {
					text := etree.NewText("x")
					el.AddChild(text)
					return func() { el.RemoveChild(text) }
				},
			} {
				undo := f()
				changed, err := doc.WriteToBytes()
				if err != nil {
					t.Fatal(err)
				}
				if v := judge(t, changed, ten); v.Accepted == signin.Yes {
					t.Errorf("accepted with %s %s", el.GetPath(), name)
				}
				undo()
			}
		}
		if back, err := doc.WriteToBytes(); err != nil || !bytes.Equal(back, msg) {
			t.Error("the message is not what it was")
		}
	}
}
