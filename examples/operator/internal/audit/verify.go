package audit

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
)

// BreakError says where the chain breaks.
type BreakError struct {
	Line   int    // from 1
	Offset int64  // of the line's first byte
	After  uint64 // the number of the last good entry, 0 if there is none
	Reason string

	// Torn means that only the end of the file is wrong, as a crash in the middle of a
	// write leaves it; the next [Open] repairs that by an entry.
	Torn bool
}

func (e *BreakError) Error() string {
	what := "the chain breaks"
	if e.Torn {
		what = "the end is torn, which the operator repairs when it starts"
	}
	return fmt.Sprintf("audit: line %d (at byte %d), after entry %d: %s: %s", e.Line, e.Offset, e.After, what, e.Reason)
}

// Verify checks a whole file, and returns how many entries are good before its end or
// before the first break, of which the error is a [*BreakError]. Bytes that a later entry
// tells to be left of a crash are no break. Times may go back.
func Verify(r io.Reader) (n int, err error) {
	c := newChain()
	err = c.scan(r, func(*Entry) error { n++; return nil })
	if err == nil {
		err = c.broken()
	}
	return n, err
}

// chain is how far a file was read.
type chain struct {
	seq   uint64 // of the last good entry
	head  string // its hash
	line  int    // how many lines were read
	end   int64  // how many bytes
	whole bool   // the last good entry has its line's end
	waste waste
}

// waste is what was read since the last good entry and is none.
type waste struct {
	sum     hash.Hash // of it without the last line's end; nil if there is none
	bytes   int64
	ended   bool // the last line has its end
	changed bool // a crash cannot have left it
	first   BreakError
}

func newChain() chain { return chain{head: first, whole: true} }

// scan reads on to the end of r, and calls each for the good entries.
func (c *chain) scan(r io.Reader, each func(*Entry) error) error {
	in := bufio.NewReaderSize(r, mostLine)
	long := false // in the middle of a line that is too long
	for {
		piece, err := in.ReadSlice('\n')
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
		if len(piece) == 0 {
			return nil
		}
		text, ended := bytes.CutSuffix(piece, []byte("\n"))
		start := c.end
		c.end += int64(len(piece))
		if !long {
			c.line++
		}
		full := errors.Is(err, bufio.ErrBufferFull)
		if long || full {
			c.waste.add(c, text, start, ended, long, errors.New("it is too long"))
			c.waste.changed, long = true, full
			continue
		}
		e, err := c.next(text)
		if err != nil {
			c.waste.add(c, text, start, ended, false, err)
			continue
		}
		c.seq, c.head, c.whole, c.waste = e.Seq, e.Hash, ended, waste{}
		if err := each(e); err != nil {
			return err
		}
	}
}

// next returns the entry of a line if it is the next of the chain.
func (c *chain) next(line []byte) (*Entry, error) {
	e, err := decode(line)
	switch {
	case err != nil:
		return nil, err
	case e.Seq != c.seq+1:
		return nil, fmt.Errorf("it is entry %d, and entry %d is missing", e.Seq, c.seq+1)
	case e.Prev != c.head:
		return nil, errors.New("it does not follow the entry before: its prev is another hash")
	case e.Repair == nil && c.waste.sum != nil:
		return nil, errors.New("it does not tell of the bytes before that are no entry")
	case e.Repair != nil && (c.waste.sum == nil || *e.Repair != *c.waste.repair()):
		return nil, errors.New("it tells of bytes that are not those before")
	}
	return e, nil
}

// add takes a line, or what follows of it.
func (w *waste) add(c *chain, line []byte, start int64, ended, more bool, why error) {
	if w.sum == nil {
		w.sum = sha256.New()
		w.first = BreakError{Line: c.line, Offset: start, After: c.seq, Reason: why.Error()}
	} else if !more {
		w.sum.Write([]byte("\n"))
		w.bytes++
	}
	w.sum.Write(line)
	w.bytes += int64(len(line))
	w.ended = ended
	w.changed = w.changed || json.Valid(line)
}

func (w *waste) repair() *Repair {
	return &Repair{Bytes: w.bytes, SHA256: hex.EncodeToString(w.sum.Sum(nil))}
}

// broken is what is wrong with what was read, as a *BreakError.
func (c *chain) broken() error {
	switch {
	case c.waste.sum != nil:
		e := c.waste.first
		e.Torn = !c.waste.changed
		return &e
	case !c.whole:
		return &BreakError{Line: c.line, Offset: c.end, After: c.seq, Reason: "its line has no end", Torn: true}
	}
	return nil
}
