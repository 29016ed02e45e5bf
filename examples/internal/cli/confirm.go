package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Confirm asks on w, and returns nil only if the answer that stdin has is yes. terminal says
// whether there is somebody to ask, which [IsTerminal] knows of stdin.
func Confirm(ctx context.Context, stdin io.Reader, terminal bool, w io.Writer, question string) error {
	if !terminal {
		return errors.New("standard input is no terminal, so that nobody can be asked; -yes goes on without asking")
	}
	fmt.Fprintf(w, "\n%s Type yes: ", question)
	line := make(chan string, 1)
	go func() {
		s, _ := bufio.NewReader(stdin).ReadString('\n')
		line <- strings.TrimSpace(s)
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(w)
		return context.Cause(ctx)
	case answer := <-line:
		if answer != "yes" {
			return errors.New("the answer was not yes")
		}
		return nil
	}
}
