package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kagiban/hostsetup/book"
	"kagiban/scripts/vpstest"
)

// TestRecovery: a key to keep elsewhere is let in and proved on the hosts that can be reached, a second run goes on with it, and on the day it
// opens the server from a computer that has nothing else, also as PuTTYgen saves it.
func TestRecovery(t *testing.T) {
	h, laptop := vpstest.Up(t, "", "sudo=nopasswd"), newClient(t)
	laptop.must(laptop.add(h)...)
	pages := book.Book{Path: filepath.Join(laptop.home, "hosts.toml")}
	page, err := pages.Find("vps1")
	if err != nil {
		t.Fatal(err)
	}
	page.Name, page.Port = "vps2", 9 // which is down
	if err := pages.Put(t.Context(), page); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "recovery")
	run := []string{"key", "recovery", "vps1", "vps2", "-o", file, "-F", laptop.config, "--passphrase-file", laptop.passphrase, "--new-passphrase-file", laptop.secretFile("kept elsewhere")}
	out, talk, code := laptop.kagiban(run...)
	if code != 1 || !strings.Contains(out, "vps1: the recovery key is in, and opens it") || strings.Contains(out, "vps2") ||
		!strings.Contains(talk, "next: kagiban key recovery vps2 -o "+file) || !strings.Contains(talk, "next: ssh -i "+file+" owner@"+h.Addr) {
		t.Errorf("with one host down: exit %d", code)
	}
	made := laptop.read(file)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	public, err := exec.Command("ssh-keygen", "-y", "-P", "kept elsewhere", "-f", file).Output()
	if err != nil || !strings.HasSuffix(h.Exec("cat "+keysFile), string(public)) {
		t.Errorf("the key's line is %s, %v", public, err)
	}
	if page, err := pages.Find("vps1"); err != nil || len(page.Proved) < 2 {
		t.Errorf("proved: %v, %v", page.Proved, err)
	}

	page.Port = 22 // up again
	if err := pages.Put(t.Context(), page); err != nil {
		t.Fatal(err)
	}
	before := h.Snapshot()
	if out, _, code := laptop.kagiban(run...); code != 0 || strings.Count(out, "was in already, and opens it") != 2 || laptop.read(file) != made || h.Snapshot() != before {
		t.Errorf("the second run: exit %d, %s", code, out)
	}

	run[slices.Index(run, "-o")+1] = file + "-second"
	first, _, _ := strings.Cut(string(public), "\n")
	if _, _, code := laptop.kagiban(run...); code != 0 || !strings.HasSuffix(h.Exec("cat "+keysFile), " "+strings.Fields(first)[2]+"-2\n") {
		t.Errorf("another one on the same day: exit %d, %s", code, h.Exec("cat "+keysFile))
	}

	desk := newComputer(t, "desk").answering("kept elsewhere")
	login := exec.Command("ssh", "-F", desk.config, "-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=no", "-i", file, "owner@"+h.Addr, "id", "-un")
	login.Env = append(os.Environ(), desk.env...)
	detach(login)
	if out, err := login.Output(); err != nil || string(out) != "owner\n" {
		t.Errorf("ssh -i: %s, %v", out, err)
	}
	if out, err := exec.Command("puttygen", file, "--old-passphrase", laptop.secretFile("kept elsewhere"), "--new-passphrase", laptop.secretFile("of PuTTY"), "-O", "private", "-o", file+".ppk").CombinedOutput(); err != nil {
		t.Fatalf("puttygen: %v, %s", err, out)
	}
	add := []string{"host", "add", "-i", file + ".ppk", "--identity-passphrase-file", laptop.secretFile("of PuTTY"), "owner@" + h.Addr, "--name", "vps1", "-F", desk.config, "--passphrase-file", desk.passphrase, "--accept-new", "--yes"}
	if out, _, code := desk.kagiban(add...); code != 0 || !strings.Contains(out, "vps1 is key-only") {
		t.Errorf("host add -i: exit %d, %s", code, out)
	}
}
