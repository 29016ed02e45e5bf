package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/jcaad/jcaad/aad/signin"
	"github.com/jcaad/jcaad/examples/internal/cli"
)

// settings are the flags and the argument.
type settings struct {
	services cli.Services

	file                 string // what was captured; "-" is standard input, "" the demonstration
	tenantFile, planFile string
	certificate          string // file with the certificate that JumpCloud signs with
	live, verbose        bool
	at                   cli.Moment
	mfa                  second
	form                 string // table, json, markdown
}

// second is a flag that says whether a second factor is demanded.
type second struct {
	signin.Answer
	given bool
}

// Set implements [flag.Value].
func (a *second) Set(s string) error {
	switch s {
	case "yes":
		a.Answer = signin.Yes
	case "no":
		a.Answer = signin.No
	default:
		return errors.New("it is yes or no")
	}
	a.given = true
	return nil
}

// parse reads the flags, which may stand behind the argument. Of [flag.ErrHelp] it has
// told them.
func parse(args []string, stdout io.Writer) (*settings, error) {
	s := &settings{services: cli.Services{Getenv: os.Getenv}}
	fs := flag.NewFlagSet("signin", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&s.tenantFile, "tenant", "", "`file` with the tenant, in JSON; - is standard input")
	fs.StringVar(&s.planFile, "plan", "", "`file` with the plan of a federation, in YAML or JSON; - is standard input")
	fs.StringVar(&s.certificate, "certificate", "", "with -plan: `file` with the certificate that JumpCloud signs with, in whatever form,\n"+
		"JumpCloud's metadata as well; - is standard input")
	fs.BoolVar(&s.live, "live", false, "read the tenant from Azure AD")
	fs.Var(&s.at, "at", "`time` at which the message was posted; by default what a HAR says, else now")
	fs.Var(&s.mfa, "mfa", "whether something demands a second factor of this person: `yes|no`;\nby default what the tenant says, "+
		"else not known")
	fs.StringVar(&s.form, "o", "table", "`form` of the result: table, json or markdown")
	s.services.AzureADFlags(fs)
	fs.BoolVar(&s.verbose, "v", false, "with -live: log each request to standard error")
	all := args
	var files []string
	for {
		if err := fs.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				fmt.Fprintf(stdout, "%s\nEnvironment, with -live:\n  AZURE_…   what azidentity's DefaultAzureCredential reads; \"az "+
					"login\" will do\n\nFlags:\n", usage)
				fs.SetOutput(stdout)
				fs.PrintDefaults()
				return s, err
			}
			return s, fmt.Errorf("%w; signin -h tells the flags", err)
		}
		if fs.NArg() == 0 {
			break
		}
		files, args = append(files, fs.Arg(0)), fs.Args()[1:]
	}
	if len(files) == 1 {
		s.file = files[0]
	}
	return s, s.check(files, len(all) == 0)
}

func (s *settings) check(files []string, demo bool) error {
	forms := []string{"table", "json", "markdown"}
	stdin := 0
	for _, f := range []string{s.file, s.tenantFile, s.planFile, s.certificate} {
		if f == "-" {
			stdin++
		}
	}
	switch {
	case demo:
		return nil
	case len(files) > 1:
		return fmt.Errorf("this takes one file, and these are %d: %q", len(files), files)
	case len(files) == 0 || s.file == "":
		return errors.New("name the file with what was captured, or - for standard input; signin without anything shows it on stand-ins, " +
			"signin -h tells more")
	case !slices.Contains(forms, s.form):
		return fmt.Errorf("-o %q is none of %s", s.form, strings.Join(forms, ", "))
	case s.tenantFile != "" && (s.planFile != "" || s.live):
		return errors.New("-tenant says what the tenant is: leave out -plan and -live")
	case s.certificate != "" && (s.planFile == "" || s.live):
		return errors.New("-certificate is for -plan without -live: a tenant has its own")
	case stdin > 1:
		return errors.New("standard input can be only one of the files")
	}
	_, err := s.services.MicrosoftCloud()
	return err
}
