//go:build !race

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// figures are what a run has cost.
type figures struct {
	operator, server int // KiB of memory that one of them had at most; 0 where the system does not tell
	requests         int // of all operators
	database         int64
}

// measure adds what an operator has cost that is about to end.
func (p *program) measure() {
	f := &p.figures
	f.operator = max(f.operator, highWater(p.cmd.Process.Pid))
	if info, ok := p.find("serve-temporal"); ok {
		f.server = max(f.server, highWater(info.PID))
	}
	files, err := filepath.Glob(filepath.Join(p.dir, "temporal.db*"))
	if err != nil {
		p.t.Fatal(err)
	}
	f.database = 0
	for _, name := range files {
		if info, err := os.Stat(name); err == nil {
			f.database += info.Size()
		}
	}
	if p.metrics == "" {
		return
	}
	b, err := fetch("http://"+p.metrics+"/metrics", nil)
	if err != nil {
		return // it was killed before it served any
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "operator_requests_total{"); ok {
			_, value, _ := strings.Cut(rest, "} ")
			n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				p.t.Errorf("%s: %v", line, err)
			}
			f.requests += int(n)
		}
	}
}

// highWater is how much memory a process had at most, in KiB.
func highWater(pid int) (most int) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			most, _ = strconv.Atoi(strings.Fields(rest)[0]) // 0 as above
		}
	}
	return most
}
