package xmlscan

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

const (
	badChar = "a byte or character that XML in UTF-8 cannot have: convert the file to UTF-8"
	badDecl = "an XML declaration that cannot be read"
	badRef  = "a reference to an unknown entity or an impossible character"
	noRef   = "an & that begins no reference: write &amp;"
	late    = "an XML declaration that is not at the very beginning: remove what is before it"
	noName  = "a character where a name should begin"
	noPI    = "a processing instruction without a name"
	anew    = "a reserved namespace declared anew"
	twice   = "an attribute given twice"
	cutOff  = "the document ends inside an element: it is cut off"
	noEnd   = "a tag without an end"
	colon   = "a name with a misplaced colon"
	twoIDs  = "an ID that two elements have"
	doctype = "remove the DOCTYPE; SAML metadata has none"
	missing = "a < inside an attribute: a quote may be missing before it"
)

func TestErrors(t *testing.T) {
	long := strings.Repeat("n", MaxName)
	for _, tc := range []struct {
		in   string // ¦ is the place
		want string
	}{
		{"¦", "there is no element"},
		{" \r\n\t¦", "there is no element"},
		{"<!--c--><?p?>¦", "there is no element"},
		{"\ufeff¦", "there is no element"},
		{"<?xml version='1.0'?>¦", "there is no element"},
		{"<a>¦", cutOff},
		{"<a><b/>¦", cutOff},
		{"<a>text\n¦", cutOff},
		{"<a/>¦<a/>", "a second root element"},
		{"<a></a>\n¦<b>", "a second root element"},
		{" ¦x<a/>", "text outside the root element"},
		{"¦x", "text outside the root element"},
		{"<a/>\n\n ¦x", "text outside the root element"},
		{"<a/>¦&#32;", "text outside the root element"},
		{"<a/>¦\u00a0", "text outside the root element"},
		{"<a/>¦\x00", "text outside the root element"},
		{"\ufeff¦\ufeff<a/>", "text outside the root element"},
		{" ¦\ufeff<a/>", "text outside the root element"},

		// Tags.
		{"¦<a", noEnd},
		{"¦<", noEnd},
		{"¦<a b='>", noEnd},
		{"¦<a b='x\"/>", noEnd},
		{"<a>¦</a", noEnd},
		{"<a>¦</", noEnd},
		{"<¦>", noName},
		{"<¦ a/>", noName},
		{"</¦>", noName},
		{"<¦1/>", noName},
		{"<¦-a/>", noName},
		{"<¦.a/>", noName},
		{"<¦=/>", noName},
		{"<¦\xffa/>", noName},
		{"<¦\u0301a/>", noName},
		{"<a></¦>", noName},
		{"<a></¦ a>", noName},
		{"<a¦\u00d7/>", "no space before an attribute"},
		{"<a¦\ufffe/>", "no space before an attribute"},
		{"<a¦\xff/>", "no space before an attribute"},
		{"<a¦/ >", "no space before an attribute"},
		{"<a¦'b'/>", "no space before an attribute"},
		{"<a b=''¦c=''/>", "no space before an attribute"},
		{"<a ¦/ >", noName},
		{"<a b='' ¦='c'/>", noName},
		{"<a ¦1=''/>", noName},
		{"<a b='' ¦//>", noName},
		{"<a ¦<b/>", "a < inside a tag"},
		{"<a b='' ¦<b c=''/>", "a < inside a tag"},
		{"<¦<a/>", "a < inside a tag"},
		{"<a b¦/>", "an attribute without a value"},
		{"<a b¦>", "an attribute without a value"},
		{"<a b ¦c=''/>", "an attribute without a value"},
		{"<a b=¦c/>", "an attribute without quotes"},
		{"<a b= ¦c/>", "an attribute without quotes"},
		{"<a b=¦/>", "an attribute without quotes"},
		{"<a b= ¦>", "an attribute without quotes"},
		{"<a b=¦>", "an attribute without quotes"},
		{"<a b=¦=''>", "an attribute without quotes"},
		{"<a b='1¦<'/>", missing},
		{"<a b=\"¦<c d=\"/>", missing},
		{"<a></a¦ b=''>", "an end tag with more than a name"},
		{"<a></a¦/>", "an end tag with more than a name"},
		{"<a></a¦<b>", "an end tag with more than a name"},
		{"<a></¦\u00d7>", noName},
		{"¦</a>", "an end tag without a start tag"},
		{"<a/>¦</a>", "an end tag without a start tag"},
		{"<a>¦</b>", "</b> where </a> was expected"},
		{"<a><b>¦</a>", "</a> where </b> was expected"},
		{"<a>¦</A>", "</A> where </a> was expected"},
		{"<a>¦</aa>", "</aa> where </a> was expected"},
		{"<aa>¦</a>", "</a> where </aa> was expected"},
		{"<p:a xmlns:p='u' xmlns:q='u'>¦</q:a>", "</q:a> where </p:a> was expected"},
		{"<" + long[:60] + ">¦</" + long[:61] + ">", "</" + long[:60] + "…> where </" + long[:60] + "> was expected"},
		{"<" + long[:61] + ">¦</" + long[:60] + ">", "</" + long[:60] + "> where </" + long[:60] + "…> was expected"},

		// Names and namespaces.
		{"<¦:a/>", colon},
		{"<¦a:/>", colon},
		{"<¦a:b:c/>", colon},
		{"<¦a::b/>", colon},
		{"<¦:/>", colon},
		{"<¦a:1/>", colon},
		{"<a ¦:b=''/>", colon},
		{"<a ¦xmlns:=''/>", colon},
		{"<a ¦b:-c=''/>", colon},
		{"<a></¦a:>", colon},
		{"<a></¦:a>", colon},
		{"<¦" + long + "n/>", "a name of more than 1024 bytes"},
		{"<a ¦" + long + "n=''/>", "a name of more than 1024 bytes"},
		{"<a></¦" + long + "n>", "a name of more than 1024 bytes"},
		{"¦<p:a/>", `the prefix "p" is not declared`},
		{"<a>¦<b p:c=''/>", `the prefix "p" is not declared`},
		{"<a><b xmlns:p='u'/>¦<p:b/>", `the prefix "p" is not declared`},
		{"<a><b xmlns:p='u'></b>¦<c p:b=''/>", `the prefix "p" is not declared`},
		{"¦<P:a xmlns:p='u'/>", `the prefix "P" is not declared`},
		{"¦<" + long[:40] + ":a/>", `the prefix "` + long[:40] + `" is not declared`},
		{"¦<" + long[:41] + ":a/>", `the prefix "` + long[:40] + `…" is not declared`},
		{"¦<a " + long[:40] + ":a=''/>", `the prefix "` + long[:40] + `" is not declared`},
		{"¦<a " + long[:41] + ":a=''/>", `the prefix "` + long[:40] + `…" is not declared`},
		{"¦<xmlns:a/>", `the prefix "xmlns" is not declared`},
		{"¦<xmlns:a xmlns='u'/>", `the prefix "xmlns" is not declared`},
		{"<a ¦xmlns:xmlns='u'/>", anew},
		{"<a ¦xmlns:xmlns='" + URIXMLNS + "'/>", anew},
		{"<a ¦xmlns:p='" + URIXMLNS + "'/>", anew},
		{"<a ¦xmlns='" + URIXMLNS + "'/>", anew},
		{"<a ¦xmlns='" + URIXML + "'/>", anew},
		{"<a ¦xmlns:p='" + URIXML + "'/>", anew},
		{"<a ¦xmlns:xml='u'/>", anew},
		{"<a ¦xmlns:xml=''/>", anew},
		{"<a ¦xmlns:p=''/>", "a prefix bound to no namespace"},
		{"<a xmlns:p='u'><b ¦xmlns:p=''/></a>", "a prefix bound to no namespace"},
		{"<a xmlns:p='u' ¦xmlns:p='u'/>", twice},
		{"<a xmlns:p='u' xmlns:q='w' ¦xmlns:p='v'/>", twice},
		{"<a xmlns='u' b='' ¦xmlns='v'/>", twice},
		{"<a xmlns='' ¦xmlns=''/>", twice},
		{"<r>¦<a xmlns:xml='" + URIXML + "' xmlns:xml='" + URIXML + "'/></r>", twice},
		{"¦<a b='' b=''/>", twice},
		{"¦<a b='' c='' b=''/>", twice},
		{"¦<a c='' b='' d='' b=''/>", twice},
		{"¦<p:a xmlns:p='u' p:b='' p:b=''/>", twice},
		{"¦<a xmlns:p='u' xmlns:q='u' p:b='' q:b=''/>", twice},
		{"<a xmlns:p='u'>¦<b q:b='' p:b='' xmlns:q='u'/>", twice},
		{"<a xmlns:p='urn:oasis:names:tc:SAML:2.0:metadata'>¦<b q:b='' p:b='' xmlns:q='" + URIMD + "'/>", twice},
		{"¦<a xml:b='' xml:b=''/>", twice},
		{"<a ID='x'>¦<b ID='x'/></a>", twoIDs},
		{"<a ID='x'>¦<b ID='&#x78;'/></a>", twoIDs},
		{"<a xml:id='x'>¦<b ID='x'/></a>", twoIDs},
		{"<a ID='x'>¦<b xml:id='x'/></a>", twoIDs},
		{"<a><b ID='x'/><b ID='y'/>¦<c ID='x'/></a>", twoIDs},

		// Characters and references.
		{"<a>1¦\x00</a>", badChar},
		{"<a>¦\x1f</a>", badChar},
		{"<a>\t\n¦\x0b</a>", badChar},
		{"<a>é¦\x0c</a>", badChar},
		{"<a>&amp;é¦\x01</a>", badChar},
		{"<a>é¦\xe9</a>", badChar},
		{"<a>é&amp;¦\xe9</a>", badChar},
		{"<a>\r\n¦\ufffe</a>", badChar},
		{"<a>¦\uffff</a>", badChar},
		{"<a>¦\xed\xa0\x80</a>", badChar},     // a surrogate
		{"<a>¦\xc0\x80</a>", badChar},         // an overlong zero
		{"<a>¦\xf4\x90\x80\x80</a>", badChar}, // beyond Unicode
		{"<a>x¦\xc3</a>", badChar},
		{"<a>x¦\x80</a>", badChar},
		{"<a>&lt;¦\x80</a>", badChar},
		{"<a b='x¦\x80'/>", badChar},
		{"<a><!--¦\x80--></a>", badChar},
		{"<a><![CDATA[¦\x80]]></a>", badChar},
		{"<a><?p ¦\x80?></a>", badChar},
		{"<a b='12¦\x00'/>", badChar},
		{"<a b='12' c=\"é¦\x07\"/>", badChar},
		{"<a b='&lt;é¦\xff'/>", badChar},
		{"<a\nb='\n1¦\ufffe'/>", badChar},
		{"<a xmlns='u¦\x01'/>", badChar},
		{"<a ID='x¦\x01'/>", badChar},
		{"<a><![CDATA[1\n2¦\x00]]></a>", badChar},
		{"<a><![CDATA[é¦\xff]]></a>", badChar},
		{"<!--é¦\x01--><a/>", badChar},
		{"<a><!--\t¦\ufffe--></a>", badChar},
		{"<?p d¦\x00?><a/>", badChar},
		{"<a><?p é¦\xff?></a>", badChar},
		{"<?xml version='1.0' encoding='¦\x1b[31m'?><a/>", badChar},
		{"<?xml version='¦\xff'?><a/>", badChar},
		{"<a>¦&</a>", noRef},
		{"<a>1¦&amp</a>", noRef},
		{"<a>¦&amp </a>", noRef},
		{"<a>¦&" + strings.Repeat("a", 64) + ";</a>", noRef},
		{"<a b='1¦&'/>", noRef},
		{"<a b='&#49;¦&x'/>", noRef},
		{"<a>¦&;</a>", badRef},
		{"<a>é¦& ;</a>", badRef},
		{"<a>&lt;¦&nbsp;</a>", badRef},
		{"<a>¦&AMP;</a>", badRef},
		{"<a>¦&#;</a>", badRef},
		{"<a>¦&#x;</a>", badRef},
		{"<a>¦&#X41;</a>", badRef},
		{"<a>¦&#4a;</a>", badRef},
		{"<a>¦&#xg;</a>", badRef},
		{"<a>¦&#+65;</a>", badRef},
		{"<a>¦&#-65;</a>", badRef},
		{"<a>¦&#x+41;</a>", badRef},
		{"<a>¦&#x4_1;</a>", badRef},
		{"<a>¦&# 65;</a>", badRef},
		{"<a>¦&#0;</a>", badRef},
		{"<a>¦&#x0;</a>", badRef},
		{"<a>¦&#8;</a>", badRef},
		{"<a>¦&#11;</a>", badRef},
		{"<a>¦&#12;</a>", badRef},
		{"<a>¦&#14;</a>", badRef},
		{"<a>¦&#x1f;</a>", badRef},
		{"<a>¦&#xD800;</a>", badRef},
		{"<a>¦&#xDFFF;</a>", badRef},
		{"<a>¦&#xFFFE;</a>", badRef},
		{"<a>¦&#xFFFF;</a>", badRef},
		{"<a>¦&#x110000;</a>", badRef},
		{"<a b='1¦&x;'/>", badRef},
		{"<a b='&#49;' c='2¦&#0;'/>", badRef},
		{"<a xmlns:p='u¦&x;'/>", badRef},
		{"<a ID='¦&x;'/>", badRef},

		// Text, comments, CDATA sections and instructions.
		{"<a>1¦]]></a>", "]]> in text"},
		{"<a>¦]]></a>", "]]> in text"},
		{"<a>1]¦]]>", "]]> in text"},
		{"<a/>¦]]>", "text outside the root element"},
		{"<a>¦<!-- ", "a comment without an end"},
		{"¦<!-->", "a comment without an end"},
		{"¦<!--->", "a comment without an end"},
		{"¦<!---", "a comment without an end"},
		{"<a><!-- ¦-- --></a>", "-- in a comment"},
		{"<a><!--¦--- --></a>", "-- in a comment"},
		{"<a><!-- ¦---></a>", "-- in a comment"},
		{"<!--1¦--", "-- in a comment"},
		{"<a>¦<![CDATA[ ]]</a>", "a CDATA section without an end"},
		{"<a>¦<![CDATA[", "a CDATA section without an end"},
		{"¦<![CDATA[]]><a/>", "a CDATA section outside the root element"},
		{"<a/>¦<![CDATA[ ]]>", "a CDATA section outside the root element"},
		{"<a>¦<![cdata[]]></a>", "a markup declaration"},
		{"<a>¦<![CDATA []]></a>", "a markup declaration"},
		{"<a>¦<![INCLUDE[]]></a>", "a markup declaration"},
		{"¦<?p", "a processing instruction without an end"},
		{"¦<?", "a processing instruction without an end"},
		{"¦<?p >", "a processing instruction without an end"},
		{"<a>¦<?p ", "a processing instruction without an end"},
		{"¦<??><a/>", noPI},
		{"¦<? p?><a/>", noPI},
		{"<a>¦<?1?></a>", noPI},
		{"<a>¦<?p:q?></a>", noPI},
		{"<a>¦<?:q?></a>", noPI},
		{"<a>¦<?p+?></a>", noPI},
		{"<a>¦<?p+ ?></a>", noPI},
		{"<a>¦<?\xff?></a>", noPI},

		// Document types and declarations.
		{"¦<!DOCTYPE a><a/>", doctype},
		{"<?xml version='1.0'?>\n¦<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", doctype},
		{"<!-- --> ¦<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", doctype},
		{"<a>¦<!DOCTYPE a></a>", doctype},
		{"<a/>¦<!DOCTYPE", doctype},
		{"¦<!doctype a><a/>", "a markup declaration"},
		{"¦<!DOCTYP", "a markup declaration"},
		{"¦<!ENTITY x 'y'><a/>", "a markup declaration"},
		{"<a>¦<!ELEMENT a ANY></a>", "a markup declaration"},
		{"¦<!", "a markup declaration"},
		{"<a>¦<!-b--></a>", "a markup declaration"},
		{" ¦<?xml version='1.0'?><a/>", late},
		{"<!-- -->¦<?xml version='1.0'?><a/>", late},
		{"<?xml version='1.0'?>¦<?xml version='1.0'?><a/>", late},
		{"\ufeff<?xml version='1.0'?>¦<?xml version='1.0'?><a/>", late},
		{"\ufeff ¦<?xml version='1.0'?><a/>", late},
		{"<a>¦<?xml version='1.0'?></a>", late},
		{"<a/>¦<?xml version='1.0'?>", late},
		{"¦<?XML version='1.0'?><a/>", late},
		{"<a>¦<?xMl?></a>", late},
		{"¦<?xml version='1.0'>", "a processing instruction without an end"},
		{"\ufeff¦<?xml version='1.0'>", "an XML declaration without an end"},
		{"¦<?xml ?><a/>", badDecl},
		{"\ufeff¦<?xml ?><a/>", badDecl},
		{"<?xml ¦encoding='UTF-8'?><a/>", badDecl},
		{"<?xml ¦standalone='yes'?><a/>", badDecl},
		{"<?xml ¦encoding='UTF-8' version='1.0'?><a/>", badDecl},
		{"<?xml version='1.0' ¦version='1.0'?><a/>", badDecl},
		{"<?xml version='1.0' encoding='UTF-8' ¦encoding='UTF-8'?><a/>", badDecl},
		{"<?xml version='1.0' encoding='UTF-8' ¦version='1.0'?><a/>", badDecl},
		{"<?xml version='1.0' standalone='yes' ¦encoding='UTF-8'?><a/>", badDecl},
		{"<?xml version='1.0' standalone='yes' ¦standalone='yes'?><a/>", badDecl},
		{"<?xml version='1.0' ¦other='x'?><a/>", badDecl},
		{"<?xml ¦Version='1.0'?><a/>", badDecl},
		{"<?xml version='1.0'¦encoding='UTF-8'?><a/>", badDecl},
		{"<?xml version='1.0' ¦?encoding='UTF-8'?><a/>", badDecl},
		{"<?xml ¦'1.0'?><a/>", badDecl},
		{"<?xml version='1.0' ¦standalone='YES'?><a/>", badDecl},
		{"<?xml version='1.0' ¦standalone=''?><a/>", badDecl},
		{"<?xml version¦?><a/>", "an attribute without a value"},
		{"<?xml version=¦1.0?><a/>", "an attribute without quotes"},
		{"<?xml version=¦'1.0?><a/>", "an attribute without a closing quote"},
		{"<?xml version='¦<'?><a/>", missing},
		{"<?xml ¦version='1.1'?><a/>", "XML version 1.1: only 1.0 is in use for SAML"},
		{"<?xml ¦version=''?><a/>", "XML version : only 1.0 is in use for SAML"},
		{"<?xml ¦version='" + long[:20] + "'?><a/>", "XML version " + long[:20] + ": only 1.0 is in use for SAML"},
		{"<?xml ¦version='" + long[:21] + "'?><a/>", "XML version " + long[:20] + "…: only 1.0 is in use for SAML"},
		{"<?xml version='1.0' ¦encoding='ISO-8859-1'?><a/>", "the encoding ISO-8859-1: convert the file to UTF-8"},
		{"<?xml version='1.0' ¦encoding='UTF-16'?><a/>", "the encoding UTF-16: convert the file to UTF-8"},
		{"\ufeff<?xml version='1.0' ¦encoding='utf-7'?><a/>", "the encoding utf-7: convert the file to UTF-8"},
		{"<?xml version='1.0' ¦encoding='" + long[:40] + "'?><a/>", "the encoding " + long[:40] + ": convert the file to UTF-8"},
		{"<?xml version='1.0' ¦encoding='" + long[:41] + "'?><a/>", "the encoding " + long[:40] + "…: convert the file to UTF-8"},
	} {
		at := strings.Index(tc.in, "¦")
		in := strings.Replace(tc.in, "¦", "", 1)
		before := in[:at]
		want := Error{Line: strings.Count(before, "\n") + 1, Column: utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1,
			DTD: tc.want == doctype, Detail: tc.want}
		for _, r := range readers {
			_, err := tokens(r.of(in))
			if e, ok := err.(*Error); !ok || *e != want {
				t.Errorf("%.80q from %s: %v, want %v", tc.in, r.name, err, &want)
			}
		}
	}
}

