package approve

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/jcaad/jcaad/federation"
)

const secret = "0123456789abcdef0123456789abcdef"

var (
	noon  = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	roles = must(NewRoles(Grant{"ada", "*", Admin}, Grant{"bob", "north", Approve}, Grant{"eve", "north", View}))
	key   = must(ParseKey(secret))
	act   = Act{
		Customer: "north", Domain: "example.com", Verb: federation.VerbFederate,
		Hash: strings.Repeat("ab", 32), Expires: noon.Add(72 * time.Hour),
	}
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestKey(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"none":    {" \n", "there is no key"},
		"short":   {secret[1:], "31 bytes"},
		"long":    {strings.Repeat(secret, 33), "more than"},
		"guessed": {strings.Repeat("abcd", 8), "guessed"},
		"good":    {secret + "\n", ""},
	} {
		_, err := ParseKey(tt.text)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v; want %q", name, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "abcd") {
			t.Errorf("%s: the key is in %v", name, err)
		}
	}
	b, err := json.Marshal(key)
	shown := fmt.Sprintf("%v %+v %#v %s %x %d %s", key, key, key, key, key, key, b)
	if err != nil || strings.Contains(shown, "0123") || strings.Contains(shown, "3031") || strings.Contains(shown, "48 49") {
		t.Errorf("%v: shown as %s", err, shown)
	}
}

// TestSign: who may approve, and who may be the second.
func TestSign(t *testing.T) {
	two := act
	two.Two = true
	first := must(key.Sign(two, nil, "Ada", roles, noon))
	whole := must(key.Sign(two, &first, "bob", roles, noon.Add(time.Minute)))
	forged := first
	forged.Actors = []string{"eve"}
	other := two
	other.Hash = strings.Repeat("cd", 32)
	single := must(key.Sign(act, nil, "ada", roles, noon))

	if first.Complete(two) || !whole.Complete(two) || !first.Complete(act) {
		t.Error("which approvals are complete")
	}
	if err := key.Check(first, two, false, roles, noon); !errors.Is(err, ErrOnePerson) {
		t.Errorf("one of two: %v", err)
	}
	if err := key.Check(whole, two, false, roles, noon.Add(time.Minute)); err != nil {
		t.Errorf("two of two: %v", err)
	}
	for name, tt := range map[string]struct {
		act   Act
		first *Approval
		actor string
		now   time.Time
		want  error
	}{
		"role view":           {act, nil, "eve", noon, ErrNoRole},
		"no role":             {act, nil, "mallory", noon, ErrNoRole},
		"nobody":              {act, nil, "", noon, ErrNoRole},
		"expired":             {act, nil, "ada", act.Expires, ErrExpired},
		"the same twice":      {two, &first, "ADA", noon, ErrSamePerson},
		"second without role": {two, &first, "eve", noon, ErrNoRole},
		"first forged":        {two, &forged, "bob", noon, ErrForged},
		"first of another":    {other, &first, "bob", noon, ErrOtherProposal},
		"a third":             {two, &whole, "ada", noon.Add(time.Minute), ErrSamePerson},
		"password mode":       {two, nil, Operator, noon, ErrNoTwo},
	} {
		all := roles
		if tt.actor == Operator {
			all = PasswordRoles()
		}
		if a, err := key.Sign(tt.act, tt.first, tt.actor, all, tt.now); !errors.Is(err, tt.want) || a.MAC != "" {
			t.Errorf("%s: %+v, %v; want %v", name, a, err, tt.want)
		}
	}
	if _, err := key.Sign(act, &single, "bob", roles, noon); err == nil {
		t.Error("two have approved what needs one")
	}
	if _, err := (Key{}).Sign(act, nil, "ada", roles, noon); err == nil {
		t.Error("no key signs")
	}
	if _, err := key.Sign(act, nil, Operator, PasswordRoles(), noon); err != nil {
		t.Errorf("password mode, one person: %v", err)
	}
}

