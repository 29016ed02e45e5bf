package jumpcloud_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/jcaad/jcaad/internal/memhttp"
	"github.com/jcaad/jcaad/jumpcloud"
)

// Secrets go to the service and nowhere else: not into errors, logs, printed
// values, or to the target of a redirect.
func TestSecretsStay(t *testing.T) {
	const (
		key    = "KEY-5ecret-0123456789"
		secret = "CLIENT-5ecret-0123456789"
		token  = "TOKEN-5ecret-0123456789"
		query  = "dana.private@example.com"
	)
	var logged bytes.Buffer
	var mu sync.Mutex
	logger := slog.New(slog.NewTextHandler(writer(func(b []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return logged.Write(b)
	}), &slog.HandlerOptions{Level: slog.LevelDebug - 100, AddSource: true}))

	var texts []string
	note := func(v any) {
		texts = append(texts, fmt.Sprintf("%v", v), fmt.Sprintf("%+v", v), fmt.Sprintf("%#v", v), fmt.Sprintf("%q", v))
		if err, ok := v.(error); ok {
			for ; err != nil; err = errors.Unwrap(err) {
				texts = append(texts, err.Error(), fmt.Sprintf("%#v", err))
			}
		}
		logger.Info("value", "v", v)
	}

	// The service repeats everything it was sent.
	echo := func(r *http.Request) string {
		b, _ := io.ReadAll(r.Body)
		return fmt.Sprintf("%s %s %v %s", r.Method, r.URL, r.Header, b)
	}
	for _, status := range []int{200, 302, 400, 401, 403, 404, 409, 422, 429, 500, 503} {
		for _, body := range []func(string) string{
			func(s string) string { return fmt.Sprintf(`{"message":%q}`, s) },
			func(s string) string { return fmt.Sprintf(`{"error":%q}`, s) },
			func(s string) string { return "<html>" + s },
		} {
			synctest.Test(t, func(t *testing.T) {
				h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/oauth2/token" && status != 401 {
						w.Header().Set("Content-Type", "application/json")
						io.WriteString(w, `{"access_token":"`+token+`","token_type":"bearer","expires_in":3600}`)
						return
					}
					if !strings.Contains(r.Host, "jumpcloud.com") {
						t.Errorf("request to %s", r.Host)
					}
					w.Header().Set("Location", "https://evil.example.com/?k="+key)
					w.Header().Set("Retry-After", "9999")
					w.WriteHeader(status)
					io.WriteString(w, body(echo(r)))
				})
				opts := &jumpcloud.Options{HTTPClient: &http.Client{Transport: &memhttp.Transport{Handler: h}}, Logger: logger}
				c, err := jumpcloud.New(key, opts)
				if err != nil {
					t.Fatal(err)
				}
				sa, err := jumpcloud.NewServiceAccount("id", secret, opts)
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range []*jumpcloud.Client{c, sa} {
					note(c)
					for _, op := range operations {
						if _, err := op.call(t.Context(), c); err != nil {
							note(err)
						}
					}
					for _, err := range c.Users(t.Context(), &jumpcloud.UsersOptions{Filter: []string{jumpcloud.Eq("email", query)}, Search: query}) {
						if err != nil {
							note(err)
						}
					}
				}
				note(opts)
			})
		}
	}
	// No connection at all: net/http's error has the whole address in it.
	dead := httptest.NewServer(http.NotFoundHandler())
	dead.Close()
	nowhere, err := jumpcloud.New(key, &jumpcloud.Options{BaseURL: dead.URL, Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50_000_000)
	defer cancel()
	for _, err := range nowhere.Users(ctx, &jumpcloud.UsersOptions{Search: query}) {
		note(err)
	}
	texts = append(texts, logged.String())
	for _, text := range texts {
		for _, s := range []string{key, secret, token, "5ecret"} {
			if strings.Contains(text, s) {
				t.Fatalf("%q is in %.600q", s, text)
			}
		}
	}
	for _, text := range texts {
		if strings.Contains(text, query) && !strings.HasPrefix(text, "&jumpcloud.Error{") {
			t.Fatalf("the query is in %.600q", text)
		}
	}
	if logged.Len() == 0 || len(texts) < 1000 {
		t.Errorf("%d texts, %d bytes logged: the test saw nothing", len(texts), logged.Len())
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }

// An application's settings are not printed.
func TestApplicationIsNotPrinted(t *testing.T) {
	s, id := withApp(t)
	a, err := s.Client(nil).Application(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(a), fmt.Sprintf("%+v", *a), fmt.Sprintf("%#v", a), fmt.Sprint(a.LogValue())} {
		if strings.Contains(text, "idpCertificate") || strings.Contains(text, "LS0tLS") || strings.Contains(text, "[123 ") {
			t.Errorf("settings in %.200s", text)
		}
	}
	if want := `application ` + id + ` (office365, "Microsoft 365", active)`; fmt.Sprint(a) != want {
		t.Errorf("String = %s; want %s", a, want)
	}
}

// TestPrivateKeyStays: a private key goes into one PUT. A service that repeats what it
// was sent, whole or in pieces, as it is or decoded, finds it in no error and no log.
func TestPrivateKeyStays(t *testing.T) {
	pair := somePair()
	pem := string(pair.PrivateKeyPEM())
	value := base64.StdEncoding.EncodeToString([]byte(pem))
	pieces := func(s string) (all []string) {
		for ; len(s) >= 30; s = s[30:] {
			all = append(all, s[:30])
		}
		return all
	}
	secrets := append(pieces(value), pieces(strings.ReplaceAll(strings.Split(pem, "-----")[2], "\n", ""))...)
	s, id := withApp(t)
	shown, _ := json.Marshal(rawApp(t, s, id))
	for name, repeat := range map[string]func(body string) string{
		"body":       func(body string) string { return body },
		"value":      func(string) string { return value },
		"cut value":  func(string) string { return value[700:1300] },
		"PEM":        func(string) string { return pem },
		"end of PEM": func(string) string { return pem[len(pem)-200:] },
	} {
		for _, status := range []int{200, 302, 400, 401, 403, 404, 409, 422, 429, 500, 503} {
			synctest.Test(t, func(t *testing.T) {
				var logged bytes.Buffer
				sent := false
				h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Method == http.MethodGet {
						w.Write(shown)
						return
					}
					body, _ := io.ReadAll(r.Body)
					sent = sent || strings.Contains(string(body), value)
					message, _ := json.Marshal(map[string]string{"message": repeat(string(body)), "error": repeat(string(body))})
					w.Header().Set("Retry-After", "9999")
					w.WriteHeader(status)
					w.Write(message)
				})
				logger := slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug - 100}))
				c := newClient(t, h, &jumpcloud.Options{Logger: logger})
				_, err := c.ReplaceCertificate(t.Context(), id, pair)
				if err == nil || !sent || logged.Len() == 0 {
					t.Fatalf("%s, %d: err = %v, the key was sent: %v, %d bytes logged", name, status, err, sent, logged.Len())
				}
				text := logged.String()
				for ; err != nil; err = errors.Unwrap(err) {
					text += fmt.Sprintf("%v %+v %#v\n", err, err, err)
				}
				for _, s := range secrets {
					if strings.Contains(text, s) {
						t.Fatalf("%s, %d: %q is in %.600q", name, status, s, text)
					}
				}
			})
		}
	}
}
