package approve

import (
	"errors"
	"fmt"

	"github.com/jcaad/jcaad/federation"
)

// A Role says how much somebody may do. Each includes those before it.
type Role string

// The roles.
const (
	View    Role = "view"    // looks at everything of the customer
	Approve Role = "approve" // approves, rejects, pauses
	Admin   Role = "admin"   // everything else
)

// rank orders the roles; 0 is none.
func (r Role) rank() int {
	switch r {
	case View:
		return 1
	case Approve:
		return 2
	case Admin:
		return 3
	}
	return 0
}

// Everywhere is the customer of a [Grant] that is for all.
const Everywhere = "*"

// A Grant gives somebody a role with a customer, or with all.
type Grant struct {
	Actor, Customer string
	Role            Role
}

// Roles are who may do what. The zero value allows nothing to anybody.
type Roles struct {
	of map[string]map[string]Role // by actor and customer
}

// NewRoles returns the roles of the grants. Of two for the same actor and customer the
// higher one counts. All grants that are none are told at once, by their number and
// customer, not by who they are for.
func NewRoles(grants ...Grant) (Roles, error) {
	r := Roles{of: make(map[string]map[string]Role)}
	var errs []error
	for i, g := range grants {
		name := Name(g.Actor)
		switch {
		case name == "":
			errs = append(errs, fmt.Errorf("role %d, of %q, is for nobody: "+
				"write the name as the proxy does, without spaces and commas", i+1, g.Customer))
			continue
		case g.Customer == "":
			errs = append(errs, fmt.Errorf("role %d names no customer: write %q for all", i+1, Everywhere))
			continue
		case g.Role.rank() == 0:
			errs = append(errs, fmt.Errorf("role %d, of %q: %q is no role: write view, approve or admin", i+1, g.Customer, g.Role))
			continue
		}
		if r.of[name] == nil {
			r.of[name] = make(map[string]Role)
		}
		if g.Role.rank() > r.of[name][g.Customer].rank() {
			r.of[name][g.Customer] = g.Role
		}
	}
	if errs != nil {
		return Roles{}, errors.Join(errs...)
	}
	return r, nil
}

// PasswordRoles are those of password mode: [Operator] is admin of all.
func PasswordRoles() Roles {
	return Roles{of: map[string]map[string]Role{Operator: {Everywhere: Admin}}}
}

// Allows reports whether an actor has a role with a customer, or one above it. No one
// has a role that is none, nor with a customer without a name.
func (r Roles) Allows(actor, customer string, role Role) bool {
	if role.rank() == 0 || customer == "" || customer == Everywhere {
		return false
	}
	of := r.of[Name(actor)]
	return max(of[customer].rank(), of[Everywhere].rank()) >= role.rank()
}

// AllowsAll reports whether an actor has a role with all customers, and with what is of
// none, or one above it.
func (r Roles) AllowsAll(actor string, role Role) bool {
	return role.rank() > 0 && r.of[Name(actor)][Everywhere].rank() >= role.rank()
}

// VerbRetire ends the management of a domain. It is the operator's own, beside those
// of package federation.
const VerbRetire federation.Verb = "retire"

// NeedsTwo reports whether two people must approve. twoPeople is what the customers
// file says; where it says nothing, two are needed to revert, defederate and retire,
// for an emergency rotation, and for whatever consents to lock somebody out. Where that
// cannot be known, as there is no proposal, they are needed as well.
func NeedsTwo(verb federation.Verb, p *federation.Proposal, twoPeople *bool) bool {
	if twoPeople != nil {
		return *twoPeople
	}
	switch verb {
	case federation.VerbFederate, federation.VerbRepair, federation.VerbRotate:
	default:
		return true
	}
	if p == nil || verb == federation.VerbRotate && p.Rotate == nil {
		return true
	}
	return p.Rotate != nil && p.Rotate.Method == federation.Emergency || locksOut(p)
}

// locksOut reports whether somebody loses their sign-in by the proposal, or may.
func locksOut(p *federation.Proposal) bool {
	if len(p.People) > 0 {
		return true
	}
	for _, f := range p.Findings {
		if f.Code == federation.CodeLockOut && f.Consented {
			return true
		}
	}
	consents := func(plan *federation.Plan) bool {
		l := plan.Consent.LockOut
		return len(l.People) > 0 || l.AtMost != 0
	}
	return p.Plan != nil && consents(p.Plan) || p.Repair != nil && consents(&p.Repair.Plan) || p.Rotate != nil && consents(&p.Rotate.Plan)
}
