package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jcaad/jcaad/examples/operator/internal/approve"
	"github.com/jcaad/jcaad/examples/operator/internal/notify"
)

// A password that was given is not printed; one that was made up is, since nobody knows it.
func TestPasswordToTell(t *testing.T) {
	for given, want := range map[string]string{"": "made-up", "given": "the one in OPERATOR_PASSWORD"} {
		s := settings{getenv: func(string) string { return given }}
		if got := s.passwordToTell("made-up"); got != want {
			t.Errorf("with %q: %q", given, got)
		}
	}
}

// What does not go together is refused, and says what to do.
func TestSettings(t *testing.T) {
	key := strings.Repeat("0123456789abcdef", 4)
	whole := map[string]string{approve.KeyVariable: key, payloadVariable: key, passwordVariable: key}
	with := func(name, value string) map[string]string {
		env := map[string]string{name: value}
		for n, v := range whole {
			if n != name {
				env[n] = v
			}
		}
		return env
	}
	for _, tt := range []struct {
		args string
		env  map[string]string
		want string // of the error; "": good
	}{
		{"", nil, ""},
		{"-data d -speed 5 -tour 0 -fake-customers 30", nil, ""},
		{"-customers c -data d", whole, ""},
		{"-customers c -data d -identity-header X-User -trusted-proxy 192.0.2.7/32", with(passwordVariable, ""), ""},
		{"-customers c -data d -identity-header X-User -socket s", with(passwordVariable, ""), ""},
		{"-customers c", whole, "-data"},
		{"-customers c -data d -speed 2", whole, "-speed is of the demonstration"},
		{"-customers c -data d -tour 3", whole, "-tour is of the demonstration"},
		{"-customers c -data d", with(approve.KeyVariable, ""), approve.KeyVariable},
		{"-customers c -data d", with(payloadVariable, ""), payloadVariable},
		{"-customers c -data d", with(passwordVariable, ""), passwordVariable},
		{"-customers c -data d -addr 0.0.0.0:80", whole, "in the clear"},
		{"-customers c -data d -addr localhost:80", whole, ""},
		{"-customers c -data d -addr here", whole, "no address"},
		{"-customers c -data d -socket s", whole, "-identity-header"},
		{"-customers c -data d -identity-header X -socket s -addr 127.0.0.1:1", whole, "not both"},
		{"-customers c -data d -trusted-proxy 192.0.2.7", whole, "no network"},
		{"-customers c -data d -notify https://n.example", whole, notify.KeyVariable},
		{"-customers c -data d", with(notify.KeyVariable, key), "nobody is told"},
		{"-customers c -data d -keep-people 0", whole, "-keep-people"},
		{"-identity-header X", nil, "demonstration is for one person"},
		{"-speed 0.5", nil, "-speed"},
		{"-fake-customers 0", nil, "1 to 999"},
	} {
		var out bytes.Buffer
		s, err := readSettings(strings.Fields(tt.args), func(n string) string { return tt.env[n] }, &out)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v; want %q", tt.args, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), key) {
			t.Errorf("%q: a key is in %v", tt.args, err)
		}
		if err == nil && (s.demonstration != !strings.Contains(tt.args, "-customers c") || !s.demonstration && s.speed != 1) {
			t.Errorf("%q: %+v", tt.args, s)
		}
	}
	var out bytes.Buffer
	if _, err := readSettings([]string{"-domian"}, func(string) string { return "" }, &out); !errors.Is(err, errUsage) || out.Len() == 0 {
		t.Errorf("%v, %q", err, out.String())
	}
	s, err := readSettings([]string{"-keep-people", "3"}, func(string) string { return "" }, &out)
	if err != nil || s.keep != 3*24*time.Hour || s.own != true {
		t.Errorf("%v %+v", err, s)
	}
}
