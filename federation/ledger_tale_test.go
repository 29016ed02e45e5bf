package federation_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/internal/fake"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// A tale is what befalls one environment: calls of the package, trouble, and
// what people do meanwhile. Each call is judged when it has returned.
type tale struct {
	*federationtest.Env
	*ledger
	t   *testing.T
	ctx context.Context // of the calls

	about string                    // the situation, which is a part of every kind
	found map[string][]string       // by kind: what was seen
	hit   *mishap                   // what goes wrong during [tale.amid]; nil: nothing
	at    int                       // with which request
	reads func(*federationtest.Env) // how answers follow the truth from amid on; nil: at once
	spent int                       // requests during amid
	noted []string                  // everything that happened, for tests that fail
}

func newTale(t *testing.T, about string, env *federationtest.Env) *tale {
	return &tale{Env: env, ledger: keepLedger(env), t: t, ctx: t.Context(), about: about, found: make(map[string][]string)}
}

// blame files a violation. A kind is a short sentence that stays the same.
func (s *tale) blame(kind, format string, args ...any) {
	if s.about != "" {
		kind += " (" + s.about + ")"
	}
	s.found[kind] = append(s.found[kind], fmt.Sprintf(format, args...))
}

func (s *tale) note(format string, args ...any) {
	s.noted = append(s.noted, fmt.Sprintf(format, args...))
}

// said is what a call told: who is named in it is not locked out behind anybody's back.
type said struct {
	findings     []federation.Finding
	people       []string
	noBreakGlass bool
}

func (w *said) add(fs ...federation.Finding) { w.findings = append(w.findings, fs...) }

// consent is what a plan says of whom it may cost the sign-in. A number alone
// names nobody: those whom it covers have to stand in the report.
func (w *said) consent(c federation.Consent) {
	w.people = append(w.people, c.LockOut.People...)
	w.noBreakGlass = w.noBreakGlass || c.NoBreakGlass
}

func (w *said) report(r *federation.Report) {
	if r == nil {
		return
	}
	w.add(r.Findings...)
	w.add(r.Consents...)
	w.consent(r.Plan.Consent)
}

// refusal takes the names out of every refusal that is joined into an error.
func (w *said) refusal(err error) {
	switch e := err.(type) { //nolint:errorlint // the tree is walked here
	case nil:
	case *federation.PreconditionError:
		w.add(e.Findings...)
	case interface{ Unwrap() []error }:
		for _, err := range e.Unwrap() {
			w.refusal(err)
		}
	default:
		w.refusal(errors.Unwrap(err))
	}
}

// names reports whether a user principal name stands whole in what was said,
// wherever a finding carries it.
func (w *said) names(upn string) bool {
	if slices.ContainsFunc(w.people, func(p string) bool { return strings.EqualFold(p, upn) }) {
		return true
	}
	inName := func(r rune) bool { // what may be in a user principal name
		return strings.ContainsRune("@._-#'+", r) || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	}
	return slices.ContainsFunc(w.findings, func(f federation.Finding) bool {
		b, err := json.Marshal(f)
		if err != nil {
			panic(err)
		}
		return slices.ContainsFunc(strings.FieldsFunc(string(b), func(r rune) bool { return !inName(r) }), func(word string) bool {
			return strings.EqualFold(strings.TrimRight(word, "."), upn)
		})
	})
}

// call makes one call, or several at once, and files what it took from whom.
func (s *tale) call(verb string, do func() said) {
	s.ledger.begin()
	words := do()
	time.Sleep(time.Second) // what a process that died had under way arrives
	for _, l := range s.ledger.end() {
		s.note("%s: request %d, %s: %s: %s", verb, l.n, l.request, l.upn, l.why)
		switch {
		case l.why == noAdministrator && words.noBreakGlass, l.upn != "" && words.names(l.upn):
		default:
			s.blame(verb+": "+l.why, "request %d, %s: %s", l.n, l.request, l.upn)
		}
	}
}

func (s *tale) federate(ctx context.Context, p federation.Plan, opts *federation.Options) (rep *federation.Report, err error) {
	s.call("Federate", func() (w said) {
		rep, err = s.Federator(opts).Federate(ctx, p)
		s.note("Federate %s: %v", p.Domain, err)
		w.refusal(err)
		w.report(rep)
		w.consent(p.Consent)
		return w
	})
	return rep, err
}

func (s *tale) federateAll(ctx context.Context, plans []federation.Plan) (reps []*federation.Report, err error) {
	s.call("FederateAll", func() (w said) {
		reps, err = s.Federator(nil).FederateAll(ctx, plans, &federation.BatchOptions{KeepGoing: true})
		s.note("FederateAll: %v", err)
		w.refusal(err)
		for i, r := range reps {
			w.report(r)
			w.consent(plans[i].Consent)
		}
		return w
	})
	return reps, err
}

