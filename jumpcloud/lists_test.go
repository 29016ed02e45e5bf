package jumpcloud_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/internal/memhttp"
	"github.com/jcaad/jcaad/jumpcloud"
)

// lists are the list methods of the client, by name.
var lists = map[string]func(context.Context, *jumpcloud.Client) (int, error){
	"Applications":  func(ctx context.Context, c *jumpcloud.Client) (int, error) { return count(c.Applications(ctx)) },
	"Templates":     func(ctx context.Context, c *jumpcloud.Client) (int, error) { return count(c.Templates(ctx)) },
	"Organizations": func(ctx context.Context, c *jumpcloud.Client) (int, error) { return count(c.Organizations(ctx)) },
	"Users":         func(ctx context.Context, c *jumpcloud.Client) (int, error) { return count(c.Users(ctx, nil)) },
	"SearchUsers": func(ctx context.Context, c *jumpcloud.Client) (int, error) {
		return count(c.SearchUsers(ctx, jumpcloud.UserSearch{}))
	},
	"Groups":          func(ctx context.Context, c *jumpcloud.Client) (int, error) { return count(c.Groups(ctx)) },
	"GroupMembers":    func(ctx context.Context, c *jumpcloud.Client) (int, error) { return count(c.GroupMembers(ctx, "g")) },
	"GroupMembership": func(ctx context.Context, c *jumpcloud.Client) (int, error) { return count(c.GroupMembership(ctx, "g")) },
	"Directories":     func(ctx context.Context, c *jumpcloud.Client) (int, error) { return count(c.Directories(ctx)) },
	"Associations": func(ctx context.Context, c *jumpcloud.Client) (int, error) {
		return count(c.Associations(ctx, jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: "a"}, jumpcloud.UserObject))
	},
	"Traverse": func(ctx context.Context, c *jumpcloud.Client) (int, error) {
		return count(c.Traverse(ctx, jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: "a"}, jumpcloud.UserObject))
	},
	"Office365Domains": func(ctx context.Context, c *jumpcloud.Client) (int, error) {
		return count(c.Office365Domains(ctx, "d"))
	},
	"Office365s":      func(ctx context.Context, c *jumpcloud.Client) (int, error) { return count(c.Office365s(ctx)) },
	"Office365Users":  func(ctx context.Context, c *jumpcloud.Client) (int, error) { return count(c.Office365Users(ctx, "d")) },
	"ImportableUsers": func(ctx context.Context, c *jumpcloud.Client) (int, error) { return count(c.ImportableUsers(ctx, "d")) },
	"Events": func(ctx context.Context, c *jumpcloud.Client) (int, error) {
		return count(c.Events(ctx, jumpcloud.EventsOptions{}))
	},
	"TranslationRules": func(ctx context.Context, c *jumpcloud.Client) (int, error) {
		return count(c.TranslationRules(ctx, "d"))
	},
}

func count[T any](all iter.Seq2[T, error]) (n int, err error) {
	for _, err = range all {
		if err == nil {
			n++
		}
	}
	return n, err
}

// TestEveryListIsListed finds the list methods by what they return.
func TestEveryListIsListed(t *testing.T) {
	methods := reflect.TypeFor[*jumpcloud.Client]()
	var found []string
	for i := range methods.NumMethod() {
		m := methods.Method(i)
		if out := m.Type.Out(0); out.Kind() == reflect.Slice || out.Kind() == reflect.Func && out.NumIn() == 1 && out.NumOut() == 0 {
			if found = append(found, m.Name); lists[m.Name] == nil {
				t.Errorf("%s is a list method that the table of lists does not have", m.Name)
			}
		}
	}
	if len(found) != len(lists) {
		t.Errorf("the client has %d list methods (%q); the table has %d", len(found), found, len(lists))
	}
}

// noLists are answers with status 200 in which there is no list, with a part of
// what the error has to say of them.
var noLists = []struct {
	name, body, says string
	cut              bool // the connection breaks behind the body
}{
	{"an empty object", `{}`, "an object without anything known", false},
	{"an error object", `{"error":"INTERNAL","message":"try again"}`, "try again", false},
	{"an error object of gRPC", `{"code":13,"message":"try again","details":[]}`, "try again", false},
	{"a total without a list", `{"totalCount":3}`, "an object with totalCount", false},
	{"no body", "", "", false},
	{"white space", " \n", "", false},
	{"HTML", "<!DOCTYPE html><html><head><title>Log in</title></head></html>", `an HTML page instead of JSON, as proxies and captive portals send: title "Log in"`, false},
	{"null", "null", "null", false},
	{"lists that are null", `{"results":null,"domains":null,"users":null,"totalCount":5}`, "", false},
	{"lists that are none", `{"results":{},"domains":"","users":7,"totalCount":3}`, "", false},
	{"a text", `"x"`, "a text", false},
	{"JSON that ends early", `{"totalCount":1,"results":[{"_id":"1"}`, "", false},
	{"a bare list that ends early", `[{"id":"1"}`, "", false},
	{"a list without its end", `{"totalCount":1,"results":[{"_id":"1"}],"domains":[],"users":[]`, "", false},
	{"a body that breaks off", `{"totalCount":1,"results":[{"_id":"1"},`, "", true},
}

