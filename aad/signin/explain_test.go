package signin_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad/signin"
)

func codes(found []signin.Explanation) []string {
	var all []string
	for _, e := range found {
		all = append(all, strings.TrimPrefix(e.Code, "AADSTS"))
	}
	return all
}

// TestExplain finds codes where they stand, and no other numbers.
func TestExplain(t *testing.T) {
	for _, test := range []struct {
		name, in, want string
	}{
		{"nothing", "", ""},
		{"alone", "AADSTS50107", "50107"},
		{"small letters", "aadsts50107", "50107"},
		{"page", "Sign in\nSorry, but we’re having trouble signing you in.\n\nAADSTS50107: The requested federation realm object " +
			"'https://sso.example.com' does not exist.\nRequest Id: 2a6e1d43-0000-0000-0000-5b5f21930100\nTimestamp: 2026-03-02T09:01:00Z\n" +
			"Troubleshooting details\nMessage: AADSTS50107: The requested …", "50107"},
		{"order, each once", "AADSTS51004 AADSTS50107 AADSTS51004 AADSTS500089.", "51004 50107 500089"},
		{"sign-in log", `{"id": "1", "status": {"errorCode": 5000811, "failureReason": "…"}, "appId": "00000002"}`, "5000811"},
		{"sign-in log, success", `"status": {"errorCode": 0}`, ""},
		{"log analytics", `ResultType,ResultDescription` + "\n" + `"ResultType": "50008"`, "50008"},
		{"portal", "Sign-in error code\t50074\nFailure reason\tStrong Authentication is required.", "50074"},
		{"error code in words", "Error Code: 53003, Error code 50058", "53003 50058"},
		{"OAuth", `{"error":"invalid_grant","error_codes":[50126, 50053],"timestamp":"2026-03-02 09:01:00Z","trace_id":"1"}`, "50126 50053"},
		{"escaped JSON", `{\"errorCode\":50107}`, "50107"},
		{"old client", "WLID error 0x800488FC: the account is in a federated namespace", "0x800488FC"},
		{"not known", "AADSTS123456: what?", "123456"},
		{"other numbers", "error 50107, port 50008, errorCount: 50107, code: 50107, 0x80048800, id 500089", ""},
		{"numbers of the web", "error code: 404; errorCode=500; ResultType: -50107; errorCode: 50107.5", ""},
		{"within words", "XAADSTS50107 terrorCode: 50107 AADSTSX50107 AADSTS", ""},
		{"escaped line end", `"message":"Sorry\r\nAADSTS50107: no\tAADSTS51004"`, "50107 51004"},
		{"address", "https://login.example/?error_description=Sorry%0d%0aAADSTS50107%3a+The", "50107"},
		{"without a blank", "\u7eaaAADSTS50107 \u7eaaerrorCode: 51004", "50107 51004"},
		{"prose", "the errorCode of 2026 is 50107", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := strings.Join(codes(signin.Explain(test.in)), " "); got != test.want {
				t.Errorf("%q; want %q", got, test.want)
			}
		})
	}
}

// known are the codes that the table must have: all that reports of federated
// domains speak of.
const known = `16000 16003 20001 20012 20033 50003 50006 50008 500081 500082 500083 500085 500086 500087 500088 500089 5000811
	5000819 5000820
	50010 500101 500102 500103 50012 50013 500133 500131 500132 50017 50020 50029 90029 50032 50034 50053 50055 50144 50056 50057
	50059 50128 90019 50072 50076 50079 50074 50078 50097 50155 53000 53001 50105 50107 50126 50140 50058 50158 50161 50169 9002320
	50177 50178 50186 50200 50196 51004 53003 530035 53006 53007 75001 75003 75008 75005 9002313 75011 7500514 90020 90072 90081 90087
	90082 90085 90101 90102 90107 90121 700016 1000006 1000007 1000008 1000009 1000010 1000011 1000012 1000013 900023`

// confirmed are those whose text was seen.
const confirmed = "50107 500083 5000811 500082 500089 50008 51004 5000819 5000820"

func TestTable(t *testing.T) {
	for _, code := range strings.Fields(known) {
		found := signin.Explain("AADSTS" + code)
		if len(found) != 1 || found[0].Meaning == "" || found[0].Source == "" {
			t.Errorf("%s: %+v", code, found)
			continue
		}
		if want := strings.Contains(" "+confirmed+" ", " "+code+" "); found[0].Confirmed != want {
			t.Errorf("%s: confirmed is %v", code, found[0].Confirmed)
		}
	}
	e := signin.Explain("AADSTS50107")[0]
	if len(e.Causes) < 2 || !strings.Contains(e.Causes[1], "preferredAuthenticationProtocol") {
		t.Errorf("50107 is not told with both causes: %q", e.Causes)
	}
	e.Causes[0] = "changed"
	if signin.Explain("AADSTS50107")[0].Causes[0] == "changed" {
		t.Error("a caller can change the table")
	}
	unknown := signin.Explain("AADSTS501081")
	if len(unknown) != 1 || unknown[0].Source != "" || !strings.Contains(unknown[0].Meaning, "not known") || unknown[0].Causes != nil {
		t.Errorf("%+v", unknown)
	}
}

// TestExplainBounds: no text is too long, and none leads to too many explanations.
func TestExplainBounds(t *testing.T) {
	var b strings.Builder
	for i := range 500 {
		b.WriteString("AADSTS" + strings.Repeat("1", 3+i%7) + " errorCode " + strings.Repeat(" ", i))
	}
	if n := len(signin.Explain(b.String())); n != 7 {
		t.Errorf("%d explanations", n)
	}
	for _, s := range []string{"errorCode", "AADSTS", "error_codes:[", "e", "\"", " "} {
		signin.Explain(strings.Repeat(s, 8<<20/len(s)))
	}
	if diff := cmp.Diff([]string(nil), codes(signin.Explain("\xff\xfeAADST"))); diff != "" {
		t.Error(diff)
	}
}
