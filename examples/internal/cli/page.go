package cli

import (
	"io"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// lineWidth is how many characters a line has at most, however wide the terminal is.
const lineWidth = 110

// A Page breaks lines between words so that they fit the terminal, and leaves
// columns to be seen: what does not fit goes on below the beginning of the column
// that it stands in. Write whole lines, or lines that end with a question.
type Page struct {
	w     io.Writer
	file  *os.File // the terminal, or nil
	width int      // where there is none
}

// NewPage writes to w. If that is no terminal, lines have the width that the
// environment variable COLUMNS gives, or 110 characters.
func NewPage(w io.Writer, getenv func(string) string) *Page {
	p := &Page{w: w, width: lineWidth}
	if f, ok := w.(*os.File); ok && IsTerminal(f) {
		p.file = f
	}
	if n, err := strconv.Atoi(getenv("COLUMNS")); err == nil && n >= 20 {
		p.width = min(n, lineWidth)
	}
	return p
}

// IsTerminal reports whether somebody sees what is written at once.
func (p *Page) IsTerminal() bool { return IsTerminal(p.w) }

// Width is how many characters a line may have now.
func (p *Page) Width() int {
	if p.file != nil {
		if width, _, err := term.GetSize(int(p.file.Fd())); err == nil && width >= 20 {
			return min(width-1, lineWidth)
		}
	}
	return p.width
}

// Write implements [io.Writer].
func (p *Page) Write(b []byte) (int, error) {
	width := p.Width()
	var out strings.Builder
	for line := range strings.Lines(string(b)) {
		text, end := line, ""
		if strings.HasSuffix(line, "\n") {
			text, end = line[:len(line)-1], "\n"
		}
		if i := strings.LastIndex(text, clearLine); i >= 0 {
			out.WriteString(text[:i+len(clearLine)])
			text = text[i+len(clearLine):]
		}
		fold(&out, text, width)
		out.WriteString(end)
	}
	if _, err := io.WriteString(p.w, out.String()); err != nil {
		return 0, err
	}
	return len(b), nil
}

// clearLine goes to the beginning of a line and empties it.
const clearLine = "\r\x1b[K"

// fold writes a line, broken so that none is longer than width if its words are not.
func fold(b *strings.Builder, line string, width int) {
	if utf8.RuneCountInString(line) <= width {
		b.WriteString(line)
		return
	}
	hang := hanging(line, width)
	for rest := strings.TrimRight(line, " "); ; {
		at := breakAt(rest, width)
		if at < 0 {
			b.WriteString(rest)
			return
		}
		b.WriteString(strings.TrimRight(rest[:at], " "))
		b.WriteByte('\n')
		rest = strings.Repeat(" ", hang) + strings.TrimLeft(rest[at:], " ")
	}
}

// breakAt returns the last blank that leaves at most width characters before it,
// or else the first one behind the first word; negative if there is none, or none is
// needed.
func breakAt(line string, width int) int {
	column, last, begun := 0, -1, false
	for i, r := range line {
		if r == ' ' && begun {
			if column > width && last >= 0 {
				return last
			}
			last = i
		}
		begun = begun || r != ' '
		column++
	}
	if column <= width {
		return -1
	}
	return last
}

// hanging is the column below which a line goes on that is too long: where the last
// of its own columns begins that leaves two fifths of the width.
func hanging(line string, width int) int {
	hang, column, blanks := 0, 0, 2
	for _, r := range line {
		if r == ' ' {
			blanks++
		} else {
			if blanks >= 2 && column <= width*3/5 {
				hang = column
			}
			blanks = 0
		}
		column++
	}
	switch mark := strings.TrimLeft(line, " "); {
	case strings.HasPrefix(mark, "+ "), strings.HasPrefix(mark, "~ "), strings.HasPrefix(mark, "- "):
		hang += 2
	default:
		if n := strings.Index(mark, ". "); n > 0 && n <= 2 && strings.Trim(mark[:n], "0123456789") == "" {
			hang += n + 2
		}
	}
	return hang
}
