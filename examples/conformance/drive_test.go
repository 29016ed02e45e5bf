package conformance

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// step is a call of a client's method.
type step struct {
	method string
	call   func() error
}

// drive takes the steps in their order, and demands one for each method of the
// client that can make a request: those that take a context.
func drive(t *testing.T, client any, steps []step) {
	t.Helper()
	taken := map[string]bool{}
	for _, s := range steps {
		taken[s.method] = true
		if err := s.call(); err != nil {
			t.Errorf("%s: %v", s.method, err)
		}
	}
	for _, name := range methods(client) {
		if !taken[name] {
			t.Errorf("%T has the method %s, which is not driven", client, name)
		}
	}
}

func methods(client any) []string {
	var names []string
	of := reflect.TypeOf(client)
	for i := range of.NumMethod() {
		m := of.Method(i)
		if m.Type.NumIn() > 1 && m.Type.In(1) == reflect.TypeFor[context.Context]() {
			names = append(names, m.Name)
		}
	}
	return names
}

// all collects a list.
func all[T any](list iter.Seq2[T, error]) ([]T, error) {
	var items []T
	for item, err := range list {
		if err != nil {
			return items, err
		}
		items = append(items, item)
	}
	return items, nil
}

// some demands that a list is not empty: an empty one has nothing to compare.
func some[T any](items []T, err error) error {
	if err == nil && len(items) == 0 {
		return errors.New("the list is empty")
	}
	return err
}

// is demands an error of a class.
func is(err, class error) error {
	if !errors.Is(err, class) {
		return fmt.Errorf("got %v, want %v", err, class)
	}
	return nil
}

// keep puts what a call returned where later steps find it. If it failed they
// find nothing, and fail in their turn.
func keep[T any](to, v *T, err error) error {
	if err == nil {
		*to = *v
	}
	return err
}

func ptr[T any](v T) *T { return &v }

// judge compares what a checker has seen with what it should have.
func judge(t *testing.T, c *checker, service string, named []string, descriptions ...*description) {
	t.Helper()
	left, unused := excused(c.findings, mistakes[service])
	for _, f := range left {
		t.Errorf("%v", f)
	}
	for _, m := range unused {
		t.Errorf("the entry %q of the mistakes, %s: %s, is not needed", m.operation, m.where, m.what)
	}
	for _, a := range absent[service] {
		if c.driven[a.operation] == 0 {
			t.Errorf("%s is said to have no description, and was not driven", a.operation)
		}
		t.Logf("not described: %s: %s", a.operation, a.reason)
	}
	known := map[string]bool{}
	for _, d := range descriptions {
		var driven, idle []string
		for _, o := range d.operations() {
			o = d.name + " " + o
			known[o] = true
			if c.driven[o] > 0 {
				driven = append(driven, o)
			} else {
				idle = append(idle, strings.TrimPrefix(o, d.name+" "))
			}
		}
		wanted := slices.DeleteFunc(slices.Clone(named), func(o string) bool { return !strings.HasPrefix(o, d.name+" ") })
		t.Logf("%s: %d of %d operations covered, with all %d that the design names; not named, and not covered: %s",
			d.name, len(driven), len(driven)+len(idle), len(wanted), strings.Join(idle, ", "))
	}
	for _, o := range named {
		switch {
		case !known[o]:
			t.Errorf("%s is named, and there is no such operation", o)
		case c.driven[o] == 0:
			t.Errorf("%s is named, and was not driven", o)
		}
	}
	t.Logf("%s: %d requests, %d known mistakes of the descriptions", service, total(c.driven), len(mistakes[service]))
}

func total(counts map[string]int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}
