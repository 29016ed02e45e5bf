//go:build race

package people

const raceDetector = true
