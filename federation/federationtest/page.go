package federationtest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// document is what a browser without scripts makes of a page.
type document struct {
	status int
	title  string
	h1     string
	forms  []form
	links  []link
	byID   map[string]string // text
	code   string            // data-code: why JumpCloud refuses
	alert  string            // what is told to have gone wrong
	first  string            // the first paragraph
}

type form struct {
	method, action string
	fields         url.Values
	visible        map[string]bool
}

type link struct{ text, to string }

// readPage reads a page of the stand-ins, which are well-formed but for what HTML allows.
func readPage(b []byte) (*document, error) {
	d := xml.NewDecoder(bytes.NewReader(b))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	doc := &document{byID: make(map[string]string)}
	var open []*element
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return doc, nil
		}
		if err != nil {
			return nil, fmt.Errorf("the page cannot be read: %w", err)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			e := &element{name: strings.ToLower(tok.Name.Local), attrs: make(map[string]string)}
			for _, a := range tok.Attr {
				e.attrs[strings.ToLower(a.Name.Local)] = a.Value
			}
			doc.open(e)
			open = append(open, e)
		case xml.CharData:
			for _, e := range open {
				e.text.Write(tok)
			}
		case xml.EndElement:
			if n := len(open); n > 0 {
				doc.close(open[n-1])
				open = open[:n-1]
			}
		}
	}
}

type element struct {
	name  string
	attrs map[string]string
	text  strings.Builder
}

func (d *document) open(e *element) {
	switch e.name {
	case "form":
		d.forms = append(d.forms, form{method: strings.ToUpper(e.attrs["method"]), action: e.attrs["action"],
			fields: make(url.Values), visible: make(map[string]bool)})
	case "input":
		if name := e.attrs["name"]; name != "" && len(d.forms) > 0 {
			f := &d.forms[len(d.forms)-1]
			f.fields.Add(name, e.attrs["value"])
			_, fixed := e.attrs["readonly"]
			f.visible[name] = e.attrs["type"] != "hidden" && !fixed
		}
	}
	d.code = cmp.Or(d.code, e.attrs["data-code"])
}

func (d *document) close(e *element) {
	text := strings.Join(strings.Fields(e.text.String()), " ")
	switch e.name {
	case "title":
		d.title = text
	case "h1":
		d.h1 = text
	case "a":
		d.links = append(d.links, link{text, e.attrs["href"]})
	case "p":
		d.first = cmp.Or(d.first, text)
	}
	if id := e.attrs["id"]; id != "" {
		d.byID[id] = text
	}
	if e.attrs["role"] == "alert" {
		d.alert = text
	}
}

func (d *document) heading() string { return cmp.Or(d.h1, d.title, "(no heading)") }

// step is what the person does next.
type step struct {
	says   string // in a few words
	stops  string // why nothing more can be done
	method string
	to     string
	fields url.Values
}

// The fields that people fill, in the order in which a form is known by them.
const (
	fieldName     = "loginfmt" // Azure AD's
	fieldPassword = "passwd"
	fieldCode     = "otc"
	fieldUser     = "username" // JumpCloud's
	fieldSecret   = "password"
	fieldFactor   = "code"
)

// step decides what to do with a page. typed are the fields that were filled since
// something else was asked for: who is asked for the same again has typed something wrong.
func (d *document) step(p Person, tile string, typed map[string]bool) (step, error) {
	if tile != "" && d.h1 == "Applications" {
		for _, l := range d.links {
			if l.text == tile {
				return step{says: "opens " + tile, method: http.MethodGet, to: l.to}, nil
			}
		}
		return step{stops: "The person sees no application " + tile + "."}, nil
	}
	if len(d.forms) == 0 {
		return step{}, fmt.Errorf("nobody knows what to do with the page %q: %s", d.heading(), d.first)
	}
	f := d.forms[0]
	s := step{method: cmp.Or(f.method, http.MethodGet), to: f.action, fields: f.fields}
	type answer struct{ field, value, says string }
	var answers []answer
	code := cmp.Or(p.Code, VerificationCode)
	switch {
	case f.visible[fieldPassword]: // beside which the name may be shown
		answers = []answer{{fieldPassword, cmp.Or(p.Password, AzureADPassword), "gives the password"}}
	case f.visible[fieldName]:
		answers = []answer{{fieldName, p.UserName, "types " + p.UserName}}
	case f.visible[fieldCode]:
		answers = []answer{{fieldCode, code, "gives the code"}}
	case f.visible[fieldSecret]:
		name := cmp.Or(p.JumpCloudName, p.UserName)
		answers = []answer{{fieldUser, name, "logs in as " + name}, {fieldSecret, cmp.Or(p.Password, JumpCloudPassword), ""}}
	case f.visible[fieldFactor]:
		answers = []answer{{fieldFactor, code, "gives the code"}}
	}
	for name, visible := range f.visible {
		if visible && len(answers) == 0 {
			return step{}, fmt.Errorf("nobody knows what to do with the page %q, which asks for %q", d.heading(), name)
		}
	}
	if len(answers) == 0 {
		s.says = "goes on"
		return s, nil
	}
	if d.alert != "" && typed[answers[0].field] {
		return step{stops: d.alert}, nil
	}
	clear(typed)
	for _, a := range answers {
		s.fields.Set(a.field, a.value)
		s.says = cmp.Or(s.says, a.says)
		typed[a.field] = true
	}
	return s, nil
}

// request is the step as it is sent, from the page at an address.
func (s step) request(ctx context.Context, from *url.URL) (*http.Request, error) {
	to, err := from.Parse(s.to)
	if err != nil {
		return nil, err
	}
	if s.method != http.MethodPost {
		if s.fields != nil {
			to.RawQuery = s.fields.Encode()
		}
		return http.NewRequestWithContext(ctx, http.MethodGet, to.String(), nil)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), strings.NewReader(s.fields.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return req, nil
}
