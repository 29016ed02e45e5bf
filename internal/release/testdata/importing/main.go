// Command importing is nethttp, and imports package federation, of which it calls nothing.
package main

import (
	"fmt"
	"net/http"

	_ "github.com/jcaad/jcaad/federation"
)

func main() {
	resp, err := http.Get("https://example.com")
	fmt.Println(resp, err)
}