// TestCheck: an approval allows what was approved, by whom may approve it now, and each
// reason against it is told by its own.
func TestCheck(t *testing.T) {
	good := must(key.Sign(act, nil, "bob", roles, noon))
	resigned := func(change func(*Approval)) Approval {
		a := good
		change(&a)
		a.MAC = fmt.Sprintf("%x", key.mac(a))
		return a
	}
	changed := func(change func(*Act)) Act {
		a := act
		change(&a)
		return a
	}
	revoked := must(NewRoles(Grant{"bob", "north", View}))
	two := changed(func(a *Act) { a.Two = true })
	for name, tt := range map[string]struct {
		approval Approval
		act      Act
		started  bool
		roles    Roles
		now      time.Time
		want     error
	}{
		"good":                  {good, act, false, roles, noon, nil},
		"good to the last":      {good, act, false, roles, act.Expires.Add(-1), nil},
		"expired":               {good, act, false, roles, act.Expires, ErrExpired},
		"expired, but started":  {good, act, true, roles, act.Expires.Add(1000 * time.Hour), nil},
		"proposal expires now":  {good, changed(func(a *Act) { a.Expires = noon }), false, roles, noon, ErrExpired},
		"another proposal":      {good, changed(func(a *Act) { a.Hash = strings.Repeat("cd", 32) }), false, roles, noon, ErrOtherProposal},
		"another verb":          {good, changed(func(a *Act) { a.Verb = federation.VerbRevert }), false, roles, noon, ErrOtherVerb},
		"another domain":        {good, changed(func(a *Act) { a.Domain = "example.org" }), false, roles, noon, ErrOtherDomain},
		"another customer":      {good, changed(func(a *Act) { a.Customer = "south" }), false, roles, noon, ErrOtherDomain},
		"role revoked":          {good, act, false, revoked, noon, ErrNoRole},
		"revoked while running": {good, act, true, revoked, noon, ErrNoRole},
		"one of two":            {good, two, false, roles, noon, ErrOnePerson},
		"one person twice":      {resigned(func(a *Approval) { a.Actors = []string{"bob", "Bob"} }), two, false, roles, noon, ErrSamePerson},
		"nobody":                {resigned(func(a *Approval) { a.Actors = nil }), act, false, roles, noon, ErrForged},
		"yet to come":           {good, act, false, roles, noon.Add(-time.Hour), ErrYetToCome},
		"password mode for two": {resigned(func(a *Approval) { a.Actors = []string{Operator, "bob"} }), two, false,
			must(NewRoles(Grant{Operator, "*", Admin}, Grant{"bob", "*", Admin})), noon, ErrNoTwo},
		"no approval": {Approval{}, act, false, roles, noon, ErrForged},
	} {
		if err := key.Check(tt.approval, tt.act, tt.started, tt.roles, tt.now); !errors.Is(err, tt.want) || tt.want == nil && err != nil {
			t.Errorf("%s: %v; want %v", name, err, tt.want)
		}
	}
	if err := key.Check(good, Act{}, false, roles, noon); err == nil {
		t.Error("an approval of nothing")
	}
	if err := (Key{}).Check(good, act, false, roles, noon); !errors.Is(err, ErrForged) {
		t.Errorf("no key: %v", err)
	}
	if err := must(ParseKey(strings.ToUpper(secret))).Check(good, act, false, roles, noon); !errors.Is(err, ErrForged) {
		t.Errorf("another key: %v", err)
	}
}

// TestForged: no field can be changed, and JSON changes none.
func TestForged(t *testing.T) {
	good := must(key.Sign(act, nil, "bob", roles, noon.In(time.FixedZone("", 3600))))
	var back Approval
	if err := json.Unmarshal(must(json.Marshal(good)), &back); err != nil {
		t.Fatal(err)
	}
	if err := key.Check(back, act, false, roles, noon); err != nil {
		t.Fatalf("back from JSON: %v", err)
	}
	for i := range reflect.TypeFor[Approval]().NumField() {
		a := good
		switch f := reflect.ValueOf(&a).Elem().Field(i); v := f.Interface().(type) {
		case string:
			f.SetString(strings.Replace(v, v[:1], "0", 1) + "0")
		case federation.Verb:
			f.SetString(string(v) + "0")
		case []string:
			f.Set(reflect.ValueOf([]string{"ada"}))
		case time.Time:
			f.Set(reflect.ValueOf(v.Add(1)))
		default:
			t.Fatalf("a field of type %T", v)
		}
		if err := key.Check(a, act, false, roles, noon); !errors.Is(err, ErrForged) {
			t.Errorf("%s changed: %v", reflect.TypeFor[Approval]().Field(i).Name, err)
		}
	}
}

func TestOf(t *testing.T) {
	p := &federation.Proposal{Verb: federation.VerbRevert, Domain: act.Domain, Hash: act.Hash, Expires: act.Expires}
	got, err := Of("north", federation.VerbRevert, p, nil)
	want := act
	want.Verb, want.Two = federation.VerbRevert, true
	if err != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	if got, err := Of("north", VerbRetire, p, nil); err != nil || got.Verb != VerbRetire || !got.Two {
		t.Errorf("retire: %+v, %v", got, err)
	}
	if _, err := Of("north", federation.VerbFederate, p, nil); !errors.Is(err, ErrOtherVerb) {
		t.Errorf("another verb: %v", err)
	}
	for name, change := range map[string]func(*federation.Proposal){
		"hash":    func(p *federation.Proposal) { p.Hash = p.Hash[2:] },
		"case":    func(p *federation.Proposal) { p.Hash = strings.ToUpper(p.Hash) },
		"domain":  func(p *federation.Proposal) { p.Domain = "" },
		"expires": func(p *federation.Proposal) { p.Expires = time.Time{} },
	} {
		q := *p
		change(&q)
		if _, err := Of("north", q.Verb, &q, nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := Of("*", p.Verb, p, nil); err == nil {
		t.Error("an act of all customers")
	}
	if _, err := Of("north", p.Verb, nil, nil); err == nil {
		t.Error("an act without a proposal")
	}
}

// FuzzEncode: what is signed is one approval, not two.
func FuzzEncode(f *testing.F) {
	f.Add("h", "v", "c", "d", "a", "b", int64(0), "h", "v", "c", "d", "ab", "", int64(0))
	f.Add("hv", "", "c", "d", "a", "b", int64(1), "h", "v", "c", "d", "a", "b", int64(1))
	f.Fuzz(func(t *testing.T, h, v, c, d, a, b string, at int64, h2, v2, c2, d2, a2, b2 string, at2 int64) {
		of := func(h, v, c, d, a, b string, at int64) Approval {
			x := Approval{Hash: h, Verb: federation.Verb(v), Customer: c, Domain: d, Actors: []string{a}, At: time.Unix(0, at).UTC()}
			if b != "" {
				x.Actors = append(x.Actors, b)
			}
			return x
		}
		x, y := of(h, v, c, d, a, b, at), of(h2, v2, c2, d2, a2, b2, at2)
		if same := bytes.Equal(x.encode(), y.encode()); same != reflect.DeepEqual(x, y) {
			t.Errorf("%+v\n%+v\nare encoded the same: %v", x, y, same)
		}
	})
}
