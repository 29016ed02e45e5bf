package aad

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
)

// Cloud is one of Microsoft's clouds. The zero value is the public one.
type Cloud int

// The clouds.
const (
	Public  Cloud = iota // worldwide, GCC included
	USGovL4              // US government L4 (GCC High)
	USGovL5              // US government L5 (DoD)
	China                // operated by 21Vianet
)

// clouds holds each cloud's name, Graph endpoint and login endpoint.
var clouds = [...]struct{ name, graph, login string }{
	Public:  {"Public", "https://graph.microsoft.com", "https://login.microsoftonline.com"},
	USGovL4: {"USGovL4", "https://graph.microsoft.us", "https://login.microsoftonline.us"},
	USGovL5: {"USGovL5", "https://dod-graph.microsoft.us", "https://login.microsoftonline.us"},
	China:   {"China", "https://microsoftgraph.chinacloudapi.cn", "https://login.chinacloudapi.cn"},
}

func (c Cloud) known() bool { return c >= 0 && int(c) < len(clouds) }

// String returns the name of the constant.
func (c Cloud) String() string {
	if !c.known() {
		return fmt.Sprintf("Cloud(%d)", int(c))
	}
	return clouds[c].name
}

// GraphURL returns the root of the cloud's Microsoft Graph, without version.
func (c Cloud) GraphURL() string {
	if !c.known() {
		return ""
	}
	return clouds[c].graph
}

// LoginURL returns the root of the cloud's login service.
func (c Cloud) LoginURL() string {
	if !c.known() {
		return ""
	}
	return clouds[c].login
}

// CloudOf returns the cloud that a configuration of azcore means, for programs
// that have one for their credential:
//
//	c, err := aad.CloudOf(cloud.AzureChina)
//
// The zero configuration is the public cloud, as in azcore; the environment is not
// looked at. US government has two Microsoft Graphs behind one login service, so
// that cloud.AzureGovernment alone is refused: take [USGovL4] or [USGovL5], or
// have one of the configuration's Services, of any name, hold the address of
// Graph. What is none of the clouds, or of two of them, is refused as well.
func CloudOf(c cloud.Configuration) (Cloud, error) {
	const advice = "; choose one of Public, USGovL4, USGovL5 and China, and set GraphURL and LoginURL of the Options if yours is another"
	login := strings.TrimSpace(c.ActiveDirectoryAuthorityHost)
	if login == "" {
		if len(c.Services) > 0 {
			return 0, errors.New("aad: the cloud's configuration has Services and no ActiveDirectoryAuthorityHost" + advice)
		}
		login = clouds[Public].login
	}
	host, ok := hostOf(login)
	if !ok {
		return 0, errors.New("aad: the ActiveDirectoryAuthorityHost of the cloud's configuration is not of the form https://host" + advice)
	}
	if host == "login.partner.microsoftonline.cn" { // the newer name
		host = "login.chinacloudapi.cn"
	}
	var by, graphs []Cloud
	for i, known := range clouds {
		if "https://"+host == known.login {
			by = append(by, Cloud(i))
		}
		for _, s := range c.Services {
			endpoint, _ := hostOf(s.Endpoint)
			audience, _ := hostOf(s.Audience)
			if known.graph == "https://"+endpoint || known.graph == "https://"+audience {
				graphs = append(graphs, Cloud(i))
			}
		}
	}
	graphs = slices.Compact(graphs)
	switch {
	case by == nil:
		return 0, fmt.Errorf("aad: the cloud's configuration has the login service %q, which is of none of the clouds%s", host, advice)
	case len(graphs) > 1:
		return 0, fmt.Errorf("aad: the Services of the cloud's configuration are of %v at once%s", graphs, advice)
	case len(graphs) == 1 && !slices.Contains(by, graphs[0]):
		return 0, fmt.Errorf("aad: the cloud's configuration has the login service %q, and Microsoft Graph of %v%s", host, graphs[0], advice)
	case len(graphs) == 1:
		return graphs[0], nil
	case len(by) > 1:
		return 0, fmt.Errorf("aad: the cloud's configuration has the login service %q, which is of %v and %v, and does not tell which: "+
			"choose USGovL4 (GCC High) or USGovL5 (DoD)", host, by[0], by[1])
	}
	return by[0], nil
}

// hostOf returns the host of an https address, in its one spelling.
func hostOf(s string) (string, bool) {
	u, err := url.Parse(strings.TrimSpace(s))
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Port() != "" && u.Port() != "443" {
		return "", false
	}
	return strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")), true
}
