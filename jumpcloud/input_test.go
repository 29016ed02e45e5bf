package jumpcloud_test

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

func TestBadOptions(t *testing.T) {
	for _, tt := range []struct {
		name, key string
		opts      jumpcloud.Options
		want      string
	}{
		{"no key", "", jumpcloud.Options{}, "empty API key"},
		{"key with a line break", "abc\n", jumpcloud.Options{}, "white space"},
		{"key with a control character", "a\x00b", jumpcloud.Options{}, "control"},
		{"base without scheme", "k", jumpcloud.Options{BaseURL: "console.jumpcloud.com"}, "no scheme"},
		{"base without host", "k", jumpcloud.Options{BaseURL: "https://"}, "no host"},
		{"base that is no URL", "k", jumpcloud.Options{BaseURL: "https://a b/%zz"}, "cannot be read"},
		{"plain http", "k", jumpcloud.Options{BaseURL: "http://console.jumpcloud.com"}, "loopback"},
		{"another scheme", "k", jumpcloud.Options{BaseURL: "ftp://console.jumpcloud.com"}, "scheme"},
		{"base with a password", "k", jumpcloud.Options{BaseURL: "https://me:hunter2@console.jumpcloud.com"}, "user"},
		{"base with a query", "k", jumpcloud.Options{BaseURL: "https://console.jumpcloud.com?x=1"}, "query"},
		{"unknown region", "k", jumpcloud.Options{Region: "mars"}, "region"},
		{"organisation with a slash", "k", jumpcloud.Options{OrgID: "a/b"}, "organisation"},
		{"negative wait", "k", jumpcloud.Options{MaxWait: -1}, "negative"},
		{"negative workers", "k", jumpcloud.Options{Workers: -1}, "negative"},
		{"negative limit", "k", jumpcloud.Options{MaxWorkers: -1}, "negative"},
		{"no transport", "k", jumpcloud.Options{Wrap: func(http.RoundTripper) http.RoundTripper { return nil }}, "jumpcloud: Options.Wrap returned nil"},
	} {
		c, err := jumpcloud.New(tt.key, &tt.opts)
		if err == nil || c != nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "jumpcloud: ") {
			t.Errorf("%s: %v, %v; want an error with %q", tt.name, c, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v shows a password", tt.name, err)
		}
	}
	for _, tt := range []struct{ id, secret, url string }{
		{"", "s", ""}, {"i", "", ""}, {"i", "s", "/oauth2/token"}, {"i", "s", "http://id.example.com/oauth2/token"}, {"i", "s\n", ""},
	} {
		if _, err := jumpcloud.NewServiceAccount(tt.id, tt.secret, &jumpcloud.Options{TokenURL: tt.url}); err == nil {
			t.Errorf("NewServiceAccount(%q, %q, %q) = nil error", tt.id, tt.secret, tt.url)
		}
	}
	for _, base := range []string{"http://localhost:8080", "http://127.0.0.1:1", "http://[::1]:1/", "https://proxy.example.com/jumpcloud/"} {
		if _, err := jumpcloud.New("k", &jumpcloud.Options{BaseURL: base}); err != nil {
			t.Errorf("%s: %v", base, err)
		}
	}
}

