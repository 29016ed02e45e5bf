// Package federationtest wires a JumpCloud organisation and an Azure AD tenant,
// both in memory, into one environment that package federation can be tried on:
// by its own tests, by those of programs that use it, and by demonstrations.
//
//	env := federationtest.New(nil)
//	report, err := env.Federator(nil).Federate(ctx, env.Plan())
//
// The two services are [jumpcloudtest.Server] and [aadtest.Server] with all
// their knobs: faults, lag, throttling, quirks. Both are [net/http.Handler]s, so
// the environment can as well be served on loopback.
//
// [Env.SignIns] tells whether people were kept out at any time. [Env.Browser] walks
// the pages on which a person signs in, from Microsoft's through JumpCloud's and back:
//
//	walk, err := env.Browser().SignIn(ctx, federationtest.Person{UserName: "ada.abbott@example.com"})
//	fmt.Print(walk) // a line for each page, and whether it was of use
package federationtest

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/internal/wait"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// Group is the JumpCloud group that has every user of a new environment.
const Group = "Everyone"

// Options tune an environment. The zero value of every field is its default.
type Options struct {
	// Domain is the verified, managed domain that is to be federated.
	// The default is "example.com".
	Domain string

	// Users is how many people are in both directories. The default is 3.
	Users int

	// Lifelike adds what organisations have: a person without an email address
	// in Azure AD, one only in Azure AD, one only in JumpCloud, one with
	// another address on each side, one who was never synchronised, and an
	// administrator on the domain. It raises Users to at least 20.
	Lifelike bool

	// DefaultDomain makes Domain the tenant's default domain, as it is in most
	// tenants before they are federated.
	DefaultDomain bool
}

// An Env is a tenant and an organisation that belong together.
type Env struct {
	JumpCloud *jumpcloudtest.Server
	AzureAD   *aadtest.Server

	// Domain is the verified, managed domain that is to be federated.
	Domain string
	// Directory is the ID of JumpCloud's Microsoft 365 directory.
	Directory string
	// Administrators are two cloud-only Global Administrators on the tenant's
	// initial domain.
	Administrators [2]string
	// OnlyInAzureAD is who would be locked out of a lifelike environment.
	OnlyInAzureAD string

	provider *Provider // nil: the organisation has a key of its own
}

// New returns an environment in which nothing is federated yet. A nil opts
// means the defaults.
func New(opts *Options) *Env {
	var o Options
	if opts != nil {
		o = *opts
	}
	e := &Env{
		JumpCloud: &jumpcloudtest.Server{DefaultPassword: JumpCloudPassword},
		AzureAD:   &aadtest.Server{InitialDomain: "contoso.onmicrosoft.com", DefaultPassword: AzureADPassword},
		Domain:    cmp.Or(o.Domain, "example.com"),
	}
	e.furnish(o)
	return e
}

// furnish puts people and what belongs to them into both services.
func (e *Env) furnish(o Options) {
	users := cmp.Or(o.Users, 3)
	if o.Lifelike {
		users = max(users, 20)
	}
	if o.DefaultDomain {
		e.AzureAD.AddDomain(e.Domain, aadtest.Default)
	} else {
		e.AzureAD.AddDomain(e.Domain)
	}
	e.Directory = e.JumpCloud.AddDirectory("Microsoft 365")
	e.JumpCloud.AddDirectoryDomain(e.Directory, e.Domain, true)
	for i := range e.Administrators {
		e.Administrators[i] = fmt.Sprintf("breakglass%d@%s", i+1, e.AzureAD.InitialDomain)
		id := e.AzureAD.AddUser(aad.User{
			UserPrincipalName: e.Administrators[i], DisplayName: fmt.Sprintf("Break-glass %d", i+1), Enabled: yes(), UserType: "Member",
		})
		e.AzureAD.MakeGlobalAdministrator(id)
	}
	var members []string
	for i := range users {
		members = append(members, e.AddPerson(names[i%len(names)], i/len(names)))
	}
	if o.Lifelike {
		members = append(members, e.addWarts()...)
	}
	e.JumpCloud.AddGroup(Group, members...)
}

// names are those of the people, in turn.
var names = [...][2]string{
	{"Ada", "Abbott"}, {"Ben", "Baker"}, {"Cleo", "Clarke"}, {"Dan", "Dyer"}, {"Eve", "Ellis"},
	{"Finn", "Fisher"}, {"Gail", "Glover"}, {"Hugo", "Hunter"}, {"Iris", "Ingram"}, {"Jack", "Judge"},
	{"Kim", "Knight"}, {"Leo", "Lister"}, {"Mia", "Mason"}, {"Nils", "Naylor"}, {"Olga", "Oliver"},
	{"Paul", "Potter"}, {"Quinn", "Quill"}, {"Rosa", "Ryder"}, {"Sam", "Sawyer"}, {"Tess", "Turner"},
}

