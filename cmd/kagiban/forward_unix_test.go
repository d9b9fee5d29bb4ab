//go:build unix

package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"kagiban/scripts/ground"
	"kagiban/scripts/vpstest"
)

// hijacked is a server whose root uses the agent of a user who has logged in to it by ssh -A. It runs a second sshd, on
// another port and with another host key: a server that lies beyond it.
type hijacked struct {
	*client
	h      *vpstest.Host
	folder string // with the keys' files, and known_hosts: the server is a, the one beyond it is b
	socket string // of the agent, at home
	remote string // and there
}

// The accounts take all keys, but bare, which takes the one with a way, and open, which takes the one without limits.
const hijack = `
for user in guest bare open; do useradd -m $user; done
ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/beyond
printf 'Port 2222\nHostKey /etc/ssh/beyond\nPidFile none\nUsePAM yes\nPermitRootLogin yes\n' >/etc/ssh/beyond_config
printf '#!/bin/sh\necho a word\n' >/root/askpass && chmod 700 /root/askpass
printf 'BatchMode yes\nIdentitiesOnly yes\nStrictHostKeyChecking no\nUserKnownHostsFile /dev/null\n' >/root/config
ssh-keygen -q -t ed25519 -N '' -f /root/theirs
cat >/root/sign <<'END'
import base64, os, socket, struct, sys
def string(b): return struct.pack(">I", len(b)) + b
blob = base64.b64decode(open(sys.argv[1]).read().split()[1])
agent = socket.socket(socket.AF_UNIX)
agent.connect(os.environ["SSH_AUTH_SOCK"])
agent.sendall(string(b"\x0d" + string(blob) + string(b"anything") + bytes(4)))
sys.exit(agent.recv(5)[4:] != b"\x0e")
END
`

func TestHijackedHost(t *testing.T) {
	h := vpstest.Up(t, hijack)
	x := newHijacked(t, h)
	x.start()
	x.add("free")
	x.add("here", "-h", "a")
	x.add("way", "-h", "a", "-h", "a>guest@b")
	x.add("ask", "-c")
	x.login()
	before := x.listed()

	x.uses()
	x.changes()
	x.controls()
	if after := x.listed(); after != before {
		t.Errorf("at home the agent has\n%s\nand had\n%s", after, before)
	}
	x.opens()
}

// uses: what each key may be used for by who sits there. The first one shows that all of it would work.
func (x *hijacked) uses() {
	const (
		back   = "ssh -F /root/config -i KEY.pub guest@127.0.0.1 true"
		beyond = "ssh -F /root/config -i KEY.pub -p 2222 guest@127.0.0.1 true"
		root   = "ssh -F /root/config -i KEY.pub -p 2222 root@127.0.0.1 true"
		file   = "echo text | ssh-keygen -Y sign -n file -f KEY.pub"
		git    = "echo text | ssh-keygen -Y sign -n git -f KEY.pub"
		bytes  = "python3 /root/sign KEY.pub" // no program of OpenSSH's asks for a key that is not in the list
		list   = "ssh-add -L | grep -F \"$(cut -d ' ' -f 2 KEY.pub)\""
	)
	for _, s := range []struct{ key, may string }{
		{"free", "back beyond root file git bytes list"},
		{"here", ""},
		{"way", "beyond list"},
		{"ask", "list"},
		{"laptop", "list"}, // it is locked
	} {
		for what, command := range map[string]string{"back": back, "beyond": beyond, "root": root, "file": file, "git": git, "bytes": bytes, "list": list} {
			may := strings.Contains(" "+s.may+" ", " "+what+" ")
			if did, said := x.there(strings.ReplaceAll(command, "KEY", s.key)); did != may {
				x.t.Errorf("%s, %s: did it: %t\n%s", s.key, what, did, said)
			}
		}
	}
	// dbclient is an SSH client that tells an agent nothing of where it logs in to.
	const silent = "dbclient -y -y -A -p 2222 USER@127.0.0.1 id -un | grep -x USER"
	for user, may := range map[string]bool{"open": true, "bare": false} {
		if did, said := x.there(strings.ReplaceAll(silent, "USER", user)); did != may {
			x.t.Errorf("dbclient as %s: did it: %t\n%s", user, did, said)
		}
	}
}

