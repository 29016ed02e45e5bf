// Package recording records what goes between this module's clients and the two services, without
// anything that is anybody's, and answers from such a recording as the services did.
package recording
