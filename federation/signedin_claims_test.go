package federation

import (
	"strings"
	"testing"

	"github.com/jcaad/jcaad/aad"
)

// TestSignedInByClaims: a token may name an account by its ID, by its name, or not at
// all; a name that has become somebody else's is not believed against an ID.
func TestSignedInByClaims(t *testing.T) {
	locked := &People{list: []PersonFinding{
		{LockedOut: true, AzureADID: "A1", UserPrincipalName: "ann@example.com", Evidence: "is not in JumpCloud"},
	}}
	st := observation{domains: []*aad.Domain{{Name: "example.com", IsRoot: true, IsVerified: true}}}
	for _, tt := range []struct {
		name          string
		perms         *aad.Permissions
		of            *People
		severity      Severity
		subject, says string
	}{
		{"by the ID", &aad.Permissions{ObjectID: "a1"}, locked, Warning, "a1", "would be locked out itself (is not in JumpCloud)"},
		{"by the name", &aad.Permissions{UserPrincipalName: "Ann@Example.com"}, locked, Warning, "Ann@Example.com", "would be locked out"},
		{"by the name, which was another's", &aad.Permissions{ObjectID: "A2", UserPrincipalName: "ann@example.com"}, locked, Info, "ann@example.com", "on the domain itself"},
		{"by the ID alone, somebody else", &aad.Permissions{ObjectID: "A2"}, locked, Info, "A2", "is A2"},
		{"people were not read", &aad.Permissions{ObjectID: "A1"}, nil, Info, "A1", "is A1"},
		{"nobody", &aad.Permissions{}, locked, Info, "token", "does not say who"},
		{"an application", &aad.Permissions{AppOnly: true, ObjectID: "A1"}, locked, "", "", ""},
		{"a token that cannot be read", nil, locked, "", "", ""},
		{"what a terminal would obey", &aad.Permissions{UserPrincipalName: "x\x1b[2J@other.example"}, locked, Info, "x [2J@other.example", "is x [2J@"},
	} {
		var ps findings
		st.gateSignedIn(&ps, Plan{Domain: "example.com"}, tt.perms, tt.of)
		switch {
		case tt.severity == "" && len(ps) == 0:
		case len(ps) != 1 || ps[0].Severity != tt.severity || ps[0].Subject != tt.subject || !strings.Contains(ps[0].Message, tt.says):
			t.Errorf("%s: %+v; want one %s about %q that says %q", tt.name, ps, tt.severity, tt.subject, tt.says)
		}
	}
}
