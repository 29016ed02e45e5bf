// Package planyaml lets [federation.ParsePlanNode] read YAML.
package planyaml

import (
	"go.yaml.in/yaml/v3"

	"github.com/jcaad/jcaad/federation"
)

// Node returns n, which is not nil and no document, as a plan's reader sees it.
// Aliases are what they stand for, on the line of the alias.
func Node(n *yaml.Node) federation.Node { return node{n} }

// node is a [federation.Node] of YAML.
type node struct{ n *yaml.Node }

// target is what an alias stands for.
func (y node) target() *yaml.Node {
	if y.n.Kind == yaml.AliasNode {
		return y.n.Alias
	}
	return y.n
}

// Kind names tags that nothing in a plan has by themselves. Numbers, booleans and
// dates without quotes are plain: it is for the plan to say whether text is wanted.
// Of booleans only true and false are; yes and on are text.
func (y node) Kind() federation.NodeKind {
	n := y.target()
	switch tag := n.ShortTag(); {
	case n.Kind == yaml.MappingNode && tag == "!!map":
		return federation.NodeObject
	case n.Kind == yaml.SequenceNode && tag == "!!seq":
		return federation.NodeList
	case n.Kind != yaml.ScalarNode:
		return federation.NodeKind(tag)
	case tag == "!!null":
		return federation.NodeNull
	case tag == "!!str", tag == "!!merge":
		return federation.NodeText
	case n.Style&yaml.TaggedStyle != 0:
		return federation.NodeKind(tag)
	case tag == "!!bool", tag == "!!int", tag == "!!float", tag == "!!timestamp":
		return federation.NodePlain
	default:
		return federation.NodeKind(tag)
	}
}

func (y node) Value() string { return y.target().Value }
func (y node) Line() int     { return y.n.Line }
func (y node) Column() int   { return y.n.Column }

func (y node) Children() []federation.Node {
	content := y.target().Content
	nodes := make([]federation.Node, len(content))
	for i, c := range content {
		nodes[i] = node{c}
	}
	return nodes
}
