package vault

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCheckName(t *testing.T) {
	for _, good := range []string{"a", "laptop", "Laptop-2", "me.work", "a..b", "_x", "0", "a.age", "console", strings.Repeat("x", 64)} {
		if err := CheckName(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{"", ".", "..", ".hidden", "-x", "a/b", "../a", `a\b`, "a b", "a\x00", "a\n", "ä", "a:b", "a*", "$a", "~",
		"con", "NUL", "Com1", "lpt9.x", "aux.age", strings.Repeat("x", 65), "/etc/passwd"} {
		if err := CheckName(bad); !errors.Is(err, ErrBadName) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// TestEveryMethodChecksNames: no name reaches the file system unchecked.
func TestEveryMethodChecksNames(t *testing.T) {
	v := newTestVault(t)
	pass := []byte("x")
	for _, bad := range []string{"../a", "", ".lock", "a/../../b"} {
		_, create := v.Create(bad, Spec{}, pass)
		_, imported := v.Import(bad, nil, nil, pass)
		_, get := v.Get(bad)
		_, export := v.Export(bad, pass, pass, "openssh")
		_, unlock := v.Unlock(bad, pass)
		for what, err := range map[string]error{
			"Create": create, "Import": imported, "Get": get, "Export": export, "Unlock": unlock,
			"Passwd": v.Passwd(bad, pass, pass), "Rename from": v.Rename(bad, "a"), "Rename to": v.Rename("a", bad), "Remove": v.Remove(bad),
		} {
			if !errors.Is(err, ErrBadName) {
				t.Errorf("%s(%q): %v", what, bad, err)
			}
		}
	}
	if left := names(t, v); len(left) != 0 {
		t.Errorf("made %q", left)
	}
}

func TestCleanComment(t *testing.T) {
	for in, want := range map[string]string{
		"":                                  "",
		"me@laptop":                         "me@laptop",
		"  a\t\tb \r\n c  ":                 "a b c",
		"a\x00b\x1b[31mc\x7f\u0085d":        "ab[31mc d", // NEL is white space
		"evil\u202Egnp.exe\u2066x\u2069":    "evilgnp.exex",
		"two\u2028lines\u2029of":            "two lines of",
		"zero\u200bwidth\ufeff":             "zerowidth",
		"bad\xffutf8\xc3":                   "badutf8",
		"鍵番 \u00e9 \U0001F511":              "鍵番 é 🔑",
		"tag\U000E0041":                     "tag",
		"x\nssh-ed25519 AAAA another@place": "x ssh-ed25519 AAAA another@place",
		strings.Repeat("ab ", 200):          strings.Repeat("ab ", 85) + "a",
		strings.Repeat("é", 200):            strings.Repeat("é", 128),
	} {
		got := CleanComment(in)
		if got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func FuzzCleanComment(f *testing.F) {
	f.Add("a\n\u202eb")
	f.Add(strings.Repeat(" \u00e9", 200))
	f.Fuzz(func(t *testing.T, s string) {
		c := CleanComment(s)
		if len(c) > maxComment || !utf8.ValidString(c) || strings.ContainsAny(c, "\n\r\x1b\u202e\u2028") || CleanComment(c) != c || strings.TrimSpace(c) != c {
			t.Errorf("%q became %q", s, c)
		}
	})
}
