package customers

import (
	"errors"
	"net"
	"net/url"
	"strings"

	"github.com/jcaad/jcaad/examples/operator/internal/secret"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/internal/text"
)

// readPlan is a plan, and where it is.
type readPlan struct {
	plan   federation.Plan
	node   node // nil if it is none
	domain node // nil if it does not name one
}

// plan reads a plan as [federation.ParsePlanNode] does.
func (r *reader) plan(n node, path string) readPlan {
	p, err := federation.ParsePlanNode(n)
	if err != nil {
		var wrong *federation.PlanError
		if !errors.As(err, &wrong) {
			r.add(n, path, "%v", err)
			return readPlan{}
		}
		for _, q := range wrong.Problems {
			if about, rest, ok := strings.Cut(q.Text, ", this is "); ok && !strings.HasPrefix(rest, "a list") {
				q.Text = about + ", this is something else" // never a value: it may be the name of a person
			}
			at := path
			if q.Path != "" {
				at = join(path, text.NoAddresses(q.Path))
			}
			r.problems = append(r.problems, Problem{Path: at, Line: q.Line, Column: q.Column, Text: text.NoAddresses(q.Text)})
		}
		return readPlan{}
	}
	out := readPlan{plan: p, node: n}
	for i, children := 0, n.Children(); i+1 < len(children); i += 2 {
		if children[i].Value() == "domain" {
			out.domain = children[i+1]
		}
	}
	return out
}

// valid notes what is wrong with a plan by itself. What is wrong with its domain was noted
// where that was read.
func (r *reader) valid(p readPlan, path string) {
	var wrong *federation.PreconditionError
	if err := p.plan.Validate(); !errors.As(err, &wrong) {
		return
	}
	people := []string{strings.TrimSpace(p.plan.TechnicalAccount.UserPrincipalName)}
	for _, g := range p.plan.Groups {
		people = append(people, g.Members...)
	}
	for _, f := range wrong.Findings {
		if f.Code == federation.CodePlanDomain {
			continue
		}
		says := f.String()
		for _, name := range people {
			if name != "" {
				says = strings.ReplaceAll(says, `"`+name+`"`, "(not shown)")
			}
		}
		at := find(p.node, f.Subject)
		if at == nil {
			at = p.node
		}
		r.add(at, path, "%s", text.NoAddresses(says))
	}
}

// find returns the first value below n that is the text s, or that has it for a name or
// for a path of names; nil if there is none.
func find(n node, s string) node {
	if s == "" {
		return nil
	}
	children := n.Children()
	switch n.Kind() {
	case federation.NodeText, federation.NodePlain:
		if strings.EqualFold(n.Value(), s) {
			return n
		}
		return nil
	case federation.NodeObject:
		name, rest, deeper := strings.Cut(s, ".")
		for i := 0; i+1 < len(children); i += 2 {
			if children[i].Value() == s {
				return children[i]
			}
			if deeper && children[i].Value() == name {
				if found := find(children[i+1], rest); found != nil {
					return found
				}
			}
		}
		for i := 1; i < len(children); i += 2 {
			if found := find(children[i], s); found != nil {
				return found
			}
		}
	case federation.NodeList:
		for _, c := range children {
			if found := find(c, s); found != nil {
				return found
			}
		}
	}
	return nil
}

// pinned notes pins of a plan that are not those of the credentials.
func (r *reader) pinned(c *Customer, p readPlan, path string) {
	for _, pin := range []struct{ name, service, plan, credential string }{
		{"organization", "jumpCloud", p.plan.Organization, c.JumpCloud.Of},
		{"tenant", "azureAD", p.plan.Tenant, c.AzureAD.Of},
	} {
		if pin.plan != "" && pin.credential != "" && !strings.EqualFold(pin.plan, pin.credential) {
			at := find(p.node, pin.name)
			r.add(at, join(path, "plan."+pin.name), "the plan is pinned to another %s than the credential under %s", pin.name, pin.service)
		}
	}
}

