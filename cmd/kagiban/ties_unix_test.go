//go:build unix

package main

import (
	"crypto/ed25519"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"kagiban/scripts/ground"
	"kagiban/scripts/vpstest"
	"kagiban/vault"
)

// offering is four servers: vps1 by the host's own sshd, which host add is for, b, git, and one with a host certificate. They hang up after two keys
// that they do not take.
type offering struct {
	*together
	socket string // of the agent that is asked
	vault  *vault.Vault
}

const fourServers = `
ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/authority
for port in 2201 2202 2203; do
  another $port
  echo MaxAuthTries 2 >>/etc/ssh/another_$port
done
ssh-keygen -q -h -s /etc/ssh/authority -I cert -n certified /etc/ssh/host_2203.pub
echo HostCertificate /etc/ssh/host_2203-cert.pub >>/etc/ssh/another_2203
printf '#!/bin/sh\nexec /opt/ld --library-path /opt /opt/git "$@"\n' >/usr/bin/git
printf '#!/bin/sh\nexec /opt/ld --library-path /opt /opt/git-shell "$@"\n' >/usr/bin/git-shell
chmod 755 /usr/bin/git /usr/bin/git-shell
useradd -m -s /usr/bin/git-shell git
`

// TestPerServerOffering: one key that is tied to a server still opens all others; ten keys open a server that hears two.
func TestPerServerOffering(t *testing.T) {
	x := newOffering(t)
	x.oneKey()
	x.tenKeys()
	x.eachHostKey()
	x.switched()
	x.elsewhere()
}

func newOffering(t *testing.T) *offering {
	t.Helper()
	x := &offering{together: newTogether(t, fourServers)}
	x.socket = filepath.Join(x.home, "run", "agent.sock")
	x.bringGit()
	known := filepath.Join(x.folder, "known_hosts")
	x.write(known, "b "+x.public("host_2201")+"\n@cert-authority certified "+x.public("authority")+"\n")
	host := "Host %\n\tHostName " + x.h.Addr + "\n\tHostKeyAlias %\n\tUser owner\n\tPort "
	x.write(x.config, strings.ReplaceAll(host, "%", "b")+"2201\n"+strings.ReplaceAll(host, "%", "hub")+"2202\n"+strings.ReplaceAll(host, "%", "certified")+"2203\n"+
		"Host *\n\tUserKnownHostsFile "+known+"\n\tGlobalKnownHostsFile /dev/null\n\tIdentityFile none\n\tStrictHostKeyChecking accept-new\n\tBatchMode yes\n")
	x.onlyLaptop()
	return x
}

// bringGit puts this machine's git on the server, with all that it is linked with.
func (x *offering) bringGit() {
	x.t.Helper()
	git, err := exec.LookPath("git")
	if err != nil {
		x.t.Fatalf("needs git (Debian package git): %v", err)
	}
	shell := filepath.Join(filepath.Dir(git), "git-shell")
	out, err := exec.Command("ldd", git, shell).CombinedOutput()
	if err != nil {
		x.t.Fatalf("%v\n%s", err, out)
	}
	x.h.Put(git, "/opt/git")
	x.h.Put(shell, "/opt/git-shell")
	for _, m := range regexp.MustCompile(`(\S+) => (/\S+)|(/\S*/ld-\S+)`).FindAllStringSubmatch(string(out), -1) {
		if m[3] != "" {
			x.h.Put(m[3], "/opt/ld")
		} else {
			x.h.Put(m[2], "/opt/"+m[1])
		}
	}
	x.h.Exec(`git init -q --bare /home/git/repo.git && chown -R git: /home/git`)
}

// ssh logs in by the agent alone, and returns what ssh says.
func (x *offering) ssh(args ...string) (said string, in bool) {
	x.t.Helper()
	out, err := exec.Command("ssh", append([]string{"-v", "-F", x.config, "-o", "IdentityAgent=" + x.socket, "-o", lightKex}, args...)...).CombinedOutput()
	return string(out), err == nil
}

func (x *offering) wantIn(what string, want bool, args ...string) (said string) {
	x.t.Helper()
	said, in := x.ssh(append(args, "true")...)
	if in != want {
		x.t.Errorf("%s: logged in: %v\n%s", what, in, said)
	}
	return said
}

// own is the server by its own sshd.
func (x *offering) own() string { return x.h.User + "@" + x.h.Addr }

// oneKey: the only key there is, tied to one server by host add, opens others as before.
func (x *offering) oneKey() {
	x.must(x.add(x.h)...)
	if out := x.must("key", "list", "--json"); !strings.Contains(out, `"tied":["vps1"]`) {
		x.t.Errorf("host add did not tie it: %s", out)
	}
	x.h.Exec(`mkdir -p -m 700 /home/git/.ssh; cp /home/owner/.ssh/authorized_keys /home/git/.ssh/; chown -R git: /home/git/.ssh
echo MaxAuthTries 2 >/etc/ssh/sshd_config.d/10-two.conf; ` + vpstest.Reload)
	x.open()
	x.startAgent()
	x.must("unlock", "laptop", "--passphrase-file", x.passphrase)
	x.until(20*time.Second, "maxauthtries 2\n", func() string { return x.h.Exec("sshd -T | grep -i maxauthtries") })
	x.wantIn("the server itself", true, x.own())
	x.wantIn("another one", true, "b")
	x.git()
}

