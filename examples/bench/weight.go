package main

import (
	"context"
	"debug/buildinfo"
	"os"
	"path/filepath"
	"strconv"
)

// weight measures how much larger a program is than one that only asks something over HTTP.
func (b *bench) weight(ctx context.Context, p *plan, book *ledger) (*table, error) {
	t := &table{
		title: "Weight",
		text: "How much larger a program is than the smallest that asks something with net/http, linked with `-s -w`, and of how many " +
			"modules it is. *Importing* calls nothing; *federating* calls New and Federate, and prints the report. The others are " +
			"the programs that were measured above, over the floor's.",
		head: []string{"program", "MiB more", "modules"},
	}
	programs, err := b.programs(ctx, p, floor, ours, retry, official)
	if err != nil {
		return nil, err
	}
	root := filepath.Join(b.dir, "..", "..")
	for _, name := range []string{"nethttp", "importing", "federating"} {
		if err := b.goBuild(ctx, root, "./internal/release/testdata/"+name, name); err != nil {
			return nil, err
		}
	}
	more := func(name, base, title string) (mib float64, modules int, err error) {
		size, err := os.Stat(filepath.Join(b.bin, name))
		if err != nil {
			return 0, 0, err
		}
		least, err := os.Stat(filepath.Join(b.bin, base))
		if err != nil {
			return 0, 0, err
		}
		info, err := buildinfo.ReadFile(filepath.Join(b.bin, name))
		if err != nil {
			return 0, 0, err
		}
		modules = len(info.Deps)
		for _, m := range info.Deps {
			if m.Path == "github.com/jcaad/jcaad" || m.Path == "github.com/jcaad/jcaad/examples/bench" {
				modules--
			}
		}
		mib = float64(size.Size()-least.Size()) / (1 << 20)
		t.add(title, strconv.FormatFloat(mib, 'f', 2, 64), strconv.Itoa(modules))
		return mib, modules, nil
	}
	if _, _, err := more("importing", "nethttp", "jcaad, importing federation"); err != nil {
		return nil, err
	}
	mib, modules, err := more("federating", "nethttp", "jcaad, federating")
	if err != nil {
		return nil, err
	}
	book.note("weight", mib)
	book.note("modules", float64(modules))
	for _, c := range programs {
		if c == floor {
			continue
		}
		title := c.title
		if c == ours {
			title = "jcaad, everything that is measured here"
		}
		if _, _, err := more(c.name, floor.name, title); err != nil {
			return nil, err
		}
	}
	return t, nil
}
