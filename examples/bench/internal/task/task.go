// Package task is what the programs that are compared have in common: each is told as JSON
// what to do, does it in a process of its own, and prints what it found and what it cost.
package task

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"syscall"
	"time"

	"github.com/jcaad/jcaad/examples/bench/internal/crowd"
)

// Works.
const (
	Join      = "join"      // read both directories, and join them by address
	JumpCloud = "jumpcloud" // read the users of JumpCloud
	Graph     = "graph"     // read the accounts of Azure AD
	Preflight = "preflight" // read all lists, and count who could not sign in
	Federate  = "federate"  // federate the domain
	Metadata  = "metadata"  // verify signed metadata
)

// Task is one thing to do.
type Task struct {
	Work    string
	Workers int // requests to JumpCloud at a time; 0 is the program's own choice

	JumpCloudURL, GraphURL, Token string
	Directory, Group              string // IDs
	People                        int
	NewGroup                      bool // federate by a group that is not there yet, with one member

	Document, Certificate string // files
	EntityID              string // the provider, of several
	Rounds                int    // how often the metadata is verified

	Profile string // a file for a profile of the processor time
}

// Result is what it came to, after everything was set up.
type Result struct {
	Sum    crowd.Sum
	CPU    time.Duration // of this process
	Wall   time.Duration
	Allocs uint64
	Base   uint64 // bytes of memory that the whole process had at the start
	Peak   uint64 // the most that it had
}

// Func does a task.
type Func func(context.Context, *Task) (crowd.Sum, error)

// Main does the task that the first argument is, and prints the result as JSON.
func Main(works map[string]Func) {
	if err := run(works); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(works map[string]Func) error {
	if len(os.Args) != 2 {
		return fmt.Errorf("this program is run by the one in examples/bench")
	}
	var t Task
	if err := json.Unmarshal([]byte(os.Args[1]), &t); err != nil {
		return err
	}
	f := works[t.Work]
	if f == nil {
		return fmt.Errorf("%q is not done by this program", t.Work)
	}
	if t.Profile != "" {
		file, err := os.Create(t.Profile)
		if err != nil {
			return err
		}
		defer file.Close()
		if err := pprof.StartCPUProfile(file); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	base := peak()
	began, worked := time.Now(), cpu()
	sum, err := f(context.Background(), &t)
	if err != nil {
		return err
	}
	r := Result{Sum: sum, Wall: time.Since(began), CPU: cpu() - worked, Base: base}
	runtime.ReadMemStats(&after)
	r.Allocs, r.Peak = after.Mallocs-before.Mallocs, peak()
	return json.NewEncoder(os.Stdout).Encode(r)
}

func cpu() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// peak is the most memory that the process had. What getrusage says begins with that of
// the process that started this one.
func peak() uint64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		var kB uint64
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kB); n == 1 {
			return kB << 10
		}
	}
	return 0
}
