package customers

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/jcaad/jcaad/internal/text"
)

const (
	maxSize   = 32 << 20
	maxValues = 4 << 20 // aliases of aliases can make many of few
)

// document reads b as one document of YAML.
func document(b []byte) (*yaml.Node, *Problem) {
	if len(b) > maxSize {
		return nil, &Problem{Text: fmt.Sprintf("the file has more than %d MiB", maxSize>>20)}
	}
	var doc yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(b))
	switch err := d.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, &Problem{Text: "the file is empty"}
	case err != nil:
		return nil, syntax(err, b)
	}
	var next yaml.Node
	switch err := d.Decode(&next); {
	case err == nil:
		return nil, &Problem{Line: next.Line, Column: next.Column, Text: "the file holds more than one document; it may hold one"}
	case !errors.Is(err, io.EOF):
		return nil, syntax(err, b)
	}
	root := doc.Content[0]
	sizes := make(map[*yaml.Node]int)
	if p := measure(root, sizes); p != nil {
		return nil, p
	}
	if sizes[root] > maxValues {
		says := fmt.Sprintf("the file has more than %d values, each alias counted as what it stands for", maxValues)
		return nil, &Problem{Line: root.Line, Text: says}
	}
	return root, nil
}

// measure counts the values of n, each alias as what it stands for, and refuses circles.
func measure(n *yaml.Node, sizes map[*yaml.Node]int) *Problem {
	const open = -1
	switch sizes[n] {
	case open:
		return &Problem{Line: n.Line, Column: n.Column, Text: "this contains an alias of itself"}
	case 0:
	default:
		return nil
	}
	sizes[n] = open
	size, below := 1, n.Content
	if n.Kind == yaml.AliasNode {
		below = []*yaml.Node{n.Alias}
	}
	for _, c := range below {
		if p := measure(c, sizes); p != nil {
			return p
		}
		size = min(size+sizes[c], maxValues+1)
	}
	sizes[n] = size
	return nil
}

var (
	onLine    = regexp.MustCompile(`^line (\d+): `)
	ofAnchor  = regexp.MustCompile(`(?s)^unknown anchor '(.*)' referenced$`)
	plainText = strings.NewReplacer("\t", " ", "\n", " ")
)

// syntax makes a problem of an error of package yaml. What it repeats of the file is left
// out: a password that begins with an asterisk looks like an alias.
func syntax(err error, b []byte) *Problem {
	says := strings.TrimPrefix(err.Error(), "yaml: ")
	var p Problem
	if m := onLine.FindStringSubmatch(says); m != nil {
		p.Line, _ = strconv.Atoi(m[1])
		says = says[len(m[0]):]
	}
	if m := ofAnchor.FindStringSubmatch(says); m != nil {
		if at := bytes.Index(b, []byte("*"+m[1])); at >= 0 {
			p.Line = 1 + bytes.Count(b[:at], []byte("\n"))
			p.Column = at - bytes.LastIndexByte(b[:at], '\n')
		}
		says = "an alias of nothing: a text that begins with * stands in quotes"
	}
	p.Text = "this is no YAML: " + text.OneLine(plainText.Replace(says), 120)
	return &p
}
