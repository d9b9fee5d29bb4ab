//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kagiban/cmd/internal/say"
	"kagiban/scripts/vpstest"
)

// desk is a computer of the user's: a throwaway host with a real systemd --user, that stays when nobody is logged in, and
// with the committed keys in a home of the name that is given.
type desk struct {
	*vpstest.Host
	t    *testing.T
	home string // KAGIBAN_HOME, or "" for the XDG folders
	bin  string // where kagiban is
}

// staticBinary is kagiban of a version, without the C library of this machine, which an older host lacks.
func staticBinary(t *testing.T, version string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kagiban")
	cmd := exec.Command("go", "build", "-ldflags", "-X main.version="+version, "-o", path, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

// session is how a shell of the user's begins: what pam_systemd sets, and nothing of whoever started the test.
const session = `umask 022; export XDG_RUNTIME_DIR=/run/user/$(id -u) HOME=/home/owner PATH=/usr/local/bin:/usr/bin:/bin; unset SSH_AUTH_SOCK; cd; `

func newDesk(t *testing.T, home, bin, base string) *desk {
	t.Helper()
	hook := "mkdir /var/lib/systemd/linger; touch /var/lib/systemd/linger/owner; mkdir " + say.Quote(bin)
	d := &desk{vpstest.Up(t, hook, "sudo=nopasswd", "base="+base), t, home, bin}
	d.Put(staticBinary(t, version), bin+"/kagiban")
	files, err := filepath.Glob(filepath.Join(committedHome, "keys", "*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	d.Exec("mkdir -p /opt/keys")
	for _, f := range files {
		d.Put(f, "/opt/keys/"+filepath.Base(f))
	}
	d.must(`d="${KAGIBAN_HOME:-$HOME/.local/share/kagiban}"; mkdir -p "$d/keys"; chmod 700 "$d" "$d/keys"; cp /opt/keys/* "$d/keys"; chmod 600 "$d"/keys/*; chmod 644 "$d"/keys/*.pub
printf 'correct horse\n' >~/passphrase
printf '#!/bin/sh\necho "$1" >>~/asked\necho correct horse\n' >~/askpass; chmod 755 ~/askpass`)
	d.await("the user's manager", `systemctl --user is-system-running | grep -q running`)
	return d
}

// sh runs a line in a new session of the user's.
func (d *desk) sh(line string) (string, int) {
	d.t.Helper()
	out, code := d.As(d.User, d.begin()+line)
	d.t.Logf("$ %s\n%s(%d)", line, out, code)
	return out, code
}

// begin is how every shell begins.
func (d *desk) begin() string {
	begin := session + "PATH=" + say.Quote(d.bin) + ":$PATH; "
	if d.home != "" {
		begin += "export KAGIBAN_HOME=" + say.Quote(d.home) + "; "
	}
	return begin
}

func (d *desk) must(line string) string {
	d.t.Helper()
	out, code := d.sh(line)
	if code != 0 {
		d.t.Fatalf("%s: exit %d: %s", line, code, out)
	}
	return out
}

// says: the line must end with that code and its output hold that text.
func (d *desk) says(line string, code int, want string) {
	d.t.Helper()
	if out, got := d.sh(line); got != code || !strings.Contains(out, want) {
		d.t.Errorf("%s: exit %d, want %d and %q: %s", line, got, code, want, out)
	}
}

func (d *desk) await(what, line string) {
	d.t.Helper()
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) { // each look is a program or more
		if _, code := d.As(d.User, d.begin()+line); code == 0 {
			return
		}
	}
	d.t.Fatalf("%s: not within a minute", what)
}

const listKeys = `eval "$(kagiban env --shell sh)"; ssh-add -l`

const plainBin = "/opt/kagiban"

// TestService is the whole life of it, with a real systemd --user: for a home as it usually is, and for one whose name has all that
// has a meaning in a unit.
func TestService(t *testing.T) {
	t.Parallel()
	for _, base := range bases() {
		for name, at := range map[string][2]string{"xdg": {"", plainBin}, "odd": {"/home/owner/a b%n${HOME}`;#", "/opt/a é%n$HOME"}} {
			t.Run(base+" "+name, func(t *testing.T) { lifeOfService(t, newDesk(t, at[0], at[1], base)) })
		}
	}
}

func lifeOfService(t *testing.T, d *desk) {
	before := d.must(userFiles)
	d.says("kagiban service status --json", 0, `"installed":false,"enabled":false,"active":false,"running":false,"program":null`)
	d.says("kagiban service print", 0, "ListenStream=")
	if after := d.must(userFiles); after != before {
		t.Errorf("status and print made %s", after)
	}
	d.says("kagiban service install", 0, "wrote /home/owner/.config/systemd/user/kagiban-agent.socket")
	d.says("kagiban service status --json", 0, `"installed":true,"enabled":true,"active":true,"running":false,"program":"/opt/`)
	d.says("kagiban service status --json", 0, `"this_program":true`)
	d.must("XDG_RUNTIME_DIR=$(mktemp -d) systemd-analyze --user verify ~/.config/systemd/user/kagiban-agent.service")
	d.says("systemctl --user show-environment", 0, "SSH_AUTH_SOCK=")
	d.must("systemctl --user daemon-reload") // it writes its sockets down, and reads them again
	d.probe("/usr/bin/printenv SSH_AUTH_SOCK")
	d.says(`eval "$(kagiban env --shell sh)"; [ "$(cat ~/probed)" = "$SSH_AUTH_SOCK" ] && echo same; rm ~/probed`, 0, "same")

	d.says(listKeys, 0, "me@laptop")
	d.says("kagiban service status --json", 0, `"running":true`)
	d.says("kagiban service install", 0, "nothing to do: it is installed")
	d.says("kagiban agent start", 0, "the agent is running already")
	d.says("kagiban agent run", 1, "somebody is listening at")
	d.guarded()

	d.says("kagiban unlock laptop --passphrase-file ~/passphrase", 0, "unlocked laptop")
	const sign = `; ssh-add -T "${KAGIBAN_HOME:-$HOME/.local/share/kagiban}/keys/laptop.pub"`
	d.says(listKeys+sign, 0, "")
	d.logsToJournald(sign)
	d.says("kagiban agent stop", 0, "their next use starts it again")
	d.says("kagiban service status --json", 0, `"running":false`)
	d.says(listKeys, 0, "me@laptop")
	d.says("kagiban status", 0, "key laptop  locked")

	d.Reboot(false)
	d.await("the user's manager", `systemctl --user is-active --quiet kagiban-agent.socket`)
	d.says("kagiban service status --json", 0, `"active":true,"running":false`)
	d.says(listKeys, 0, "me@laptop")

	// it could not begin, again and again, until systemd gave it up: mended, it is there at once
	const folder = `"${KAGIBAN_HOME:-$HOME/.local/share/kagiban}"`
	d.must("kagiban agent stop; chmod 755 " + folder)
	d.await("an end of the sockets", listKeys+"; systemctl --user is-failed --quiet kagiban-agent.socket")
	d.says("chmod 700 "+folder+"; kagiban service install && "+listKeys, 0, "me@laptop")

	d.says("kagiban service uninstall", 0, "nothing starts the agent any more but you")
	d.says("kagiban service uninstall", 0, "nothing to do: it is not installed")
	d.says(listKeys, 2, "")
	if out, _ := d.sh("systemctl --user list-units --all --plain --no-legend 'kagiban*'; systemctl --user show-environment | grep 'run/agent.sock\\|kagiban/agent.sock'"); out != "" {
		t.Errorf("systemd still knows of %s", out)
	}
	if after := d.must(userFiles); after != before {
		t.Errorf("before:\n%s\nafter it was installed and uninstalled:\n%s", before, after)
	}
}

// logsToJournald: where config.toml says so, journald gets the very line that the log gets, from within the unit too.
func (d *desk) logsToJournald(sign string) {
	d.t.Helper()
	const config = `"${KAGIBAN_HOME:-$HOME/.config/kagiban}/config.toml"`
	d.must("kagiban agent stop; printf 'log_to_journald = true\n' >" + config)
	d.says("kagiban unlock laptop --passphrase-file ~/passphrase; "+listKeys+sign+"; kagiban log --json -n 1 >line; kagiban status", 0, "key laptop  unlocked")
	d.await("the line in journald", "journalctl -q -t kagiban-log -o cat | grep -q '\"key\":\"laptop\"'")
	d.says("journalctl -q -t kagiban-log -o cat _UID=$(id -u) | cmp - line && echo same; rm line "+config, 0, "same")
}

// userFiles are the files of the user that are no folders, without kagiban's logs and the locks that stay; and the sockets.
const userFiles = `find ~ "$XDG_RUNTIME_DIR" -path "$XDG_RUNTIME_DIR/systemd" -prune -o ! -type d ! -name agent.log ! -path '*/uses/*' ! -name '*.sock.lock' -print | sort`

// guarded: what the unit takes away is gone, for whatever the agent starts as well.
func (d *desk) guarded() {
	d.t.Helper()
	d.probe(`/bin/sh -c 'grep -E "^(NoNewPrivs|Seccomp):" /proc/self/status; grep "core file" /proc/self/limits; umask'`)
	d.says("tr -s ' \\t' ' ' <~/probed; rm ~/probed", 0, "NoNewPrivs: 1\nSeccomp: 2\nMax core file size 0 0 bytes \n0077\n")
}

// TestServiceAsks: what the unit takes away does not keep the agent from asking, nor OpenSSH's helper for USB keys from
// starting. Without a way to ask it refuses at once, and a terminal anywhere helps.
func TestServiceAsks(t *testing.T) {
	d := newDesk(t, "", plainBin, bases()[0])
	const sign = `eval "$(kagiban env --shell sh)"; ssh-add -T ~/.local/share/kagiban/keys/laptop.pub`
	d.must("kagiban service install")
	if out, code := d.sh(sign); code == 0 {
		t.Errorf("a locked key signed, and nobody was asked: %s", out)
	}
	d.says("kagiban status", 0, "nobody was asked for the passphrase")
	d.says("kagiban agent stop", 0, "")
	d.must(`mkdir -p ~/.config/environment.d; printf 'SSH_ASKPASS=%s\nSSH_ASKPASS_REQUIRE=force\n' "$HOME/askpass" >~/.config/environment.d/70-mine.conf; systemctl --user daemon-reload`)
	d.must(sign)
	d.says("cat ~/asked", 0, "with key laptop, for ")
	d.probe("/bin/sh -c '/usr/lib/openssh/ssh-sk-helper; echo ended with $?'")
	d.says("cat ~/probed", 0, "ended with 255") // it finds no request to read, which is all that kept it from working
}

// probe runs a program as the agent's unit would, and leaves what it prints in ~/probed.
func (d *desk) probe(program string) {
	d.t.Helper()
	d.must(`sed -e '/^Type=/c Type=oneshot\nStandardOutput=file:/home/owner/probed\nStandardError=inherit' -e '/^Requires=/d' -e '/^ExecStart=/c ExecStart=` +
		strings.ReplaceAll(program, "'", `'\''`) + `' ~/.config/systemd/user/kagiban-agent.service >probe; mkdir -p "$XDG_RUNTIME_DIR/systemd/user"; mv probe "$XDG_RUNTIME_DIR/systemd/user/probe.service"
systemctl --user daemon-reload; systemctl --user start probe; rm "$XDG_RUNTIME_DIR/systemd/user/probe.service"`)
}

// TestServiceKeepsOff: what somebody else made or changed is left alone, and said; and so is an agent that has keys.
func TestServiceKeepsOff(t *testing.T) {
	d := newDesk(t, "", plainBin, bases()[0])
	d.must("kagiban agent start")
	d.must("kagiban unlock laptop --passphrase-file ~/passphrase")
	before := d.must(userFiles)
	d.says("kagiban service install", 1, "was started by hand")
	d.says("kagiban service status", 0, "agent by hand")
	d.says("kagiban service status", 0, "next               kagiban agent stop\nnext               kagiban service install\n")
	d.says("kagiban status", 0, "key laptop  unlocked")
	if after := d.must(userFiles); after != before {
		t.Errorf("refused, and it made %s", after)
	}
	d.must("kagiban agent stop && kagiban service install")

	// the same of an agent of another home, to which the service would move
	d.must("export KAGIBAN_HOME=~/other; kagiban agent start")
	d.says("export KAGIBAN_HOME=~/other; kagiban service install", 1, "was started by hand")
	d.says("export KAGIBAN_HOME=~/other; kagiban agent stop", 0, "the agent has ended; every key is locked\n")
	d.says("kagiban service status --json", 0, `"state":"same"`)

	const unit = "~/.config/systemd/user/kagiban-agent.service"
	d.must("echo Nice=5 >>" + unit + "; systemctl --user daemon-reload")
	d.says("kagiban service install", 1, "was changed by hand")
	d.says("kagiban service uninstall", 1, "kagiban service uninstall --force")
	d.says("tail -n 1 "+unit, 0, "Nice=5")
	d.says(listKeys, 0, "me@laptop")
	d.says("kagiban service install --force", 0, "the agent that is running goes on as it was begun")
	d.says("grep -c Nice=5 "+unit+"; true", 0, "0")

	// kagiban lies somewhere else now: its own file is brought up to date, and the agent that runs keeps its keys
	d.must("kagiban unlock laptop --passphrase-file ~/passphrase; mkdir ~/bin; cp /opt/kagiban/kagiban ~/bin/kagiban")
	d.says("PATH=~/bin:$PATH; kagiban service install", 0, "wrote")
	d.says("kagiban status", 0, "key laptop  unlocked")
	d.says("kagiban service status --json", 0, `"program":"/home/owner/bin/kagiban","this_program":false`)
	d.says("kagiban agent stop; "+listKeys+`; p=$(systemctl --user show --property=ExecStart --value kagiban-agent.service); echo "$p"`, 0, "/home/owner/bin/kagiban")
	d.says("kagiban service install", 0, "wrote")

	// the agent is killed: the next use has another
	d.must(`kill -9 $(systemctl --user show --property=MainPID --value kagiban-agent.service)`)
	d.says(listKeys, 0, "me@laptop")
	// no manager: said, with what to type instead
	d.says("unset XDG_RUNTIME_DIR; kagiban service install", 1, "next: kagiban agent start")
	d.says("XDG_CONFIG_HOME=~/other; export XDG_CONFIG_HOME; kagiban service install", 1, "does not look into /home/owner/other/systemd/user")
	d.must("kagiban service uninstall")
}

// TestServiceTexts: print shows every file without a manager, and install without one changes nothing.
func TestServiceTexts(t *testing.T) {
	home := t.TempDir()
	c := newClient(t)
	c.env = []string{"XDG_CONFIG_HOME=" + home, "XDG_RUNTIME_DIR="}
	out, _, code := c.kagiban("service", "print")
	for _, want := range []string{"kagiban-agent.socket", "kagiban-agent.service", "KAGIBAN_HOME=" + c.home, "ListenStream=" + c.home + "/run/agent.sock"} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("exit %d, no %q in %s", code, want, out)
		}
	}
	if _, talk, code := c.kagiban("service", "install"); code != 1 || !strings.Contains(talk, "cannot be started at login here") {
		t.Errorf("exit %d: %s", code, talk)
	}
	if made, err := os.ReadDir(home); err != nil || len(made) > 0 {
		t.Errorf("%v, %v", made, err)
	}
}
