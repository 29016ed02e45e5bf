package page

import (
	"crypto/x509/pkix"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/federation"
)

func TestChanges(t *testing.T) {
	field := []federation.Field{{Name: "displayName", Old: "a", New: "b"}}
	got := changesOf([]federation.Change{
		{Action: federation.Create, Resource: federation.ResGroup, Name: "g"},
		{Action: federation.Add, Resource: federation.ResMember, Name: "m"},
		{Action: federation.Update, Resource: federation.ResFederation, Name: "u", Fields: field},
		{Action: federation.Delete, Resource: federation.ResApplication, Name: "d"},
		{Action: federation.Remove, Resource: federation.ResDirectoryGroup, Name: "r"},
		{Action: "mend", Resource: "elsewhere", Name: "o"},
	})
	want := []changeView{
		{Sign: "+", Word: "create", Class: "add", What: "JumpCloud: group", Name: "g"},
		{Sign: "+", Word: "add", Class: "add", What: "JumpCloud: group member", Name: "m"},
		{Sign: "~", Word: "update", Class: "change", What: "Azure AD: federation", Name: "u", Fields: []fieldView{{"displayName", "a", "b"}}},
		{Sign: "−", Word: "delete", Class: "remove", What: "JumpCloud: application", Name: "d"},
		{Sign: "−", Word: "remove", Class: "remove", What: "JumpCloud: directory group", Name: "r"},
		{Sign: "~", Word: "mend", Class: "change", What: "elsewhere", Name: "o"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// A certificate is told by its thumbprint, as both consoles show it.
func TestShownCertificate(t *testing.T) {
	pair, err := certs.NewKeyPair(pkix.Name{CommonName: "test"}, certs.Lifetime{NotBefore: then, NotAfter: then.Add(90 * 24 * time.Hour)}, 2048)
	if err != nil {
		t.Fatal(err)
	}
	c := pair.Cert()
	b64 := base64.StdEncoding.EncodeToString(c.X509().Raw)
	if got, want := shown("signingCertificate", b64), "certificate "+c.Thumbprint()+", valid until 2026-06-12"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	for name, tt := range map[string]struct{ field, value, want string }{
		"none":     {"signingCertificate", "", ""},
		"later":    {"nextSigningCertificate", federation.Later, federation.Later},
		"broken":   {"signingCertificate", strings.Repeat("A", 300), "a certificate that cannot be read"},
		"a word":   {"certificate", "renewed", "renewed"},
		"no field": {"issuerUri", b64, b64},
	} {
		if got := shown(tt.field, tt.value); got != tt.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}
