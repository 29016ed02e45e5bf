package aad

import (
	"context"
	"net/http"

	"github.com/jcaad/jcaad/internal/perm"
	"github.com/jcaad/jcaad/internal/rest"
)

// DNSRecord is a record that a domain should have in the DNS. Which of the
// fields at the end are set depends on Type.
type DNSRecord struct {
	ID               string `json:"id"`
	Label            string `json:"label"` // the name of the record
	Type             string `json:"recordType"`
	SupportedService string `json:"supportedService"`
	TTL              int    `json:"ttl"`
	Optional         bool   `json:"isOptional"`

	Text          string `json:"text,omitempty"`          // TXT
	MailExchange  string `json:"mailExchange,omitempty"`  // MX
	Preference    int    `json:"preference,omitempty"`    // MX
	CanonicalName string `json:"canonicalName,omitempty"` // CNAME
	NameTarget    string `json:"nameTarget,omitempty"`    // SRV
	Service       string `json:"service,omitempty"`       // SRV
	Protocol      string `json:"protocol,omitempty"`      // SRV
	Port          int    `json:"port,omitempty"`          // SRV
	Priority      int    `json:"priority,omitempty"`      // SRV
	Weight        int    `json:"weight,omitempty"`        // SRV
	Description   string `json:"description,omitempty"`   // why there is no record
}

// VerificationRecords returns the records of which one has to be in the DNS
// before [Client.VerifyDomain] can succeed.
//
//	GET /domains/{domain}/verificationDnsRecords; Domain.Read.All; safe to repeat
func (c *Client) VerificationRecords(ctx context.Context, name string) ([]DNSRecord, error) {
	return c.records(ctx, "domains/{domain}/verificationDnsRecords", name)
}

// ServiceRecords returns the records that the services of the domain need.
//
//	GET /domains/{domain}/serviceConfigurationRecords; Domain.Read.All; safe to repeat
func (c *Client) ServiceRecords(ctx context.Context, name string) ([]DNSRecord, error) {
	return c.records(ctx, "domains/{domain}/serviceConfigurationRecords", name)
}

func (c *Client) records(ctx context.Context, path, domain string) ([]DNSRecord, error) {
	op := http.MethodGet + " " + path
	name, err := domainName(domain)
	if err != nil {
		return nil, invalid(op, err)
	}
	var all []DNSRecord
	for r, err := range list[DNSRecord](ctx, c, func() *rest.Request {
		return &rest.Request{Method: http.MethodGet, Path: path, Args: []string{name}, Permission: perm.DomainRead}
	}) {
		if err != nil {
			return nil, err
		}
		all = append(all, *r)
	}
	return all, nil
}
