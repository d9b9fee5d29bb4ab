package main

import (
	"bytes"
	"net"
	"strings"
	"testing"
	"time"

	"kagiban/scripts/vpstest"
)

// TestClientKilled: the client dies by kill -9 once the change is in force. The server goes back by itself.
func TestClientKilled(t *testing.T) {
	t.Parallel()
	for _, init := range []string{"systemd", "sysv"} {
		t.Run(init, func(t *testing.T) {
			h, c := vpstest.Up(t, "", "init="+init), newClient(t)
			before := sshdFiles(h)
			c.dieInForce(h, "10s")
			c.until(60*time.Second, passwords, func() string { return c.offered(h.User, h.Addr) })
			if after := sshdFiles(h); after != before {
				t.Errorf("sshd's files:\n%s", after)
			}
			c.onceMore(h)
		})
	}
}

// TestUndoWaitsForAnothersMistake: meanwhile somebody breaks sshd's configuration. The undo does not call itself done, does not touch their file,
// does not kill the running sshd, and comes to its end when they have mended it.
func TestUndoWaitsForAnothersMistake(t *testing.T) {
	t.Parallel()
	for _, init := range []string{"systemd", "sysv"} {
		t.Run(init, func(t *testing.T) {
			h, c := vpstest.Up(t, "", "init="+init), newClient(t)
			c.dieInForce(h, "10s")
			const theirs = "/etc/ssh/sshd_config.d/70-theirs.conf"
			h.Exec("echo 'NoSuchOption yes' >" + theirs)
			c.until(60*time.Second, "undoing", func() string {
				return strings.TrimSpace(h.Exec("ls /run/kagiban | grep -x -e undoing -e undone -e pending"))
			})
			if got := h.Exec("ls /etc/ssh/sshd_config.d; cat " + theirs); got != "70-theirs.conf\nNoSuchOption yes\n" {
				t.Errorf("sshd's files: %q", got)
			}
			if offers := c.offered(h.User, h.Addr); offers != keysOnly {
				t.Errorf("the running sshd offers %q: it was told to read a broken file", offers)
			}
			c.until(30*time.Second, "told", func() string {
				_, stderr, code := c.kagiban(c.add(h)...) // by the key, whose line stays as long as the change does
				return map[bool]string{true: "told"}[code == 1 && strings.Contains(stderr, "undoing") && strings.Contains(stderr, "NoSuchOption")]
			})
			h.Exec("rm " + theirs)
			c.until(90*time.Second, passwords, func() string { return c.offered(h.User, h.Addr) })
			c.onceMore(h)
		})
	}
}

// TestUndoAfterAnothersDecision: meanwhile an administrator turns passwords off for good. sshd will never again offer what it did; the undo is over
// when nothing of ours is left, and their decision stands.
func TestUndoAfterAnothersDecision(t *testing.T) {
	h, c := vpstest.Up(t, ""), newClient(t)
	c.dieInForce(h, "10s")
	h.Exec("printf 'PasswordAuthentication no\\nKbdInteractiveAuthentication no\\n' >/etc/ssh/sshd_config.d/10-theirs.conf")
	c.until(60*time.Second, "10-theirs.conf\nundone\n", func() string { return h.Exec("ls /etc/ssh/sshd_config.d; ls /run/kagiban") })
	if offers := c.offered(h.User, h.Addr); offers != keysOnly {
		t.Errorf("offered: %q", offers)
	}
	c.onceMore(h)
}

// TestUndoIsSeenNotBelieved: the reload says that it went well, and sshd still offers what it did. Then the undo is not over.
func TestUndoIsSeenNotBelieved(t *testing.T) {
	h, c := vpstest.Up(t, ""), newClient(t)
	c.dieInForce(h, "10s")
	const override = "/run/systemd/system/ssh.service.d"
	h.Exec("mkdir -p " + override + " && printf '[Service]\\nExecReload=\\nExecReload=/bin/sh -c \"echo x >>/run/reloads\"\\n' >" + override + "/x.conf && systemctl daemon-reload")
	c.until(60*time.Second, "again", func() string { return h.Exec("[ \"$(cat /run/reloads 2>/dev/null | wc -l)\" -lt 2 ] || printf again") })
	if state := h.Exec("ls /run/kagiban /etc/ssh/sshd_config.d | grep -x -e undoing -e undone -e 00-kagiban.conf"); state != "undoing\n" {
		t.Errorf("the state is %q", state)
	}
	h.Exec("rm -r " + override + " && systemctl daemon-reload")
	c.until(90*time.Second, passwords, func() string { return c.offered(h.User, h.Addr) })
	c.until(60*time.Second, "undone", func() string { return strings.TrimSpace(h.Exec("ls /run/kagiban | grep -x -e undoing -e undone")) })
}

