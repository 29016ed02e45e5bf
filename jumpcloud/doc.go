// Package jumpcloud is a client of JumpCloud's admin API: organisations, users,
// user groups, SSO applications with their certificates, Microsoft 365
// directories, and what binds them.
package jumpcloud
