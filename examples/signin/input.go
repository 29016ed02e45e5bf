package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jcaad/jcaad/aad/signin"
)

// explained is how much of a text is looked at for codes.
const explained = 4 << 20

// judge reads the input and the tenant, and judges or explains. A nil error comes with
// a result.
func (s *settings) judge(ctx context.Context, stdin io.Reader, log io.Writer) (*result, error) {
	name := s.file
	if name == "-" {
		name = "standard input"
	}
	raw, err := read(s.file, stdin)
	if err != nil {
		return nil, fmt.Errorf("what was captured cannot be read: %w", err)
	}
	found, noMessage := signin.Messages(raw)
	r := &result{Input: name, Messages: len(found)}
	codes := signin.Explain(string(raw[:min(len(raw), explained)]))
	if noMessage != nil {
		reason := strings.TrimPrefix(noMessage.Error(), "signin: ")
		if len(codes) == 0 {
			return nil, nothing(name, raw, reason)
		}
		return s.explain(r, codes, len(raw)), nil
	}
	b, err := s.basis(ctx, stdin, log)
	if err != nil {
		return nil, err
	}
	m := found[signin.Pick(found)]
	switch {
	case !s.at.IsZero():
		r.At, r.AtFrom = s.at.Time, "as -at says"
	case !m.At.IsZero():
		r.At, r.AtFrom = m.At, "as the HAR says"
	default:
		r.At, r.AtFrom = time.Now(), "which is now"
		r.atAssumed = true
	}
	r.At = r.At.UTC()
	r.judged(raw, m, b)
	if r.noMessage() {
		c := r.Checks[0]
		if len(codes) == 0 {
			return nil, nothing(name, raw, c.Found)
		}
		return s.explain(&result{Input: name}, codes, len(raw)), nil
	}
	for _, c := range codes {
		if c.Code != r.Code {
			r.Explanations = append(r.Explanations, explanation{c, true})
		}
	}
	return r, ctx.Err()
}

// explain makes a result of codes alone.
func (s *settings) explain(r *result, codes []signin.Explanation, size int) *result {
	for _, c := range codes {
		r.Explanations = append(r.Explanations, explanation{c, true})
	}
	if s.tenantFile != "" || s.planFile != "" || s.live {
		r.Notes = append(r.Notes, "The tenant was not needed, as there is no message to judge.")
	}
	r.Sentence = fmt.Sprintf("%s in %s, and no answer of an identity provider: nothing is judged.",
		count(len(codes), "There is one code", "There are %d codes"), r.Input)
	if size > explained {
		r.Notes = append(r.Notes, fmt.Sprintf("Only the first %d MiB were looked at.", explained>>20))
	}
	return r
}

// howTo says how a sign-in is captured.
const howTo = `What to do:
  1. Open the developer tools of the browser (F12), the tab "Network", and tick "Preserve log".
  2. Sign in until the error shows.
  3. Save all as HAR, and give that file; or copy the form data of the POST to login.srf.
Or give the text of the error page: the code in it, such as AADSTS50107, is explained.`

// nothing is the error for an input in which there is nothing to judge or to explain.
func nothing(name string, raw []byte, reason string) error {
	return errors.New("There is nothing to judge or to explain in " + name + ".\n  found:  " + describe(raw) + "\n  why:    " +
		reason + "\n\n" + howTo)
}

// describe says what an input is, without quoting it.
func describe(raw []byte) string {
	text := bytes.TrimSpace(bytes.TrimPrefix(raw, []byte("\ufeff")))
	size := fmt.Sprintf("%d bytes", len(raw))
	if len(raw) >= 1<<20 {
		size = fmt.Sprintf("%d MiB", len(raw)>>20)
	}
	var har struct {
		Log *struct {
			Entries []struct{ Request struct{ Method, URL string } }
		}
	}
	switch {
	case len(text) == 0:
		return "nothing"
	case text[0] == '{' && json.Unmarshal(text, &har) == nil && har.Log != nil:
		posts, login := 0, 0
		for _, e := range har.Log.Entries {
			address, _, _ := strings.Cut(e.Request.URL, "?")
			if e.Request.Method == "POST" {
				posts++
				if strings.HasSuffix(strings.ToLower(address), "/login.srf") {
					login++
				}
			}
		}
		return fmt.Sprintf("a HAR of %d requests, of which %d are POSTs, %d of these to login.srf", len(har.Log.Entries), posts, login)
	case text[0] == '{' && json.Valid(text):
		return "JSON, " + size
	case text[0] == '<':
		return "markup, " + size
	case !utf8.Valid(text):
		return "something that is no text, " + size
	}
	return "text, " + size
}
