package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/jcaad/jcaad/examples/internal/cli"
)

// settings are the flags.
type settings struct {
	services cli.Services

	live, list, fresh, yes, verbose bool
	differ                          cli.List // IDs, or an ID, a slash and one of its knobs
	domain                          string
	save                            string // file for the recording
	within                          time.Duration
	form                            string   // table, json, markdown
	where                           []string // the flags of services that were given
}

// parse reads the flags. Of [flag.ErrHelp] it has told them.
func parse(args []string, stdout io.Writer) (*settings, error) {
	s := &settings{services: cli.Services{Getenv: os.Getenv}}
	fs := flag.NewFlagSet("probe", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.BoolVar(&s.live, "live", false, "look at the live organisation and tenant; only reads")
	fs.StringVar(&s.domain, "domain", "", "the `domain` that is to be federated; by default none in particular")
	fs.StringVar(&s.save, "save", "", "new `file` for what went between the program and the services, anonymised;\n"+
		"shows what remains, and asks")
	fs.BoolVar(&s.yes, "yes", false, "with -save: do not ask")
	fs.DurationVar(&s.within, "within", 2*time.Minute, "how `long` the look may take")
	fs.Var(&s.differ, "differ", "without -live: the `assumptions` that the stand-ins turn round, such as jc-template-name,aad-policy;\n"+
		"of one with several knobs a knob after a slash, as in aad-policy/aadtest.Quirks.PolicyList")
	fs.BoolVar(&s.fresh, "fresh", false, "without -live: nothing is federated yet, and nobody has signed in")
	fs.BoolVar(&s.list, "list", false, "list every assumption, and ask nobody")
	fs.StringVar(&s.form, "o", "table", "`form` of the result: table, json or markdown")
	s.services.Flags(fs)
	fs.BoolVar(&s.verbose, "v", false, "log each request to standard error")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprintf(stdout, "%s\nEnvironment, with -live:\n%s\nFlags:\n", usage, cli.Environment)
			fs.SetOutput(stdout)
			fs.PrintDefaults()
			return s, err
		}
		return s, fmt.Errorf("%w; probe -h tells the flags", err)
	}
	if fs.NArg() > 0 {
		return s, fmt.Errorf("probe takes flags alone, and %q is none; probe -h tells them", fs.Arg(0))
	}
	ofServices := flag.NewFlagSet("", flag.ContinueOnError)
	new(cli.Services).Flags(ofServices)
	fs.Visit(func(f *flag.Flag) {
		if ofServices.Lookup(f.Name) != nil {
			s.where = append(s.where, "-"+f.Name)
		}
	})
	return s, s.check()
}

func (s *settings) check() error {
	forms := []string{"table", "json", "markdown"}
	switch {
	case !slices.Contains(forms, s.form):
		return fmt.Errorf("-o %q is none of %s", s.form, strings.Join(forms, ", "))
	case s.live && (len(s.differ) > 0 || s.fresh):
		return errors.New("-differ and -fresh are for stand-ins: live services are as they are")
	case s.list && (s.live || s.save != "" || len(s.differ) > 0):
		return errors.New("-list asks nobody: leave out -live, -differ and -save")
	case s.yes && s.save == "":
		return errors.New("-yes is for -save")
	case s.within <= 0:
		return errors.New("-within is how long the look may take, such as 2m")
	case !s.live && len(s.where) > 0:
		return fmt.Errorf("%s is for -live, which asks live services; without it they are stand-ins", strings.Join(s.where, ", "))
	case s.save == "":
		return nil
	}
	return cli.CheckNew(s.save)
}