// Each of these is refused before anything is sent.
func TestBadInput(t *testing.T) {
	type client = *jumpcloud.Client
	app := func(id string) jumpcloud.Object { return jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: id} }
	group := func(id string) jumpcloud.Object { return jumpcloud.Object{Type: jumpcloud.GroupObject, ID: id} }
	user := func(id string) jumpcloud.Object { return jumpcloud.Object{Type: jumpcloud.UserObject, ID: id} }
	drop := func(_ any, err error) error { return err }
	tests := map[string]func(context.Context, client) error{
		"filter without $": func(x context.Context, c client) error {
			return drop(collect(c.Users(x, &jumpcloud.UsersOptions{Filter: []string{"email:eq:a"}})))
		},
		"filter without value": func(x context.Context, c client) error {
			return drop(collect(c.Users(x, &jumpcloud.UsersOptions{Filter: []string{"email:$eq"}})))
		},
		"filter without field": func(x context.Context, c client) error {
			return drop(collect(c.Users(x, &jumpcloud.UsersOptions{Filter: []string{jumpcloud.Eq("", "a")}})))
		},
		"filter with line break": func(x context.Context, c client) error {
			return drop(collect(c.Users(x, &jumpcloud.UsersOptions{Filter: []string{jumpcloud.Eq("email", "a\nb")}})))
		},
		"fields with a comma": func(x context.Context, c client) error {
			return drop(collect(c.Users(x, &jumpcloud.UsersOptions{Fields: []string{"email,state"}})))
		},
		"empty field": func(x context.Context, c client) error {
			return drop(collect(c.Users(x, &jumpcloud.UsersOptions{Fields: []string{""}})))
		},
		"search with NUL": func(x context.Context, c client) error {
			return drop(collect(c.Users(x, &jumpcloud.UsersOptions{Search: "\x00"})))
		},
		"search for All and Any": func(x context.Context, c client) error {
			return drop(collect(c.SearchUsers(x, jumpcloud.UserSearch{All: []jumpcloud.Condition{{Field: "a", Value: 1}}, Any: []jumpcloud.Condition{{Field: "a", Value: 1}}})))
		},
		"search without fields": func(x context.Context, c client) error {
			return drop(collect(c.SearchUsers(x, jumpcloud.UserSearch{Terms: []string{"a"}})))
		},
		"user without name":  func(x context.Context, c client) error { return drop(c.CreateUser(x, jumpcloud.User{Email: "a@b.c"})) },
		"user without email": func(x context.Context, c client) error { return drop(c.CreateUser(x, jumpcloud.User{Username: "a"})) },
		"empty update":       func(x context.Context, c client) error { return drop(c.UpdateUser(x, "u", jumpcloud.UserUpdate{})) },
		"empty office365 update": func(x context.Context, c client) error {
			return drop(c.UpdateOffice365(x, "d", jumpcloud.Office365Update{}))
		},
		"group without name": func(x context.Context, c client) error { return drop(c.CreateGroup(x, jumpcloud.Group{Name: " "})) },
		"groups with empty name": func(x context.Context, c client) error {
			return drop(collect(c.Groups(x, "a", "")))
		},
		"template with a slash": func(x context.Context, c client) error { return drop(c.Template(x, "a/b")) },
		"template without name": func(x context.Context, c client) error { return drop(c.Template(x, "")) },
		"applications of a comma": func(x context.Context, c client) error {
			return drop(collect(c.Applications(x, "a|b")))
		},
		"no pair": func(x context.Context, c client) error { return drop(c.ReplaceCertificate(x, "a", nil)) },
		"empty pair": func(x context.Context, c client) error {
			return drop(c.ReplaceCertificate(x, "a", &certs.KeyPair{}))
		},
		"no certificate to regenerate": func(x context.Context, c client) error {
			return drop(c.RegenerateCertificate(x, "a", certs.Cert{}))
		},
		"user with group": func(x context.Context, c client) error { return c.Associate(x, user("u"), group("g")) },
		"app with app":    func(x context.Context, c client) error { return c.Associate(x, app("a"), app("b")) },
		"app with directory": func(x context.Context, c client) error {
			return c.Dissociate(x, app("a"), jumpcloud.Object{Type: jumpcloud.DirectoryObject, ID: "d"})
		},
		"unknown type": func(x context.Context, c client) error {
			return c.Associate(x, jumpcloud.Object{Type: "moon", ID: "a"}, group("g"))
		},
		"no type":                 func(x context.Context, c client) error { return c.Associate(x, app("a"), jumpcloud.Object{ID: "g"}) },
		"associations of nothing": func(x context.Context, c client) error { return drop(collect(c.Associations(x, jumpcloud.Object{}))) },
		"no way": func(x context.Context, c client) error {
			return drop(collect(c.Traverse(x, app("a"), jumpcloud.DirectoryObject)))
		},
		"rule without name": func(x context.Context, c client) error {
			return drop(c.CreateTranslationRule(x, "d", jumpcloud.TranslationRule{}))
		},
	}
	for _, domain := range []string{"", "localhost", "exa mple.com", "münchen.de", "a..b", "-a.com", "http://example.com", "example.com/x", strings.Repeat("a", 64) + ".com"} {
		tests["domain "+domain] = func(x context.Context, c client) error { return drop(c.AddOffice365Domain(x, "d", domain)) }
	}
	for _, id := range []string{"", ".", "..", "a/b", `a\b`, "a?b", "a#b", "a%2fb", "a b", "a\nb", "ü", "a;b", "a&b", `a"b`} {
		for name, f := range map[string]func(context.Context, client) error{
			"User": func(x context.Context, c client) error { return drop(c.User(x, id)) },
			"UpdateUser": func(x context.Context, c client) error {
				return drop(c.UpdateUser(x, id, jumpcloud.UserUpdate{Email: ptr("a@b.c")}))
			},
			"Group":           func(x context.Context, c client) error { return drop(c.Group(x, id)) },
			"DeleteGroup":     func(x context.Context, c client) error { return c.DeleteGroup(x, id) },
			"GroupMembers":    func(x context.Context, c client) error { return drop(collect(c.GroupMembers(x, id))) },
			"GroupMembership": func(x context.Context, c client) error { return drop(collect(c.GroupMembership(x, id))) },
			"AddGroupMember": func(x context.Context, c client) error {
				return firstOf(c.AddGroupMember(x, id, "u"), c.AddGroupMember(x, "g", id))
			},
			"RemoveGroupMember": func(x context.Context, c client) error {
				return firstOf(c.RemoveGroupMember(x, id, "u"), c.RemoveGroupMember(x, "g", id))
			},
			"Application":        func(x context.Context, c client) error { return drop(c.Application(x, id)) },
			"ModifyApplication":  func(x context.Context, c client) error { return drop(c.ModifyApplication(x, id, nil)) },
			"ReplaceCertificate": func(x context.Context, c client) error { return drop(c.ReplaceCertificate(x, id, somePair())) },
			"RegenerateCertificate": func(x context.Context, c client) error {
				return drop(c.RegenerateCertificate(x, id, somePair().Cert()))
			},
			"DeleteApplication": func(x context.Context, c client) error { return c.DeleteApplication(x, id) },
			"Metadata": func(x context.Context, c client) error {
				return firstOf(drop(c.Metadata(x, id, "a")), drop(c.Metadata(x, "o", id)))
			},
			"Associations": func(x context.Context, c client) error {
				return drop(collect(c.Associations(x, app(id), jumpcloud.UserObject)))
			},
			"Associate": func(x context.Context, c client) error {
				return firstOf(c.Associate(x, app(id), group("g")), c.Associate(x, app("a"), group(id)))
			},
			"Dissociate": func(x context.Context, c client) error {
				return firstOf(c.Dissociate(x, app(id), group("g")), c.Dissociate(x, app("a"), group(id)))
			},
			"Traverse": func(x context.Context, c client) error {
				return drop(collect(c.Traverse(x, app(id), jumpcloud.UserObject)))
			},
			"Office365": func(x context.Context, c client) error { return drop(c.Office365(x, id)) },
			"UpdateOffice365": func(x context.Context, c client) error {
				return drop(c.UpdateOffice365(x, id, jumpcloud.Office365Update{Name: ptr("n")}))
			},
			"SetOffice365DefaultDomain": func(x context.Context, c client) error {
				return firstOf(c.SetOffice365DefaultDomain(x, id, "d"), c.SetOffice365DefaultDomain(x, "o", id))
			},
			"UnsetOffice365DefaultDomain": func(x context.Context, c client) error { return c.UnsetOffice365DefaultDomain(x, id) },
			"Office365Domains":            func(x context.Context, c client) error { return drop(collect(c.Office365Domains(x, id))) },
			"AddOffice365Domain":          func(x context.Context, c client) error { return drop(c.AddOffice365Domain(x, id, "example.com")) },
			"DeleteOffice365Domain": func(x context.Context, c client) error {
				return firstOf(c.DeleteOffice365Domain(x, id, "d"), c.DeleteOffice365Domain(x, "o", id))
			},
			"Office365Users":   func(x context.Context, c client) error { return drop(collect(c.Office365Users(x, id))) },
			"TranslationRules": func(x context.Context, c client) error { return drop(collect(c.TranslationRules(x, id))) },
			"CreateTranslationRule": func(x context.Context, c client) error {
				return drop(c.CreateTranslationRule(x, id, jumpcloud.TranslationRule{BuiltIn: "user_city"}))
			},
			"DeleteTranslationRule": func(x context.Context, c client) error {
				return firstOf(c.DeleteTranslationRule(x, id, "r"), c.DeleteTranslationRule(x, "o", id))
			},
			"ImportableUsers": func(x context.Context, c client) error { return drop(collect(c.ImportableUsers(x, id))) },
		} {
			tests[name+" "+id] = f
		}
	}
	for name, f := range tests {
		h := &canned{answers: []answer{{200, `{}`, nil}}}
		err := f(t.Context(), newClient(t, h, nil))
		var e *jumpcloud.Error
		if !errors.As(err, &e) || !errors.Is(err, jumpcloud.ErrInvalid) || e.Op == "" || len(h.seen) != 0 {
			t.Errorf("%q: err = %v, %d requests; want ErrInvalid with its operation, and none", name, err, len(h.seen))
		}
	}
}

