package data

import (
	"fmt"
	"strings"
	"time"
)

// stamp is the time in the name of a report. All have one length, and sort by time.
const stamp = "20060102T150405.000000000Z"

const (
	letters = "abcdefghijklmnopqrstuvwxyz"
	digits  = "0123456789"
	inRun   = letters + "ABCDEFGHIJKLMNOPQRSTUVWXYZ" + digits + "-_"
)

func only(s, chars string) bool { return s != "" && strings.Trim(s, chars) == "" }

// goodDomain reports whether a name is one in the DNS, in small letters. It is then also
// the name of a folder, and leads nowhere else.
func goodDomain(s string) bool {
	good := len(s) <= 253
	for label := range strings.SplitSeq(s, ".") {
		good = good && len(label) <= 63 && only(label, letters+digits+"-_")
	}
	return good
}

func goodRun(s string) bool { return len(s) <= 100 && only(s, inRun) }

func goodHash(s string) bool { return len(s) == 64 && only(s, digits+"abcdef") }

// reportName is the name of the file of a report.
func reportName(domain, run string, at time.Time) (string, error) {
	domain = strings.ToLower(strings.TrimSuffix(domain, "."))
	switch at = at.UTC(); {
	case !goodDomain(domain):
		return "", fmt.Errorf("data: %q is no name of a domain: letters, digits, hyphens and dots, as in the DNS", domain)
	case !goodRun(run):
		return "", fmt.Errorf("data: %q is no name of a run: at most 100 letters, digits, hyphens and underscores", run)
	case at.Year() < 1970 || at.Year() > 9999:
		return "", fmt.Errorf("data: a report cannot be of the year %d", at.Year())
	}
	return reports + "/" + domain + "/" + at.Format(stamp) + "-" + run + ".json", nil
}

// runOf returns the run in the base name of a report.
func runOf(base string) (run string, ok bool) {
	if len(base) <= len(stamp) {
		return "", false
	}
	if _, err := time.Parse(stamp, base[:len(stamp)]); err != nil {
		return "", false
	}
	run, ok = strings.CutSuffix(base[len(stamp)+1:], ".json")
	return run, ok && base[len(stamp)] == '-' && goodRun(run)
}

// checkName is an error unless a name is one that this package gives: any other could
// lead elsewhere.
func checkName(name string) error {
	good := false
	switch part := strings.Split(name, "/"); {
	case len(part) == 3 && part[0] == reports:
		_, good = runOf(part[2])
		good = good && goodDomain(part[1])
	case len(part) == 3 && (part[0] == verifications || part[0] == rotations):
		hash, json := strings.CutSuffix(part[2], ".json")
		good = json && goodHash(hash) && goodDomain(part[1])
	case len(part) == 2 && (part[0] == proposals || part[0] == approvals || part[0] == notes):
		hash, json := strings.CutSuffix(part[1], ".json")
		good = json && goodHash(hash)
	case len(part) == 2 && part[0] == people:
		hash, packed := strings.CutSuffix(part[1], ".json.gz")
		good = packed && goodHash(hash)
	}
	if !good {
		return fmt.Errorf("data: %.200q is no name of a file that is kept here", name)
	}
	return nil
}
