package aadtest_test

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/aadtest"
)

// Generated users are selected by an index, others one by one: both ways agree, whatever is asked for.
func TestGeneratedUsersAreSelectedLikeOthers(t *testing.T) {
	const n = 400
	make := func(i int) aad.User {
		r := rand.New(rand.NewPCG(uint64(i), 7))
		domain := []string{"example.com", "contoso.onmicrosoft.com", "Sub.Example.com"}[r.IntN(3)]
		enabled := i%3 > 0
		u := aad.User{
			ID:                fmt.Sprintf("%08x-0000-4000-8000-%012x", i, i),
			UserPrincipalName: fmt.Sprintf("%c%c.%d@%s", 'a'+r.IntN(3), 'A'+r.IntN(3), i, domain), UserType: "Member", Enabled: &enabled, Created: time.Unix(0, 0),
		}
		if i%2 == 0 {
			u.Mail = fmt.Sprintf("%d@example.com", i)
		}
		return u
	}
	var byNumber, stored aadtest.Server
	byNumber.GenerateUsers(n, make)
	for i := range n {
		stored.AddUser(make(i))
	}
	for _, s := range []*aadtest.Server{&byNumber, &stored} {
		s.AddDomain("example.com")
		for i := range 20 {
			s.RemoveUser(make(i * 13).ID)
			s.EditUser(make(i*13+1).ID, func(u *aad.User) { u.Mail = "x@example.com" })
		}
	}
	terms := []string{
		"startsWith(userPrincipalName,'a')", "startsWith(userPrincipalName,'AB')", "startsWith(userPrincipalName,'c')", "not(startsWith(userPrincipalName,'a'))", "not(startsWith(userPrincipalName,'bA'))",
		"not(startsWith(userPrincipalName,'bc'))", "endsWith(userPrincipalName,'@example.com')", "(endsWith(userPrincipalName,'@example.com') or endsWith(mail,'@example.com'))",
		"accountEnabled eq false", "mail ne null", "not(userPrincipalName eq 'x')", "endsWith(userPrincipalName,'@nowhere.example')", "id in ('00000003-0000-4000-8000-000000000003','x')",
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 150 {
		var and []string
		for range r.IntN(4) {
			and = append(and, terms[r.IntN(len(terms))])
		}
		filter := strings.Join(and, " and ")
		byNumber.PageSize = 1 + r.IntN(200)
		var got [2]map[string]bool
		var counts [2]float64
		for k, s := range []*aadtest.Server{&byNumber, &stored} {
			got[k] = map[string]bool{}
			w := wire{t, s, s.Credential()}
			path := "/v1.0/users?$select=id&$count=true&$top=999"
			if filter != "" {
				path += "&$filter=" + url.QueryEscape(filter)
			}
			for page := 0; path != ""; page++ {
				a := w.expect(200, "", "GET", path, "", "ConsistencyLevel", "eventual")
				for _, u := range a.body["value"].([]any) {
					id := u.(map[string]any)["id"].(string)
					if got[k][id] {
						t.Fatalf("%s: %s comes twice", filter, id)
					}
					got[k][id] = true
				}
				if count, ok := a.body["@odata.count"].(float64); ok != (page == 0) {
					t.Errorf("%s: page %d has the count %v; only the first one has it", filter, page, count)
				} else if ok {
					counts[k] = count
				}
				path = ""
				if next, ok := a.body["@odata.nextLink"].(string); ok {
					path = strings.TrimPrefix(next, "https://graph.microsoft.com")
				}
			}
		}
		if fmt.Sprint(got[0]) != fmt.Sprint(got[1]) || counts[0] != counts[1] || int(counts[0]) != len(got[0]) {
			t.Errorf("%s: %d and %d users, counts %v", filter, len(got[0]), len(got[1]), counts)
		}
	}
}
