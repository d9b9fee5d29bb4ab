//go:build unix

package main

import (
	"crypto/rand"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	sshagent "golang.org/x/crypto/ssh/agent"

	"kagiban/agent/wire"
	"kagiban/scripts/ground"
)

// Three servers, which take the same keys. An authority has certified the host key of the third.
const narrowServers = `
another 2201; another 2202
ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/authority
ssh-keygen -q -s /etc/ssh/authority -I host -h -n three.example.net /etc/ssh/host_2202.pub
echo 'HostCertificate /etc/ssh/host_2202-cert.pub' >>/etc/ssh/another_2202
mkdir -p -m 700 /home/owner/.ssh
printf 'Host *\nBatchMode yes\nStrictHostKeyChecking no\nUserKnownHostsFile /dev/null\n' >/home/owner/.ssh/config
`

// narrowed is a client with an agent, whose key opens all three, for two users.
type narrowed struct{ *together }

// TestNarrowerSocketsAtServers: by real ssh and sshd, a socket for one host logs in there as its user and nowhere else, and not for who
// asks by hand; one for git logs in nowhere; and the agent's own shows that all of it would work.
func TestNarrowerSocketsAtServers(t *testing.T) {
	x := newNarrowed(t)
	wide := filepath.Join(x.home, "run", "agent.sock")
	git, book := x.add("git", "--purpose", "git"), x.add("book", "--keys", "laptop", "--host", "owner@vps1")
	known, certified := x.add("known", "--host", "two"), x.add("certified", "--host", "three", "--purpose", "login,git")
	for _, s := range []struct{ name, socket, may string }{
		{"the agent's own", wide, "owner@one root@one owner@two owner@three"},
		{"git", git, ""},
		{"of the list of servers", book, "owner@one"},
		{"known to ssh", known, "owner@two"},
		{"by an authority", certified, "owner@three"},
	} {
		var did []string
		for _, to := range []string{"owner@one", "root@one", "owner@two", "owner@three"} {
			if _, err := x.ssh(s.socket, to, "true"); err == nil {
				did = append(did, to)
			}
		}
		if got := strings.Join(did, " "); got != s.may {
			t.Errorf("%s: logs in to %q, want %q\n%s", s.name, got, s.may, x.log())
		}
	}
	x.forwarded(wide, book)
	x.unbound(wide, book)
	x.byHand(book)
	x.ends(book)
}

func newNarrowed(t *testing.T) *narrowed {
	t.Helper()
	x := &narrowed{newTogether(t, narrowServers)}
	x.letIn()
	x.open()
	known := filepath.Join(x.folder, "known_hosts")
	x.write(known, "one.example.net "+x.public("ssh_host_ed25519_key")+"\n[two.example.net]:2201 "+x.public("host_2201")+"\n@cert-authority *.example.net "+x.public("authority")+"\n")
	x.write(x.config, "Host one\n\tHostKeyAlias one.example.net\nHost two\n\tHostKeyAlias [two.example.net]:2201\n\tPort 2201\nHost three\n\tHostKeyAlias three.example.net\n\tPort 2202\n"+
		"Host *\n\tHostName "+x.h.Addr+"\n\tBatchMode yes\n\tGlobalKnownHostsFile /dev/null\n\tUserKnownHostsFile "+known+"\n\tIdentityFile none\n\t"+strings.Replace(lightKex, "=", " ", 1)+"\n")
	x.listed("one.example.net")
	x.startAgent()
	x.must("unlock", "laptop", "--passphrase-file", x.passphrase)
	return x
}

// add adds a narrower socket, and returns its path.
func (x *narrowed) add(args ...string) string {
	x.t.Helper()
	path, _, code := x.kagiban(append([]string{"agent", "socket", "add", "-F", x.config}, args...)...)
	if code != 0 {
		x.t.Fatal("exit", code)
	}
	return strings.TrimSuffix(path, "\n")
}

// ssh runs ssh with the keys at a socket.
func (x *narrowed) ssh(socket string, args ...string) (string, error) {
	out, err := exec.Command("ssh", append([]string{"-F", x.config, "-o", "IdentityAgent=" + socket}, args...)...).CombinedOutput()
	return string(out), err
}

