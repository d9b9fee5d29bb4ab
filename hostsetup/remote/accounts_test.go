package remote

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// functions runs a piece of shell behind the functions that inspect has.
func functions(t *testing.T, sh []string, piece string) string {
	t.Helper()
	c := exec.Command(sh[0], sh[1:]...)
	c.Stdin = strings.NewReader("KG=KG0\n" + source("common") + "trap - EXIT\n" + source("sshd") + source("accounts") + piece)
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", sh, err, out)
	}
	return string(out)
}

// TestLogins: which lines of journal and logs tell of a login by something typed, and when that was.
func TestLogins(t *testing.T) {
	day := func(ago int) time.Time { return time.Now().AddDate(0, 0, -ago) }
	iso := func(ago int) string { return day(ago).Format("2006-01-02") }
	const by = " from 192.0.2.1 port 5 ssh2"
	for _, c := range []struct{ name, log, want string }{
		{"journal", iso(3) + "T19:41:58+0000 vps sshd[225]: Accepted password for bob" + by, ":seen bob:" + iso(3)},
		{"OpenSSH 9.8 and later", iso(3) + "T19:41:58+00:00 vps sshd-session[225]: Accepted password for bob" + by, ":seen bob:" + iso(3)},
		{"auth.log", day(3).Format("Jan _2 15:04:05") + " vps sshd[225]: Accepted keyboard-interactive/pam for bob" + by, ":seen bob:" + iso(3)},
		{"busybox's log", day(3).Format("Jan _2 15:04:05") + " vps auth.info sshd[225]: Accepted password for bob" + by, ":seen bob:" + iso(3)},
		{"RFC 3339", iso(3) + "T19:41:58.123456+02:00 vps sshd[225]: Accepted password for bob" + by, ":seen bob:" + iso(3)},
		{"a name with a blank", iso(3) + "T19:41:58 vps sshd[225]: Accepted password for john from accounting" + by, ":seen john from accounting:" + iso(3)},
		{"the last of several", iso(3) + "T19:41:58 vps sshd[1]: Accepted password for bob" + by + "\n" + iso(9) + "T19:41:58 vps sshd[2]: Accepted password for bob" + by, ":seen bob:" + iso(3)},
		{"a key", iso(3) + "T19:41:58 vps sshd[225]: Accepted publickey for bob" + by + ": ED25519 SHA256:x", ":seen"},
		{"long ago", iso(40) + "T19:41:58 vps sshd[225]: Accepted password for bob" + by, ""},
		{"long ago, without a year", day(40).Format("Jan _2 15:04:05") + " vps sshd[225]: Accepted password for bob" + by, ""},
		{"a name that lies", iso(3) + "T19:41:58 vps sshd[225]: Failed password for invalid user x sshd[1]: Accepted password for bob" + by, ""},
		{"another program", iso(3) + "T19:41:58 vps evil[225]: Accepted password for bob" + by, ""},
		{"no time", "! the journal\n" + iso(3) + "T19:41:58 vps sshd[225]: Accepted publickey for bob" + by, ":unread the journal :seen"},
		{"nothing", "", ""},
	} {
		for _, sh := range shells(t) {
			got := functions(t, sh, "recent() { cat <<'END'\n"+c.log+"\nEND\n}\nlogins\n")
			if got = strings.Join(strings.Split(strings.TrimSpace(got), "\n"), " "); got != c.want {
				t.Errorf("%v, %s: %q, want %q", sh, c.name, got, c.want)
			}
		}
	}
}

