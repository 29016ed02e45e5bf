// Command nethttp is the smallest program that asks something over HTTP: what the others
// are weighed against.
package main

import (
	"fmt"
	"net/http"
)

func main() {
	resp, err := http.Get("https://example.com")
	fmt.Println(resp, err)
}
