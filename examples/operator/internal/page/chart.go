package page

import (
	"github.com/jcaad/jcaad/examples/operator/internal/flow"
)

// buckets are how soon the certificates of a domain end, by the first that does.
var buckets = []struct {
	key, short, words string
	most              int // days
}{
	{"ended", "ended", "have ended", -1},
	{"1", "≤ 1", "end within 1 day", 1},
	{"7", "≤ 7", "end within 7 days", 7},
	{"30", "≤ 30", "end within 30 days", 30},
	{"90", "≤ 90", "end within 90 days", 90},
	{"365", "≤ 365", "end within 365 days", 365},
	{"later", "later", "end later", 1 << 30},
	{"unknown", "unknown", "are not known", 0},
}

// bucketOf is the key of the bucket that what was watched falls into.
func bucketOf(w *flow.Watched) string {
	if w == nil || !w.Known {
		return "unknown"
	}
	for _, b := range buckets {
		if w.Days <= b.most {
			return b.key
		}
	}
	return "later"
}

// The chart's drawing, in its own units.
const (
	barStep   = 45
	barWidth  = 35
	barBottom = 112
	barMost   = 92
)

// bar is one of a chart.
type bar struct {
	counted
	Short  string
	Class  string // good, warn or bad; "" is none of these
	X, Y   int
	Height int
	Middle int
}

// chart is how many domains have certificates that end soon.
type chart struct {
	Bars        []bar
	Known       int
	Width, Base int
	Step        int
}

func newChart(rows []domainRow, c choice) chart {
	by := make(map[string]int)
	most := 1
	for _, r := range rows {
		by[r.Bucket]++
		most = max(most, by[r.Bucket])
	}
	out := chart{Width: barStep * len(buckets), Base: barBottom, Step: barStep}
	for i, b := range buckets {
		n := by[b.key]
		if b.key != "unknown" {
			out.Known += n
		}
		height := n * barMost / most
		if n > 0 {
			height = max(height, 2)
		}
		x := i*barStep + (barStep-barWidth)/2
		one := bar{
			counted: counted{Words: b.words, Link: "/?days=" + b.key, N: n, Chosen: c.Days == b.key}, Short: b.short,
			X: x, Y: barBottom - height, Height: height, Middle: x + barWidth/2,
		}
		switch b.key {
		case "ended", "1", "7":
			one.Class = "bad"
		case "30":
			one.Class = "warn"
		case "90", "365", "later":
			one.Class = "good"
		}
		out.Bars = append(out.Bars, one)
	}
	return out
}
