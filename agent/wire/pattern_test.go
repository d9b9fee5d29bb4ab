package wire

import (
	"strings"
	"testing"
)

func TestMatchPattern(t *testing.T) {
	for _, test := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true}, {"", "a", false}, {"a", "a", true}, {"a", "ab", false}, {"*", "", true}, {"*", "abc", true},
		{"a*", "abc", true}, {"*c", "abc", true}, {"a*c", "abbc", true}, {"a*c", "abcd", false}, {"?", "a", true}, {"?", "", false},
		{"*.example.org", "b.example.org", true}, {"*.example.org", "example.org", false}, {"a?c*e", "abcdde", true}, {"**a", "ba", true},
		{strings.Repeat("*a", 100) + "b", strings.Repeat("a", 200), false},
	} {
		if got := MatchPattern(test.pattern, test.text); got != test.want {
			t.Errorf("%q, %q: %v", test.pattern, test.text, got)
		}
	}
}

func TestMatchPatternList(t *testing.T) {
	const usual = "/usr/lib*/*,/usr/local/lib*/*"
	for _, test := range []struct {
		text, list string
		want       bool
	}{
		{"/usr/lib/a.so", usual, true},
		{"/usr/lib64/x/a.so", usual, true},
		{"/usr/local/lib/a.so", usual, true},
		{"/usr/libexec/a.so", usual, true},
		{"/usr/lib", usual, false},
		{"/tmp/usr/lib/a.so", usual, false},
		{"/home/a/usr/lib/a.so", usual, false},
		{"/usr/lib/bad/a.so", usual + ",!/usr/lib/bad/*", false},
		{"/usr/lib/bad/a.so", "!/usr/lib/bad/*," + usual, false},
		{"/usr/lib/good/a.so", "!/usr/lib/bad/*," + usual, true},
		{"/a", "!/b", false},
		{"/a", "/?", true},
		{"/", "/?", false},
		{"/a", "", false},
		{"", "", false},
		{"/a", "none", false},
		{"/aXbXc", "/a*b*c", true},
		{"/aXbXcd", "/a*b*c", false},
		{"/A", "/a", false},
		{"/ab", "**?b*", true},
		{"ssh:me", "ssh:??", true},
		{"ssh:m", "ssh:??", false},
		{"example.com", "*.com,!example.*", false},
		{"example.com", "!example.*,*.com", false},
		{"other.com", "!example.*,*.com", true},
		{"other.com", "!example.*", false},
		{"a", "", false},
		{"", "*", true},
		{"a*b", "a*b", true},
		{"Axb", "a*b", false},
	} {
		if got := MatchPatternList(test.list, test.text); got != test.want {
			t.Errorf("%q in %q: %v", test.text, test.list, got)
		}
	}
}
