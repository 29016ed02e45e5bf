package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/jcaad/jcaad/examples/internal/planyaml"
	"github.com/jcaad/jcaad/federation"
)

// ReadRotatePlan reads the plan of a rotation in YAML or JSON from a file, or from stdin
// if its name is "-". A file that is the plan of a federation is one with nothing else.
func ReadRotatePlan(path string, stdin io.Reader) (federation.RotatePlan, error) {
	b, err := read(path, stdin)
	if err != nil {
		return federation.RotatePlan{}, fmt.Errorf("the plan cannot be read: %w", err)
	}
	p, err := ParseRotatePlan(b)
	if err != nil {
		return p, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

// rotateFile is a plan of a rotation as it stands in a file: times are written as 2h or
// 90m, and a lifetime in days as well, as in 1825d.
type rotateFile struct {
	Plan           yaml.Node               `yaml:"plan"`
	Method         federation.RotateMethod `yaml:"method"`
	Replace        string                  `yaml:"replace"`
	Within, Settle Span
	Key            struct {
		Bits     int
		Lifetime Span
	}
	Pilot          bool
	Approve        string
	Cancel         bool
	RevokeSessions bool                     `yaml:"revokeSessions"`
	DeleteOld      bool                     `yaml:"deleteOld"`
	Consent        federation.RotateConsent `yaml:"consent"`
}

// A Span is a time that a person writes, such as 2h, 90m or 60d.
type Span time.Duration

// Set implements [flag.Value].
func (s *Span) Set(text string) error {
	d, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); ok && err != nil {
		if d, err = time.ParseDuration(days + "h"); err == nil {
			if d.Abs() > math.MaxInt64/24 {
				return fmt.Errorf("%q is more than 200 years", text)
			}
			d *= 24
		}
	}
	if err != nil {
		return fmt.Errorf("%q is no time: write 2h, 90m or 60d", text)
	}
	*s = Span(d)
	return nil
}

func (s *Span) String() string { return time.Duration(*s).String() }

// UnmarshalYAML implements [yaml.Unmarshaler].
func (s *Span) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode {
		return fmt.Errorf("line %d: a time is wanted, such as 2h, 90m or 60d", n.Line)
	}
	if err := s.Set(n.Value); err != nil {
		return fmt.Errorf("line %d: %w", n.Line, err)
	}
	return nil
}

// ParseRotatePlan reads one plan of a rotation in YAML or JSON: what is unknown or
// doubled is refused. The plan of the federation stands under "plan", or is the file.
func ParseRotatePlan(b []byte) (federation.RotatePlan, error) {
	var none federation.RotatePlan
	b = bytes.TrimPrefix(b, []byte("\ufeff"))
	var parts map[string]yaml.Node
	if err := yaml.Unmarshal(b, &parts); err != nil || parts["plan"].Kind == 0 {
		plan, err := ParsePlan(b) // which says what is wrong
		return federation.RotatePlan{Plan: plan}, err
	}
	var f rotateFile
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	var wrong *yaml.TypeError
	switch err := d.Decode(&f); {
	case errors.As(err, &wrong):
		return none, fmt.Errorf("this is no plan of a rotation: %s", plainer.Replace(strings.Join(wrong.Errors, "; ")))
	case err != nil:
		return none, fmt.Errorf("this is no plan of a rotation: %w", err)
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return none, errors.New("the file holds more than one document; a plan is one")
	}
	plan, err := federation.ParsePlanNode(planyaml.Node(&f.Plan))
	if err != nil {
		return none, err
	}
	return federation.RotatePlan{
		Plan: plan, Method: f.Method, Replace: f.Replace, Within: time.Duration(f.Within), Settle: time.Duration(f.Settle),
		Key:   federation.RotateKey{Bits: f.Key.Bits, Lifetime: time.Duration(f.Key.Lifetime)},
		Pilot: f.Pilot, Approve: f.Approve, Cancel: f.Cancel, RevokeSessions: f.RevokeSessions, DeleteOld: f.DeleteOld, Consent: f.Consent,
	}, nil
}

// plainer takes what is Go out of messages.
var plainer = strings.NewReplacer(" in type cli.rotateFile", "", " in type struct { Bits int; Lifetime cli.Span }", " in key",
	" in type federation.RotateConsent", " in consent", "field ", "")

// ReadRotation reads a rotation as [WriteJSON] writes it. Nil, without an error, if there
// is no such file yet.
func ReadRotation(path string) (*federation.Rotation, error) {
	b, err := os.ReadFile(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("the state cannot be read: %w", err)
	}
	rot, err := federation.ParseRotation(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return rot, nil
}
