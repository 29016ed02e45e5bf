package page

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var property = regexp.MustCompile(`--([a-z-]+):\s*#([0-9a-f]{6});`)

// colours are the custom properties of a style sheet, for light and for dark screens.
func colours(css string) (light, dark map[string]string) {
	_, rest, _ := strings.Cut(css, ":root {")
	first, rest, _ := strings.Cut(rest, "}")
	_, rest, _ = strings.Cut(rest, "prefers-color-scheme: dark")
	second, _, _ := strings.Cut(rest, "}")
	of := func(s string) map[string]string {
		out := make(map[string]string)
		for _, m := range property.FindAllStringSubmatch(s, -1) {
			out[m[1]] = m[2]
		}
		return out
	}
	return of(first), of(second)
}

// luminance is the relative luminance of a colour, as WCAG 2 defines it.
func luminance(hex string) float64 {
	var sum float64
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		if err != nil {
			return math.NaN()
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

func contrast(a, b string) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func TestContrast(t *testing.T) {
	if c := contrast("000000", "ffffff"); math.Abs(c-21) > 1e-9 {
		t.Fatalf("black on white is %g", c)
	}
	b, err := static.ReadFile("static/style.css")
	if err != nil {
		t.Fatal(err)
	}
	light, dark := colours(string(b))
	texts := map[string][]string{
		"text": {"ground", "card", "head"}, "muted": {"ground", "card", "head"}, "link": {"ground", "card", "head"},
		"good": {"ground", "card", "head", "good-ground"}, "warn": {"ground", "card", "head", "warn-ground"},
		"bad": {"ground", "card", "head", "bad-ground"}, "on-button": {"button"}, "on-danger": {"danger"},
	}
	for scheme, c := range map[string]map[string]string{"light": light, "dark": dark} {
		if len(c) != len(light) || len(c) < 19 {
			t.Fatalf("%s: %d colours", scheme, len(c))
		}
		for text, grounds := range texts {
			for _, ground := range grounds {
				if got := contrast(c[text], c[ground]); got < 4.5 {
					t.Errorf("%s: --%s on --%s is %.2f", scheme, text, ground, got)
				}
			}
		}
		for _, mark := range []string{"focus", "edge"} { // of what is no text
			for _, ground := range []string{"ground", "card"} {
				if got := contrast(c[mark], c[ground]); got < 3 {
					t.Errorf("%s: --%s on --%s is %.2f", scheme, mark, ground, got)
				}
			}
		}
	}
	for i, line := range strings.Split(string(b), "\n") {
		if !property.MatchString(line) && regexp.MustCompile(`#[0-9a-f]{3,8}\b`).MatchString(line) {
			t.Errorf("line %d has a colour that is no property: %s", i+1, line)
		}
	}
}
