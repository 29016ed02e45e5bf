package federation_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/federation"
)

var (
	hexDigits = regexp.MustCompile(`\b[0-9A-F]{40}\b|\b[0-9a-f]{64}\b|-[0-9a-f]{8}\b`)
	longText  = regexp.MustCompile(`"MII[A-Za-z0-9+/=]+"`)
	elapsed   = regexp.MustCompile(`"elapsedNanoseconds": \d+`)
)

// hideHex numbers the certificates in a text, in the order in which they come.
func hideHex(text string) string {
	known := make(map[string]string)
	name := func(kind string) func(string) string {
		return func(s string) string {
			if known[s] == "" {
				known[s] = fmt.Sprintf("<%s %d>", kind, len(known)+1)
			}
			return known[s]
		}
	}
	text = longText.ReplaceAllStringFunc(text, func(s string) string { return `"` + name("certificate")(s) + `"` })
	text = elapsed.ReplaceAllString(text, `"elapsedNanoseconds": 0`)
	return hexDigits.ReplaceAllStringFunc(text, name("digits"))
}

// TestRotateGolden: what each method tells while it goes on, and what is to be stored.
func TestRotateGolden(t *testing.T) {
	for _, m := range []federation.RotateMethod{federation.OwnKeyPair, federation.SecondApplication, federation.Regenerate, federation.Emergency} {
		t.Run(string(m), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRotation(t, m)
				r.keys.Save(t.Context(), r.Domain, pairOf(t, 1, time.Now()))
				r.plan.Consent = federation.RotateConsent{Gap: true, Outage: true, Policies: true}
				r.plan.RevokeSessions = m == federation.Emergency
				var events strings.Builder
				opts := r.opts()
				opts.OnEvent = func(e federation.Event) {
					fmt.Fprintf(&events, "%s %s\n", e.Time.UTC().Format("15:04:05"), e)
				}
				for range 20 {
					rot, err := r.Federator(opts).Rotate(t.Context(), r.plan, r.last)
					if err != nil {
						t.Fatal(err)
					}
					if r.last = rot; rot.Done() {
						break
					}
					time.Sleep(max(time.Second, time.Until(rot.NotBefore)))
				}
				if !r.last.Done() {
					t.Fatalf("not done: %s", r.last.Next)
				}
				federation.Golden(t, "rotate/"+string(m)+".events.txt", hideHex(events.String()))
				b, err := json.MarshalIndent(r.last, "", "  ")
				if err != nil {
					t.Fatal(err)
				}
				federation.Golden(t, "rotate/"+string(m)+".json", hideHex(string(b))+"\n")
				back, err := federation.ParseRotation(b)
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(jsonOf(t, r.last), jsonOf(t, back)); d != "" {
					t.Errorf("read back:\n%s", d)
				}
			})
		})
	}
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestParseRotation: what is no rotation is said to be none.
func TestParseRotation(t *testing.T) {
	for text, want := range map[string]string{
		``:                                     "this is no rotation",
		`{}`:                                   "it has no version, no domain or no phase",
		`{"version":1,"domain":"example.com"}`: "it has no version, no domain or no phase",
		`{"version":2,"domain":"example.com","phase":"idle"}`:    "version 2, this package reads up to 1",
		`{"version":1,"domain":"example.com","phase":"saved"} x`: "this is no rotation",
	} {
		if _, err := federation.ParseRotation([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", text, err, want)
		}
	}
}

// FuzzParseRotation: what can be read can be written and read back, and never panics.
func FuzzParseRotation(f *testing.F) {
	f.Add([]byte(`{"version":1,"domain":"example.com","phase":"published","steps":[]}`))
	f.Add([]byte(`{"version":1,"domain":"example.com","phase":"expelled","sessions":{"round":1},"expelled":["00"]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		rot, err := federation.ParseRotation(b)
		if err != nil {
			return
		}
		out, err := json.Marshal(rot)
		if err != nil {
			t.Skip() // a time out of range
		}
		if _, err := federation.ParseRotation(out); err != nil {
			t.Errorf("%s: %v", out, err)
		}
	})
}