// changes: nothing in the agent is changed from there, and who tries stands in the log.
func (x *hijacked) changes() {
	const word = "SSH_ASKPASS=/root/askpass SSH_ASKPASS_REQUIRE=force "
	for _, s := range []struct{ command, request string }{
		{"ssh-add -D", "RemoveAll"},
		{"ssh-add -d free.pub", "RemoveIdentity"},
		{"ssh-add -d laptop.pub", "RemoveIdentity"},
		{"ssh-add /root/theirs", "AddIdentity"},
		{"ssh-add -t 60 /root/theirs", "AddIdentity"},
		{word + "ssh-add -x", "Lock"},
		{word + "ssh-add -X", "Unlock"},
		{word + "ssh-add -s /usr/lib/libany.so", "AddToken"},
		{word + "ssh-add -e /usr/lib/libany.so", "RemoveToken"},
	} {
		if did, _ := x.there(s.command); did {
			x.t.Errorf("%s: done", s.command)
		}
		said := false // once a minute
		for line := range strings.Lines(x.log()) {
			said = said || strings.Contains(line, "refused to a forwarded connection") && strings.Contains(line, "*wire."+s.request+" ")
		}
		if !said {
			x.t.Errorf("%s: the log says %q", s.command, x.log())
		}
	}
}

// controls: the other socket of the agent is nowhere there, and this one does not speak as it does.
func (x *hijacked) controls() {
	const ask = `import os, socket
s = socket.socket(socket.AF_UNIX)
s.connect(os.environ["SSH_AUTH_SOCK"])
s.sendall(b'{"v":1,"op":"status"}\n')
print(s.recv(99).decode(errors="replace"))`
	for _, command := range []string{"find / -xdev -name control.sock | grep .", "python3 -c '" + strings.ReplaceAll(ask, "'", `'\''`) + "' | grep ."} {
		if did, said := x.there(command); did {
			x.t.Errorf("%s: %s", command, said)
		}
	}
}

// opens: where a person can be asked, nobody there brings up the question for a locked key's passphrase. When it was opened at home
// it can be used.
func (x *hijacked) opens() {
	asked := filepath.Join(x.folder, "asked")
	askpass := filepath.Join(x.folder, "askpass")
	if err := os.WriteFile(askpass, []byte("#!/bin/sh\necho \"$1\" >>'"+asked+"'\necho correct horse\n"), 0o700); err != nil {
		x.t.Fatal(err)
	}
	x.kagiban("agent", "stop")
	x.start("SSH_ASKPASS="+askpass, "SSH_ASKPASS_REQUIRE=force")
	const beyond = "ssh -F /root/config -i laptop.pub -p 2222 guest@127.0.0.1 true"
	if did, said := x.there(beyond); did {
		x.t.Errorf("a locked key was used: %s", said)
	}
	if log := x.log(); !strings.Contains(log[strings.LastIndex(log, "refused to a forwarded connection"):], "*wire.SignRequest ") {
		x.t.Errorf("the log does not say that a locked key was asked for: %s", log)
	}
	if text, err := os.ReadFile(asked); err == nil {
		x.t.Errorf("the person was asked: %s", text)
	}
	x.must("unlock", "laptop", "--passphrase-file", x.passphrase)
	if did, said := x.there(beyond); !did {
		x.t.Errorf("an open key was not used: %s", said)
	}
	x.kagiban("lock", "laptop")
	if did, said := x.there(beyond); did {
		x.t.Errorf("a key that was locked again was used: %s", said)
	}
	x.write(filepath.Join(x.home, "config.toml"), "client = \"laptop\"\nforwarded_unlock = [\"laptop\"]\n")
	if did, said := x.there(beyond); !did {
		x.t.Errorf("a key that may be opened from elsewhere was not: %s", said)
	}
	if text, err := os.ReadFile(asked); err != nil || !strings.Contains(string(text), "laptop") {
		x.t.Errorf("the person was asked: %s, %v", text, err)
	}
}

