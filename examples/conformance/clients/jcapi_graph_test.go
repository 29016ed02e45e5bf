package clients

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	v1 "github.com/TheJumpCloud/jcapi-go/v1"
	v2 "github.com/TheJumpCloud/jcapi-go/v2"

	"github.com/jcaad/jcaad/jumpcloud"
)

func TestJCAPIGroups(t *testing.T) {
	o := newOrganization(t)
	groups, ctx := o.v2.UserGroupsApi, o.ctx2
	made := got[v2.UserGroup](t, "create")(groups.GroupsUserPost(ctx, js, js, opts{"body": v2.UserGroupPost{Name: "Pilot"}}))
	if made.Name != "Pilot" || made.Type_ != "user_group" {
		t.Errorf("created %+v", made)
	}
	renamed := got[v2.UserGroup](t, "put")(groups.GroupsUserPut(ctx, made.Id, js, js, opts{"body": v2.UserGroupPut{Name: "Pilots"}}))
	if renamed.Name != "Pilots" {
		t.Errorf("renamed %+v", renamed)
	}
	for name, tt := range map[string]struct {
		opts opts
		want string
	}{
		"sorted":               {opts{"sort": []string{"name"}}, "Everybody Pilots"},
		"sorted the other way": {opts{"sort": []string{"-name"}}, "Pilots Everybody"},
		"filter":               {opts{"filter": []string{"name:eq:Pilots"}}, "Pilots"},
		"page":                 {opts{"sort": []string{"name"}, "limit": int32(1), "skip": int32(1)}, "Pilots"},
	} {
		list := got[[]v2.UserGroup](t, name)(groups.GroupsUserList(ctx, js, js, tt.opts))
		var names []string
		for _, g := range list {
			names = append(names, g.Name)
		}
		if strings.Join(names, " ") != tt.want {
			t.Errorf("%s: %v, want %s", name, names, tt.want)
		}
	}
	for _, op := range []string{"add", "remove"} {
		body := opts{"body": v2.UserGroupMembersReq{Op: op, Type_: "user", Id: o.bob}}
		done(t, op)(groups.GraphUserGroupMembersPost(ctx, made.Id, js, js, body))
		members := got[[]v2.GraphConnection](t, "members")(groups.GraphUserGroupMembersList(ctx, made.Id, js, js, nil))
		if (op == "add") != (len(members) == 1 && members[0].To.Id == o.bob && members[0].To.Type_ == "user") {
			t.Errorf("after %s the members are %+v", op, members)
		}
		resp, err := groups.GraphUserGroupMembersPost(ctx, made.Id, js, js, body)
		if op == "add" {
			rejected(t, "a member once more", resp, err, http.StatusConflict, "Already Exists")
		} else {
			rejected(t, "no member once more", resp, err, http.StatusNotFound)
		}
	}
	membership := got[[]v2.GraphObjectWithPaths](t, "membership")(groups.GraphUserGroupMembership(ctx, o.group, js, js, nil))
	of := got[[]v2.GraphObjectWithPaths](t, "groups of a user")(o.v2.UsersApi.GraphUserMemberOf(ctx, o.alice, js, js, nil))
	if len(membership) != 2 || len(of) != 1 || of[0].Id != o.group || len(of[0].Paths) == 0 {
		t.Errorf("membership %+v, groups %+v", membership, of)
	}
	done(t, "delete")(groups.GroupsUserDelete(ctx, made.Id, js, js, nil))
	_, resp, err := groups.GroupsUserGet(ctx, made.Id, js, js, nil)
	rejected(t, "a deleted group", resp, err, http.StatusNotFound)
}

