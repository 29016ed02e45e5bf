package conformance

import (
	"context"
	"crypto/x509/pkix"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/jcaad/jcaad/certs"
	"github.com/jcaad/jcaad/jumpcloud"
	"github.com/jcaad/jcaad/jumpcloud/jumpcloudtest"
)

// namedJumpCloud are the operations of the descriptions that the design of the
// client names.
var namedJumpCloud = []string{
	"jumpcloud v1 GET /organizations",
	"jumpcloud v1 GET /systemusers",
	"jumpcloud v1 POST /systemusers",
	"jumpcloud v1 GET /systemusers/{id}",
	"jumpcloud v1 PUT /systemusers/{id}",
	"jumpcloud v1 POST /search/systemusers",
	"jumpcloud v1 GET /applications",
	"jumpcloud v1 POST /applications",
	"jumpcloud v1 GET /applications/{id}",
	"jumpcloud v1 PUT /applications/{id}",
	"jumpcloud v1 DELETE /applications/{id}",
	"jumpcloud v1 GET /application-templates",

	"jumpcloud v2 GET /usergroups",
	"jumpcloud v2 POST /usergroups",
	"jumpcloud v2 GET /usergroups/{id}",
	"jumpcloud v2 DELETE /usergroups/{id}",
	"jumpcloud v2 GET /usergroups/{group_id}/members",
	"jumpcloud v2 POST /usergroups/{group_id}/members",
	"jumpcloud v2 GET /usergroups/{group_id}/membership",
	"jumpcloud v2 GET /usergroups/{group_id}/associations",
	"jumpcloud v2 POST /usergroups/{group_id}/associations",
	"jumpcloud v2 GET /applications/{application_id}/associations",
	"jumpcloud v2 POST /applications/{application_id}/associations",
	"jumpcloud v2 GET /directories",
	"jumpcloud v2 GET /office365s/{office365_id}",
	"jumpcloud v2 PATCH /office365s/{office365_id}",
	"jumpcloud v2 GET /office365s/{office365_id}/associations",
	"jumpcloud v2 POST /office365s/{office365_id}/associations",
	"jumpcloud v2 GET /office365s/{office365_id}/users",
	"jumpcloud v2 GET /office365s/{office365_id}/import/users",
	"jumpcloud v2 GET /office365s/{office365_id}/translationrules",
	"jumpcloud v2 POST /office365s/{office365_id}/translationrules",
	"jumpcloud v2 DELETE /office365s/{office365_id}/translationrules/{id}",
}

func TestJumpCloud(t *testing.T) {
	v1 := load(t, "jumpcloud v1", "jumpcloud-v1-trimmed.json")
	v2 := load(t, "jumpcloud v2", "jumpcloud-v2-trimmed.json")
	org := jumpcloudtest.Server{PageSize: 2, MultiTenant: true, Sync: synchronised, ImportUsers: []jumpcloud.ImportUser{
		{ID: "a0000000-0000-4000-8000-000000000001", UserPrincipalName: "alice@example.com", GivenName: "Alice", Surname: "Archer"},
		{ID: "a0000000-0000-4000-8000-000000000002", UserPrincipalName: "bob@example.com"},
		{ID: "a0000000-0000-4000-8000-000000000003", UserPrincipalName: "carol@example.com"},
	}}
	check := newChecker(org.HTTPClient().Transport, absentRoutes(t, "jumpcloud", v2), v1, v2)
	opts := &jumpcloud.Options{HTTPClient: &http.Client{Transport: check}, OrgID: org.OrgID()}
	c, err := jumpcloud.New("not-a-real-key", opts)
	if err != nil {
		t.Fatal(err)
	}
	driveJumpCloud(t, c, &org)
	account, err := jumpcloud.NewServiceAccount("not-a-real-id", "not-a-real-secret", opts)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := all(account.Organizations(t.Context())); err != nil {
		t.Errorf("as a service account: %v", err)
	}
	judge(t, check, "jumpcloud", namedJumpCloud, v1, v2)
}

func synchronised(_, userID string) jumpcloud.BoundUser {
	return jumpcloud.BoundUser{UserID: userID, ExternalID: "a0000000-0000-4000-8000-000000000009", Sync: &jumpcloud.SyncStatus{
		Code: "200", Message: "OK", SyncedAt: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
	}}
}

