package cli

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/jcaad/jcaad/federation"
)

func TestParseRotatePlan(t *testing.T) {
	all := federation.RotatePlan{
		Plan: federation.Plan{Domain: "example.com", Application: federation.Application{ID: "a"}}, Method: federation.SecondApplication,
		Replace: "AB:CD", Within: 45 * 24 * time.Hour, Settle: 3 * time.Hour,
		Key:   federation.RotateKey{Bits: 3072, Lifetime: 365 * 24 * time.Hour},
		Pilot: true, Approve: "EF", RevokeSessions: true, DeleteOld: true,
		Consent: federation.RotateConsent{Policies: true, RemoveNextCertificate: true, Gap: true, Outage: true, NoBreakGlass: true},
	}
	for _, c := range []struct {
		name, text string
		want       federation.RotatePlan
	}{
		{"a plan of a federation", "domain: example.com\n", federation.RotatePlan{Plan: federation.Plan{Domain: "example.com"}}},
		{"the same in JSON", "\ufeff" + `{"domain": "example.com"}`, federation.RotatePlan{Plan: federation.Plan{Domain: "example.com"}}},
		{"a plan of a rotation", `
plan: {domain: example.com, application: {id: a}}
method: second-application
replace: AB:CD
within: 45d
settle: 3h
key: {bits: 3072, lifetime: 8760h}
pilot: true
approve: EF
revokeSessions: true
deleteOld: true
consent: {policies: true, removeNextCertificate: true, gap: true, outage: true, noBreakGlass: true}
`, all},
		{"the same as JSON", `{"plan": {"domain": "example.com"}, "settle": "90m", "cancel": true}`,
			federation.RotatePlan{Plan: federation.Plan{Domain: "example.com"}, Settle: 90 * time.Minute, Cancel: true}},
	} {
		if got, err := ParseRotatePlan([]byte(c.text)); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, %v\nwant %+v", c.name, got, err, c.want)
		}
	}
	for text, says := range map[string]string{
		"":                                 "empty",
		"plan: [":                          "no plan",
		"plan: 3":                          "plan",
		"plan: {domian: a.example}":        `did you mean "domain"?`,
		"plan: {domain: a}\nmethed: x":     "line 2: methed not found",
		"plan: {domain: a}\nsettle: 2":     "write 2h, 90m or 60d",
		"plan: {domain: a}\nwithin: [2]":   "a time is wanted",
		"plan: {domain: a}\nkey: {bit: 2}": "bit not found in key",
		"plan: {domain: a}\nconsent: {all: true}":   "all not found in consent",
		"plan: {domain: a}\nsettle: 200000d":        "200 years",
		"plan: {domain: a}\n---\nplan: {domain: b}": "more than one document",
		"plan: {domain: a}\nmethod: a\nmethod: b":   "already",
		"plan: {domain: a}\nsettle: 1h\nsettle: 2h": "already",
	} {
		if _, err := ParseRotatePlan([]byte(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("ParseRotatePlan(%q) = %v; want an error that says %q", text, err, says)
		}
	}
}

func TestReadRotation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	if rot, err := ReadRotation(path); rot != nil || err != nil {
		t.Errorf("without a file: %v, %v", rot, err)
	}
	for range 2 { // it is replaced
		if err := WriteJSON(path, &federation.Rotation{Version: 1, Domain: "example.com", Phase: federation.RotationPublished}); err != nil {
			t.Fatal(err)
		}
	}
	if rot, err := ReadRotation(path); err != nil || rot.Phase != federation.RotationPublished {
		t.Errorf("%v, %v", rot, err)
	}
	for _, text := range []string{"", "{", "[]", `{"version": 99, "domain": "example.com", "phase": "idle"}`} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if rot, err := ReadRotation(path); rot != nil || err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%q: %v, %v", text, rot, err)
		}
	}
	if _, err := ReadRotation(filepath.Dir(path)); err == nil {
		t.Error("a folder was read")
	}
}