// TestJCAPIAssociations binds a group to an application and to a directory, and looks
// at that from all sides.
func TestJCAPIAssociations(t *testing.T) {
	o := newOrganization(t)
	ctx, groupType := o.ctx2, v2.GraphType("user_group")
	for kind, id := range map[string]string{"application": o.app, "office_365": o.directory} {
		body := opts{"body": v2.UserGroupGraphManagementReq{Op: "add", Type_: kind, Id: id}}
		done(t, kind)(o.v2.UserGroupsApi.GraphUserGroupAssociationsPost(ctx, o.group, js, js, body))
		resp, err := o.v2.UserGroupsApi.GraphUserGroupAssociationsPost(ctx, o.group, js, js, body)
		rejected(t, kind+" once more", resp, err, http.StatusConflict)
		if !o.Associated(jumpcloud.Object{Type: jumpcloud.GroupObject, ID: o.group}, jumpcloud.Object{Type: jumpcloud.ObjectType(kind), ID: id}) {
			t.Errorf("%s is not bound", kind)
		}
		list := got[[]v2.GraphConnection](t, kind)(o.v2.UserGroupsApi.GraphUserGroupAssociationsList(ctx, o.group, js, js, []string{kind}, nil))
		if len(list) != 1 || list[0].To.Id != id || list[0].To.Type_ != kind {
			t.Errorf("%s: %+v", kind, list)
		}
	}
	users := got[[]v2.GraphObjectWithPaths](t, "users of the application")(o.v2.ApplicationsApi.GraphApplicationTraverseUser(ctx, o.app, js, js, nil))
	groups := got[[]v2.GraphObjectWithPaths](t, "groups of the directory")(o.v2.Office365Api.GraphOffice365TraverseUserGroup(ctx, o.directory, js, js, nil))
	apps := got[[]v2.GraphObjectWithPaths](t, "applications of a user")(o.v2.UsersApi.GraphUserTraverseApplication(ctx, o.alice, js, js, nil))
	dirs := got[[]v2.GraphObjectWithPaths](t, "directories of a user")(o.v2.UsersApi.GraphUserTraverseDirectory(ctx, o.alice, js, js, nil))
	same := got[[]v2.GraphObjectWithPaths](t, "directories of a group")(o.v2.UserGroupsApi.GraphUserGroupTraverseDirectory(ctx, o.group, js, js, nil))
	none := got[[]v2.GraphObjectWithPaths](t, "systems of a user")(o.v2.UsersApi.GraphUserTraverseSystem(ctx, o.alice, js, js, nil))
	if len(users) != 2 || len(groups) != 1 || len(apps) != 1 || len(dirs) != 1 || len(same) != 1 || len(none) != 0 {
		t.Errorf("%d users, %d groups, %d applications, %d directories, %d of a group, %d systems", len(users), len(groups), len(apps), len(dirs), len(same), len(none))
	}
	done(t, "unbind")(o.v2.ApplicationsApi.GraphApplicationAssociationsPost(ctx, o.app, js, js, opts{"body": v2.GraphManagementReq{Op: "remove", Type_: &groupType, Id: o.group}}))
	left := got[[]v2.GraphConnection](t, "left")(o.v2.ApplicationsApi.GraphApplicationAssociationsList(ctx, o.app, []string{"user_group"}, js, js, nil))
	if len(left) != 0 {
		t.Errorf("left %+v", left)
	}
	resp, err := o.v2.UserGroupsApi.GraphUserGroupAssociationsPost(ctx, o.group, js, js, opts{"body": v2.UserGroupGraphManagementReq{Op: "add", Type_: "radius_server", Id: o.app}})
	rejected(t, "a radius server", resp, err, http.StatusNotImplemented, "radius_server")
	_, resp, err = o.v2.UserGroupsApi.GraphUserGroupAssociationsList(ctx, o.group, js, js, []string{"nonsense"}, nil)
	rejected(t, "a target that does not exist", resp, err, http.StatusBadRequest)
	_, resp, err = o.v2.UserGroupsApi.GraphUserGroupAssociationsList(ctx, o.group, js, js, []string{"application", "office_365"}, nil)
	rejected(t, "two targets, which no newer description has", resp, err, http.StatusBadRequest)
}

func TestJCAPIDirectories(t *testing.T) {
	o := newOrganization(t)
	ctx, office := o.ctx2, o.v2.Office365Api
	o.AddDirectoryOf("g_suite", "Google")
	list := got[[]v2.Directory](t, "directories")(o.v2.DirectoriesApi.DirectoriesList(ctx, js, js, nil))
	if len(list) != 2 || !slices.ContainsFunc(list, func(d v2.Directory) bool { return d.Id == o.directory && d.Type_ == "office_365" }) {
		t.Errorf("directories %+v", list)
	}
	city := v2.CITY
	rule := got[v2.Office365TranslationRule](t, "rule")(office.TranslationRulesOffice365Post(ctx, o.directory, js, js, opts{"body": v2.Office365TranslationRuleRequest{BuiltIn: &city}}))
	if rule.Id == "" || *rule.BuiltIn != city {
		t.Errorf("the rule is %+v", rule)
	}
	rules := got[[]v2.Office365TranslationRule](t, "rules")(office.TranslationRulesOffice365List(ctx, o.directory, js, js, nil))
	if !slices.ContainsFunc(rules, func(r v2.Office365TranslationRule) bool { return r.Id == rule.Id }) {
		t.Errorf("rules %+v", rules)
	}
	done(t, "delete")(office.TranslationRulesOffice365Delete(ctx, o.directory, rule.Id, js, js))
}

