package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/jcaad/jcaad/examples/operator/internal/children"
)

// defaultSpeed is how many times as fast the clock of a demonstration runs: two minutes
// are a day.
const defaultSpeed = 720

// orphaned is after what time children end that nobody looks for.
const orphaned = time.Hour

// newChildren are those of a folder. told is printed; serveFakes are further flags for the
// stand-ins.
func newChildren(dir string, speed float64, serveFakes []string, told func(string)) *children.Set {
	return children.New(children.Options{Dir: dir, Told: told, Args: func(role, addr string) []string {
		args := []string{role, "-data", dir, "-addr", addr, "-orphaned", orphaned.String()}
		if role == roleFakes {
			args = append(append(args, "-speed", fmt.Sprint(speed)), serveFakes...)
		}
		return args
	}})
}

// useFakes makes the stand-ins' customers those of this process: it sets the environment
// that their credentials are in, and returns the customers file, DIR/customers.yaml. A
// file there that is of these stand-ins is left as it is; somebody may have changed it.
func useFakes(ctx context.Context, dir, addr string) (file string, err error) {
	base := "http://" + addr
	b, err := fetch(ctx, base+"/environment")
	if err != nil {
		return "", err
	}
	var env map[string]string
	if err := json.Unmarshal(b, &env); err != nil {
		return "", fmt.Errorf("the stand-ins: %w", err)
	}
	for name, value := range env {
		if err := os.Setenv(name, value); err != nil {
			return "", err
		}
	}
	file = filepath.Join(dir, "customers.yaml")
	switch b, err := os.ReadFile(file); {
	case err == nil && bytes.Contains(b, []byte(base+"/c/")):
		return file, nil
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return "", err
	}
	if b, err = fetch(ctx, base+"/customers.yaml"); err != nil {
		return "", err
	}
	part := file + ".new"
	if err := os.WriteFile(part, b, 0o600); err != nil {
		return "", err
	}
	return file, os.Rename(part, file)
}

func fetch(ctx context.Context, url string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req) // no proxy
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", url, resp.Status)
	}
	return b, err
}