// twoAtOnce federates by two processes, each with its own Federator, at the same moment.
func (s *tale) twoAtOnce(ctx context.Context, one, two federation.Plan) (reps [2]*federation.Report) {
	return s.both(ctx, s.Federator(nil), s.Federator(nil), one, two)
}

// both federates by two plans at once, in one process if f and g are one.
func (s *tale) both(ctx context.Context, f, g *federation.Federator, one, two federation.Plan) (reps [2]*federation.Report) {
	s.call("two Federates at once", func() (w said) {
		var errs [2]error
		var wg sync.WaitGroup
		for i, p := range []federation.Plan{one, two} {
			wg.Go(func() { reps[i], errs[i] = [2]*federation.Federator{f, g}[i].Federate(ctx, p) })
		}
		wg.Wait()
		s.note("two Federates at once: %v", errs)
		for i, p := range []federation.Plan{one, two} {
			w.refusal(errs[i])
			w.report(reps[i])
			w.consent(p.Consent)
		}
		return w
	})
	return reps
}

func (s *tale) revert(ctx context.Context, rep *federation.Report) (out *federation.Report, err error) {
	s.call("Revert", func() (w said) {
		out, err = s.Federator(nil).Revert(ctx, rep)
		s.note("Revert: %v\n%s", err, out)
		w.refusal(err)
		w.report(out)
		return w
	})
	return out, err
}

func (s *tale) defederate(ctx context.Context, p federation.DefederatePlan) (rep *federation.Report, err error) {
	s.call("Defederate", func() (w said) {
		rep, err = s.Federator(nil).Defederate(ctx, p)
		s.note("Defederate: %v", err)
		w.refusal(err)
		w.report(rep)
		return w
	})
	return rep, err
}

// repair previews and repairs; revertRepair takes back. Whom their report lists is
// named by it, and what it claims has to be so.
func (s *tale) repair(ctx context.Context, p federation.RepairPlan) *federation.Report {
	preview, err := s.Federator(nil).PreviewRepair(s.ctx, p)
	if err != nil {
		s.note("PreviewRepair: %v", err)
		return preview
	}
	return s.repairAs(ctx, preview)
}

// repairAs carries out a preview.
func (s *tale) repairAs(ctx context.Context, preview *federation.Report) (rep *federation.Report) {
	s.call("Repair", func() (w said) {
		var err error
		rep, err = s.Federator(nil).Repair(ctx, preview)
		s.note("Repair: %v\n%s", err, rep)
		return s.repaired(rep)
	})
	s.claims("Repair", rep)
	return rep
}

func (s *tale) revertRepair(ctx context.Context, rep *federation.Report) (out *federation.Report) {
	s.call("Revert of a Repair", func() (w said) {
		var err error
		out, err = s.Federator(nil).Revert(ctx, rep)
		s.note("Revert of a Repair: %v\n%s", err, out)
		return s.repaired(out)
	})
	s.claims("Revert of a Repair", out)
	return out
}

func (s *tale) repaired(rep *federation.Report) (w said) {
	for _, step := range rep.Steps {
		w.people = append(w.people, whom(step))
	}
	return w
}

// claims holds a repair's report against the truth.
func (s *tale) claims(verb string, rep *federation.Report) {
	accounts := make(map[string]aad.User)
	for _, u := range s.AzureAD.Users() {
		accounts[u.ID] = u
	}
	members := make(map[string][]string)
	for _, g := range s.JumpCloud.Groups() {
		members[g.ID] = g.Members
	}
	for _, step := range rep.Steps {
		is := false
		switch c := step.Change; c.Resource {
		case federation.ResImmutableID:
			is = accounts[c.Target].ImmutableID == immutableID(step)
		case federation.ResDirectoryUser:
			is = s.JumpCloud.Associated(object(jumpcloud.DirectoryObject, c.Parent), object(jumpcloud.UserObject, c.Target)) == (c.Action == federation.Add)
		case federation.ResMember:
			is = slices.Contains(members[c.Parent], c.Target) == (c.Action == federation.Add)
		}
		switch o := step.Outcome; {
		case o == federation.Done && !is:
			s.blame(verb+": claims what is not so", "%s", step.Change)
		case (o == federation.Planned || o == federation.Refused) && is:
			s.blame(verb+": was done, and is not told as done or unknown", "%s", step.Change)
		}
	}
}

