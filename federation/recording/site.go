package recording

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// Names of domains, and what is made of them: addresses of people and of machines.

var (
	domainForm  = regexp.MustCompile(`^@?(\*\.)?([\pL\pN_]([\pL\pN_-]*[\pL\pN_])?\.)+[\pL\pN]([\pL\pN-]*[\pL\pN])?\.?$`)
	addressForm = regexp.MustCompile(`^([A-Za-z0-9]{2,12}:)?([^\s@<>:,;"]+)@([^\s@<>,;"]+)$`)
	hostPort    = regexp.MustCompile(`^(.+):([0-9]{1,5})$`)
)

// publicSuffixes are the domains below which everybody has names of their own: of these
// only the own part is replaced.
var publicSuffixes = strings.Fields(`
mail.onmicrosoft.com onmicrosoft.com onmicrosoft.us partner.onmschina.cn onmschina.cn jumpcloud.com microsoft.com microsoftonline.com
microsoftonline.us microsoftonline-p.com microsoftonline-p.cn microsoftonline.cn microsoft.us chinacloudapi.cn windows.net office.com
office365.com mail.protection.outlook.com outlook.com live.com sharepoint.com lync.com azure.com w3.org xmlsoap.org oasis-open.org
amazonaws.com odata.org ietf.org
`)

// publicLabels are the parts of names before these that are not somebody's.
var publicLabels = set(`
www graph login console sso api eu in us admin-oauth id support static s3 nexus sts dod-graph microsoftgraph partner
autodiscover sip lyncdiscover enterpriseregistration enterpriseenrollment sipfed webdir sipdir clientconfig schemas docs account
aadcdn odc officeapps admin portal * _dmarc _sip _sipfederationtls _tls _tcp _domainkey
`)

// topLevels are the last parts of names that make a name a domain's. Countries have two letters.
var topLevels = set(`
com net org edu gov mil int info biz name pro aero coop museum jobs mobi travel app dev cloud online site store shop tech xyz
club agency email group company solutions services software systems digital network global world today life live academy
school university consulting engineering health care bank finance legal law media design studio works zone local internal lan
corp home test example invalid localhost onion arpa
`)

// sited reads what names a place in the network: addresses, domains, URLs.
func (m *mask) sited(s string, at place, depth int) (string, bool) {
	if out, ok := m.link(s, at, depth); ok {
		return out, true
	}
	if p := addressForm.FindStringSubmatch(s); p != nil {
		return m.address(p, at), true
	}
	if out, ok := m.numbered(s, at); ok {
		return out, true
	}
	if p := hostPort.FindStringSubmatch(s); p != nil && domainForm.MatchString(p[1]) {
		return m.domain(p[1], at) + ":" + m.port(p[2]), true
	}
	if domainForm.MatchString(s) && strings.ContainsFunc(s, func(r rune) bool { return r > '9' }) {
		return m.domain(s, at), true
	}
	return "", false
}

// address replaces an e-mail address or a user principal name: what addressForm found in it.
func (m *mask) address(p []string, at place) string {
	kind, local, host := p[1], p[2], p[3]
	if kind != "" && !slices.Contains([]string{"smtp:", "sip:", "mailto:", "x500:", "eum:"}, strings.ToLower(kind)) {
		local, kind = kind+local, ""
	}
	if kind != "" {
		m.keep("value", kind, at)
	}
	return kind + m.local(local, at) + "@" + m.host(host, at)
}

// local replaces the part before the @: that of a guest has the address of another directory in it.
func (m *mask) local(s string, at place) string {
	const guest = "#EXT#"
	if own, rest, ok := strings.Cut(s, guest); ok && rest == "" {
		if i := strings.LastIndexByte(own, '_'); i > 0 && domainForm.MatchString(own[i+1:]) {
			return m.local(own[:i], at) + "_" + m.domain(own[i+1:], at) + guest
		}
		return m.local(own, at) + guest
	}
	switch {
	case s == "realm":
		return m.keep("value", s, at) // whom aad.Client.Realm asks for when it is asked for a domain
	case domainForm.MatchString(s):
		return m.domain(s, at) // a name with dots in it is the same, here and alone
	case guidForm.MatchString(s):
		return m.guid(s)
	case hexForm.MatchString(s) && strings.ContainsAny(s, digits):
		return m.hex(s)
	case digitForm.MatchString(s):
		return m.digits(s)
	}
	return m.word(s)
}

