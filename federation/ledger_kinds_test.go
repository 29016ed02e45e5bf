package federation_test

import (
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcaad/jcaad/federation/federationtest"
)

// knownKinds are the ways in which people lose their sign-in behind everybody's
// back today, or are told what is not so, each with the rule that will mend it.
// Whoever mends one strikes its line: a kind that nothing shows any more fails
// the test as well as a new one does.
var knownKinds = map[string]string{
	// What a domain depends on is undone before it is seen that nobody is federated with it any more.
	"Revert: the person is not bound to the application (the brand name was edited)":                                                      undoLast,
	"Revert: the person is not bound to the application (the brand name was edited, and the run had made the only administrator)":         undoLast,
	"Revert: no administrator could sign in with JumpCloud down (the brand name was edited, and the run had made the only administrator)": undoLast,
	"Revert: the application is not active (the brand name was edited, and the run had activated the application)":                        undoLast,
	"Revert: the person is not bound to the application (taking the federation away is refused)":                                          undoLast,
	"Revert: the person is not bound to the application (taking the federation away lags)":                                                undoLast,
	"Revert: the person is not bound to the application (faults)":                                                                         undoLast,
	"Revert: the person is not bound to the application (the older of two reports, and the newer one changed the certificate)":            undoLast,
	"Defederate: the person is not bound to the application (one old list says that the domain is managed)":                               seenManaged,

	"Revert: the person is not bound to the application (the report is of another tenant, the JumpCloud organisation is the same)": wrongCustomer,
	"Revert: the person is not bound to the application (a report from before the domain was switched)":                            judgedFirst,

	// What is brought back is not judged against the present.
	"Revert: the application signs with a certificate that is in neither slot (the report has repaired a certificate)":            judgedNow,
	"Revert: the application is not active (of a Defederate, and the application is inactive)":                                    judgedNow,
	"Revert: the account has no immutable ID (of a Defederate, and somebody was hired since)":                                     judgedNow,
	"Revert: the person is not bound to the application (of a Defederate, and the group was unbound since)":                       judgedNow,
	"Revert: the person is not bound to the application (of a Defederate that died between unbinding and deleting)":               eitherWay,
	"Revert: the person is not bound to the application (of a Defederate, and an old list shows the application that it deleted)": seenStanding,
	"Revert: no application answers at the configured address with the configured issuer (faults)":                                seenStanding,
	"Revert: the person is not bound to the directory (two domains share the group and the directory)":                            usedElsewhere,
	"Revert: the person is not bound to the application (two domains share listed members)":                                       usedElsewhere,

	// Who is not named before the switch.
	"Federate: the person is not bound to the application (a group that is new)":                                             newGroups,
	"Federate: the person is not bound to the application (a new group beside an old one)":                                   newGroups,
	"Federate: the account has no immutable ID (a consent by number, to more people than a sentence names)":                  allNames,
	"Federate: the account has no immutable ID (an inheriting subdomain)":                                                    subdomains,
	"Defederate: who needs a password is not named (an inheriting subdomain)":                                                subdomains,
	"Federate: the account has no immutable ID (a guest whose account is this tenant's)":                                     guests,
	"Federate: no administrator could sign in with JumpCloud down (the only administrator is an external member)":            guests,
	"Federate: JumpCloud sends another immutable ID than the account has (an immutable ID that JumpCloud does not send)":     otherIDs,
	"Federate: no application answers at the configured address with the configured issuer (two domains with one login URL)": ownURL,
	"Federate: the account has no immutable ID (a list of people without its list)":                                          noList,

	// Somebody edits, or somebody else runs, at the same moment.
	"Federate: the application is not active (while Confirm waits, the application is deactivated)":                                      freshAtSwitch,
	"Federate: the person is not bound to the application (while Confirm waits, the group is unbound)":                                   freshAtSwitch,
	"Federate: the person is not bound to the directory (while Confirm waits, somebody is unbound from the directory)":                   freshAtSwitch,
	"Federate: the application signs with a certificate that is in neither slot (while Confirm waits, the certificate is made anew)":     freshAtSwitch,
	"Federate: the person is suspended in JumpCloud (while Confirm waits, somebody is suspended)":                                        freshAtSwitch,
	"Federate: the account has no immutable ID (while Confirm waits, somebody is hired)":                                                 freshAtSwitch,
	"Federate: no administrator could sign in with JumpCloud down (while Confirm waits, the administrators lose their role)":             freshAtSwitch,
	"two Federates at once: no administrator could sign in with JumpCloud down (each takes the other's administrator)":                   glassUnderLock,
	"FederateAll: no administrator could sign in with JumpCloud down (each takes the other's administrator, in one batch)":               glassUnderLock,
	"two Federates at once: two applications with one entity ID (one plan by two processes, and lists lag)":                              oneOfTwo,
	"two Federates at once: the application signs with a certificate that is in neither slot (one plan by two processes, and lists lag)": oneOfTwo,
	"FederateAll: two groups of one name (a group that two plans need, under lost answers)":                                              sharedOnce,

	// Lag alone, and what a report claims.
	"Federate: ends with an error although nothing was wrong but lag (replicas do not know the new application and group yet)": ownIsYoung,
	"Federate: two applications with one entity ID (replicas do not know the new application and group yet)":                   ownIsYoung,
	"Federate: two groups of one name (replicas do not know the new application and group yet)":                                ownIsYoung,
	"Revert: ends with an error although nothing was wrong but lag (replicas disagree on what Revert has deleted)":             ownIsYoung,
	"Revert: fails however often it is called (the answer to the technical account's creation was lost)":                       adopted,
	"Repair: claims what is not so (a group whose members a rule decides on)":                                                  readBack,
	"Repair: was done, and is not told as done or unknown (one person is refused while another's answer is lost)":              cancelledUnknown,
}