func newHijacked(t *testing.T, h *vpstest.Host) *hijacked {
	t.Helper()
	c := newClient(t)
	x := &hijacked{client: c, h: h, folder: filepath.Dir(c.home), socket: filepath.Join(c.home, "run", "agent.sock")}
	hosts := "a," + h.Addr + " " + h.Exec("cat /etc/ssh/ssh_host_ed25519_key.pub") + "b " + h.Exec("cat /etc/ssh/beyond.pub")
	c.write(filepath.Join(x.folder, "known_hosts"), hosts)
	keys := []string{"free", "here", "way", "ask", "login"}
	for _, name := range keys {
		x.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(x.folder, name))
	}
	x.run("cp", filepath.Join(c.home, "keys", "laptop.pub"), x.folder)
	var lines strings.Builder
	for _, name := range append(keys, "laptop") {
		line, err := os.ReadFile(filepath.Join(x.folder, name+".pub"))
		if err != nil {
			t.Fatal(err)
		}
		lines.Write(line)
		h.Exec("mkdir -p /root/keys; echo '" + strings.TrimSpace(string(line)) + "' >/root/keys/" + name + ".pub")
	}
	h.Exec(`cd /root/keys
for user in root owner guest bare open; do
  home=$(getent passwd $user | cut -d : -f 6)
  mkdir -p -m 700 $home/.ssh
  case $user in bare) cat way.pub ;; open) cat free.pub ;; *) cat ./*.pub ;; esac >$home/.ssh/authorized_keys
  chown -R $user: $home/.ssh
done
/usr/sbin/sshd -f /etc/ssh/beyond_config`)
	return x
}

// start starts the agent at home, with no way to ask a person but what env says.
func (x *hijacked) start(env ...string) {
	x.t.Helper()
	cmd := x.command("agent", "start")
	cmd.Env = append(cmd.Env, env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		x.t.Fatalf("%v: %s", err, out)
	}
	x.t.Cleanup(func() { endAgent(x.home) })
}

// add has the agent take a key with limits; its file goes.
func (x *hijacked) add(name string, limits ...string) {
	x.t.Helper()
	file := filepath.Join(x.folder, name)
	x.run("ssh-add", append(limits, "-q", "-H", filepath.Join(x.folder, "known_hosts"), file)...)
	if err := os.Remove(file); err != nil {
		x.t.Fatal(err)
	}
}

// login logs in there with the agent forwarded, and stays.
func (x *hijacked) login() {
	x.t.Helper()
	cmd := exec.Command("ssh", "-F", x.config, "-A", "-o", "IdentityAgent="+x.socket, "-o", "IdentitiesOnly=yes", "-i", filepath.Join(x.folder, "login"),
		x.h.User+"@"+x.h.Addr, "echo $SSH_AUTH_SOCK; exec cat")
	out, err := cmd.StdoutPipe()
	if err != nil {
		x.t.Fatal(err)
	}
	ground.Stay(x.t, cmd)
	line, _ := bufio.NewReader(out).ReadString('\n')
	if x.remote = strings.TrimSpace(line); x.remote == "" {
		x.t.Fatal("no agent was forwarded")
	}
}

// there has root of the server run a command with the user's agent, and says whether it succeeded.
func (x *hijacked) there(command string) (did bool, said string) {
	x.t.Helper()
	said = x.h.Exec("cd /root/keys; export SSH_AUTH_SOCK=" + x.remote + "; timeout 60 sh -c \"$(cat <<'END'\n" + command + "\nEND\n)\" </dev/null 2>&1; echo $?")
	return strings.HasSuffix(said, "\n0\n") || said == "0\n", said
}

// listed is what the agent has, seen from home.
func (x *hijacked) listed() string { return x.run("ssh-add", "-L") }

func (x *hijacked) log() string {
	x.t.Helper()
	text, err := os.ReadFile(filepath.Join(x.home, "log", "agent.log"))
	if err != nil {
		x.t.Fatal(err)
	}
	return string(text)
}

// run runs one of OpenSSH's programs at home, with the agent.
func (x *hijacked) run(name string, args ...string) string {
	x.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK="+x.socket)
	out, err := cmd.CombinedOutput()
	if err != nil {
		x.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}
