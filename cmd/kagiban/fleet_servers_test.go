package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kagiban/scripts/vpstest"
)

// common gives a server the password that all of a fleet have, as some providers' images do.
const (
	commonPassword = "correct-horse-1"
	common         = "echo \"$VPS_USER:" + commonPassword + "\" | chpasswd\n"
)

// A fleet is many servers that one client makes key-only at once: KAGIBAN_FLEET of them, or six.
type fleet struct {
	t        *testing.T
	c        *client
	hosts    []*vpstest.Host
	parallel int
	roads    *roads
	ports    []string // at which a road to each begins
}

// The three that are faulty: a Match block lets passwords in again, sshd's folder is read-only, the cable is out.
const (
	theMatch    = 1
	theReadOnly = 2
	theDown     = 4
)

func newFleet(t *testing.T) *fleet {
	t.Helper()
	f := &fleet{t: t, parallel: 4}
	hooks, init := make([]string, 6), "init=systemd"
	if n, err := strconv.Atoi(os.Getenv("KAGIBAN_FLEET")); err == nil {
		hooks, f.parallel, init = make([]string, n), 16, "init=sysv" // the kernel gives root 128 inotify instances, and a systemd takes five
	}
	for i := range hooks {
		hooks[i] = common
	}
	hooks[theMatch] += "printf 'Match User backup\\n\\tPasswordAuthentication yes\\n' >/etc/ssh/sshd_config.d/70-backup.conf\n"
	f.hosts, f.c = vpstest.Many(t, hooks, init), newClient(t)
	f.hosts[theReadOnly].Exec("mount --bind /etc/ssh /etc/ssh; mount -o remount,bind,ro /etc/ssh")
	f.hosts[theDown].Link(false)
	f.roads = &roads{t: t}
	for _, h := range f.hosts {
		f.ports = append(f.ports, f.roads.to(h.Addr+":22"))
	}
	return f
}

// add makes all of them key-only that can be, from an inventory, and returns the line of each. It must end with code.
func (f *fleet) add(code int) map[string]added {
	f.t.Helper()
	lines := []string{"[fleet]"}
	for i, h := range f.hosts {
		where := "127.0.0.1 ansible_port=" + f.ports[i]
		if i == theDown {
			where = h.Addr
		}
		lines = append(lines, fmt.Sprintf("web%02d ansible_host=%s", i, where))
	}
	lines = append(lines, "[fleet:vars]", "ansible_user=owner")
	return f.run(code, lines)
}

func (f *fleet) run(code int, list []string) map[string]added {
	f.t.Helper()
	file := filepath.Join(f.t.TempDir(), "hosts")
	f.c.write(file, strings.Join(list, "\n")+"\n")
	f.roads.most.Store(0)
	cmd := f.c.command("host", "add", "--from", file, "-F", f.c.config, "--key", "laptop", "--passphrase-file", f.c.passphrase, "--password-file", f.c.secretFile(commonPassword),
		"--accept-new", "--yes", "--json", "--parallel", strconv.Itoa(f.parallel))
	var out, talk bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &talk
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		f.t.Fatal(err)
	}
	memory := peakOf(cmd.Process.Pid)
	_ = cmd.Wait() // its exit code tells
	rss := memory()
	if got := cmd.ProcessState.ExitCode(); got != code {
		f.t.Errorf("exit %d, want %d\n%s%s", got, code, out.String(), talk.String())
	}
	results := map[string]added{}
	for line := range strings.Lines(out.String()) {
		var a added
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			f.t.Fatal(err)
		}
		results[a.Host] = a
	}
	f.t.Logf("%d hosts in %.1f s; client: %.1f s of CPU, %d MB; at most %d connections at once", len(results), time.Since(begun).Seconds(),
		(cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), rss>>20, f.roads.most.Load())
	if most := f.roads.most.Load(); most > int64(4*f.parallel) { // what one host takes: the way in, the proof, the proof after the change, and a question beside them
		f.t.Errorf("%d connections at once for %d hosts at once", most, f.parallel)
	}
	if rss == 0 || rss > 100<<20 {
		f.t.Errorf("%d MB of memory", rss>>20)
	}
	return results
}

