package signin_test

import (
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/signin"
)

func show(t *testing.T, v *signin.Verdict, want string) {
	t.Helper()
	if got := verdict(v); got != want {
		t.Errorf("%s; want %s; attack %q\n%s", got, want, v.Attack, list(v))
	}
}

func addXML(t *testing.T, el *etree.Element, xml string) {
	doc := etree.NewDocument()
	if err := doc.ReadFromString(xml); err != nil {
		t.Fatal(err)
	}
	el.AddChild(doc.Root())
}

const evil = `<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_evil" Version="2.0"><saml:Subject>` +
	`<saml:NameID>boss</saml:NameID></saml:Subject></saml:Assertion>`

// issuerID is the claim that says the issuer in SAML 1.1.
func issuerID(values ...string) string {
	return `<saml:Attribute xmlns:saml="urn:oasis:names:tc:SAML:1.0:assertion" AttributeName="issuerid"` +
		` AttributeNamespace="http://schemas.microsoft.com/ws/2008/06/identity/claims"><saml:AttributeValue>` +
		strings.Join(values, "</saml:AttributeValue><saml:AttributeValue>") + `</saml:AttributeValue></saml:Attribute>`
}

// with returns the maker with a change before, and changed with one after, it signs.
func with(m maker, f func(*etree.Element)) maker    { m.before = f; return m }
func changed(m maker, f func(*etree.Element)) maker { m.after = f; return m }

