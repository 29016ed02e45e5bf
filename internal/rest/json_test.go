package rest_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/internal/rest"
)

func TestTime(t *testing.T) {
	day := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	tests := []struct {
		in   string
		want time.Time
	}{
		{`null`, time.Time{}},
		{`""`, time.Time{}},
		{`"2026-03-04T05:06:07Z"`, day},
		{`"2026-03-04T05:06:07.1234567Z"`, day.Add(123456700)},
		{`"2026-03-04T05:06:07.1234567"`, day.Add(123456700)},
		{`"2026-03-04T05:06:07"`, day},
		{`"2026-03-04T07:06:07+02:00"`, day},
		{`"2026-03-04T07:06:07+0200"`, day},
		{`"2026-03-04 05:06:07"`, day},
		{`"2026-03-04"`, day.Truncate(24 * time.Hour)},
		{`1772600767`, day},
	}
	for _, tt := range tests {
		var got rest.Time
		if err := json.Unmarshal([]byte(tt.in), &got); err != nil || !got.Equal(tt.want) {
			t.Errorf("%s: got %v, %v; want %v", tt.in, got, err, tt.want)
		}
	}
	for _, in := range []string{`"yesterday"`, `{}`, `[]`, `true`} {
		var got rest.Time
		if err := json.Unmarshal([]byte(in), &got); err == nil {
			t.Errorf("%s: got %v; want an error", in, got)
		}
	}
	if b, err := json.Marshal([]rest.Time{{}, {Time: day.In(time.FixedZone("", 3600))}}); err != nil || string(b) != `[null,"2026-03-04T05:06:07Z"]` {
		t.Errorf("Marshal = %s, %v", b, err)
	}
}

func TestIntAndBool(t *testing.T) {
	type pair struct {
		N rest.Int
		B rest.Bool
	}
	tests := []struct {
		in   string
		want pair
	}{
		{`{"N":5,"B":true}`, pair{5, true}},
		{`{"N":"1703732260","B":"True"}`, pair{1703732260, true}},
		{`{"N":null,"B":null}`, pair{}},
		{`{"N":"","B":""}`, pair{}},
		{`{"N":1e3,"B":1}`, pair{1000, true}},
		{`{"N":-7,"B":"false"}`, pair{-7, false}},
	}
	for _, tt := range tests {
		var got pair
		if err := json.Unmarshal([]byte(tt.in), &got); err != nil || got != tt.want {
			t.Errorf("%s: got %v, %v; want %v", tt.in, got, err, tt.want)
		}
	}
	for _, in := range []string{`{"N":1.5}`, `{"N":"x"}`, `{"N":{}}`, `{"B":"perhaps"}`, `{"B":[]}`} {
		var got pair
		if err := json.Unmarshal([]byte(in), &got); err == nil {
			t.Errorf("%s: got %v; want an error", in, got)
		}
	}
}

func TestUnwrap(t *testing.T) {
	for _, tt := range [][2]string{
		{`{"value":{"id":"1"}}`, `{"id":"1"}`},
		{`{"@odata.context":"x","value": {"id":"1"}}`, `{"id":"1"}`},
		{`{"value":[{"id":"1"}]}`, `{"value":[{"id":"1"}]}`},
		{`{"id":"1","value":{"x":1}}`, `{"id":"1","value":{"x":1}}`},
		{`{"id":"1"}`, `{"id":"1"}`},
		{`[1]`, `[1]`},
		{``, ``},
	} {
		if got := string(rest.Unwrap([]byte(tt[0]))); got != tt[1] {
			t.Errorf("Unwrap(%s) = %s; want %s", tt[0], got, tt[1])
		}
	}
}

func TestMerge(t *testing.T) {
	type view struct {
		Name  string             `json:"name"`
		Count rest.Int           `json:"count"`
		Note  string             `json:"note,omitempty"`
		Deep  struct{ A, B int } `json:"deep"`
		List  []int              `json:"list"`
	}
	const raw = `{"name":"a","count":"5","note":"n","deep":{"A":1,"B":2,"x":true},"list":[1],"new":{"y":[1,2]},"big":12345678901234567890}`
	tests := []struct {
		name string
		edit func(*view)
		want string
	}{
		{"nothing", func(*view) {}, raw},
		{"one field", func(v *view) { v.Name = "b" },
			`{"name":"b","count":"5","note":"n","deep":{"A":1,"B":2,"x":true},"list":[1],"new":{"y":[1,2]},"big":12345678901234567890}`},
		{"nested", func(v *view) { v.Deep.A = 9 },
			`{"name":"a","count":"5","note":"n","deep":{"A":9,"B":2,"x":true},"list":[1],"new":{"y":[1,2]},"big":12345678901234567890}`},
		{"removed", func(v *view) { v.Note = "" },
			`{"name":"a","count":"5","deep":{"A":1,"B":2,"x":true},"list":[1],"new":{"y":[1,2]},"big":12345678901234567890}`},
		{"list", func(v *view) { v.List = nil },
			`{"name":"a","count":"5","note":"n","deep":{"A":1,"B":2,"x":true},"list":null,"new":{"y":[1,2]},"big":12345678901234567890}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var v view
			if err := json.Unmarshal([]byte(raw), &v); err != nil {
				t.Fatal(err)
			}
			tt.edit(&v)
			got, err := rest.Merge([]byte(raw), &v)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(fields(t, []byte(tt.want)), fields(t, got)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
	if got, err := rest.Merge(nil, view{Name: "x"}); err != nil || string(got) != `{"name":"x"}` {
		t.Errorf("Merge(nil) = %s, %v", got, err)
	}
}

func fields(t *testing.T, b []byte) map[string]string {
	t.Helper()
	var m map[string]json.RawMessage
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	out := make(map[string]string)
	for k, v := range m {
		out[k] = string(v)
	}
	return out
}