// Far behind the beginning, and after the window has moved, places are right.
func TestErrorsFarAway(t *testing.T) {
	for _, bad := range []struct {
		in  string
		col int // of the fault in what is added
	}{
		{"<b c='é&x;'/>", 8}, {"é]]>", 2}, {"<b><!--é\x00-->", 9}, {"<é:b/>", 1}, {"<b xmlns='&y;'/>", 11}, {"</b>", 1}, {"<b ID='&;'", 1},
	} {
		in := "<a>" + strings.Repeat("<b>é\n</b>", minWindow/16) + strings.Repeat("é<b c='1'/>", minWindow/8) + bad.in
		for _, r := range readers {
			if r.name == "one byte at a time" {
				continue // its window moves in the shortest document
			}
			_, err := tokens(r.of(in))
			e, ok := err.(*Error)
			// The text before a fault is in the line, too.
			if want := (minWindow/8)*11 + len("</b>") + bad.col; !ok || e.Line != 1+minWindow/16 || e.Column != want {
				t.Errorf("%q from %s: %v, want line %d, column %d", bad.in, r.name, err, 1+minWindow/16, want)
			}
		}
	}
}

func TestErrorText(t *testing.T) {
	if got, want := (&Error{Line: 2, Column: 3, Detail: "d"}).Error(), "line 2, column 3: d"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestClip(t *testing.T) {
	for _, tc := range []struct {
		in   string
		most int
		want string
	}{
		{"", 2, ""}, {"a", 2, "a"}, {"ab", 2, "ab"}, {"abc", 2, "ab…"}, {"éé", 2, "éé"}, {"ééé", 2, "éé…"}, {"a", 0, "…"},
		{"\xff", 1, "\ufffd"}, {"a\xffb", 3, "a\ufffdb"}, {"\xffb", 1, "\ufffd…"},
	} {
		if got := clip([]byte(tc.in), tc.most); got != tc.want {
			t.Errorf("%q cut to %d: %q, want %q", tc.in, tc.most, got, tc.want)
		}
	}
}

func TestLimits(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("<a>", n) + strings.Repeat("</a>", n) }
	ids := func(n int) string {
		var b strings.Builder
		b.WriteString("<a>")
		for i := range n {
			fmt.Fprintf(&b, "<b ID='%d'/>", i)
		}
		return b.String() + "</a>"
	}
	for _, tc := range []struct{ name, most, over, want string }{
		{"depth", nested(100), nested(101), "elements nested more than 100 deep"},
		{"depth, empty", strings.Repeat("<a>", 99) + "<b/><c/>" + strings.Repeat("</a>", 99), strings.Repeat("<a>", 100) + "<b/>", "elements nested more than 100 deep"},
		{"attributes", "<a" + attributes(128) + "/>", "<a" + attributes(129) + "/>", "more than 128 attributes in one element"},
		{"prefixes", "<a" + declared(128) + "/>", "<a" + declared(128) + "><b xmlns='u'/></a>", "more than 128 namespace declarations"},
		{"prefixes that come and go", "<a" + declared(127) + "><b xmlns:q='u'/><b xmlns:r='u'/><b xmlns:r='u'/></a>",
			"<a" + declared(127) + "><b xmlns:q='u' xmlns:r='u'/></a>", "more than 128 namespace declarations"},
		{"value", "<a b='" + strings.Repeat("v", 64<<10) + "'/>", "<a b='" + strings.Repeat("v", 64<<10+1) + "'/>", "an attribute of more than 64 KiB"},
		{"name", "<" + strings.Repeat("n", 1024) + "/>", "<" + strings.Repeat("n", 1025) + "/>", "a name of more than 1024 bytes"},
		{"IDs", ids(500), strings.Replace(ids(500), "'499'", "'0'", 1), "an ID that two elements have"},
	} {
		for _, r := range readers {
			if _, err := tokens(r.of(tc.most)); err != nil {
				t.Errorf("%s from %s: %v", tc.name, r.name, err)
			}
			if _, err := tokens(r.of(tc.over)); err == nil || !strings.HasSuffix(err.Error(), ": "+tc.want) {
				t.Errorf("%s from %s, one more: %v", tc.name, r.name, err)
			}
		}
	}
}

