package federation

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/federation/internal/people"
	"github.com/jcaad/jcaad/federation/internal/people/peopletest"
	"github.com/jcaad/jcaad/jumpcloud"
)

// told are the people of a place, as a user of the package sees them.
func told(w peopletest.Place) *People { return newPeople(audience{Audience: w.Audience}, w.Judge()) }

// TestPersonCodes makes sure that each kind of finding has its code, and a repair.
func TestPersonCodes(t *testing.T) {
	codes := map[people.Kind]Code{
		people.NotInJumpCloud:     "person-not-in-jumpcloud",
		people.NotInAzureAD:       "person-not-in-azure-ad",
		people.NoImmutableID:      "person-no-immutable-id",
		people.SharedImmutableID:  "person-immutable-id-shared",
		people.Suspended:          "person-suspended",
		people.NotActivated:       "person-not-activated",
		people.PasswordExpired:    "person-password-expired",
		people.AccountLocked:      "person-account-locked",
		people.NotInGroup:         "person-not-in-group",
		people.NotBound:           "person-not-bound",
		people.NotExported:        "person-not-exported",
		people.BindingError:       "person-binding-error",
		people.BoundElsewhere:     "person-bound-elsewhere",
		people.ImmutableIDDiffers: "person-immutable-id-differs",
		people.OtherDomain:        "person-other-domain",
		people.EmailDiffers:       "person-email-differs",
		people.AliasOnly:          "person-alias-only",
		people.DuplicateEmail:     "person-duplicate-email",
		people.NoEmail:            "person-no-email",
		people.GlobalAdmin:        "person-global-administrator",
		people.PrivilegedID:       "person-privileged-immutable-id",
		people.DirectorySynced:    "person-directory-synchronised",
		people.ServiceAccount:     "person-service-account",
		people.NestedGroup:        "person-nested-group",
		people.Guest:              "person-guest",
		people.Disabled:           "person-disabled",
	}
	for k := people.Kind(1); k < people.Kinds; k++ {
		c := personCodes[k]
		if c.code != codes[k] || !strings.HasSuffix(c.repair, ".") || c.code.Repair() != c.repair {
			t.Errorf("kind %d is told as %q: %q; want %q, and a sentence", k, c.code, c.repair, codes[k])
		}
	}
	if s := Code("").Repair() + CodeLockOut.Repair(); s != "" {
		t.Errorf("codes that are not about people have the repair %q", s)
	}
}

// TestPeopleOrder is the law that the same input gives the same bytes, in
// whatever order the pages come.
func TestPeopleOrder(t *testing.T) {
	w := peopletest.Company()
	// Ties that only IDs can decide, and IDs that are none of the usual ones.
	for n := 100; n < 140; n++ {
		w.JumpCloud = append(w.JumpCloud, people.JumpCloudUser{ID: peopletest.JumpCloudID(n), Email: fmt.Sprintf("twin%d@example.com", n%7)})
		w.AzureAD = append(w.AzureAD, people.AzureADUser{ID: peopletest.AzureADID(n), UPN: fmt.Sprintf("t%d@example.com", n), Name: "Twin", ImmutableID: fmt.Sprint(n % 11), Proxies: []string{fmt.Sprintf("smtp:twin%d@example.com", n%5)}})
		w.JumpCloud = append(w.JumpCloud, people.JumpCloudUser{ID: fmt.Sprintf("odd-%d", n), Email: fmt.Sprintf("twin%d@example.com", n%3)})
		w.AzureAD = append(w.AzureAD, people.AzureADUser{ID: fmt.Sprintf("odd-%d", n), UPN: fmt.Sprintf("t%d@example.com", n-90), Mail: fmt.Sprintf("twin%d@example.com", n%3)})
		w.Bindings = append(w.Bindings, peopletest.Binding{User: peopletest.JumpCloudID(n), External: peopletest.AzureADID(100 + n%3)})
	}
	render := func(p *People) string {
		var b bytes.Buffer
		p.WriteTable(&b)
		p.WriteCSV(&b)
		p.WriteMarkdown(&b)
		js, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(js)
		return b.String()
	}
	want := render(told(w))
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		if got := render(newPeople(audience{Audience: w.Audience}, w.Fill(r.Shuffle).Judge())); got != want {
			t.Fatalf("seed %d: %s", seed, cmp.Diff(want, got))
		}
	}
}