// TestWatcherKilled: under systemd the watcher comes back; without it each of two brings the other back. And the undo with it.
func TestWatcherKilled(t *testing.T) {
	t.Parallel()
	for _, s := range []struct{ init, kill string }{
		{"systemd", "watcher"},
		{"sysv", "watcher"},
		{"sysv", "minder"},
	} {
		t.Run(s.init+" "+s.kill, func(t *testing.T) {
			h, c := vpstest.Up(t, "", "init="+s.init), newClient(t)
			c.dieInForce(h, "10s")
			pid := h.Exec("cat /run/kagiban/*/" + s.kill)
			h.Exec("kill -9 " + pid)
			c.until(10*time.Second, "another", func() string { // killed once more, so that the one that came back is put to the test, too
				return h.Exec("now=$(cat /run/kagiban/*/" + s.kill + "); [ $now = " + strings.TrimSpace(pid) + " ] || { kill -9 $now && printf another; } || true")
			})
			c.until(60*time.Second, passwords, func() string { return c.offered(h.User, h.Addr) })
			c.until(30*time.Second, "", func() string { return h.Exec("ls /run/kagiban | grep -v -x undone || true") })
		})
	}
}

// TestWatchersKilledForGood: both watchers are killed at once, and the change stays in force until somebody comes: the next run takes it
// back first.
func TestWatchersKilledForGood(t *testing.T) {
	h, c := vpstest.Up(t, "", "init=sysv"), newClient(t)
	c.dieInForce(h, "10s")
	h.Exec("kill -9 $(cat /run/kagiban/*/watcher /run/kagiban/*/minder)")
	c.until(30*time.Second, "over", func() string {
		return h.Exec("read -r _ deadline _ </run/kagiban/pending; [ $(cut -d. -f1 /proc/uptime) -lt $deadline ] || printf over")
	})
	c.onceMore(h)
	if got := sshdFiles(h); !strings.Contains(got, "# Written by kagiban") || strings.Contains(got, "not confirmed") {
		t.Errorf("sshd's files: %s", got)
	}
}

// dieInForce runs host add, and kills it by kill -9 when the change is in force and not confirmed: the third connection, which would be
// the proof, never comes through.
func (c *client) dieInForce(h *vpstest.Host, undoAfter string, more ...string) {
	c.t.Helper()
	gate := newGate(c.t, h.Addr+":22", 2)
	args := append(append(c.add(h, "--undo-after", undoAfter), "-p", gate.port), more...)
	args[2] = h.User + "@127.0.0.1"
	cmd := c.command(args...)
	var talk bytes.Buffer
	cmd.Stderr = &talk
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	select {
	case <-gate.held:
	case <-time.After(60 * time.Second):
		c.t.Error("the change was not made")
	}
	c.until(5*time.Second, keysOnly, func() string { return c.offered(h.User, h.Addr) }) // in force
	if err := cmd.Process.Kill(); err != nil {
		c.t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	c.t.Log(talk.String())
}

// onceMore: after whatever happened the road is open, and leads to its end.
func (c *client) onceMore(h *vpstest.Host) {
	c.t.Helper()
	if _, _, code := c.kagiban(c.add(h)...); code != 0 {
		c.t.Errorf("second try: exit %d", code)
	}
}

// gate passes on a number of connections, and holds those that come after.
type gate struct {
	port string
	held chan struct{}
}

func newGate(t *testing.T, to string, pass int) *gate {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	_, port, _ := net.SplitHostPort(l.Addr().String())
	g := &gate{port, make(chan struct{}, 8)}
	go func() {
		for n := 0; ; n++ {
			in, err := l.Accept()
			if err != nil {
				return
			}
			if n >= pass {
				g.held <- struct{}{}
				continue
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				_ = in.Close()
				continue
			}
			go pour(in, out)
			go pour(out, in)
		}
	}()
	return g
}

func pour(from, to net.Conn) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				break
			}
		}
		if err != nil {
			break
		}
	}
	_ = from.Close()
	_ = to.Close()
}
