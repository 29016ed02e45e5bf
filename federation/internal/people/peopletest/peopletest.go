// Package peopletest says what two directories hold, as a test writes it down.
package peopletest

import (
	"fmt"

	"github.com/jcaad/jcaad/federation/internal/people"
)

// A Place is what both directories say.
type Place struct {
	people.Audience
	Validates func(domain string) bool // the tenant's policy; nil is the service's default

	JumpCloud []people.JumpCloudUser
	AzureAD   []people.AzureADUser
	Bindings  []Binding
	Members   []Member
}

// A Binding is one of a user to the directory: the account that it names, and what
// is wrong with it.
type Binding struct{ User, External, Fault string }

// A Member is somebody in a bound group: by way of another one, and in one that the
// directory exports.
type Member struct {
	User             string
	Nested, Exported bool
}

// Fill adds everything to a crowd, in an order that shuffle decides.
func (w Place) Fill(shuffle func(n int, swap func(i, j int))) *people.Crowd {
	c := people.New(w.Audience)
	var do []func()
	for _, u := range w.JumpCloud {
		do = append(do, func() { c.AddJumpCloud(&u) })
	}
	for _, u := range w.AzureAD {
		do = append(do, func() { c.AddAzureAD(&u) })
	}
	for _, b := range w.Bindings {
		do = append(do, func() { c.AddBinding(b.User, b.External, b.Fault) })
	}
	for _, m := range w.Members {
		do = append(do, func() { c.AddMember(m.User, !m.Nested, m.Exported) })
	}
	if shuffle != nil {
		shuffle(len(do), func(i, j int) { do[i], do[j] = do[j], do[i] })
	}
	for _, f := range do {
		f()
	}
	return c
}

// Judge says what is found about the place's people.
func (w Place) Judge() *people.Judgement {
	j := w.Fill(nil).Judge()
	if w.Validates != nil {
		j.Policy(w.Validates)
	}
	return j
}

// JumpCloudID is the ID of a user, AzureADID that of an account.
func JumpCloudID(n int) string { return fmt.Sprintf("6026bec6b8207255%08x", n) }
func AzureADID(n int) string   { return fmt.Sprintf("6601d14b-d113-4f64-8da2-%012x", n) }

// Anna is in order on both sides: bound, in a group, with an immutable ID.
func Anna() Place {
	return Place{
		Audience: people.Audience{Domain: "example.com", Directory: true},
		JumpCloud: []people.JumpCloudUser{
			{ID: JumpCloudID(1), Username: "anna", Email: "anna@example.com"},
		},
		AzureAD: []people.AzureADUser{
			{
				ID: AzureADID(1), UPN: "Anna@example.com", Name: "Anna Berg", Mail: "anna@Example.com", ImmutableID: JumpCloudID(1),
				Proxies: []string{"SMTP:anna@example.com", "smtp:a.berg@example.com", "SIP:anna@example.com"},
			},
		},
		Bindings: []Binding{{JumpCloudID(1), AzureADID(1), ""}},
		Members:  []Member{{JumpCloudID(1), false, true}},
	}
}

// Company is a place where everything happens at once.
func Company() Place {
	w := Anna()
	add := func(n int, j people.JumpCloudUser, u people.AzureADUser) {
		if j != (people.JumpCloudUser{}) {
			j.ID = JumpCloudID(n)
			w.JumpCloud = append(w.JumpCloud, j)
		}
		if u.UPN != "" {
			u.ID = AzureADID(n)
			w.AzureAD = append(w.AzureAD, u)
		}
	}
	full := func(n int, local, name string) {
		a := local + "@example.com"
		add(n, people.JumpCloudUser{Username: local, Email: a}, people.AzureADUser{UPN: a, Name: name, Mail: a, ImmutableID: local})
		w.Bindings = append(w.Bindings, Binding{JumpCloudID(n), AzureADID(n), ""})
		w.Members = append(w.Members, Member{JumpCloudID(n), false, true})
	}
	full(2, "bruno", "Bruno Caro")
	full(3, "carla", "Carla Diaz")
	add(4, people.JumpCloudUser{}, people.AzureADUser{UPN: "dora@example.com", Name: "Dora | Eis", Mail: "dora@example.com", ImmutableID: "4"})
	add(5, people.JumpCloudUser{Email: "emil@example.com", Username: "emil"}, people.AzureADUser{})
	add(6, people.JumpCloudUser{Email: "fritz@example.com", Username: "fritz"},
		people.AzureADUser{UPN: "f.gold@example.com", Name: "=cmd|' /C calc'!A0", Mail: "f.gold@example.com", ImmutableID: "6",
			Proxies: []string{"SMTP:f.gold@example.com", "smtp:fritz@example.com"}})
	w.Members = append(w.Members, Member{JumpCloudID(6), true, true})
	w.Bindings = append(w.Bindings, Binding{JumpCloudID(6), "", "@SUM(1) \x1b[31mrefused"})
	add(7, people.JumpCloudUser{Email: "gina@example.com", Username: "gina", Suspended: true},
		people.AzureADUser{UPN: "gina@example.com", Name: "Gina Hof", Mail: "gina@example.com", ImmutableID: "carla"})
	add(8, people.JumpCloudUser{Username: "nomail"},
		people.AzureADUser{UPN: "room.3@example.com", Name: "Room 3", Mail: "room.3@example.com", ImmutableID: "8"})
	add(9, people.JumpCloudUser{Email: "ida@example.com", Username: "ida"},
		people.AzureADUser{UPN: "ida@example.com", Name: "Ida Jung", Mail: "ida@example.com", ImmutableID: "9", Admin: true, Synced: true})
	w.Members = append(w.Members, Member{JumpCloudID(9), false, true})
	add(10, people.JumpCloudUser{Email: "jan@example.com", Username: "jan"},
		people.AzureADUser{UPN: "jan@contoso.onmicrosoft.com", Name: "Jan Klee", Mail: "jan@example.com", ImmutableID: "10"})
	w.Members = append(w.Members, Member{JumpCloudID(10), false, true})
	add(11, people.JumpCloudUser{Email: "Ida@example.com", Username: "ida2"}, people.AzureADUser{})
	add(12, people.JumpCloudUser{Email: "x@partner.example", Username: "x"},
		people.AzureADUser{UPN: "kai@example.com", Name: "Kai", Disabled: true})
	add(13, people.JumpCloudUser{Email: "lea@example.com", Username: "lea", NotActivated: true},
		people.AzureADUser{UPN: "lea@example.com", Name: "Léa\u202eMai", Mail: "lea@example.com"})
	w.Members = append(w.Members, Member{JumpCloudID(13), false, true})
	w.Bindings = append(w.Bindings, Binding{JumpCloudID(13), AzureADID(13), ""})
	return w
}
