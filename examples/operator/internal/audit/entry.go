// Package audit keeps who did what in a file that only grows, one JSON object a line.
//
// Each line has the SHA-256 of the line before (prev) and its own (hash: that of the
// object without the member hash), and the number of the line before and one more (seq).
// [Verify] needs the file alone to say where the chain breaks. Whoever can write the file
// can also make a new chain, or cut off its end: only a number and hash that were kept
// elsewhere ([Log.Head]) show that.
//
// An entry names the people who act, in Actors, and nobody else: a word with an at sign
// in another field is replaced when it is appended, but for the customer's name.
package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Entry is what is told of one act.
type Entry struct {
	// Seq, Prev and Hash are given by [Log.Append]. Seq is 1 for the first entry, and
	// always one more than before, whatever the clock does.
	Seq uint64 `json:"seq"`

	// Time is as the clock told it: it goes back when the clock does.
	Time time.Time `json:"time"`

	Actors   []string `json:"actors,omitempty"`   // who acted; the approvers of a run
	Source   string   `json:"source,omitempty"`   // the address that the request came from
	Customer string   `json:"customer,omitempty"` // as in the customers file
	Domain   string   `json:"domain,omitempty"`   // in small letters
	Verb     string   `json:"verb"`               // such as approve, refuse, log-in, pause, federate
	Proposal string   `json:"proposal,omitempty"` // the hash of what was approved
	Outcome  string   `json:"outcome,omitempty"`  // in words without a person's name
	Report   string   `json:"report,omitempty"`   // the report's file
	Requests []string `json:"requests,omitempty"` // IDs of requests, for the services' support

	// Repair is of an entry that [Repaired] bytes that are no entry.
	Repair *Repair `json:"repair,omitempty"`

	Prev string `json:"prev"`
	Hash string `json:"hash,omitempty"`
}

// Repaired is the verb of the entries that tell of a crash or a full disk.
const Repaired = "audit-repaired"

// Repair says which bytes before an entry are no entry: those that a crash or a full disk
// has left of one. They stay in the file.
type Repair struct {
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

const (
	mostLine  = 64 << 10 // bytes of a line, with its end
	mostText  = 1 << 10  // bytes of a text
	mostTexts = 40       // texts of a list
)

// first is what the first entry has as the hash of the one before.
var first = strings.Repeat("0", 64)

// clean returns an entry as it may be stored: without names, and of a size that fits.
func clean(e Entry) Entry {
	e.Time = e.Time.UTC().Round(0)
	e.Actors = texts(e.Actors, text)
	e.Requests = texts(e.Requests, nameless)
	e.Customer = text(e.Customer)
	for _, s := range []*string{&e.Source, &e.Domain, &e.Verb, &e.Proposal, &e.Outcome, &e.Report} {
		*s = nameless(*s)
	}
	return e
}

func text(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) > mostText {
		s = strings.ToValidUTF8(s[:mostText], "") + "…"
	}
	return s
}

// nameless replaces words with an at sign, also one as in a URL: addresses and user names.
func nameless(s string) string {
	at := func(s string) bool { return strings.Contains(s, "@") || strings.Contains(s, "%40") }
	if !at(s) {
		return text(s)
	}
	words := strings.Fields(s)
	for i, w := range words {
		if at(w) {
			words[i] = "[address]"
		}
	}
	return text(strings.Join(words, " "))
}

func texts(list []string, of func(string) string) []string {
	var out []string
	for i, s := range list {
		if i == mostTexts {
			return append(out, fmt.Sprintf("and %d more", len(list)-i))
		}
		out = append(out, of(s))
	}
	return out
}

const (
	beforeHash = `,"hash":"`
	afterHash  = `"}`
	hashLength = len(beforeHash) + 64 + len(afterHash)
)

// encode makes the line of an entry, with its end, and gives the entry its hash.
func encode(e *Entry) ([]byte, error) {
	e.Hash = ""
	b, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("audit: the entry cannot be written: %w", err)
	}
	h := sha256.Sum256(b)
	e.Hash = hex.EncodeToString(h[:])
	b = append(b[:len(b)-1], beforeHash+e.Hash+afterHash+"\n"...)
	if len(b) > mostLine {
		return nil, fmt.Errorf("audit: the entry has %d bytes, more than %d", len(b), mostLine)
	}
	return b, nil
}

// decode reads a line without its end, and checks the line's own hash.
func decode(line []byte) (*Entry, error) {
	start := len(line) - hashLength
	if start < 1 || !bytes.HasPrefix(line[start:], []byte(beforeHash)) || !bytes.HasSuffix(line, []byte(afterHash)) {
		return nil, errors.New("it is no entry")
	}
	h := sha256.New()
	h.Write(line[:start])
	h.Write([]byte("}"))
	said := string(line[start+len(beforeHash) : len(line)-len(afterHash)])
	if hex.EncodeToString(h.Sum(nil)) != said {
		return nil, errors.New("it was changed: its hash is another")
	}
	var e Entry
	if err := json.Unmarshal(line, &e); err != nil || e.Hash != said {
		return nil, errors.New("it is no entry")
	}
	return &e, nil
}
