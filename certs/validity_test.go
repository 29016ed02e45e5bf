package certs_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/jcaad/jcaad/certs"
)

func TestDateTime(t *testing.T) {
	a := pairA().Cert()
	for v, want := range map[string]string{
		"2026-05-01T00:00:00Z":              "2026-05-01T00:00:00Z",
		"\n 2026-05-01T00:00:00Z\t":         "2026-05-01T00:00:00Z",
		"2026-05-01T00:00:00":               "2026-05-01T00:00:00Z",
		"2026-05-01T00:00:00.123456789012Z": "2026-05-01T00:00:00.123456789Z",
		"2026-05-01T24:00:00Z":              "2026-05-02T00:00:00Z",
		"2024-02-29T10:00:00+14:00":         "2024-02-28T20:00:00Z",
		"2024-02-29T10:00:00-00:30":         "2024-02-29T10:30:00Z",
		"2026-12-31T23:59:59.5-05:00":       "2027-01-01T04:59:59.5Z",
		"2022-06-15T03:03:01+0000":          "",
		"2022-06-15T03:03:01+14:01":         "",
		"2022-06-15T03:03:01+01:60":         "",
		"2022-06-15T03:03:01z":              "",
		"2022-06-15t03:03:01Z":              "",
		"2022-06-15 03:03:01Z":              "",
		"2022-06-15T03:03:01,5Z":            "",
		"2022-06-15T03:03:01.Z":             "",
		"2022-06-15T3:03:01Z":               "",
		"2022-06-15T03:03Z":                 "",
		"2022-06-15":                        "",
		"2023-02-29T00:00:00Z":              "",
		"2023-00-01T00:00:00Z":              "",
		"2023-13-01T00:00:00Z":              "",
		"2023-01-00T00:00:00Z":              "",
		"2023-01-01T24:00:01Z":              "",
		"2023-01-01T25:00:00Z":              "",
		"2023-01-01T00:60:00Z":              "",
		"2023-01-01T00:00:60Z":              "",
		"0000-01-01T00:00:00Z":              "",
		"02023-01-01T00:00:00Z":             "",
		"223-01-01T00:00:00Z":               "",
		"+2023-01-01T00:00:00Z":             "",
		"12023-01-01T00:00:00Z":             "12023-01-01T00:00:00Z",
		"2026-12-31T23:59:59Z":              "2026-12-31T23:59:59Z",
		"2026-01-31T00:00:00.1Z":            "2026-01-31T00:00:00.1Z",
		"2026-04-30T00:00:00Z":              "2026-04-30T00:00:00Z",
		"2026-04-31T00:00:00Z":              "",
		"2026-01-32T00:00:00Z":              "",
		"2026-05-01T10:59:00+13:59":         "2026-04-30T21:00:00Z",
		"2026-05-01T00:00:00-14:00":         "2026-05-01T14:00:00Z",
		"2026-05-01T00:00:00+15:00":         "",
		"2026-05-01T00:00:00+1:000":         "",
		"2026-05-01T00:00:00+00:0:":         "",
		"2026-05-01T00:00:00*01:00":         "",
		"2026-05-01T00:00:00+01-00":         "",
		"2026-05-01T00:00:00+01:00Z":        "",
		"2026-05-01T24:00:00.1Z":            "",
		"2026-05-01T24:01:00Z":              "",
		"2026-05-01T23:59:60Z":              "",
		"2026-05-0:T00:00:00Z":              "",
		"2026-05-:0T00:00:00Z":              "",
		"2026-05-/1T00:00:00Z":              "",
		"2026-05-1/T00:00:00Z":              "",
		"2026/05-01T00:00:00Z":              "",
		"2026-05-01T00-00:00Z":              "",
		"123456789-01-01T00:00:00Z":         "123456789-01-01T00:00:00Z",
		"1234567890-01-01T00:00:00Z":        "",
		"-0000-01-01T00:00:00Z":             "",
		"--2026-01-01T00:00:00Z":            "",
		"-0044-03-15T00:00:00Z":             "-0044-03-15T00:00:00Z",
		"":                                  "",
	} {
		md, err := certs.ParseMetadata([]byte(entity(`entityID="x" validUntil="`+v+`"`, idpRole("", keyDescriptor("", a)))))
		if err != nil {
			if want != "" || found(err) != certs.KindNotMetadata {
				t.Errorf("%q: %v; want %q", v, err, want)
			}
			continue
		}
		if got := md.ValidUntil.Format("2006-01-02T15:04:05.999999999Z07:00"); got != want {
			t.Errorf("%q: %q; want %q", v, got, want)
		}
	}
}

func TestBoolean(t *testing.T) {
	for v, want := range map[string]bool{
		"true": true, "1": true, "\n1": true, " true\t": true, "&#10;1": true,
		"false": false, "0": false, "TRUE": false, "True": false, "yes": false, "": false, "01": false, "t rue": false, "\u00a01": false,
	} {
		md, err := certs.ParseMetadata([]byte(entity(`entityID="x"`, idpRole(`WantAuthnRequestsSigned="`+v+`"`, keyDescriptor("", pairA().Cert())))))
		if err != nil || md.WantAuthnRequestsSigned != want {
			t.Errorf("%q: %v, %v; want %v", v, md, err, want)
		}
	}
}

