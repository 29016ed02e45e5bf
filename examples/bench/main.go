// Command bench compares this library with what people use today: the official clients, a
// loop by hand, other libraries of the same kind, and the floor of what the work costs.
// See the README beside it.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
)

func main() {
	if len(os.Args) == 3 && os.Args[1] == "serve" {
		if err := serve(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	quick := flag.Bool("quick", false, "small sizes, and without the official clients, which take minutes to compile")
	readme := flag.String("readme", "", "write the tables into this `file` too, between the marks")
	only := flag.String("only", "", "one table: reading, latency, throttled, preflight, signatures, federating or weight")
	profiles := flag.String("profiles", "", "write profiles of the processor time into this `folder`")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *quick, *only, *readme, *profiles); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, quick bool, only, readme, profiles string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	dir, err := moduleDir(ctx)
	if err != nil {
		return err
	}
	if profiles != "" {
		if profiles, err = filepath.Abs(profiles); err != nil {
			return err
		}
		if err := os.MkdirAll(profiles, 0o755); err != nil {
			return err
		}
	}
	bin, err := os.MkdirTemp("", "jcaad-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(bin)
	b := &bench{dir: dir, bin: bin, self: self, log: os.Stderr, prof: profiles}
	tables, err := b.tables(ctx, quick, only)
	if err != nil {
		return err
	}
	os.Stdout.WriteString(tables)
	if readme == "" {
		return nil
	}
	return replace(readme, tables)
}

// Marks in the README, between which the tables stand.
const (
	firstMark = "<!-- go run . -readme README.md writes from here -->\n"
	lastMark  = "<!-- to here -->\n"
)

// replace writes the tables into a file.
func replace(file, tables string) error {
	old, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, ok := bytes.Cut(old, []byte(firstMark))
	_, after, closed := bytes.Cut(rest, []byte(lastMark))
	if !ok || !closed {
		return errors.New(file + " has no marks between which the tables could stand")
	}
	text := string(before) + firstMark + "\n" + tables + "\n" + lastMark + string(after)
	return os.WriteFile(file, []byte(text), 0o644)
}
