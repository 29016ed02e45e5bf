package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jcaad/jcaad/examples/operator/internal/approve"
	"github.com/jcaad/jcaad/examples/operator/internal/bent"
	"github.com/jcaad/jcaad/examples/operator/internal/data"
	"github.com/jcaad/jcaad/examples/operator/internal/notify"
)

// Environment variables, beside those of the packages.
const (
	payloadVariable    = "OPERATOR_PAYLOAD_KEY"
	passwordVariable   = "OPERATOR_PASSWORD"
	passphraseVariable = "OPERATOR_KEY_PASSPHRASE"
)

const defaultAddr = "127.0.0.1:8080"

// settings are the flags of the operator, and the environment.
type settings struct {
	dir       string
	own       bool // dir is the demonstration's own, in the user's cache
	customers string
	addr      string
	addrGiven bool
	socket    string
	header    string
	proxies   []netip.Prefix
	metrics   string
	notify    string
	keep      time.Duration

	// demonstration: without a customers file. What follows is of that.
	demonstration       bool
	speed               float64
	tour                int // how many domains it approves
	fakeCount, fakeSize int
	fakePlain           bool

	getenv func(string) string
}

// readSettings reads the flags. What does not go together is refused before anything is
// begun. An error that is errUsage was told.
func readSettings(args []string, getenv func(string) string, out io.Writer) (settings, error) {
	s := settings{getenv: getenv}
	f := flag.NewFlagSet("operator", flag.ContinueOnError)
	f.StringVar(&s.dir, "data", "", "folder of reports, proposals, audit and keys; of the demonstration, one in the user's cache by default")
	f.StringVar(&s.customers, "customers", "", "customers file; without it, the demonstration with stand-ins")
	f.StringVar(&s.addr, "addr", defaultAddr, "address of the page")
	f.StringVar(&s.socket, "socket", "", "unix socket of the page, in the place of -addr")
	f.StringVar(&s.header, "identity-header", "", "header in which the proxy says who is signed in")
	proxies := f.String("trusted-proxy", "", "networks of the proxy, such as 192.0.2.7/32, separated by commas")
	f.StringVar(&s.metrics, "metrics-addr", "", "address of /metrics for Prometheus, for whoever reaches it; none by default")
	f.StringVar(&s.notify, "notify", "", "https URL that notices are posted to")
	keep := f.Int("keep-people", int(data.DefaultKeepPeople/(24*time.Hour)), "days for which lists of people are kept; -1 is for ever")
	f.Float64Var(&s.speed, "speed", defaultSpeed, "how many times as fast the demonstration's clock runs")
	f.IntVar(&s.tour, "tour", 8, "how many domains of the demonstration are approved without you, in waves; "+
		"one of them is rotated, one changed by hand")
	f.IntVar(&s.fakeCount, "fake-customers", 25, "customers of the demonstration")
	f.IntVar(&s.fakeSize, "fake-people", 3, "people of each customer of the demonstration")
	f.BoolVar(&s.fakePlain, "fake-plain", false, "no customer of the demonstration is in trouble")
	if err := parse(f, args, out, usage); err != nil {
		return s, err
	}
	given := make(map[string]bool)
	f.Visit(func(f *flag.Flag) { given[f.Name] = true })
	s.demonstration, s.addrGiven = s.customers == "", given["addr"]
	for p := range strings.SplitSeq(*proxies, ",") {
		if p = strings.TrimSpace(p); p == "" {
			continue
		}
		prefix, err := netip.ParsePrefix(p)
		if err != nil {
			return s, fmt.Errorf("-trusted-proxy %q is no network: write it as 192.0.2.7/32", p)
		}
		s.proxies = append(s.proxies, prefix)
	}
	switch {
	case *keep < 0:
		s.keep = -1
	case *keep == 0:
		return s, errors.New("-keep-people 0 would keep no list: give a number of days, or -1 for ever")
	default:
		s.keep = time.Duration(*keep) * 24 * time.Hour
	}
	if !s.demonstration {
		for _, name := range []string{"speed", "tour", "fake-customers", "fake-people", "fake-plain"} {
			if given[name] {
				return s, fmt.Errorf("-%s is of the demonstration, and means nothing with -customers: leave it out", name)
			}
		}
		s.speed, s.tour = 1, 0
		if s.dir == "" {
			return s, errors.New("give the folder of reports, audit and keys with -data")
		}
	} else if s.dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return s, fmt.Errorf("there is no folder for a cache: give one with -data: %w", err)
		}
		s.dir, s.own = filepath.Join(cache, "jcaad-operator"), true
	}
	return s, s.together(given)
}

// together says what of the settings does not go together.
func (s settings) together(given map[string]bool) error {
	host, _, err := net.SplitHostPort(s.addr)
	addr, _ := netip.ParseAddr(host)
	loopback := addr.IsLoopback() || host == "localhost"
	switch {
	case err != nil:
		return fmt.Errorf("-addr %q is no address: write it as %s", s.addr, defaultAddr)
	case s.speed < 1 || s.speed > bent.MaxSpeed:
		return fmt.Errorf("-speed has to be from 1 to %d", bent.MaxSpeed)
	case s.fakeCount < 1 || s.fakeCount > 999 || s.fakeSize < 1:
		return errors.New("the demonstration has 1 to 999 customers, with a person each at least")
	case s.socket != "" && given["addr"]:
		return errors.New("give -addr or -socket, not both")
	case s.socket != "" && s.header == "":
		return errors.New("-socket is for a proxy: give -identity-header as well")
	case s.demonstration && s.header != "":
		return errors.New("the demonstration is for one person, who logs in with a password: leave -identity-header out")
	case s.socket == "" && s.header == "" && !loopback:
		return errors.New("the page would send the password in the clear: listen on loopback, and put a proxy with TLS before it")
	case s.notify != "" && s.getenv(notify.KeyVariable) == "":
		return errors.New("notices are signed: set " + notify.KeyVariable + " to what openssl rand -hex 32 prints")
	case s.notify == "" && s.getenv(notify.KeyVariable) != "" && !s.demonstration:
		return errors.New(notify.KeyVariable + " is set, and nobody is told anything: give -notify, or unset it")
	case !s.demonstration && s.getenv(approve.KeyVariable) == "":
		return errors.New("there is no key for approvals: set " + approve.KeyVariable + " to what openssl rand -hex 32 prints," +
			" the same for each start")
	case !s.demonstration && s.getenv(payloadVariable) == "":
		return errors.New("what the Temporal cluster keeps is to be encrypted: set " + payloadVariable +
			" to what openssl rand -hex 32 prints, the same for each start")
	case !s.demonstration && s.header == "" && s.getenv(passwordVariable) == "":
		return errors.New("nobody could log in: give -identity-header and -trusted-proxy, or set " + passwordVariable)
	}
	return nil
}

// guard is what tells who sends a request to the page.
func (s settings) guard(password string) (*approve.Guard, error) {
	o := approve.GuardOptions{Header: s.header, Trusted: s.proxies, UnixSocket: s.socket != ""}
	if s.header == "" {
		o.Password = password
	}
	return approve.NewGuard(o)
}