// A token of a stream must fit in the window at its largest.
func TestLongToken(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes tens of megabytes")
	}
	for head, foot := range map[string]string{"<a><!--": "--></a>", "<a>": "</a>"} {
		if _, err := tokens(NewReader(strings.NewReader(head + strings.Repeat("x", maxToken/2) + foot))); err != nil {
			t.Errorf("%s: %v", head, err)
		}
	}
	_, err := tokens(NewReader(strings.NewReader("<a>\n <!--" + strings.Repeat("x", 3*maxToken) + "--></a>")))
	if e, ok := err.(*Error); !ok || *e != (Error{2, 2, false, "a tag, comment or text of more than 16 MiB"}) {
		t.Errorf("%v", err)
	}
}

func TestMaxIDs(t *testing.T) {
	s := New([]byte("<a><b ID='1'/><b ID='2'/><b ID='3'/><b ID='3'/></a>"))
	s.MaxIDs = 2
	if _, err := tokens(s); err != nil {
		t.Errorf("more IDs than are kept: %v", err)
	}
	s = New([]byte("<a><b ID='1'/><b ID='2'/><b ID='3'/><b ID='2'/></a>"))
	s.MaxIDs = 2
	if _, err := tokens(s); err == nil {
		t.Error("an ID that is kept may be had twice")
	}
	if n := New(nil).MaxIDs; n != 65536 {
		t.Errorf("%d IDs are kept", n)
	}
}
