package people

import (
	"bytes"
	"strings"
	"testing"
)

// TestTextsFillBlocks makes sure that a text is found again whatever room it leaves at
// the end of its block: a block that grew would have places that no ref can name.
func TestTextsFillBlocks(t *testing.T) {
	for _, long := range []int{1, 254, 255, 256, maxText} {
		for left := range 12 {
			c, want := newTexts(), []string{}
			var refs []ref
			add := func(n int) {
				s := strings.Repeat(string(rune('a'+len(want)%26)), n)
				want, refs = append(want, s), append(refs, c.put(0, []byte(s)))
			}
			room := func() int { return blockSize - len(c.blocks[0]) }
			add(1)
			for room() > long+left+600 {
				add(200)
			}
			add(room() - long - left - 4) // a long one, with four bytes before it
			if got := room(); got != long+left {
				t.Fatalf("%d bytes are left in the block, want %d", got, long+left)
			}
			for range 300 {
				add(long)
			}
			for i, r := range refs {
				if got, _ := c.get(r); !bytes.Equal(got, []byte(want[i])) {
					t.Fatalf("texts of %d bytes, %d bytes left: the %dth of them is read back as %.20q…, want %.20q…", long, left, i, got, want[i])
				}
			}
			for i, b := range c.blocks {
				if len(b) > blockSize {
					t.Errorf("texts of %d bytes, %d bytes left: block %d has %d bytes", long, left, i, len(b))
				}
			}
		}
	}
}
