package work

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/jcaad/jcaad/examples/internal/keyfile"
	"github.com/jcaad/jcaad/examples/operator/internal/approve"
	"github.com/jcaad/jcaad/examples/operator/internal/audit"
	"github.com/jcaad/jcaad/examples/operator/internal/customers"
	"github.com/jcaad/jcaad/examples/operator/internal/data"
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
	"github.com/jcaad/jcaad/examples/operator/internal/secret"
	"github.com/jcaad/jcaad/federation/federationtest"
)

const (
	jcKey    = "jumpcloudtest-canary-4711"
	approve1 = "ada@provider.example"
	approve2 = "grace@provider.example"
)

// A bench is one customer on the library's stand-ins, and the activities over them.
type bench struct {
	t     *testing.T
	env   *federationtest.Env
	a     *Activities
	o     Options
	dir   *data.Dir
	key   approve.Key
	roles approve.Roles

	mu   sync.Mutex
	file *customers.File
	text string
	vars map[string]string
	now  func() time.Time

	all []string // what has left the package
	n   int
}

func token(t *testing.T, env *federationtest.Env) string {
	tok, err := env.AzureAD.Credential().GetToken(context.Background(), policy.TokenRequestOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return tok.Token
}

// newBench has the customer's entry with more lines in it.
func newBench(t *testing.T, o *federationtest.Options, more string) *bench {
	t.Helper()
	b := &bench{t: t, env: federationtest.New(o), now: time.Now}
	b.env.JumpCloud.APIKey = jcKey
	b.vars = map[string]string{"JC": jcKey, "AD": token(t, b.env)}
	b.list(more)
	var err error
	if b.key, err = approve.ParseKey("0123456789abcdef0123456789abcdef"); err != nil {
		t.Fatal(err)
	}
	if b.roles, err = approve.NewRoles(approve.Grant{Actor: approve1, Customer: "*", Role: approve.Approve},
		approve.Grant{Actor: approve2, Customer: "*", Role: approve.Approve}); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(t.TempDir(), "data")
	if b.dir, err = data.Open(folder, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.dir.Close() })
	log, err := audit.Open(b.dir.Audit())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	b.o = Options{
		Customers: func() *customers.File { b.mu.Lock(); defer b.mu.Unlock(); return b.file },
		Roles:     func() approve.Roles { return b.roles },
		Vault: secret.NewVault(&secret.Options{LookupEnv: func(name string) (string, bool) {
			b.mu.Lock()
			defer b.mu.Unlock()
			v, ok := b.vars[name]
			return v, ok
		}}),
		Data: b.dir, Audit: log, Key: b.key, KeyPassphrase: "correct horse battery staple",
		Now:    func() time.Time { return b.now() },
		OnStep: func(domain, text string) { b.told(domain + " " + text) },
		Beat: func(_ context.Context, p Progress) error {
			j, _ := json.Marshal(p)
			b.told(string(j))
			return nil
		},
		HTTPClient: func(c customers.Credential) *http.Client {
			if c.Kind == customers.APIKey || c.Kind == customers.ServiceAccount {
				return b.env.JumpCloud.HTTPClient()
			}
			return b.env.AzureAD.HTTPClient()
		},
		Context: federationtest.Hurry,
	}
	b.restart()
	return b
}

// restart is a new process.
func (b *bench) restart() {
	a, err := New(b.o)
	if err != nil {
		b.t.Fatal(err)
	}
	b.a = a
}

// plainKeys stores keys without a passphrase, with which each use of one takes a second.
func (b *bench) plainKeys() { b.a.keys = &keyfile.Store{Dir: b.dir.Keys()} }

