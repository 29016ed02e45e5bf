// Command retryablehttp does the work with encoding/json and go-retryablehttp as it comes.
package main

import (
	"github.com/hashicorp/go-retryablehttp"

	"github.com/jcaad/jcaad/examples/bench/internal/byhand"
	"github.com/jcaad/jcaad/examples/bench/internal/task"
)

func main() {
	loop := &byhand.Loop{Client: retryablehttp.NewClient().StandardClient()}
	task.Main(loop.Works())
}
