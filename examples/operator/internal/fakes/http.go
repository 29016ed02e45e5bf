package fakes

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/federation/federationtest"
)

// providerKey is what the stand-in of JumpCloud takes from handler, and from nobody else.
const providerKey = "stand-in-provider-key"

// apiKey and graphToken are what a customer's services take: always the same, so that they
// are good after a restart.
func (c *customer) apiKey() string { return fmt.Sprintf("stand-in-key-%03d", c.number) }

// graphToken has the form of Microsoft's: in the middle it says what it is good for. Where
// the signature would be, it says what it is.
func (c *customer) graphToken() string {
	claims, err := json.Marshal(map[string]any{
		"aud": "https://graph.microsoft.com", "tid": c.AzureAD.TenantID, "roles": aadtest.AllPermissions(),
		"exp": time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC).Unix(),
	})
	if err != nil {
		panic(err) // nothing of it can fail
	}
	code := base64.RawURLEncoding.EncodeToString
	return code([]byte(`{"typ":"JWT","alg":"none"}`)) + "." + code(claims) + "." + fmt.Sprintf("stand-in-token-%03d", c.number)
}

func (c *customer) apiKeyName() string     { return fmt.Sprintf("FAKE_%03d_JUMPCLOUD", c.number) }
func (c *customer) graphTokenName() string { return fmt.Sprintf("FAKE_%03d_GRAPH", c.number) }

// Environment is what the environment variables hold that the customers file names.
func (f *Fakes) Environment() map[string]string {
	env := make(map[string]string)
	for _, c := range f.all {
		env[c.apiKeyName()], env[c.graphTokenName()] = c.apiKey(), c.graphToken()
		if c.kind == Refused {
			env[c.apiKeyName()] = fmt.Sprintf("withdrawn-key-%03d", c.number)
		}
	}
	return env
}

// CustomersYAML is a customers file, whose customers are served at base, such as
// http://127.0.0.1:8080. One actor, operator, may do everything, and needs no second.
func (f *Fakes) CustomersYAML(base string) []byte {
	base = strings.TrimRight(base, "/")
	var b bytes.Buffer
	b.WriteString("# The customers of the demonstration. Their services are in memory.\n")
	b.WriteString("roles:\n  operator: admin\ncustomers:\n")
	for _, c := range f.all {
		fmt.Fprintf(&b, "  - name: %s\n    domain: %s\n", strconv.Quote(c.name), c.Domain)
		fmt.Fprintf(&b, "    labels: {wave: %q, kind: %q}\n    mode: manage\n    twoPeople: false\n", wave(c.number), c.kind)
		if c.kind == Expiring {
			b.WriteString("    standing: [rotate-own-key, rotate-second-application]\n")
		}
		at := fmt.Sprintf("%s/c/%d", base, c.number)
		fmt.Fprintf(&b, "    jumpCloud:\n      apiKey: env:%s\n      organization: %s\n      url: %s/jumpcloud\n",
			c.apiKeyName(), c.JumpCloud.OrgID(), at)
		fmt.Fprintf(&b, "    azureAD:\n      token: env:%s\n      graphURL: %s/graph\n      loginURL: %s/login\n", c.graphTokenName(), at, at)
		plan := c.Plan()
		fmt.Fprintf(&b, "    plan:\n      tenant: %s\n      mfa: %s\n      groups: [{name: %s}]\n",
			c.AzureAD.TenantID, plan.MFA, federationtest.Group)
		fmt.Fprintf(&b, "      technicalAccount: {userPrincipalName: %s}\n", plan.TechnicalAccount.UserPrincipalName)
	}
	return b.Bytes()
}

// wave is the label by which a batch may be made: one customer is the pilot.
func wave(number int) string {
	if number == 1 {
		return "pilot"
	}
	return fmt.Sprint(1 + (number-1)/10)
}

// handler serves everything at one address.
type handler struct{ mux *http.ServeMux }

// ServeHTTP implements [http.Handler].
func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

const about = `Stand-ins of JumpCloud and Azure AD, in memory.

/c/N/jumpcloud, /c/N/graph, /c/N/login   the services of customer N
/customers.yaml                          a customers file for them
/environment                             what its env: names stand for, as JSON
/customers                               who they are, as JSON
/counts, /counts?domain=NAME             what there is of each domain, as JSON
/writes                                  how many writing requests there were
POST /drift?domain=NAME                  somebody changes the federation by hand
`

