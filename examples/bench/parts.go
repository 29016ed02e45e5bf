package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

const library = "github.com/jcaad/jcaad/"

// parts are the groups of packages that a program's weight is divided into. The first one
// whose prefix fits counts; what fits none is the standard library's.
var parts = []struct{ title, prefix string }{
	{"the join of two directories", library + "federation/internal/people"},
	{"package federation", library + "federation"},
	{"package jumpcloud", library + "jumpcloud"},
	{"package aad", library + "aad"},
	{"package certs, and the scanner of XML", library + "certs"},
	{"package certs, and the scanner of XML", library + "internal/xml"},
	{"package certs, and the scanner of XML", library + "internal/c14n"},
	{"requests, pace, JSON", library + "internal/"},
	{"azcore, for a type; its transport links x/net/http2", "github.com/Azure/"},
	{"azcore, for a type; its transport links x/net/http2", "golang.org/x/net/http"},
	{"azcore, for a type; its transport links x/net/http2", "golang.org/x/net/internal/"},
	{"x/net/idna and x/text, which that and the join need", "golang.org/x/net/idna"},
	{"x/net/idna and x/text, which that and the join need", "golang.org/x/text/"},
	{"go-retryablehttp and the other modules", "github.com/"},
	{"go-retryablehttp and the other modules", "golang.org/x/"},
	{"encoding/json and reflect", "encoding/json"},
	{"encoding/json and reflect", "reflect"},
	{"encoding/json and reflect", "internal/reflectlite"},
	{"regexp", "regexp"},
	{"regexp", "unicode"},
	{"log/slog", "log/slog"},
	{"slices: a copy of each sort for each type", "slices"},
}

const standard = "the rest of the standard library"

// divided returns the table of what a program's weight over another's is: that of the
// symbols, and beside it the whole, in proportion: what is not in a symbol are tables of
// functions and lines, types and texts.
func (b *bench) divided(ctx context.Context, program, base string, more float64) (*table, error) {
	weights, err := b.symbols(ctx, program)
	if err != nil {
		return nil, err
	}
	least, err := b.symbols(ctx, base)
	if err != nil {
		return nil, err
	}
	sum := 0
	for title := range weights {
		weights[title] -= least[title]
		sum += weights[title]
	}
	t := &table{
		title: "What each MiB is",
		text: "Of the program that federates, over the one that only asks something: code and data by package, and the whole in " +
			"proportion, with the tables of functions and lines, the types and the texts that belong to them.",
		head: []string{"part", "code and data, KiB", "of the whole, MiB"},
	}
	shown := make(map[string]bool)
	for _, part := range append(parts, struct{ title, prefix string }{title: standard}) {
		if shown[part.title] {
			continue
		}
		shown[part.title] = true
		w := weights[part.title]
		t.add(part.title, strconv.Itoa(w>>10), fmt.Sprintf("%.2f", more*float64(w)/float64(sum)))
	}
	return t, nil
}

// symbols returns the bytes of code and data of a program that is linked with its symbols,
// by part.
func (b *bench) symbols(ctx context.Context, program string) (map[string]int, error) {
	out, err := exec.CommandContext(ctx, "go", "tool", "nm", "-size", filepath.Join(b.bin, program)).Output()
	if err != nil {
		return nil, fmt.Errorf("go tool nm: %w", err)
	}
	weights := make(map[string]int)
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		f := strings.Fields(lines.Text())
		if len(f) < 4 || !strings.Contains("TtRrDd", f[2]) {
			continue
		}
		size, err := strconv.Atoi(f[1])
		if err != nil {
			return nil, err
		}
		if size > 1<<20 { // a buffer that is no part of the file
			continue
		}
		name := strings.TrimPrefix(strings.TrimPrefix(f[3], "go:itab.*"), "type:.eq.")
		if strings.HasPrefix(name, "go:") || strings.HasPrefix(name, "type:") || strings.HasPrefix(name, "$") {
			continue
		}
		weights[partOf(name)] += size
	}
	return weights, nil
}

// partOf returns the part that a symbol belongs to.
func partOf(symbol string) string {
	for _, p := range parts {
		if rest, ok := strings.CutPrefix(symbol, p.prefix); ok && (strings.HasSuffix(p.prefix, "/") || rest == "" || !isName(rest[0])) {
			return p.title
		}
	}
	return standard
}

// isName reports whether a package's name, whose beginning was found, goes on with c.
func isName(c byte) bool { return c >= 'a' && c <= 'z' && c != '.' }
