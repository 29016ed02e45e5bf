package federation_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/federation/federationtest"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// The ledger keeps account, at each request that either service gets, of who can
// sign in. It looks at what the services hold in truth, not at what they answer,
// and knows nothing of the package that it judges.

// Why somebody cannot sign in.
const (
	whyGone        = "the account is gone"
	whyDisabled    = "the account is disabled"
	whyHalf        = "the domain is federated without a configuration that can be read"
	whyNowhere     = "no application answers at the configured address with the configured issuer"
	whyInactive    = "the application is not active"
	whyCertificate = "the application signs with a certificate that is in neither slot"
	whyNoID        = "the account has no immutable ID"
	whyOtherID     = "JumpCloud sends another immutable ID than the account has"
	whyNobody      = "JumpCloud has no such person"
	whySuspended   = "the person is suspended in JumpCloud"
	whyNeverActive = "the person was never activated in JumpCloud"
	whyNotBound    = "the person is not bound to the application"
	whyNotExported = "the person is not bound to the directory"
)

// A standing is whether somebody can sign in at one moment.
type standing struct {
	upn string
	why string // empty: they can
}

// truths are what both services hold at one moment.
type truths struct {
	accounts []aad.User
	domains  map[string]aad.Domain
	configs  map[string]aad.Federation // of the federated domains, those that can be read
	roles    []aad.RoleAssignment
	apps     []jumpcloudtest.Application
	byID     map[string]jumpcloud.User
	byEmail  map[string]jumpcloud.User
	groups   map[string]jumpcloudtest.Group
	edges    [][2]jumpcloud.Object
	reached  map[jumpcloud.Object]map[string]bool // whom an object is bound to
}

func truthsOf(env *federationtest.Env) *truths {
	t := &truths{
		accounts: env.AzureAD.Users(), roles: env.AzureAD.RoleAssignments(), apps: env.JumpCloud.Applications(), edges: env.JumpCloud.Associations(),
		domains: make(map[string]aad.Domain), configs: make(map[string]aad.Federation), groups: make(map[string]jumpcloudtest.Group),
		byID: make(map[string]jumpcloud.User), byEmail: make(map[string]jumpcloud.User), reached: make(map[jumpcloud.Object]map[string]bool),
	}
	for _, d := range env.AzureAD.Domains() {
		t.domains[d.Name] = d
		if fed, ok := env.AzureAD.Federation(d.Name); ok {
			t.configs[d.Name] = fed
		}
	}
	for _, g := range env.JumpCloud.Groups() {
		t.groups[g.ID] = g
	}
	for _, u := range env.JumpCloud.Users() {
		t.byID[u.ID], t.byEmail[strings.ToLower(u.Email)] = u, u
	}
	return t
}

func domainOf(upn string) string { return strings.ToLower(upn[strings.LastIndexByte(upn, '@')+1:]) }

// isExternal reports whether an account signs in somewhere else.
func isExternal(a *aad.User) bool {
	return strings.Contains(strings.ToUpper(a.UserPrincipalName), "#EXT#")
}

// root is the domain whose authentication counts for a name: a subdomain that
// was not promoted has that of its root.
func (t *truths) root(name string) aad.Domain {
	for up := name; up != ""; _, up, _ = strings.Cut(up, ".") {
		if d, ok := t.domains[up]; ok && (d.IsRoot || d.IsInitial) {
			return d
		}
	}
	return t.domains[name]
}

// reaches are the users to whom an application or a directory is bound:
// directly, by a group, or by a group in a group.
func (t *truths) reaches(from jumpcloud.Object) map[string]bool {
	users := t.reached[from]
	if users != nil {
		return users
	}
	users = make(map[string]bool)
	t.reached[from] = users
	seen := make(map[string]bool)
	var group func(id string)
	group = func(id string) {
		if seen[id] {
			return
		}
		seen[id] = true
		for _, u := range t.groups[id].Members {
			users[u] = true
		}
		for _, g := range t.groups[id].Nested {
			group(g)
		}
	}
	for _, e := range t.edges {
		to := e[1]
		if e[1] == from {
			to = e[0]
		} else if e[0] != from {
			continue
		}
		switch to.Type {
		case jumpcloud.UserObject:
			users[to.ID] = true
		case jumpcloud.GroupObject:
			group(to.ID)
		}
	}
	return users
}

