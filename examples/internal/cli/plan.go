package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"go.yaml.in/yaml/v3"

	"github.com/jcaad/jcaad/examples/internal/planyaml"
	"github.com/jcaad/jcaad/federation"
)

// read reads a file; "-" is stdin.
func read(path string, stdin io.Reader) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(stdin)
	}
	return os.ReadFile(path)
}

// ReadPlan reads a plan in YAML or JSON from a file, or from stdin if its name is "-".
func ReadPlan(path string, stdin io.Reader) (federation.Plan, error) {
	b, err := read(path, stdin)
	if err != nil {
		return federation.Plan{}, fmt.Errorf("the plan cannot be read: %w", err)
	}
	p, err := ParsePlan(b)
	if err != nil {
		return p, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

// ParsePlan reads one plan in YAML or JSON, as strictly as
// [federation.ParsePlan]: what begins with a brace is JSON if it can be read as that.
func ParsePlan(b []byte) (federation.Plan, error) {
	var none federation.Plan
	if b := bytes.TrimSpace(bytes.TrimPrefix(b, []byte("\ufeff"))); len(b) > 0 && b[0] == '{' && json.Valid(b) {
		return federation.ParsePlan(b)
	}
	var doc yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(b))
	switch err := d.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return none, errors.New("the plan is empty")
	case err != nil:
		return none, fmt.Errorf("this is no plan: %w", err)
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return none, errors.New("the file holds more than one document; a plan is one")
	}
	return federation.ParsePlanNode(planyaml.Node(doc.Content[0]))
}

// ReadReport reads a report as [WriteJSON] writes it.
func ReadReport(path string) (*federation.Report, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("the report cannot be read: %w", err)
	}
	rep, err := federation.ParseReport(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return rep, nil
}

// ReadProposal reads a proposal from a file, or from stdin if its name is "-".
func ReadProposal(path string, stdin io.Reader) (*federation.Proposal, error) {
	b, err := read(path, stdin)
	if err != nil {
		return nil, fmt.Errorf("the proposal cannot be read: %w", err)
	}
	p, err := federation.ParseProposal(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}
