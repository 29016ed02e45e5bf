package federation_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
)

// morning is when the digests of these tests are made.
var morning = time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)

// in is so many days, and an hour, after that.
func in(days int) time.Time { return morning.Add(time.Duration(days)*24*time.Hour + time.Hour) }

// digestText is the digest as text and as Markdown, after it has come back from JSON as it was.
func digestText(t *testing.T, d federation.Digest) (plain, md string) {
	t.Helper()
	b, err := json.Marshal(d)
	var back federation.Digest
	if err == nil {
		err = json.Unmarshal(b, &back)
	}
	if err != nil || cmp.Diff(d, back) != "" {
		t.Errorf("read back: %v\n%s", err, cmp.Diff(d, back))
	}
	var w strings.Builder
	if err := d.WriteMarkdown(&w); err != nil {
		t.Error(err)
	}
	return d.String(), w.String()
}

// Each state by itself: whether the domain has to be looked at, how much that matters, and
// that the worst comes first.
func TestDigestStates(t *testing.T) {
	want := map[federation.State]federation.Severity{
		federation.StateMismatch: federation.Alarm, federation.StateOrphaned: federation.Alarm,
		federation.StateHalf: federation.Alarm, federation.StateUnknownNext: federation.Alarm,
		federation.StateAmbiguous: federation.Warning, federation.StateForeign: federation.Warning,
		federation.StateDiffers: federation.Warning, federation.StateUnknown: federation.Warning,
	}
	var all federation.Statuses
	for _, s := range append(federation.States(), "") {
		all = append(all, federation.Status{Domain: "x.example", State: s})
		d := all[len(all)-1:].Digest(morning)
		if len(d.First) != min(1, len(want[s])) || len(d.First) > 0 && (d.First[0].Severity != want[s] || !strings.Contains(d.First[0].Reason, s.Meaning())) {
			t.Errorf("%q: to be looked at: %+v; want %q", s, d.First, want[s])
		}
		if d.Domains != 1 || !slices.Equal(d.States, []federation.StateCount{{State: s, Domains: 1}}) || d.Certificates != 0 {
			t.Errorf("%q: %+v", s, d)
		}
	}
	d := append(all, all[0], federation.Status{State: "of a later version"}).Digest(morning)
	const order = "1 mismatch, 1 orphaned, 1 half-federated, 1 unknown-next, 1 not known, 1 ambiguous, 1 foreign, 1 differs, 2 unknown, 1 rotating, " +
		"1 unverified, 1 prepared, 1 managed, 1 federated, 1 inherits, 1 initial, 1 of a later version"
	if text, md := digestText(t, d); !strings.HasPrefix(text, "18 domains on 2026-11-27 08:00 UTC: "+order+"\n") || !strings.Contains(md, order+".\n") {
		t.Errorf("want %s:\n%s\n%s", order, text, md)
	}
	var got []federation.State
	for _, l := range d.First {
		got = append(got, l.State)
	}
	if len(got) != 9 || got[0] != federation.StateMismatch || got[3] != federation.StateUnknownNext || got[8] != federation.StateUnknown {
		t.Errorf("to be looked at first: %v", got)
	}
}