// fullPage holds n objects, from the from-th on, in the words of every route.
func fullPage(from, n, total int) string {
	items := make([]string, n)
	for i := range items {
		items[i] = fmt.Sprintf(`{"_id":"id%05d","id":"id%05[1]d","objectId":"id%05[1]d","name":"n","to":{"type":"user","id":"id%05[1]d"}}`, from+i)
	}
	all := "[" + strings.Join(items, ",") + "]"
	return fmt.Sprintf(`{"totalCount":%d,"skipToken":"t%d","results":%s,"domains":%[3]s,"users":%[3]s}`, total, from, all)
}

// TestListOfNull: an item that is null is one without anything, in every list.
func TestListOfNull(t *testing.T) {
	const body = `{"totalCount":2,"results":[null,{"_id":"id1","id":"id1","objectId":"id1","name":"n","to":{"type":"user","id":"id1"}}]`
	for name, list := range lists {
		if name == "Events" {
			continue // which has none
		}
		answer := body + `,"domains":[null,{"id":"id1"}],"users":[null,{"id":"id1"}],"hasMore":false}`
		h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, answer) })
		n, err := list(t.Context(), newClient(t, h, nil))
		if err != nil || n == 0 {
			t.Errorf("%s: %d items, %v", name, n, err)
		}
	}
}

// TestListWithoutItsArray: silence is no answer. A list that does not come is a
// failure of the service, to be asked for again, and never an empty list, which
// would say that nobody is bound, or that an application is gone. The same on
// the first page and on a later one.
func TestListWithoutItsArray(t *testing.T) {
	for name, list := range lists {
		for _, form := range noLists {
			for _, later := range []bool{false, true} {
				if later && name == "Events" {
					continue // whose pages are longer: see TestEventsPages
				}
				t.Run(fmt.Sprintf("%s/%s/later=%v", name, form.name, later), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						var sent atomic.Int64
						h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
							if sent.Add(1) == 1 && later {
								io.WriteString(w, fullPage(0, 100, 150))
								return
							}
							if form.cut {
								w.Header().Set("Content-Length", "1000")
							}
							io.WriteString(w, form.body)
						})
						n, err := list(t.Context(), newClient(t, h, nil))
						want := 0
						if later {
							want = 100
						}
						var e *jumpcloud.Error
						if !errors.As(err, &e) || !errors.Is(err, jumpcloud.ErrUnavailable) || errors.Is(err, jumpcloud.ErrOutcomeUnknown) || e.StatusCode != 200 {
							t.Fatalf("%d objects, err = %v; want ErrUnavailable with status 200", n, err)
						}
						if n != want || !strings.Contains(err.Error(), form.says) || e.Op == "" {
							t.Errorf("%d objects, err = %v; want %d, and %q", n, err, want, form.says)
						}
					})
				})
			}
		}
		t.Run(name+"/empty", func(t *testing.T) {
			for _, body := range []string{`{"totalCount":0,"results":[],"domains":[],"users":[]}`, `[]`, "\xef\xbb\xbf [ ] "} {
				if body[0] != '{' && (name == "Office365Domains" || name == "ImportableUsers") {
					continue // which have an envelope of their own
				}
				h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, body) })
				if n, err := list(t.Context(), newClient(t, h, nil)); n != 0 || err != nil {
					t.Errorf("%s: %d objects, err = %v; want none", body, n, err)
				}
			}
		})
	}
}

// protobuf's JSON may leave out an empty list: where the total says so, there is
// none.
func TestNoDomains(t *testing.T) {
	for _, body := range []string{`{"totalCount":0}`, `{"totalCount":"0"}`} {
		h := &canned{answers: []answer{{200, body, nil}}}
		if n, err := lists["Office365Domains"](t.Context(), newClient(t, h, nil)); n != 0 || err != nil {
			t.Errorf("%s: %d domains, err = %v; want none", body, n, err)
		}
	}
}

