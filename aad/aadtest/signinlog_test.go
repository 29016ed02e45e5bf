package aadtest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
)

const signIns = "/v1.0/auditLogs/signIns"

// names returns the user names of a list, in its order.
func names(a answer) []string {
	var all []string
	list, _ := a.body["value"].([]any)
	for _, v := range list {
		all = append(all, v.(map[string]any)["userPrincipalName"].(string))
	}
	return all
}

func TestSignInLogFilter(t *testing.T) {
	w := newWire(t)
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for i, e := range []aad.SignIn{
		{UserPrincipalName: "A@example.com", UserID: "1"},
		{UserPrincipalName: "b@example.com", AppID: "app", AppDisplayName: "App", ErrorCode: 50107},
		{UserPrincipalName: "o'neil@example.com", CorrelationID: "c"},
	} {
		e.Created = at.Add(time.Duration(i) * time.Minute)
		w.s.AddSignIn(e)
	}
	a, b, o := "a@example.com", "b@example.com", "o'neil@example.com"
	for _, tt := range []struct {
		query string
		want  []string
	}{
		{"", []string{o, b, a}},
		{"?$orderby=createdDateTime desc", []string{o, b, a}},
		{"?$orderby=createdDateTime", []string{a, b, o}},
		{"?$filter=createdDateTime ge 2026-03-02T09:01:00Z", []string{o, b}},
		{"?$filter=createdDateTime le 2026-03-02T09:01:00.5Z", []string{b, a}},
		{"?$filter=createdDateTime ge 2026-03-02T09:01:00Z and createdDateTime le 2026-03-02T09:01:00Z", []string{b}},
		{"?$filter=createdDateTime eq 2026-03-02T10:01:00%2B01:00", []string{b}},
		{"?$filter=userPrincipalName eq 'A@example.com'", []string{a}},
		{"?$filter=userPrincipalName eq 'o''neil@example.com' and createdDateTime ge 2026-03-02T09:00:00Z", []string{o}},
		{"?$filter=appId eq 'app'", []string{b}},
		{"?$filter=appDisplayName eq 'App'", []string{b}},
		{"?$filter=startsWith(appDisplayName,'AP')", []string{b}},
		{"?$filter=appId eq 'app' or userId eq '1'", []string{b, a}},
		{"?$filter=userId eq '1'", []string{a}},
		{"?$filter=correlationId eq 'c'", []string{o}},
		{"?$filter=status/errorCode eq 0", []string{o, a}},
		{"?$filter=status/errorCode eq 50107 and appId eq 'other'", nil},
		{"?$top=1", []string{o}},
	} {
		if diff := cmp.Diff(tt.want, names(w.expect(200, "", "GET", signIns+tt.query, ""))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.query, diff)
		}
	}
	for _, filter := range []string{
		"createdDateTime gt 2026-03-02T09:00:00Z", "createdDateTime ge '2026-03-02T09:00:00Z'", "createdDateTime ge yesterday",
		"appId eq app", "appId ne 'app'",
		"appId eq 'app' and", "and", "appId", "appId eq", "appId eq 'app",
		"city eq 'x'", "status/errorCode eq '0'",
		"appId eq 'app'and userId eq 'x'",
	} {
		w.expect(400, "", "GET", signIns+"?$filter="+filter, "")
	}
	w.expect(501, "ipAddress", "GET", signIns+"?$filter=ipAddress eq '192.0.2.1'", "")
	w.expect(501, "orderby", "GET", signIns+"?$orderby=appId", "")
	w.expect(400, "page size", "GET", signIns+"?$top=1001", "")

	first := w.expect(200, "", "GET", signIns+"?$top=2", "")
	next, _ := first.body["@odata.nextLink"].(string)
	if diff := cmp.Diff([]string{o, b}, names(first)); diff != "" || next == "" {
		t.Fatalf("next %q; first page (-want +got):\n%s", next, diff)
	}
	w.s.PageSize = 1
	n := 0
	for _, err := range w.s.Client(nil).SignIns(t.Context(), nil) {
		if n++; err != nil {
			t.Fatal(err)
		}
	}
	if n != 3 {
		t.Errorf("%d lines over pages of one", n)
	}
}