// exported reports whether a directory knows the user, without which JumpCloud
// has no immutable ID to send.
func (t *truths) exported(user string) bool {
	for _, e := range t.edges {
		for _, o := range e {
			if o.Type == jumpcloud.DirectoryObject && t.reaches(o)[user] {
				return true
			}
		}
	}
	return false
}

// ours reports whether a configuration sends people to JumpCloud.
func ours(fed aad.Federation) bool {
	u, err := url.Parse(fed.PassiveSignInURI)
	return err == nil && strings.HasPrefix(u.Host, "sso.") && strings.HasSuffix(u.Host, "jumpcloud.com")
}

// signIn says why the person of an account cannot sign in; "" if they can. Of a
// managed domain nobody can read who has a password: everybody is taken to.
func (t *truths) signIn(a *aad.User) string {
	root := t.root(domainOf(a.UserPrincipalName))
	fed, readable := t.configs[root.Name]
	switch {
	case a.Enabled != nil && !*a.Enabled:
		return whyDisabled
	case isExternal(a) || !strings.EqualFold(string(root.AuthenticationType), string(aad.Federated)):
		return ""
	case !readable:
		return whyHalf
	case !ours(fed) && a.ImmutableID == "":
		return whyNoID
	case !ours(fed):
		return ""
	}
	i := slices.IndexFunc(t.apps, func(x jumpcloudtest.Application) bool { return x.SSOURL == fed.PassiveSignInURI })
	if i < 0 || t.apps[i].EntityID != fed.IssuerURI { // of two at one address the older is taken to answer
		return whyNowhere
	}
	app := t.apps[i]
	switch {
	case !app.Active:
		return whyInactive
	case app.Certificate == certs.Cert{} || app.Certificate != fed.SigningCertificate && app.Certificate != fed.NextSigningCertificate:
		return whyCertificate
	case a.ImmutableID == "":
		return whyNoID
	}
	// JumpCloud sends the user's own ID, and Azure AD finds the account by it.
	u, ok := t.byID[a.ImmutableID]
	if !ok {
		if _, ok := t.byEmail[strings.ToLower(a.UserPrincipalName)]; ok {
			return whyOtherID
		}
		return whyNobody
	}
	switch {
	case u.Suspended || u.State == jumpcloud.Suspended:
		return whySuspended
	case !u.Activated || u.State == jumpcloud.Staged:
		return whyNeverActive
	case !t.reaches(jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: app.ID})[u.ID]:
		return whyNotBound
	case !t.exported(u.ID):
		return whyNotExported
	}
	return ""
}

// breakGlass counts the administrators who could sign in with JumpCloud down.
func (t *truths) breakGlass() (n int) {
	for _, r := range t.roles {
		i := slices.IndexFunc(t.accounts, func(a aad.User) bool { return a.ID == r.PrincipalID })
		if r.RoleDefinitionID != aad.GlobalAdministrator || i < 0 {
			continue
		}
		a := &t.accounts[i]
		synced := a.OnPremisesSyncEnabled != nil && *a.OnPremisesSyncEnabled
		managed := !strings.EqualFold(string(t.root(domainOf(a.UserPrincipalName)).AuthenticationType), string(aad.Federated))
		if !isExternal(a) && !synced && managed && t.signIn(a) == "" {
			n++
		}
	}
	return n
}

// federated counts the domains that are federated.
func (t *truths) federated() (n int) {
	for _, d := range t.domains {
		if d.IsRoot && strings.EqualFold(string(d.AuthenticationType), string(aad.Federated)) {
			n++
		}
	}
	return n
}

