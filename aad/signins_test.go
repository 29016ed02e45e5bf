package aad_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad"
)

// signIn is a line of the sign-in log: of alice, through the domain's provider.
func signIn(at time.Time, code int) aad.SignIn {
	e := aad.SignIn{ID: "sign-in", CorrelationID: "correlation", Created: at, UserID: userID, UserPrincipalName: "alice@example.com",
		UserDisplayName: "Alice", AppID: "app", AppDisplayName: "An app", Protocol: aad.SignInSAML20, Token: aad.TokenSAML20, ErrorCode: code}
	if code != 0 {
		e.FailureReason = "It failed."
	}
	return e
}

func TestSignInJSON(t *testing.T) {
	for _, tt := range []struct {
		name, json string
		want       aad.SignIn
		federated  bool
	}{
		{"success", `{"id":"1","createdDateTime":"2026-03-02T09:00:00Z","userPrincipalName":"a@example.com","incomingTokenType":"saml11",` +
			`"authenticationProtocol":"none","status":{"errorCode":0,"failureReason":"Other.","additionalDetails":null}}`,
			aad.SignIn{ID: "1", Created: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), UserPrincipalName: "a@example.com", Token: aad.TokenSAML11,
				Protocol: "none"}, true},
		{"failure", `{"id":"1","correlationId":"c","userId":"u","appId":"a","appDisplayName":"A","authenticationProtocol":"saml20",` +
			`"status":{"errorCode":50107,"failureReason":"No realm."}}`,
			aad.SignIn{ID: "1", CorrelationID: "c", UserID: "u", AppID: "a", AppDisplayName: "A", Protocol: aad.SignInSAML20, ErrorCode: 50107,
				FailureReason: "No realm."}, true},
		{"nothing told", `{"id":"1","status":{"errorCode":0}}`, aad.SignIn{ID: "1"}, false},
		{"password", `{"id":"1","authenticationProtocol":"none","incomingTokenType":"none","status":{"errorCode":0}}`,
			aad.SignIn{ID: "1", Protocol: "none", Token: "none"}, false},
		{"a session's, in an application that speaks SAML", `{"id":"1","authenticationProtocol":"saml20","incomingTokenType":"primaryRefreshToken"}`,
			aad.SignIn{ID: "1", Protocol: aad.SignInSAML20, Token: "primaryRefreshToken", ErrorCode: -1}, false},
		{"no status is no success", `{"id":"1","status":null}`, aad.SignIn{ID: "1", ErrorCode: -1}, false},
		{"no code is no success", `{"id":"1","status":{"failureReason":"?"}}`, aad.SignIn{ID: "1", ErrorCode: -1, FailureReason: "?"}, false},
	} {
		var got aad.SignIn
		if err := json.Unmarshal([]byte(tt.json), &got); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		if got.Federated() != tt.federated {
			t.Errorf("%s: Federated = %v", tt.name, got.Federated())
		}
	}
}

func TestSignInsWithoutLicense(t *testing.T) {
	s := tenant()
	s.Quirks.NoPremium = true
	_, err := collect(s.Client(nil).SignIns(t.Context(), nil))
	var e *aad.Error
	if !errors.Is(err, aad.ErrDenied) || !errors.As(err, &e) || e.Code != "Authentication_RequestFromNonPremiumTenantOrB2CTenant" {
		t.Errorf("err = %v; want ErrDenied with the code of a missing license", err)
	}
	if strings.Contains(err.Error(), "needs the permission") {
		t.Errorf("err = %v; no permission would help", err)
	}
}

// TestSignInsMaxPages: the list's own bound counts, and not beyond the client's; what
// was listed until then are the newest entries.
func TestSignInsMaxPages(t *testing.T) {
	s := tenant()
	s.PageSize = 2
	for i := range 9 {
		s.AddSignIn(aad.SignIn{UserPrincipalName: "alice@example.com", Created: time.Date(2026, 3, 2, 9, i, 0, 0, time.UTC)})
	}
	for _, tt := range []struct{ client, own, pages int }{{0, 0, 5}, {0, 3, 3}, {2, 3, 2}, {0, 5, 5}} {
		s.ResetLog()
		n := 0
		var last error
		for e, err := range s.Client(&aad.Options{MaxPages: tt.client}).SignIns(t.Context(), &aad.SignInsOptions{MaxPages: tt.own}) {
			if last = err; err != nil {
				break
			}
			if want := 8 - n; e.Created.Minute() != want {
				t.Errorf("entry %d is of minute %d; want %d", n, e.Created.Minute(), want)
			}
			n++
		}
		if cut := tt.pages < 5; errors.Is(last, aad.ErrTooManyPages) != cut || !cut && last != nil || n != min(9, 2*tt.pages) {
			t.Errorf("%+v: %d entries, %v", tt, n, last)
		}
		if got := len(s.Requests()); got != tt.pages {
			t.Errorf("%+v: %d requests", tt, got)
		}
	}
}

func TestSignInsBadInput(t *testing.T) {
	s := tenant()
	for _, o := range []aad.SignInsOptions{{UserPrincipalName: "a\n"}, {AppID: "\x00"}} {
		if _, err := collect(s.Client(nil).SignIns(t.Context(), &o)); err == nil {
			t.Errorf("%+q was taken", o)
		}
	}
	if n := len(s.Requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
	s.AddSignIn(aad.SignIn{UserPrincipalName: "O'Neil@example.com"})
	all, err := collect(s.Client(nil).SignIns(t.Context(), &aad.SignInsOptions{UserPrincipalName: "o'neil@example.com"}))
	if err != nil || len(all) != 1 {
		t.Errorf("%+v, %v; want one line", all, err)
	}
}