func TestSignInLogObject(t *testing.T) {
	w := newWire(t)
	at := time.Date(2026, 3, 2, 9, 0, 0, 5e8, time.UTC)
	w.s.AddSignIn(aad.SignIn{ID: "1", CorrelationID: "c", UserID: "u", UserPrincipalName: "a@example.com", UserDisplayName: "A", Created: at,
		Protocol: aad.SignInSAML20, Token: aad.TokenSAML20, ErrorCode: 50107, FailureReason: "No realm."})
	w.s.AddSignIn(aad.SignIn{ID: "2", CorrelationID: "c", UserID: "u", UserPrincipalName: "a@example.com", UserDisplayName: "A",
		Created: at.Add(-time.Hour)})
	object := func(id, created, protocol, token string, code float64, reason string) map[string]any {
		o := map[string]any{"id": id, "correlationId": "c", "createdDateTime": created,
			"userId": "u", "userPrincipalName": "a@example.com", "userDisplayName": "A",
			"appId": "4765445b-32c6-49b0-83e6-1d93765276ca", "appDisplayName": "OfficeHome", "isInteractive": true, "clientAppUsed": "Browser",
			"status": map[string]any{"errorCode": code, "failureReason": reason, "additionalDetails": nil}}
		if protocol != "" {
			o["authenticationProtocol"], o["incomingTokenType"] = protocol, token
		}
		return o
	}
	want := []any{object("1", "2026-03-02T09:00:00Z", "saml20", "saml20", 50107, "No realm."),
		object("2", "2026-03-02T08:00:00Z", "none", "none", 0, "Other.")}
	if diff := cmp.Diff(want, w.expect(200, "", "GET", signIns, "").body["value"]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	w.s.Quirks.BareSignIns = true
	want = []any{object("1", "2026-03-02T09:00:00Z", "", "", 50107, "No realm."), object("2", "2026-03-02T08:00:00Z", "", "", 0, "Other.")}
	if diff := cmp.Diff(want, w.expect(200, "", "GET", signIns, "").body["value"]); diff != "" {
		t.Errorf("bare (-want +got):\n%s", diff)
	}
	w.cred = w.s.Credential("User.Read.All", "Directory.Read.All")
	w.expect(403, "Insufficient privileges", "GET", signIns, "")
	w.cred = w.s.Credential("AuditLog.Read.All")
	w.expect(200, "", "GET", signIns, "")
	w.s.Quirks.NoPremium = true
	if a := w.expect(403, "premium license", "GET", signIns, ""); a.code() != "Authentication_RequestFromNonPremiumTenantOrB2CTenant" {
		t.Errorf("code = %s", a.code())
	}
}

func TestSignInLogLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := signInTenant()
		s.SignInLag = aadtest.Lag{For: 5 * time.Minute}
		w := wire{t, s, s.Credential()}
		s.AddSignIn(aad.SignIn{UserPrincipalName: "old@example.com", Created: office.Add(-time.Hour)})
		b := newBrowser(t, s)
		b.begin("ann@example.com")
		b.answer(reply{})
		want := []string{"old@example.com"}
		for range 2 {
			if diff := cmp.Diff(want, names(w.expect(200, "", "GET", signIns, ""))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			time.Sleep(5 * time.Minute)
			want = []string{"ann@example.com", "old@example.com"}
		}
		if n := len(s.SignIns()); n != 2 {
			t.Errorf("%d sign-ins in truth", n)
		}
		s.ResourceLag = func(resource string) aadtest.Lag {
			if resource == "auditLogs/signIns" {
				return aadtest.Lag{For: time.Hour}
			}
			return aadtest.Lag{}
		}
		if diff := cmp.Diff([]string{"old@example.com"}, names(w.expect(200, "", "GET", signIns, ""))); diff != "" {
			t.Errorf("the resource's own lag (-want +got):\n%s", diff)
		}
	})
}
