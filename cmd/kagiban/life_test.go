package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"kagiban/vault"
)

func TestParseLife(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"8h": 8 * time.Hour, "30m": 30 * time.Minute, "1h30m": 90 * time.Minute, "90": 90 * time.Second, "2D": 48 * time.Hour,
		"1w": 168 * time.Hour, "10s": 10 * time.Second, "4294967295": (1<<32 - 1) * time.Second,
	} {
		if got, err := parseLife(text); got != want || err != nil {
			t.Errorf("%s: %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "0", "0h", "h", "1.5h", "-1", "1y", "1h m", "4294967296", "9999w", "8h ", "١h"} {
		if got, err := parseLife(text); err == nil {
			t.Errorf("%q is taken for %v", text, got)
		}
	}
}

// TestHostClient: whatever a computer is called, the name is one that a key can have.
func TestHostClient(t *testing.T) {
	for host, want := range map[string]string{
		"laptop": "laptop", "laptop.example.org": "laptop", "Taro's MacBook": "Taro-s-MacBook", "鍵番": "computer", "": "computer",
		"-x-": "x", "nul": "computer", strings.Repeat("a", 70): strings.Repeat("a", 64), "DESKTOP_1": "DESKTOP_1", ".local": "computer",
	} {
		got := hostClient(func() (string, error) { return host, nil })
		if got != want || vault.CheckName(got) != nil {
			t.Errorf("%q becomes %q, want %q", host, got, want)
		}
	}
	if got := hostClient(func() (string, error) { return "", os.ErrInvalid }); got != "computer" {
		t.Errorf("%q", got)
	}
}
