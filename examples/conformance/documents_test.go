package conformance

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/jcaad/jcaad/aad/signin"
	"github.com/jcaad/jcaad/aad/signin/tenant"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/federation/schema"
)

// keeper holds what is written against its schema.
type keeper struct {
	t       *testing.T
	schemas map[string]*jsonschema.Schema
	written map[string][]string
}

// keep holds a document against its schema, and the same without each field that it
// always has.
func (k *keeper) keep(kind string, v any, always ...string) {
	k.t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		k.t.Fatal(err)
	}
	k.written[kind] = append(k.written[kind], string(text))
	if err := validate(k.schemas[kind], text); err != nil {
		k.t.Errorf("a %s: %v\n%.2000s", kind, err, text)
	}
	for _, name := range always {
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(text, &fields); err != nil {
			k.t.Fatal(err)
		}
		for _, change := range []func(){
			func() { fields[name] = json.RawMessage(`{"x": 1}`) },
			func() { delete(fields, name) },
		} {
			change()
			if less, err := json.Marshal(fields); err != nil || validate(k.schemas[kind], less) == nil {
				k.t.Errorf("a %s with another %s, or without, is good (%v)", kind, name, err)
			}
		}
	}
}

// keys is a key store.
type keys struct {
	mu   sync.Mutex
	pair *certs.KeyPair
}

// Save implements [federation.KeyStore].
func (k *keys) Save(_ context.Context, _ string, pair *certs.KeyPair) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.pair = pair
	return nil
}

// Load implements [federation.KeyStore].
func (k *keys) Load(context.Context, string) (*certs.KeyPair, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.pair == nil {
		return nil, federation.ErrNoKey
	}
	return k.pair, nil
}

// TestDocuments: what the library writes on the stand-ins is as its schemas say: of runs
// that do something, nothing, the opposite, and that are refused.
func TestDocuments(t *testing.T) {
	k := &keeper{t, map[string]*jsonschema.Schema{
		"plan": compile(t, schema.Plan()), "report": compile(t, schema.Report()), "preflight": compile(t, schema.Preflight()),
		"rotation": compile(t, schema.Rotation()), "verdict": compile(t, schema.Verdict()),
	}, map[string][]string{}}
	ctx := federationtest.Hurry(t.Context())
	var mu sync.Mutex
	now := time.Date(2026, 1, 5, 22, 0, 0, 0, time.UTC)
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	env := federationtest.New(&federationtest.Options{Lifelike: true, DefaultDomain: true})
	env.JumpCloud.Now, env.AzureAD.Now = clock, clock
	f := env.Federator(&federation.Options{Now: clock, Keys: new(keys)})

	plan := env.Plan()
	k.keep("plan", plan, "domain", "mfa", "groups")
	report := func(rep *federation.Report, err error) *federation.Report {
		t.Helper()
		if err != nil {
			t.Log(err)
		}
		k.keep("report", rep, "version", "plan", "started", "finished", "steps")
		return rep
	}
	before, err := f.Preflight(ctx, plan)
	if err != nil {
		t.Fatal(err)
	}
	k.keep("preflight", before, "version", "domain", "time", "gates")
	report(f.PreviewRepair(ctx, federation.RepairPlan{Plan: plan, Bind: true, ImmutableIDs: federation.FromObjectID}))
	plan.Consent = federation.Consent{}
	report(f.Federate(ctx, plan)) // refused: somebody would be locked out
	for _, p := range before.LockedOut() {
		plan.Consent.LockOut.People = append(plan.Consent.LockOut.People, p.UserPrincipalName)
	}
	made := report(f.Federate(ctx, plan))
	if !made.Changed() {
		t.Fatalf("nothing was made:\n%s", made)
	}
	report(f.Federate(ctx, made.Plan))
	verdicts(ctx, t, k, env, clock())

	fed, _ := env.AzureAD.Federation(env.Domain)
	mu.Lock()
	now = fed.SigningCertificate.X509().NotAfter.AddDate(0, 0, -50)
	mu.Unlock()
	rotate := federation.RotatePlan{Plan: made.Plan, Key: federation.RotateKey{Bits: 2048}}
	var last *federation.Rotation
	for range 10 {
		rot, err := f.Rotate(ctx, rotate, last)
		if err != nil {
			t.Fatal(err)
		}
		k.keep("rotation", rot, "version", "domain", "method", "phase", "plan", "next", "steps")
		if last = rot; rot.Done() {
			break
		}
		mu.Lock()
		now = rot.NotBefore
		mu.Unlock()
	}
	if last.Phase != federation.RotationRetired {
		t.Errorf("the rotation is %s", last.Phase)
	}
	rotate.Within = -1
	rot, _ := f.Rotate(ctx, rotate, nil) // refused
	k.keep("rotation", rot)

	report(f.Defederate(ctx, federation.DefederatePlan{Domain: env.Domain}))
	report(f.Revert(ctx, made))
	after, err := f.Preflight(ctx, plan)
	if err != nil {
		t.Fatal(err)
	}
	k.keep("preflight", after)
	for kind, least := range map[string]int{"report": 6, "preflight": 2, "rotation": 5, "verdict": 3} {
		texts := slices.Compact(slices.Sorted(slices.Values(k.written[kind])))
		if len(texts) < least {
			t.Errorf("%d different documents of the kind %s; want %d", len(texts), kind, least)
		}
	}
}

// verdicts judges a sign-in between the stand-ins: as it is, too late, and none.
func verdicts(ctx context.Context, t *testing.T, k *keeper, env *federationtest.Env, at time.Time) {
	ad := env.AzureAD.Client(nil)
	who, err := tenant.Read(ctx, ad)
	if err != nil {
		t.Fatal(err)
	}
	person := federationtest.Person{UserName: "ada.abbott@" + env.Domain}
	walk, err := env.Browser().SignIn(ctx, person)
	if err != nil {
		t.Fatal(err)
	}
	posted := []byte(walk.Posted.Encode())
	accepted := map[signin.Answer]bool{}
	for _, v := range []*signin.Verdict{
		signin.Judge(posted, who, at), signin.Judge(posted, who, at.AddDate(0, 0, 1)), signin.Judge(nil, who, at),
	} {
		k.keep("verdict", v, "accepted")
		accepted[v.Accepted] = true
	}
	if !accepted[signin.Yes] || !accepted[signin.No] {
		t.Errorf("verdicts: %v; want a yes and a no", accepted)
	}
}
