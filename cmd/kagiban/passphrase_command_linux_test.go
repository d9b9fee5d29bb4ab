package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// block is the sh block below a heading of a text in docs.
func block(t *testing.T, doc, heading string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", doc))
	if err != nil {
		t.Fatal(err)
	}
	_, below, found := strings.Cut(string(text), "\n## "+heading)
	section, _, _ := strings.Cut(below, "\n## ")
	_, below, begins := strings.Cut(section, "```sh\n")
	lines, _, ends := strings.Cut(below, "```")
	if !found || !begins || !ends {
		t.Fatalf("%s: no commands for %q", doc, heading)
	}
	return lines
}

// TestPassphraseCommands runs what docs/passphrase-command.md says for Linux, word by word, with the real stores: the passphrase is put
// into the store, and the store's command unlocks the key.
func TestPassphraseCommands(t *testing.T) {
	for name, store := range map[string]struct{ heading, before, typed, after, around string }{
		"pass": {
			heading: "Linux: pass",
			before:  "mkdir -m 700 $GNUPGHOME; gpg --batch --quiet --passphrase '' --quick-generate-key me@desk; pass init me@desk",
			typed:   "correct horse\ncorrect horse\n",
			after:   "gpgconf --kill all",
		},
		"secret-tool": {
			heading: "Linux: GNOME Keyring",
			before:  "echo what the login would say | gnome-keyring-daemon --unlock --components=secrets --daemonize",
			typed:   "correct horse",
			around:  "dbus-run-session --",
		},
		"systemd-creds": {
			heading: "Linux: systemd-creds",
			before: `mkdir stubs; PATH=$PWD/stubs:$PATH; printf '#!/bin/sh\nexec "$@"\n' >stubs/sudo` + "\n" + // root we are or need not be, and
				`printf '#!/bin/sh\nprintf "correct horse"\n' >stubs/systemd-ask-password; chmod 700 stubs/*`, // who asks is not what is tried
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			home := lockedHomeAt(t) // its path is short enough for the sockets of gpg
			bin := filepath.Dir(builtBinary(t))
			lines := block(t, "passphrase-command.md", store.heading)
			put, unlock, found := strings.Cut(lines, "kagiban unlock")
			if !found {
				t.Fatal(lines)
			}
			script := "set -eu\ntrap 'kagiban agent stop; " + store.after + "' EXIT\nkagiban agent start\n" + store.before + "\n{\n" + put + "} <typed\n" +
				"kagiban unlock" + unlock + "kagiban key list\n"
			shell := exec.Command("sh", "-c", script)
			if store.around != "" {
				shell = exec.Command("sh", "-c", store.around+` sh -c "$0"`, script)
			}
			shell.Dir = home
			if err := os.WriteFile(filepath.Join(home, "typed"), []byte(store.typed), 0o600); err != nil {
				t.Fatal(err)
			}
			shell.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "HOME="+home, "KAGIBAN_HOME="+home, "XDG_RUNTIME_DIR="+home,
				"XDG_DATA_HOME=", "XDG_CONFIG_HOME=", "SSH_ASKPASS_REQUIRE=never", "GNUPGHOME="+home+"/g", "PASSWORD_STORE_DIR=", "DBUS_SESSION_BUS_ADDRESS=",
				"SYSTEMD_CREDENTIAL_SECRET="+home+"/secret") // not this machine's own
			detach(shell)
			out, err := shell.CombinedOutput()
			if err != nil || !strings.Contains(string(out), "unlocked laptop") || strings.Contains(string(out), "correct horse") {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}