// AddPerson adds somebody to both directories, bound and synchronised, and
// returns the JumpCloud user's ID, which is the account's immutable ID, as
// JumpCloud's own tool sets it. The number tells namesakes apart.
func (e *Env) AddPerson(name [2]string, number int) (userID string) {
	ju, au := e.person(name, number)
	userID, _ = e.bind(ju, au)
	return userID
}

func (e *Env) person(name [2]string, number int) (jumpcloud.User, aad.User) {
	login := lower(name[0]) + "." + lower(name[1])
	if number > 0 {
		login += fmt.Sprint(number + 1)
	}
	address := login + "@" + e.Domain
	full := name[0] + " " + name[1]
	return jumpcloud.User{
			Username: login, Email: address, FirstName: name[0], LastName: name[1], DisplayName: full,
			State: "ACTIVATED", Activated: true,
		}, aad.User{
			UserPrincipalName: address, DisplayName: full, Mail: address, Enabled: yes(), UserType: "Member",
			ProxyAddresses: []string{"SMTP:" + address},
		}
}

// addWarts adds what organisations have. It returns the IDs of those who are
// in JumpCloud.
func (e *Env) addWarts() (members []string) {
	_, au := e.person([2]string{"Uma", "Underhill"}, 0)
	au.ImmutableID = base64.StdEncoding.EncodeToString([]byte("id of uma.underhill")) // of another origin
	e.AzureAD.AddUser(au)
	e.OnlyInAzureAD = au.UserPrincipalName

	ju, _ := e.person([2]string{"Vera", "Vance"}, 0)
	members = append(members, e.JumpCloud.AddUser(ju))

	ju, au = e.person([2]string{"Walt", "Weaver"}, 0)
	au.Mail, au.ProxyAddresses = "", nil
	walt, _ := e.bind(ju, au)

	ju, au = e.person([2]string{"Xena", "Yates"}, 0)
	au.Mail = "x.yates@" + e.Domain
	au.ProxyAddresses = []string{"SMTP:" + au.Mail, "smtp:" + au.UserPrincipalName}
	xena, _ := e.bind(ju, au)

	ju, au = e.person([2]string{"Zoe", "Zimmer"}, 0)
	zoe, account := e.bind(ju, au)
	e.AzureAD.MakeGlobalAdministrator(account)
	return append(members, walt, xena, zoe)
}

// bind adds the two sides of a person.
func (e *Env) bind(ju jumpcloud.User, au aad.User) (userID, accountID string) {
	userID = e.JumpCloud.AddUser(ju)
	au.ImmutableID = userID
	accountID = e.AzureAD.AddUser(au)
	e.JumpCloud.BindUser(e.Directory, userID, accountID)
	return userID, accountID
}

// Plan returns a plan that federates Domain, with the group that has everybody.
func (e *Env) Plan() federation.Plan {
	p := federation.Plan{
		Domain: e.Domain,
		Groups: []federation.Group{{Name: Group}},
		MFA:    aad.AcceptIfMFADoneByFederatedIdP,
		TechnicalAccount: federation.TechnicalAccount{
			UserPrincipalName: e.Administrators[0],
		},
	}
	if e.OnlyInAzureAD != "" {
		p.Consent.LockOut.People = []string{e.OnlyInAzureAD}
	}
	return p
}

// Federator returns a Federator over clients of both services in memory. A nil
// opts means the defaults.
func (e *Env) Federator(opts *federation.Options) *federation.Federator {
	jc := e.JumpCloud.Client(nil)
	if e.provider != nil {
		jc = e.provider.Client().ForOrganization(e.JumpCloud.OrgID())
	}
	return federation.New(jc, e.AzureAD.Client(nil), opts)
}

// Writes returns how many writing requests both services got.
func (e *Env) Writes() int { return e.JumpCloud.Writes() + e.AzureAD.Writes() }

// Requests returns how many requests both services got.
func (e *Env) Requests() int { return len(e.JumpCloud.Requests()) + len(e.AzureAD.Requests()) }

// ResetLog forgets the requests.
func (e *Env) ResetLog() {
	e.JumpCloud.ResetLog()
	e.AzureAD.ResetLog()
}

func yes() *bool {
	b := true
	return &b
}

func lower(s string) string { return string(s[0]|0x20) + s[1:] }

// Hurry returns a context in which a [federation.Federator]'s own pauses, between
// two looks at what it has changed or is about to, take a hundredth of their
// time. They are there because a real service may not show a change for a while;
// those of an [Env] do at once, unless they are given a Lag. Everything else
// takes its time: what a service asks a client to wait, and Options.Settle.
//
// It is for tests and demonstrations that have no bubble of [testing/synctest].
func Hurry(ctx context.Context) context.Context { return wait.Hurry(ctx) }
