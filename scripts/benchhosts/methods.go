//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// method is one way to make servers key-only.
type method struct {
	name    string
	withKey bool // it needs the key on the servers, and changes nothing
	command func([]*host) []string
}

const (
	byKagiban    = "kagiban host add"
	byHand       = "ssh-copy-id and by hand"
	byHands      = "the same, 16 at once"
	byAnsible    = "Ansible"
	byAnsible50  = "Ansible, 50 forks, no facts"
	byHandshakes = "the handshakes alone"
)

// copyAndType is what how-tos say, for one server: the key copied, tried, passwords off, sshd's files tested and read again, a password refused, the
// key tried again. The three steps that need root are one login here.
const copyAndType = `set -eu
host=$1
sshpass -f password ssh-copy-id -F ssh_config -i id.pub "$host" >copied 2>&1 || { cat copied; exit 1; }
ssh -F ssh_config -o BatchMode=yes "$host" true
ssh -F ssh_config "$host" "sudo -S -p '' sh -c 'printf \"PasswordAuthentication no\\nKbdInteractiveAuthentication no\\n\" >/etc/ssh/sshd_config.d/00-manual.conf && sshd -t && %s'" <password
tries=0
until ssh -F ssh_config -o BatchMode=yes -o PubkeyAuthentication=no "$host" true 2>&1 | grep -q 'Permission denied (publickey)'; do
	tries=$((tries + 1))
	[ "$tries" -lt 50 ]
	sleep 0.2
done
ssh -F ssh_config -o BatchMode=yes "$host" true
`

// playbook comes to the same end state; it proves neither that the key opens the server nor that a password does not.
const playbook = `- hosts: all
  gather_facts: %s
  tasks:
    - file: {path: /home/owner/.ssh, state: directory, mode: "0700"}
    - lineinfile: {path: /home/owner/.ssh/authorized_keys, create: true, mode: "0600", line: "%s"}
    - copy:
        dest: /etc/ssh/sshd_config.d/00-ansible.conf
        content: "PasswordAuthentication no\nKbdInteractiveAuthentication no\n"
        validate: /usr/sbin/sshd -t -f %%s
      become: true
      notify: reload
  handlers:
    - name: reload
      shell: %s
      become: true
`

// furnish writes the files that the methods need: keys that are open already, each in the way of its program.
func (b *bench) furnish(ctx context.Context) error {
	if err := os.Mkdir(filepath.Join(b.folder, ".ssh"), 0o700); err != nil { // ssh-copy-id wants one
		return err
	}
	if err := os.WriteFile(filepath.Join(b.folder, "passphrase"), []byte("correct horse\n"), 0o600); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "me@bench", "-f", "id"},
		{b.program, "key", "new", "bench", "--passphrase-file", "passphrase"},
		{b.program, "agent", "start"},
		{b.program, "unlock", "bench", "--passphrase-file", "passphrase"},
	} {
		if out, err := b.in(ctx, "agent", args).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, out)
		}
	}
	public, err := os.ReadFile(filepath.Join(b.folder, "id.pub"))
	if err != nil {
		return err
	}
	b.public = strings.TrimSpace(string(public))
	for name, text := range map[string]string{
		"password":   password + "\n",
		"by-hand":    strings.Replace(copyAndType, "%s", b.reload(), 1),
		"play.yml":   fmt.Sprintf(playbook, "true", b.public, b.reload()),
		"play50.yml": fmt.Sprintf(playbook, "false", b.public, b.reload()),
		"ssh_config": "Host *\n\tUser owner\n\tUserKnownHostsFile " + filepath.Join(b.folder, "known_hosts") + "\n\tGlobalKnownHostsFile /dev/null\n\tStrictHostKeyChecking accept-new\n" +
			"\tIdentityFile " + filepath.Join(b.folder, "id") + "\n\tIdentitiesOnly yes\n\tLogLevel ERROR\n",
	} {
		if err := os.WriteFile(filepath.Join(b.folder, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) allMethods() []method {
	self, _ := os.Executable()
	addresses := func(before []string, hosts []*host) []string {
		for _, h := range hosts {
			before = append(before, h.addr)
		}
		return before
	}
	ansible := func(play string, more ...string) func([]*host) []string {
		return func(hosts []*host) []string {
			lines := "[all:vars]\nansible_user=owner\nansible_password=" + password + "\nansible_become_password=" + password + "\nansible_ssh_common_args=-F ssh_config\n[all]\n" +
				strings.Join(addresses(nil, hosts), "\n") + "\n"
			if err := os.WriteFile(filepath.Join(b.folder, "inventory"), []byte(lines), 0o600); err != nil {
				return []string{"false"} // it says so by not being done
			}
			return append([]string{"ansible-playbook", "-i", "inventory", play}, more...)
		}
	}
	return []method{
		{byKagiban, false, func(hosts []*host) []string {
			return addresses([]string{b.program, "host", "add", "-F", "ssh_config", "--key", "bench", "--password-file", "password", "--accept-new", "--yes"}, hosts)
		}},
		{byHand, false, func(hosts []*host) []string {
			return addresses([]string{"sh", "-c", `for host; do sh by-hand "$host" || exit 1; done`, "sh"}, hosts)
		}},
		{byHands, false, func(hosts []*host) []string {
			return []string{"sh", "-c", "printf '%s\\n' " + strings.Join(addresses(nil, hosts), " ") + " | xargs -P 16 -n 1 sh by-hand"}
		}},
		{byAnsible, false, ansible("play.yml")},
		{byAnsible50, false, ansible("play50.yml", "-f", "50")},
		{byHandshakes, true, func(hosts []*host) []string { return addresses([]string{self, "handshakes", b.folder}, hosts) }},
	}
}

// version is the first line that a program prints about itself.
func version(args ...string) string {
	out, _ := exec.Command(args[0], args[1:]...).CombinedOutput()
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return line
}
