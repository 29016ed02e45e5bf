//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package data

import (
	"io/fs"
	"os"
	"syscall"
)

// ours reports whether no other user owns a file. Root could write to it anyway.
func ours(info fs.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return !ok || s.Uid == 0 || int(s.Uid) == os.Geteuid()
}
