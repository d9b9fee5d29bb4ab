// Package vpstest gives tests a throwaway server (scripts/vps): real init, sshd, PAM and sudo in namespaces of its
// own. It promises that the server is gone when the test is, and that nothing outside of it was touched.
package vpstest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"kagiban/scripts/ground"
)

// A Host is one throwaway server.
type Host struct {
	Name, Addr, Port, User, PasswordFile string
	t                                    *testing.T
}

// count keeps the names of one process's hosts apart.
var count atomic.Int64

var unfit = regexp.MustCompile(`[^a-z0-9]+`)

// Up starts a server; options are those of `scripts/vps up`. hook, if any, is a shell script that shapes the host before its
// first boot. The test goes on beside others, since it waits more than it works (testing.T.Parallel);
// a test that starts servers in tests below it calls Parallel itself, or all others wait for the last of them. It is skipped where servers were not asked for (KAGIBAN_SERVERS=1, as make test does).
func Up(t *testing.T, hook string, options ...string) *Host {
	t.Helper()
	wanted(t)
	h, err := start(t, hook, options)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// wanted skips the test where servers were not asked for, and lets it go on beside others.
func wanted(t *testing.T) {
	t.Helper()
	ground.NotWindows(t, "throwaway servers")
	if os.Getenv("KAGIBAN_SERVERS") != "1" {
		t.Skip("throwaway servers need KAGIBAN_SERVERS=1, root and mount namespaces: make test")
	}
	t.Parallel()
}

// Behind pulls the network cable of h and lays one from gate to h, which is then reached from there alone, by the address that it had.
func (h *Host) Behind(gate *Host) {
	h.t.Helper()
	h.vps("cable", gate.Name, h.Name)
	h.Link(false)
}

func start(t *testing.T, hook string, options []string) (*Host, error) {
	name := strings.Trim(unfit.ReplaceAllString(strings.ToLower(t.Name()), "-"), "-")
	name = name[max(0, len(name)-16):]
	h := &Host{Name: fmt.Sprintf("t-%d-%d-%s", os.Getpid(), count.Add(1), strings.Trim(name, "-")), t: t}
	args := append([]string{"up", h.Name, "owner=" + strconv.Itoa(os.Getpid())}, options...)
	if hook != "" {
		file := filepath.Join(t.TempDir(), "hook")
		if err := os.WriteFile(file, []byte(hook), 0o600); err != nil {
			return nil, err
		}
		args = append(args, "hook="+file)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("console of %s:\n%s", h.Name, tail(h.try("log", h.Name)))
		}
		h.vps("down", h.Name)
	})
	out, err := vps(args...)
	if err != nil {
		return nil, err
	}
	fields := strings.Fields(out)
	if len(fields) != 4 {
		return nil, fmt.Errorf("vps up said %q", fields)
	}
	h.Addr, h.Port, h.User, h.PasswordFile = fields[0], fields[1], fields[2], fields[3]
	return h, nil
}

// Exec runs a shell command as root on the host's console and returns what it prints.
func (h *Host) Exec(command string) string {
	h.t.Helper()
	return h.vps("exec", h.Name, "sh", "-c", command)
}

// Password returns the password of the user.
func (h *Host) Password() string {
	h.t.Helper()
	b, err := os.ReadFile(h.PasswordFile)
	if err != nil {
		h.t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

// Reboot cuts the power (hard) or reboots in good order.
func (h *Host) Reboot(hard bool) {
	h.t.Helper()
	if hard {
		h.vps("reboot", h.Name, "hard")
		return
	}
	h.vps("reboot", h.Name)
}

// Link pulls the network cable, or puts it back. Connections are not told.
func (h *Host) Link(up bool) {
	h.t.Helper()
	state := "down"
	if up {
		state = "up"
	}
	h.vps("link", h.Name, state)
}

// Snapshot is everything under /etc/ssh and the home folders, byte for byte, with modes and owners: what must not have changed. (What bash and sudo write by themselves is left out.)
func (h *Host) Snapshot() string {
	h.t.Helper()
	const all = `find /etc/ssh /home /root -xdev \( -name .bash_history -o -name .cache -o -name .sudo_as_admin_successful \) -prune -o `
	return h.Exec("{ " + all + "-exec stat -c '%N %a %U %G' {} +; " + all + "-type f -exec sha256sum {} +; } | sort")
}

func (h *Host) vps(args ...string) string {
	h.t.Helper()
	out, err := vps(args...)
	if err != nil {
		h.t.Fatal(err)
	}
	return out
}

func vps(args ...string) (string, error) {
	c := command(args...)
	var errors bytes.Buffer
	c.Stderr = &errors
	out, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("vps %s: %w\n%s%s", strings.Join(args, " "), err, out, errors.String())
	}
	return string(out), nil
}

func (h *Host) try(args ...string) string {
	out, _ := command(args...).CombinedOutput() // for a failure's log: all there is
	return string(out)
}

// command is scripts/vps, by way of sudo for who is not root; make test has asked for its password by then.
func command(args ...string) *exec.Cmd {
	_, file, _, _ := runtime.Caller(0)
	args = append([]string{filepath.Join(filepath.Dir(file), "..", "vps")}, args...)
	if os.Getuid() != 0 {
		args = append([]string{"sudo", "-n"}, args...)
	}
	return exec.Command(args[0], args[1:]...)
}

func tail(text string) string {
	lines := strings.Split(text, "\n")
	return strings.Join(lines[max(0, len(lines)-40):], "\n")
}

// AsRoot is the same host with root's account and password (option root=yes).
func (h *Host) AsRoot() *Host {
	root := *h
	root.User = "root"
	root.PasswordFile = filepath.Join(filepath.Dir(h.PasswordFile), "password-root")
	return &root
}