// TestObjectWithoutID: an object that says nothing is none, and a write that was
// answered with one may have been made.
func TestObjectWithoutID(t *testing.T) {
	for _, op := range operations {
		if op.result == nil || lists[strings.Fields(op.name)[0]] != nil {
			continue
		}
		for _, body := range []string{`{}`, `null`, `[]`, ``, `{"name":"x"}`, `{"domain":{}}`} {
			if body == "[]" && op.name == "Template" {
				continue // which is looked up in a list
			}
			t.Run(op.name+"/"+body, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					h := &canned{answers: []answer{{200, body, nil}}}
					got, err := op.call(t.Context(), newClient(t, h, nil))
					if !errors.Is(err, jumpcloud.ErrUnavailable) || errors.Is(err, jumpcloud.ErrOutcomeUnknown) != op.write {
						t.Errorf("got %v, %v; want ErrUnavailable, and unknown: %v", got, err, op.write)
					}
				})
			})
		}
	}
}

// TestListsEnd: a list that always has another page ends, and says how it can be
// read further.
func TestListsEnd(t *testing.T) {
	for name, list := range lists {
		for _, total := range []bool{true, false} { // counted, or read to a short page
			if !total && (name == "SearchUsers" || name == "ImportableUsers") {
				continue // skip is not in the address; there is no total
			}
			if name == "Events" {
				continue // which goes by a cursor: see TestEventsPages
			}
			t.Run(fmt.Sprintf("%s/total=%v", name, total), func(t *testing.T) {
				var sent atomic.Int64
				h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					skip := int(sent.Add(1)-1) * 99
					if s := r.URL.Query().Get("skip"); s != "" {
						fmt.Sscan(s, &skip)
					} else if name == "SearchUsers" {
						var body struct{ Skip int }
						b, _ := io.ReadAll(r.Body)
						fmt.Sscanf(string(b[slices.Index(b, 's'):]), `skip":%d`, &body.Skip)
						skip = body.Skip
					}
					n := -1
					if total {
						n = skip + 1000
					}
					io.WriteString(w, fullPage(skip, 100, n))
				})
				n, err := list(t.Context(), newClient(t, h, &jumpcloud.Options{MaxPages: 7}))
				if !errors.Is(err, jumpcloud.ErrTooManyPages) || errors.Is(err, jumpcloud.ErrUnavailable) || !strings.Contains(err.Error(), "more than 7 pages") ||
					!strings.Contains(err.Error(), "Options.MaxPages") || !strings.Contains(err.Error(), " /api/") {
					t.Errorf("err = %v; want it to name the bound, the option and the list", err)
				}
				if sent.Load() != 7 || n < 600 || n > 700 {
					t.Errorf("%d requests, %d objects; want 7 and nearly 700", sent.Load(), n)
				}
			})
		}
	}
}

// TestStalledAnswers: an answer that begins and does not go on ends, as a failure
// of a read and as an unknown write.
func TestStalledAnswers(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		for r.Context().Err() == nil {
			select {
			case <-time.After(59 * time.Second):
				io.WriteString(w, " ")
			case <-r.Context().Done():
			}
		}
	})
	for _, op := range operations {
		t.Run(op.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				_, err := op.call(t.Context(), newClient(t, h, &jumpcloud.Options{IdleTimeout: 20 * time.Second}))
				if !errors.Is(err, jumpcloud.ErrUnavailable) || errors.Is(err, jumpcloud.ErrOutcomeUnknown) != op.write || !strings.Contains(err.Error(), "within 20s") {
					t.Errorf("err = %v", err)
				}
				if d := time.Since(began); d > time.Duration(attempts(op, 12))*30*time.Second {
					t.Errorf("it took %v", d)
				}
			})
		})
	}
}

