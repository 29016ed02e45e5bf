package main

import (
	"bytes"
	"context"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/jcaad/jcaad/federation/federationtest"
)

// listener is output that tells when a text was written.
type listener struct {
	mu    sync.Mutex
	b     bytes.Buffer
	text  string
	heard chan struct{}
}

// Write implements [io.Writer].
func (l *listener) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b.Write(p)
	if l.heard != nil && strings.Contains(l.b.String(), l.text) {
		close(l.heard)
		l.heard = nil
	}
	return len(p), nil
}

func (l *listener) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestServe: after the demonstration the stand-ins can be walked as the program says, until
// it is interrupted.
func TestServe(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(federationtest.Hurry(t.Context()))
	defer cancel()
	ready, ended := make(chan struct{}), make(chan int, 1)
	out, errs := &listener{text: "with Ctrl-C.", heard: ready}, new(listener)
	go func() { ended <- run(ctx, []string{"-serve"}, strings.NewReader(""), out, errs) }()
	select {
	case <-ready:
	case code := <-ended:
		t.Fatalf("it ended with %d\n%s%s", code, out, errs)
	}
	text := out.String()
	text = text[strings.Index(text, "In your browser"):]
	find := func(pattern string) string {
		t.Helper()
		m := regexp.MustCompile(pattern).FindStringSubmatch(text)
		if m == nil {
			t.Fatalf("nothing like %s in\n%s", pattern, text)
		}
		return m[1]
	}
	start, password := find(`Open +(http://127\.0\.0\.1:\d+/)`), find(`the password (jumpcloud-\S+)`)
	for _, p := range []struct {
		name, password string
		in, through    bool
	}{
		{find(`User name +(\S+)`), password, true, true},
		{find(`(uma\.\S+)`), password, false, true},
		{find(`(breakglass1@\S+)`), find(`the password (azure-\S+):`), true, false},
	} {
		b := federationtest.NewBrowser(nil, start)
		w, err := b.SignIn(t.Context(), federationtest.Person{UserName: p.name, Password: p.password})
		if err != nil || (w.SignedIn == p.name) != p.in || w.Through() != p.through {
			t.Errorf("%s: %v\n%v", p.name, err, w)
		}
	}
	b := federationtest.NewBrowser(nil, start)
	b.Portal = find(`(http://127\.0\.0\.1:\d+/userconsole/)`)
	w, err := b.OpenTile(t.Context(), federationtest.Person{UserName: "ada.abbott@example.com"}, "Microsoft 365 (example.com)")
	if err != nil || w.SignedIn == "" {
		t.Errorf("from the portal: %v\n%v", err, w)
	}
	cancel()
	if code := <-ended; code != exitDone || errs.String() != "" {
		t.Errorf("exit code %d: %s", code, errs)
	}
}

// TestGeneratedPeopleSignIn: those who exist by number only get in as the others do, and who
// lacks something does not.
func TestGeneratedPeopleSignIn(t *testing.T) {
	s, flags := live(t, func(e *federationtest.Env) { generate(e, 100) })
	plan := planFile(t, strings.Replace(noConsent, "mfa:", "consent: {lockOut: {atMost: 10}}\nmfa:", 1))
	program(t, with("apply", flags, "-plan", plan, "-yes")...).want(t, exitDone)
	for i, want := range map[int]string{5: "signed in as", 3: "AADSTS51004", 7: "JumpCloud says wrong-password"} {
		who := federationtest.Person{UserName: generatedAddress(i, s.Domain)}
		w, err := s.Browser().SignIn(t.Context(), who)
		if err != nil || !strings.Contains(w.Outcome(), want) {
			t.Errorf("%s: %v; want %s\n%v", who.UserName, err, want, w)
		}
	}
}
