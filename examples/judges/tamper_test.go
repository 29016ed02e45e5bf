package judges_test

import (
	"slices"
	"testing"
	"time"

	"github.com/beevik/etree"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/signin"
	"github.com/jcaad/jcaad/certs"
)

const evilID = "0123456789abcdef01234567"

// at is the element at a path, from the root.
func at(t *testing.T, root *etree.Element, path string) *etree.Element {
	t.Helper()
	el := root.FindElement("./" + path)
	if el == nil {
		t.Fatalf("there is no %s", path)
	}
	return el
}

// forged is a copy of an element, without its signature, that names somebody else.
func forged(t *testing.T, el *etree.Element) *etree.Element {
	t.Helper()
	c := el.Copy()
	c.RemoveChild(at(t, c, "Signature"))
	c.CreateAttr("ID", "_evil")
	at(t, c, "/Subject/NameID").SetText(evilID)
	return c
}

// without removes the signature of an element and returns it.
func without(t *testing.T, el *etree.Element) *etree.Element {
	t.Helper()
	sig := at(t, el, "Signature")
	el.RemoveChild(sig)
	return sig
}

// swap puts a document in the place of another.
func swap(root, by *etree.Element) {
	root.Child, root.Attr = nil, by.Attr
	for _, k := range slices.Clone(by.Child) {
		root.AddChild(k)
	}
}

// TestTampered: what was changed on its way is refused by all, so that what they accept
// means something. Each attack is tried on a message of which the assertion is
// signed, and on one of which both are. These are accepted as they are: see TestFake.
func TestTampered(t *testing.T) {
	type edit func(t *testing.T, root, old *etree.Element)
	replace := func(path, text string) edit {
		return func(t *testing.T, root, _ *etree.Element) { at(t, root, path).SetText(text) }
	}
	w := newWorld()
	good := map[bool][]byte{false: w.signIn(t, asked())}
	setting("signResponse", "true")(w)
	good[true] = w.signIn(t, asked())
	for _, tt := range []struct {
		name string
		edit edit
		both bool // it needs the response's signature
	}{
		{"NameID", replace("Assertion/Subject/NameID", evilID), false},
		{"Audience", replace("Assertion//Audience", "urn:x"), false},
		{"class", replace("Assertion//AuthnContextClassRef", multiple), false},
		{"time", func(t *testing.T, root, _ *etree.Element) {
			at(t, root, "Assertion/Conditions").CreateAttr("NotOnOrAfter", "2036-01-01T00:00:00Z")
		}, false},
		{"digest", replace("Assertion//DigestValue", "AAAA"), false},
		{"signature value", replace("Assertion/Signature/SignatureValue", "AAAA"), false},
		{"signature removed", func(t *testing.T, root, old *etree.Element) {
			without(t, old)
			if sig := root.FindElement("./Signature"); sig != nil {
				root.RemoveChild(sig)
			}
		}, false},
		{"XSW1: the response within its signature", func(t *testing.T, root, _ *etree.Element) {
			old, evil := root.Copy(), forged(t, root)
			sig := without(t, old)
			sig.AddChild(old)
			evil.InsertChildAt(1, sig)
			swap(root, evil)
		}, true},
		{"XSW2: the response before its signature", func(t *testing.T, root, _ *etree.Element) {
			old, evil := root.Copy(), forged(t, root)
			evil.InsertChildAt(1, without(t, old))
			evil.InsertChildAt(1, old)
			swap(root, evil)
		}, true},
		{"XSW3: another assertion before", func(t *testing.T, root, old *etree.Element) {
			root.InsertChildAt(old.Index(), forged(t, old))
		}, false},
		{"XSW4: the assertion within another", func(t *testing.T, root, old *etree.Element) {
			evil := forged(t, old)
			root.RemoveChild(old)
			evil.AddChild(old)
			root.AddChild(evil)
		}, false},
		{"XSW5: the signature in another assertion", func(t *testing.T, root, old *etree.Element) {
			evil := forged(t, old)
			root.RemoveChild(old)
			evil.InsertChildAt(1, without(t, old))
			root.AddChild(evil)
			root.AddChild(old)
		}, false},
		{"XSW6: the assertion within its signature in another", func(t *testing.T, root, old *etree.Element) {
			evil := forged(t, old)
			root.RemoveChild(old)
			sig := without(t, old)
			sig.AddChild(old)
			evil.InsertChildAt(1, sig)
			root.AddChild(evil)
		}, false},
		{"XSW7: the assertion in Extensions", func(t *testing.T, root, old *etree.Element) {
			evil := forged(t, old)
			root.RemoveChild(old)
			root.CreateElement("samlp:Extensions").AddChild(old)
			root.AddChild(evil)
		}, false},
		{"XSW8: the assertion in an Object of its signature", func(t *testing.T, root, old *etree.Element) {
			evil := forged(t, old)
			root.RemoveChild(old)
			sig := without(t, old)
			sig.CreateElement("ds:Object").AddChild(old)
			evil.InsertChildAt(1, sig)
			root.AddChild(evil)
		}, false},
		{"the same ID twice", func(t *testing.T, root, old *etree.Element) {
			evil := forged(t, old)
			evil.CreateAttr("ID", old.SelectAttrValue("ID", ""))
			evil.InsertChildAt(1, at(t, old, "Signature").Copy())
			root.InsertChildAt(old.Index(), evil)
		}, false},
	} {
		for _, both := range []bool{false, true} {
			name := tt.name
			if both {
				name += ", both signed"
			} else if tt.both {
				continue
			}
			t.Run(name, func(t *testing.T) {
				doc := etree.NewDocument()
				if err := doc.ReadFromBytes(good[both]); err != nil {
					t.Fatal(err)
				}
				tt.edit(t, doc.Root(), at(t, doc.Root(), "Assertion"))
				message, err := doc.WriteToBytes()
				if err != nil {
					t.Fatal(err)
				}
				refusedByAll(t, message, w.cert(), w.ann)
			})
		}
	}
	t.Run("another certificate", func(t *testing.T) {
		refusedByAll(t, good[false], pairs().foreign.Cert(), w.ann)
	})
}

// refusedByAll: no judge lets anybody in, but for the one that finds what was signed
// wherever it stands, and reads only that.
func refusedByAll(t *testing.T, message []byte, cert certs.Cert, ann string) {
	t.Helper()
	ten := tenant(fakeIssuer, cert, certs.Cert{}, ann)
	ten.User = func(id string) (*aad.User, error) { // whoever it is, is there
		return &aad.User{UserPrincipalName: "boss@example.com", ImmutableID: id}, nil
	}
	v := signin.Judge(message, ten, time.Now())
	agree(t, message, v, cert)
	if v.Accepted == signin.Yes || v.User != nil {
		t.Errorf("accepted by the judge: %v%s", v, found(v))
	}
	for _, sp := range services {
		t.Run(sp.name, func(t *testing.T) {
			name, refused := sp.judge(t, message, cert, true)
			if refused == "" && (!sp.finds || name != ann) {
				t.Errorf("accepted for %q\n%s", name, message)
			}
		})
	}
}
