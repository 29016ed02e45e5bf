package customers

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// Load reads a customers file. An error with the content is an [*Error]. To change the
// file, write another and rename it: a file that is read half-written may have lost
// customers at its end.
func Load(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("the customers file cannot be read: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("the customers file cannot be read: %w", err)
	}
	return Parse(b, path)
}

// Holder holds the customers file that is in force. The zero Holder holds none. Many may
// use it at once.
type Holder struct {
	reading sync.Mutex // one at a time, so that the last one to begin decides

	mu      sync.Mutex
	path    string
	current *File
	problem error
	at      time.Time
}

// Load reads the file for the first time. An error leaves the Holder as it is.
func (h *Holder) Load(path string) error {
	h.reading.Lock()
	defer h.reading.Unlock()
	f, err := Load(path)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.path, h.current, h.problem, h.at = path, f, nil, time.Now()
	return nil
}

// Reload reads the file again, and returns what differs. An error changes nothing of what
// is in force, and [Holder.Problem] tells it until a Reload that is good.
func (h *Holder) Reload() ([]Difference, error) {
	h.reading.Lock()
	defer h.reading.Unlock()
	h.mu.Lock()
	path, old := h.path, h.current
	h.mu.Unlock()
	if old == nil {
		return nil, errors.New("no customers file was read yet")
	}
	f, err := Load(path)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.problem, h.at = err, time.Now()
	if err != nil {
		return nil, err
	}
	h.current = f
	return Compare(old, f), nil
}

// Current returns the file that is in force, nil before the first [Holder.Load].
func (h *Holder) Current() *File {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.current
}

// Problem returns when the file was last read, and why that changed nothing: nil if it did
// what it should.
func (h *Holder) Problem() (time.Time, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at, h.problem
}
