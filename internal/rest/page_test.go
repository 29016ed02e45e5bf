package rest_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/jcaad/jcaad/internal/rest"
)

func TestHTMLPage(t *testing.T) {
	const page = "an HTML page instead of JSON, as proxies and captive portals send"
	tests := []struct{ ctype, body, want string }{
		{"", "<html><head><title>\n Access\tdenied &amp; logged </title>", page + `: title "Access denied & logged"`},
		{"text/html; charset=utf-8", "\xef\xbb\xbf  <!DOCTYPE HTML><TITLE lang=en>Log in</TITLE>", page + `: title "Log in"`},
		{"", `<?xml version="1.0"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0"><html/>`, page},
		{"application/json", "<html>", page}, // what lies about itself
		{"text/html", "blocked by your administrator", page},
		{"", "<title>" + strings.Repeat("é", 200) + "</title>", page + `: title "` + strings.Repeat("é", 80) + `…"`},
		{"", "<title>\x1b[31m\"x\"</title>", page + `: title "\x1b[31m\"x\""`},
		{"", "<html><title>no end", page},
		{"text/html", "", ""},
		{"text/html", `{"error":{"code":"x"}}`, ""}, // JSON with the wrong label is an answer
		{"text/html", ` [1]`, ""},
		{"text/plain", "Forbidden", ""},
		{"", `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata">`, ""},
		{"", `"<html>"`, ""},
	}
	for _, tt := range tests {
		got, ok := rest.HTMLPage(http.Header{"Content-Type": {tt.ctype}}, []byte(tt.body))
		if got != tt.want || ok != (tt.want != "") {
			t.Errorf("%s %.60q: %q, %v; want %q", tt.ctype, tt.body, got, ok, tt.want)
		}
	}
}

func TestWhat(t *testing.T) {
	for body, want := range map[string]string{
		"": "nothing", " \n": "nothing", "null": "null", "[1]": "a bare list", `"x"`: "a text", "7": "a single value", "<html>": "an HTML page",
		`{"a":`: "something that is not JSON, or not all of it", "{}": "an object without anything known",
		`{"error":{"code":1},"message":"hunter2"}`:                           "an object with error, message",
		`{"a":1,"b":2,"c":[],"d":{},"e":1,"f":1}`:                            "an object with a, b, c, d, e",
		`{"@odata.context":"x","alice@example.com":1,"k-9f8a7b":2,"good":3}`: "an object with @odata.context, good",
	} {
		if got := rest.What([]byte(body)); got != want {
			t.Errorf("%s: %q; want %q", body, got, want)
		}
	}
}

// TestPageInPlaceOfAnAnswer: a captive portal says 200 to everything. A write
// whose answer nobody reads has not been made because of that.
func TestPageInPlaceOfAnAnswer(t *testing.T) {
	c := caller(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "<html><title>Welcome</title></html>")
	}), nil)
	for _, class := range []rest.Class{rest.Read, rest.Idempotent, rest.Create} {
		_, err := c.Do(t.Context(), &rest.Request{Method: "DELETE", Path: "x", Class: class}, nil)
		if f := failure(t, err); !errors.Is(err, rest.ErrNotJSON) || f.OutcomeUnknown != (class != rest.Read) {
			t.Errorf("class %d: %+v", class, f)
		}
	}
}
