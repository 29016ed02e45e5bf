package work

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/examples/operator/internal/customers"
	"github.com/jcaad/jcaad/examples/operator/internal/secret"
	"github.com/jcaad/jcaad/federation"
)

// An application signs in once, with what the login service wants; what that refuses tells
// neither the secret nor what else the answer says.
func TestApp(t *testing.T) {
	const canary = "s3cret-of-the-app"
	for name, tt := range map[string]struct {
		status int
		body   string
		class  federation.ErrorClass // of the client's error; "" for none
		says   string
	}{
		"a token":         {200, `{"access_token": "t0ken", "token_type": "Bearer", "expires_in": 3600}`, "", ""},
		"a wrong secret":  {401, `{"error": "invalid_client", "error_description": "ada@example.com ` + canary + `"}`, federation.ClassPeople, "401 invalid_client"},
		"it is away":      {503, `{"error": "temporarily_unavailable", "error_description": "` + canary + `"}`, federation.ClassTemporary, "503"},
		"no token in it":  {200, `{"token_type": "Bearer", "id": "` + canary + `"}`, federation.ClassPeople, "no token"},
		"no JSON":         {200, canary, federation.ClassPeople, "no token"},
		"it is elsewhere": {302, "", federation.ClassPeople, "302"},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked++
				if got := fmt.Sprint(r.Method, r.URL.Path, r.FormValue("grant_type"), r.FormValue("client_id"), strings.HasSuffix(r.FormValue("scope"), "/.default")); got !=
					"POST/tenant/oauth2/v2.0/tokenclient_credentialsapptrue" || r.FormValue("client_secret") != canary {
					t.Errorf("it is asked for %s", got)
				}
				w.Header().Set("Content-Type", "application/json")
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(tt.status)
				fmt.Fprint(w, tt.body)
			}))
			t.Cleanup(srv.Close)
			a := newApp(customers.Credential{ClientID: "app", Of: "tenant"}, secret.NewValue(canary), srv.URL, srv.Client())
			o := policy.TokenRequestOptions{Scopes: []string{"s://x/.default"}}
			token, err := a.GetToken(t.Context(), o)
			if asked != 1 {
				t.Fatalf("the login service was asked %d times", asked)
			}
			if tt.class == "" {
				if again, more := a.GetToken(t.Context(), o); err != nil || more != nil || token.Token != "t0ken" || again.Token != "t0ken" || asked != 1 {
					t.Errorf("%q, %v; then %v; asked %d times", token.Token, err, more, asked)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), "@") {
				t.Errorf("%v; want %q", err, tt.says)
			}
			client, bad := aad.New(a, &aad.Options{GraphURL: srv.URL})
			if bad != nil {
				t.Fatal(bad)
			}
			_, err = client.Domain(t.Context(), "example.com")
			if got := federation.Class(err); got != tt.class || tt.class == federation.ClassPeople && !errors.Is(err, aad.ErrUnauthenticated) {
				t.Errorf("the client's error is %s: %v", got, err)
			}
		})
	}
}
