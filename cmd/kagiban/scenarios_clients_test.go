package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"kagiban/scripts/vpstest"
)

// scenariosClients are servers that more than one key opens.
var scenariosClients = []scenario{
	{number: 57, name: "whose keys open it", do: whoseKeys},
	{number: 58, name: "only one key, then two", do: onlyOneKey},
}

// anotherKey makes a key and returns its public line, with a comment.
func anotherKey(t *testing.T, comment string) (line, fingerprint string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "key")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", file).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	text, err := os.ReadFile(file + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("ssh-keygen", "-lf", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text)), strings.Fields(string(out))[1]
}

// whoseKeys: every line that lets a key in is listed, whosever account it opens; what is no key is not, and what lets keys in besides is named.
func whoseKeys(t *testing.T, h *vpstest.Host, c *client) {
	c.onceMore(h)
	lines, prints := map[string]string{}, map[string]string{}
	for _, name := range []string{"desk", "phone", "backup", "carol", "dave", "gone", "signer"} {
		lines[name], prints[name] = anotherKey(t, name)
	}
	home := "/home/owner/.ssh/"
	hostile := strings.Replace(lines["phone"], " phone", ` ph\033]0;x\007\342\200\256one`, 1)
	h.Exec(`useradd -m -s /bin/sh carol; useradd -M -d /nonexistent -s /usr/sbin/nologin dave
printf '%s\n' '` + lines["desk"] + `' '#` + lines["gone"] + `' 'ssh-ed25519 AAAAbroken x' 'cert-authority ` + lines["signer"] + `' 'not a key' >>` + home + `authorized_keys
printf '` + hostile + `\n' >` + home + `authorized_keys2; chown owner: ` + home + `*
mkdir -p /root/.ssh /home/carol/.ssh /etc/ssh/keys
printf '%s\n' 'command="/bin/backup \"x\"",restrict ` + lines["backup"] + `' >/root/.ssh/authorized_keys
printf '%s\n' '` + lines["carol"] + `' >/home/carol/.ssh/authorized_keys; chown -R carol: /home/carol/.ssh
printf '%s\n' '` + strings.Replace(lines["dave"], "ssh-ed25519", "ED25519", 1) + `' >/etc/ssh/keys/dave; cp /etc/ssh/keys/dave /etc/ssh/keys/carol
printf 'TrustedUserCAKeys /etc/ssh/ca.pub\nAuthorizedKeysCommand /usr/bin/ldap %%u\nAuthorizedKeysCommandUser nobody\nMatch User dave Address *.*\n\tAuthorizedKeysFile /etc/ssh/keys/%%u\n' >/etc/ssh/sshd_config.d/70-x.conf; ` + vpstest.Reload)
	list := func(args ...string) (rows []string, doors, unseen string) {
		t.Helper()
		stdout, _, code := c.kagiban(append([]string{"host", "clients", "vps1", "--json", "-F", c.config, "--passphrase-file", c.passphrase}, args...)...)
		var got struct {
			Clients []clientRow
			Doors   []checkedProblem
			Unseen  []string
		}
		if err := json.Unmarshal([]byte(stdout), &got); err != nil || code != 0 {
			t.Fatalf("exit %d: %v", code, err)
		}
		for _, r := range got.Clients {
			text := func(s *string) string {
				if s == nil {
					return "-"
				}
				return *s
			}
			whose := map[bool]string{true: "ours", false: r.Fingerprint}[r.Ours]
			rows = append(rows, strings.Join([]string{r.Account, text(r.Client), whose, r.Type, text(r.Options), r.File + map[bool]string{true: " unread"}[r.Unread]}, " "))
		}
		for _, d := range got.Doors {
			doors += d.ID + " " + d.Detail + "\n"
		}
		return rows, doors, strings.Join(got.Unseen, "\n")
	}
	mine := []string{
		"owner me@laptop ours ssh-ed25519 - " + home + "authorized_keys",
		"owner desk " + prints["desk"] + " ssh-ed25519 - " + home + "authorized_keys",
		"owner phone " + prints["phone"] + " ssh-ed25519 - " + home + "authorized_keys2",
	}
	all := append([]string{"carol dave " + prints["dave"] + " ssh-ed25519 - /etc/ssh/keys/carol unread", "carol carol " + prints["carol"] + " ssh-ed25519 - /home/carol/.ssh/authorized_keys", "dave dave " + prints["dave"] + " ssh-ed25519 - /etc/ssh/keys/dave"}, mine...)
	all = append(all, "root backup "+prints["backup"]+` ssh-ed25519 command="/bin/backup \"x\"",restrict /root/.ssh/authorized_keys`)
	rows, doors, unseen := list("--sudo-password-file", h.PasswordFile)
	if got, want := strings.Join(rows, "\n"), strings.Join(all, "\n"); got != want || unseen != "" {
		t.Errorf("with root:\n%s\nwant\n%s\nunseen: %s", got, want, unseen)
	}
	for _, door := range []string{"door-command /etc/ssh/sshd_config.d/70-x.conf:2", "door-authority /etc/ssh/sshd_config.d/70-x.conf:1", "door-authority-line " + home + "authorized_keys:5"} {
		if !strings.Contains(doors, door) || !strings.Contains(doors, prints["signer"]) {
			t.Errorf("no %s:\n%s", door, doors)
		}
	}
	// A comment is no mark: that has a column of its own, the first.
	h.Exec("sed -i 's/ desk$/ desk *\\t*/' " + home + "authorized_keys")
	table, _, _ := c.kagiban("host", "clients", "vps1", "-F", c.config, "--passphrase-file", c.passphrase)
	if header, _, _ := strings.Cut(table, "\n"); strings.Join(strings.Fields(header), " ") != "OURS ACCOUNT CLIENT TYPE FINGERPRINT FILE NOTE OPTIONS" {
		t.Errorf("the columns are called %q", header)
	}
	for line := range strings.Lines(table) {
		if strings.HasPrefix(line, "*") != strings.Contains(line, " me@laptop ") {
			t.Errorf("the mark of %s", line)
		}
	}
	h.Exec("sed -i 's/ desk .*$/ desk/' " + home + "authorized_keys")
	rows, _, unseen = list()
	if got, want := strings.Join(rows, "\n"), strings.Join(mine, "\n"); got != want || !strings.Contains(unseen, "every account but owner") {
		t.Errorf("without root:\n%s\nwant\n%s\nunseen: %s", got, want, unseen)
	}
}

