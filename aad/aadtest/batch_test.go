package aadtest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/aad"
)

// items returns the answers of a batch by their IDs.
func items(a answer) map[string]map[string]any {
	all := make(map[string]map[string]any)
	for _, v := range a.body["responses"].([]any) {
		item := v.(map[string]any)
		all[item["id"].(string)] = item
	}
	return all
}

func TestBatchOfReads(t *testing.T) {
	w := newWire(t)
	id := w.s.AddUser(aad.User{UserPrincipalName: "a@example.com"})
	w.s.AddUser(aad.User{UserPrincipalName: "b@example.com"})
	a := w.expect(200, "", "POST", "/v1.0/$batch", fmt.Sprintf(`{"requests":[
		{"id":"late","method":"GET","url":"/users/%[1]s","dependsOn":["one"]},
		{"id":"one","method":"GET","url":"/users/%[1]s?$select=id"},
		{"id":"all","method":"GET","url":"users?$count=true&$filter=city eq null&$top=1","headers":{"ConsistencyLevel":"eventual"}},
		{"id":"number","method":"GET","url":"/users/$count","headers":{"ConsistencyLevel":"eventual"}},
		{"id":"none","method":"GET","url":"/users/nobody"},
		{"id":"lost","method":"GET","url":"/domains","dependsOn":["none"]},
		{"id":"write","method":"DELETE","url":"/users/%[1]s"},
		{"id":"far","method":"GET","url":"https://graph.microsoft.com/v1.0/domains"},
		{"id":"unmodelled","method":"GET","url":"/me"}]}`, id))
	got := make(map[string]float64)
	for id, item := range items(a) {
		got[id] = item["status"].(float64)
	}
	want := map[string]float64{"late": 200, "one": 200, "all": 200, "number": 200, "none": 404, "lost": 424, "write": 501, "far": 400, "unmodelled": 501}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
	all := items(a)
	if body := all["one"]["body"].(map[string]any); body["id"] != id || body["userPrincipalName"] != nil {
		t.Errorf("one = %v", body)
	}
	if all["number"]["body"] != 2.0 {
		t.Errorf("number = %v", all["number"])
	}
	list := all["all"]["body"].(map[string]any)
	if next, _ := list["@odata.nextLink"].(string); list["@odata.count"] != 2.0 || !strings.HasPrefix(next, "https://graph.microsoft.com/v1.0/users?") {
		t.Errorf("all = %v", list)
	}
	if len(w.s.Users()) != 2 || w.s.Writes() != 0 {
		t.Errorf("%d users, %d writes; want 2 and none", len(w.s.Users()), w.s.Writes())
	}
	w.cred = w.s.Credential("Domain.Read.All")
	a = w.expect(200, "", "POST", "/v1.0/$batch", `{"requests":[{"id":"1","method":"GET","url":"/domains"},{"id":"2","method":"GET","url":"/users"}]}`)
	if all := items(a); all["1"]["status"] != 200.0 || all["2"]["status"] != 403.0 {
		t.Errorf("with one permission: %s", a.text)
	}
}

func TestBatchesThatAreNone(t *testing.T) {
	w := newWire(t)
	many := make([]string, 21)
	for i := range many {
		many[i] = fmt.Sprintf(`{"id":"%d","method":"GET","url":"/domains"}`, i)
	}
	for _, requests := range []string{
		``, `{}`, `{"requests":[]}`, `{"requests":[` + strings.Join(many, ",") + `]}`, `{"requests":[{"id":"1","method":"GET"}]}`,
		`{"requests":[{"id":"a","method":"GET","url":"/domains"},{"id":"A","method":"GET","url":"/domains"}]}`,
		`{"requests":[{"id":"1","method":"GET","url":"/domains","dependsOn":["2"]},{"id":"2","method":"GET","url":"/domains","dependsOn":["1"]}]}`,
		`{"requests":[{"id":"1","method":"GET","url":"/domains","dependsOn":["3"]}]}`, `{"requests":[{"id":"1","method":"GET","url":"/domains","more":1}]}`,
	} {
		w.expect(400, "", "POST", "/v1.0/$batch", requests)
	}
	w.cred = nil
	w.expect(401, "", "POST", "/v1.0/$batch", `{"requests":[{"id":"1","method":"GET","url":"/domains"}]}`)
}
