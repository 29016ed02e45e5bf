package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/signin"
	"github.com/jcaad/jcaad/aad/signin/tenant"
	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/examples/internal/cli"
	"github.com/jcaad/jcaad/federation"
)

// basis is what a message is judged by.
type basis struct {
	tenant signin.Tenant
	kind   kind
	about  string   // in a line
	differ []string // where the live tenant is not what the plan wants
	notes  []string
}

// kind is where a tenant is from.
type kind int

const (
	unknown kind = iota // from nowhere
	written
	planned
	live
)

// liveError is that Azure AD could not be asked.
type liveError struct{ err error }

func (e *liveError) Error() string { return e.err.Error() }

// basis reads the tenant from where the flags say.
func (s *settings) basis(ctx context.Context, stdin io.Reader, log io.Writer) (*basis, error) {
	b := new(basis)
	var err error
	switch {
	case s.tenantFile != "":
		err = b.read(s.tenantFile, stdin)
	case s.live || s.planFile != "":
		err = b.planOrLive(ctx, s, stdin, log)
	default:
		b.about = "not known"
		b.tenant.Cloud, err = s.services.MicrosoftCloud()
	}
	if s.mfa.given {
		b.tenant.MFA = s.mfa.Answer
	}
	return b, err
}

// read reads a tenant that was written down.
func (b *basis) read(name string, stdin io.Reader) error {
	raw, err := read(name, stdin)
	if err != nil {
		return fmt.Errorf("the tenant cannot be read: %w", err)
	}
	raw = bytes.TrimPrefix(raw, []byte("\ufeff"))
	if len(bytes.TrimSpace(raw)) == 0 {
		return fmt.Errorf("%s: the tenant is empty", name)
	}
	if err := json.Unmarshal(raw, &b.tenant); err != nil {
		return fmt.Errorf("%s: this is no tenant: %s; signin's documentation shows one", name, strings.TrimPrefix(err.Error(),
			"signin: a tenant: json: "))
	}
	if len(b.tenant.Domains) == 0 {
		return fmt.Errorf("%s: the tenant has no domains, and every tenant has", name)
	}
	b.kind, b.about = written, name+": "+describeTenant(b.tenant)
	if b.tenant.User == nil {
		b.notes = append(b.notes, name+` has no "users": who is meant cannot be said.`)
	}
	return nil
}

func (b *basis) planOrLive(ctx context.Context, s *settings, stdin io.Reader, log io.Writer) error {
	var plan *federation.Plan
	if s.planFile != "" {
		p, err := cli.ReadPlan(s.planFile, stdin)
		if err == nil {
			err = p.Validate()
		}
		if err != nil {
			return err
		}
		plan = &p
	}
	cloud, err := s.services.MicrosoftCloud()
	if err != nil {
		return err
	}
	if !s.live {
		b.kind, b.tenant = planned, plannedTenant(*plan)
		b.about = "what the plan " + s.planFile + " wants of " + plan.Domain
		if err := b.certificate(s.certificate, stdin); err != nil {
			return err
		}
	} else {
		opts := cli.ClientOptions{ReadOnly: true}
		if s.verbose {
			opts.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		}
		client, err := s.services.AzureADClient(opts)
		if err != nil {
			return err
		}
		if b.tenant, err = tenant.Read(ctx, client); err != nil {
			return &liveError{err}
		}
		b.kind, b.about = live, s.services.AzureAD()+": "+describeTenant(b.tenant)
		if plan != nil {
			b.differ = differences(*plan, b.tenant)
		}
	}
	b.tenant.Cloud = cloud
	return nil
}

// certificate puts the certificate that a plan cannot have into what it wants of its domain.
func (b *basis) certificate(name string, stdin io.Reader) error {
	const rest = "and it is of one domain: another domain of the tenant may have another issuer. -live asks the tenant."
	if name == "" {
		b.notes = append(b.notes, "A plan has no certificate and no users, "+rest+" The certificate may be given as well: -certificate FILE.")
		return nil
	}
	raw, err := read(name, stdin)
	if err != nil {
		return fmt.Errorf("the certificate cannot be read: %w", err)
	}
	c, err := certs.ParseOne(raw)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	b.tenant.Domains[0].Federation.SigningCertificate = c
	b.about += ", with the certificate " + c.Thumbprint()
	b.notes = append(b.notes, "A plan has no users, so that who is meant cannot be said, "+rest)
	return nil
}

// plannedTenant is what a tenant is once the plan is carried out, as far as the plan
// says: the certificate is JumpCloud's, and not known before.
func plannedTenant(p federation.Plan) signin.Tenant {
	return signin.Tenant{Domains: []signin.Domain{{Name: p.Domain, Root: p.Domain, Federation: &aad.Federation{
		IssuerURI: cmp.Or(p.Application.IdPEntityID, "urn:uri:"+p.Domain),
		Protocol:  aad.SAML,
		MFA:       p.MFA,
	}}}}
}

// differences tells where a tenant is not what a plan wants, as far as sign-ins go.
func differences(p federation.Plan, t signin.Tenant) (all []string) {
	want := plannedTenant(p).Domains[0].Federation
	for _, d := range t.Domains {
		if !strings.EqualFold(d.Name, p.Domain) {
			continue
		}
		if d.Federation == nil {
			return []string{p.Domain + " is not federated: its passwords are Azure AD's"}
		}
		for _, f := range [][3]string{
			{"issuerUri", want.IssuerURI, d.Federation.IssuerURI},
			{"preferredAuthenticationProtocol", string(want.Protocol), string(d.Federation.Protocol)},
			{"federatedIdpMfaBehavior", string(want.MFA), string(d.Federation.MFA)},
		} {
			if f[1] != f[2] {
				all = append(all, fmt.Sprintf("%s: the plan wants %q, the tenant has %q", f[0], f[1], f[2]))
			}
		}
		return all
	}
	return []string{"the tenant has no verified domain " + p.Domain}
}

// describeTenant says in a line what is known of a tenant.
func describeTenant(t signin.Tenant) string {
	var federated []string
	for _, d := range t.Domains {
		if d.Federation != nil {
			federated = append(federated, d.Name)
		}
	}
	s := fmt.Sprintf("%d domains", len(t.Domains))
	if len(t.Domains) == 1 {
		s = "1 domain"
	}
	switch n := len(federated); {
	case n == 0:
		s += ", none federated"
	case n <= 3:
		s += ", federated: " + strings.Join(federated, ", ")
	default:
		s += fmt.Sprintf(", %d federated", n)
	}
	if t.Policy == nil {
		s += "; policy of token validation not known"
	}
	return s
}

// read reads a file, or standard input, as far as a capture may be long.
func read(name string, stdin io.Reader) ([]byte, error) {
	in := stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, signin.MaxInput+1))
	if err == nil && len(b) > signin.MaxInput {
		err = fmt.Errorf("%s has more than %d MiB", name, signin.MaxInput>>20)
	}
	return b, err
}
