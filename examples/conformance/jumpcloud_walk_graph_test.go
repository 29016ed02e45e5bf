package conformance

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/jcaad/jcaad/jumpcloud"
)

// notBindable are the types of the descriptions of which there is nothing.
var notBindable = map[string]bool{
	"idp_routing_policy": true, "password_manager_item": true, "radius_server": true, "system": true, "system_group": true,
}

// fresh makes an object of a type that is bound to nothing.
func (w *world) fresh(kind string, n int) string {
	switch t := jumpcloud.ObjectType(kind); t {
	case jumpcloud.UserObject:
		return w.org.AddUser(jumpcloud.User{Username: fmt.Sprint("fresh", n)})
	case jumpcloud.GroupObject:
		return w.org.AddGroup(fmt.Sprint("Fresh ", n))
	case jumpcloud.ApplicationObject:
		return w.org.AddApplication("bookmark", "Fresh", "", fmt.Sprint("https://sso.jumpcloud.com/saml2/fresh", n))
	default:
		return w.org.AddDirectoryOf(t, "Fresh")
	}
}

// TestJumpCloudWalkGraph: each type can be bound, changed and unbound, with attributes
// that are shown, or is refused by name; and so is what an operation does not have.
func TestJumpCloudWalkGraph(t *testing.T) {
	w := newWorld(t)
	walked := 0
	for _, o := range jumpCloudOperations(t) {
		if last := o.lastWord(); o.method != http.MethodPost || last != "associations" && last != "members" {
			continue
		}
		properties := propertiesOf(o.body())
		for _, name := range []string{"op", "type", "id", "attributes"} {
			if properties[name] == nil {
				t.Errorf("%s has no %s", o.name, name)
			}
			delete(properties, name)
		}
		properties["nonsense"] = openapi3.NewStringSchema()
		kinds := propertiesOf(o.body())["type"].Enum
		for name := range properties {
			body := fmt.Sprintf(`{"op":"add","type":%q,"id":"x",%q:1}`, kinds[0], name)
			if r := w.send(o.method, o.address(w, nil), body); !r.refuses(name) {
				t.Errorf("%s, %s: %d %s", o.name, name, r.status, r.body)
			}
		}
		for n, kind := range kinds {
			walked++
			g := &graphWalk{T: t, w: w, o: o, kind: kind.(string)}
			g.walk(100*walked + n)
		}
	}
	if walked < 20 {
		t.Errorf("only %d types were walked", walked)
	}
}

type graphWalk struct {
	*testing.T
	w    *world
	o    operation
	kind string
}

func (g *graphWalk) walk(n int) {
	if notBindable[g.kind] {
		for _, op := range []string{"add", "update", "remove"} {
			if r := g.change(op, g.w.ids["users"], "{}"); !r.refuses(g.kind) {
				g.Errorf("%s, %s: %d %s", g.o.name, g.kind, r.status, r.body)
			}
		}
		return
	}
	id := g.w.fresh(g.kind, n)
	for _, step := range []struct {
		op, attributes string
		status         int
		shown          any // attributes; nil: not bound
	}{
		{"update", `{"k":0}`, 404, nil},
		{"remove", `{}`, 404, nil},
		{"add", `{"k":1}`, 204, 1.0},
		{"add", `{"k":2}`, 409, 1.0},
		{"update", `{"k":3}`, 204, 3.0},
		{"remove", `{}`, 204, nil},
	} {
		if r := g.change(step.op, id, step.attributes); r.status != step.status {
			g.Errorf("%s, %s %s: %d %s, want %d", g.o.name, step.op, g.kind, r.status, r.body, step.status)
		}
		if got := g.shown(id); got != step.shown {
			g.Errorf("%s: after %s %s it shows %v, want %v", g.o.name, step.op, g.kind, got, step.shown)
		}
	}
	if r := g.change("nonsense", id, "{}"); r.status != 400 {
		g.Errorf("%s, nonsense: %d %s", g.o.name, r.status, r.body)
	}
}

func (g *graphWalk) change(op, id, attributes string) reply {
	body := fmt.Sprintf(`{"op":%q,"type":%q,"id":%q,"attributes":%s}`, op, g.kind, id, attributes)
	return g.w.send(g.o.method, g.o.address(g.w, nil), body)
}

// shown is the attribute k of what is bound; nil if it is not.
func (g *graphWalk) shown(id string) any {
	address := g.o.address(g.w, nil) + "?limit=100"
	if strings.HasSuffix(g.o.path, "/associations") {
		address += "&targets=" + g.kind
	}
	for _, o := range g.w.send("GET", address, "").items() {
		if o["to"].(map[string]any)["id"] == id {
			return o["attributes"].(map[string]any)["k"]
		}
	}
	return nil
}
