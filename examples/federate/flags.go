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
	"github.com/jcaad/jcaad/federation"
)

// settings are the flags and arguments of a command.
type settings struct {
	args     []string
	services cli.Services
	form     string // table, json, markdown; of preflight csv as well
	verbose  bool

	standIns bool
	people   int
	latency  time.Duration

	planFile, resume, proposal string
	previewOnly, yes           bool
	report                     string
	settle                     time.Duration
	wait, every                time.Duration
	signIns                    bool // verify: read the sign-in logs
	since                      cli.Moment
	keep                       bool // demo: go on listening

	before, into string // preflight
	reasons      cli.List
	lockOuts     bool
	bom          bool

	defederation federation.DefederatePlan
	repairs      federation.RepairPlan
}

// parse reads the flags of a command. Flags may stand behind arguments. Of
// [flag.ErrHelp] it has told the flags.
func (c command) parse(args []string, stdout, stderr io.Writer) (*settings, error) {
	s := &settings{services: cli.Services{Getenv: os.Getenv}}
	fs := flag.NewFlagSet("federate "+c.name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	if c.flags != nil {
		c.flags(s, fs)
	}
	fs.StringVar(&s.form, "o", "table", "`form` of the result: table, json or markdown (of preflight csv as well)")
	if c.name != "demo" {
		fs.BoolVar(&s.standIns, "stand-ins", false, "work on stand-ins of both services, which last as long as the program")
		fs.IntVar(&s.people, "people", 0, "with -stand-ins: `how many` more people they have on each side")
		fs.DurationVar(&s.latency, "latency", 0, "with -stand-ins: how `long` they take for each request")
		s.services.Flags(fs)
	}
	fs.BoolVar(&s.verbose, "v", false, "log each request to standard error")
	for {
		if err := fs.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				c.help(fs, stdout)
				return s, err
			}
			return s, fmt.Errorf("%w; federate %s -h tells the flags", err, c.name)
		}
		if fs.NArg() == 0 {
			break
		}
		s.args, args = append(s.args, fs.Arg(0)), fs.Args()[1:]
	}
	forms := []string{"table", "json", "markdown"}
	if c.name == "preflight" {
		forms = append(forms, "csv")
	}
	switch {
	case !slices.Contains(forms, s.form):
		return s, fmt.Errorf("-o %q is none of %s", s.form, strings.Join(forms, ", "))
	case s.wait < 0 || s.every < 0 || s.settle < 0 || s.people < 0 || s.latency < 0:
		return s, errors.New("-wait, -ask-every, -settle, -people and -latency cannot be negative")
	case !s.standIns && (s.people > 0 || s.latency > 0):
		return s, errors.New("-people and -latency are for -stand-ins")
	}
	return s, c.check(s)
}

func (c command) help(fs *flag.FlagSet, w io.Writer) {
	fmt.Fprintf(w, "federate %s %s\n\nIt %s.\n", c.name, c.args, c.does)
	if c.name != "demo" {
		fmt.Fprintf(w, "\nEnvironment:\n%s", cli.Environment)
	}
	if c.writes {
		fmt.Fprintln(w, "  TECHNICAL_PASSWORD        the first password of a technical account that the plan has made")
	}
	fmt.Fprintf(w, "\nFlags:\n")
	fs.SetOutput(w)
	fs.PrintDefaults()
}

func (s *settings) planFlags(fs *flag.FlagSet) {
	fs.StringVar(&s.planFile, "plan", "", "`file` with the plan, in YAML or JSON; see plan.yaml; - is standard input")
	fs.StringVar(&s.resume, "resume", "", "use the plan of the report in this `file`, with what its run has made")
}

func (s *settings) waitFlags(fs *flag.FlagSet) {
	fs.DurationVar(&s.wait, "wait", 0, "how `long` to wait until people can sign in, such as 2h; 0 looks once")
	fs.DurationVar(&s.every, "ask-every", 0, "`pause` between looks with -wait; 0 starts with half a minute and asks less and less often")
}

func (s *settings) demoFlags(fs *flag.FlagSet) {
	s.waitFlags(fs)
	fs.BoolVar(&s.keep, "serve", false, "keep the stand-ins listening afterwards, to sign in with a browser; Ctrl-C ends them")
}

func (s *settings) verifyFlags(fs *flag.FlagSet) {
	s.planFlags(fs)
	s.waitFlags(fs)
	fs.BoolVar(&s.signIns, "sign-ins", false, "look for real sign-ins in the logs of both services, which needs the permission\n"+
		"AuditLog.Read.All, and Microsoft Entra ID P1")
	fs.Var(&s.since, "since", "with -sign-ins: the `time` at which the domain was federated, such as \"2026-03-02 09:01\" in UTC;\n"+
		"by default when the run of -resume ended, else not known")
}

func (s *settings) writeFlags(fs *flag.FlagSet) {
	fs.BoolVar(&s.previewOnly, "preview", false,
		"only say what would be done; exit code 2 if there is something.\nWith -o json that is a proposal")
	fs.BoolVar(&s.yes, "yes", false, "do not ask before the first write")
	fs.DurationVar(&s.settle, "settle", 5*time.Minute, "how `long` a change may take to show before the run stops")
	fs.StringVar(&s.report, "report", "", "new `file` for the report, in JSON, instead of one that is named after the domain and the time")
}

func (s *settings) applyFlags(fs *flag.FlagSet) {
	s.planFlags(fs)
	fs.StringVar(&s.proposal, "proposal", "",
		"do just what the proposal in this `file` says, without asking;\n-resume has the report of an earlier try")
	s.writeFlags(fs)
	s.waitFlags(fs)
}

