//go:build race

package jumpcloud_test

const raceDetector = true
