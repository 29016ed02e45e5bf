package aad_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
)

// TestRealmIn: each form is asked for by itself, and the answers say the same.
func TestRealmIn(t *testing.T) {
	s := &aadtest.Server{}
	s.AddDomain("fed.example")
	s.SetFederation("fed.example", aad.Federation{PassiveSignInURI: "https://idp.example/sso", Protocol: aad.SAML, DisplayName: "Example"})
	c := s.Client(nil)
	for form, path := range map[aad.RealmForm]string{
		aad.UserRealm: "/common/userrealm/realm@fed.example", aad.GetUserRealm: "/getuserrealm.srf", aad.GetUserRealmXML: "/getuserrealm.srf",
	} {
		s.ResetLog()
		r, err := c.RealmIn(t.Context(), form, "fed.example")
		if err != nil || r.NameSpaceType != aad.Federated || r.AuthURL == "" || (r.Protocol == aad.RealmSAML20) != (form == aad.UserRealm) {
			t.Errorf("form %d: %+v, %v", form, r, err)
		}
		var asked []string
		for _, q := range s.Requests() {
			asked = append(asked, q.Path)
		}
		if !cmp.Equal(asked, []string{path}) {
			t.Errorf("form %d: asked %q, want %s", form, asked, path)
		}
	}
}

// TestRealmInOneFormAlone: nothing else is asked when a form is missing.
func TestRealmInOneFormAlone(t *testing.T) {
	s := &aadtest.Server{Quirks: aadtest.Quirks{NoUserRealm: true, Shapes: aadtest.Shapes{NoGetUserRealm: true}}}
	for _, form := range []aad.RealmForm{aad.UserRealm, aad.GetUserRealm, aad.GetUserRealmXML} {
		s.ResetLog()
		if r, err := s.Client(nil).RealmIn(t.Context(), form, "a@contoso.onmicrosoft.com"); r != nil || !errors.Is(err, aad.ErrNotFound) {
			t.Errorf("form %d: %+v, %v", form, r, err)
		}
		if n := len(s.Requests()); n != 1 {
			t.Errorf("form %d: %d requests", form, n)
		}
	}
	if _, err := s.Client(nil).RealmIn(t.Context(), aad.GetUserRealm, "a@"); !errors.Is(err, aad.ErrInvalid) {
		t.Errorf("without a domain: %v", err)
	}
}
