//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kagiban/hostsetup/book"
	"kagiban/scripts/vpstest"
)

// together is a client, and several servers together on one host: its own sshd and others, each with a host key of its own.
type together struct {
	*client
	h      *vpstest.Host
	folder string // of what ssh needs
}

// another prepares one more server in a hook: another PORT. More of its configuration can be put to /etc/ssh/another_PORT.
const another = `
another() {
  ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/host_$1
  printf 'Port %s\nHostKey /etc/ssh/host_%s\nPidFile none\nUsePAM yes\n' $1 $1 >/etc/ssh/another_$1
}
`

func newTogether(t *testing.T, hook string) *together {
	t.Helper()
	h, c := vpstest.Up(t, another+hook), newClient(t)
	return &together{c, h, filepath.Dir(c.home)}
}

// onlyLaptop leaves the client the key laptop.
func (x *together) onlyLaptop() {
	x.t.Helper()
	for _, name := range []string{"desk.age", "desk.pub", "rsa.age", "rsa.pub"} {
		if err := os.Remove(filepath.Join(x.home, "keys", name)); err != nil {
			x.t.Fatal(err)
		}
	}
}

// open starts the others.
func (x *together) open() {
	x.t.Helper()
	x.h.Exec("for file in /etc/ssh/another_*; do /usr/sbin/sshd -f $file; done")
}

// letIn has all servers let in the owner, and root, by the client's key alone.
func (x *together) letIn() {
	x.t.Helper()
	line := read(x.t, filepath.Join(x.home, "keys", "laptop.pub"))
	x.h.Exec("mkdir -p -m 700 /home/owner/.ssh /root/.ssh; echo '" + line + "' | tee /root/.ssh/authorized_keys >/home/owner/.ssh/authorized_keys; chown -R owner: /home/owner/.ssh")
}

// public is a public key in /etc/ssh, without its comment.
func (x *together) public(name string) string {
	x.t.Helper()
	return strings.TrimSpace(x.h.Exec("cut -d ' ' -f 1,2 /etc/ssh/" + name + ".pub"))
}

// listed has the client's list of servers name the host's own sshd vps1, which ssh knows as another name.
func (x *together) listed(knownAs string) {
	x.t.Helper()
	page := book.Host{Name: "vps1", Address: x.h.Addr, Port: 22, User: "owner", KnownAs: knownAs, HostKeys: []string{x.public("ssh_host_ed25519_key")}}
	if err := (book.Book{Path: filepath.Join(x.home, "hosts.toml")}).Put(x.t.Context(), page); err != nil {
		x.t.Fatal(err)
	}
}
