package jumpcloudtest

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/beevik/etree"
)

const (
	nsSAMLP    = "urn:oasis:names:tc:SAML:2.0:protocol"
	nsSAML     = "urn:oasis:names:tc:SAML:2.0:assertion"
	maxRequest = 64 << 10
)

// authnRequest is what a service provider asks for, as far as it is looked at. Its
// signature is not: JumpCloud says of the Microsoft 365 application that it wants none.
type authnRequest struct {
	xml    []byte
	id     string
	issuer string
	acs    string // empty: the one that was agreed on
	force  bool   // the person must log in again
	wsfed  bool   // it is one of WS-Federation, which has neither id nor acs
}

// readRequest reads the request of the service provider, if there is one, by either
// binding. The log-in page hands it on as if it had been posted.
func (v *visit) readRequest() Refusal {
	if v.r.Form.Get("wa") != "" {
		return v.readWSFed()
	}
	text := v.r.Form.Get("SAMLRequest")
	if text == "" {
		if v.r.Method == http.MethodPost && v.r.PostForm.Get("step") == "" {
			return BadRequest
		}
		return ""
	}
	b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err == nil && v.r.Method == http.MethodGet {
		b, err = io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(b)), maxRequest+1))
	}
	if err != nil || len(b) > maxRequest {
		return BadRequest
	}
	q := parseRequest(b)
	switch {
	case q == nil:
		return BadRequest
	case v.app.value("spEntityId") != "" && q.issuer != v.app.value("spEntityId"):
		return WrongService
	case q.acs != "" && !contains(v.app.acsURLs(), q.acs):
		return WrongService
	}
	v.asks = q
	return ""
}

// parseRequest returns nil for what is no request.
func parseRequest(b []byte) *authnRequest {
	doc := etree.NewDocument()
	if doc.ReadFromBytes(b) != nil || doc.Root() == nil {
		return nil
	}
	root := doc.Root()
	if root.Tag != "AuthnRequest" || root.NamespaceURI() != nsSAMLP {
		return nil
	}
	force := root.SelectAttrValue("ForceAuthn", "")
	q := &authnRequest{
		xml: b, id: root.SelectAttrValue("ID", ""), acs: root.SelectAttrValue("AssertionConsumerServiceURL", ""),
		force: force == "true" || force == "1",
	}
	for _, k := range root.ChildElements() {
		if k.Tag == "Issuer" && k.NamespaceURI() == nsSAML {
			q.issuer = strings.TrimSpace(k.Text())
		}
	}
	if q.id == "" || q.issuer == "" {
		return nil
	}
	return q
}

func contains(all []string, s string) bool {
	for _, v := range all {
		if v == s {
			return true
		}
	}
	return false
}

// acsURLs are the addresses that take answers, the default first. The setting is one
// address or, in JSON, a list of them.
func (a *app) acsURLs() []string {
	v := a.value("acsUrl")
	var rows []struct {
		URL       string `json:"url"`
		IsDefault string `json:"isDefault"`
	}
	if json.Unmarshal([]byte(v), &rows) != nil {
		rows = append(rows[:0], struct {
			URL       string `json:"url"`
			IsDefault string `json:"isDefault"`
		}{URL: v})
	}
	var out []string
	for _, row := range rows {
		u, err := url.Parse(row.URL)
		switch {
		case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		case row.IsDefault == "true":
			out = append([]string{row.URL}, out...)
		default:
			out = append(out, row.URL)
		}
	}
	return out
}

// flag is a setting that is true or false.
func (a *app) flag(key string) bool {
	return strings.Trim(string(a.config[key]["value"]), `"`) == "true"
}
