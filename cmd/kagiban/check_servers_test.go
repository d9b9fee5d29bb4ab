package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"kagiban/scripts/vpstest"
)

// TestCheckSeveral: servers are looked at at once, each has its own verdict, and they stand in the order of their names; one that does not answer keeps
// nobody waiting.
func TestCheckSeveral(t *testing.T) {
	hosts, c := vpstest.Many(t, []string{"", "", ""}, "sudo=nopasswd"), newClient(t)
	for i, name := range []string{"c", "a", "b"} {
		if _, _, code := c.kagiban(c.add(hosts[i], "--name", name)...); code != 0 {
			t.Fatalf("%s: exit %d", name, code)
		}
	}
	hosts[0].Exec("rm /etc/ssh/sshd_config.d/00-kagiban.conf; systemctl reload ssh")
	hosts[1].Exec("systemctl stop ssh")
	for _, s := range []struct {
		names, want string
		code        int
	}{
		{"", "a:connection-refused b: c:drop-in-gone", 1}, // no code that all failures share
		{"c b c", "c:drop-in-gone b:", 4},
		{"b a", "b: a:connection-refused", 1},
		{"b", "b:", 0},
		{"b nobody", "b: nobody:no-host", 1},
	} {
		args := append([]string{"host", "check", "-F", c.config, "--passphrase-file", c.passphrase, "--json"}, strings.Fields(s.names)...)
		stdout, _, code := c.kagiban(args...)
		var out struct{ Hosts []checkedHost }
		if err := json.Unmarshal([]byte(stdout), &out); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, h := range out.Hosts {
			problem := ""
			for _, p := range h.Problems {
				if p.ID != "password-offered" {
					problem = p.ID
				}
			}
			got = append(got, h.Name+":"+problem)
			if h.KeyOnly != (h.Name == "b") {
				t.Errorf("%s: key_only %v", h.Name, h.KeyOnly)
			}
		}
		if strings.Join(got, " ") != s.want || code != s.code {
			t.Errorf("%q: exit %d, %q; want %d, %q", s.names, code, got, s.code, s.want)
		}
	}
	stdout, _, code := c.kagiban("host", "list", "--json")
	var listed struct{ Hosts []listedHost }
	if err := json.Unmarshal([]byte(stdout), &listed); err != nil || code != 0 {
		t.Fatal(err)
	}
	var shut []string
	for _, h := range listed.Hosts {
		if h.KeyOnly {
			shut = append(shut, h.Name)
		}
	}
	if !slices.Equal(shut, []string{"a", "b"}) { // what could not be asked is as it was known
		t.Errorf("the book has %q as key-only", shut)
	}
}