// The rules that will mend the kinds.
const (
	undoLast         = "nothing that sign-in depends on is undone before it is seen that no domain is federated with the application"
	seenManaged      = "a domain counts as managed before a destruction only after two reads by name, at least 15 seconds apart"
	wrongCustomer    = "a report of another tenant or organisation is refused before anything else"
	judgedFirst      = "all steps are judged before the first is undone; what a later run depends on names that run's report as the way"
	judgedNow        = "what Revert brings back passes the gates of Federate against the present, people included"
	eitherWay        = "an undo makes the state before, whichever way the step went, and sees all that sign-in needs standing before it federates"
	seenStanding     = "an application counts as standing only when it was read by its ID, not because an old list shows it"
	usedElsewhere    = "members, groups and bindings that another federated domain uses stay"
	newGroups        = "access counts from what will be true after the plan: nobody is in a group that does not exist yet but those whom the plan lists"
	allNames         = "everybody who is covered by a consent stands in the report as data, however many"
	subdomains       = "the people of subdomains that inherit are read, judged and named with their root's"
	guests           = "a guest with an account of the tenant is a person, an external member no break-glass administrator"
	otherIDs         = "the immutable ID is compared with the JumpCloud user's ID, and who differs is named in a warning"
	ownURL           = "two domains never share a login URL"
	noList           = "a list without its array is a temporary error"
	freshAtSwitch    = "everything that the switch depends on is read anew right before it"
	glassUnderLock   = "break-glass is asked again right before each switch, under one lock for the tenant, and a batch is judged with all its domains federated"
	oneOfTwo         = "of two applications the one that stands in Azure AD is the plan's, with none federated the older, and the other is told"
	sharedOnce       = "what plans share is made once a call"
	ownIsYoung       = "a replica's 404 for what the run itself has just made or deleted is waited for"
	adopted          = "an object whose creation's answer was lost is adopted if nothing speaks against it, else told and left"
	readBack         = "what a repair claims it has read back, and the way of membership is read by the group's ID"
	cancelledUnknown = "a write that was cancelled is unknown: it is read back, told, and undone by its undo"
)

// accounts are what all tales together came to.
type accounts struct {
	mu        sync.Mutex
	scenarios int
	requests  int
	kinds     map[string]int
	example   map[string]string
}

// file adds a tale that has been told.
func (a *accounts) file(t *testing.T, s *tale, where string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.scenarios++
	s.ledger.mu.Lock()
	a.requests += s.ledger.requests
	s.ledger.mu.Unlock()
	for _, kind := range slices.Sorted(maps.Keys(s.found)) {
		a.kinds[kind]++
		if a.example[kind] == "" {
			a.example[kind] = where + ": " + s.found[kind][0]
		}
		if knownKinds[kind] == "" {
			t.Errorf("%s: a new kind: %s\n%s\n%s", where, kind, strings.Join(s.found[kind], "\n"), strings.Join(s.noted, "\n"))
		}
	}
}

func TestLedger(t *testing.T) {
	start := time.Now()
	all := &accounts{kinds: make(map[string]int), example: make(map[string]string)}
	situations := slices.Concat(switching, undoing)
	t.Run("situations", func(t *testing.T) {
		for _, sit := range situations {
			t.Run(sit.about, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := newTale(t, sit.about, federationtest.New(nil))
					sit.tell(s)
					time.Sleep(time.Hour) // whatever is still under way arrives
					t.Log(strings.Join(s.noted, "\n"))
					all.file(t, s, "situation")
				})
			})
		}
	})
	faults := mishapScenarios(t)
	t.Run("faults", func(t *testing.T) {
		// One subtest per slice of them, so that all cores have work.
		for part := range slices.Chunk(faults, (len(faults)+4*runtime.GOMAXPROCS(0)-1)/(4*runtime.GOMAXPROCS(0))) {
			t.Run(part[0].String(), func(t *testing.T) {
				t.Parallel()
				for _, f := range part {
					synctest.Test(t, func(t *testing.T) {
						s := f.tell(t)
						time.Sleep(time.Hour)
						all.file(t, s, f.String())
					})
				}
			})
		}
	})
	everything := all.scenarios == len(situations)+len(faults) // not narrowed by -run
	t.Logf("%d scenarios, %d requests on %d cores in %v", all.scenarios, all.requests, runtime.GOMAXPROCS(0), time.Since(start).Round(time.Millisecond))
	for _, kind := range slices.Sorted(maps.Keys(all.kinds)) {
		t.Logf("%5d  %s\n         e.g. %s", all.kinds[kind], kind, all.example[kind])
	}
	for _, kind := range slices.Sorted(maps.Keys(knownKinds)) {
		chance := strings.HasSuffix(kind, "(faults)") && *ledgerStep != 1 // may be among those that were left out
		if everything && all.kinds[kind] == 0 && !chance {
			t.Errorf("nothing shows this kind any more, strike it: %s", kind)
		}
	}
}