func TestPeopleGolden(t *testing.T) {
	pf := &Preflight{
		Version: preflightVersion, Domain: "example.com", Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Gates:  []Finding{{Code: CodeBreakGlass, Severity: Refusal, Subject: "example.com", Message: "no Global Administrator could sign in", Repair: "make two", Consent: "noBreakGlass"}},
		People: told(peopletest.Company()),
	}
	for name, write := range map[string]func(b *bytes.Buffer) error{
		"company.txt":  func(b *bytes.Buffer) error { return pf.WriteTable(b) },
		"company.csv":  func(b *bytes.Buffer) error { return pf.WriteCSV(b) },
		"lockouts.csv": func(b *bytes.Buffer) error { return pf.People.WriteLockOuts(b) },
		"company.md":   func(b *bytes.Buffer) error { return pf.WriteMarkdown(b) },
		"company.json": func(b *bytes.Buffer) error { return pf.WriteJSON(b) },
		"fixed.diff": func(b *bytes.Buffer) error {
			w := peopletest.Company()
			w.JumpCloud[len(w.JumpCloud)-1].NotActivated = false                                                            // Lea has chosen a password
			w.AzureAD = append(w.AzureAD[:3], w.AzureAD[4:]...)                                                             // Dora has left
			w.Members = append(w.Members, peopletest.Member{User: peopletest.JumpCloudID(7), Exported: true})               // Gina is in the group
			w.JumpCloud = append(w.JumpCloud, people.JumpCloudUser{ID: peopletest.JumpCloudID(20), Email: "z@example.com"}) // and somebody is new
			after := &Preflight{Domain: "example.com", Time: pf.Time.Add(time.Hour), People: told(w)}
			b.WriteString(Diff(pf, after).String())
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := write(&b); err != nil {
				t.Fatal(err)
			}
			Golden(t, "people/"+name, b.String())
		})
	}
}

func TestPreflightReadBack(t *testing.T) {
	pf := &Preflight{Version: preflightVersion, Domain: "example.com", Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Gates: []Finding{}, People: told(peopletest.Company())}
	streamed, err := new(bytes.Buffer), error(nil)
	if err = pf.WriteJSON(streamed); err != nil {
		t.Fatal(err)
	}
	marshalled, err := json.Marshal(pf)
	if err != nil {
		t.Fatal(err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, streamed.Bytes()); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(marshalled), compact.String()); d != "" {
		t.Errorf("WriteJSON and json.Marshal differ:\n%s", d)
	}
	back, err := ParsePreflight(streamed.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if back.String() != pf.String() {
		t.Errorf("read back: %s", cmp.Diff(pf.String(), back.String()))
	}
	if d := cmp.Diff(pf.LockedOut(), back.LockedOut()); d != "" {
		t.Errorf("LockedOut:\n%s", d)
	}
	if d := Diff(pf, back); len(d.Fixed)+len(d.New) != 0 || d.Same != pf.People.Len() {
		t.Errorf("Diff with itself = %s", d)
	}
	for _, bad := range []string{``, `[]`, `{}`, `{"version":99,"domain":"example.com"}`, `{"version":1}`} {
		if _, err := ParsePreflight([]byte(bad)); err == nil {
			t.Errorf("ParsePreflight(%q) succeeded", bad)
		}
	}
	var none *People
	if none.Len() != 0 || none.LockedOut() != nil || none.Findings() == nil {
		t.Error("nil people have findings")
	}
}

func TestLockedOutConsent(t *testing.T) {
	p := told(peopletest.Company())
	everyone := p.LockedOut()
	if len(everyone) != p.Counts.LockedOut || len(everyone) < 4 {
		t.Fatalf("LockedOut = %d people, Counts say %d", len(everyone), p.Counts.LockedOut)
	}
	for _, tt := range []struct {
		consent      LockOut
		open, agreed int
	}{
		{LockOut{}, len(everyone), 0},
		{LockOut{AtMost: len(everyone)}, 0, len(everyone)},
		{LockOut{AtMost: len(everyone) - 1}, len(everyone), 0},
		{LockOut{People: []string{"DORA@EXAMPLE.com"}}, len(everyone) - 1, 1},
		{LockOut{People: []string{"dora@example.com"}, AtMost: len(everyone) - 1}, 0, len(everyone)},
		{LockOut{People: []string{"nobody@example.com", "*"}}, len(everyone), 0},
	} {
		open, agreed := tt.consent.split(p.lockedOut())
		if len(open.at) != tt.open || len(agreed.people()) != tt.agreed {
			t.Errorf("split by %+v: %d, %d; want %d, %d", tt.consent, len(open.at), len(agreed.at), tt.open, tt.agreed)
		}
	}
}

// TestCSVIsNoFormula reads the CSV back and looks for cells that a spreadsheet
// would execute.
func TestCSVIsNoFormula(t *testing.T) {
	w := peopletest.Anna()
	for i, name := range []string{"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "|calc", "%x", "＝1", "a\n=1", "\u00a0=1", "\ufeff=1"} {
		w.AzureAD = append(w.AzureAD, people.AzureADUser{ID: peopletest.AzureADID(10 + i), UPN: fmt.Sprintf("=u%d@example.com", i), Name: name})
	}
	var rows [][]string
	for _, write := range []func(io.Writer) error{told(w).WriteCSV, func(w2 io.Writer) error { return told(w).WriteLockOuts(w2) }} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		is, err := csv.NewReader(&b).ReadAll()
		if err != nil || len(is) < 10 {
			t.Fatalf("%d rows, %v", len(is), err)
		}
		rows = append(rows, is...)
	}
	for _, row := range rows {
		for _, cell := range row {
			if s := strings.TrimLeft(cell, " \u00a0\ufeff\t\r\n"); s != "" && strings.ContainsAny(s[:1], "=+-@|%") || strings.HasPrefix(s, "＝") {
				t.Errorf("cell %q", cell)
			}
			if strings.ContainsAny(cell, "\n\r\t\x1b") {
				t.Errorf("cell %q has control characters", cell)
			}
		}
	}
}

