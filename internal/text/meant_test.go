package text

import "testing"

func TestMeant(t *testing.T) {
	names := []string{"loginURL", "groups", "mfa"}
	for in, want := range map[string]string{
		"login_url": `did you mean "loginURL"?`,
		"LoginURL":  `did you mean "loginURL"? Small and capital letters are told apart`,
		"gruops":    `did you mean "groups"?`,
		"fma":       `did you mean "mfa"?`,
		"colour":    "",
		"":          "",
		"groupsgroupsgroupsgroupsgroupsgroupsgroupsgroupsgroupsgroupsgroups": "",
	} {
		if got := Meant(in, names); got != want {
			t.Errorf("%q: %q; want %q", in, got, want)
		}
	}
}
