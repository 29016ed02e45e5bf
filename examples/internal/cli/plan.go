package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"go.yaml.in/yaml/v3"

	"github.com/jcaad/jcaad/federation"
)

// ReadPlan reads a plan from a file in YAML or JSON.
func ReadPlan(path string) (federation.Plan, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return federation.Plan{}, fmt.Errorf("the plan cannot be read: %w", err)
	}
	p, err := ParsePlan(b)
	if err != nil {
		return p, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

// ParsePlan reads one plan in YAML or JSON. Fields that a plan does not have
// are errors: a consent with a typing error must not look like one that is given.
func ParsePlan(b []byte) (federation.Plan, error) {
	var p federation.Plan
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	switch err := d.Decode(&p); {
	case errors.Is(err, io.EOF):
		return p, errors.New("the plan is empty")
	case err != nil:
		return p, fmt.Errorf("this is no plan: %w", err)
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return p, errors.New("the file holds more than one document; a plan is one")
	}
	return p, nil
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
