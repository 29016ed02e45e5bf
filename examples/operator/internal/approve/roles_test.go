package approve

import (
	"strings"
	"testing"

	"github.com/jcaad/jcaad/federation"
)

func TestRoles(t *testing.T) {
	r, err := NewRoles(
		Grant{"Ada@Example.com", "*", View}, Grant{"ada@example.com", "north", Approve}, Grant{"ada@example.com", "north", View},
		Grant{"bob", "*", Admin}, Grant{"eve", "south", Approve},
	)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		actor, customer string
		role            Role
		want            bool
	}{
		{"ada@example.com", "south", View, true},
		{"ada@example.com", "south", Approve, false},
		{"ADA@example.com", "north", Approve, true},
		{"ada@example.com", "north", Admin, false},
		{"bob", "anybody", Admin, true},
		{"bob", "anybody", View, true},
		{"bob", "", View, false},
		{"bob", "*", View, false},
		{"bob", "north", "", false},
		{"bob", "north", "root", false},
		{"eve", "north", View, false},
		{"eve", "south", Approve, true},
		{"eve", "South", Approve, false},
		{"", "north", View, false},
		{"mallory", "north", View, false},
	} {
		if got := r.Allows(tt.actor, tt.customer, tt.role); got != tt.want {
			t.Errorf("%q of %q as %q: %v; want %v", tt.actor, tt.customer, tt.role, got, tt.want)
		}
	}
	if (Roles{}).Allows("bob", "north", View) {
		t.Error("no roles allow something")
	}
	if !PasswordRoles().Allows(Operator, "north", Admin) || PasswordRoles().Allows("bob", "north", View) {
		t.Error("the roles of password mode")
	}
	_, err = NewRoles(Grant{"a b", "north", View}, Grant{"ada", "", View}, Grant{"ada", "north", "viewer"}, Grant{"*", "north", View})
	if err == nil || strings.Count(err.Error(), "\n") != 3 || strings.Contains(err.Error(), "ada") {
		t.Errorf("wrong grants: %v", err)
	}
}

func TestNeedsTwo(t *testing.T) {
	lock := federation.Plan{Consent: federation.Consent{LockOut: federation.LockOut{AtMost: 1}}}
	named := federation.Plan{Consent: federation.Consent{LockOut: federation.LockOut{People: []string{"p@example.com"}}}}
	consented := []federation.Finding{{Code: federation.CodeLockOut, Consented: true}}
	emergency := federation.RotatePlan{Method: federation.Emergency}
	yes, no := true, false
	for name, tt := range map[string]struct {
		verb federation.Verb
		p    *federation.Proposal
		two  *bool
		want bool
	}{
		"federate":            {federation.VerbFederate, &federation.Proposal{Plan: new(federation.Plan)}, nil, false},
		"repair":              {federation.VerbRepair, &federation.Proposal{Repair: new(federation.RepairPlan)}, nil, false},
		"rotate":              {federation.VerbRotate, &federation.Proposal{Rotate: new(federation.RotatePlan)}, nil, false},
		"emergency":           {federation.VerbRotate, &federation.Proposal{Rotate: &emergency}, nil, true},
		"revert":              {federation.VerbRevert, new(federation.Proposal), nil, true},
		"defederate":          {federation.VerbDefederate, new(federation.Proposal), nil, true},
		"retire":              {VerbRetire, nil, nil, true},
		"unknown verb":        {"upgrade", new(federation.Proposal), nil, true},
		"no proposal":         {federation.VerbFederate, nil, nil, true},
		"unknown rotation":    {federation.VerbRotate, new(federation.Proposal), nil, true},
		"people named":        {federation.VerbFederate, &federation.Proposal{Plan: &named}, nil, true},
		"people counted":      {federation.VerbFederate, &federation.Proposal{Plan: &lock}, nil, true},
		"by a repair":         {federation.VerbRepair, &federation.Proposal{Repair: &federation.RepairPlan{Plan: lock}}, nil, true},
		"by a rotation":       {federation.VerbRotate, &federation.Proposal{Rotate: &federation.RotatePlan{Plan: lock}}, nil, true},
		"people lose it":      {federation.VerbFederate, &federation.Proposal{People: make([]federation.PersonFinding, 1)}, nil, true},
		"consented finding":   {federation.VerbFederate, &federation.Proposal{Findings: consented}, nil, true},
		"always, by file":     {federation.VerbFederate, &federation.Proposal{Plan: new(federation.Plan)}, &yes, true},
		"never, by file":      {federation.VerbDefederate, new(federation.Proposal), &no, false},
		"never, for lock-out": {federation.VerbFederate, &federation.Proposal{Plan: &lock}, &no, false},
	} {
		if got := NeedsTwo(tt.verb, tt.p, tt.two); got != tt.want {
			t.Errorf("%s: %v; want %v", name, got, tt.want)
		}
	}
}
