package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kagiban/scripts/vpstest"
)

const (
	forRoot    = "of root alone"
	rootHasOne = "echo 'root:" + forRoot + "' | chpasswd\n"
	noSudoer   = "gpasswd -d owner sudo\n"
)

func sudoers(line string) string {
	return "echo '" + line + "' >/etc/sudoers.d/10-local\nchmod 440 /etc/sudoers.d/10-local\n"
}

func doasConf(line string) string {
	return "echo '" + line + "' >/etc/doas.conf\nchmod 400 /etc/doas.conf\n"
}

// scenariosRoot are the ways from a login to root, and the lack of one.
var scenariosRoot = []scenario{
	{number: 34, name: "sudo wants a terminal", hook: sudoers("Defaults requiretty"), result: "key-only", offers: keysOnly},
	{number: 34, name: "sudo wants a terminal and no password", variant: true, hook: sudoers("Defaults requiretty"), options: []string{"sudo=nopasswd"}, result: "key-only", offers: keysOnly},
	{number: 34, name: "sudo on a terminal of its own", variant: true, hook: sudoers("Defaults requiretty, use_pty"), result: "key-only", offers: keysOnly},
	{number: 34, name: "sudo wants a terminal, init.d", variant: true, hook: sudoers("Defaults requiretty"), options: []string{"init=sysv"}, result: "key-only", offers: keysOnly},
	{number: 34, name: "sudo lectures", hook: sudoers("Defaults lecture=always"), result: "key-only", offers: keysOnly},
	{number: 34, name: "sudo lectures on a terminal", variant: true, hook: sudoers("Defaults lecture=always, requiretty"), result: "key-only", offers: keysOnly},

	{number: 35, name: "su", hook: rootHasOne, options: []string{"sudo=none"}, forRoot: forRoot, result: "key-only", offers: keysOnly, after: noFailure},
	{number: 35, name: "su, init.d", variant: true, hook: rootHasOne, options: []string{"sudo=none", "init=sysv"}, forRoot: forRoot, result: "key-only", offers: keysOnly},
	{number: 35, name: "su, and root's shell is fish", variant: true, hook: rootHasOne + "usermod -s /usr/bin/fish root; usermod -s /usr/bin/fish owner", options: []string{"sudo=none"}, forRoot: forRoot, result: "key-only", offers: keysOnly},
	{number: 35, name: "su, and sh is busybox", hook: rootHasOne + "ln -sf busybox /bin/sh", options: []string{"sudo=none"}, forRoot: forRoot, result: "key-only", offers: keysOnly},
	{number: 35, name: "su, and tools that complain", variant: true, hook: rootHasOne + complaining, options: []string{"sudo=none"}, forRoot: forRoot, result: "key-only", offers: keysOnly},
	{number: 35, name: "su without a terminal", hook: rootHasOne + "sed -i '1i PermitTTY no' /etc/ssh/sshd_config", options: []string{"sudo=none"}, forRoot: forRoot, result: "key-only", offers: keysOnly},
	{number: 35, name: "su, and no password for it", hook: tellingSu, options: []string{"sudo=none"}, code: 4, result: "installed", offers: passwords,
		says: "sudo: not there; doas: it does not permit owner; su: no password for it", after: suUntried},
	{number: 35, name: "su, and not root's password", hook: rootHasOne, options: []string{"sudo=none"}, forRoot: "another", code: 4, result: "installed", offers: passwords, says: "su: the password was not root's, or root is locked"},
	{number: 35, name: "su, and root is locked", options: []string{"sudo=none"}, forRoot: "any", code: 4, result: "installed", offers: passwords, says: "su: the password was not root's, or root is locked"},
	{number: 35, name: "doas", hook: doasConf("permit owner"), options: []string{"sudo=none"}, result: "key-only", offers: keysOnly},
	{number: 35, name: "doas, init.d", variant: true, hook: doasConf("permit owner"), options: []string{"sudo=none", "init=sysv"}, result: "key-only", offers: keysOnly},
	{number: 35, name: "doas without a password", hook: doasConf("permit nopass owner"), options: []string{"sudo=none"}, result: "key-only", offers: keysOnly},
	{number: 35, name: "doas without a terminal", variant: true, hook: doasConf("permit nopass owner") + "sed -i '1i PermitTTY no' /etc/ssh/sshd_config", options: []string{"sudo=none"}, result: "key-only", offers: keysOnly},
	{number: 35, name: "doas asks, and there is no terminal", hook: doasConf("permit owner") + "sed -i '1i PermitTTY no' /etc/ssh/sshd_config", options: []string{"sudo=none"}, code: 4, result: "installed", offers: passwords, says: "doas: it asks for a password on a terminal only, and there is none; su: no password for it"},
	{number: 35, name: "doas is for others", variant: true, hook: doasConf("permit backup"), options: []string{"sudo=none"}, code: 4, result: "installed", offers: passwords, says: "doas: it does not permit owner; su"},
	{number: 35, name: "none of them", hook: "rm -f /usr/bin/su /bin/su /usr/bin/doas", options: []string{"sudo=none"}, code: 4, result: "installed", offers: passwords,
		says: "sudo: not there; doas: not there; su: not there"},

	{number: 2, name: "no sudoer", hook: noSudoer, code: 4, result: "installed", offers: passwords, says: "sudo: owner is not in the sudoers file; doas: it does not permit owner; su: no password for it"},
	{number: 2, name: "no sudoer, but su", hook: noSudoer + rootHasOne, forRoot: forRoot, result: "key-only", offers: keysOnly},
	{number: 2, name: "no sudoer, but doas", variant: true, hook: noSudoer + doasConf("permit owner"), result: "key-only", offers: keysOnly},
	{number: 2, name: "sudo for some commands", hook: noSudoer + sudoers("owner ALL=(ALL) /usr/bin/id"), code: 4, result: "installed", offers: passwords, says: "sudo: owner may run only some commands by it; doas: "},
	{number: 2, name: "sudo wants root's password", hook: rootHasOne + sudoers("Defaults rootpw"), forRoot: forRoot, result: "key-only", offers: keysOnly, after: noFailure},
	{number: 2, name: "sudo wants the target's password", variant: true, hook: rootHasOne + sudoers("Defaults targetpw"), forRoot: forRoot, result: "key-only", offers: keysOnly},
	{number: 2, name: "sudo wants root's password, which nobody knows", hook: rootHasOne + sudoers("Defaults rootpw"), code: 5, result: "failed", offers: passwords, untouched: true,
		says: "the password of root@vps1 for sudo is needed"},
	{number: 2, name: "sudo does not get root's password", hook: rootHasOne + sudoers("Defaults rootpw"), forRoot: "another", code: 1, result: "failed", offers: passwords, untouched: true,
		says: "sudo: the password was not it; doas: "},
	{number: 2, name: "sudo does not get the password", do: wrongForSudo},
	{number: 2, name: "a password is no command", do: passwordIsNoCommand},
	{number: 41, name: "the client is killed, on su's terminal", hook: rootHasOne, options: []string{"sudo=none"}, do: killedOnATerminal},
	{number: 41, name: "the client is killed, on su's terminal, init.d", variant: true, hook: rootHasOne, options: []string{"sudo=none", "init=sysv"}, do: killedOnATerminal},
	{number: 35, name: "su, and somebody is asked", hook: rootHasOne, options: []string{"sudo=none"}, do: askedForSu},
	{number: 35, name: "a su that repeats what it hears", hook: oddSu, options: []string{"sudo=none"}, forRoot: forRoot, code: 4, result: "installed", offers: passwords,
		says: "su: no good: (the password)", after: neverEchoed},
	{number: 35, name: "undo by su", hook: rootHasOne, options: []string{"sudo=none"}, do: undoBy(forRoot)},
	{number: 35, name: "undo by doas", variant: true, hook: doasConf("permit owner"), options: []string{"sudo=none"}, do: undoBy("")},
}