// onlyOneKey: as long as no second key has logged in, it is said what a loss of this computer would mean; afterwards not, until that key's line is gone.
func onlyOneKey(t *testing.T, h *vpstest.Host, c *client) {
	const warning = "vps1: only one key opens this server; if this computer is lost, the provider's console is the only way in"
	recovery := regexp.MustCompile(`(?m)^(  next: |next +)kagiban key recovery vps1 -o FILE$`)
	says := func(when string, want bool, args ...string) {
		t.Helper()
		stdout, stderr, code := c.kagiban(args...)
		if code != 0 || strings.Contains(stdout+stderr, warning) != want || recovery.MatchString(stdout+stderr) != want {
			t.Errorf("%s: exit %d, the warning is there: %v", when, code, !want)
		}
	}
	says("host add", true, c.add(h)...)
	says("host add, again", true, c.add(h)...)
	says("status", true, "status")
	says("host check", true, c.check(h)...)
	file := filepath.Join(t.TempDir(), "id")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	public, err := os.ReadFile(file + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	h.Exec("echo '" + strings.TrimSpace(string(public)) + "' >>/home/owner/.ssh/authorized_keys")
	says("a line is no login", true, c.check(h)...)
	if !c.opens(h, file) {
		t.Fatal("the second key does not open it")
	}
	says("the server's log tells of it", false, c.check(h)...)
	says("status knows", false, "status")
	h.Exec("sed -i '2s/^/command=\"true\" /' /home/owner/.ssh/authorized_keys")
	says("a line that runs a command only", true, c.check(h)...)
	h.Exec("sed -i '2s/^command=\"true\" //' /home/owner/.ssh/authorized_keys")
	says("host add reads the log, too", false, c.add(h)...)
	says("revoke leaves one", true, "revoke", file+".pub", "--yes", "-F", c.config, "--passphrase-file", c.passphrase, "--sudo-password-file", h.PasswordFile)
	says("status knows that, too", true, "status")
	h.Exec("echo '" + strings.TrimSpace(string(public)) + "' >>/home/owner/.ssh/authorized_keys")
	says("it is back", false, c.check(h)...)
	h.Exec("sed -i 2d /home/owner/.ssh/authorized_keys")
	says("its line is gone", true, c.check(h)...)
	says("status", true, "status")
	cmd := onReadOnlyDisk(c.command(c.check(h)...), c.home)
	out, _ := cmd.CombinedOutput() // its exit code tells
	if code := cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(string(out), "kagiban: vps1 was looked at, but what was seen is not remembered: "+c.home+" cannot be written: its disk is mounted read-only\n") ||
		!strings.Contains(string(out), "vps1  key-only  publickey") {
		t.Errorf("host check on a disk that is read-only: exit %d, %s", code, out)
	}
}

// onReadOnlyDisk is cmd, to which the disk that folder lies on is mounted read-only.
func onReadOnlyDisk(cmd *exec.Cmd, folder string) *exec.Cmd {
	apart := "-m"
	if os.Geteuid() != 0 {
		apart = "-rm"
	}
	inside := append([]string{apart, "sh", "-c", `mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"`, folder}, cmd.Args...)
	wrapped := exec.Command("unshare", inside...)
	wrapped.Dir, wrapped.Env = cmd.Dir, cmd.Env
	return wrapped
}
