package federation

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"iter"

	"github.com/jcaad/jcaad/federation/internal/people"
)

// A PersonFinding is something about one person that stands in the way of their
// sign-in, or that somebody should know before it changes.
type PersonFinding struct {
	Code     Code     `json:"code"`
	Severity Severity `json:"severity"`

	// LockedOut says that the person can sign in today, and could not any more
	// once the domain is federated. It counts for [Consent.LockOut].
	LockedOut bool `json:"lockedOut,omitempty"`

	// AlreadyOut says that the person cannot sign in today, as far as anybody
	// can read, and could not once the domain is federated as planned. It needs
	// no consent: the change takes nothing away.
	AlreadyOut bool `json:"alreadyOut,omitempty"`

	// UserPrincipalName is the account in Azure AD, Email the address in
	// JumpCloud (or the user name of somebody without one), both as the
	// services compare them: ASCII letters small. One of them may be empty.
	UserPrincipalName string `json:"userPrincipalName,omitempty"`
	Email             string `json:"email,omitempty"`
	DisplayName       string `json:"displayName,omitempty"`

	JumpCloudID string `json:"jumpCloudID,omitempty"`
	AzureADID   string `json:"azureADID,omitempty"`

	// Evidence is what was seen, in one sentence.
	Evidence string `json:"evidence"`
	// Repair is what to do, in words that can be read out on the telephone.
	Repair string `json:"repair"`
}

// Who names the person: by user principal name, else by email, else by ID.
func (f PersonFinding) Who() string {
	for _, s := range []string{f.UserPrincipalName, f.Email, f.DisplayName, f.AzureADID, f.JumpCloudID} {
		if s != "" {
			return s
		}
	}
	return "somebody"
}

// String returns the finding on one line.
func (f PersonFinding) String() string {
	s := f.Who()
	if f.DisplayName != "" && f.DisplayName != s {
		s += " (" + f.DisplayName + ")"
	}
	return s + ": " + f.Evidence
}

// person is what stays the same about a person in all findings.
func (f PersonFinding) person() string {
	return f.AzureADID + " " + f.JumpCloudID + " " + f.Who()
}

// PeopleCounts are the figures of [People].
type PeopleCounts struct {
	JumpCloud int `json:"jumpCloud"` // users in the organisation
	AzureAD   int `json:"azureAD"`   // accounts on the domain
	Matched   int `json:"matched"`   // people who are in both
	Elsewhere int `json:"elsewhere"` // JumpCloud users who have nothing to do with the domain
	LockedOut int `json:"lockedOut"` // people, however many findings each has
	Findings  int `json:"findings"`

	// AlreadyOut counts people who cannot sign in today either.
	AlreadyOut int `json:"alreadyOut,omitempty"`

	BySeverity map[Severity]int `json:"bySeverity,omitempty"`
	ByCode     map[Code]int     `json:"byCode,omitempty"`
}

// People is what a comparison of the two directories found: counts, and the
// findings in an order that depends on nothing but the people. It holds a
// hundred or two bytes a person; the findings are put into words one by one,
// as they are asked for.
type People struct {
	Domain string
	Counts PeopleCounts

	judged *people.Judgement // nil for people who were read back from JSON

	subdomains []string // that follow the domain, so that their people are here
	absent     []string // groups of the plan that do not exist
	empty      []string // and those that nobody is in

	list []PersonFinding // of people who were read back from JSON
}

// Len returns how many findings there are.
func (p *People) Len() int {
	if p == nil {
		return 0
	}
	if p.judged == nil {
		return len(p.list)
	}
	return p.judged.Len()
}

// At returns the i-th finding.
func (p *People) At(i int) PersonFinding {
	if p.judged == nil {
		return p.list[i]
	}
	return p.words(p.judged.At(i))
}

// words puts a finding into words.
func (p *People) words(f people.Finding) PersonFinding {
	who, told := p.judged.Person(f), personCodes[f.Kind]
	return PersonFinding{
		Code: told.code, Severity: personSeverities[f.Severity], LockedOut: f.LockedOut, AlreadyOut: f.AlreadyOut,
		UserPrincipalName: who.UserPrincipalName, Email: cmp.Or(who.Email, who.Username), DisplayName: who.DisplayName,
		JumpCloudID: who.JumpCloudID, AzureADID: who.AzureADID,
		Evidence: p.judged.Evidence(f), Repair: told.repair,
	}
}

// All returns the findings with their numbers: who would be locked out first,
// then by severity, then by address. Nil people have none.
func (p *People) All() iter.Seq2[int, PersonFinding] {
	return func(yield func(int, PersonFinding) bool) {
		for i := range p.Len() {
			if !yield(i, p.At(i)) {
				return
			}
		}
	}
}

// Findings returns all findings at once. For very many people use [People.All].
func (p *People) Findings() []PersonFinding {
	out := make([]PersonFinding, 0, p.Len())
	for _, f := range p.All() {
		out = append(out, f)
	}
	return out
}

// LockedOut returns everyone who would be locked out, each once, with the first
// reason.
func (p *People) LockedOut() []PersonFinding { return p.lockedOut().people() }

// AlreadyOut returns everyone who cannot sign in today and will not be able to,
// each once, with the first reason.
func (p *People) AlreadyOut() []PersonFinding { return p.alreadyOut().people() }

// peopleJSON is the form of [People] in JSON.
type peopleJSON struct {
	Domain   string          `json:"domain"`
	Counts   PeopleCounts    `json:"counts"`
	Findings []PersonFinding `json:"findings"`
}

// MarshalJSON implements [json.Marshaler].
func (p *People) MarshalJSON() ([]byte, error) {
	if p == nil {
		return []byte("null"), nil
	}
	var b bytes.Buffer
	err := p.writeJSON(&b, "")
	return b.Bytes(), err
}

// writeJSON writes the form in JSON, finding by finding, with a text before each.
func (p *People) writeJSON(w io.Writer, before string) error {
	head, err := json.Marshal(peopleJSON{p.Domain, p.Counts, []PersonFinding{}})
	if err != nil {
		return err
	}
	const end = "]}" // of no findings
	if _, err := w.Write(bytes.TrimSuffix(head, []byte(end))); err != nil {
		return err
	}
	sep := before
	for _, f := range p.All() {
		b, err := json.Marshal(f)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "%s%s", sep, b); err != nil {
			return err
		}
		sep = "," + before
	}
	_, err = io.WriteString(w, end)
	return err
}

// UnmarshalJSON implements [json.Unmarshaler].
func (p *People) UnmarshalJSON(b []byte) error {
	var w peopleJSON
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	*p = People{Domain: w.Domain, Counts: w.Counts, list: w.Findings}
	return nil
}
