package main

import (
	"strings"
	"testing"
)

// TestGetopt: as getopt(3) reads them on BSD.
func TestGetopt(t *testing.T) {
	for line, want := range map[string]string{
		"":               "|",
		"-s":             "s|",
		"-sU":            "s U|",
		"-s -U x -c":     "s U|x -c",
		"-a here -s":     "a=here s|",
		"-sahere":        "s a=here|",
		"-a -s":          "a=-s|",
		"-a -- -s":       "a=-- s|",
		"-s -- -U":       "s|-U",
		"-s -":           "s|-",
		"-s--":           "unknown option -- -",
		"--serving=":     "unknown option -- -",
		"-sx":            "unknown option -- x",
		"-:":             "unknown option -- :",
		"-s -a":          "option requires an argument -- a",
		"command -a -s":  "|command -a -s",
		"-a= command -s": "a==|command -s",
	} {
		var took []string
		rest, err := getopt(strings.Fields(line), "csUa:", func(letter byte, value string) error {
			if value != "" {
				value = "=" + value
			}
			took = append(took, string(letter)+value)
			return nil
		})
		got := strings.Join(took, " ") + "|" + strings.Join(rest, " ")
		if err != nil {
			got, _, _ = strings.Cut(err.Error(), "\n")
		}
		if got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}
