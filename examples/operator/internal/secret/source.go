// Package secret fetches credentials from where a customers file says that they are:
// an environment variable, or what a program prints.
//
// A value is in memory for at most 15 minutes, and prints itself nowhere. Neither the
// output of a program nor its errors are ever shown.
package secret

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jcaad/jcaad/internal/text"
)

// Source says where a secret is. The zero Source is none. It holds no secret, but the
// arguments of a program are not shown either.
type Source struct {
	name string   // of an environment variable
	args []string // of a program, its name first
}

// Bounds of what a Source may be.
const (
	longestName = 256
	mostArgs    = 64
	longestArgs = 16 << 10 // all together
)

// Parse reads "env:NAME". No error repeats s: it may be the secret itself, written in
// the wrong place.
func Parse(s string) (Source, error) {
	name, ok := strings.CutPrefix(s, "env:")
	switch {
	case strings.HasPrefix(s, "command:"):
		return Source{}, errors.New("a command is a list of arguments: [program, argument]; it is not one text, because no shell runs it")
	case !ok:
		return Source{}, errors.New("this says where the secret is, it is not the secret itself: env:NAME, or command: [program, argument]")
	}
	return Env(name)
}

// Env returns the Source that is an environment variable: letters of ASCII, digits and
// underscores, no digit first.
func Env(name string) (Source, error) {
	good := name != "" && len(name) <= longestName && (name[0] < '0' || name[0] > '9')
	for i := range len(name) {
		c := name[i]
		good = good && (c == '_' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z')
	}
	if !good {
		return Source{}, errors.New("after env: the name of an environment variable is wanted, in letters, digits and underscores")
	}
	return Source{name: name}, nil
}

// Command returns the Source that is the output of a program. The first argument is the
// program, found as exec.LookPath does; no shell is between. No error repeats an argument.
func Command(args ...string) (Source, error) {
	size := 0
	for _, a := range args {
		size += len(a)
		if strings.ContainsRune(a, 0) {
			return Source{}, errors.New("an argument of the command has a NUL character in it")
		}
	}
	switch {
	case len(args) == 0 || strings.TrimSpace(args[0]) == "":
		return Source{}, errors.New("the command names no program: [program, argument] is wanted")
	case len(args) > mostArgs || size > longestArgs:
		return Source{}, errors.New("the command is longer than 64 arguments, or than 16 KiB")
	}
	return Source{args: slices.Clone(args)}, nil
}

// IsZero reports whether s is no Source.
func (s Source) IsZero() bool { return s.name == "" && len(s.args) == 0 }

// Equal reports whether both are the same variable, or the same program with the same
// arguments.
func (s Source) Equal(t Source) bool { return s.name == t.name && slices.Equal(s.args, t.args) }

// Key is a text that two Sources have in common if they are equal, and only then. It
// tells nothing of them.
func (s Source) Key() string {
	h := sha256.New()
	for _, part := range append([]string{s.name}, s.args...) {
		h.Write([]byte(part + "\x00"))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// String is "env:NAME", or "command:" and the last part of the program's name.
func (s Source) String() string {
	switch {
	case len(s.args) > 0:
		return "command:" + text.OneLine(filepath.Base(s.args[0]), 64)
	case s.name != "":
		return "env:" + s.name
	}
	return "no source"
}
