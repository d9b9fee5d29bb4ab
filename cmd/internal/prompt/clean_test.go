package prompt

import (
	"strings"
	"testing"
	"unicode"
)

func TestClean(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"plain", "Debian 12 鍵番 é", "Debian 12 鍵番 é"},
		{"lines", " one\r\ntwo\tthree\n", "one two three"},
		{"colour", "\x1b[31;1mred\x1b[0m", "red"},
		{"cursor", "safe\x1b[2K\x1b[1Gevil", "safeevil"},
		{"title", "a\x1b]0;evil\x07b", "ab"},
		{"title ended by ST", "a\x1b]0;evil\x1b\\b", "ab"},
		{"title without end", "a\x1b]0;evil", "a"},
		{"device string", "a\x1bP1$revil\x1b\\b", "ab"},
		{"clipboard in one-byte controls", "a\u009d52;c;evil\u009cb\u009b31mc", "abc"},
		{"other escapes", "a\x1bcb\x1b(Bc\x1b", "abc"},
		{"other controls", "a\x00\x08\x7f\u0085b\r", "ab"},
		{"bidi", "a\u202eb\u2066c\u2069d\u200fe\u061cf", "abcdef"},
		{"unseen", "a\u200b\ufeff\u00adb", "ab"},
		{"line separators", "a\u2028b\u2029c", "a b c"},
		{"not UTF-8", "a\xffb\x9bc", "a\uFFFDb\uFFFDc"},
		{"nested", "\x1b\x1b[31m[31mx", "[31mx"},
	}
	for _, tt := range tests {
		if got := Clean(tt.in); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("\x1b[31mred\u202e\x07")
	f.Fuzz(func(t *testing.T, in string) {
		for _, out := range []string{Clean(in), strings.ReplaceAll(visible(in), "\n", "")} {
			for _, r := range out {
				if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Bidi_Control, r) {
					t.Fatalf("%q holds %U", out, r)
				}
			}
		}
	})
}
