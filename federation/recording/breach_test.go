package recording

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestPublicWordsOfSomebody: what is public in one place is somebody's in another.
func TestPublicWordsOfSomebody(t *testing.T) {
	for _, tt := range []struct{ member, real, part string }{
		{"id", "support.onmicrosoft.com", "support"},
		{"mail", "ada@Portal.onmicrosoft.com", "portal"},
		{"id", "admin.mail.onmicrosoft.com", "admin"},
		{"mailExchange", "sip.mail.protection.outlook.com", "sip"},
		{"url", "https://docs.sharepoint.com/personal", "docs"},
		{"client_ip", "::1%fabrikam", "fabrikam"},
		{"client_ip", "[::1%fabrikam]:8080", "fabrikam"},
		{"url", "http://[::1%25fabrikam]/", "fabrikam"},
		{"displayName", "Active", "active"},
		{"jobTitle", "Member", "member"},
		{"id", "office365.example", "office365"},
		{"search", "Ada is manager of all members", "manager"}, // of JumpCloud: any words
		{"password", "=~=", "=~="},
		{"password", "-----", "-----"},
		{"password", "471190817", "471190817"},
	} {
		m := newMask()
		got := replaced(m, tt.member, tt.real)
		for _, r := range m.remains() {
			got += r.String()
		}
		if strings.Contains(strings.ToLower(got), tt.part) {
			t.Errorf("%s %q becomes %q", tt.member, tt.real, got)
		}
	}
}

