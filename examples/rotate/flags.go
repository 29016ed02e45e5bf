package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jcaad/jcaad/examples/internal/cli"
	"github.com/jcaad/jcaad/federation"
)

// settings are the flags.
type settings struct {
	services cli.Services

	planFile, state, keys          string
	watch, preview, once, fast     bool
	yes, verbose                   bool
	cancel, pilot, revoke, dropOld bool
	method, replace, approve       string
	settle, within, lifetime, lag  cli.Span
	bits                           int
	consent                        consents

	given map[string]bool // the flags that were given
}

// consents is a flag that may be given several times, or with commas.
type consents []string

// consentNames are what it takes, in the words of a plan.
var consentNames = map[string]func(*federation.RotateConsent){
	"gap":                   func(c *federation.RotateConsent) { c.Gap = true },
	"outage":                func(c *federation.RotateConsent) { c.Outage = true },
	"removeNextCertificate": func(c *federation.RotateConsent) { c.RemoveNextCertificate = true },
	"policies":              func(c *federation.RotateConsent) { c.Policies = true },
	"noBreakGlass":          func(c *federation.RotateConsent) { c.NoBreakGlass = true },
}

const consentList = "gap, outage, removeNextCertificate, policies, noBreakGlass"

func (c *consents) String() string { return strings.Join(*c, ",") }

// Set implements [flag.Value].
func (c *consents) Set(s string) error {
	for one := range strings.SplitSeq(s, ",") {
		one = strings.TrimSpace(one)
		if consentNames[one] == nil {
			return fmt.Errorf("%q is none of %s", one, consentList)
		}
		*c = append(*c, one)
	}
	return nil
}

// parse reads the flags. Of [flag.ErrHelp] it has told them.
func parse(args []string, stdout io.Writer) (*settings, error) {
	s := &settings{services: cli.Services{Getenv: os.Getenv}, given: make(map[string]bool)}
	fs := flag.NewFlagSet("rotate", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&s.planFile, "plan", "", "`file` with the plan of the federation, or of the rotation, in YAML or JSON; - is standard input")
	fs.StringVar(&s.state, "state", "",
		"`file` that keeps how far the rotation has come: read first, written after\neach call; if it is lost, a call waits longer")
	fs.StringVar(&s.keys, "keys", "", "`folder` for the key file, which only you may write to")
	fs.StringVar(&s.method, "method", "", "`method`: own-key-pair (the default), second-application, regenerate or emergency")
	fs.StringVar(&s.replace, "replace", "", "SHA-256 `fingerprint` of what is to be replaced, as -watch shows it;\n"+
		"without it own-key-pair replaces what is due")
	fs.Var(&s.within, "within", "how `long` before its end a certificate is due; 0 is 60d")
	fs.Var(&s.settle, "settle", "how `long` a change may take to reach every node; 0 is 2h")
	fs.IntVar(&s.bits, "bits", 0, "how many `bits` the key has, 2048 to 4096; 0 is 4096")
	fs.Var(&s.lifetime, "lifetime", "how `long` the new certificate is good for, such as 730d; 0 is 5 years")
	fs.BoolVar(&s.watch, "watch", false, "only look how long the certificate is good for")
	fs.BoolVar(&s.preview, "preview", false, "only say what each call would do, and when")
	fs.BoolVar(&s.once, "once", false, "make one call, and end")
	fs.BoolVar(&s.yes, "yes", false, "do not ask before a call writes")
	fs.BoolVar(&s.cancel, "cancel", false, "lead the rotation back, as far as that is still possible")
	fs.BoolVar(&s.pilot, "pilot", false, "second-application: stop before anybody is sent there, so that one person can try")
	fs.StringVar(&s.approve, "approve", "", "second-application: `fingerprint` of the new certificate, with which the pilot has signed in")
	fs.BoolVar(&s.dropOld, "delete-old", false, "second-application: delete the first application at the end")
	fs.BoolVar(&s.revoke, "revoke-sessions", false, "emergency: sign out everybody on the domain, twice")
	fs.Var(&s.consent, "consent", "`what` may happen although it is not harmless, with commas: "+consentList)
	fs.BoolVar(&s.fast, "fast", false, "show a whole rotation on stand-ins, with a bent clock, and count the sign-ins that fail")
	fs.Var(&s.lag, "lag", "with -fast: how `far` behind a server may be; 0 is 2h")
	s.services.Flags(fs)
	fs.BoolVar(&s.verbose, "v", false, "log each request to standard error")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(stdout, usage)
			fs.SetOutput(stdout)
			fs.PrintDefaults()
			return s, err
		}
		s.watch = s.watch || slices.Contains(args, "-watch") || slices.Contains(args, "--watch")
		return s, fmt.Errorf("%w; rotate -h tells the flags", err)
	}
	fs.Visit(func(f *flag.Flag) { s.given[f.Name] = true })
	if fs.NArg() > 0 {
		return s, fmt.Errorf("this takes no arguments, only flags: %q", fs.Args())
	}
	return s, s.check()
}

