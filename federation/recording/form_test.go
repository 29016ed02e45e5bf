package recording

import (
	"encoding/base64"
	"encoding/json"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// replaced is what becomes of a text under a member's name.
func replaced(m *mask, member, s string) string {
	return m.text(s, place{request: "GET https://host/", path: member, key: strings.ToLower(member)})
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// TestFormStays: what replaces a value looks like it, and is another one.
func TestFormStays(t *testing.T) {
	const (
		label = `[a-z]{12}`
		name  = label + `\.example`
		guid  = `[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`
	)
	jwt := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." +
		base64.RawURLEncoding.EncodeToString([]byte(`{"tid":"5f0d2b1c-0c8e-4c55-9d7e-3a3b0f4a6e21"}`)) + ".c2lnbmF0dXJl"
	for _, tt := range []struct{ what, member, real, want string }{
		{"an ID of JumpCloud", "_id", "617c3664e6f8ae27f7e1201e", `[0-9a-f]{24}`},
		{"one without a letter", "_id", "600000020000000000000001", `[0-9a-f]{24}`},
		{"one in capitals", "_id", "617C3664E6F8AE27F7E1201E", `[0-9A-F]{24}`},
		{"a GUID", "id", "6601d14b-d113-8f64-fda2-9b5ddda18ecc", guid},
		{"a GUID in braces", "id", "{6601D14B-D113-8F64-FDA2-9B5DDDA18ECC}", `\{[0-9A-F-]{36}\}`},
		{"the GUID of nothing", "id", "00000000-0000-0000-0000-000000000000", `00000000-0000-0000-0000-000000000000`},
		{"the Global Administrator", "roleDefinitionId", "62e90394-69f5-4237-9190-012177145e10", `62e90394-69f5-4237-9190-012177145e10`},
		{"a packed GUID", "onPremisesImmutableId", "S9EBZhPRZI/9optd3aGOzA==", `[A-Za-z0-9+/]{22}==`},
		{"a security identifier", "onPremisesSecurityIdentifier", "S-1-5-21-1180699209-877415012", `S-1-[0-9]-[0-9]{2}-[0-9]{10}-[0-9]{9}`},
		{"an address", "mail", "ada@fabrikam.com", label + "@" + name},
		{"one with dots", "mail", "ada.abbott@mail.fabrikam.com", label + `\.` + label + "@" + label + `\.` + name},
		{"a proxy address", "proxyAddresses", "SMTP:ada@fabrikam.com", "SMTP:" + label + "@" + name},
		{"one of the initial domain", "userPrincipalName", "ada@fabrikam.onmicrosoft.com", label + "@" + label + `\.onmicrosoft\.com`},
		{"a guest's", "userPrincipalName", "ada_gmail.com#EXT#@fabrikam.onmicrosoft.com", label + "_" + name + "#EXT#@" + label + `\.onmicrosoft\.com`},
		{"capitals", "userPrincipalName", "ADA@Fabrikam.com", "[A-Z]{12}@[A-Z][a-z]{11}\\.example"},
		{"a domain", "id", "fabrikam.com", name},
		{"a domain with umlauts", "id", "bücher.example", name},
		{"an unusual domain", "id", "fabrikam.software", name},
		{"a subdomain", "id", "eu.sales.fabrikam.co.uk", `eu\.` + label + `\.` + label + `\.` + label + `\.example`},
		{"a wildcard", "id", "*.fabrikam.com", `\*\.` + name},
		{"a suffix", "id", "@fabrikam.com", "@" + name},
		{"a host of JumpCloud", "url", "console.eu.jumpcloud.com", `console\.eu\.jumpcloud\.com`},
		{"a mail host", "mailExchange", "fabrikam-com.mail.protection.outlook.com", label + `\.mail\.protection\.outlook\.com`},
		{"a log-in address", "ssoUrl", "https://sso.jumpcloud.com/saml2/fabrikam-com", `https://sso\.jumpcloud\.com/saml2/` + label + "-example"},
		{"that of the template", "ssoUrl", "https://sso.jumpcloud.com/saml2/office365", `https://sso\.jumpcloud\.com/saml2/office365`},
		{"an issuer", "issuerUri", "urn:uri:fabrikam.com", "urn:uri:" + name},
		{"an issuer that is a URL", "issuerUri", "https://fabrikam.com/adfs/services/trust", "https://" + name + "/adfs/" + label + "/" + label},
		{"the audience", "spEntityId", "urn:federation:MicrosoftOnline", "urn:federation:MicrosoftOnline"},
		{"a URL with a query", "AuthURL", "https://fabrikam.com:8443/ls?username=ada%40fabrikam.com&wa=wsignin1.0&nobody=1&wctx=",
			`https://` + name + `:[0-9]{4}/ls\?username=` + label + "%40" + name + `&wa=wsignin1\.0&x[a-z]{8}=[0-9]&wctx=`},
		{"a context", "@odata.context", "https://graph.microsoft.com/v1.0/$metadata#domains('fabrikam.com')/federationConfiguration",
			`https://graph\.microsoft\.com/v1\.0/\$metadata#domains\('` + name + `'\)/federationConfiguration`},
		{"an IP address", "client_ip", "203.0.113.9", `198\.1[89]\.[0-9]+\.[0-9]+`},
		{"one of IPv6", "client_ip", "2a02:8109::1", `2001:db8::[0-9a-f:]+`},
		{"a name", "displayName", "Ada Abbott", `[A-Z][a-z]{5} [A-Z][a-z]{5}`},
		{"a telephone", "mobilePhone", "+49 (30) 901-820", `\+[0-9]{2} \([0-9]{2}\) [0-9]{3}-[0-9]{3}`},
		{"a free text", "description", "Everybody who was at the party in Graz.", "text " + label},
		{"an opaque token", "skipToken", "RFNwdAIAAQAAABc6YWRhLmFiYm90dEBleGFtcGxlLmNvbQ", `[A-Za-z0-9+/]{46}`},
		{"a JWT", "", jwt, `eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{12}`},
		{"a number", "unix_uid", "5001", "[1-9][0-9]{3}"},
		{"a number that counts", "totalCount", "5001", "5001"},
		{"a long one", "employeeId", "90182047111", "1[0-9]{10}"},
		{"a time", "createdDateTime", "2024-02-29T12:34:56.1234567Z", `20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z`},
		{"no time", "createdDateTime", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
		{"a time in a zone", "createdDateTime", "2024-02-29T12:34:56-07:00", `20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00`},
		{"a time without a zone", "date", "2024-02-29T12:34:56", `20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d`},
		{"a day", "date", "2024-02-29", `20\d\d-\d\d-\d\d`},
		{"a header's", "date", "Thu, 29 Feb 2024 12:34:56 GMT", `[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} 20\d\d \d\d:\d\d:\d\d GMT`},
		{"seconds", "seconds", "1703732260", `1[0-9]{9}`},
		{"JSON in a text", "acsUrl", `[{"index":"0","isDefault":"true","url":"https://fabrikam.com"}]`,
			`\[\{"index":"0","isDefault":"true","url":"https://` + name + `"\}\]`},
		{"an error of Azure AD", "errorMessage", "AADSTS9002313: Invalid request for ada@fabrikam.com.", "AADSTS9002313: text " + label},
		{"an error with a name", "message", "Resource 'fabrikam.com' does not exist or one of its queried reference-property objects are not present.",
			"Resource '" + name + "' does not exist or one of its queried reference-property objects are not present\\."},
		{"an error about a kind of thing", "message", "Resource 'federationConfiguration' does not exist or one of its queried reference-property objects are not present.",
			"Resource 'federationConfiguration' does not exist or one of its queried reference-property objects are not present\\."},
		{"a country", "countryLetterCode", "AT", "[A-Z]{2}"},
		{"a language", "preferredLanguage", "de-AT", "[A-Za-z]{2}-[A-Za-z]{2}"},
		{"an error as it always is", "message", "Already Exists", "Already Exists"},
		{"the same words elsewhere", "displayName", "Already Exists", `[A-Z][a-z]{5} [A-Z][a-z]{5}`},
		{"an enumeration", "authenticationType", "Federated", "Federated"},
		{"a value that it has not", "authenticationType", "Fabrikam", `[A-Z][a-z]{11}`},
		{"several", "capabilities", "Email, OfficeCommunicationsOnline, Fabrikam", "Email, OfficeCommunicationsOnline, [A-Z][a-z]{11}"},
		{"an OData condition", "$filter", "(endsWith(userPrincipalName,'@fabrikam.com') or createdDateTime ge 2024-02-29T12:34:56Z)",
			`\(endsWith\(userPrincipalName,'@` + name + `'\) or createdDateTime ge 20[0-9-]{8}T[0-9:]{8}Z\)`},
		{"a condition", "filter", "name:$in:office365|Fabrikam", `name:\$in:office365\|[A-Z][a-z]{11}`},
		{"nothing", "mail", "", ""},
		{"space around it", "mail", " ada@fabrikam.com\n", " " + label + "@" + name + "\n"},
	} {
		got := replaced(newMask(), tt.member, tt.real)
		if !regexp.MustCompile("^(?:" + tt.want + ")$").MatchString(got) {
			t.Errorf("%s: %q becomes %q; want %s", tt.what, tt.real, got, tt.want)
		}
		if got == tt.real != (regexp.QuoteMeta(tt.real) == tt.want || tt.real == tt.want || strings.ReplaceAll(tt.want, `\`, "") == tt.real) {
			t.Errorf("%s: %q becomes %q", tt.what, tt.real, got)
		}
	}
}

// TestEqualStaysEqual: what was equal is equal, wherever it stands and whatever it is packed in, and
// what was not is not. Another recording has other pseudonyms.
func TestEqualStaysEqual(t *testing.T) {
	m := newMask()
	same := func(what, a, b string) {
		t.Helper()
		if a != b {
			t.Errorf("%s: %q and %q differ", what, a, b)
		}
	}
	domain := replaced(m, "id", "fabrikam.com")
	local := replaced(m, "username", "ada.abbott")
	address := replaced(m, "mail", "ada.abbott@fabrikam.com")
	same("address", address, local+"@"+domain)
	same("capitals", strings.ToLower(replaced(m, "userPrincipalName", "Ada.Abbott@FABRIKAM.com")), address)
	same("subdomain", strings.SplitN(replaced(m, "id", "sales.fabrikam.com"), ".", 2)[1], domain)
	same("issuer", replaced(m, "issuerUri", "urn:uri:fabrikam.com"), "urn:uri:"+domain)
	same("URL", replaced(m, "issuerUri", "https://fabrikam.com"), "https://"+domain)
	same("unknown member", replaced(m, "", "ada.abbott@fabrikam.com"), address)
	same("base64", replaced(m, "", b64("ada.abbott@fabrikam.com")), b64(address))
	same("percent", replaced(m, "", "ada.abbott%40fabrikam.com"), strings.Replace(address, "@", "%40", 1))
	same("JSON", replaced(m, "", `{"mail":"ada.abbott@fabrikam.com"}`), `{"mail":"`+address+`"}`)
	same("XML", replaced(m, "", `<Login>ada.abbott@fabrikam.com</Login>`), `<Login>`+address+`</Login>`)
	same("condition", replaced(m, "$filter", "mail eq 'ada.abbott@fabrikam.com'"), "mail eq '"+address+"'")
	same("path", replaced(m, "url", "/v1.0/users/ada.abbott@fabrikam.com"), "/v1.0/users/"+strings.ReplaceAll(address, "@", "@"))
	guid := replaced(m, "id", "6601d14b-d113-8f64-fda2-9b5ddda18ecc")
	same("GUID in capitals", strings.ToLower(replaced(m, "id", "6601D14B-D113-8F64-FDA2-9B5DDDA18ECC")), guid)
	packed, err := base64.StdEncoding.DecodeString(replaced(m, "", "S9EBZhPRZI/9optd3aGOzA=="))
	if err != nil || len(packed) != 16 || packed[3] != unhex(guid[:2]) || packed[15] != unhex(guid[34:]) {
		t.Errorf("packed GUID: % x, %v; want that of %s", packed, err, guid)
	}
	seen := make(map[string]string)
	for _, real := range []string{"ada", "adb", "a da", "fabrikam.com", "fabrikam.net", "contoso.com", "www.contoso.com", "1700000017", "1700000018", "text a b c d", "text a b c e"} {
		got := replaced(m, "", real)
		if other, ok := seen[got]; ok {
			t.Errorf("%q and %q both become %q", real, other, got)
		}
		seen[got] = real
	}
	if other := replaced(newMask(), "mail", "ada.abbott@fabrikam.com"); other == address {
		t.Errorf("two recordings call somebody %q", other)
	}
}

func unhex(s string) byte {
	const h = "0123456789abcdef"
	return byte(strings.IndexByte(h, s[0])<<4 | strings.IndexByte(h, s[1]))
}

// TestTimesMoveTogether: whatever a time is written like, it is the same time afterwards, and two have the
// distance that they had.
func TestTimesMoveTogether(t *testing.T) {
	m := newMask()
	real := time.Date(2024, 2, 29, 12, 34, 56, 0, time.UTC)
	want := real.Add(m.shift)
	if d := real.Sub(want); d < leastShift || d > leastShift+shiftRange || m.shift%time.Second != 0 {
		t.Errorf("times move by %v", m.shift)
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05.000Z", "2006-01-02T15:04:05", "2006-01-02 15:04:05Z", time.RFC1123, time.RFC850, time.ANSIC} {
		got, err := time.Parse(layout, replaced(m, "created", real.Format(layout)))
		if err != nil || !got.UTC().Equal(want) {
			t.Errorf("%s: %v, %v; want %v", layout, got, err, want)
		}
	}
	west := real.In(time.FixedZone("", -7*3600)).Format(time.RFC3339)
	if got, err := time.Parse(time.RFC3339, replaced(m, "created", west)); err != nil || !got.Equal(want) {
		t.Errorf("%s: %v, %v; want %v", west, got, err, want)
	}
	for _, unit := range []int64{1, 1e3, 1e6, 1e9} {
		b, err := json.Marshal(real.Unix() * unit)
		if err != nil {
			t.Fatal(err)
		}
		var got int64
		if err := json.Unmarshal([]byte(m.number(string(b), place{key: "exp"})), &got); err != nil || got != want.Unix()*unit {
			t.Errorf("%s: %d, %v; want %d", b, got, err, want.Unix()*unit)
		}
	}
}

// TestJSONShape: members and elements keep their order, and every value its type. A member that nobody
// knows loses its name as well.
func TestJSONShape(t *testing.T) {
	const doc = `{"value":[null,true,{"favourite":true,"count":3,"height":1.93,"id":"x","id":"y"}],"@odata.count":12,"mail@odata.type":"#Collection(String)"}`
	got := string(newMask().json([]byte(doc), place{}, 0))
	want := regexp.MustCompile(`^\{"value":\[null,true,\{"x[a-z]{8}":false,"count":3,"x[a-z]{8}":[1-9]\.[0-9]{2},"id":"[a-z]{12}","id":"[a-z]{12}"\}\],` +
		`"@odata\.count":12,"mail@odata\.type":"[^"]*"\}$`)
	if !want.MatchString(got) {
		t.Errorf("%s\nbecomes %s", doc, got)
	}
}

// TestAddressesOfNobody: no pseudonym is an address that somebody may have.
func TestAddressesOfNobody(t *testing.T) {
	m := newMask()
	for _, real := range []string{"8.8.8.8", "2a00:1450::8", "[2a00:1450::8]:443", "10.0.0.1:8080"} {
		got := replaced(m, "client_ip", real)
		ip, err := netip.ParseAddr(got)
		if err != nil {
			ap, err := netip.ParseAddrPort(got)
			if err != nil {
				t.Errorf("%s becomes %s", real, got)
			}
			ip = ap.Addr()
		}
		if !netip.MustParsePrefix("198.18.0.0/15").Contains(ip) && !netip.MustParsePrefix("2001:db8::/32").Contains(ip) {
			t.Errorf("%s becomes %s", real, got)
		}
	}
	if diff := cmp.Diff("127.0.0.1:8080", replaced(m, "client_ip", "127.0.0.1:8080")); diff != "" {
		t.Error(diff)
	}
}
