package signin

import (
	"fmt"
	"strings"

	"github.com/jcaad/jcaad/aad"
)

// Answer is yes, no, or neither.
type Answer int

// The answers. The zero value is CannotSay.
const (
	CannotSay Answer = iota
	Yes
	No
)

var answers = []string{"cannot say", "yes", "no"}

// String returns "yes", "no" or "cannot say".
func (a Answer) String() string { return name(answers, int(a), "Answer") }

// MarshalText implements [encoding.TextMarshaler].
func (a Answer) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (a *Answer) UnmarshalText(b []byte) error {
	i, err := number(answers, b, "answer")
	*a = Answer(i)
	return err
}

// Result is how a check came out.
type Result int

// The results.
const (
	// Unknown: nobody has seen that this is accepted, or it could not be looked
	// at. It keeps the answer from being yes.
	Unknown Result = iota
	// Good: accepted, as vendor's text or several working set-ups show.
	Good
	// Doubtful: probably harmless, and against what the vendor's text asks for.
	// It does not count.
	Doubtful
	// Bad: refused for certain.
	Bad
)

var results = []string{"unknown", "good", "doubtful", "bad"}

// String returns "good", "bad", "doubtful" or "unknown".
func (r Result) String() string { return name(results, int(r), "Result") }

// MarshalText implements [encoding.TextMarshaler].
func (r Result) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (r *Result) UnmarshalText(b []byte) error {
	i, err := number(results, b, "result")
	*r = Result(i)
	return err
}

func name(names []string, i int, typ string) string {
	if i < 0 || i >= len(names) {
		return fmt.Sprintf("%s(%d)", typ, i)
	}
	return names[i]
}

func number(names []string, b []byte, what string) (int, error) {
	for i, n := range names {
		if n == string(b) {
			return i, nil
		}
	}
	return 0, fmt.Errorf("signin: %q is no %s: it is one of %s", b, what, strings.Join(names, ", "))
}

// Topic is what a check is about.
type Topic string

// The topics, in the order in which Azure AD comes to them, as far as that is known.
const (
	TopicMessage   Topic = "message"
	TopicRealm     Topic = "realm"
	TopicProtocol  Topic = "protocol"
	TopicSignature Topic = "signature"
	TopicLifetime  Topic = "lifetime"
	TopicAudience  Topic = "audience"
	TopicRecipient Topic = "recipient"
	TopicSubject   Topic = "subject"
	TopicUser      Topic = "user"
	TopicMFA       Topic = "mfa"
	TopicPolicy    Topic = "policy"
)

// Check is one thing that was looked at.
type Check struct {
	Topic  Topic  `json:"topic"`
	Result Result `json:"result"`

	// Unproved says that what was found was read from what no valid signature
	// covers: anybody can have written it.
	Unproved bool `json:"unproved,omitempty"`

	// Code is what people would see for this alone, such as "AADSTS50107". It is
	// empty if it is not known, or nothing is wrong.
	Code string `json:"code,omitempty"`

	Found  string `json:"found"`          // in one line
	Want   string `json:"want,omitempty"` // empty where Found says it all
	Repair string `json:"repair,omitempty"`
	Source string `json:"source,omitempty"` // how it is known that Azure AD judges so
}

// Verdict is what became of a message.
type Verdict struct {
	// Accepted is No if any check is Bad; else CannotSay if any is Unknown; else
	// Yes.
	Accepted Answer `json:"accepted"`

	// Code is what people would see: that of the first check that is Bad. It is
	// empty if there is none, or its code is not known.
	Code string `json:"code,omitempty"`

	// User is who would be signed in: nil unless Accepted is Yes.
	User *aad.User `json:"user,omitempty"`

	// Attack says what looks like an attempt to forge a sign-in, and is empty
	// if nothing does. Errors of a provider can look the same.
	Attack string `json:"attack,omitempty"`

	// Checks are all that were made, in Azure AD's order. Each topic has at
	// least one, unless there was no message to judge.
	Checks []Check `json:"checks"`
}

// First returns the first check with this result, or nil.
func (v *Verdict) First(r Result) *Check {
	for i := range v.Checks {
		if v.Checks[i].Result == r {
			return &v.Checks[i]
		}
	}
	return nil
}

// String says the verdict in one line.
func (v *Verdict) String() string {
	var b strings.Builder
	switch v.Accepted {
	case Yes:
		b.WriteString("accepted")
	case No:
		b.WriteString("refused")
	default:
		b.WriteString("cannot say")
	}
	if v.Code != "" {
		b.WriteString(" with " + v.Code)
	}
	why := v.First(Bad)
	if why == nil {
		why = v.First(Unknown)
	}
	if why != nil {
		fmt.Fprintf(&b, ": %s: %s", why.Topic, why.Found)
	}
	if v.Attack != "" {
		b.WriteString("; this looks like an attack: " + v.Attack)
	}
	return b.String()
}
