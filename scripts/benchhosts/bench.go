//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// bench is the place where it all happens: a folder with keys and files, the servers, and a cgroup for the client's side.
type bench struct {
	folder, program string
	init            string // of the servers: systemd or sysv
	public          string // the key's line
	cgroup          string
	hosts           []*host
	methods         []method
}

// figures are those of one run.
type figures struct {
	method         string
	hosts, done    int
	wall           time.Duration
	client, server time.Duration // CPU
}

func (f figures) cpu() time.Duration { return f.client + f.server }

// runLimit is how long one run may take.
const runLimit = 20 * time.Minute

func newBench(ctx context.Context, program, init string, most int) (b *bench, err error) {
	b = &bench{program: program, init: init}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	if b.folder, err = os.MkdirTemp("", "kagiban-bench-"); err != nil {
		return b, err
	}
	root, err := unified()
	if err != nil {
		return b, err
	}
	b.cgroup = filepath.Join(root, "kagiban-bench-"+strconv.Itoa(os.Getpid()))
	if err := os.MkdirAll(filepath.Join(b.cgroup, "agent"), 0o755); err != nil {
		return b, err
	}
	if err := os.MkdirAll(filepath.Join(b.cgroup, "run"), 0o755); err != nil {
		return b, err
	}
	if err := b.furnish(ctx); err != nil {
		return b, err
	}
	b.methods = b.allMethods()
	return b, b.boot(ctx, most)
}

// close takes everything away. The servers go with this process, too, if it is killed.
func (b *bench) close() {
	if b.cgroup != "" {
		b.empty("agent")
		b.empty("run")
		_ = os.Remove(b.cgroup)
	}
	_ = each(b.hosts, func(h *host) error {
		_, err := vps(context.Background(), "down", h.name)
		return err
	})
	_ = os.RemoveAll(b.folder)
}

// empty ends what runs in a cgroup of ours, and removes it.
func (b *bench) empty(name string) {
	dir := filepath.Join(b.cgroup, name)
	b.kill(name)
	for end := time.Now().Add(5 * time.Second); os.Remove(dir) != nil && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		continue // its processes are on their way out
	}
}

// kill ends what a run has left behind in its cgroup, such as ssh's master connections.
func (b *bench) kill(name string) {
	pids, _ := os.ReadFile(filepath.Join(b.cgroup, name, "cgroup.procs"))
	for pid := range strings.FieldsSeq(string(pids)) {
		if n, err := strconv.Atoi(pid); err == nil && n > 1 {
			_ = syscall.Kill(n, syscall.SIGKILL)
		}
	}
}

// unified is where cgroup2 is mounted.
func unified() (string, error) {
	f, err := os.Open("/proc/mounts")
	if err != nil {
		return "", err
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if w := strings.Fields(s.Text()); len(w) > 2 && w[2] == "cgroup2" {
			return w[1], nil
		}
	}
	return "", errors.New("cgroup2 is not mounted")
}

// usage is the CPU that a cgroup has used (cgroup-v2.rst, cpu.stat).
func usage(dir string) (time.Duration, error) {
	text, err := os.ReadFile(filepath.Join(dir, "cpu.stat"))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if w := strings.Fields(line); len(w) == 2 && w[0] == "usage_usec" {
			n, err := strconv.ParseInt(w[1], 10, 64)
			return time.Duration(n) * time.Microsecond, err
		}
	}
	return 0, fmt.Errorf("%s/cpu.stat has no usage_usec", dir)
}

// spent is the CPU of both sides so far.
func (b *bench) spent() (client, server time.Duration, err error) {
	if client, err = usage(b.cgroup); err != nil {
		return 0, 0, err
	}
	for _, h := range b.hosts {
		u, err := usage(filepath.Join(filepath.Dir(b.cgroup), "kagiban-vps", h.name))
		if err != nil {
			return 0, 0, err
		}
		server += u
	}
	return client, server, nil
}

// measure is one run of a method on n servers.
func (b *bench) measure(ctx context.Context, m method, n int) (figures, error) {
	hosts, f := b.hosts[:n], figures{method: m.name, hosts: n}
	if err := b.reset(ctx, hosts, m.withKey); err != nil {
		return f, err
	}
	ctx, cancel := context.WithTimeout(ctx, runLimit)
	defer cancel()
	client, server, err := b.spent()
	if err != nil {
		return f, err
	}
	begun := time.Now()
	out, err := b.in(ctx, "run", m.command(hosts)).CombinedOutput()
	f.wall = time.Since(begun)
	b.kill("run")
	if ctx.Err() != nil {
		return f, ctx.Err()
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n%s\n", m.name, err, out)
	}
	nowClient, nowServer, err := b.spent()
	if err != nil {
		return f, err
	}
	f.client, f.server = nowClient-client, nowServer-server
	if f.done = done(hosts); m.withKey {
		f.done = n // it changes nothing
	}
	return f, nil
}

// in makes a command that runs in a cgroup of ours.
func (b *bench) in(ctx context.Context, group string, args []string) *exec.Cmd {
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	c.Dir = b.folder
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + b.folder, "KAGIBAN_HOME=" + filepath.Join(b.folder, "home"), "LC_ALL=C.UTF-8"}
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	dir, err := os.Open(filepath.Join(b.cgroup, group))
	if err != nil {
		c.Err = err
		return c
	}
	c.SysProcAttr.UseCgroupFD, c.SysProcAttr.CgroupFD = true, int(dir.Fd())
	c.ExtraFiles = []*os.File{dir} // so that it is open until then
	return c
}