func (x *narrowed) log() string {
	text, _ := os.ReadFile(filepath.Join(x.home, "log", "agent.log"))
	return string(text)
}

// forwarded: who is on the server has no use of it, not even for that very server.
func (x *narrowed) forwarded(wide, narrow string) {
	const there = "ssh-add -l; ssh owner@127.0.0.1 echo came back"
	if out, err := x.ssh(wide, "-A", "owner@one", there); err != nil || !strings.Contains(out, "came back") {
		x.t.Errorf("the agent's own, forwarded: %v\n%s", err, out)
	}
	if out, err := x.ssh(narrow, "-A", "owner@one", there); err == nil || !strings.Contains(out, "The agent has no identities.") || strings.Contains(out, "came back") {
		x.t.Errorf("a narrower one, forwarded: %v\n%s", err, out)
	}
}

// unbound: a login as to a server before OpenSSH 8.9 could be one to any server, and the log says what it lacks.
func (x *narrowed) unbound(wide, narrow string) {
	login := []string{"-o", "PubkeyAuthentication=unbound", "owner@one", "true"}
	if out, err := x.ssh(wide, login...); err != nil {
		x.t.Errorf("the agent's own: %v\n%s", err, out)
	}
	if out, err := x.ssh(narrow, login...); err == nil || !strings.Contains(x.log(), "the login names no host key") {
		x.t.Errorf("a narrower one: %v\n%s\n%s", err, out, x.log())
	}
}

// byHand: whoever speaks to the socket by hand gets no signature for a login without the word of the server's host key, nor for anything else.
func (x *narrowed) byHand(socket string) {
	line, err := os.ReadFile(filepath.Join(x.home, "keys", "laptop.pub"))
	if err != nil {
		x.t.Fatal(err)
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey(line)
	if err != nil {
		x.t.Fatal(err)
	}
	host, _, _, _, err := ssh.ParseAuthorizedKey([]byte(x.h.Exec("cat /etc/ssh/ssh_host_ed25519_key.pub")))
	if err != nil {
		x.t.Fatal(err)
	}
	mine := ground.Signer(x.t)
	login := &wire.Login{SessionID: []byte("session"), User: "owner", Algorithm: "ssh-ed25519", Key: key.Marshal(), HostKey: host.Marshal()}
	bind := func(by ssh.PublicKey) []byte {
		signature, err := mine.Sign(rand.Reader, []byte("session"))
		if err != nil {
			x.t.Fatal(err)
		}
		return (&wire.SessionBind{HostKey: by.Marshal(), SessionID: []byte("session"), Signature: ssh.Marshal(signature)}).Contents()
	}
	for name, bound := range map[string][]byte{"not bound": nil, "bound to a server of ours": bind(mine.PublicKey()), "bound by a word that is not its own": bind(host)} {
		conn, err := net.Dial("unix", socket)
		if err != nil {
			x.t.Fatal(err)
		}
		a := sshagent.NewClient(conn)
		if bound != nil {
			_, _ = a.Extension(wire.ExtensionSessionBind, bound) // refused or not
		}
		for what, data := range map[string][]byte{"a login": login.Data(), "a commit": []byte("SSHSIG\x00\x00\x00\x03git\x00\x00\x00\x00\x00\x00\x00\x06sha512\x00\x00\x00\x01h"), "anything": []byte("anything")} {
			if _, err := a.Sign(key, data); err == nil {
				x.t.Errorf("%s: %s was signed", name, what)
			}
		}
		conn.Close()
	}
}

// ends: who is connected when a socket is removed is cut off.
func (x *narrowed) ends(socket string) {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		x.t.Fatal(err)
	}
	defer conn.Close()
	if keys, err := sshagent.NewClient(conn).List(); err != nil || len(keys) != 1 {
		x.t.Errorf("%v, %v", keys, err)
	}
	if _, _, code := x.kagiban("agent", "socket", "remove", "book"); code != 0 {
		x.t.Errorf("exit %d", code)
	}
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		x.t.Errorf("still there: %v", err)
	}
}