// TestSignsOfNoTime: what everybody knows to stand for no time does not show how far times have moved.
func TestSignsOfNoTime(t *testing.T) {
	for _, tt := range []struct{ member, real, want string }{
		{"date", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
		{"date", "0001-01-01T07:00:00Z", "0001-01-01T00:00:00Z"}, // in another zone
		{"date", "0001-01-01", "0001-01-01"},
		{"date", "1601-01-01T00:00:00.0000000Z", "1601-01-01T00:00:00.0000000Z"},
		{"date", "1899-12-30T00:00:00", "1899-01-01T00:00:00"},
		{"date", "1900-01-01", "1900-01-01"},
		{"date", "1/1/1601 12:00:00 AM", "1/1/1601 12:00:00 AM"},
		{"date", "1970-01-01T01:00:00+01:00", "1970-01-01T00:00:00+00:00"},
		{"date", "1970-01-01T05:00:00Z", "1970-01-01T00:00:00Z"},
		{"date", "2038-01-19T03:14:07Z", "2038-01-19T03:14:07Z"},
		{"date", "2049-12-31T23:59:59Z", "2049-12-31T23:59:59Z"},
		{"date", "2099-12-31", "2099-12-31"},
		{"date", "2099-12-30T22:00:00Z", "2099-01-01T00:00:00Z"},
		{"date", "9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.0000000Z"},
		{"date", "9999-12-31T22:59:59Z", "9999-01-01T00:00:00Z"},
		{"exp", "2147483647", "2147483647"},
		{"exp", "4294967295", "4294967295"},
		{"exp", "253402300799", "253402300799"},
		{"expiry", "253402300799000", "253402300799000"},
	} {
		if got := replaced(newMask(), tt.member, tt.real); got != tt.want {
			t.Errorf("%s %q becomes %q; want %q", tt.member, tt.real, got, tt.want)
		}
	}
	for _, real := range []string{"9223372036854775807", "9007199254740991", "8640000000000000", "9223372036854"} {
		a, b := replaced(newMask(), "exp", real), replaced(newMask(), "exp", real)
		if len(a) != len(real) || a[:4] != b[:4] { // both in the same year, whatever the offset
			t.Errorf("%s becomes %s and %s", real, a, b)
		}
	}
	for _, real := range []string{"2048-12-31T23:59:59Z", "2126-03-05T12:00:00Z", "1970-01-03T00:00:00Z", "1903-01-01T00:00:00Z"} {
		m := newMask()
		moved, err := time.Parse(time.RFC3339, replaced(m, "date", real))
		if was, _ := time.Parse(time.RFC3339, real); err != nil || !moved.Equal(was.Add(m.shift)) {
			t.Errorf("%s becomes %v, %v", real, moved, err)
		}
	}
}

// TestNumbersStayEqual: a number is the same alone, in an address, and in another spelling.
func TestNumbersStayEqual(t *testing.T) {
	m := newMask()
	for _, login := range []string{"17", "12345678", "00012345", "123456789012345678901234", "12345678901234567890123456789012", "1234.5678", "2b345678",
		"6601d14b-d113-8f64-fda2-9b5ddda18ecc", "ada.abbott"} {
		local, _, _ := strings.Cut(replaced(m, "mail", login+"@fabrikam.com"), "@")
		if alone := replaced(m, "username", login); alone != local {
			t.Errorf("%s becomes %s alone and %s in an address", login, alone, local)
		}
	}
	const id = "6601d14b-d113-8f64-fda2-9b5ddda18ecc"
	if a, b := strings.ReplaceAll(replaced(m, "id", id), "-", ""), replaced(m, "id", strings.ReplaceAll(id, "-", "")); a != b {
		t.Errorf("a GUID becomes %s with hyphens and %s without", a, b)
	}
	if a, b := replaced(m, "client_ip", "::ffff:203.0.113.9"), replaced(m, "client_ip", "203.0.113.9"); a != "::ffff:"+b {
		t.Errorf("an address becomes %s as one of IPv6 and %s", a, b)
	}
}

// TestDomainsStayEqual: a domain is the same in both spellings, and in addresses of whatever scheme.
func TestDomainsStayEqual(t *testing.T) {
	m := newMask()
	domain := replaced(m, "id", "bücher-fabrikam.com")
	for real, want := range map[string]string{
		"xn--bcher-fabrikam-gsb.com":                domain,
		"xn--bcher-fabrikam-gsb.com:443":            domain + ":443",
		"//bücher-fabrikam.com/":                    "//" + domain + "/",
		"fabrikam-app://bücher-fabrikam.com?state=": replaced(m, "", "fabrikam-app") + "://" + domain + "?state=",
	} {
		if got := replaced(m, "", real); got != want {
			t.Errorf("%s becomes %s; want %s", real, got, want)
		}
	}
}

// TestErrorsStay: the codes of Azure AD have up to seven digits, and its errors say which property is meant.
func TestErrorsStay(t *testing.T) {
	for _, doc := range []string{
		`{"error":"invalid_client","error_codes":[7000215,50107],"status":{"errorCode":9002313}}`,
		`{"message":"Another object with the same value for property issuerUri already exists."}`,
		`{"message":"Resource 'federationConfiguration' does not exist or one of its queried reference-property objects are not present."}`,
	} {
		if got := string(newMask().json([]byte(doc), place{}, 0)); got != doc {
			t.Errorf("%s becomes %s", doc, got)
		}
	}
	const name = `{"message":"Resource 'manager' does not exist or one of its queried reference-property objects are not present."}`
	if got := string(newMask().json([]byte(name), place{}, 0)); strings.Contains(got, "manager") {
		t.Errorf("%s becomes %s", name, got)
	}
}

// TestPartsThatStayAreShown: what is public in a name that is somebody's is shown as well.
func TestPartsThatStayAreShown(t *testing.T) {
	m := newMask()
	replaced(m, "id", "autodiscover.fabrikam.onmicrosoft.com")
	shown := make(map[string]bool)
	for _, r := range m.remains() {
		shown[r.Kind+" "+r.Value] = true
	}
	if !shown["host autodiscover"] || !shown["host onmicrosoft"] || len(shown) != 3 {
		t.Errorf("shown: %v", shown)
	}
}

// TestDeepDocuments: a document that is nothing but depth is recorded in the time that it takes to read it.
func TestDeepDocuments(t *testing.T) {
	const depth = 20_000
	doc := bytes.Repeat([]byte("<id>"), depth)
	doc = append(doc, bytes.Repeat([]byte("</id>"), depth)...)
	a := &Answer{Header: map[string]string{}}
	m := newMask()
	m.body(a, doc, place{request: http.MethodGet})
	if a.Text != string(doc) {
		t.Errorf("%d bytes become %d", len(doc), len(a.Text))
	}
	for _, r := range m.remains() {
		if len(r.String()) > 3*longest+200 {
			t.Errorf("%d characters say where %s is", len(r.String()), r.Value)
		}
	}
}