// tellingSu leaves a trace when it is begun. A failed su looks like an attack.
const tellingSu = `su=$(command -v su)
rm -f "$su"
printf '#!/bin/sh\ntouch /tmp/begun\n' >"$su"
chmod 755 "$su"
`

func suUntried(t *testing.T, h *vpstest.Host, _ *client) {
	if h.Exec("ls /tmp/begun 2>/dev/null || true") != "" {
		t.Error("su was begun, without a password for it")
	}
}

// noFailure: no way to root was given a password that is not its own. A server counts these.
func noFailure(t *testing.T, h *vpstest.Host, _ *client) {
	if got := h.Exec("journalctl -q --no-pager -o cat -t su -t sudo -t unix_chkpwd | grep -i -e failure -e incorrect || true"); got != "" {
		t.Errorf("a password that is not it was given: %s", got)
	}
}

// complaining: on a terminal there is one output for all, and what a tool complains of is no part of an answer.
const complaining = `cat=$(command -v cat)
mv "$cat" "$cat.real"
printf '#!/bin/sh\necho "cat: it rains" >&2\nexec %s.real "$@"\n' "$cat" >"$cat"
chmod 755 "$cat"
`

// oddSu asks, looks whether the terminal would show the answer, and tells it.
const oddSu = `su=$(command -v su)
rm -f "$su"
cat >"$su" <<'SU'
#!/bin/sh
stty -a >/tmp/terminal
printf 'Password: '
read -r answer
echo "su: no good: $answer"
exit 1
SU
chmod 755 "$su"
`

func neverEchoed(t *testing.T, h *vpstest.Host, _ *client) {
	if got := h.Exec("grep -c -e ' -echo ' /tmp/terminal || true"); got != "1\n" {
		t.Errorf("the terminal shows what is typed: %s", h.Exec("cat /tmp/terminal"))
	}
}

