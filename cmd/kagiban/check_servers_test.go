package main

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"kagiban/scripts/vpstest"
)

// TestCheckSeveral: servers are looked at at once, each has its own verdict, and they stand in the order of their names; one that does not answer keeps
// nobody waiting.
func TestCheckSeveral(t *testing.T) {
	hosts, c := vpstest.Many(t, []string{"", "", ""}, "sudo=nopasswd"), newClient(t)
	for i, name := range []string{"c", "a", "b"} {
		c.must(c.add(hosts[i], "--name", name)...)
	}
	hosts[0].Exec("rm /etc/ssh/sshd_config.d/00-kagiban.conf; " + vpstest.Reload)
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

// TestCloudInitAgain: the real cloud-init sets a key-only server up once more, as it does when a provider restores or copies it, and turns passwords on.
// In a file of its own that changes nothing as long as ours stands; over our lines in sshd_config it writes.
func TestCloudInitAgain(t *testing.T) {
	const seed = "mkdir -p /var/lib/cloud/seed/nocloud; cd /var/lib/cloud/seed/nocloud; echo 'instance-id: one' >meta-data\n" +
		"printf '#cloud-config\\nssh_pwauth: true\\nssh_deletekeys: false\\nusers: []\\n' >user-data\n" +
		"printf 'datasource_list: [NoCloud]\\nnetwork: {config: disabled}\\n' >/etc/cloud/cloud.cfg.d/99-here.cfg\n"
	h, c := vpstest.Up(t, seed, "base=cloud"), newClient(t)
	done := func() {
		t.Helper()
		c.until(120*time.Second, "over", func() string { // "error": not all of its modules are at home on a throwaway server
			state := strings.TrimSpace(h.Exec("cloud-init status | sed -n 's/^status: //p'"))
			return map[bool]string{true: "over", false: state}[state == "done" || state == "error"]
		})
	}
	again := func(instance int) {
		t.Helper()
		h.Exec("rm -f /etc/ssh/sshd_config.d/50-cloud-init.conf; echo 'instance-id: " + strconv.Itoa(instance) + "' >/var/lib/cloud/seed/nocloud/meta-data")
		h.Reboot(false)
		done()
	}
	done()
	c.onceMore(h)
	c.wellAgain(h)
	again(2)
	if text := h.Exec("cat /etc/ssh/sshd_config.d/50-cloud-init.conf"); text != "PasswordAuthentication yes\n" {
		t.Errorf("cloud-init wrote %q", text)
	}
	c.wellAgain(h)
	h.Exec("rm /etc/ssh/sshd_config.d/00-kagiban.conf; " + vpstest.Reload)
	c.finds(h, "drop-in-gone 50-cloud-init.conf:1 says passwordauthentication yes (cloud-init writes that file)", "password-offered owner@vps1")
	h.Exec("rm /etc/ssh/sshd_config.d/*; sed -i '/^Include/d' /etc/ssh/sshd_config; " + vpstest.Reload)
	c.onceMore(h)
	c.wellAgain(h)
	again(3)
	fixes := c.finds(h, "drop-in-edited /etc/ssh/sshd_config:4", "password-offered owner@vps1", "password-offered root@vps1")
	c.typeIn(h, fixes[0])
	c.wellAgain(h)
}
