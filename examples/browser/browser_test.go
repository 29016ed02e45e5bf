package browser

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

var (
	chromiumFlag = flag.String("chromium", "", "the browser's `program`; the tests fail if it is missing")
	shots        = flag.String("shots", "", "keep a picture of each page in this `directory`")
)

// patience is how long the browser may take for one thing. It only ends what hangs.
const patience = 30 * time.Second

// chromium is the browser of all tests; sites is what it finds in its network.
var (
	chromium context.Context
	sites    *loopback
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	flag.Parse()
	program, err := findChromium()
	if err != nil {
		if os.Getenv("CI") == "true" || *chromiumFlag != "" {
			fmt.Fprintln(os.Stderr, "no browser:", err)
			return 1
		}
		fmt.Println("##############################################################")
		fmt.Println("# SKIPPED: there is no Chromium. Nobody has signed in.       #")
		fmt.Println("##############################################################")
		return 0
	}
	if sites, err = newLoopback(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer sites.close()
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(program),
		chromedp.NoSandbox,
		chromedp.DisableGPU,
		chromedp.Flag("host-resolver-rules", sites.rules()),
		chromedp.Flag("ignore-certificate-errors-spki-list", sites.pin),
		chromedp.Flag("no-proxy-server", true),
		chromedp.Flag("lang", "en-US"),
		chromedp.Flag("hide-scrollbars", false),
	}
	for _, off := range []string{"quic", "component-update", "domain-reliability", "field-trial-config"} {
		options = append(options, chromedp.Flag("disable-"+off, true))
	}
	// The profile is a new, empty one, which goes with the browser.
	all, stop := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:], options...)...)
	defer stop()
	var closeBrowser context.CancelFunc
	chromium, closeBrowser = chromedp.NewContext(all,
		chromedp.WithErrorf(func(string, ...any) {})) // it speaks of a copy of the DOM, which nobody asks here
	defer closeBrowser()
	if err := chromedp.Do(chromium); err != nil {
		fmt.Fprintln(os.Stderr, "the browser does not start:", err)
		return 1
	}
	return m.Run()
}

func findChromium() (string, error) {
	if *chromiumFlag != "" {
		return exec.LookPath(*chromiumFlag)
	}
	var first error
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		program, err := exec.LookPath(name)
		if err == nil {
			return program, nil
		}
		if first == nil {
			first = err
		}
	}
	return "", first
}