// What is told of one domain, by its certificates and findings.
func TestDigestDomain(t *testing.T) {
	jc := federationtest.New(nil).JumpCloud
	made, _ := jc.Application(jc.AddApplication("office365", "x", entityID, loginURL))
	ours, second := made.Certificate, foreignCert(t)
	warning := federation.Finding{Severity: federation.Warning, Message: "the token of eve@x.example is old", Repair: "renew it"}
	alarm := federation.Finding{Severity: federation.Alarm, Message: "two applications"}
	for _, tt := range []struct {
		name     string
		status   federation.Status
		first    string // severity and the beginning of the reason; "": none
		counts   [5]int // of certificates, ended, within 7, 30 and 60 days
		jc, ad   int    // days of the next ends
		noJ, noA bool   // there is none
	}{
		{name: "far away", status: federation.Status{State: federation.StateFederated, ApplicationExpires: in(61), Expires: in(400)},
			counts: [5]int{1, 0, 0, 0, 0}, jc: 61, ad: 400},
		{name: "in sixty days", status: federation.Status{State: federation.StateFederated, ApplicationExpires: in(400), Expires: in(60)},
			counts: [5]int{1, 0, 0, 0, 1}, jc: 400, ad: 60},
		{name: "in thirty-one", status: federation.Status{State: federation.StateFederated, ApplicationExpires: in(31), Expires: in(31)},
			counts: [5]int{1, 0, 0, 0, 1}, jc: 31, ad: 31},
		{name: "in thirty", status: federation.Status{State: federation.StateDiffers, ApplicationExpires: in(30), Expires: in(30)},
			first: "warning: the certificate of x.example that JumpCloud signs with and Azure AD accepts ends on", counts: [5]int{1, 0, 0, 1, 1}, jc: 30, ad: 30},
		{name: "in seven", status: federation.Status{State: federation.StateFederated, ApplicationExpires: in(400), Expires: in(7)},
			first: "warning: the certificate of x.example that Azure AD accepts ends on", counts: [5]int{1, 0, 1, 1, 1}, jc: 400, ad: 7},
		{name: "a rotation is under way", status: federation.Status{State: federation.StateRotating, Rotation: federation.RotationPublished, ApplicationExpires: in(7)},
			first:  "warning: the certificate of x.example that JumpCloud signs with ends on 2026-12-04 09:00 UTC, 7 days left (call Rotate until it is done: it is published)",
			counts: [5]int{1, 0, 1, 1, 1}, jc: 7, noA: true},
		{name: "today", status: federation.Status{State: federation.StateFederated, Expires: in(0)},
			first: "alarm: the certificate of x.example that Azure AD accepts ends on", counts: [5]int{1, 0, 1, 1, 1}, noJ: true, ad: 0},
		{name: "ended", status: federation.Status{State: federation.StateFederated, ApplicationExpires: in(-1), Expires: in(90)},
			first: "alarm: the certificate of x.example that JumpCloud signs with has ended on", counts: [5]int{1, 1, 0, 0, 0}, noJ: true, ad: 90},
		{name: "JumpCloud's is the second that Azure AD has", status: federation.Status{State: federation.StateRotating, Signer: ours,
			Federation:         &aad.Federation{SigningCertificate: second, NextSigningCertificate: ours},
			ApplicationExpires: in(90), Expires: in(3), NextExpires: in(90)}, counts: [5]int{1, 0, 0, 0, 0}, jc: 90, ad: 90},
		{name: "JumpCloud's is the first", status: federation.Status{State: federation.StateRotating, Signer: ours,
			Federation:         &aad.Federation{SigningCertificate: ours, NextSigningCertificate: second},
			ApplicationExpires: in(90), Expires: in(90), NextExpires: in(3)}, counts: [5]int{1, 0, 0, 0, 0}, jc: 90, ad: 90},
		{name: "no certificate can be read", status: federation.Status{State: federation.StateFederated,
			Federation: &aad.Federation{}, NextExpires: in(3)}, noJ: true, noA: true},
		{name: "of another provider", status: federation.Status{State: federation.StateForeign, Expires: in(3)},
			first: "warning: people sign in through another identity provider", noJ: true, noA: true},
		{name: "of its root", status: federation.Status{State: federation.StateInherits, ApplicationExpires: in(3), Expires: in(3)}, noJ: true, noA: true},
		{name: "not read to the end", status: federation.Status{Error: "no answer", Expires: in(3)},
			first: "warning: the certificate of x.example that Azure AD accepts", counts: [5]int{1, 0, 1, 1, 1}, noJ: true, ad: 3},
		{name: "a finding", status: federation.Status{State: federation.StateFederated, Findings: []federation.Finding{{Severity: federation.Info, Message: "x"}, warning}},
			first: "warning: the token of <address> is old (renew it)", noJ: true, noA: true},
		{name: "a finding that is worth knowing", status: federation.Status{State: federation.StateFederated, Findings: []federation.Finding{{Severity: federation.Info}}},
			noJ: true, noA: true},
		{name: "a refusal", status: federation.Status{State: federation.StateManaged, Findings: []federation.Finding{{Severity: federation.Refusal, Message: "being deleted"}}},
			first: "refusal: being deleted", noJ: true, noA: true},
		{name: "an alarm outweighs a state", status: federation.Status{State: federation.StateDiffers, Findings: []federation.Finding{warning, alarm}},
			first: "alarm: two applications", noJ: true, noA: true},
		{name: "a state of alarm comes before its findings", status: federation.Status{State: federation.StateMismatch, Next: "do this",
			Findings: []federation.Finding{alarm}, Expires: in(-3)},
			first: "alarm: Azure AD holds no certificate that JumpCloud signs with: nobody on the domain can sign in (do this)", counts: [5]int{1, 1, 0, 0, 0},
			noJ: true, noA: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.status.Domain, tt.status.Checked = "x.example", morning
			d := federation.Statuses{tt.status}.Digest(morning)
			first := ""
			if len(d.First) > 0 {
				first = string(d.First[0].Severity) + ": " + d.First[0].Reason
			}
			if len(d.First) > 1 || !strings.HasPrefix(first, tt.first) || (first == "") != (tt.first == "") {
				t.Errorf("to be looked at: %q; want %q", first, tt.first)
			}
			if got := [5]int{d.Certificates, d.Ended, d.Within7, d.Within30, d.Within60}; got != tt.counts {
				t.Errorf("certificates, ended, within 7, 30, 60: %v; want %v", got, tt.counts)
			}
			for _, side := range []struct {
				got  *federation.CertificateEnd
				none bool
				days int
			}{{d.JumpCloudNext, tt.noJ, tt.jc}, {d.AzureADNext, tt.noA, tt.ad}} {
				if (side.got == nil) != side.none || side.got != nil && (side.got.Days != side.days || side.got.Domain != "x.example") {
					t.Errorf("ends next: %+v; want %d days, none %t", side.got, side.days, side.none)
				}
			}
			text, _ := digestText(t, d)
			if (tt.status.Error != "") != strings.Contains(text, "Could not be read:\n  x.example (not known): no answer") {
				t.Errorf("what could not be read:\n%s", text)
			}
			// By the time of each, the days are the same.
			own := federation.Statuses{tt.status}.Digest(time.Time{})
			if own.At = morning; cmp.Diff(d, own) != "" {
				t.Errorf("by Checked (-now +Checked):\n%s", cmp.Diff(d, own))
			}
		})
	}
}

