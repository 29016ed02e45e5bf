package jumpcloud_test

import (
	"testing"

	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// The way of the main job: template, application, group, binding, metadata.
func TestWayOfTheMainJob(t *testing.T) {
	var s jumpcloudtest.Server
	ctx := t.Context()
	dana := s.AddUser(jumpcloud.User{Username: "dana", Email: "dana@example.com"})
	dir := s.AddDirectory("M365")
	s.AddDirectoryDomain(dir, "example.com", false)
	c := s.Client(nil)

	tmpl, err := c.Template(ctx, jumpcloud.Office365Template)
	if err != nil {
		t.Fatal(err)
	}
	app, err := c.CreateApplication(ctx, jumpcloud.NewApplication{
		Template: tmpl, Label: "Microsoft 365", SSOURL: "https://sso.jumpcloud.com/saml2/example-com", IdPEntityID: "urn:uri:example.com", Active: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	cert, err := app.Certificate()
	if err != nil {
		t.Fatal(err)
	}
	md, err := c.Metadata(ctx, app.OrganizationID, app.ID)
	if err != nil {
		t.Fatal(err)
	}
	if md.EntityID != "urn:uri:example.com" || len(md.SigningCerts) != 1 || md.SigningCerts[0] != cert {
		t.Errorf("metadata = %+v; want the entity ID and certificate of the application", md)
	}
	g, err := c.CreateGroup(ctx, jumpcloud.Group{Name: "M365 users"})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // each is repeatable
		if err := c.AddGroupMember(ctx, g.ID, dana); err != nil {
			t.Fatal(err)
		}
		if err := c.Associate(ctx, jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: app.ID}, jumpcloud.Object{Type: jumpcloud.GroupObject, ID: g.ID}); err != nil {
			t.Fatal(err)
		}
		if err := c.Associate(ctx, jumpcloud.Object{Type: jumpcloud.DirectoryObject, ID: dir}, jumpcloud.Object{Type: jumpcloud.GroupObject, ID: g.ID}); err != nil {
			t.Fatal(err)
		}
	}
	var bound []string
	for u, err := range c.Office365Users(ctx, dir) {
		if err != nil {
			t.Fatal(err)
		}
		bound = append(bound, u.UserID)
	}
	if len(bound) != 1 || bound[0] != dana {
		t.Errorf("bound users = %v; want %v", bound, dana)
	}
	modified, err := c.ModifyApplication(ctx, app.ID, func(a *jumpcloud.Application) error {
		a.DisplayLabel = "M365"
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := modified.Certificate(); got != cert {
		t.Error("the certificate changed")
	}
	if a, _ := s.Application(app.ID); !a.Active || !a.HasKey || a.Certificate != cert || a.Label != "M365" {
		t.Errorf("application = %+v", a)
	}
}
