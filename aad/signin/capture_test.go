package signin_test

import (
	"encoding/base64"
	"net/url"
	"runtime"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/signin"
)

// TestCapture: how a message was captured changes nothing of it, and how it was sent
// is judged.
func TestCapture(t *testing.T) {
	s20, s11 := tenant(aad.SAML), tenant(aad.WSFed)
	posted := func(field, value string, ten signin.Tenant) *signin.Verdict {
		return judge(t, []byte(har([3]string{"POST", login, field + url.QueryEscape(value)})), ten)
	}
	t.Run("HAR, deflated and posted", func(t *testing.T) {
		show(t, posted("SAMLResponse=", deflate(good().make(t)), s20), "cannot say: message unknown")
	})
	t.Run("HAR, XML not in base64", func(t *testing.T) {
		show(t, posted("SAMLResponse=", string(good().make(t)), s20), "cannot say: message unknown")
	})
	t.Run("HAR, wresult in base64", func(t *testing.T) {
		show(t, posted("wresult=", base64.StdEncoding.EncodeToString(good11().make(t)), s11), "cannot say: message unknown")
	})
	t.Run("HAR, SAML 2.0 in wresult", func(t *testing.T) {
		show(t, posted("wresult=", string(good().make(t)), s20), "cannot say: message unknown")
	})
	t.Run("HAR, wresult with references", func(t *testing.T) {
		m := with(good11(), func(r *etree.Element) {
			find(r, "RequestedSecurityToken/Assertion/AttributeStatement/Attribute/AttributeValue").SetText("ann@example.com")
			addXML(t, find(r, "RequestedSecurityToken/Assertion/AttributeStatement"), `<saml:Attribute AttributeName="x"`+
				` xmlns:saml="urn:oasis:names:tc:SAML:1.0:assertion" AttributeNamespace="urn:y"><saml:AttributeValue>`+
				`a&#xD;b &lt;c&gt; &amp;#38;</saml:AttributeValue></saml:Attribute>`)
		})
		b := string(m.make(t))
		b = strings.Replace(b, "\r", "&#xD;", 1)
		show(t, posted("wresult=", b, s11), "yes")
	})
	t.Run("HAR, wresult with a line before", func(t *testing.T) {
		show(t, posted("wresult=", "\n"+string(good11().make(t)), s11), "yes")
	})
	xml := good().make(t)
	b64 := base64.StdEncoding.EncodeToString(xml)
	t.Run("HAR, post data in base64", func(t *testing.T) {
		in := `{"log":{"entries":[{"request":{"method":"POST","url":"` + login + `","postData":{"encoding":"base64","text":"` +
			base64.StdEncoding.EncodeToString([]byte("SAMLResponse="+url.QueryEscape(b64))) + `"}}}]}}`
		show(t, judge(t, []byte(in), s20), "yes")
	})
	utf16 := func(s string) []byte {
		b := []byte{0xff, 0xfe}
		for _, r := range s {
			b = append(b, byte(r), byte(r>>8))
		}
		return b
	}
	t.Run("UTF-16 HAR", func(t *testing.T) {
		show(t, judge(t, utf16(har([3]string{"POST", login, "SAMLResponse=" + url.QueryEscape(b64)})), s20), "yes")
	})
	t.Run("UTF-16 base64", func(t *testing.T) { show(t, judge(t, utf16(b64+"\r\n"), s20), "yes") })
	t.Run("UTF-16 XML", func(t *testing.T) { show(t, judge(t, utf16(string(xml)), s20), "yes") })
	t.Run("UTF-16 XML with declaration", func(t *testing.T) {
		show(t, judge(t, utf16(`<?xml version="1.0" encoding="utf-16"?>`+string(xml)), s20), "yes")
	})
	t.Run("UTF-16 XML in base64", func(t *testing.T) {
		v := judge(t, []byte(base64.StdEncoding.EncodeToString(utf16(string(xml)))), s20)
		t.Log(v)
		show(t, v, "cannot say: message unknown")
	})
	t.Run("RelayState with a question mark", func(t *testing.T) {
		show(t, judge(t, []byte("RelayState=a?b&SAMLResponse="+url.QueryEscape(b64)), s20), "yes")
	})
	bomb := deflate([]byte("<a>" + strings.Repeat(" ", 250<<10) + "</a>"))
	bad := deflate([]byte(strings.Repeat(" ", 250<<10) + "</a>"))
	for name, in := range map[string]string{
		"HAR of bombs":  har(many(128, [3]string{"POST", login, strings.Repeat("SAMLResponse="+url.QueryEscape(bomb)+"&", 120)})...),
		"page of bombs": `<html><form>` + strings.Repeat(`<input name="SAMLResponse" value="`+bad+`">`, 2000),
		"trace of bombs": `{"requests":[` + strings.Repeat(`{"method":"POST","url":"`+login+`","post":[`+
			strings.Repeat(`["SAMLResponse","`+bad+`"],`, 100)+`[]]},`, 128) + `{}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			v := signin.Judge([]byte(in), s20, now)
			runtime.ReadMemStats(&after)
			allocated := after.TotalAlloc - before.TotalAlloc
			t.Logf("%d bytes in, %d allocated: %.100v", len(in), allocated, v)
			if v.Accepted == signin.Yes || allocated > 24<<20 {
				t.Error("too much work")
			}
		})
	}
}

func many(n int, e [3]string) (all [][3]string) {
	for range n {
		all = append(all, e)
	}
	return all
}
