package desk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	sdk "go.temporal.io/sdk/temporal"

	"github.com/jcaad/jcaad/examples/operator/internal/approve"
	"github.com/jcaad/jcaad/examples/operator/internal/audit"
	"github.com/jcaad/jcaad/examples/operator/internal/customers"
	"github.com/jcaad/jcaad/examples/operator/internal/data"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/examples/operator/internal/page"
	"github.com/jcaad/jcaad/examples/operator/internal/secret"
	"github.com/jcaad/jcaad/federation"
)

// server is a Temporal of which a test says what it answers, and that says what it was
// asked, in its order.
type server struct {
	client.Client // nil: what is not below is not to be asked

	mu      sync.Mutex
	calls   []string
	starts  map[string]client.StartWorkflowOptions
	args    map[string]any // of starts by ID, of updates and signals by ID and name
	ids     map[string]string
	states  map[string]any // by ID of a workflow
	listed  []string
	away    bool
	refused error // of signals
	// update answers an update; nil: it is done.
	update func(client.UpdateWorkflowOptions) error
	// later answers who asks again what came of an update.
	later  func(client.GetWorkflowUpdateHandleOptions) error
	admit  func(id string) bool
	during func(call string)
}

func newTemporal() *server {
	return &server{
		starts: make(map[string]client.StartWorkflowOptions), args: make(map[string]any),
		ids: make(map[string]string), states: make(map[string]any),
	}
}

func (f *server) called(call string) error {
	f.mu.Lock()
	f.calls = append(f.calls, call)
	away, during := f.away, f.during
	f.mu.Unlock()
	if during != nil {
		during(call)
	}
	if away {
		return serviceerror.NewUnavailable("connection refused")
	}
	return nil
}

// count returns how many calls begin with a text.
func (f *server) count(begin string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.calls {
		if strings.HasPrefix(c, begin) {
			n++
		}
	}
	return n
}

// arg is what a workflow was begun with, or told: by its ID, or that and the name.
func (f *server) arg(of string) any {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.args[of]
}

func (f *server) start(id string) client.StartWorkflowOptions {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.starts[id]
}

func (f *server) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *server) ExecuteWorkflow(_ context.Context, o client.StartWorkflowOptions, workflow any, args ...any) (client.WorkflowRun, error) {
	if err := f.called("start " + o.ID); err != nil {
		return nil, err
	}
	f.set(func() { f.starts[o.ID] = o; f.args[o.ID] = args[0] })
	return nil, nil
}

func (f *server) QueryWorkflow(_ context.Context, id, _, query string, _ ...any) (converter.EncodedValue, error) {
	if err := f.called("query " + id); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	s, ok := f.states[id]
	if !ok || query != flow.QueryState {
		return nil, serviceerror.NewNotFound("no such workflow")
	}
	return encoded{s}, nil
}

func (f *server) ListWorkflow(
	context.Context, *workflowservice.ListWorkflowExecutionsRequest,
) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	if err := f.called("list"); err != nil {
		return nil, err
	}
	out := &workflowservice.ListWorkflowExecutionsResponse{}
	for _, id := range f.listed {
		out.Executions = append(out.Executions, &workflowpb.WorkflowExecutionInfo{Execution: &commonpb.WorkflowExecution{WorkflowId: id}})
	}
	return out, nil
}

func (f *server) SignalWorkflow(_ context.Context, id, _, name string, arg any) error {
	if err := f.called("signal " + id + " " + name); err != nil {
		return err
	}
	f.set(func() { f.args[id+" "+name] = arg })
	return f.refused
}

func (f *server) CheckHealth(context.Context, *client.CheckHealthRequest) (*client.CheckHealthResponse, error) {
	return nil, f.called("health")
}

func (f *server) UpdateWorkflow(_ context.Context, o client.UpdateWorkflowOptions) (client.WorkflowUpdateHandle, error) {
	if err := f.called("update " + o.WorkflowID + " " + o.UpdateName); err != nil {
		return nil, err
	}
	f.mu.Lock()
	answer, admit := f.update, f.admit
	f.mu.Unlock()
	if answer != nil {
		if err := answer(o); err != nil {
			return nil, err
		}
	}
	if !admit(o.UpdateID) {
		return nil, sdk.NewApplicationError("nobody waits for it", "refused")
	}
	f.set(func() {
		f.ids[o.WorkflowID+" "+o.UpdateName] = o.UpdateID
		if len(o.Args) > 0 {
			f.args[o.WorkflowID+" "+o.UpdateName] = o.Args[0]
		}
	})
	return handle{}, nil
}

func (f *server) GetWorkflowUpdateHandle(o client.GetWorkflowUpdateHandleOptions) client.WorkflowUpdateHandle {
	err := f.called("later " + o.WorkflowID + " " + o.UpdateID)
	if err == nil {
		err = f.later(o)
	}
	return handle{err: err}
}

