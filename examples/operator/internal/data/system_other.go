//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package data

import "io/fs"

func ours(fs.FileInfo) bool { return true }