func (s *settings) preflightFlags(fs *flag.FlagSet) {
	s.planFlags(fs)
	fs.StringVar(&s.before, "before", "", "`file` with an earlier preflight, in JSON: shows what has changed since instead")
	fs.BoolVar(&s.lockOuts, "lock-outs", false,
		"with -o csv: only those who would be locked out, with reason and what to do, for a personnel department")
	fs.Var(&s.reasons, "reason", "with -lock-outs: only this `reason`, such as no-immutable-id")
	fs.StringVar(&s.into, "into", "", "with -lock-outs: a new file for each reason, in this `folder`, instead of standard output")
	fs.BoolVar(&s.bom, "bom", false, "with -o csv: begin with a byte order mark, by which spreadsheets know UTF-8")
}

func (s *settings) defederateFlags(fs *flag.FlagSet) {
	s.writeFlags(fs)
	fs.StringVar((*string)(&s.defederation.Passwords), "passwords", "", "how people get in afterwards: `strategy` "+strategies())
	fs.BoolVar(&s.defederation.RemoveApplication, "remove-application", false,
		"delete the application in JumpCloud; its certificate cannot be brought back")
	fs.BoolVar(&s.defederation.OtherProvider, "other-provider", false, "end a federation with somebody else than JumpCloud")
}

func (s *settings) repairFlags(fs *flag.FlagSet) {
	s.planFlags(fs)
	s.writeFlags(fs)
	fs.StringVar((*string)(&s.repairs.ImmutableIDs), "immutable-ids", "",
		"give immutable IDs to people who have none, from this `source`: "+sources())
	fs.BoolVar(&s.repairs.Bind, "bind", false, "bind people to the Microsoft 365 directory who are not")
	fs.StringVar(&s.repairs.Group, "group", "", "`name` of the group of the plan to which people are added who are in none")
	fs.Var((*cli.List)(&s.repairs.People), "person", "only this `person`, by user principal name or email")
}

func (s *settings) checkNothing() error {
	if len(s.args) > 0 {
		return fmt.Errorf("this command takes no arguments, only flags: %q", s.args)
	}
	return nil
}

func (s *settings) checkDemo() error {
	if s.form != "table" {
		return errors.New("the demonstration is for reading; -o is for the other commands")
	}
	return s.checkNothing()
}

// checkPlan wants one plan, or a stand-in's.
func (s *settings) checkPlan() error {
	switch {
	case s.planFile != "" && s.resume != "":
		return errors.New("only one of -plan and -resume can be given")
	case s.planFile == "" && s.resume == "" && !s.standIns:
		return errors.New("this needs a plan: give -plan FILE, or -resume with the FILE of a report")
	}
	return s.checkNothing()
}

func (s *settings) checkVerify() error {
	if !s.since.IsZero() && !s.signIns {
		return errors.New("-since is for -sign-ins")
	}
	return s.checkPlan()
}

func (s *settings) checkApply() error {
	if s.proposal == "" {
		return errors.Join(s.checkPlan(), s.checkWrite())
	}
	if s.planFile != "" || s.previewOnly {
		return errors.New("-proposal says what is done: leave out -plan and -preview")
	}
	return errors.Join(s.checkNothing(), s.checkWrite())
}

func (s *settings) checkRepair() error {
	if s.repairs.ImmutableIDs == "" && !s.repairs.Bind && s.repairs.Group == "" {
		return errors.New("say what is to be repaired: -immutable-ids, -bind or -group")
	}
	return errors.Join(s.checkPlan(), s.checkWrite())
}

func (s *settings) checkDomain() error {
	if len(s.args) != 1 {
		return fmt.Errorf("this takes one domain: %q", s.args)
	}
	return nil
}

func (s *settings) checkDefederate() error {
	if s.defederation.Passwords == "" {
		return errors.New("-passwords is missing: it says how people get in afterwards, and is one of " + strategies())
	}
	return errors.Join(s.checkDomain(), s.checkWrite())
}

func (s *settings) checkRevert() error {
	if len(s.args) == 0 {
		return errors.New("this takes the files of one or more reports, all of one domain")
	}
	return s.checkWrite()
}

func (s *settings) checkWrite() error {
	switch {
	case s.report != "" && s.previewOnly:
		return errors.New("-preview makes no report")
	case s.report != "":
		return cli.CheckNew(s.report)
	}
	return nil
}

func (s *settings) checkPreflight() error {
	switch {
	case s.before != "" && s.form != "table":
		return errors.New("-before shows a comparison, for which there is only one form: leave out -o")
	case s.lockOuts && s.form != "csv", s.bom && s.form != "csv":
		return errors.New("-lock-outs and -bom are for -o csv")
	case !s.lockOuts && (s.into != "" || len(s.reasons) > 0):
		return errors.New("-reason and -into are for -lock-outs")
	}
	for _, r := range s.reasons {
		if code(r).Repair() == "" {
			return fmt.Errorf("-reason %q is none; without it -lock-outs tells the reasons that there are", r)
		}
	}
	return s.checkPlan()
}

// strategies are what -passwords takes.
func strategies() string {
	return fmt.Sprintf("%s, %s or %s", federation.PasswordsKnown, federation.PasswordsReset, federation.PasswordsTemporaryAccessPass)
}

// sources are what -immutable-ids takes.
func sources() string {
	return fmt.Sprintf("%s or %s", federation.FromObjectID, federation.FromJumpCloudID)
}
