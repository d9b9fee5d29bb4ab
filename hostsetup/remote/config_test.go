package remote

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSingles: whether any file of sshd's speaks of some logins only. Where that is not seen for sure, each account is asked about.
func TestSingles(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{"plain": "PasswordAuthentication no\n# Match User x\n", "match": "Port 22\n\t mAtCh\tUser bob\n"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for text, want := range map[string]string{
		"Include FOLDER/plain\n":                       "all",
		"Include FOLDER/no*\nMatchless yes\n":          "some",
		"Include FOLDER/match\n":                       "some",
		"Include FOLDER/pl* FOLDER/ma*\n":              "some",
		"=Include FOLDER/match\n":                      "some",
		" = Include FOLDER/match\n":                    "some",
		"Inc\"lude\" FOLDER/match\n":                   "some",
		"Match all\n":                                  "some",
		"\"Match\" User bob\n":                         "some",
		"Include \"FOLDER/a folder/x\"\n":              "some",
		"Include FOLDER/pla\\in\n":                     "some",
		"UsePAM yes\nBanner /etc/match\n#Include \"\n": "all",
	} {
		file := filepath.Join(folder, "config")
		if err := os.WriteFile(file, []byte(strings.ReplaceAll(text, "FOLDER", folder)), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, sh := range shells(t) {
			piece := source("config") + "if singles $(config_list " + Quote(file) + "); then echo some; else echo all; fi\n"
			if got := strings.TrimSpace(functions(t, sh, piece)); got != want {
				t.Errorf("%v: %q: %s, want %s", sh, text, got, want)
			}
		}
	}
}
