package recording

import (
	"bytes"
	"encoding/json"
)

// json replaces what is in a JSON document and leaves its shape: the order of members,
// repeated ones, null, and the form of numbers. The document has to be valid.
func (m *mask) json(doc []byte, at place, depth int) []byte {
	w := &jsonWalk{m: m, d: json.NewDecoder(bytes.NewReader(doc)), depth: depth}
	w.d.UseNumber()
	w.value(w.next(), at)
	return w.out.Bytes()
}

type jsonWalk struct {
	m     *mask
	d     *json.Decoder
	depth int
	out   bytes.Buffer
}

// next returns the next token; nil, which is null, if there is none.
func (w *jsonWalk) next() json.Token {
	t, err := w.d.Token()
	if err != nil {
		return nil
	}
	return t
}

func (w *jsonWalk) value(t json.Token, at place) {
	switch v := t.(type) {
	case json.Delim:
		if v == '{' {
			w.object(at)
		} else {
			w.array(at)
		}
	case string:
		w.out.Write(quote(w.m.form(v, at, w.depth)))
	case json.Number:
		w.out.WriteString(w.m.number(v.String(), at))
	case bool:
		if v && at.key != "" {
			w.out.WriteString("true")
		} else {
			w.out.WriteString("false") // of a member that nobody knows, only the type is left
		}
	default:
		w.out.WriteString("null")
	}
}

func (w *jsonWalk) object(at place) {
	w.out.WriteByte('{')
	for first := true; w.d.More(); first = false {
		name, _ := w.next().(string)
		if !first {
			w.out.WriteByte(',')
		}
		shown, known := w.m.member(name, at)
		w.out.Write(quote(shown))
		w.out.WriteByte(':')
		w.value(w.next(), at.in(shown, known))
	}
	w.next()
	w.out.WriteByte('}')
}

func (w *jsonWalk) array(at place) {
	w.out.WriteByte('[')
	for first := true; w.d.More(); first = false {
		if !first {
			w.out.WriteByte(',')
		}
		w.value(w.next(), at.each())
	}
	w.next()
	w.out.WriteByte(']')
}
