package jumpcloud

import (
	"slices"

	"github.com/jcaad/jcaad/internal/jsonscan"
)

// userFields is a set of the fields of [User].
type userFields uint32

const (
	fieldID userFields = 1 << iota
	fieldUsername
	fieldEmail
	fieldAlternateEmail
	fieldFirstName
	fieldLastName
	fieldDisplayName
	fieldState
	fieldActivated
	fieldSuspended
	fieldAccountLocked
	fieldPasswordExpired
	fieldExternallyManaged
	fieldCreated

	allUserFields = ^userFields(0)
)

// userField is the field of a key; 0 if it is none that [User] has.
func userField(key []byte) int { return int(userFieldOf(key)) }

func userFieldOf(key []byte) userFields {
	switch string(key) {
	case "_id", "id": // real answers have both
		return fieldID
	case "username":
		return fieldUsername
	case "email":
		return fieldEmail
	case "alternateEmail":
		return fieldAlternateEmail
	case "firstname":
		return fieldFirstName
	case "lastname":
		return fieldLastName
	case "displayname":
		return fieldDisplayName
	case "state":
		return fieldState
	case "activated":
		return fieldActivated
	case "suspended":
		return fieldSuspended
	case "account_locked":
		return fieldAccountLocked
	case "password_expired":
		return fieldPasswordExpired
	case "externally_managed":
		return fieldExternallyManaged
	case "created":
		return fieldCreated
	}
	return 0
}

// fieldsOf returns the typed fields among names, and whether there are others.
func fieldsOf(names []string) (set userFields, others bool) {
	if len(names) == 0 {
		return allUserFields, true
	}
	set = fieldID
	for _, n := range names {
		field := userFieldOf([]byte(n))
		set |= field
		others = others || field == 0
	}
	return set, others
}

// scan reads one user; only the wanted fields are taken.
func (u *User) scan(s *jsonscan.Scanner, k *jsonscan.Keys, a *jsonscan.Arena, want userFields) {
	for key, ok := s.ObjectOf(k); ok; key, ok = s.FieldOf(k) {
		field := userFields(key) & want
		if field == fieldID {
			want &^= fieldID // the first of them counts
		}
		u.take(field, s, a)
	}
}

// take reads the value of a field.
func (u *User) take(field userFields, s *jsonscan.Scanner, a *jsonscan.Arena) {
	switch field {
	case fieldID:
		a.Loose(s, &u.ID)
	case fieldUsername:
		a.Loose(s, &u.Username)
	case fieldEmail:
		a.Loose(s, &u.Email)
	case fieldAlternateEmail:
		a.Loose(s, &u.AlternateEmail)
	case fieldFirstName:
		a.Loose(s, &u.FirstName)
	case fieldLastName:
		a.Loose(s, &u.LastName)
	case fieldDisplayName:
		a.Loose(s, &u.DisplayName)
	case fieldState:
		a.Loose(s, &u.State)
	case fieldActivated:
		u.Activated = truth(s)
	case fieldSuspended:
		u.Suspended = truth(s)
	case fieldAccountLocked:
		u.AccountLocked = truth(s)
	case fieldPasswordExpired:
		u.PasswordExpired = truth(s)
	case fieldExternallyManaged:
		u.ExternallyManaged = truth(s)
	case fieldCreated:
		u.Created = moment(s)
	}
}

// userPage is a page of users.
type userPage struct {
	page[User]
	want userFields
	raw  bool
}

func (p *userPage) decode(b []byte) (err error) {
	s, k, a := jsonscan.New(b), jsonscan.NewKeys(userField), new(jsonscan.Arena)
	p.items = make([]User, 0, pageSize)
	e := elementsOf(&s)
	for ok := e.first(); ok; ok = e.next() {
		p.items = append(p.items, User{})
		u := &p.items[len(p.items)-1]
		from := s.At()
		u.scan(&s, &k, a, p.want)
		if p.raw {
			u.Raw = slices.Clone(b[from:s.At()])
		}
	}
	p.total, err = e.end()
	return err
}
