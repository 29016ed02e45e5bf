package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/examples/internal/keyfile"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
)

const introduction = `Rotating the signing certificate of %s: %s

Nothing here is live: both services are stand-ins in memory, filled with people who do not exist, and
their clock is bent: it stands, goes on by %v with each write, and jumps from call to call. What talks to
them is the code that talks to live tenants (rotate -h tells the flags).

`

// perWrite is how long a write takes by the bent clock.
const perWrite = 2 * time.Second

// pageOpen is how long a person may take to sign in; see [federationtest.Env.SignIns].
const pageOpen = 10 * time.Minute

// A bentClock stands, but where it is moved.
type bentClock struct {
	mu sync.Mutex
	at time.Time
}

func (c *bentClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *bentClock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// jump goes to a time at once, if it is ahead.
func (c *bentClock) jump(ctx context.Context, until time.Time) error {
	c.move(max(0, until.Sub(c.now())))
	return ctx.Err()
}

func (c *bentClock) clock() clock { return clock{now: c.now, wait: c.jump} }

// RoundTrip of what it wraps takes time, if it writes.
func (c *bentClock) wrap(t http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.Method != http.MethodGet && !strings.Contains(r.URL.Path, "oauth2") {
			c.move(perWrite)
		}
		return t.RoundTrip(r)
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// bend makes stand-ins and a clock, and federates the demo organisation 50 days before
// its certificate ends.
func (j *job) bend(ctx context.Context) (*federationtest.Env, error) {
	bent := &bentClock{at: time.Date(2026, time.January, 5, 22, 0, 0, 0, time.UTC)}
	env := federationtest.New(&federationtest.Options{Lifelike: true})
	env.JumpCloud.Now, env.AzureAD.Now = bent.now, bent.now
	j.clock = bent.clock()
	j.use(env.JumpCloud.Client(&jumpcloud.Options{Wrap: bent.wrap}), env.AzureAD.Client(&aad.Options{Wrap: bent.wrap}))
	if _, err := j.federator.Federate(ctx, env.Plan()); err != nil {
		return nil, err
	}
	fed, _ := env.AzureAD.Federation(env.Domain)
	end := fed.SigningCertificate.X509().NotAfter
	at := time.Date(end.Year(), end.Month(), end.Day()-50, 22, 0, 0, 0, time.UTC)
	if err := j.wait(ctx, at); err != nil {
		return nil, err
	}
	j.plan = j.over(federation.RotatePlan{
		Plan: env.Plan(), Method: federation.OwnKeyPair, RevokeSessions: j.method == string(federation.Emergency),
		Key: federation.RotateKey{Bits: 2048}, Consent: federation.RotateConsent{Gap: true, Outage: true, Policies: true},
	})
	if j.plan.Method != federation.OwnKeyPair {
		j.plan.Replace = fed.SigningCertificate.Fingerprint()
	}
	return env, nil
}

// demonstrate shows a whole rotation on stand-ins. It returns the exit code.
func (j *job) demonstrate(ctx context.Context) int {
	ctx = federationtest.Hurry(ctx)
	dir, err := os.MkdirTemp("", "rotate-keys-")
	if err != nil {
		fmt.Fprintln(j.err, err)
		return exitFailed
	}
	defer os.RemoveAll(dir)
	j.yes, j.store = true, &keyStore{Store: keyfile.Store{Dir: dir}}
	env, err := j.bend(ctx)
	if err != nil {
		j.services.Explain(j.err, err)
		return exitFailed
	}
	fmt.Fprintf(j.out, introduction, env.Domain, j.plan.Method, perWrite)
	j.head("Watch: how long is the certificate good for? (reads only)")
	if j.look(ctx) == watchUnknown {
		return exitFailed
	}
	j.head("Preview: what will each call do, and what do people notice? (reads only)")
	promise, err := j.federator.PreviewRotation(ctx, j.plan, nil)
	fmt.Fprint(j.out, promise)
	if err != nil {
		return j.failed(err)
	}
	j.head("Rotate: the calls")
	began := j.now()
	code := j.untilDone(ctx)
	if code != exitDone {
		return code
	}
	j.head("Count: which sign-ins failed?")
	return j.count(env, began, promise.Gap)
}

// untilDone calls until it is done. The pilot succeeds.
func (j *job) untilDone(ctx context.Context) int {
	code := j.rotate(ctx)
	if code == exitPerson && j.last.Phase == federation.RotationPilot && j.plan.Approve == "" {
		fmt.Fprintf(j.out, "\nThe pilot has signed in. Now with -approve %s:\n\n", j.last.New.Fingerprint)
		j.plan.Approve = j.last.New.Fingerprint
		code = j.rotate(ctx)
	}
	return code
}

// count judges the sign-ins of every second, from as long before the first call as a page
// may be open until the last change has reached every server. It returns the exit code.
func (j *job) count(env *federationtest.Env, began time.Time, promised time.Duration) int {
	lag := time.Duration(j.lag)
	if !j.given["lag"] {
		lag = 2 * time.Hour
	}
	from, to := began.Add(-pageOpen), j.now().Add(lag)
	s := env.SignIns(from, to, lag)
	fmt.Fprintf(j.out, "  One sign-in begins each second from %s to %s. It counts as failed if it can fail at all: whichever servers "+
		"of both services it meets, each of them 0 to %s behind.\n\n", moment(from), moment(to), short(lag))
	fmt.Fprintf(j.out, "%d sign-ins, %d failed sign-ins\n", s.Seconds, s.Failed)
	last := began
	for _, g := range s.Gaps {
		fmt.Fprintf(j.out, "  %s to %s (%s): %s\n", moment(g.From), moment(g.To), g.To.Sub(g.From), g.Why)
		last = later(last, g.To)
	}
	if promised == 0 {
		if s.Failed > 0 {
			return exitFailed
		}
		return exitDone
	}
	gap := last.Sub(began)
	fmt.Fprintf(j.out, "\nThe preview promised a gap of at most %s from the call on; it was %s. Sign-ins that had begun up to %s before it, "+
		"and ended in it, failed as well.\n", short(promised), short(gap), short(pageOpen))
	if gap > promised {
		return exitFailed
	}
	return exitDone
}

// short is a duration without the parts that are zero at its end.
func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// head begins a section.
func (j *job) head(title string) {
	j.section++
	title = fmt.Sprintf("%d. %s", j.section, title)
	fmt.Fprintf(j.out, "\n%s\n%s\n\n", title, strings.Repeat("-", min(len(title), j.out.Width())))
}
