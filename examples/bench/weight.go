package main

import (
	"context"
	"debug/buildinfo"
	"os"
	"path/filepath"
	"strconv"
)

// weight measures how much larger a program is than one that only asks something over HTTP.
func (b *bench) weight(ctx context.Context, p *plan, book *ledger) ([]*table, error) {
	t := &table{
		title: "Weight",
		text: "How much larger a program is than the smallest that asks something with net/http, and of how many modules it is. " +
			"*Importing* calls nothing; *previewing* and *federating* call New and Preview or Federate, and print the result. The " +
			"others are the programs that were measured above, over the floor's.",
		head: []string{"program", "MiB more", "with `-s -w`", "modules"},
	}
	programs, err := b.programs(ctx, p, floor, ours, retry, official)
	if err != nil {
		return nil, err
	}
	root := filepath.Join(b.dir, "..", "..")
	for _, name := range []string{"nethttp", "importing", "previewing", "federating"} {
		if err := b.goBuild(ctx, root, "./internal/release/testdata/"+name, name); err != nil {
			return nil, err
		}
		if err := b.goBuild(ctx, root, "./internal/release/testdata/"+name, name+".symbols", ""); err != nil {
			return nil, err
		}
	}
	for _, name := range []string{"importing", "previewing", "federating"} {
		plain, err := b.more(name+".symbols", "nethttp.symbols")
		if err != nil {
			return nil, err
		}
		stripped, err := b.more(name, "nethttp")
		if err != nil {
			return nil, err
		}
		modules, err := b.modules(name)
		if err != nil {
			return nil, err
		}
		book.note(name, stripped)
		book.note(name+" plain", plain)
		book.note("modules", float64(modules))
		t.add("jcaad, "+name, two(plain), two(stripped), strconv.Itoa(modules))
	}
	for _, c := range programs {
		if c == floor {
			continue
		}
		stripped, err := b.more(c.name, floor.name)
		if err != nil {
			return nil, err
		}
		modules, err := b.modules(c.name)
		if err != nil {
			return nil, err
		}
		title := c.title
		if c == ours {
			title = "jcaad, everything that is measured here"
		}
		t.add(title, "", two(stripped), strconv.Itoa(modules))
	}
	divided, err := b.divided(ctx, "federating.symbols", "nethttp.symbols", book.figures["federating"])
	if err != nil {
		return nil, err
	}
	return []*table{t, divided}, nil
}

func two(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) }

// more returns by how many MiB one program is larger than another.
func (b *bench) more(name, base string) (mib float64, err error) {
	size, err := os.Stat(filepath.Join(b.bin, name))
	if err != nil {
		return 0, err
	}
	least, err := os.Stat(filepath.Join(b.bin, base))
	if err != nil {
		return 0, err
	}
	return float64(size.Size()-least.Size()) / (1 << 20), nil
}

// modules returns how many modules a program is of, beside this library's.
func (b *bench) modules(name string) (n int, err error) {
	info, err := buildinfo.ReadFile(filepath.Join(b.bin, name))
	if err != nil {
		return 0, err
	}
	for _, m := range info.Deps {
		if m.Path != "github.com/jcaad/jcaad" && m.Path != "github.com/jcaad/jcaad/examples/bench" {
			n++
		}
	}
	return n, nil
}
