package recording

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"
)

// xml replaces what is in an XML document and leaves its shape. Comments, processing
// instructions and document types go. It is false if the document cannot be read.
func (m *mask) xml(doc []byte, at place, depth int) ([]byte, bool) {
	d := xml.NewDecoder(bytes.NewReader(doc))
	d.CharsetReader = nil
	var out bytes.Buffer
	var open []place
	elements := 0
	for {
		t, err := d.RawToken()
		if err == io.EOF {
			return out.Bytes(), len(open) == 0 && elements > 0
		}
		if err != nil {
			return nil, false
		}
		here := at
		if len(open) > 0 {
			here = open[len(open)-1]
		}
		switch t := t.(type) {
		case xml.StartElement:
			elements++
			name, in := m.element(t.Name, here)
			out.WriteString("<" + name)
			for _, a := range t.Attr {
				m.attribute(&out, a, in, depth)
			}
			out.WriteByte('>')
			open = append(open, in)
		case xml.EndElement:
			if len(open) == 0 {
				return nil, false
			}
			name, _ := m.element(t.Name, at)
			out.WriteString("</" + name + ">")
			open = open[:len(open)-1]
		case xml.CharData:
			xml.EscapeText(&out, []byte(m.form(string(t), here, depth)))
		case xml.ProcInst:
			if t.Target == "xml" && out.Len() == 0 {
				out.WriteString(`<?xml version="1.0" encoding="UTF-8"?>`)
			}
		}
	}
}

// element returns the name of an element as it is shown, and the place of what is in it.
func (m *mask) element(n xml.Name, at place) (string, place) {
	shown, known := m.member(n.Local, at)
	in := at.in(shown, known)
	if n.Space != "" {
		shown = m.prefix(n.Space) + ":" + shown
	}
	return shown, in
}

// prefix replaces a prefix that is not the usual one of a name space.
func (m *mask) prefix(s string) string {
	switch s {
	case "md", "ds", "saml", "saml2", "samlp", "xs", "xsi", "xml", "xmlns", "mdui", "fed", "wsa", "shibmd", "xenc":
		return s
	}
	return "n" + utter(m.draw("prefix", s), 2)
}

func (m *mask) attribute(out *bytes.Buffer, a xml.Attr, at place, depth int) {
	name, in := "", at
	switch {
	case a.Name.Space == "xmlns":
		name, in = "xmlns:"+m.prefix(a.Name.Local), at.in("xmlns", true)
	case a.Name.Space == "" && a.Name.Local == "xmlns":
		name, in = "xmlns", at.in("xmlns", true)
	default:
		name, in = m.element(a.Name, at)
	}
	out.WriteString(" " + name + `="`)
	xml.EscapeText(out, []byte(m.form(strings.TrimSpace(a.Value), in, depth)))
	out.WriteByte('"')
}