// TestRecent reads real files, also compressed ones, and none that is old.
func TestRecent(t *testing.T) {
	all, folder := shells(t), t.TempDir()
	line := func(who string) string {
		return "Nov  3 10:00:00 vps sshd[1]: Accepted password for " + who + " from 192.0.2.1 port 5 ssh2\nNov  3 10:00:00 vps sshd[1]: noise\n"
	}
	for name, text := range map[string]string{"auth.log": line("now"), "auth.log.1": line("before"), "auth.log.9": line("old"), "secure": line("redhat"), "auth.log.2": line("packed")} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	long := time.Now().AddDate(0, 0, -60)
	if err := os.Chtimes(filepath.Join(folder, "auth.log.9"), long, long); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("gzip", filepath.Join(folder, "auth.log.2")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, sh := range all {
		// journalctl: there is none.
		got := functions(t, sh, "command() { [ \"$2\" != journalctl ] || return 1; [ -x \"/usr/bin/$2\" ]; }\nlogs="+Quote(folder)+"\nrecent | sed 's/.* for \\([a-z]*\\) .*/\\1/'\n")
		if got != "now\nbefore\npacked\nredhat\n" {
			t.Errorf("%v: %q", sh, got)
		}
	}
}

// TestCandidates: of which accounts sshd is asked, and what is said of their passwords. No hash is.
func TestCandidates(t *testing.T) {
	const hash = "$y$j9T$saltsaltsalt$hashhashhashhashhash"
	passwd := `root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
owner:x:1000:1000::/home/owner:/bin/bash
bob:x:1001:1001:Bob,,,:/home/bo b:/bin/bash
locked:x:1002:1002::/home/locked:/bin/bash
empty:x:1003:1003::/home/empty:
expired:x:1004:1004::/home/expired:/bin/bash
idle:x:1005:1005::/home/idle:/bin/bash
must:x:1006:1006::/home/must:/bin/bash
old:` + hash + `:1007:1007::/home/old:/bin/sh
ldap:x:2001:2001::/home/ldap:/bin/bash
ldap2:*:2002:2002::/home/ldap2:/bin/bash
junk:x:1008:1008::/home/junk:/bin/bash
bob:x:1001:1001:again:/home/bob:/bin/bash
`
	shadow := strings.ReplaceAll(`root:%:19000:0:99999:7:::
daemon:*:19000:0:99999:7:::
owner:%:19000:0:99999:7:::
bob:%:19000:0:99999:7:::
locked:!%:19000:0:99999:7:::
empty::19000:0:99999:7:::
expired:%:19000:0:99999:7::18000:
idle:%:18000:0:90:7:30::
must:%:18000:0:90:7:::
junk:NP:19000:0:99999:7:::
`, "%", hash)
	piece := "listed() { case $1 in shadow) cat <<'END'\n" + shadow + "END\n;;\npasswd) cat <<'END'\n" + passwd + "END\n;; esac; }\ngetent() { :; }\n"
	for _, c := range []struct{ name, logins, most, want string }{
		{"without logins", "", "200", "bob:1001:1001:usable::/home/bo b:/bin/bash\nempty:1003:1003:empty::/home/empty:\n" +
			"must:1006:1006:usable::/home/must:/bin/bash\nold:1007:1007:usable::/home/old:/bin/sh\n"},
		{"with logins", "ldap:2026-11-03\nroot:2026-11-03\nowner:2026-11-03\ngone:2026-11-03\nexpired:2026-11-03", "200", "bob:1001:1001:usable::/home/bo b:/bin/bash\nempty:1003:1003:empty::/home/empty:\n" +
			"must:1006:1006:usable::/home/must:/bin/bash\nold:1007:1007:usable::/home/old:/bin/sh\nldap:2001:2001:none:2026-11-03:/home/ldap:/bin/bash\n"},
		{"more than are looked at", "", "1", "bob:1001:1001:usable::/home/bo b:/bin/bash\n:more 3\n"},
	} {
		for _, sh := range shells(t) {
			if got := functions(t, sh, piece+"most="+c.most+"\npasswd=$(listed passwd)\ncandidates owner '"+c.logins+"'\n"); got != c.want {
				t.Errorf("%v, %s:\n%swant\n%s", sh, c.name, got, c.want)
			}
		}
	}
}

// TestKeyFiles: where sshd looks, as AuthorizedKeysFile has it.
func TestKeyFiles(t *testing.T) {
	for value, want := range map[string]string{
		"authorizedkeysfile .ssh/authorized_keys .ssh/authorized_keys2":         "/home/bo b/.ssh/authorized_keys\n/home/bo b/.ssh/authorized_keys2\n",
		"AuthorizedKeysFile /etc/ssh/keys/%u %h/keys /%U/%%":                    "/etc/ssh/keys/bob\n/home/bo b/keys\n/1001/%\n",
		"authorizedkeysfile none":                                               "",
		"strictmodes yes\nauthorizedkeysfile a&b\nauthorizedkeyscommand /bin/x": "/home/bo b/a&b\n",
	} {
		for _, sh := range shells(t) {
			if got := functions(t, sh, "printf '%s\\n' '"+value+"' | key_files bob 1001 '/home/bo b'\n"); got != want {
				t.Errorf("%v, %s: %q", sh, value, got)
			}
		}
	}
}

// TestKeys: what is told of a file: the lines that may hold keys, and the modes up to the home folder, through links.
func TestKeys(t *testing.T) {
	for _, sh := range shells(t) {
		home := t.TempDir()
		write(t, home, "# comment\n\nssh-ed25519 AAAA bob\n  # another\n")
		link := filepath.Join(t.TempDir(), "home")
		if err := os.Symlink(home, link); err != nil {
			t.Fatal(err)
		}
		got := functions(t, sh, "keys bob "+Quote(link)+" "+Quote(link+"/.ssh/authorized_keys")+"\nkeys bob "+Quote(link)+" "+Quote(link+"/.ssh/authorized_keys2")+"\n")
		a, err := Parse(Inspect, "0", []byte(got+"KG0 done 0\n"))
		if err != nil {
			t.Fatal(err)
		}
		where := "bob:" + link + "/.ssh/authorized_keys"
		if files := a.All("keyfile"); len(files) != 1 || files[0] != where {
			t.Errorf("%v: files %q", sh, files)
		}
		if lines, _ := a.Text("lines " + where); lines != "ssh-ed25519 AAAA bob\n" {
			t.Errorf("%v: lines %q", sh, lines)
		}
		modes, _ := a.Text("modes " + where)
		lines := strings.Split(strings.TrimSpace(modes), "\n")
		if len(lines) != 3 || !strings.HasSuffix(lines[2], " "+home) {
			t.Errorf("%v: modes %q", sh, modes)
		}
	}
}

// TestConfigFiles: sshd passes over a carriage return at the end of an Include, and over quotes.
func TestConfigFiles(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{"10-a.conf": "UseDNS no\n", "20-b.conf": "UsePAM no\n",
		"main": "Include " + folder + "/10-*.conf\r\ninclude=\"" + folder + "/20-b.conf\" # ours\r\nInclude " + folder + "/none/*\r\n"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, sh := range shells(t) {
		said := functions(t, sh, "cd() { :; }\n"+source("config")+"\nconfig_files "+Quote(folder+"/main")+"\n")
		for _, name := range []string{"main", "10-a.conf", "20-b.conf"} {
			if !strings.Contains(said, "KG0 quote config "+folder+"/"+name+"\n") {
				t.Errorf("%v: %s is not told:\n%s", sh, name, said)
			}
		}
	}
}

// TestUnsettled: what a change that is not over waits for.
func TestUnsettled(t *testing.T) {
	for _, c := range []struct{ files, want string }{
		{"", ""},
		{"echo token 999999999 owner >\"$run/pending\"", "pending\n"},
		{"echo token 1 owner >\"$run/pending\"", ""}, // its time is over
		{"echo token 1 owner >\"$run/undoing\"; echo 'sshd refuses: it' >\"$run/token/why\"", "undoing: sshd refuses: it\n"},
	} {
		for _, sh := range shells(t) {
			run := Quote(t.TempDir())
			if got := functions(t, sh, "run="+run+"\nmkdir \"$run/token\"\nsleep() { :; }\n"+c.files+"\nunsettled\n"); got != c.want {
				t.Errorf("%v, %s: %q, want %q", sh, c.files, got, c.want)
			}
		}
	}
}