// TestCancelledWrites: a write that was cancelled while it was under way may have
// been made, and says so, whoever cancelled it and why. One that was cancelled
// before has not been made.
func TestCancelledWrites(t *testing.T) {
	other := &jumpcloud.Error{Op: "GET /api/other", StatusCode: 400, Message: "another call that failed"}
	for _, op := range operations {
		for name, cause := range map[string]error{"cancelled": nil, "because of another call": other} {
			for _, when := range []string{"before", "under way", "while the answer comes", "before it is repeated"} {
				if when == "before it is repeated" && op.create {
					continue
				}
				t.Run(op.name+"/"+name+"/"+when, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						ctx, cancel := context.WithCancelCause(t.Context())
						h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
							switch when {
							case "while the answer comes":
								w.(http.Flusher).Flush()
								io.WriteString(w, "{")
							case "before it is repeated":
								time.AfterFunc(100*time.Millisecond, func() { cancel(cause) })
								panic(http.ErrAbortHandler)
							}
							cancel(cause)
							<-r.Context().Done()
							panic(http.ErrAbortHandler)
						})
						if when == "before" {
							cancel(cause)
						}
						_, err := op.call(ctx, newClient(t, h, nil))
						if !errors.Is(err, context.Canceled) || cause != nil && !errors.Is(err, cause) || errors.Is(err, jumpcloud.ErrUnavailable) {
							t.Errorf("err = %v; want context.Canceled, its cause, and nothing about JumpCloud", err)
						}
						var e *jumpcloud.Error
						if !errors.As(err, &e) {
							t.Fatalf("err = %#v; want an *Error", err)
						}
						if e == other || e.OutcomeUnknown != (op.write && when != "before" && op.name != "ModifyApplication") {
							t.Errorf("err = %v; unknown %v", err, e.OutcomeUnknown)
						}
					})
				})
			}
		}
	}
}

// TestTokenFailsBeforeARepeat: the token endpoint's failure is its own, but for a
// write that may have been made before.
func TestTokenFailsBeforeARepeat(t *testing.T) {
	for _, lost := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			tokens := 0
			h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch {
				case !strings.HasSuffix(r.URL.Path, "/token"):
					time.Sleep(time.Hour) // the token does not outlast it
					panic(http.ErrAbortHandler)
				case tokens > 0 || !lost:
					http.Error(w, `{"error":"invalid_client"}`, http.StatusUnauthorized)
				default:
					w.Header().Set("Content-Type", "application/json")
					io.WriteString(w, `{"access_token":"a-token","token_type":"bearer","expires_in":600}`)
				}
				tokens++
			})
			c, err := jumpcloud.NewServiceAccount("id", "the-secret", &jumpcloud.Options{HTTPClient: &http.Client{Transport: &memhttp.Transport{Handler: h}}})
			if err != nil {
				t.Fatal(err)
			}
			err = c.DeleteGroup(t.Context(), "g1")
			var e *jumpcloud.Error
			if !errors.As(err, &e) || errors.Is(err, jumpcloud.ErrOutcomeUnknown) != lost || !strings.Contains(err.Error(), "invalid_client") {
				t.Fatalf("lost=%v: err = %v", lost, err)
			}
			if op := map[bool]string{true: "DELETE /api/v2/usergroups/{id}", false: "POST /oauth2/token"}[lost]; e.Op != op {
				t.Errorf("lost=%v: Op = %q; want %q", lost, e.Op, op)
			}
		})
	}
}

// TestReplaceCertificateReadsFirst: without the application as it is, nothing is
// written: what would be sent in its place is an application without settings.
func TestReplaceCertificateReadsFirst(t *testing.T) {
	for _, a := range []answer{{404, `{"message":"Not Found"}`, nil}, {200, `{}`, nil}, {403, `{"message":"Forbidden"}`, nil}} {
		h := &canned{answers: []answer{a}}
		got, err := newClient(t, h, nil).ReplaceCertificate(t.Context(), "a1", newPair(t))
		if got != nil || err == nil || errors.Is(err, jumpcloud.ErrOutcomeUnknown) || len(h.seen) != 1 || h.seen[0].Method != http.MethodGet {
			t.Errorf("%d: got %v, %v, %d requests; want an error after one GET", a.status, got, err, len(h.seen))
		}
	}
}

// TestWrittenAndNotSeen: an application that was written, and cannot be read back
// because its answer said nothing, is an unknown write, not a failed read.
func TestWrittenAndNotSeen(t *testing.T) {
	_, id := withApp(t)
	for _, put := range []string{`{}`, ``, `<html>`, `{"_id":"` + id + `"}`} {
		h := &canned{answers: []answer{
			{200, `{"_id":"` + id + `","displayLabel":"x","config":{}}`, nil}, {200, put, nil}, {404, `{"message":"Not Found"}`, nil},
		}}
		_, err := newClient(t, h, nil).ModifyApplication(t.Context(), id, func(a *jumpcloud.Application) error { a.DisplayLabel = "y"; return nil })
		if !errors.Is(err, jumpcloud.ErrOutcomeUnknown) || len(h.seen) != 3 {
			t.Errorf("%q: %d requests, err = %v; want the outcome to be unknown", put, len(h.seen), err)
		}
	}
}