// doubles files what came to be twice.
func (s *tale) doubles(verb string) {
	count := make(map[string]int)
	for _, a := range s.JumpCloud.Applications() {
		count["two applications with one entity ID\x00"+a.EntityID]++
	}
	for _, g := range s.JumpCloud.Groups() {
		count["two groups of one name\x00"+g.Name]++
	}
	for _, key := range slices.Sorted(maps.Keys(count)) {
		if kind, name, _ := strings.Cut(key, "\x00"); count[key] > 1 {
			s.blame(verb+": "+kind, "%s: %d", name, count[key])
		}
	}
}

// A mishap is a trouble, or an answer of a kind of its own.
type mishap struct {
	trouble
	status int
	body   string
}

// amid makes calls during which request s.at, counted over both services, meets
// with s.hit. Outside of it nothing goes wrong.
func (s *tale) amid(calls func(ctx context.Context)) {
	ctx, die := context.WithCancelCause(s.ctx)
	defer die(nil)
	var n atomic.Int64
	var quiet atomic.Bool
	strike := func(r *http.Request) fake.Fault {
		k := int(n.Add(1))
		if s.hit == nil || quiet.Load() || k < s.at || k >= s.at+max(s.hit.many, 1) || s.hit.kind == 0 {
			return fake.Fault{}
		}
		if s.hit.body != "" && s.hit.status == http.StatusOK && r.Method != http.MethodGet {
			return fake.Fault{}
		}
		if s.hit.dies {
			s.dies(r, s.hit.kind, die)
		}
		return fake.Fault{Kind: s.hit.kind, RetryAfter: s.hit.wait, Status: s.hit.status, Body: s.hit.body}
	}
	s.JumpCloud.Fault, s.AzureAD.Fault = strike, strike
	if s.reads != nil {
		s.reads(s.Env)
	}
	calls(ctx)
	quiet.Store(true)
	s.spent = int(n.Load())
}

// dies ends the process that has sent a request: before its effect, or after it.
func (s *tale) dies(r *http.Request, kind fake.FaultKind, die context.CancelCauseFunc) {
	if kind == fake.DropAfter {
		s.afterEffect(r, func() { die(errDied) })
	} else {
		die(errDied)
	}
}

// onRequest answers the requests that a method and a path's pattern (as in
// path.Match, without query) name, the first n of them.
func (s *tale) onRequest(method, pattern string, n int, f fake.Fault) (over func()) {
	var left, quiet atomic.Int64
	left.Store(int64(n))
	strike := func(r *http.Request) fake.Fault {
		if ok, _ := path.Match(pattern, r.URL.Path); !ok || r.Method != method || quiet.Load() > 0 || left.Add(-1) < 0 {
			return fake.Fault{}
		}
		return f
	}
	s.JumpCloud.Fault, s.AzureAD.Fault = strike, strike
	return func() { quiet.Store(1) }
}

// Answers of their own: a refusal for good, and a 200 without what was asked for.
var (
	denied   = fake.Fault{Kind: fake.TooManyBare, Status: http.StatusForbidden, Body: deniedBody}
	nothing  = fake.Fault{Kind: fake.Refuse503, Status: http.StatusOK, Body: `{}`}
	lostWith = fake.Fault{Kind: fake.DropAfter}
)

const deniedBody = `{"message":"Forbidden","error":{"code":"Authorization_RequestDenied","message":"Insufficient privileges to complete the operation."}}`

// meanwhile are options whose confirmation takes an hour, in which something is edited.
func (s *tale) meanwhile(change func()) *federation.Options {
	return &federation.Options{Confirm: func(context.Context, *federation.Proposal) error {
		s.edit(change)
		time.Sleep(time.Hour)
		return nil
	}}
}

// object makes the two ends of a binding shorter to write.
func object(t jumpcloud.ObjectType, id string) jumpcloud.Object {
	return jumpcloud.Object{Type: t, ID: id}
}

// groupID is that of a group that exists.
func (s *tale) groupID(name string) string {
	all := s.JumpCloud.Groups()
	return all[slices.IndexFunc(all, func(g jumpcloudtest.Group) bool { return g.Name == name })].ID
}

// app is the one application.
func (s *tale) app() jumpcloudtest.Application { return s.JumpCloud.Applications()[0] }

// killed is a context that ends with the first request that a method and a
// path's pattern name, before its effect or after it.
func (s *tale) killed(method, pattern string, kind fake.FaultKind) (ctx context.Context, over func()) {
	ctx, die := context.WithCancelCause(s.ctx)
	var quiet atomic.Bool
	strike := func(r *http.Request) fake.Fault {
		if ok, _ := path.Match(pattern, r.URL.Path); !ok || r.Method != method || quiet.Load() {
			return fake.Fault{}
		}
		s.dies(r, kind, die)
		return fake.Fault{Kind: kind}
	}
	s.JumpCloud.Fault, s.AzureAD.Fault = strike, strike
	return ctx, func() { quiet.Store(true); die(nil) }
}