// TestFleet: many servers at once, three of them faulty, and the right verdict for each. When those three are mended a second run makes them
// key-only, and leaves all others alone.
func TestFleet(t *testing.T) {
	f := newFleet(t)
	before := map[int]string{theMatch: f.hosts[theMatch].Snapshot(), theReadOnly: f.hosts[theReadOnly].Snapshot()}
	says := map[int]string{theMatch: "/etc/ssh/sshd_config.d/70-backup.conf:2", theReadOnly: "read-only", theDown: ":22"}
	results := f.add(1)
	for i, h := range f.hosts {
		r, found := results[fmt.Sprintf("web%02d", i)]
		want, code := "key-only", 0
		if says[i] != "" {
			want, code = "failed", 1
		}
		if !found || r.Result != want || r.Exit != code || code != 0 && (r.Error == nil || !strings.Contains(*r.Error, says[i])) {
			t.Errorf("web%02d: %+v, want %s", i, r, want)
		}
		if i != theDown {
			if offers := f.c.offered(h.User, h.Addr); offers != map[bool]string{true: keysOnly, false: passwords}[code == 0] {
				t.Errorf("web%02d offers %s", i, offers)
			}
		}
		if was := before[i]; was != "" && h.Snapshot() != was {
			t.Errorf("web%02d was changed", i)
		}
	}
	f.hosts[theMatch].Exec("rm /etc/ssh/sshd_config.d/70-backup.conf; " + vpstest.Reload)
	f.hosts[theReadOnly].Exec("mount -o remount,bind,rw /etc/ssh")
	f.hosts[theDown].Link(true)
	results = f.add(0)
	for i := range f.hosts {
		want := "unchanged"
		if says[i] != "" {
			want = "key-only"
		}
		if r := results[fmt.Sprintf("web%02d", i)]; r.Result != want {
			t.Errorf("web%02d: %+v, want %s", i, r, want)
		}
	}
	f.manyNames()
}

// manyNames: more names than there are servers, each of which is a road of its own to one of them. What a run holds is bounded by --parallel, not by
// the length of the list.
func (f *fleet) manyNames() {
	names := map[bool]int{true: 200, false: 24}[len(f.hosts) >= 50]
	f.parallel = 16
	lines := []string{"[fleet]"}
	for i := range names {
		lines = append(lines, fmt.Sprintf("name%03d ansible_host=127.0.0.1 ansible_port=%s ansible_user=owner", i, f.roads.to(f.hosts[i%len(f.hosts)].Addr+":22")))
	}
	if results := f.run(0, lines); len(results) != names {
		f.t.Errorf("%d results for %d names", len(results), names)
	}
}

// roads lead to servers, and count the connections on all of them.
type roads struct {
	t    *testing.T
	open atomic.Int64
	most atomic.Int64
}

// to is the port of 127.0.0.1 at which a road to address begins.
func (r *roads) to(address string) (port string) {
	r.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			go r.carry(in, address)
		}
	}()
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return port
}

func (r *roads) carry(in net.Conn, address string) {
	for now := r.open.Add(1); ; {
		if most := r.most.Load(); now <= most || r.most.CompareAndSwap(most, now) {
			break
		}
	}
	defer r.open.Add(-1)
	out, err := net.Dial("tcp", address)
	if err != nil {
		_ = in.Close()
		return
	}
	back := make(chan struct{})
	go func() {
		defer close(back)
		pour(out, in)
	}()
	pour(in, out)
	<-back
}

// peakOf watches how much memory a process has at its highest, in bytes, until it has ended. What wait4(2) tells is no measure: it begins with the
// memory of the test that started it.
func peakOf(pid int) func() int64 {
	result := make(chan int64, 1)
	go func() {
		var peak int64
		for {
			text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
			_, after, found := strings.Cut(string(text), "\nVmHWM:")
			if !found { // it has ended
				result <- peak
				return
			}
			number, _, _ := strings.Cut(strings.TrimSpace(after), " ")
			if kilobytes, err := strconv.ParseInt(number, 10, 64); err == nil {
				peak = max(peak, kilobytes<<10)
			}
			time.Sleep(10 * time.Millisecond) // a sample
		}
	}()
	return func() int64 { return <-result }
}
