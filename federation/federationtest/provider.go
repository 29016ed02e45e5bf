package federationtest

import (
	"cmp"
	"fmt"
	"sync"

	"github.com/jcaad/jcaad/aad/aadtest"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// A Provider has one key for the JumpCloud organisations of many customers, each of
// whom has an Azure AD tenant as well. No two customers have an ID in common.
type Provider struct {
	// JumpCloud is the provider's own organisation, at which the requests for those
	// of all customers arrive: its Throttle, Latency, Fault and log are for all of
	// them together. It demands x-org-id.
	JumpCloud *jumpcloudtest.Server

	// Customers are in the order of their numbers. The JumpCloud of each is one of the
	// organisations behind the provider's, see [jumpcloudtest.Server.AddOrganization].
	Customers []*Env

	once   sync.Once
	client *jumpcloud.Client
}

// NewProvider returns a provider with customers in whose domains nothing is federated
// yet: customer01.example, or customer01 and so on in Options.Domain. A nil opts means
// the defaults.
func NewProvider(customers int, opts *Options) *Provider {
	var o Options
	if opts != nil {
		o = *opts
	}
	p := &Provider{JumpCloud: &jumpcloudtest.Server{Organization: "Provider", MultiTenant: true, DefaultPassword: JumpCloudPassword}}
	for i := range customers {
		name := fmt.Sprintf("Customer %02d", i+1)
		label := fmt.Sprintf("customer%02d", i+1)
		e := &Env{
			JumpCloud: p.JumpCloud.AddOrganization(name),
			AzureAD: &aadtest.Server{
				TenantID: fmt.Sprintf("c0000000-0000-4000-8000-%012d", i+1), TenantName: name, InitialDomain: label + ".onmicrosoft.com",
				DefaultPassword: AzureADPassword,
			},
			Domain:   label + "." + cmp.Or(o.Domain, "example"),
			provider: p,
		}
		e.furnish(o)
		p.Customers = append(p.Customers, e)
	}
	return p
}

// Client returns the one client that those of all organisations are made from. It is
// made at the first call.
func (p *Provider) Client() *jumpcloud.Client {
	p.once.Do(func() { p.client = p.JumpCloud.Client(nil) })
	return p.client
}

// Tenants returns the customers as [federation.FederateTenants] takes them, each with
// its plan, in which its tenant and organisation are named. A nil opts means the
// defaults.
func (p *Provider) Tenants(opts *federation.Options) []federation.Tenant {
	var out []federation.Tenant
	for _, e := range p.Customers {
		plan := e.Plan()
		plan.Tenant, plan.Organization = e.AzureAD.TenantID, e.JumpCloud.OrgID()
		out = append(out, federation.Tenant{Name: e.JumpCloud.Organization, Federator: e.Federator(opts), Plans: []federation.Plan{plan}})
	}
	return out
}