// serve makes the handler.
func (f *Fakes) serve() error {
	mux := http.NewServeMux()
	f.mux = mux
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, about) })
	mux.HandleFunc("GET /environment", func(w http.ResponseWriter, _ *http.Request) { reply(w, f.Environment()) })
	mux.HandleFunc("GET /customers", func(w http.ResponseWriter, _ *http.Request) { reply(w, f.Customers()) })
	mux.HandleFunc("GET /writes", func(w http.ResponseWriter, _ *http.Request) { reply(w, f.Writes()) })
	mux.HandleFunc("GET /customers.yaml", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/yaml; charset=utf-8")
		w.Write(f.CustomersYAML("http://" + r.Host))
	})
	mux.HandleFunc("GET /counts", f.serveCounts)
	mux.HandleFunc("POST /drift", func(w http.ResponseWriter, r *http.Request) {
		if err := f.Drift(r.URL.Query().Get("domain")); err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
		}
	})
	for _, c := range f.all {
		token, err := c.AzureAD.Credential().GetToken(context.Background(), policy.TokenRequestOptions{})
		if err != nil {
			return err
		}
		c.token = token.Token
		at := fmt.Sprintf("/c/%d", c.number)
		mux.Handle(at+"/jumpcloud/", http.StripPrefix(at+"/jumpcloud", f.jumpCloud(c)))
		mux.Handle(at+"/graph/", http.StripPrefix(at+"/graph", c.graph(at+"/graph")))
		mux.Handle(at+"/login/", http.StripPrefix(at+"/login", c.AzureAD))
	}
	return nil
}

func (f *Fakes) serveCounts(w http.ResponseWriter, r *http.Request) {
	if domain := r.URL.Query().Get("domain"); domain != "" {
		n, ok := f.Counts(domain)
		if !ok {
			http.Error(w, "no customer has this domain", http.StatusNotFound)
			return
		}
		reply(w, n)
		return
	}
	all := make([]Counts, 0, len(f.all))
	for _, c := range f.all {
		n, _ := f.Counts(c.Domain)
		all = append(all, n)
	}
	reply(w, all)
}

func reply(w http.ResponseWriter, v any) {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(append(b, '\n'))
}

// jumpCloud is the customer's JumpCloud: the provider's, which takes the customer's own
// key for the customer's organisation.
func (f *Fakes) jumpCloud(c *customer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		org := r.Header.Get("X-Org-Id")
		if r.Header.Get("X-Api-Key") == c.apiKey() && (org == "" || org == c.JumpCloud.OrgID()) {
			r = with(r, "X-Api-Key", providerKey)
		} else {
			r = with(r, "X-Api-Key", "refused")
		}
		f.provider.JumpCloud.ServeHTTP(w, r)
	})
}

func with(r *http.Request, name, value string) *http.Request {
	r = r.Clone(r.Context())
	r.Header.Set(name, value)
	return r
}

// graph is the customer's Microsoft Graph, at a path. Links to next pages name the host
// that was asked, and no path: it is put in.
func (c *customer) graph(path string) http.Handler {
	token := c.graphToken()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok && given == token {
			r = with(r, "Authorization", "Bearer "+c.token)
		}
		l := &linked{ResponseWriter: w, from: []byte("://" + host + "/v1.0/"), to: []byte("://" + host + path + "/v1.0/")}
		c.AzureAD.ServeHTTP(l, r)
		l.finish()
	})
}

// linked holds an answer back until it is whole, and changes what leads to the host.
type linked struct {
	http.ResponseWriter
	from, to []byte
	status   int
	body     bytes.Buffer
}

// WriteHeader implements [http.ResponseWriter].
func (l *linked) WriteHeader(status int) {
	if status >= http.StatusOK && l.status == 0 {
		l.status = status
	}
}

// Write implements [http.ResponseWriter].
func (l *linked) Write(b []byte) (int, error) {
	l.status = cmp.Or(l.status, http.StatusOK)
	return l.body.Write(b)
}

func (l *linked) finish() {
	b := l.body.Bytes()
	if l.Header().Get("Content-Encoding") == "" {
		b = bytes.ReplaceAll(b, l.from, l.to)
	}
	if l.Header().Get("Content-Length") != "" {
		l.Header().Set("Content-Length", strconv.Itoa(len(b)))
	}
	l.ResponseWriter.WriteHeader(cmp.Or(l.status, http.StatusOK))
	l.ResponseWriter.Write(b) // the client may be gone
}