// git reads from the git server and writes to it.
func (x *offering) git() {
	x.t.Helper()
	work := filepath.Join(x.t.TempDir(), "work")
	for _, args := range [][]string{
		{"init", "-q", work},
		{"-C", work, "-c", "user.name=me", "-c", "user.email=me@here", "commit", "-q", "--allow-empty", "-m", "first"},
		{"-C", work, "push", "-q", "git@hub:repo.git", "+HEAD:refs/heads/main"},
		{"ls-remote", "--exit-code", "git@hub:repo.git", "main"},
	} {
		cmd := exec.Command("git", args...)
		cmd.Env = append(os.Environ(), "GIT_SSH_COMMAND=ssh -F "+x.config+" -o IdentityAgent="+x.socket, "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			x.t.Errorf("git %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// tenKeys: nine more, listed before the one that the server takes. ssh-agent with the same ten does not get in.
func (x *offering) tenKeys() {
	v, err := vault.Open(filepath.Join(x.home, "keys"), vault.Options{WorkFactor: 10})
	if err != nil {
		x.t.Fatal(err)
	}
	x.vault = v
	var files []string
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "laptop"} {
		if name != "laptop" {
			if _, err := v.Create(name, vault.Spec{}, []byte("correct horse")); err != nil {
				x.t.Fatal(err)
			}
		}
		private, err := v.Unlock(name, []byte("correct horse"))
		if err != nil {
			x.t.Fatal(err)
		}
		block, err := ssh.MarshalPrivateKey(private.Crypto.(ed25519.PrivateKey), name)
		if err != nil {
			x.t.Fatal(err)
		}
		files = append(files, filepath.Join(x.folder, name))
		x.write(files[len(files)-1], string(pem.EncodeToMemory(block)))
	}
	ours, theirs := x.socket, filepath.Join(x.home, "run", "theirs.sock")
	agent := exec.Command("ssh-agent", "-D", "-a", theirs)
	if err := agent.Start(); err != nil {
		x.t.Fatal(err)
	}
	defer func() {
		_ = agent.Process.Kill()
		_ = agent.Wait()
	}()
	add := exec.Command("ssh-add", append([]string{"-q"}, files...)...)
	add.Env = append(os.Environ(), "SSH_AUTH_SOCK="+theirs)
	ground.Dialled(x.t, theirs)
	if out, err := add.CombinedOutput(); err != nil {
		x.t.Fatalf("%v\n%s", err, out)
	}
	x.socket = theirs
	if said := x.wantIn("ssh-agent, ten keys", false, x.own()); !strings.Contains(said, "Too many authentication failures") {
		x.t.Errorf("ssh-agent: %s", said)
	}
	x.socket = ours
	if said := x.wantIn("ten keys", true, x.own()); strings.Count(said, "Offering public key:") != 1 {
		x.t.Errorf("offered were more keys than one: %s", said)
	}
}

// eachHostKey: whichever of its host keys the server shows, it is the same server; and one that is known by its authority alone.
func (x *offering) eachHostKey() {
	for _, algorithm := range []string{"ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-512"} {
		said := x.wantIn(algorithm, true, "-o", "HostKeyAlgorithms="+algorithm, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", x.own())
		if !strings.Contains(said, "host key algorithm: "+algorithm) {
			x.t.Errorf("it is not %s: %s", algorithm, said)
		}
	}
	x.wantIn("certified, and no key is tied to it", false, "certified")
	x.must("key", "tie", "laptop", "certified", "-F", x.config)
	said := x.wantIn("certified", true, "-o", "StrictHostKeyChecking=yes", "certified")
	if !strings.Contains(said, "host key algorithm: ssh-ed25519-cert-v01@openssh.com") {
		x.t.Errorf("it shows no certificate: %s", said)
	}
	x.must("key", "untie", "laptop", "certified")
	x.must("key", "tie", "laptop", "b", "-F", x.config)
	x.wantIn("by way of another, which the agent is forwarded to", true, "-A", "b", "ssh", "-o", "StrictHostKeyChecking=no", "-o", "BatchMode=yes", "owner@127.0.0.1")
	x.must("key", "untie", "laptop", "b")
}

// switched: what is said while the agent runs is in force at once.
func (x *offering) switched() {
	x.must("key", "untie", "laptop", "vps1")
	x.wantIn("untied", false, x.own())
	x.must("key", "tie", "laptop", "vps1")
	x.wantIn("tied again", true, x.own())
	config := filepath.Join(x.home, "config.toml")
	x.write(config, "per_server = false\n")
	x.wantIn("switched off", false, x.own())
	x.write(config, "per_server = true\n")
	x.wantIn("switched on", true, x.own())
}

// elsewhere: where a server has a key of its own, one that is tied elsewhere only is not offered.
func (x *offering) elsewhere() {
	x.must("key", "tie", "laptop", "hub", "-F", x.config)
	x.git()
	x.must("key", "tie", "a", "b", "-F", x.config)
	for _, name := range []string{"b", "c", "d", "e", "f", "g", "h", "i"} {
		if err := x.vault.Remove(name); err != nil {
			x.t.Fatal(err)
		}
	}
	said := x.wantIn("a server whose key is another", false, "b")
	if strings.Count(said, "Offering public key:") != 1 || !strings.Contains(said, "Offering public key: a ") {
		x.t.Errorf("offered is not the key that is tied there alone: %s", said)
	}
	x.must("key", "tie", "laptop", "b", "-F", x.config)
	x.wantIn("both", true, "b")
}