// firstOf is the first error that is nil or not ErrInvalid, else the first.
func firstOf(errs ...error) error {
	for _, err := range errs {
		if !errors.Is(err, jumpcloud.ErrInvalid) {
			return err
		}
	}
	return errs[0]
}

// TestConditions: each condition is the operator that JumpCloud knows it by.
func TestConditions(t *testing.T) {
	for got, want := range map[string]string{
		jumpcloud.Eq("a", "1"): "a:$eq:1", jumpcloud.Ne("a", "1"): "a:$ne:1",
		jumpcloud.Gt("a", "1"): "a:$gt:1", jumpcloud.Gte("a", "1"): "a:$gte:1",
		jumpcloud.Lt("a", "1"): "a:$lt:1", jumpcloud.Lte("a", "1"): "a:$lte:1",
		jumpcloud.StartsWith("a", "1"): "a:$sw:1",
		jumpcloud.In("a", "1", "2|3"):  `a:$in:1|2\|3`, jumpcloud.NotIn("a", "1", "2"): "a:$nin:1|2",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// Values that look dangerous and are not: they arrive as they are.
func TestOddValues(t *testing.T) {
	for _, email := range []string{"a+b@example.com", "o'neil@example.com", "jürgen@exämple.com", `"quoted, comma"@example.com`, "a|b@example.com", "a:b@example.com", "a&b=c#d@example.com", "50%@example.com"} {
		s := &jumpcloudtest.Server{}
		s.AddUser(jumpcloud.User{Username: "other", Email: "other@example.com"})
		id := s.AddUser(jumpcloud.User{Username: "odd", Email: email})
		c := s.Client(nil)
		for name, filter := range map[string][]string{
			"Eq": {jumpcloud.Eq("email", email)}, "In": {jumpcloud.In("email", "x", email)}, "two": {jumpcloud.Eq("email", email), jumpcloud.Ne("username", "x")},
			"NotIn": {jumpcloud.NotIn("email", "other@example.com", email+"x")}, "StartsWith": {jumpcloud.StartsWith("email", email[:3])},
		} {
			if name == "StartsWith" && strings.HasPrefix("other@example.com", email[:3]) {
				continue
			}
			if got := ids(t, c, &jumpcloud.UsersOptions{Filter: filter}); len(got) != 1 || got[0] != id {
				t.Errorf("%s %s = %v; want %s", name, email, got, id)
			}
		}
		var found []string
		for u, err := range c.SearchUsers(t.Context(), jumpcloud.UserSearch{All: []jumpcloud.Condition{{Field: "email", Value: email}}}) {
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, u.Email)
		}
		if len(found) != 1 || found[0] != email {
			t.Errorf("search %s = %v", email, found)
		}
		if u, err := c.UpdateUser(t.Context(), id, jumpcloud.UserUpdate{AlternateEmail: &email}); err != nil || u.AlternateEmail != email || u.Email != email {
			t.Errorf("update %s = %+v, %v", email, u, err)
		}
	}
	for _, name := range []string{"Sales, EMEA", "50% *", "Müller & Söhne", `"quoted"`, "a:b", "(x)", "emoji 😀", "tab-less"} {
		s := &jumpcloudtest.Server{}
		s.AddGroup("other")
		id := s.AddGroup(name)
		all, err := collect(s.Client(nil).Groups(t.Context(), name))
		if gs := all.([]*jumpcloud.Group); err != nil || len(gs) != 1 || gs[0].ID != id {
			t.Errorf("group %q = %v, %v", name, gs, err)
		}
	}
}

// A client that was not made by New, and one that is nil.
func TestZeroClient(t *testing.T) {
	for _, c := range []*jumpcloud.Client{nil, {}} {
		if _, err := c.User(t.Context(), "u"); err == nil {
			t.Error("no error")
		}
		for _, err := range c.Users(t.Context(), nil) {
			if err == nil {
				t.Error("no error")
			}
		}
		_ = c.String()
	}
}

// The caller's client and options are not changed.
func TestOptionsAreCopied(t *testing.T) {
	hc := &http.Client{}
	opts := jumpcloud.Options{HTTPClient: hc, UserAgent: "mine/1"}
	before := opts
	if _, err := jumpcloud.New("k", &opts); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(opts, before) || hc.Transport != nil || hc.CheckRedirect != nil {
		t.Error("New changed what it was given")
	}
}
