package vpstest

import (
	"os"
)

// Put copies a file of this machine to a path on the host, executable for everybody there.
func (h *Host) Put(file, path string) {
	h.t.Helper()
	from, err := os.Open(file)
	if err != nil {
		h.t.Fatal(err)
	}
	defer from.Close()
	c := command("exec", h.Name, "sh", "-c", `umask 022; cat >"$1" && chmod 755 "$1"`, "sh", path)
	c.Stdin = from
	if out, err := c.CombinedOutput(); err != nil {
		h.t.Fatalf("put %s: %v\n%s", path, err, out)
	}
}

// As runs a shell command on the host as one of its users, without a terminal. It returns all that it prints, and its exit code.
func (h *Host) As(user, line string) (out string, code int) {
	h.t.Helper()
	c := command("exec", h.Name, "runuser", "-u", user, "--", "sh", "-c", line)
	text, err := c.CombinedOutput()
	if err != nil && c.ProcessState == nil {
		h.t.Fatal(err)
	}
	return string(text), c.ProcessState.ExitCode()
}
