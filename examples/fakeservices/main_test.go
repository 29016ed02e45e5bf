package main

import (
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jcaad/jcaad/federation/federationtest"
)

// output is written by the program and read by the test.
type output struct {
	mu sync.Mutex
	b  strings.Builder
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

func TestServices(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var out, errs output
	done := make(chan int, 1)
	go func() { done <- run(ctx, []string{"-users", "30", "-domain", "example.org"}, &out, &errs) }()
	deadline := time.Now().Add(10 * time.Second)
	for !strings.Contains(out.String(), "Ctrl-C") && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	env := make(map[string]string)
	for _, m := range regexp.MustCompile(`(?m)^export (\w+)=(.*)$`).FindAllStringSubmatch(out.String(), -1) {
		env[m[1]] = m[2]
	}
	get := func(url, header, value string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set(header, value)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(b)
	}
	if code, body := get(env["JUMPCLOUD_URL"]+"/api/systemusers?limit=1", "x-api-key", env["JUMPCLOUD_API_KEY"]); code != 200 || !strings.Contains(body, `"totalCount":34`) {
		t.Errorf("JumpCloud: %d %s", code, body)
	}
	if code, _ := get(env["JUMPCLOUD_URL"]+"/api/systemusers", "x-api-key", "another"); code != 401 {
		t.Errorf("JumpCloud with another key: %d, want 401", code)
	}
	if code, body := get(env["GRAPH_URL"]+"/v1.0/domains", "Authorization", "Bearer "+env["GRAPH_TOKEN"]); code != 200 || !strings.Contains(body, "example.org") {
		t.Errorf("Graph: %d %s", code, body)
	}
	if code, body := get(env["LOGIN_URL"]+"/getuserrealm.srf?json=1&login=a@example.org", "Accept", "*/*"); code != 200 || !strings.Contains(body, "Managed") {
		t.Errorf("login: %d %s", code, body)
	}
	req, err := http.NewRequestWithContext(t.Context(), "POST", env["JUMPCLOUD_TOKEN_URL"], strings.NewReader("grant_type=client_credentials&scope=api"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth("client", "secret")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Errorf("token: %d", resp.StatusCode)
	}
	said := regexp.MustCompile(`user name (\S+), password (\S+)\n[^:]*:\n\n(\S+) +Azure AD\n(\S+) +JumpCloud's portal\n`)
	m := said.FindStringSubmatch(out.String())
	if m == nil {
		t.Fatalf("it does not say how to sign in:\n%s", out.String())
	}
	b := federationtest.NewBrowser(nil, m[3])
	b.Portal = m[4]
	w, err := b.SignIn(t.Context(), federationtest.Person{UserName: m[1], Password: m[2]})
	if err != nil || w.SignedIn != "ada.abbott@example.org" {
		t.Errorf("sign-in: %v\n%v", err, w)
	}
	w, err = b.OpenTile(t.Context(), federationtest.Person{UserName: m[1]}, "none")
	if err != nil || !strings.Contains(w.Text, "no application none") {
		t.Errorf("portal: %v\n%v", err, w)
	}
	cancel()
	if code := <-done; code != 0 {
		t.Errorf("exit code %d: %s", code, errs.String())
	}
	for _, s := range []string{"200  GET    /api/systemusers", "401  GET", "requests, 0 of them writes"} {
		if !strings.Contains(out.String(), s) {
			t.Errorf("no %q in:\n%s", s, out.String())
		}
	}
}

func TestFlags(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
	}{
		{[]string{"-h"}, 0},
		{[]string{"-nonsense"}, 64},
		{[]string{"more"}, 64},
		{[]string{"-users", "-1"}, 64},
		{[]string{"-jumpcloud-addr", "nowhere.invalid:0"}, 1},
		{[]string{"-azure-ad-addr", "127.0.0.1:99999"}, 1},
	} {
		if code := run(t.Context(), c.args, io.Discard, io.Discard); code != c.code {
			t.Errorf("run(%q) = %d, want %d", c.args, code, c.code)
		}
	}
}
