package main

import "testing"

func TestIsFile(t *testing.T) {
	for asked, want := range map[string]bool{"laptop": false, "SHA256:bG7QpLUzkJeOoQY73JjuNV90zr6n/LL9nDn4+yjVn8I": false, "laptop.pub": true, "./laptop": true, `C:\keys\id`: true} {
		if got := isFile(asked); got != want {
			t.Errorf("%s: %v", asked, got)
		}
	}
}