// killedOnATerminal: when the client dies its terminals hang up. The undo does not hang on them.
func killedOnATerminal(t *testing.T, h *vpstest.Host, c *client) {
	before := sshdFiles(h)
	c.dieInForce(h, "10s", "--sudo-password-file", c.secretFile(forRoot))
	c.until(60*time.Second, passwords, func() string { return c.offered(h.User, h.Addr) })
	if after := sshdFiles(h); after != before {
		t.Errorf("sshd's files:\n%s", after)
	}
}

// askedForSu: who is asked for root's password may have none; may give a wrong one, and is asked again.
func askedForSu(t *testing.T, h *vpstest.Host, c *client) {
	folder := t.TempDir()
	askpass, answers := filepath.Join(folder, "askpass"), filepath.Join(folder, "answers")
	script := "#!/bin/sh\necho \"$1\" >>'" + folder + "/asked'\nanswer=$(head -n 1 '" + answers + "')\nsed -i 1d '" + answers + "'\n[ \"$answer\" != cancel ] || exit 1\necho \"$answer\"\n"
	if err := os.WriteFile(askpass, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, s := range []struct {
		answers string
		code    int
		says    string
	}{
		{"\n", 4, "su: no password for it"},
		{"another\n\n", 4, "su: the password was not root's"},
		{"another\ncancel\n", 5, "without an answer"},
		{"another\n" + forRoot + "\n", 0, "that was not it"},
	} {
		c.write(answers, s.answers)
		cmd := c.command(c.add(h)...)
		cmd.Env = append(cmd.Env, "SSH_ASKPASS="+askpass, "SSH_ASKPASS_REQUIRE=force")
		out, err := cmd.CombinedOutput()
		t.Logf("%v\n%s", err, out)
		if cmd.ProcessState.ExitCode() != s.code || !strings.Contains(string(out), s.says) {
			t.Errorf("%q: exit %d; want %d and %q", s.answers, cmd.ProcessState.ExitCode(), s.code, s.says)
		}
	}
	if asked, err := os.ReadFile(folder + "/asked"); err != nil || strings.Count(string(asked), "password of root@vps1, for su") != 7 {
		t.Errorf("%v: asked %q", err, asked)
	}
}

// wrongForSudo: the login is by key, and what sudo is given is not the password.
func wrongForSudo(t *testing.T, h *vpstest.Host, c *client) {
	c.must(c.add(h, "--no-enforce")...)
	before := h.Snapshot()
	_, stderr, code := c.kagiban(c.add(h, "--sudo-password-file", c.secretFile("another"))...)
	if code != 1 || !strings.Contains(stderr, "sudo: the password was not it; ") || !strings.Contains(stderr, "--sudo-password-file FILE") || h.Snapshot() != before {
		t.Errorf("exit %d", code)
	}
	if strings.Contains(stderr, "another") {
		t.Error("the password is told")
	}
}

// passwordIsNoCommand: none of these asks for a password, and each runs a shell that would take one for a command; and the login's shell
// talks as if it asked.
func passwordIsNoCommand(t *testing.T, h *vpstest.Host, c *client) {
	h.PasswordFile = c.secretFile("touch /run/oops")
	h.Exec("echo 'owner:touch /run/oops' | chpasswd; printf 'printf \"Password: \"; sleep 1\\n' >/home/owner/.bashrc")
	for _, way := range []string{
		"echo 'owner ALL=(ALL) NOPASSWD:ALL' >/etc/sudoers.d/90-owner",
		"echo 'Defaults requiretty' >/etc/sudoers.d/91-tty",
		"rm /usr/bin/sudo; " + doasConf("permit nopass owner"),
		"rm /etc/doas.conf; sed -i '1i auth sufficient pam_succeed_if.so user = root' /etc/pam.d/su",
	} {
		h.Exec(way)
		args := []string{}
		if strings.Contains(way, "pam") {
			args = []string{"--sudo-password-file", h.PasswordFile}
		}
		if plan, _, code := c.kagiban(c.add(h, append(args, "--dry-run")...)...); code != 0 || !strings.Contains(plan, "+PasswordAuthentication no") {
			t.Errorf("%s: exit %d", way, code)
		}
		if got := h.Exec("ls /run/oops 2>/dev/null || true"); got != "" {
			t.Errorf("%s: root ran the password as a command", way)
		}
	}
}

// undoBy: there and back, by the same way.
func undoBy(password string) func(t *testing.T, h *vpstest.Host, c *client) {
	return func(t *testing.T, h *vpstest.Host, c *client) {
		before, args := sshdFiles(h), []string{}
		if password != "" {
			args = []string{"--sudo-password-file", c.secretFile(password)}
		}
		c.must(c.add(h, args...)...)
		undo := []string{"host", "undo", "vps1", "-F", c.config, "--yes", "--passphrase-file", c.passphrase, "--password-file", h.PasswordFile}
		if _, _, code := c.kagiban(append(undo, args...)...); code != 0 {
			t.Errorf("undo: exit %d", code)
		}
		if offers := c.offered(h.User, h.Addr); offers != passwords || sshdFiles(h) != before {
			t.Errorf("after undo: %q, %s", offers, sshdFiles(h))
		}
	}
}