// TestUncertain: nothing is yes or no that rests on what is not known.
func TestUncertain(t *testing.T) {
	s20, s11 := tenant(aad.SAML), tenant(aad.WSFed)
	t.Run("StatusDetail holds assertion", func(t *testing.T) {
		show(t, judge(t, changed(good(), func(r *etree.Element) {
			addXML(t, find(r, "Status").CreateElement("samlp:StatusDetail"), evil)
		}).make(t), s20), "cannot say: message unknown")
	})
	t.Run("KeyInfo holds assertion", func(t *testing.T) {
		show(t, judge(t, changed(good(), func(r *etree.Element) {
			addXML(t, find(r, "Assertion/Signature/KeyInfo"), evil)
		}).make(t), s20), "cannot say: message unknown")
	})
	t.Run("value holds assertion, signed", func(t *testing.T) {
		show(t, judge(t, with(good(), func(r *etree.Element) {
			addXML(t, find(r, "Assertion/AttributeStatement").CreateElement("saml:Attribute"), evil)
			find(r, "Assertion/AttributeStatement").ChildElements()[1].CreateAttr("Name", "x")
		}).make(t), s20), "cannot say: message unknown")
	})
	t.Run("collection of two", func(t *testing.T) {
		one := string(good11().make(t))
		two := strings.ReplaceAll(strings.ReplaceAll(one, annID, "boss"), "_a1", "_a2")
		in := `<t:RequestSecurityTokenResponseCollection xmlns:t="http://schemas.xmlsoap.org/ws/2005/02/trust">` + one + two +
			`</t:RequestSecurityTokenResponseCollection>`
		show(t, judge(t, []byte(in), s11), "cannot say: message unknown")
	})
	t.Run("AppliesTo holds assertion", func(t *testing.T) {
		show(t, judge(t, changed(good11(), func(r *etree.Element) {
			addXML(t, find(r, "AppliesTo"), evil)
		}).make(t), s11), "cannot say: message unknown")
	})
	t.Run("two issuerid", func(t *testing.T) {
		show(t, judge(t, with(good11(), func(r *etree.Element) {
			for _, v := range []string{issuer, "https://other"} {
				addXML(t, find(r, "RequestedSecurityToken/Assertion/AttributeStatement"), issuerID(v))
			}
		}).make(t), s11), "cannot say: realm unknown")
	})
	t.Run("issuerid, two values", func(t *testing.T) {
		show(t, judge(t, with(good11(), func(r *etree.Element) {
			addXML(t, find(r, "RequestedSecurityToken/Assertion/AttributeStatement"), issuerID("https://other", "https://other2"))
		}).make(t), s11), "cannot say: realm unknown")
	})
	t.Run("ImmutableID split elsewhere", func(t *testing.T) {
		show(t, judge(t, with(good11(), func(r *etree.Element) {
			a := find(r, "RequestedSecurityToken/Assertion/AttributeStatement").ChildElements()[2]
			a.CreateAttr("AttributeName", "05/ImmutableID")
			a.CreateAttr("AttributeNamespace", "http://schemas.microsoft.com/LiveID/Federation/2008")
		}).make(t), s11), "cannot say: subject unknown")
	})
	t.Run("no UPN", func(t *testing.T) {
		show(t, judge(t, with(good11(), func(r *etree.Element) {
			st := find(r, "RequestedSecurityToken/Assertion/AttributeStatement")
			st.RemoveChild(st.ChildElements()[1])
		}).make(t), s11), "cannot say: user unknown")
	})
	t.Run("two ImmutableIDs, first unknown", func(t *testing.T) {
		show(t, judge(t, with(good11(), func(r *etree.Element) {
			a := find(r, "RequestedSecurityToken/Assertion/AttributeStatement").ChildElements()[2]
			b := a.Copy()
			find(a, "AttributeValue").SetText("nobody")
			a.Parent().AddChild(b)
		}).make(t), s11), "cannot say: subject unknown")
	})
	t.Run("two subjects, first unknown", func(t *testing.T) {
		show(t, judge(t, with(good(), func(r *etree.Element) {
			a := find(r, "Assertion/Subject")
			b := a.Copy()
			find(b, "NameID").SetText("nobody")
			a.Parent().InsertChildAt(a.Index(), b)
		}).make(t), s20), "cannot say: message unknown")
	})
	t.Run("two conditions, first expired", func(t *testing.T) {
		show(t, judge(t, with(good(), func(r *etree.Element) {
			a := find(r, "Assertion/Conditions")
			b := a.Copy()
			b.CreateAttr("NotOnOrAfter", "2020-01-01T00:00:00Z")
			find(b, "AudienceRestriction/Audience").SetText("x")
			a.Parent().InsertChildAt(a.Index(), b)
		}).make(t), s20), "cannot say: message unknown")
	})
	t.Run("two issuers, first foreign", func(t *testing.T) {
		show(t, judge(t, with(good(), func(r *etree.Element) {
			a := find(r, "Assertion/Issuer")
			b := a.Copy()
			b.SetText("x")
			a.Parent().InsertChildAt(a.Index(), b)
		}).make(t), s20), "cannot say: message unknown")
	})
	t.Run("two assertions, first unsigned", func(t *testing.T) {
		show(t, judge(t, changed(good(), func(r *etree.Element) {
			a := find(r, "Assertion")
			b := a.Copy()
			b.RemoveChild(find(b, "Signature"))
			b.CreateAttr("ID", "_b")
			r.InsertChildAt(a.Index(), b)
		}).make(t), s20), "cannot say: message unknown")
	})
	t.Run("assertion elsewhere only", func(t *testing.T) {
		show(t, judge(t, changed(good(), func(r *etree.Element) {
			a := find(r, "Assertion")
			r.RemoveChild(a)
			r.CreateElement("samlp:Extensions").AddChild(a)
		}).make(t), s20), "cannot say: message unknown")
	})
	t.Run("instruction in NameID", func(t *testing.T) {
		show(t, judge(t, with(good(), func(r *etree.Element) {
			n := find(r, "Assertion/Subject/NameID")
			n.SetText(annID[:5])
			n.AddChild(etree.NewProcInst("x", "y"))
			n.AddChild(etree.NewText(annID[5:]))
		}).make(t), s20), "cannot say: message unknown")
	})
	t.Run("clock: expired by three minutes", func(t *testing.T) {
		v := signin.Judge(good().make(t), s20, time.Date(2026, 3, 2, 10, 3, 0, 0, time.UTC))
		show(t, v, "cannot say: lifetime unknown")
	})
	t.Run("clock: expired by three minutes, the confirmation too", func(t *testing.T) {
		v := signin.Judge(with(good(), func(r *etree.Element) {
			find(r, "Assertion/Conditions").CreateAttr("NotOnOrAfter", "2026-03-02T09:05:00Z")
		}).make(t), s20, time.Date(2026, 3, 2, 9, 8, 0, 0, time.UTC))
		show(t, v, "cannot say: lifetime unknown")
	})
	t.Run("clock: not yet", func(t *testing.T) {
		v := signin.Judge(good().make(t), s20, time.Date(2026, 3, 2, 8, 55, 0, 0, time.UTC))
		show(t, v, "cannot say: lifetime unknown")
	})
	t.Run("session ended", func(t *testing.T) {
		show(t, judge(t, with(good(), func(r *etree.Element) {
			find(r, "Assertion/AuthnStatement").CreateAttr("SessionNotOnOrAfter", "2026-03-02T09:00:00Z")
		}).make(t), s20), "cannot say: lifetime unknown")
	})
	t.Run("WS-Fed lifetime ended", func(t *testing.T) {
		show(t, judge(t, changed(good11(), func(r *etree.Element) {
			find(r, "Lifetime").CreateElement("Expires").SetText("2026-03-02T09:00:00Z")
		}).make(t), s11), "cannot say: lifetime unknown")
	})
	t.Run("offset", func(t *testing.T) {
		show(t, judge(t, with(good(), func(r *etree.Element) {
			find(r, "Assertion/Conditions").CreateAttr("NotOnOrAfter", "2026-03-02T11:00:00+01:00")
		}).make(t), s20), "cannot say: lifetime unknown")
	})
	t.Run("audience with white space", func(t *testing.T) {
		show(t, judge(t, with(good(), func(r *etree.Element) {
			find(r, "Assertion/Conditions/AudienceRestriction/Audience").SetText("\n urn:federation:MicrosoftOnline\n")
		}).make(t), s20), "cannot say: audience unknown")
	})
	t.Run("response by SHA-512", func(t *testing.T) {
		m := good()
		m.after = func(r *etree.Element) {
			s := m
			s.method = dsig.RSASHA512SignatureMethod
			r.InsertChildAt(find(r, "Issuer").Index()+1, s.sign(t, r))
		}
		show(t, judge(t, m.make(t), s20), "cannot say: signature unknown")
	})
	t.Run("xpointer", func(t *testing.T) {
		b := strings.Replace(string(good().make(t)), `URI="#_a1"`, `URI="#xpointer(id('_a1'))"`, 1)
		show(t, judge(t, []byte(b), s20), "cannot say: signature unknown")
	})
	lookup := func(f func(string) (*aad.User, error)) signin.Tenant {
		ten := tenant(aad.SAML)
		ten.User = f
		return ten
	}
	t.Run("encoded, lenient look-up", func(t *testing.T) {
		show(t, judge(t, with(good(), nameID("a.2Bb.3D.3D")).make(t), lookup(func(string) (*aad.User, error) {
			return &aad.User{UserPrincipalName: "ann@example.com", ImmutableID: "a+b=="}, nil
		})), "cannot say: user unknown")
	})
	t.Run("encoded, look-up fails", func(t *testing.T) {
		show(t, judge(t, with(good(), nameID("a.2Bb.3D.3D")).make(t), lookup(func(id string) (*aad.User, error) {
			if id == "a+b==" {
				return nil, errors.New("no network")
			}
			return nil, aad.ErrNotFound
		})), "cannot say: user unknown")
	})
	t.Run("encoded, with points", func(t *testing.T) {
		show(t, judge(t, with(good(), nameID("john.smith.40example.com")).make(t), lookup(signin.Users(
			&aad.User{UserPrincipalName: "john.smith@example.com", ImmutableID: "john.smith@example.com"}))), "cannot say: user unknown")
	})
	t.Run("policy lists a child", func(t *testing.T) {
		ten := tenant(aad.SAML)
		ten.Domains = append(ten.Domains, signin.Domain{Name: "child.example.org", Root: "example.org"})
		ten.Policy = &aad.TokenValidationPolicy{RootDomains: aad.EnumeratedDomains, DomainNames: []string{"child.example.org"}}
		ten.User = signin.Users(&aad.User{UserPrincipalName: "ann@child.example.org", ImmutableID: annID})
		show(t, judge(t, good().make(t), ten), "cannot say: policy unknown")
	})
	t.Run("unsigned tells nobody", func(t *testing.T) {
		m := good()
		m.by = keys().foreign
		ten := tenant(aad.SAML)
		ten.User = signin.Users(&aad.User{UserPrincipalName: "ann@secret.example", ImmutableID: annID})
		if v := judge(t, m.make(t), ten); strings.Contains(list(v), "secret.example") {
			t.Error(list(v))
		}
		ten.User = func(string) (*aad.User, error) {
			return &aad.User{UserPrincipalName: "ann@example.com", ImmutableID: "SECRET"}, nil
		}
		if v := judge(t, m.make(t), ten); strings.Contains(list(v), "SECRET") {
			t.Error(list(v))
		}
	})
	for _, bits := range []int{1024, 1536} {
		t.Run(fmt.Sprintf("a key of %d bits", bits), func(t *testing.T) {
			key, err := rsa.GenerateKey(rand.Reader, bits)
			if err != nil {
				t.Fatal(err)
			}
			m, ten := good(), tenant(aad.SAML)
			m.by = newPair(key, 9, now.AddDate(-1, 0, 0), now.AddDate(1, 0, 0))
			ten.Domains[0].Federation.SigningCertificate = m.by.cert
			show(t, judge(t, m.make(t), ten), "cannot say: signature unknown")
		})
	}
}
