//go:build race

package aad_test

const raceDetector = true
