package jumpcloud_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

func TestDissociate(t *testing.T) {
	s, id := withApp(t)
	g := s.AddGroup("G")
	app, group := jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: id}, jumpcloud.Object{Type: jumpcloud.GroupObject, ID: g}
	s.Bind(app, group)
	c := s.Client(nil)
	for range 2 { // the second time there is nothing to cut
		if err := c.Dissociate(t.Context(), app, group); err != nil {
			t.Fatal(err)
		}
		if s.Associated(app, group) {
			t.Error("still bound")
		}
	}
	err := c.Dissociate(t.Context(), jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: "60ffffffffffffffffffffff"}, group)
	if !errors.Is(err, jumpcloud.ErrNotFound) {
		t.Errorf("from what does not exist: err = %v; want ErrNotFound", err)
	}
	// Edges can be written from either end.
	if err := c.Associate(t.Context(), group, app); err != nil || !s.Associated(app, group) {
		t.Errorf("err = %v", err)
	}
}

func TestMembers(t *testing.T) {
	s := &jumpcloudtest.Server{}
	u, g, dyn := s.AddUser(jumpcloud.User{Username: "u", Email: "u@example.com"}), s.AddGroup("G"), s.AddDynamicGroup("D")
	c, ctx := s.Client(nil), t.Context()
	const nobody = "60ffffffffffffffffffffff"
	for _, tt := range []struct {
		name string
		f    func(context.Context, string, string) error
		g, u string
		want error
	}{
		{"remove nobody", c.RemoveGroupMember, g, u, nil},
		{"add", c.AddGroupMember, g, u, nil},
		{"add again", c.AddGroupMember, g, u, nil},
		{"add an unknown user", c.AddGroupMember, g, nobody, jumpcloud.ErrNotFound},
		{"add to an unknown group", c.AddGroupMember, nobody, u, jumpcloud.ErrNotFound},
		{"remove from an unknown group", c.RemoveGroupMember, nobody, u, jumpcloud.ErrNotFound},
		{"remove an unknown user", c.RemoveGroupMember, g, nobody, nil},
		{"add to a dynamic group", c.AddGroupMember, dyn, u, nil},
	} {
		if err := tt.f(ctx, tt.g, tt.u); !errors.Is(err, tt.want) || tt.want == nil && err != nil {
			t.Errorf("%s: err = %v; want %v", tt.name, err, tt.want)
		}
	}
	if diff := cmp.Diff([]jumpcloudtest.Group{{ID: g, Name: "G", Members: []string{u}}, {ID: dyn, Name: "D"}}, s.Groups()); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
	if d, err := c.Group(ctx, dyn); err != nil || !d.IsDynamic() {
		t.Errorf("dynamic group = %+v, %v", d, err)
	}
}

func TestAddOffice365DomainTwice(t *testing.T) {
	s := &jumpcloudtest.Server{}
	d, e := s.AddDirectory("one"), s.AddDirectory("two")
	c := s.Client(nil)
	one, err := c.AddOffice365Domain(t.Context(), d, "example.com")
	if err != nil {
		t.Fatal(err)
	}
	again, err := c.AddOffice365Domain(t.Context(), d, "EXAMPLE.com.")
	if err != nil || again.ID != one.ID {
		t.Errorf("again = %v, %v; want %v", again, err, one)
	}
	if _, err := c.AddOffice365Domain(t.Context(), e, "example.com"); !errors.Is(err, jumpcloud.ErrConflict) {
		t.Errorf("in another directory: err = %v; want ErrConflict", err)
	}
	if err := c.SetOffice365DefaultDomain(t.Context(), d, one.ID); err != nil {
		t.Fatal(err)
	}
	if got := s.Directory(d); got.DefaultDomain != "example.com" {
		t.Errorf("directory = %+v", got)
	}
	if err := c.UnsetOffice365DefaultDomain(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if o, err := c.Office365(t.Context(), d); err != nil || o.DefaultDomain != nil {
		t.Errorf("office365 = %+v, %v", o, err)
	}
	for range 2 {
		if err := c.DeleteOffice365Domain(t.Context(), d, one.ID); err != nil {
			t.Error(err)
		}
	}
}
