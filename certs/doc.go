// Package certs reads SAML signing certificates and identity provider metadata.
package certs
