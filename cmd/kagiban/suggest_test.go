package main

import "testing"

func TestClosest(t *testing.T) {
	names := []string{"status", "host", "unlock", "lock", "env", "key"}
	for word, want := range map[string]string{
		"statsu": "status", "sttus": "status", "stat": "status", "hots": "host", "unlok": "unlock", "loc": "lock",
		"evn": "env", "ky": "key", "list": "", "unlcko": "unlock", "x": "", "abc": "", "frobnicate": "", "": "", "鍵": "",
	} {
		if got := closest(word, names); got != want {
			t.Errorf("%q gives %q, want %q", word, got, want)
		}
	}
}
