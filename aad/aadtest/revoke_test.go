package aadtest_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
)

func TestRevocations(t *testing.T) {
	w := newWire(t)
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	w.s.Now = func() time.Time { return at }
	alice := w.s.AddUser(aad.User{UserPrincipalName: "alice@example.com"})
	bob := w.s.AddUser(aad.User{UserPrincipalName: "bob@example.com"})
	carol := w.s.AddUser(aad.User{UserPrincipalName: "carol@example.com"})
	dan := w.s.AddUser(aad.User{UserPrincipalName: "dan@example.com"})
	w.s.MakeGlobalAdministrator(w.s.AddGroup("outer", w.s.AddGroup("inner", bob)))
	role := w.s.AssignRole("f2ef992c-3afb-46b9-b7cf-a126ee74c451", carol)
	w.s.RemoveRole(w.s.MakeGlobalAdministrator(dan))
	of := func(user string) string { return "/v1.0/users/" + user + "/revokeSignInSessions" }

	if a := w.expect(200, "", "POST", of(alice), ""); a.body["value"] != true {
		t.Errorf("answer = %s", a.text)
	}
	at = at.Add(time.Hour)
	w.expect(200, "", "POST", of("BOB@example.com"), "")
	w.expect(404, "", "POST", of("nobody@example.com"), "")
	w.expect(400, "", "POST", of("$x@example.com"), "")

	w.s.Quirks.RevokeRefusesAdministrators = true
	w.expect(403, "Insufficient privileges", "POST", of(bob), "")
	w.expect(403, "Insufficient privileges", "POST", of(carol), "")
	w.expect(200, "", "POST", of(dan), "") // has no role any more
	w.s.RemoveRole(role)
	w.expect(200, "", "POST", of(carol), "")

	want := []aadtest.Revocation{{UserID: alice, At: at.Add(-time.Hour)}, {UserID: bob, At: at},
		{UserID: dan, At: at}, {UserID: carol, At: at}}
	if diff := cmp.Diff(want, w.s.Revocations()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n := w.s.Writes(); n != 8 {
		t.Errorf("%d writes; want 8", n)
	}
}

func TestIgnoreNullCertificate(t *testing.T) {
	w := newWire(t)
	w.s.Quirks.IgnoreNullCertificate = true
	made := w.expect(201, "", "POST", federation, config("nextSigningCertificate", `"`+certificate().Base64()+`"`))
	one := federation + "/" + made.body["id"].(string)
	for _, body := range []string{`{"nextSigningCertificate":null}`, `{"nextSigningCertificate":"","displayName":"New"}`} {
		a := w.expect(200, "", "PATCH", one, body)
		if f, _ := w.s.Federation("example.com"); a.body["nextSigningCertificate"] == nil || f.NextSigningCertificate != certificate() {
			t.Errorf("%s: answer = %s, federation = %+v; want the certificate to stay", body, a.text, f)
		}
	}
	if f, _ := w.s.Federation("example.com"); f.DisplayName != "New" {
		t.Errorf("the rest of the update had no effect: %+v", f)
	}
	w.s.Quirks.IgnoreNullCertificate = false
	if a := w.expect(200, "", "PATCH", one, `{"nextSigningCertificate":null}`); a.body["nextSigningCertificate"] != nil {
		t.Errorf("answer = %s", a.text)
	}
}
