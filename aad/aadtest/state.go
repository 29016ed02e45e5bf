package aadtest

import (
	"fmt"
	"strings"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/internal/fake"
)

// domain is a domain of the tenant.
type domain struct {
	name  string
	state fake.Cell[domainState]
}

type domainState struct {
	auth                                                   aad.AuthenticationType
	isDefault, isInitial, isRoot, isVerified, adminManaged bool
	services                                               []string
	validity, notification                                 *int32           // of passwords, in days
	state                                                  *aad.DomainState // of what goes on in the background; never changed
	fed                                                    *aad.Federation  // never changed, only replaced
	broken                                                 bool             // federated, and fed cannot be read
	gone                                                   bool             // not there (yet, or any more)
}

func newDomain(name string, st domainState) *domain {
	d := &domain{name: name}
	d.state.Set(st)
	return d
}

// State is what a domain's authentication was at some moment.
type State struct {
	At                 time.Time
	Domain             string
	AuthenticationType aad.AuthenticationType
	Federation         *aad.Federation // nil: none, or none that can be read
	Before             *State          // what it was before; nil for a new domain
}

// lag returns how far reads of a resource are behind, unless ResourceLag says so.
func (s *Server) lag(resource string, unless Lag) Lag {
	if s.ResourceLag != nil {
		return s.ResourceLag(resource)
	}
	return unless
}

// find returns a domain that exists now.
func (s *Server) find(name string) *domain {
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	for _, d := range s.domains {
		if strings.EqualFold(d.name, name) && !d.state.Now().gone {
			return d
		}
	}
	return nil
}

// root returns the domain from which d inherits, nil if there is none.
func (s *Server) root(d *domain) *domain {
	if st := d.state.Now(); st.isRoot || st.isInitial {
		return nil
	}
	for name := d.name; ; {
		_, parent, ok := strings.Cut(name, ".")
		if !ok {
			return nil
		}
		if p := s.find(parent); p != nil && p.state.Now().isRoot {
			return p
		}
		name = parent
	}
}

// seen returns a domain as a view shows it, with what it inherits.
func (s *Server) seen(d *domain, view string, lag Lag) domainState {
	st := d.state.Read(view, lag)
	if p := s.root(d); p != nil && st.isVerified && !st.isRoot {
		up := p.state.Read(view+" of "+d.name, lag)
		st.auth = up.auth
		if s.Quirks.SubdomainShowsParent {
			st.fed, st.broken = up.fed, up.broken
		}
	}
	return st
}

// set changes a domain and notes the change if it is one of its federation.
func (s *Server) set(d *domain, st domainState) {
	before := s.snapshot(d)
	d.state.Set(st)
	after := s.snapshot(d)
	if before.AuthenticationType != after.AuthenticationType || before.Federation != after.Federation {
		after.Before = &before
		s.history = append(s.history, after)
		s.pending = append(s.pending, after)
	}
}

func (s *Server) snapshot(d *domain) State {
	st := d.state.Now()
	out := State{At: s.now(), Domain: d.name, AuthenticationType: st.auth}
	if st.fed != nil && !st.broken {
		out.Federation = st.fed
	}
	return out
}

// tell calls OnFederationChange for what has changed. The caller does not hold s.mu.
func (s *Server) tell() {
	s.mu.Lock()
	pending := s.pending
	s.pending = nil
	s.mu.Unlock()
	if s.OnFederationChange != nil {
		for _, st := range pending {
			s.OnFederationChange(st)
		}
	}
}

// newID returns an ID in the form of a UUID, a different one each time, and another
// in each tenant.
func (s *Server) newID(kind int) string {
	s.ids++
	return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", s.ids*0x9e3779b1&0xffffffff, kind, s.mark>>12&0xfff, s.mark&0xfff, s.ids)
}