// host replaces the name or number of a machine.
func (m *mask) host(s string, at place) string {
	if out, ok := m.numbered(s, at); ok {
		return out
	}
	if domainForm.MatchString(s) {
		return m.domain(s, at)
	}
	if strings.EqualFold(s, "localhost") {
		return m.keep("host", s, at)
	}
	if out, ok := m.identifier(s, at, 0); ok {
		return out
	}
	return m.word(s)
}

// domain replaces a domain's name, label by label, so that what is below another domain
// stays below it. What is nobody's own stays.
func (m *mask) domain(s string, at place) string {
	lead := ""
	if strings.HasPrefix(s, "@") {
		lead, s = "@", s[1:]
	}
	trail := ""
	if strings.HasSuffix(s, ".") {
		trail, s = ".", s[:len(s)-1]
	}
	lower := strings.ToLower(s)
	labels, suffix := strings.Split(s, "."), 0
	for _, p := range publicSuffixes {
		if lower == p || strings.HasSuffix(lower, "."+p) {
			suffix = strings.Count(p, ".") + 1
			break
		}
	}
	all := suffix > 0
	var own []string // labels that stay before others that do not
	for i, label := range labels {
		below := strings.ToLower(strings.Join(labels[i:], "."))
		switch {
		case i >= len(labels)-suffix:
		case publicLabels[strings.ToLower(label)] && (suffix > 0 || i == 0 && len(labels) > 2):
			own = append(own, label)
		case suffix == 0 && i == len(labels)-1 && (topLevels[below] || len(below) == 2):
			labels[i] = capitals(label, "example")
		default:
			all = false
			labels[i] = capitals(label, utter(m.draw("label", below), syllables))
		}
	}
	out := lead + strings.Join(labels, ".") + trail
	if all {
		return m.keep("host", out, at)
	}
	if suffix > 0 {
		own = append(own, "*."+strings.Join(labels[len(labels)-suffix:], "."))
	}
	for _, s := range own {
		m.keep("host", s, at)
	}
	return out
}

// numbered replaces an IP address by one that is reserved for tests or documentation: nobody's.
func (m *mask) numbered(s string, at place) (string, bool) {
	port := ""
	bare := s
	if ap, err := netip.ParseAddrPort(s); err == nil {
		bare = ap.Addr().String()
		port = s[strings.LastIndexByte(s, ':'):]
	}
	ip, err := netip.ParseAddr(strings.Trim(bare, "[]"))
	if err != nil {
		return "", false
	}
	if ip.IsLoopback() || ip.IsUnspecified() {
		return m.keep("host", s, at), true
	}
	r := m.draw("ip", ip.WithZone("").String())
	out := netip.AddrFrom4([4]byte{198, 18 + byte(r.IntN(2)), byte(r.IntN(256)), byte(r.IntN(256))})
	if ip.Is6() {
		b := [16]byte{0x20, 0x01, 0x0d, 0xb8}
		for i := 12; i < len(b); i++ {
			b[i] = byte(r.IntN(256))
		}
		out = netip.AddrFrom16(b)
	}
	text := out.String()
	if strings.HasPrefix(s, "[") {
		text = "[" + text + "]"
	}
	if port != "" {
		text += ":" + m.port(port[1:])
	}
	return text, true
}

func (m *mask) port(s string) string {
	if s == "443" || s == "80" {
		return s
	}
	out := m.digits(s)
	if len(out) == 5 {
		out = "1" + out[1:]
	}
	return out
}