func TestDigestNothing(t *testing.T) {
	for _, ss := range []federation.Statuses{nil, {}} {
		d := ss.Digest(morning)
		if text, md := digestText(t, d); text != "0 domains on 2026-11-27 08:00 UTC\n" || md != "0 domains on 2026-11-27 08:00 UTC.\n" {
			t.Errorf("%q\n%q", text, md)
		}
	}
	if text, _ := digestText(t, federation.Digest{}); text != "0 domains\n" {
		t.Errorf("the zero value: %q", text)
	}
}

// A thousand domains are as few lines as some dozens, the worst of them first, whatever
// order they are in and whatever strangers have written into them.
func TestDigestOfMany(t *testing.T) {
	alone(t)
	hostile := "<b>|\n\x1b[2J" + strings.Repeat("long ", 5000) + "eve@example.com"
	var all federation.Statuses
	for i := range 1000 {
		s := federation.Status{Domain: fmt.Sprintf("d%03d.example", i), State: federation.StateFederated, ApplicationExpires: in(400), Expires: in(400 + i)}
		switch {
		case i%10 == 1:
			s = federation.Status{Domain: s.Domain, Error: "aad: " + hostile}
		case i%10 == 2:
			s.State, s.Findings = federation.StateDiffers, []federation.Finding{{Severity: federation.Warning, Message: hostile, Repair: hostile}}
		case i == 993:
			s.Expires = in(5)
		case i == 994:
			s.State = federation.StateMismatch
		case i == 995:
			s.ApplicationExpires = in(-5)
		case i == 996:
			s.Domain = hostile
		}
		all = append(all, s)
	}
	before, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	d := all.Digest(morning)
	if after, _ := json.Marshal(all); string(after) != string(before) {
		t.Error("the domains were changed")
	}
	if len(d.First) != 20 || d.FirstMore != 83 || len(d.Unread) != 20 || d.UnreadMore != 80 {
		t.Errorf("%d first, %d more; %d unread, %d more", len(d.First), d.FirstMore, len(d.Unread), d.UnreadMore)
	}
	for i, want := range []string{"d994.example", "d995.example", "d993.example", "d002.example", "d012.example"} {
		if d.First[i].Domain != want {
			t.Errorf("place %d: %s; want %s", i, d.First[i].Domain, want)
		}
	}
	if d.Unread[0].Domain != "d001.example" || d.AzureADNext.Domain != "d993.example" || d.JumpCloudNext.Days != 400 || d.Certificates != 900 {
		t.Errorf("%+v, %+v, %+v, %d", d.Unread[0], d.AzureADNext, d.JumpCloudNext, d.Certificates)
	}
	text, md := digestText(t, d)
	if lines := strings.Count(text, "\n"); lines > 50 || !strings.Contains(text, "  and 83 more\n") || !strings.Contains(text, "  and 80 more\n") {
		t.Errorf("%d lines:\n%s", lines, text)
	}
	for _, line := range strings.Split(text+md, "\n") {
		if n := len([]rune(line)); n > 750 {
			t.Errorf("a line of %d characters: %s", n, line)
		}
	}
	if strings.Contains(text+md, "\x1b") || strings.Contains(text+md, "eve@") || strings.Contains(md, "<b>") {
		t.Errorf("it obeys strangers:\n%s\n%s", text, md)
	}
	if b, _ := json.Marshal(d); len(b) > 40_000 || strings.Contains(string(b), "eve@") {
		t.Errorf("%d bytes of JSON", len(b))
	}
	slices.Reverse(all)
	if back := all.Digest(morning); cmp.Diff(d.First, back.First) != "" || cmp.Diff(d.States, back.States) != "" {
		t.Errorf("it depends on the order:\n%s", cmp.Diff(d.First, back.First))
	}
}

// The digest of a whole tenant, as Overview reads it.
func TestDigestOfOverview(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, _ := byName(t, motley(t))
		text, md := digestText(t, federation.Statuses(all).Digest(time.Now()))
		federation.Golden(t, "digest/overview.txt", federation.Stable(text))
		federation.Golden(t, "digest/overview.md", federation.Stable(md))
	})
}