// refused is the exit code of what was refused before anything was asked.
func (s *settings) refused() int {
	if s.watch {
		return watchUnknown
	}
	return exitRefused
}

// fastFlags are those that go with -fast.
var fastFlags = []string{"fast", "method", "settle", "bits", "lag", "pilot", "v"}

func (s *settings) check() error {
	if s.fast {
		for name := range s.given {
			if !slices.Contains(fastFlags, name) {
				return fmt.Errorf("-fast works on stand-ins, by a plan of its own: leave out -%s", name)
			}
		}
		if s.lag < 0 || s.lag > cli.Span(24*time.Hour) {
			return errors.New("-lag is a time from 0 to 24h")
		}
		return nil
	}
	modes := 0
	for _, on := range []bool{s.watch, s.preview, s.once} {
		if on {
			modes++
		}
	}
	switch {
	case s.given["lag"]:
		return errors.New("-lag is for -fast")
	case s.planFile == "":
		return errors.New("this needs a plan: give -plan FILE, or -fast to see it on stand-ins; rotate -h tells the flags")
	case modes > 1:
		return errors.New("only one of -watch, -preview and -once can be given")
	case modes == 0 && s.state == "", s.once && s.state == "":
		return errors.New("this needs a -state FILE: by it the next call knows since when what it finds has been so")
	}
	if s.state == "" {
		return nil
	}
	switch info, err := os.Stat(filepath.Dir(s.state)); {
	case err != nil:
		return fmt.Errorf("the folder of -state cannot be looked at: %w", err)
	case !info.IsDir():
		return fmt.Errorf("%s is no folder", filepath.Dir(s.state))
	}
	return nil
}

// over puts the flags that were given over the plan of a file.
func (s *settings) over(p federation.RotatePlan) federation.RotatePlan {
	p.Method = cmp.Or(federation.RotateMethod(s.method), p.Method)
	p.Replace = cmp.Or(s.replace, p.Replace)
	p.Approve = cmp.Or(s.approve, p.Approve)
	p.Within = cmp.Or(time.Duration(s.within), p.Within)
	p.Settle = cmp.Or(time.Duration(s.settle), p.Settle)
	p.Key.Bits = cmp.Or(s.bits, p.Key.Bits)
	p.Key.Lifetime = cmp.Or(time.Duration(s.lifetime), p.Key.Lifetime)
	for _, f := range []struct {
		name   string
		is, to *bool
	}{
		{"cancel", &s.cancel, &p.Cancel}, {"pilot", &s.pilot, &p.Pilot},
		{"delete-old", &s.dropOld, &p.DeleteOld}, {"revoke-sessions", &s.revoke, &p.RevokeSessions},
	} {
		if s.given[f.name] {
			*f.to = *f.is
		}
	}
	for _, name := range s.consent {
		consentNames[name](&p.Consent)
	}
	return p
}