// Each reason alone, and all of them, list those who would be locked out by it, and
// nobody else.
func TestWriteLockOuts(t *testing.T) {
	p := told(peopletest.Company())
	want := make(map[string]int)
	for _, f := range p.All() {
		if f.LockedOut {
			want[strings.TrimPrefix(string(f.Code), "person-")]++
		}
	}
	count := func(reasons ...Code) map[string]int {
		var b bytes.Buffer
		if err := p.WriteLockOuts(&b, reasons...); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(&b).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		got := make(map[string]int)
		for _, row := range rows[1:] {
			got[row[0]]++
		}
		return got
	}
	if len(want) < 3 || len(p.LockOutReasons()) != len(want) {
		t.Fatalf("%d reasons, want the %d of %v", len(p.LockOutReasons()), len(want), want)
	}
	if diff := cmp.Diff(want, count()); diff != "" {
		t.Error(diff)
	}
	for _, code := range p.LockOutReasons() {
		name := strings.TrimPrefix(string(code), "person-")
		if diff := cmp.Diff(map[string]int{name: want[name]}, count(code)); diff != "" {
			t.Errorf("%s: %s", code, diff)
		}
	}
	var none *People
	if err := none.WriteLockOuts(io.Discard); err != nil || none.LockOutReasons() != nil {
		t.Errorf("of people who could not be read: %v", err)
	}
}

func TestLikelyService(t *testing.T) {
	for _, tt := range []struct {
		upn, name string
		want      bool
	}{
		{"anna@example.com", "Anna Berg", false},
		{"SVC_backup@example.com", "", true},
		{"svc1@example.com", "", true},
		{"info@example.com", "", true},
		{"info.smith@example.com", "Info Smith", false},
		{"no-reply@example.com", "", true},
		{"meeting.room.2@example.com", "", true},
		{"x17@example.com", "Printer 2nd floor", true},
		{"x17@example.com", "PRINTER", true},
		{"broom@example.com", "Bill Broom", false},
		{"mark.services@example.com", "", true},
		{"sales@example.com", "Sales", true},
		{"j.sales@example.com", "Jane Sales", false},
		{"", "", false},
	} {
		if got := LikelyService(tt.upn, tt.name); (got != "") != tt.want {
			t.Errorf("LikelyService(%q, %q) = %q", tt.upn, tt.name, got)
		}
	}
}

func TestIsDirect(t *testing.T) {
	group := func(id string) jumpcloud.Object { return jumpcloud.Object{Type: jumpcloud.GroupObject, ID: id} }
	user := jumpcloud.Object{Type: jumpcloud.UserObject, ID: "u"}
	for _, tt := range []struct {
		name  string
		paths [][]jumpcloud.Object
		want  bool
	}{
		{"no way told", nil, true},
		{"direct", [][]jumpcloud.Object{{user}}, true},
		{"the group itself on the way", [][]jumpcloud.Object{{group("g"), user}}, true},
		{"through another", [][]jumpcloud.Object{{group("h"), user}}, false},
		{"both ways", [][]jumpcloud.Object{{group("h"), user}, {user}}, true},
	} {
		if got := isDirect(&jumpcloud.Reach{Object: user, Paths: tt.paths}, "g"); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

func TestBindingFault(t *testing.T) {
	for _, tt := range []struct {
		sync *jumpcloud.SyncStatus
		want string
	}{
		{nil, ""},
		{&jumpcloud.SyncStatus{}, ""},
		{&jumpcloud.SyncStatus{Code: "0", Message: "fine"}, ""},
		{&jumpcloud.SyncStatus{Code: "OK"}, ""},
		{&jumpcloud.SyncStatus{Code: "200", Message: "OK"}, ""},
		{&jumpcloud.SyncStatus{Code: "409", Message: "taken"}, "taken"},
		{&jumpcloud.SyncStatus{Code: "13"}, "code 13"},
	} {
		if got := bindingFault(tt.sync); got != tt.want {
			t.Errorf("%+v: %q", tt.sync, got)
		}
	}
}

func TestSimilar(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"Everyone", "everyone", true},
		{"Everyone", " Every one ", true},
		{"Everyone", "Every\u00a0one", true},
		{"Everyone", "Evreyone", true},
		{"Everyone", "Everyon", true},
		{"Everyone", "Everybody", false},
		{"Microsoft 365", "Microsoft-365", true},
		{"Microsoft 365", "Microsoft 356", true},
		{"Sales", "Slaes", true},
		{"Sales", "Sails", false},
		{"IT", "HR", false},
		{"IT", "It ", true},
		{"Büro", "büro", true},
		{"***", "---", false},
		{"", "", false},
	} {
		if got := similar(tt.a, tt.b); got != tt.want || similar(tt.b, tt.a) != got {
			t.Errorf("similar(%q, %q) = %t; want %t, both ways", tt.a, tt.b, got, tt.want)
		}
	}
}
