// Command hand does the work with net/http and encoding/json alone. When it is refused, it
// waits as long as it is told.
package main

import (
	"net/http"

	"github.com/jcaad/jcaad/examples/bench/internal/byhand"
	"github.com/jcaad/jcaad/examples/bench/internal/task"
)

func main() {
	loop := &byhand.Loop{Client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 32}}, Patient: true}
	task.Main(loop.Works())
}
