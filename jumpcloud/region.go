package jumpcloud

import "fmt"

// Region is the data centre that an organisation lives in. A key of one region
// is refused by the others.
type Region string

// The regions of JumpCloud.
const (
	US Region = ""   // console.jumpcloud.com
	EU Region = "eu" // console.eu.jumpcloud.com
	IN Region = "in" // console.in.jumpcloud.com
)

// domain is the part of the region's host names after the service's name.
func (r Region) domain() (string, error) {
	switch r {
	case US, "us":
		return "jumpcloud.com", nil
	case EU, IN:
		return string(r) + ".jumpcloud.com", nil
	}
	return "", fmt.Errorf("jumpcloud: unknown region %q: there are US, EU and IN", string(r))
}

// Region returns the data centre that the client was made for.
func (c *Client) Region() Region {
	if c == nil {
		return US
	}
	return c.region
}

// UserConsole is the address at which a region's people have their portal.
func (r Region) UserConsole() string {
	domain, err := r.domain()
	if err != nil {
		domain, _ = US.domain()
	}
	return "https://console." + domain + "/userconsole/"
}
