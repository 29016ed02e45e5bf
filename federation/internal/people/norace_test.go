//go:build !race

package people

const raceDetector = false
