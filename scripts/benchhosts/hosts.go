//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// password is that of every server: Ansible and sshpass take one.
const password = "correct-horse-1"

// host is one throwaway server.
type host struct{ name, addr string }

// vps runs scripts/vps.
func vps(ctx context.Context, args ...string) (string, error) {
	c := exec.CommandContext(ctx, filepath.Join("scripts", "vps"), args...)
	var talk bytes.Buffer
	c.Stderr = &talk
	out, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("vps %s: %w: %s", strings.Join(args, " "), err, talk.String())
	}
	return string(out), nil
}

// each does it for all hosts, four at a time: a boot works more than it waits.
func each(hosts []*host, do func(*host) error) error {
	errs := make([]error, len(hosts))
	places := make(chan struct{}, 4)
	var all sync.WaitGroup
	for i, h := range hosts {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			errs[i] = do(h)
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

func (b *bench) boot(ctx context.Context, n int) error {
	hook := filepath.Join(b.folder, "hook")
	if err := os.WriteFile(hook, []byte("echo \"$VPS_USER:"+password+"\" | chpasswd\n"), 0o600); err != nil {
		return err
	}
	for i := range n {
		b.hosts = append(b.hosts, &host{name: fmt.Sprintf("bench-%d-%d", os.Getpid(), i)})
	}
	return each(b.hosts, func(h *host) error {
		out, err := vps(ctx, "up", h.name, "init="+b.init, "hook="+hook, "owner="+strconv.Itoa(os.Getpid()))
		if err == nil {
			h.addr, _, _ = strings.Cut(out, " ")
		}
		return err
	})
}

// reload is how a person has sshd read its files again.
func (b *bench) reload() string {
	if b.init == "systemd" {
		return "systemctl reload ssh"
	}
	return "/etc/init.d/ssh reload >/dev/null"
}

// reset gives the hosts back the state that they were born in, and waits until they offer it.
func (b *bench) reset(ctx context.Context, hosts []*host, withKey bool) error {
	script := "rm -rf /home/owner/.ssh /home/owner/.ansible /root/.ansible /etc/ssh/sshd_config.d/00-* /run/kagiban /run/sudo/ts/*\n"
	if withKey {
		script += "mkdir -m 700 /home/owner/.ssh && echo '" + b.public + "' >/home/owner/.ssh/authorized_keys && chown -R owner: /home/owner/.ssh\n"
	}
	script += b.reload()
	for _, file := range []string{"known_hosts", "home/hosts.toml"} {
		if err := os.Remove(filepath.Join(b.folder, file)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return each(hosts, func(h *host) error {
		if _, err := vps(ctx, "exec", h.name, "sh", "-c", script); err != nil {
			return err
		}
		var offers []string
		for end := time.Now().Add(30 * time.Second); time.Now().Before(end) && ctx.Err() == nil; time.Sleep(50 * time.Millisecond) {
			if offers = offered(h.addr); slices.Contains(offers, "password") {
				return nil
			}
		}
		return fmt.Errorf("%s offers %q after a reset", h.name, offers)
	})
}

var errAsked = errors.New("only asking")

// offered is what a server offers; nothing while it does not answer.
func offered(addr string) (methods []string) {
	config := &ssh.ClientConfig{User: "owner", Timeout: 5 * time.Second, HostKeyCallback: ssh.InsecureIgnoreHostKey(), // a throwaway server, and nothing is said to it
		AuthCallback: func(c *ssh.ClientAuthContext) (ssh.AuthMethod, error) {
			methods = c.AllowedMethods
			return nil, errAsked
		}}
	if c, err := ssh.Dial("tcp", net.JoinHostPort(addr, "22"), config); err == nil {
		_ = c.Close()
	}
	return methods
}

// done counts the hosts that are key-only.
func done(hosts []*host) int {
	n := 0
	for _, h := range hosts {
		if slices.Equal(offered(h.addr), []string{"publickey"}) {
			n++
		}
	}
	return n
}
