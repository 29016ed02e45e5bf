package signin_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/signin"
)

// TestWrapping carries a valid signature to another assertion in all the ways
// that are known (XSW 1 to 8), and some more. None is accepted, and each is told
// to be an attack.
func TestWrapping(t *testing.T) {
	// forge returns a copy of an element, without its signature, that names
	// somebody else.
	forge := func(el *etree.Element, id string) *etree.Element {
		c := el.Copy()
		if sig := find(c, "Signature"); sig != nil {
			c.RemoveChild(sig)
		}
		c.CreateAttr("ID", id)
		name := find(c, "Subject/NameID")
		if name == nil {
			name = find(c, "Assertion/Subject/NameID")
		}
		name.SetText("0123456789abcdef01234567")
		return c
	}
	assertion := func(root *etree.Element) *etree.Element { return find(root, "Assertion") }
	// replace puts a message in the place of the whole.
	replace := func(root, by *etree.Element) {
		root.Child, root.Attr = nil, by.Attr
		for _, k := range slices.Clone(by.Child) {
			root.AddChild(k)
		}
	}
	for _, test := range []struct {
		name     string
		response bool // the response is signed, and not the assertion alone
		after    func(root *etree.Element)
	}{
		{"XSW1: the response within its signature", true, func(root *etree.Element) {
			old, evil := root.Copy(), forge(root, "_evil")
			sig := find(old, "Signature").Copy()
			old.RemoveChild(find(old, "Signature"))
			sig.AddChild(old)
			evil.InsertChildAt(1, sig)
			replace(root, evil)
		}},
		{"XSW2: the response before its signature", true, func(root *etree.Element) {
			old, evil := root.Copy(), forge(root, "_evil")
			sig := find(old, "Signature").Copy()
			old.RemoveChild(find(old, "Signature"))
			evil.InsertChildAt(1, sig)
			evil.InsertChildAt(1, old)
			replace(root, evil)
		}},
		{"XSW3: another assertion before", false, func(root *etree.Element) {
			root.InsertChildAt(assertion(root).Index(), forge(assertion(root), "_evil"))
		}},
		{"XSW3, behind", false, func(root *etree.Element) { root.AddChild(forge(assertion(root), "_evil")) }},
		{"XSW4: the assertion within another", false, func(root *etree.Element) {
			old := assertion(root)
			evil := forge(old, "_evil")
			root.RemoveChild(old)
			evil.AddChild(old)
			root.AddChild(evil)
		}},
		{"XSW5: the signature in another assertion", false, func(root *etree.Element) {
			old := assertion(root)
			evil := forge(old, "_evil")
			evil.InsertChildAt(1, find(old, "Signature").Copy())
			old.RemoveChild(find(old, "Signature"))
			root.RemoveChild(old)
			root.AddChild(evil)
			root.AddChild(old)
		}},
		{"XSW6: the assertion within its signature in another", false, func(root *etree.Element) {
			old := assertion(root)
			evil, sig := forge(old, "_evil"), find(old, "Signature").Copy()
			old.RemoveChild(find(old, "Signature"))
			root.RemoveChild(old)
			sig.AddChild(old)
			evil.InsertChildAt(1, sig)
			root.AddChild(evil)
		}},
		{"XSW7: the assertion in Extensions", false, func(root *etree.Element) {
			old := assertion(root)
			evil := forge(old, "_evil")
			root.RemoveChild(old)
			root.CreateElement("samlp:Extensions").AddChild(old)
			root.AddChild(evil)
		}},
		{"XSW8: the assertion in an Object of its signature", false, func(root *etree.Element) {
			old := assertion(root)
			evil, sig := forge(old, "_evil"), find(old, "Signature").Copy()
			old.RemoveChild(find(old, "Signature"))
			root.RemoveChild(old)
			sig.CreateElement("ds:Object").AddChild(old)
			evil.InsertChildAt(1, sig)
			root.AddChild(evil)
		}},
		{"the same ID twice", false, func(root *etree.Element) {
			old := assertion(root)
			evil := forge(old, "_a1")
			evil.InsertChildAt(1, find(old, "Signature").Copy())
			root.InsertChildAt(old.Index(), evil)
		}},
		{"the assertion in the status", false, func(root *etree.Element) {
			old := assertion(root)
			evil := forge(old, "_evil")
			root.RemoveChild(old)
			find(root, "Status").CreateElement("samlp:StatusDetail").AddChild(old)
			root.AddChild(evil)
		}},
		{"the assertion in a value", false, func(root *etree.Element) {
			old := assertion(root)
			evil := forge(old, "_evil")
			root.RemoveChild(old)
			find(evil, "AttributeStatement/Attribute/AttributeValue").AddChild(old)
			root.AddChild(evil)
		}},
		{"the ID in another case", false, func(root *etree.Element) {
			old := assertion(root)
			evil := forge(old, "_evil")
			evil.InsertChildAt(1, find(old, "Signature").Copy())
			evil.CreateAttr("Id", "_a1")
			root.InsertChildAt(old.Index(), evil)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := good()
			m.response, m.after = test.response, test.after
			if test.response {
				m.unsigned = true
			}
			ten := tenant(aad.SAML)
			ten.User = func(id string) (*aad.User, error) { // whoever it is, is there
				return &aad.User{UserPrincipalName: "boss@example.com", ImmutableID: id}, nil
			}
			v := judge(t, m.make(t), ten)
			if v.Accepted == signin.Yes || v.User != nil {
				t.Errorf("accepted\n%s", list(v))
			}
			if v.Attack == "" {
				t.Errorf("not told to be an attack: %v\n%s", v, list(v))
			}
			t.Log(v)
			// Of what was forged nothing is told as proved.
			for _, c := range v.Checks {
				if strings.Contains(c.Found, "0123456789abcdef01234567") && !c.Unproved {
					t.Errorf("proved: %s", c.Found)
				}
			}
		})
	}
}
