package people_test

import (
	"slices"
	"testing"

	"github.com/jcaad/jcaad/federation/internal/people"
	"github.com/jcaad/jcaad/federation/internal/people/peopletest"
)

// Accounts that bindings name and that nobody has listed are asked for, so many of
// them; those who are not found are told as gone.
func TestStrangers(t *testing.T) {
	w := peopletest.Anna()
	w.AzureAD = nil
	for n := 5; n > 1; n-- {
		w.JumpCloud = append(w.JumpCloud, people.JumpCloudUser{ID: peopletest.JumpCloudID(n), Email: "p" + string(rune('0'+n)) + "@example.com"})
		w.Bindings = append(w.Bindings, peopletest.Binding{User: peopletest.JumpCloudID(n), External: peopletest.AzureADID(n)})
	}
	w.JumpCloud = append(w.JumpCloud, people.JumpCloudUser{ID: peopletest.JumpCloudID(6), Email: "far@other.example"})
	w.Bindings = append(w.Bindings, peopletest.Binding{User: peopletest.JumpCloudID(6), External: peopletest.AzureADID(0)})
	c := w.Fill(nil)
	var want []string
	for n := 1; n <= 5; n++ {
		want = append(want, peopletest.AzureADID(n))
	}
	if got := c.Strangers(9); !slices.Equal(got, want) {
		t.Errorf("Strangers(9) = %q; want %q", got, want)
	}
	if got := c.Strangers(2); !slices.Equal(got, want[:2]) {
		t.Errorf("Strangers(2) = %q; want %q", got, want[:2])
	}
	c.AddAzureAD(&people.AzureADUser{ID: want[1], UPN: "two@contoso.onmicrosoft.com"})
	c.LookedUp(want[:2])
	j := c.Judge()
	if got := j.ByKind; got[people.BoundElsewhere] != 1 || got[people.OtherDomain] != 5 {
		t.Errorf("%d are bound to an account that is gone, %d to one elsewhere; want 1 and 5", got[people.BoundElsewhere], got[people.OtherDomain])
	}
	if j.Named != 5 || j.Here != 1 || j.Known != 6 {
		t.Errorf("%d bindings name accounts, %d of them here, of %d users; want 5, 1, 6", j.Named, j.Here, j.Known)
	}
}

// The immutable IDs that count are those of matched people on the domain.
func TestOrigins(t *testing.T) {
	w := peopletest.Anna()
	add := func(n int, local, domain, immutableID string) {
		upn := local + "@" + domain
		w.JumpCloud = append(w.JumpCloud, people.JumpCloudUser{ID: peopletest.JumpCloudID(n), Email: upn})
		w.AzureAD = append(w.AzureAD, people.AzureADUser{ID: peopletest.AzureADID(n), UPN: upn, ImmutableID: immutableID})
	}
	add(2, "ben", "example.com", people.ObjectIDImmutable(peopletest.AzureADID(2)))
	add(3, "cleo", "example.com", "of her own")
	add(4, "dan", "example.com", "")
	add(5, "eve", "other.example", "elsewhere")
	w.AzureAD = append(w.AzureAD, people.AzureADUser{ID: peopletest.AzureADID(6), UPN: "fay@example.com", ImmutableID: "nobody's"})
	object := func(account, _ string) string { return people.ObjectIDImmutable(account) }
	user := func(_, user string) string { return user }
	counts, others := w.Judge().Origins(object, user)
	if !slices.Equal(counts, []int{1, 1}) || others != 1 {
		t.Errorf("Origins = %d, %d; want one of each", counts, others)
	}
	if id := people.ObjectIDImmutable("no GUID"); id != "" {
		t.Errorf("%q is made of what is no GUID", id)
	}
}

// A person is told as far as they are known.
func TestPerson(t *testing.T) {
	w := peopletest.Anna()
	w.JumpCloud[0].Email, w.JumpCloud[0].Suspended = "", true
	w.AzureAD[0].Synced, w.AzureAD[0].Admin = true, true
	j := w.Judge()
	if j.Len() == 0 || !j.At(0).Both() {
		t.Fatalf("%d findings; want some about both sides", j.Len())
	}
	want := people.Person{
		UserPrincipalName: "anna@example.com", DisplayName: "Anna Berg", AzureADID: peopletest.AzureADID(1),
		JumpCloudID: peopletest.JumpCloudID(1), Username: "anna", Suspended: true, Synced: true, Admin: true,
	}
	if got := j.Person(j.At(0)); got != want {
		t.Errorf("Person = %+v; want %+v", got, want)
	}
}