// TestJCAPINotModelled shows that what the organisation does not model arrives as an
// error that names it.
func TestJCAPINotModelled(t *testing.T) {
	o := newOrganization(t)
	one, two := o.ctx1, o.ctx2
	for words, call := range map[string]func() (*http.Response, error){
		"/sshkeys": func() (*http.Response, error) {
			_, r, err := o.v1.SystemusersApi.SshkeyList(one, o.alice, js, js, nil)
			return r, err
		},
		"/resetmfa": func() (*http.Response, error) {
			return o.v1.SystemusersApi.SystemusersResetmfa(one, o.alice, js, js, opts{"body": v1.Body1{}})
		},
		"GET /api/systems": func() (*http.Response, error) {
			_, r, err := o.v1.SystemsApi.SystemsList(one, js, js, nil)
			return r, err
		},
		"GET /api/commands": func() (*http.Response, error) {
			_, r, err := o.v1.CommandsApi.CommandsList(one, js, js, nil)
			return r, err
		},
		"/api/search/systems": func() (*http.Response, error) {
			_, r, err := o.v1.SearchApi.SearchSystemsPost(one, js, js, nil)
			return r, err
		},
		"GET /api/v2/groups": func() (*http.Response, error) {
			_, r, err := o.v2.GroupsApi.GroupsList(two, js, js, nil)
			return r, err
		},
		"GET /api/v2/policies": func() (*http.Response, error) {
			_, r, err := o.v2.PoliciesApi.PoliciesList(two, js, js, nil)
			return r, err
		},
		"GET /api/v2/systemgroups": func() (*http.Response, error) {
			_, r, err := o.v2.SystemGroupsApi.GroupsSystemList(two, js, js, nil)
			return r, err
		},
		"GET /api/v2/ldapservers": func() (*http.Response, error) {
			_, r, err := o.v2.LDAPServersApi.LdapserversList(two, js, js, nil)
			return r, err
		},
		"PATCH /api/v2/usergroups/": func() (*http.Response, error) {
			_, r, err := o.v2.UserGroupsApi.GroupsUserPatch(two, o.group, js, js, opts{"body": v2.UserGroupPost{Name: "x"}})
			return r, err
		},
		`the parameter "filter"`: func() (*http.Response, error) {
			_, r, err := o.v1.SystemusersApi.SystemusersGet(one, o.alice, js, js, opts{"filter": "x"})
			return r, err
		},
		`the parameter "limit"`: func() (*http.Response, error) {
			_, r, err := o.v1.ApplicationTemplatesApi.ApplicationTemplatesGet(one, "office365", js, js, opts{"limit": int32(1)})
			return r, err
		},
	} {
		resp, err := call()
		rejected(t, words, resp, err, http.StatusNotImplemented, words)
	}
	if g := o.Groups(); len(g) != 1 || g[0].Name != "Everybody" {
		t.Errorf("a refused PATCH has changed the groups: %+v", g)
	}
}

// TestOffice365sList holds the knob for the list of Microsoft 365 directories, which
// JumpCloud's own newer clients call, and no description has.
func TestOffice365sList(t *testing.T) {
	o := newOrganization(t)
	for _, lists := range []bool{false, true} {
		o.Quirks.ListOffice365s = lists
		req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "https://console.jumpcloud.com/api/v2/office365s", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("x-api-key", "not-a-real-key")
		resp, err := o.HTTPClient().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if want := map[bool]int{false: http.StatusNotFound, true: http.StatusOK}[lists]; resp.StatusCode != want {
			t.Errorf("with ListOffice365s = %t the list is %d, want %d", lists, resp.StatusCode, want)
		}
	}
}