// A loss is a sign-in that a request took away.
type loss struct {
	upn, why string
	request  string
	n        int // of the request
}

const noAdministrator = "no administrator could sign in with JumpCloud down"

// ledger is the account. While no call of the package is under way, what changes
// is the tests' own doing.
type ledger struct {
	env *federationtest.Env

	mu        sync.Mutex
	requests  int
	under     bool                // a call is under way
	now       map[string]standing // by account ID
	could     map[string]bool     // could sign in when the call began, or was given it by an edit since
	made      map[string]bool     // accounts that requests have made: nobody's yet
	lost      []loss
	after     map[*http.Request]func()
	glass     int  // break-glass administrators now
	federated int  // domains now
	noGlass   bool // there was none when the call began
}

// keepLedger begins the account of an environment. Both services tell it of each
// request after its effect and before its answer, so nothing that a caller does
// next can come in between.
func keepLedger(env *federationtest.Env) *ledger {
	l := &ledger{env: env, made: make(map[string]bool), after: make(map[*http.Request]func())}
	l.settle()
	see := func(r *http.Request) {
		l.mu.Lock()
		l.requests++
		if r.Method != http.MethodGet { // reading changes nothing
			l.look(r.Method + " " + strings.TrimPrefix(r.Pattern, r.Method+" "))
		}
		then := l.after[r]
		delete(l.after, r)
		l.mu.Unlock()
		if then != nil {
			then()
		}
	}
	env.JumpCloud.OnRequest, env.AzureAD.OnRequest = see, see
	return l
}

func standings(t *truths) map[string]standing {
	now := make(map[string]standing, len(t.accounts))
	for i := range t.accounts {
		a := &t.accounts[i]
		now[a.ID] = standing{a.UserPrincipalName, t.signIn(a)}
	}
	return now
}

// look compares the present with what was, after a request. The caller holds l.mu.
func (l *ledger) look(request string) {
	t := truthsOf(l.env)
	now, glass := standings(t), t.breakGlass()
	for id := range now {
		if _, known := l.now[id]; !known {
			l.made[id] = true
		}
	}
	for id, was := range l.now {
		is, there := now[id]
		if !there {
			is = standing{was.upn, whyGone}
		}
		if was.why == "" && is.why != "" && l.could[id] && !l.made[id] && l.under {
			l.lost = append(l.lost, loss{is.upn, is.why, request, l.requests})
		}
		if !there {
			now[id] = is
		}
	}
	more := t.federated() > l.federated
	if l.under && glass == 0 && t.federated() > 0 && (more || l.glass > 0 && !l.noGlass) {
		l.lost = append(l.lost, loss{"", noAdministrator, request, l.requests})
	}
	l.now, l.glass, l.federated = now, glass, t.federated()
}

// settle takes the present as it is.
func (l *ledger) settle() {
	t := truthsOf(l.env)
	l.now, l.glass, l.federated = standings(t), t.breakGlass(), t.federated()
}

// edit lets somebody else change something: what that takes away or gives is
// nobody's fault.
func (l *ledger) edit(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.now
	change()
	l.settle()
	for id, s := range l.now {
		was, known := before[id]
		switch {
		case s.why != "":
			delete(l.could, id)
		case l.under && (!known || was.why != ""):
			l.could[id] = true
		}
	}
}

// begin and end enclose a call; end returns what was lost in it.
func (l *ledger) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.could = make(map[string]bool)
	for id, s := range l.now {
		l.could[id] = s.why == ""
	}
	l.under, l.lost, l.noGlass = true, nil, l.glass == 0
}

func (l *ledger) end() []loss {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.under = false
	return l.lost
}

// afterEffect lets something happen when a request has had its effect and is not
// answered yet.
func (l *ledger) afterEffect(r *http.Request, then func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.after[r] = then
}