// What is wrong with one entity of an aggregate is nobody else's trouble.
func TestOneBadEntity(t *testing.T) {
	a, b := pairA().Cert(), pairB().Cert()
	good := entity(`entityID="good"`, idpRole("", keyDescriptor("", a)))
	want := &certs.Metadata{EntityID: "good", SigningCerts: []certs.Cert{a}}
	const date = "2022-06-15T03:03:01+0000"
	group := func(attrs string, in ...string) string {
		return `<md:EntitiesDescriptor ` + mdNS + attrs + `>` + strings.Join(in, "") + `</md:EntitiesDescriptor>`
	}
	sp := entity(`entityID="sp" validUntil="`+date+`"`, `<md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"/>`)
	bad := func(attrs, role, in string) string { return entity(`entityID="bad" `+attrs, idpRole(role, in)) }
	for name, doc := range map[string]string{
		"service provider":       group("", sp, good),
		"identity provider":      group("", bad(`validUntil="`+date+`"`, "", keyDescriptor("", b)), good),
		"role":                   group("", good, bad("", `validUntil="`+date+`"`, keyDescriptor("", b))),
		"group of another":       group("", group(` validUntil="`+date+`"`, entity(`entityID="bad"`, "")), good),
		"certificate":            group("", bad("", "", strings.Replace(keyDescriptor("", b), b.Base64(), "TODO", 1)), good),
		"element in certificate": group("", bad("", "", strings.Replace(keyDescriptor("", b), b.Base64(), b.Base64()+"<md:x/>", 1)), good),
		"no certificate":         group("", good, bad("", "", "")),
	} {
		got, err := certs.ParseMetadataFor([]byte(doc), "good")
		if err != nil || !cmp.Equal(got, want) {
			t.Errorf("%s: ParseMetadataFor = %v, %v", name, got, err)
		}
		if name == "service provider" || name == "group of another" {
			if got, err := certs.ParseMetadata([]byte(doc)); err != nil || !cmp.Equal(got, want) {
				t.Errorf("%s: ParseMetadata = %v, %v", name, got, err)
			}
		}
		if strings.Contains(doc, `"bad"`) {
			if md, err := certs.ParseMetadataFor([]byte(doc), "bad"); err == nil {
				t.Errorf("%s: ParseMetadataFor of the bad one = %v", name, md)
			}
		}
		cs, err := certs.Parse([]byte(doc))
		switch name {
		case "certificate", "element in certificate":
			if err == nil {
				t.Errorf("%s: Parse = %v; want none of them", name, cs)
			}
		default:
			if err != nil || cs[0] != a && cs[len(cs)-1] != a {
				t.Errorf("%s: Parse = %v, %v", name, cs, err)
			}
		}
	}
	if md, err := certs.ParseMetadata([]byte(group(` validUntil="`+date+`"`, good))); err == nil {
		t.Errorf("a bad date of the enclosing group: %v", md)
	}
	if got, err := certs.ParseMetadata([]byte(group(` validUntil="2026-05-01T00:00:00Z"`, good))); err != nil || !got.ValidUntil.Equal(time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("a good date of the enclosing group: %v, %v", got, err)
	}
}

// Durations are the schema's as far as real files keep to it; what is none is
// no duration, and no reason to refuse.
func TestDurations(t *testing.T) {
	const day = 24 * time.Hour
	for v, want := range map[string]time.Duration{
		"P1Y": 365 * day, "P1M": 30 * day, "P2D": 2 * day, "PT3H": 3 * time.Hour, "PT4M": 4 * time.Minute, "PT5S": 5 * time.Second, "PT0.5S": 500 * time.Millisecond,
		"P1Y2M3DT4H5M6.5S": 428*day + 4*time.Hour + 5*time.Minute + 6500*time.Millisecond, "P1DT": day, " \n PT1S\t": time.Second, "P1D1D": 2 * day,
		"PT1D": 0, "P1H": 0, "P1S": 0, "PT1Y": 0, "-P1D": 0, "P-1D": 0, "1D": 0, "P": 0, "PT": 0, "": 0, "P1": 0, "PD": 0, "PxD": 0, "P1Dx": 0, "one day": 0, "pt1s": 0,
		"P292Y": 0, "P1e300Y": 0, "PT9223372036S": 0, "PT4611686018S": 4611686018 * time.Second, "PT4611686019S": 0, "PNaND": 0, "PInfD": 0, "PTNaNS": 0,
	} {
		md, err := certs.ParseMetadata([]byte(entity(`entityID="x" cacheDuration="`+v+`"`, idpRole("", keyDescriptor("", pairA().Cert())))))
		if err != nil || md.CacheDuration != want {
			t.Errorf("%q: %v, %v; want %v", v, md, err, want)
		}
	}
}