// driveJumpCloud calls every method of the client that makes a request.
func driveJumpCloud(t *testing.T, c *jumpcloud.Client, org *jumpcloudtest.Server) {
	ctx := t.Context()
	alice := org.AddUser(jumpcloud.User{Username: "alice", Email: "alice@example.com", FirstName: "Alice", LastName: "Archer", DisplayName: "Alice A", AlternateEmail: "a@example.org"})
	bob := org.AddUser(jumpcloud.User{Username: "bob", Email: "bob@example.com"})
	org.AddUser(jumpcloud.User{Username: "carol", Email: "carol@example.com", State: jumpcloud.Suspended, Suspended: true})
	everybody := org.AddGroup("Everybody", alice, bob)
	directory := org.AddDirectory("Microsoft 365")
	broken := org.AddDirectory("Broken")
	org.SetOAuth(broken, jumpcloud.OAuthStatus{Expiry: time.Date(2023, 12, 28, 3, 31, 0, 0, time.UTC), Error: "invalid_grant", Message: "AADSTS9002313: Invalid request."})
	org.AddDirectoryOf("g_suite", "Google Workspace")
	org.AddDirectoryDomain(directory, "example.com", true)

	var (
		user               jumpcloud.User
		group              jumpcloud.Group
		template           jumpcloud.Template
		application, other jumpcloud.Application
		domain             jumpcloud.DirectoryDomain
		rule               jumpcloud.TranslationRule
		pair               = keyPair(t)

		applicationObject = func() jumpcloud.Object {
			return jumpcloud.Object{Type: jumpcloud.ApplicationObject, ID: application.ID}
		}
		groupObject     = func() jumpcloud.Object { return jumpcloud.Object{Type: jumpcloud.GroupObject, ID: group.ID} }
		directoryObject = jumpcloud.Object{Type: jumpcloud.DirectoryObject, ID: directory}
		userObject      = jumpcloud.Object{Type: jumpcloud.UserObject, ID: alice}
		everybodyObject = jumpcloud.Object{Type: jumpcloud.GroupObject, ID: everybody}
	)
	both := func(from, to func() jumpcloud.Object, f func(context.Context, jumpcloud.Object, jumpcloud.Object) error) func() error {
		return func() error { // the second time it is so already
			return errors.Join(f(ctx, from(), to()), f(ctx, from(), to()))
		}
	}
	fixed := func(o jumpcloud.Object) func() jumpcloud.Object { return func() jumpcloud.Object { return o } }

	drive(t, c, []step{
		{"Organizations", func() error { return some(all(c.Organizations(ctx))) }},
		{"Events", func() error {
			_, err := all(c.Events(ctx, jumpcloud.EventsOptions{}))
			return err
		}},

		{"Users", func() error { return some(all(c.Users(ctx, nil))) }},
		{"Users", func() error {
			return some(all(c.Users(ctx, &jumpcloud.UsersOptions{
				Filter: []string{jumpcloud.Eq("email", "alice@example.com")}, Fields: []string{"email", "alternateEmail", "state"}, Search: "alice",
			})))
		}},
		{"Users", func() error {
			return some(all(c.Users(ctx, &jumpcloud.UsersOptions{
				Filter: []string{jumpcloud.In("email", "alice@example.com", "bob@example.com"), jumpcloud.StartsWith("username", "a")},
			})))
		}},
		{"SearchUsers", func() error {
			return some(all(c.SearchUsers(ctx, jumpcloud.UserSearch{
				Terms: []string{"@example.com"}, TermFields: []string{"email"}, Fields: []string{"email"},
				All: []jumpcloud.Condition{{Field: "username", Value: "alice"}},
			})))
		}},
		{"SearchUsers", func() error {
			return some(all(c.SearchUsers(ctx, jumpcloud.UserSearch{Any: []jumpcloud.Condition{{Field: "username", Value: "alice"}, {Field: "username", Value: "bob"}}})))
		}},
		{"CreateUser", func() error {
			u, err := c.CreateUser(ctx, jumpcloud.User{Username: "dana", Email: "dana@example.com", FirstName: "Dana", LastName: "Reyes", State: jumpcloud.Staged})
			return keep(&user, u, err)
		}},
		{"User", func() error { _, err := c.User(ctx, user.ID); return err }},
		{"UpdateUser", func() error {
			_, err := c.UpdateUser(ctx, user.ID, jumpcloud.UserUpdate{
				Username: ptr("dana.reyes"), Email: ptr("dana.reyes@example.com"), AlternateEmail: ptr("dana@example.org"), FirstName: ptr("D"),
				LastName: ptr("R"), DisplayName: ptr("Dana R"), State: ptr(jumpcloud.Activated),
			})
			return err
		}},

		{"CreateGroup", func() error {
			g, err := c.CreateGroup(ctx, jumpcloud.Group{Name: "Microsoft 365", Description: "May use Microsoft 365", Email: "m365@example.com", MembershipMethod: "STATIC"})
			return keep(&group, g, err)
		}},
		{"CreateGroup", func() error { _, err := c.CreateGroup(ctx, jumpcloud.Group{Name: "Pilot"}); return err }},
		{"Groups", func() error { return some(all(c.Groups(ctx))) }},
		{"Groups", func() error {
			return some(all(c.Groups(ctx, "Everybody")))
		}},
		{"Group", func() error { _, err := c.Group(ctx, group.ID); return err }},
		{"AddGroupMember", func() error {
			return errors.Join(c.AddGroupMember(ctx, group.ID, alice), c.AddGroupMember(ctx, group.ID, alice), c.AddGroupMember(ctx, group.ID, bob))
		}},
		{"GroupMembers", func() error { return some(all(c.GroupMembers(ctx, group.ID))) }},
		{"GroupMembership", func() error { return some(all(c.GroupMembership(ctx, group.ID))) }},
		{"RemoveGroupMember", func() error {
			return errors.Join(c.RemoveGroupMember(ctx, group.ID, bob), c.RemoveGroupMember(ctx, group.ID, bob))
		}},

		{"Templates", func() error { return some(all(c.Templates(ctx))) }},
		{"Template", func() error {
			m365, err := c.Template(ctx, jumpcloud.Office365Template)
			return keep(&template, m365, err)
		}},
		{"CreateApplication", func() error {
			a, err := c.CreateApplication(ctx, jumpcloud.NewApplication{
				Template: &template, Label: "Microsoft 365", Description: "example.com", SSOURL: "https://sso.jumpcloud.com/saml2/example-com",
				IdPEntityID: "urn:uri:example.com", Active: true,
			})
			return keep(&application, a, err)
		}},
		{"CreateApplication", func() error {
			custom, err := c.Template(ctx, "saml2")
			if err != nil {
				return err
			}
			a, err := c.CreateApplication(ctx, jumpcloud.NewApplication{
				Template: custom, Label: "Another", SSOURL: "https://sso.jumpcloud.com/saml2/another", IdPEntityID: "another", Settings: map[string]any{"acsUrl": "https://app.example.com/acs"},
			})
			return keep(&other, a, err)
		}},
		{"Applications", func() error { return some(all(c.Applications(ctx))) }},
		{"Applications", func() error {
			return some(all(c.Applications(ctx, "office365", "saml2")))
		}},
		{"Application", func() error { _, err := c.Application(ctx, application.ID); return err }},
		{"ModifyApplication", func() error {
			_, err := c.ModifyApplication(ctx, application.ID, func(a *jumpcloud.Application) error {
				a.DisplayLabel, a.Description, a.IdPEntityID = "Microsoft 365 (example.com)", "federated", "urn:uri:www.example.com"
				return nil
			})
			return err
		}},
		{"ModifyApplication", func() error {
			_, err := c.ModifyApplication(ctx, application.ID, func(a *jumpcloud.Application) error { a.Hidden = true; return nil })
			return err
		}},
		{"RegenerateCertificate", func() error {
			a, err := c.Application(ctx, application.ID)
			if err != nil {
				return err
			}
			old, err := a.Certificate()
			if err != nil {
				return err
			}
			_, err = c.RegenerateCertificate(ctx, application.ID, old)
			return err
		}},
		{"ReplaceCertificate", func() error { _, err := c.ReplaceCertificate(ctx, application.ID, pair); return err }},
		{"Metadata", func() error { _, err := c.Metadata(ctx, org.OrgID(), application.ID); return err }},

		{"Directories", func() error { return some(all(c.Directories(ctx))) }},
		{"UpdateOffice365", func() error {
			_, err := c.UpdateOffice365(ctx, directory, jumpcloud.Office365Update{
				Name: ptr("Microsoft 365 (example.com)"), GroupsEnabled: ptr(true), UserLockoutAction: ptr("maintain"), UserPasswordExpirationAction: ptr("suspend"),
			})
			return err
		}},
		{"AddOffice365Domain", func() error {
			d, err := c.AddOffice365Domain(ctx, directory, "example.net")
			if err := keep(&domain, d, err); err != nil {
				return err
			}
			_, err = c.AddOffice365Domain(ctx, directory, "example.net") // is there already
			return err
		}},
		{"Office365Domains", func() error { return some(all(c.Office365Domains(ctx, directory))) }},
		{"SetOffice365DefaultDomain", func() error { return c.SetOffice365DefaultDomain(ctx, directory, domain.ID) }},
		{"Office365s", func() error {
			org.Quirks.ListOffice365s = true
			err := some(all(c.Office365s(ctx)))
			org.Quirks.ListOffice365s = false
			return err
		}},
		{"Office365", func() error { _, err := c.Office365(ctx, directory); return err }},
		{"UnsetOffice365DefaultDomain", func() error { return c.UnsetOffice365DefaultDomain(ctx, directory) }},
		{"Office365", func() error { _, err := c.Office365(ctx, directory); return err }},
		{"DeleteOffice365Domain", func() error {
			return errors.Join(c.DeleteOffice365Domain(ctx, directory, domain.ID), c.DeleteOffice365Domain(ctx, directory, domain.ID))
		}},
		{"CreateTranslationRule", func() error {
			r, err := c.CreateTranslationRule(ctx, directory, jumpcloud.TranslationRule{BuiltIn: jumpcloud.UPNFromAlternateEmail})
			return keep(&rule, r, err)
		}},
		{"TranslationRules", func() error { return some(all(c.TranslationRules(ctx, directory))) }},
		{"DeleteTranslationRule", func() error {
			return errors.Join(c.DeleteTranslationRule(ctx, directory, rule.ID), c.DeleteTranslationRule(ctx, directory, rule.ID))
		}},
		{"ImportableUsers", func() error { return some(all(c.ImportableUsers(ctx, directory))) }},

		{"Associate", both(applicationObject, groupObject, c.Associate)},
		{"Associate", both(groupObject, fixed(directoryObject), c.Associate)},
		{"Associate", both(fixed(directoryObject), fixed(everybodyObject), c.Associate)},
		{"Associate", both(fixed(userObject), fixed(directoryObject), c.Associate)},
		{"Associate", both(applicationObject, fixed(userObject), c.Associate)},
		{"Associations", func() error {
			var errs []error
			for _, from := range []jumpcloud.Object{applicationObject(), groupObject(), directoryObject, userObject} {
				errs = append(errs, some(all(c.Associations(ctx, from))))
			}
			return errors.Join(errs...)
		}},
		{"Traverse", func() error {
			var errs []error
			for _, way := range []struct {
				from jumpcloud.Object
				to   jumpcloud.ObjectType
			}{
				{applicationObject(), jumpcloud.UserObject}, {applicationObject(), jumpcloud.GroupObject},
				{directoryObject, jumpcloud.UserObject}, {directoryObject, jumpcloud.GroupObject},
				{groupObject(), jumpcloud.ApplicationObject}, {groupObject(), jumpcloud.DirectoryObject}, {groupObject(), jumpcloud.UserObject},
				{userObject, jumpcloud.ApplicationObject}, {userObject, jumpcloud.DirectoryObject}, {userObject, jumpcloud.GroupObject},
			} {
				errs = append(errs, some(all(c.Traverse(ctx, way.from, way.to))))
			}
			return errors.Join(errs...)
		}},
		{"Office365Users", func() error { return some(all(c.Office365Users(ctx, directory))) }},
		{"Dissociate", both(applicationObject, groupObject, c.Dissociate)},
		{"Dissociate", both(groupObject, fixed(directoryObject), c.Dissociate)},
		{"Dissociate", both(fixed(directoryObject), fixed(everybodyObject), c.Dissociate)},
		{"Dissociate", both(fixed(userObject), fixed(directoryObject), c.Dissociate)},

		{"DeleteApplication", func() error {
			return errors.Join(c.DeleteApplication(ctx, other.ID), c.DeleteApplication(ctx, other.ID))
		}},
		{"DeleteApplication", func() error { // what else a deletion may answer
			org.Quirks.DeleteStatus = http.StatusNoContent
			return c.DeleteApplication(ctx, application.ID)
		}},
		{"DeleteGroup", func() error { return errors.Join(c.DeleteGroup(ctx, group.ID), c.DeleteGroup(ctx, group.ID)) }},
	})
}

// keyPair makes a key and a certificate.
func keyPair(t *testing.T) *certs.KeyPair {
	t.Helper()
	now := time.Now()
	pair, err := certs.NewKeyPair(pkix.Name{CommonName: "conformance"}, certs.Lifetime{NotBefore: now, NotAfter: now.AddDate(1, 0, 0)}, 0)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}
