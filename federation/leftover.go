package federation

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jcaad/jcaad/aad"
)

// Fields of the federation configuration that a plan never sets: what a provider
// before JumpCloud has left there. Azure AD renews certificates from a metadata
// exchange address, and the others are meant for other providers. They are known
// by their values, so that a later run finishes what an earlier one did not; this
// is the one place where [diff] looks beyond the plan.
const (
	fieldMetadataExchange = "metadataExchangeUri"
	fieldPromptLogin      = "promptLoginBehavior"
	fieldSignedRequests   = "isSignedAuthenticationRequestRequired"
)

func leftover(field string) bool {
	return field == fieldMetadataExchange || field == fieldPromptLogin || field == fieldSignedRequests
}

// harmless reports whether a value says what no value says, so that the service
// may have put it there itself.
func harmless(field, value string) bool {
	return field == fieldPromptLogin && value == string(aad.TranslateToFreshPasswordAuthentication)
}

// staysAfter is for how long after it was cleared a leftover may still be an old
// answer. What is still there then stays, and is told: nobody documents that the
// service lets these fields be cleared.
const staysAfter = 30 * time.Second

// clearing is what is known of leftovers that a run has asked to be cleared.
type clearing struct {
	asked time.Time         // when the service said that it had cleared them
	stays map[string]string // the values that it has kept, by field
}

// lookedAt takes notice of a configuration that was read.
func (c *clearing) lookedAt(fed *aad.Federation) {
	if fed != nil && !c.asked.IsZero() && time.Since(c.asked) >= staysAfter {
		c.keep(fed)
	}
}

// keep notes what stands as what the service does not clear.
func (c *clearing) keep(fed *aad.Federation) {
	c.stays = maps.Clone(c.stays)
	if c.stays == nil {
		c.stays = make(map[string]string)
	}
	for _, f := range configFields {
		if v := f.get(fed); leftover(f.name) && v != "" {
			c.stays[f.name] = v
		}
	}
}

// told are the leftovers that stay, as a warning.
func (c *clearing) told(domain string) (ps findings) {
	var left []string
	for _, name := range slices.Sorted(maps.Keys(c.stays)) {
		left = append(left, name+" "+quote(c.stays[name]))
	}
	if left != nil {
		ps.warn(CodeLeftover, domain,
			"Azure AD keeps what the provider before has left in the federation of "+domain+", although it was asked to clear it: "+
				strings.Join(left, ", "),
			"clear it by hand in Microsoft Graph; sign-in through JumpCloud does not depend on it")
	}
	return ps
}