func (r *reader) jumpCloud(n node, path string) Credential {
	var c Credential
	var key, of secret.Source
	has := r.object(n, path, []field{
		{"apiKey", func(n node, path string) { key = r.source(n, path) }},
		{"clientID", func(n node, path string) { c.ClientID = r.text(n, path) }},
		{"clientSecret", func(n node, path string) { of = r.source(n, path) }},
		{"organization", func(n node, path string) { c.Of = r.text(n, path) }},
		{"region", func(n node, path string) { c.Region = choice(r, n, path, "us", "eu", "in") }},
		{"url", func(n node, path string) { c.URL = r.url(n, path) }},
		{"tokenURL", func(n node, path string) { c.LoginURL = r.url(n, path) }},
	})
	if c.Region == "" {
		c.Region = "us"
	}
	if c.Kind, c.Secret = r.kind(n, path, has, "apiKey", APIKey, ServiceAccount), of; c.Kind == APIKey {
		c.Secret = key
	}
	return c
}

func (r *reader) azureAD(n node, path string) Credential {
	var c Credential
	var token, of secret.Source
	has := r.object(n, path, []field{
		{"tenant", func(n node, path string) { c.Of = r.text(n, path) }},
		{"clientID", func(n node, path string) { c.ClientID = r.text(n, path) }},
		{"clientSecret", func(n node, path string) { of = r.source(n, path) }},
		{"token", func(n node, path string) { token = r.source(n, path) }},
		{"cloud", func(n node, path string) {
			c.Region = choice(r, n, path, "public", "usgov-l4", "usgov-l5", "china")
		}},
		{"graphURL", func(n node, path string) { c.URL = r.url(n, path) }},
		{"loginURL", func(n node, path string) { c.LoginURL = r.url(n, path) }},
	})
	if c.Region == "" {
		c.Region = "public"
	}
	if c.Kind, c.Secret = r.kind(n, path, has, "token", Token, App), of; c.Kind == Token {
		c.Secret = token
	} else if has != nil && has["tenant"] == nil {
		r.add(n, path, "the field tenant is missing")
	}
	return c
}

// kind says of which of two kinds a credential is: the one whose secret stands alone, or
// the one with clientID and clientSecret.
func (r *reader) kind(n node, path string, has map[string]node, alone string, one, two CredentialKind) CredentialKind {
	id, of := has["clientID"] != nil, has["clientSecret"] != nil
	switch {
	case has == nil:
	case has[alone] != nil && (id || of):
		r.add(n, path, "there are two credentials: give %s, or clientID and clientSecret", alone)
	case has[alone] != nil:
		return one
	case !id && !of:
		r.add(n, path, "there is no credential: give %s, or clientID and clientSecret", alone)
	case !id:
		r.add(n, path, "the field clientID is missing")
	case !of:
		r.add(n, path, "the field clientSecret is missing")
	}
	return two
}

// source reads where a secret is. Nothing of n is told: it may be the secret itself.
func (r *reader) source(n node, path string) secret.Source {
	var s secret.Source
	var err error
	switch n.Kind() {
	case federation.NodeText, federation.NodePlain:
		s, err = secret.Parse(n.Value())
	case federation.NodeObject:
		children := n.Children()
		if len(children) != 2 || children[0].Value() != "command" || children[1].Kind() != federation.NodeList {
			err = errors.New("env:NAME, or command: [program, argument] and nothing else, is wanted")
			break
		}
		var args []string
		for _, a := range children[1].Children() {
			if a.Kind() != federation.NodeText && a.Kind() != federation.NodePlain {
				r.add(a, path+".command", "an argument is a text, and this is none: put it in quotes")
				return s
			}
			args = append(args, a.Value())
		}
		s, err = secret.Command(args...)
	default:
		err = errors.New("env:NAME, or command: [program, argument] is wanted")
	}
	if err != nil {
		r.add(n, path, "%v", err)
	}
	return s
}

// url reads the address of a service: https, or on this machine.
func (r *reader) url(n node, path string) string {
	s, ok := r.word(n, path)
	if !ok {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		r.add(n, path, "an address such as https://host is wanted, without user, password and question mark")
		return ""
	}
	ip := net.ParseIP(u.Hostname())
	here := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	if u.Scheme != "https" && (u.Scheme != "http" || !here) {
		r.add(n, path, "https is wanted; http is only for this machine itself")
		return ""
	}
	return s
}
