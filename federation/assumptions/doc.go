// Package assumptions lists what this module relies on without a description of either
// service that says so, and looks how a live organisation and tenant behave.
//
// [All] is the list. Each entry says what is assumed, what would be borne as well, what
// breaks otherwise, which option or field of a plan answers it, and which knob of the
// stand-ins shows it. Its ID stands wherever the same is told: on the packages' pages, at
// the code that relies on it, and at the knob.
//
// [Look] asks the two services, of which it only reads, and answers each entry that
// reading can answer:
//
//	var watch assumptions.Watch
//	jc, err := jumpcloud.New(key, &jumpcloud.Options{ReadOnly: true, Wrap: watch.JumpCloud})
//	ad, err := aad.New(cred, &aad.Options{ReadOnly: true, Wrap: watch.AzureAD})
//	found, err := assumptions.Look(ctx, &watch, jc, ad, "example.com")
//	fmt.Print(found)
//
// examples/probe is a program that does this.
//
// # What it cannot tell
//
// What only a write shows, or only load, is [CouldNotTell] always: nothing is written to
// find out, and no service is asked until it refuses. The entry names the knob with which
// a test can try both. What is answered is answered for this organisation and tenant, and
// for today.
package assumptions

import (
	"cmp"
	"slices"
)

// Kind says what it takes to know whether an assumption holds.
type Kind string

// The kinds.
const (
	Readable   Kind = "readable"      // [Look] can tell
	NeedsWrite Kind = "needs a write" // it shows when something is changed, or somebody signs in
	NeedsLoad  Kind = "needs load"    // it shows when a service is asked too much
)

// Advice says what a difference means for who is about to federate a domain.
type Advice string

// The advices, the least first.
const (
	SafeToGoOn    Advice = "safe to go on"
	SetOption     Advice = "set this option"
	DoNotFederate Advice = "do not federate yet"
)

// Assumption is something that the module relies on, and that nobody has documented or
// that was seen to differ. Its texts are sentences without a full stop.
type Assumption struct {
	ID   string `json:"id"` // short, and stable between versions: "jc-template-name"
	Kind Kind   `json:"kind"`

	Assumed   string `json:"assumed"`             // what is relied on
	Tolerated string `json:"tolerated,omitempty"` // what would do as well; empty: nothing else
	Breaks    string `json:"breaks"`              // what goes wrong where neither is so

	// Knobs are the fields and methods of the stand-ins that make them behave otherwise,
	// such as "jumpcloudtest.Quirks.StringTotals".
	Knobs []string `json:"knobs"`

	// Setting is the option, or the field of a plan, that answers a difference, such as
	// "federation.Application.Template"; empty if there is none, or none is needed.
	Setting string `json:"setting,omitempty"`

	Source string `json:"source"` // who says so; that nobody does, if so

	// Advice is what a difference means. [Look] may know better: see [Answer].
	Advice Advice `json:"advice"`
}

// All returns the list, JumpCloud's entries before Azure AD's, and what is readable
// before what is not. It is the caller's.
func All() []Assumption {
	all := slices.Concat(jumpCloudSettings(), jumpCloudDirectory(), azureADReading(), azureADPeople(), jumpCloudUnseen(), azureADUnseen())
	slices.SortStableFunc(all, func(a, b Assumption) int {
		rank := func(x Assumption) int {
			n := 0
			if x.Kind != Readable {
				n = 2
			}
			if !x.jumpCloud() {
				n++
			}
			return n
		}
		return cmp.Compare(rank(a), rank(b))
	})
	return all
}

// jumpCloud reports whether it is JumpCloud that is assumed to behave so.
func (a Assumption) jumpCloud() bool { return a.ID[:3] == "jc-" }
