// Package e2e runs the operator's program as a whole, and kills it.
//
// The test TestKills is short enough for every change. By
//
//	go test ./e2e -run Load -load -timeout 30m
//
// 300 customers of 1,000 people are federated through ten kills. With the race detector
// there are no tests: the program itself is not built with it.
package e2e
