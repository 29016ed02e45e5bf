// Package aadtest has an Azure AD tenant in memory, for tests of programs that use package aad.
package aadtest
