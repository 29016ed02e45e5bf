package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jcaad/jcaad/examples/bench/internal/crowd"
	"github.com/jcaad/jcaad/examples/bench/internal/task"
)

// contender is a program that is compared.
type contender struct {
	name   string // of the program, and of the folder that it is in
	title  string // in the tables
	module string // the folder of its module, if it has one of its own
}

var (
	ours      = contender{"jcaad", "jcaad", ""}
	floor     = contender{"floor", "floor: bytes looked for", ""}
	hand      = contender{"hand", "encoding/json by hand", ""}
	retry     = contender{"retryablehttp", "go-retryablehttp, as it comes", ""}
	official  = contender{"msgraph", "msgraph-sdk-go and jcapi-go", "testdata/msgraph"}
	goxmldsig = contender{"goxmldsig", "goxmldsig alone", ""}
	crewjam   = contender{"crewjam", "crewjam/saml after goxmldsig", "testdata/crewjam"}
	gosaml2   = contender{"gosaml2", "gosaml2 after goxmldsig", "testdata/gosaml2"}
)

// limits of one run: what needs more is skipped, and said to be.
const (
	mostTime   = 3 * time.Minute
	mostMemory = 3 << 30
)

// bench runs programs.
type bench struct {
	dir  string // of this module
	bin  string // where the programs are built
	self string // this program, which also is the server
	prof string // where profiles are written, if anywhere
	log  io.Writer
}

// build builds a program, optimised, as it would be for use.
func (b *bench) build(ctx context.Context, c contender) error {
	dir, pkg := b.dir, "./contenders/"+c.name
	if c.module != "" {
		dir, pkg = filepath.Join(b.dir, c.module), "."
	}
	return b.goBuild(ctx, dir, pkg, c.name)
}

// goBuild builds a program without symbols, or as the flags for the linker say.
func (b *bench) goBuild(ctx context.Context, dir, pkg, name string, ldflags ...string) error {
	began := time.Now()
	if ldflags == nil {
		ldflags = []string{"-s -w"}
	}
	args := []string{"build", "-ldflags=" + strings.Join(ldflags, " "), "-o", filepath.Join(b.bin, name)}
	cmd := exec.CommandContext(ctx, "go", append(args, pkg)...)
	cmd.Dir, cmd.Stderr = dir, b.log
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("building %s: %w", name, err)
	}
	fmt.Fprintf(b.log, "built %s in %.1f s\n", name, time.Since(began).Seconds())
	return nil
}

// cell is one thing that one contender does.
type cell struct {
	contender
	settings
	task.Task
	want  crowd.Sum
	times int // how often, each in a process of its own; 0 is once
}

// result is what came of a cell. Of several runs it is that in the middle, by processor time.
type result struct {
	cell
	task.Result
	counts
	gave string // why there is no result
}

// errWrong is a contender that did not do the work: nothing of it is shown.
var errWrong = errors.New("did not find what there is")

// run runs a cell.
func (b *bench) run(ctx context.Context, c cell) (result, error) {
	var all []result
	for range max(1, c.times) {
		r, err := b.once(ctx, c)
		if err != nil || r.gave != "" {
			return r, err
		}
		all = append(all, r)
	}
	slices.SortFunc(all, func(x, y result) int { return int(x.CPU - y.CPU) })
	r := all[len(all)/2]
	fmt.Fprintf(b.log, "%-9s %8d  %-30s %8.3f s of processor, %8.3f s, %5d MiB, %6d requests\n",
		c.Work, c.settings.People, c.title, r.CPU.Seconds(), r.Wall.Seconds(), r.Peak>>20, r.Requests)
	return r, nil
}

func (b *bench) once(ctx context.Context, c cell) (result, error) {
	r := result{cell: c}
	s, err := b.server(ctx, c.settings)
	if err != nil {
		return r, err
	}
	defer s.stop()
	if err := b.work(ctx, &r, s); err != nil {
		return r, err
	}
	return r, nil
}

// work runs a contender against services that are running.
func (b *bench) work(ctx context.Context, r *result, s *server) error {
	t, before := r.Task, s.last
	t.JumpCloudURL, t.GraphURL, t.Token, t.Directory, t.Group = s.JumpCloudURL, s.GraphURL, s.Token, s.Directory, s.Group
	t.People = r.settings.People
	if b.prof != "" {
		t.Profile = filepath.Join(b.prof, r.profile())
	}
	arg, err := json.Marshal(t)
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, mostTime)
	defer cancel()
	var out, said bytes.Buffer
	cmd := exec.CommandContext(limited, filepath.Join(b.bin, r.name), string(arg))
	cmd.Stdout, cmd.Stderr = &out, &said
	err = cmd.Run()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	switch {
	case limited.Err() != nil:
		r.gave = "skipped: over 3 minutes"
		return nil
	case err != nil && r.limited():
		r.gave = "gave up"
		return s.count(&r.counts, before)
	case err != nil:
		tail := said.Bytes()
		return fmt.Errorf("%s, %s of %d: %w: %s", r.name, r.Work, t.People, err, tail[max(0, len(tail)-500):])
	}
	if err := json.Unmarshal(out.Bytes(), &r.Result); err != nil {
		return err
	}
	if r.Sum != r.want {
		return fmt.Errorf("%s, %s of %d: %w: %+v, want %+v", r.name, r.Work, t.People, errWrong, r.Sum, r.want)
	}
	return s.count(&r.counts, before)
}

// profile is the name of the file for a profile.
func (c *cell) profile() string {
	name := fmt.Sprintf("%s-%s-%d", c.name, c.Work, c.settings.People)
	if c.All {
		name += "-all"
	}
	if c.Latency > 0 {
		name += "-latency"
	}
	return name + ".pprof"
}

// limited reports whether the services refuse.
func (c *cell) limited() bool { return c.settings.JumpCloud != nil || c.settings.Graph != nil }

// server is the services, in a process of their own.
type server struct {
	address
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *json.Decoder
	last counts
}

func (b *bench) server(ctx context.Context, config settings) (*server, error) {
	arg, err := json.Marshal(config)
	if err != nil {
		return nil, err
	}
	s := &server{cmd: exec.CommandContext(ctx, b.self, "serve", string(arg))}
	s.cmd.Stderr = os.Stderr
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	s.out = json.NewDecoder(out)
	if err := s.out.Decode(&s.address); err != nil {
		s.stop()
		return nil, fmt.Errorf("the services did not start: %w", err)
	}
	return s, nil
}

// count gets the requests that came since before.
func (s *server) count(c *counts, before counts) error {
	if _, err := s.in.Write([]byte{'\n'}); err != nil {
		return err
	}
	if err := s.out.Decode(&s.last); err != nil {
		return err
	}
	*c = counts{s.last.Requests - before.Requests, s.last.Refused - before.Refused, s.last.Trips - before.Trips}
	return nil
}

func (s *server) stop() {
	s.in.Close()
	s.cmd.Wait()
}