// list writes the customers file anew.
func (b *bench) list(more string) {
	b.t.Helper()
	plan := ""
	if b.env.OnlyInAzureAD != "" {
		plan = ", consent: {lockOut: {people: [" + b.env.OnlyInAzureAD + "]}}"
	}
	text := fmt.Sprintf(`
customers:
  - name: Contoso
    domain: %s
    jumpCloud: {apiKey: env:JC}
    azureAD: {token: env:AD}
    plan: {mfa: acceptIfMfaDoneByFederatedIdp, groups: [{name: %s}], technicalAccount: {userPrincipalName: %s}%s}
%s`, b.env.Domain, federationtest.Group, b.env.Administrators[0], plan, more)
	file, err := customers.Parse([]byte(text), "customers.yaml")
	if err != nil {
		b.t.Fatal(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.file, b.text = file, text
}

func (b *bench) told(s string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all = append(b.all, s)
}

// keep keeps what an activity has returned for the search for canaries.
func keep[T any](b *bench, out T, err error) T {
	b.t.Helper()
	j, bad := json.Marshal(out)
	if bad != nil {
		b.t.Fatal(bad)
	}
	b.told(string(j))
	if err != nil {
		b.told(err.Error())
	}
	return out
}

func (b *bench) look(ctx context.Context) flow.LookOut {
	b.t.Helper()
	out, err := b.a.Look(ctx, flow.LookIn{Domain: b.env.Domain})
	if err != nil {
		b.t.Fatal(err)
	}
	return keep(b, out, nil)
}

// approved is a proposal that one or two people have approved.
func (b *bench) approved(open flow.Open, who ...string) flow.Approved {
	b.t.Helper()
	p, err := b.a.loadProposal(open, b.env.Domain)
	if err != nil {
		b.t.Fatal(err)
	}
	act, err := approve.Of("Contoso", open.Verb, p, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	var first *approve.Approval
	for _, name := range who {
		a, err := b.key.Sign(act, first, name, b.roles, b.now())
		if err != nil {
			b.t.Fatal(err)
		}
		first = &a
	}
	return b.with(open, *first)
}

func (b *bench) with(open flow.Open, a approve.Approval) flow.Approved {
	b.t.Helper()
	j, err := json.Marshal(a)
	if err != nil {
		b.t.Fatal(err)
	}
	ref, err := b.dir.SaveApproval(j)
	if err != nil {
		b.t.Fatal(err)
	}
	b.n++
	return flow.Approved{Open: open, Approval: ref, Run: fmt.Sprintf("run-%d", b.n)}
}

func (b *bench) run(ctx context.Context, in flow.Approved) flow.RunOut {
	b.t.Helper()
	out, err := b.a.Run(ctx, flow.RunIn{Domain: b.env.Domain, Approved: in})
	if err != nil {
		b.t.Fatal(err)
	}
	return keep(b, out, nil)
}

// federated is a domain that was looked at, approved and federated.
func (b *bench) federated(ctx context.Context) flow.RunOut {
	b.t.Helper()
	look := b.look(ctx)
	if look.Open == nil {
		b.t.Fatalf("nothing is proposed: %+v %+v", look, look.Problem)
	}
	who := []string{approve1}
	if look.Open.Two {
		who = append(who, approve2)
	}
	out := b.run(ctx, b.approved(*look.Open, who...))
	if !out.Done || out.Report == nil {
		b.t.Fatalf("the run: %+v %+v", out, out.Problem)
	}
	b.one()
	return out
}

// one asserts that there is one of each.
func (b *bench) one() {
	b.t.Helper()
	if n := len(b.env.JumpCloud.Applications()); n != 1 {
		b.t.Errorf("there are %d applications", n)
	}
	if _, ok := b.env.AzureAD.Federation(b.env.Domain); !ok {
		b.t.Error("the domain is not federated")
	}
	bindings := 0
	for _, as := range b.env.JumpCloud.Associations() {
		if as[0].Type == "application" || as[1].Type == "application" {
			bindings++
		}
	}
	if bindings != 1 {
		b.t.Errorf("the application has %d bindings", bindings)
	}
}

// clean asserts that nothing that has left the package names a person or has a secret.
func (b *bench) clean() {
	b.t.Helper()
	lines, err := os.ReadFile(b.dir.Audit())
	if err != nil {
		b.t.Fatal(err)
	}
	lines = []byte(strings.NewReplacer(approve1, "", approve2, "").Replace(string(lines)))
	b.mu.Lock()
	defer b.mu.Unlock()
	all := strings.ToLower(strings.Join(append(b.all, string(lines)), "\n"))
	if len(b.all) < 2 {
		b.t.Fatal("nothing was told")
	}
	canaries := []string{jcKey, b.vars["AD"], "horse battery"}
	for _, u := range b.env.AzureAD.Users() {
		canaries = append(canaries, u.UserPrincipalName, u.DisplayName)
	}
	for _, u := range b.env.JumpCloud.Users() {
		canaries = append(canaries, u.Username, u.Email, u.DisplayName)
	}
	for _, c := range canaries {
		if c != "" && strings.Contains(all, strings.ToLower(c)) {
			at := strings.Index(all, strings.ToLower(c))
			b.t.Errorf("%q got out: …%s…", c, all[max(0, at-200):min(len(all), at+100)])
		}
	}
}
