package federation_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
)

var group = &federation.Change{Resource: federation.ResGroup, Name: "Staff", Action: federation.Create}

// TestEventWire: the wire form of an event has lower-case keys, tells start from
// end, never lacks a text, and reads back as what it was.
func TestEventWire(t *testing.T) {
	at := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name  string
		event federation.Event
		want  string
	}{
		{"everything", federation.Event{Time: at, Phase: federation.PhaseApply, Domain: "example.com", Change: group, Text: "made", Attempt: 2,
			Elapsed: 3, Done: 4, Total: 5, Err: fmt.Errorf("federation: %w", aad.ErrThrottled)},
			`{"time":"2026-03-02T08:00:00Z","phase":"apply","moment":"end","domain":"example.com",` +
				`"change":{"resource":"jumpcloud/group","name":"Staff","action":"create"},"text":"made","attempt":2,` +
				`"elapsedNanoseconds":3,"done":4,"total":5,"error":"federation: throttled"}`},
		{"nothing", federation.Event{}, `{"phase":"","moment":"start","text":"phase "}`},
		{"reading", federation.Event{Phase: federation.PhaseObserve}, `{"phase":"observe","moment":"start","text":"reading both services"}`},
		{"reading again", federation.Event{Phase: federation.PhaseObserve, Attempt: 1, Text: "again"},
			`{"phase":"observe","moment":"progress","text":"again","attempt":1}`},
		{"checking", federation.Event{Phase: federation.PhaseCheck}, `{"phase":"check","moment":"start","text":"checking"}`},
		{"people", federation.Event{Phase: federation.PhaseCheck, Text: "reading people", Done: 7},
			`{"phase":"check","moment":"progress","text":"reading people","done":7}`},
		{"people read", federation.Event{Phase: federation.PhaseCheck, Text: "read", Elapsed: 1, Done: 7, Total: 7},
			`{"phase":"check","moment":"end","text":"read","elapsedNanoseconds":1,"done":7,"total":7}`},
		{"asking", federation.Event{Phase: federation.PhaseConfirm}, `{"phase":"confirm","moment":"start","text":"asking for confirmation"}`},
		{"sending", federation.Event{Phase: federation.PhaseApply, Change: group, Attempt: 1},
			`{"phase":"apply","moment":"start","change":{"resource":"jumpcloud/group","name":"Staff","action":"create"},` +
				`"text":"sending: create jumpcloud/group \"Staff\"","attempt":1}`},
		{"sent", federation.Event{Phase: federation.PhaseApply, Change: group, Elapsed: 1},
			`{"phase":"apply","moment":"end","change":{"resource":"jumpcloud/group","name":"Staff","action":"create"},` +
				`"text":"done: create jumpcloud/group \"Staff\"","elapsedNanoseconds":1}`},
		{"not sent", federation.Event{Phase: federation.PhaseUndo, Change: group, Elapsed: 1, Err: errors.New("refused")},
			`{"phase":"undo","moment":"end","change":{"resource":"jumpcloud/group","name":"Staff","action":"create"},` +
				`"text":"not done: create jumpcloud/group \"Staff\"","elapsedNanoseconds":1,"error":"refused"}`},
		{"waiting", federation.Event{Phase: federation.PhaseWait, Change: group, Attempt: 1},
			`{"phase":"wait","moment":"progress","change":{"resource":"jumpcloud/group","name":"Staff","action":"create"},` +
				`"text":"waiting until it shows: create jumpcloud/group \"Staff\"","attempt":1}`},
		{"waiting for all", federation.Event{Phase: federation.PhaseWait, Err: errors.New("")},
			`{"phase":"wait","moment":"progress","text":"looking again","error":"failed"}`},
		{"over at once", federation.Event{Phase: federation.PhaseDone}, `{"phase":"done","moment":"end","text":"done"}`},
		{"over with an error", federation.Event{Phase: federation.PhaseDone, Err: errors.New("x")},
			`{"phase":"done","moment":"end","text":"ended with an error","error":"x"}`},
		{"a phase of tomorrow", federation.Event{Phase: "dance"}, `{"phase":"dance","moment":"start","text":"phase dance"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b, err := json.Marshal(tt.event)
			if err != nil || string(b) != tt.want {
				t.Errorf("%v\n%s; want\n%s", err, b, tt.want)
			}
			var back federation.Event
			if err := json.Unmarshal(b, &back); err != nil {
				t.Fatal(err)
			}
			if back.Moment() != tt.event.Moment() || back.Elapsed != tt.event.Elapsed || (back.Err == nil) != (tt.event.Err == nil) {
				t.Errorf("read back: %+v", back)
			}
			again, err := json.Marshal(back)
			if diff := cmp.Diff(string(b), string(again)); diff != "" || err != nil {
				t.Errorf("%v, (-once +twice):\n%s", err, diff)
			}
			if s := tt.event.String(); s == "" || tt.event.Err != nil && !strings.HasSuffix(s, ": "+tt.event.Err.Error()) {
				t.Errorf("String() = %q", s)
			}
		})
	}
	for _, bad := range []string{`[]`, `{"done":"many"}`, `{`} {
		e := federation.Event{Phase: federation.PhaseDone}
		if err := json.Unmarshal([]byte(bad), &e); err == nil || e.Phase != federation.PhaseDone {
			t.Errorf("%s: %v, %+v", bad, err, e)
		}
	}
}

// TestEventLevels: the log tells by its level what needs somebody: a failure, not a
// refusal, nor what the run goes on from by itself.
func TestEventLevels(t *testing.T) {
	refuse := func(status int, times int) func(*federationtest.Env) {
		return func(env *federationtest.Env) {
			env.AzureAD.Fault = func(r *http.Request) aadtest.Fault {
				if r.Method == http.MethodPost && times > 0 {
					times--
					return aadtest.Fault{Kind: aadtest.Refuse503, Status: status, Body: `{"error":{"code":"x","message":"x"}}`}
				}
				return aadtest.Fault{}
			}
		}
	}
	for _, tt := range []struct {
		name  string
		make  func(*federationtest.Env)
		plan  func(*federation.Plan)
		opts  federation.Options
		level slog.Level // of the end
		most  slog.Level // of what came before
	}{
		{"good", nil, nil, federation.Options{}, slog.LevelInfo, slog.LevelInfo},
		{"a bad plan", nil, func(p *federation.Plan) { p.MFA = "" }, federation.Options{}, slog.LevelWarn, slog.LevelInfo},
		{"a gate", func(env *federationtest.Env) {
			env.AzureAD.AddUser(aad.User{UserPrincipalName: "uma@example.com", ImmutableID: "VW1h"})
		},
			nil, federation.Options{}, slog.LevelWarn, slog.LevelInfo},
		{"not confirmed", nil, nil, federation.Options{Confirm: func(context.Context, *federation.Proposal) error { return errors.New("no") }}, slog.LevelWarn, slog.LevelInfo},
		{"a service refuses", refuse(403, 100), nil, federation.Options{}, slog.LevelError, slog.LevelError},
		{"a service is away for a while", refuse(500, 1), nil, federation.Options{}, slog.LevelInfo, slog.LevelWarn},
		{"nothing can be read", func(env *federationtest.Env) {
			env.AzureAD.Fault = func(*http.Request) aadtest.Fault { return aadtest.Fault{Kind: aadtest.Error500Before} }
		}, nil, federation.Options{}, slog.LevelError, slog.LevelWarn},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := federationtest.New(nil)
				if tt.make != nil {
					tt.make(env)
				}
				plan := env.Plan()
				if tt.plan != nil {
					tt.plan(&plan)
				}
				var log bytes.Buffer
				tt.opts.Logger = slog.New(slog.NewJSONHandler(&log, nil))
				_, err := env.Federator(&tt.opts).Federate(t.Context(), plan)
				var levels []slog.Level
				for line := range strings.Lines(log.String()) {
					var r struct {
						Level slog.Level
						Event struct{ Text, Moment string }
					}
					if err := json.Unmarshal([]byte(line), &r); err != nil || r.Event.Text == "" || r.Event.Moment == "" {
						t.Fatalf("%v: %s", err, line)
					}
					levels = append(levels, r.Level)
				}
				most := slog.LevelInfo
				for _, l := range levels[:len(levels)-1] {
					most = max(most, l)
				}
				if end := levels[len(levels)-1]; end != tt.level || most != tt.most {
					t.Errorf("%v: the end at %v, the worst before it %v; want %v and %v\n%s", err, end, most, tt.level, tt.most, &log)
				}
			})
		})
	}
}

// TestEventLevelsOfAnUndo: a step that is left because somebody has changed it since
// is no failure, also among others.
func TestEventLevelsOfAnUndo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := federationtest.New(nil)
		rep, err := env.Federator(nil).Federate(t.Context(), env.Plan())
		if err != nil {
			t.Fatal(err)
		}
		edit(t, env, func(f *aad.Federation) { *f = okta(t) })
		var log bytes.Buffer
		_, err = env.Federator(&federation.Options{Logger: slog.New(slog.NewJSONHandler(&log, nil))}).Revert(t.Context(), rep)
		if !errors.Is(err, federation.ErrDiffers) || strings.Contains(log.String(), `"ERROR"`) || !strings.Contains(log.String(), `"WARN"`) {
			t.Errorf("%v\n%s", err, &log)
		}
	})
}

// Events sent on, one JSON object a line, to a program that shows them.
func ExampleEvent_MarshalJSON() {
	env := federationtest.New(nil)
	f := env.Federator(&federation.Options{OnEvent: func(e federation.Event) {
		if e.Change == nil || e.Change.Resource != federation.ResFederation || e.Phase != federation.PhaseApply {
			return
		}
		e.Time, e.Elapsed = time.Time{}, min(e.Elapsed, 1) // of this run alone
		e.Change = &federation.Change{Resource: e.Change.Resource, Name: e.Change.Name, Action: e.Change.Action}
		line, _ := json.Marshal(e)
		fmt.Println(string(line))

		var read federation.Event
		if err := json.Unmarshal(line, &read); err != nil {
			fmt.Println(err)
		}
		fmt.Println(read.Moment(), "|", read)
	}})
	if _, err := f.Federate(federationtest.Hurry(context.Background()), env.Plan()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// {"phase":"apply","moment":"start","domain":"example.com","change":{"resource":"azure-ad/federation","name":"example.com","action":"create"},"text":"sending: create azure-ad/federation \"example.com\"","attempt":1}
	// start | sending: create azure-ad/federation "example.com"
	// {"phase":"apply","moment":"end","domain":"example.com","change":{"resource":"azure-ad/federation","name":"example.com","action":"create"},"text":"done: create azure-ad/federation \"example.com\"","attempt":1,"elapsedNanoseconds":1}
	// end | done: create azure-ad/federation "example.com"
}
