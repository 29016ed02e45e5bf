// Package e2e runs the operator's program as a whole: as a demonstration, with a customers
// file on a Temporal that is not its own, and while it is killed.
//
// The tests are short enough for every change. By
//
//	go test ./e2e -run Load -load -v -timeout 30m
//
// 300 customers of 1,000 people are federated through ten kills, and what that has cost is
// told. With the race detector there are no tests: the program itself is not built with it.
package e2e