type handle struct {
	client.WorkflowUpdateHandle
	err error
}

func (h handle) Get(context.Context, any) error { return h.err }

type encoded struct{ v any }

func (encoded) HasValue() bool { return true }

func (e encoded) Get(to any) error {
	b, err := json.Marshal(e.v)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, to)
}

// office is a desk in a folder of its own, with a Temporal that is faked.
type office struct {
	*Desk
	temporal *server
	file     string
	folder   string
	change   func(*Options)
}

const keyText = "0123456789abcdef0123456789abcdef"

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func entry(domain, more string) string {
	return "  - domain: " + domain + "\n    mode: manage\n    jumpCloud: {apiKey: env:A}\n" +
		"    azureAD: {tenant: t, clientID: c, clientSecret: env:B}\n" + more +
		"    plan: {mfa: rejectMfaByFederatedIdp, groups: [{name: Everyone}]}\n"
}

// open returns a desk over a customers file.
func open(t *testing.T, file string, change func(*Options)) *office {
	t.Helper()
	o := &office{
		temporal: newTemporal(), file: filepath.Join(t.TempDir(), "customers.yaml"), folder: filepath.Join(t.TempDir(), "data"),
		change: change,
	}
	write(t, o.file, file)
	o.begin(t)
	return o
}

// begin has a new desk in the folder.
func (o *office) begin(t *testing.T) {
	t.Helper()
	dir, err := data.Open(o.folder, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dir.Close() })
	log, err := audit.Open(dir.Audit())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	key, err := approve.ParseKey(keyText)
	if err != nil {
		t.Fatal(err)
	}
	holder := &customers.Holder{}
	if err := holder.Load(o.file); err != nil {
		t.Fatal(err)
	}
	options := Options{
		Client: o.temporal, Data: dir, Audit: log, Key: key, Customers: holder, Vault: secret.NewVault(nil),
		Now: func() time.Time { return noon }, Log: slog.New(slog.DiscardHandler), Within: 5 * time.Second,
	}
	if o.change != nil {
		o.change(&options)
	}
	o.Desk = New(options)
	o.temporal.admit = o.Admit
}

// again ends the desk, and has another one in its folder, over a customers file.
func (o *office) again(t *testing.T, file string) {
	t.Helper()
	o.o.Audit.Close()
	if err := o.o.Data.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, o.file, file)
	o.begin(t)
}

func write(t *testing.T, path, s string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(s), 0o600); err != nil {
		t.Fatal(err)
	}
}

// waiting shows a domain with a proposal that waits for an approval, and returns its hash.
func (o *office) waiting(t *testing.T, domain string, change func(*federation.Proposal, *flow.Open)) string {
	t.Helper()
	h := sha256.Sum256([]byte(domain))
	p := &federation.Proposal{
		Version: 1, Verb: federation.VerbFederate, Domain: domain, Hash: hex.EncodeToString(h[:]),
		Created: noon, Expires: noon.Add(72 * time.Hour), Plan: &federation.Plan{Domain: domain},
	}
	open := flow.Open{Hash: p.Hash, Verb: p.Verb, Changes: 9}
	if change != nil {
		change(p, &open)
	}
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	if open.Proposal, err = o.o.Data.SaveProposal(p.Hash, b); err != nil {
		t.Fatal(err)
	}
	open.Verb = p.Verb
	o.Show(flow.State{Domain: domain, Customer: domain, Phase: flow.Approval, Open: &open})
	return p.Hash
}

// told is what the audit says: actors, verb, domain and outcome of each entry.
func (o *office) told(t *testing.T) (lines []string) {
	t.Helper()
	for e, err := range o.Audit(audit.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("%s %s %s: %s", strings.Join(e.Actors, "+"), e.Verb, e.Domain, e.Outcome))
	}
	return lines
}

var nonces int

// by is an act of somebody on a domain.
func by(actor, verb, domain string, hashes ...string) page.Act {
	nonces++
	return page.Act{
		ID: fmt.Sprint("nonce-", nonces), Actor: approve.Actor{Name: actor, From: "192.0.2.1"}, Verb: verb,
		Domains: []string{domain}, Hashes: hashes,
	}
}

// start runs Start until the test ends.
func (o *office) start(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); o.Start(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
}

// eventually waits, without asking the clock, until something of the board is so.
func (o *office) eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	changed, cancel := o.Subscribe()
	defer cancel()
	limit := time.NewTimer(20 * time.Second)
	defer limit.Stop()
	for !is() {
		select {
		case <-changed:
		case <-limit.C:
			o.temporal.mu.Lock()
			defer o.temporal.mu.Unlock()
			t.Fatalf("%s: never; the calls were %s", what, strings.Join(slices.Clone(o.temporal.calls), ", "))
		}
	}
}
