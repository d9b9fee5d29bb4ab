//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The owner of three servers logs in to one from the other.
const threeServers = `
another 2201; another 2202
mkdir -p -m 700 /home/owner/.ssh
printf 'Host two three\nHostName 127.0.0.1\nUser owner\nBatchMode yes\nStrictHostKeyChecking no\nUserKnownHostsFile /dev/null\nKexAlgorithms curve25519-sha256\nHost two\nPort 2201\nHost three\nPort 2202\n' >/home/owner/.ssh/config
`

// prompting is a client whose agent asks about each use of its key, with a program that keeps what it was asked and says yes.
type prompting struct {
	*together
	asked string
}

// TestPrompts: what a person is told of logins, by real ssh and sshd, from this computer and from one that lies behind another; and that what
// they allow for a time is for that server.
func TestPrompts(t *testing.T) {
	x := newPrompting(t)
	x.login()
	x.forwarded()
	x.logged()
	x.holds()
	x.ends()
}

func newPrompting(t *testing.T) *prompting {
	t.Helper()
	x := &prompting{together: newTogether(t, threeServers)}
	x.asked = filepath.Join(x.folder, "asked")
	x.onlyLaptop()
	x.letIn()
	x.open()
	known := filepath.Join(x.folder, "known_hosts")
	x.write(known, "one.example.com,"+x.h.Addr+" "+x.public("ssh_host_ed25519_key")+"\ntwo.example.com "+x.public("host_2201")+"\n")
	x.write(x.config, "Host one\n\tHostKeyAlias one.example.com\nHost two\n\tHostKeyAlias two.example.com\n\tPort 2201\nHost *\n\tHostName "+x.h.Addr+
		"\n\tUser owner\n\tBatchMode yes\n\tHostKeyAlgorithms ssh-ed25519\n\tGlobalKnownHostsFile /dev/null\n\tUserKnownHostsFile "+known+
		"\n\tIdentityFile none\n\t"+strings.Replace(lightKex, "=", " ", 1)+"\n\tIdentityAgent "+filepath.Join(x.home, "run", "agent.sock")+"\n")
	if err := os.Mkdir(filepath.Join(x.folder, ".ssh"), 0o700); err != nil {
		t.Fatal(err)
	}
	x.write(filepath.Join(x.folder, ".ssh", "config"), "Include "+x.config+"\n") // where the agent looks for what ssh is told with -F
	x.listed("one.example.com")
	askpass := filepath.Join(x.folder, "askpass")
	x.write(askpass, "#!/bin/sh\necho \"$1\" >>'"+x.asked+"'\n")
	if err := os.Chmod(askpass, 0o700); err != nil {
		t.Fatal(err)
	}
	x.env = []string{"SSH_ASKPASS=" + askpass, "SSH_ASKPASS_REQUIRE=force"}
	x.startAgent()
	x.must("unlock", "-c", "laptop", "--passphrase-file", x.passphrase)
	return x
}

// ssh logs in, and returns what the person was asked meanwhile.
func (x *prompting) ssh(args ...string) string {
	x.t.Helper()
	_ = os.Remove(x.asked) // there may be none
	out, err := exec.Command("ssh", append([]string{"-F", x.config}, args...)...).CombinedOutput()
	if err != nil {
		x.t.Errorf("ssh %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	text, _ := os.ReadFile(x.asked)
	return string(text)
}

func (x *prompting) wantAsked(asked string, want ...string) {
	x.t.Helper()
	if !regexp.MustCompile(`^` + strings.Join(want, "\nAllow it\\? \\(y/N\\) \n") + "\nAllow it\\? \\(y/N\\) \n$").MatchString(asked) {
		x.t.Errorf("the person was asked\n%s\nwant\n%s", asked, strings.Join(want, "\n"))
	}
}

const (
	bySSH      = `\nwith key laptop, for [^ ]*/ssh started by kagiban.test, .*`
	toOne      = `log in to vps1 \(one.example.com\) as "owner"`
	toTwo      = `log in to two.example.com as "owner"`
	throughOne = `\nwith key laptop, for another computer through vps1 \(one.example.com\)`
	sshBehind  = `, by [^ ]*/ssh started by kagiban.test, .*`
)

func (x *prompting) login() {
	x.wantAsked(x.ssh("one", "true"), toOne+bySSH)
}

// forwarded: the second server is asked to log in to the third. That one is not known here, and is told by its host key; ssh on the first
// offers its own known_hosts to nobody.
func (x *prompting) forwarded() {
	print := regexp.QuoteMeta(strings.Fields(x.h.Exec("ssh-keygen -l -f /etc/ssh/host_2202.pub"))[1])
	x.wantAsked(x.ssh("-A", "one", "ssh -A two ssh three true"),
		toOne+bySSH,
		toTwo+throughOne+sshBehind,
		`log in as "owner" to the server with host key `+print+`, whose name is not known`+throughOne+", then two.example.com"+sshBehind)
}

// holds: for that server, and not for another, nor for the same one from elsewhere.
func (x *prompting) holds() {
	x.write(filepath.Join(x.home, "config.toml"), "approve = \"1h\"\n")
	if asked := x.ssh("one", "true"); !strings.HasSuffix(asked, "Allow it, and the same for 1 hour? (y/N) \n") {
		x.t.Errorf("the person was asked %q", asked)
	}
	if asked := x.ssh("one", "true"); asked != "" {
		x.t.Errorf("once more, the person was asked %q", asked)
	}
	if asked := x.ssh("two", "true"); !strings.HasPrefix(asked, `log in to two.example.com`) {
		x.t.Errorf("for another server, the person was asked %q", asked)
	}
	if asked := x.ssh("-A", "one", "ssh two true"); strings.Count(asked, "Allow it") != 1 || !strings.Contains(asked, "another computer through vps1") {
		x.t.Errorf("for the same from elsewhere, the person was asked %q", asked)
	}
}

// ends: with its time, and with a lock.
func (x *prompting) ends() {
	x.must("lock", "laptop")
	x.must("unlock", "-c", "laptop", "--passphrase-file", x.passphrase)
	x.write(filepath.Join(x.home, "config.toml"), "approve = \"2s\"\n")
	if asked := x.ssh("one", "true"); !strings.HasSuffix(asked, "Allow it, and the same for 2 seconds? (y/N) \n") {
		x.t.Errorf("after a lock, the person was asked %q", asked)
	}
	x.until(time.Minute, "asked", func() string {
		if x.ssh("one", "true") == "" {
			return "not asked"
		}
		return "asked"
	})
}
