//go:build unix

package main

import (
	"crypto/rand"
	"crypto/sha512"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"kagiban/agent/door"
	"kagiban/vault/safefile"
)

// sshAgentSocket is where a drop-in serves.
type sshAgentSocket struct {
	listener *door.Listener
	name     string // as others are told: what -a says may be relative
	folder   string // made for this socket alone, or ""
	ended    int    // exit code when serving ends
}

func (s *sshAgentSocket) close() {
	s.listener.Close()
	if s.folder != "" {
		os.Remove(s.folder) // fails if somebody has put something there
	}
}

// endedBySignal is the exit code of ssh-agent when a signal ends it, or its command does.
const endedBySignal = 2

// sshAgentSocket makes the socket: where -a says; in ~/.ssh/agent, which is out of
// reach for other users and for programs that are shut off from the home; or, with
// -T and where there can be no such folder, in a new folder below that for
// temporary files, as ssh-agent did before OpenSSH 10.1.
func (p *program) sshAgentSocket(o *sshAgentOptions) (*sshAgentSocket, error) {
	if o.hasAddress {
		return makeSocket(o.address, "")
	}
	if !o.shared {
		if folder, err := p.agentFolder(); err == nil && safefile.PrivateDir(folder) == nil {
			if !o.keepStale {
				removeStale(folder, hostPrefix(), p.now())
			}
			if s, err := makeSocket(filepath.Join(folder, hostPrefix()+"agent."+rand.Text()[:10]), ""); err == nil {
				return s, nil
			}
		}
	}
	base := p.getenv("TMPDIR")
	if base == "" {
		base = "/tmp"
	}
	folder := filepath.Join(base, "ssh-"+rand.Text()[:12])
	if err := os.Mkdir(folder, 0o700); err != nil {
		return nil, endSSHAgent(1, "mkdtemp: private socket dir: %s", reason(err))
	}
	s, err := makeSocket(filepath.Join(folder, "agent."+strconv.Itoa(os.Getpid())), folder)
	if err != nil {
		os.Remove(folder)
	}
	return s, err
}

func makeSocket(path, folder string) (*sshAgentSocket, error) {
	l, err := door.Make(path)
	var long *door.PathTooLongError
	switch {
	case errors.As(err, &long):
		return nil, endSSHAgent(1, "unix_listener: path \"%s\" too long for Unix domain socket", path)
	case errors.Is(err, door.ErrUnsupported):
		return nil, err
	case err != nil:
		return nil, endSSHAgent(1, "unix_listener: cannot bind to path %s: %s", path, reason(err))
	}
	return &sshAgentSocket{listener: l, name: path, folder: folder, ended: endedBySignal}, nil
}

// serving is what the process in the background has to know beside the options.
type serving struct {
	command bool // its parent is a command, with which it ends
	folder  bool // the folder of the socket was made for it
}

// servingArg is an argument that ssh-agent could not have.
const servingArg = "--serving="

func (s serving) arg() string { return fmt.Sprintf("%s%t,%t", servingArg, s.command, s.folder) }

// readServing takes that argument off args; nil if there is none.
func readServing(args []string) (*serving, []string) {
	if len(args) == 0 || !strings.HasPrefix(args[0], servingArg) {
		return nil, args
	}
	command, folder, _ := strings.Cut(strings.TrimPrefix(args[0], servingArg), ",")
	return &serving{command == "true", folder == "true"}, args[1:]
}

// inheritedSocket takes over the socket that our starter made for us.
func inheritedSocket(as *serving) (*sshAgentSocket, error) {
	l, err := door.FromFile(os.NewFile(servingSocket, "the socket to serve at"))
	if err != nil {
		return nil, err
	}
	s := &sshAgentSocket{listener: l, name: l.Addr().String(), ended: endedBySignal}
	if as.folder {
		s.folder = filepath.Dir(s.name)
	}
	return s, l.Own()
}

// activatedSocket is the one that a service manager listens on for us, or nil.
// Here ssh-agent is stricter than sd_listen_fds(3): variables that are another
// process's are an error, since no place was named to serve at.
func (p *program) activatedSocket(o *sshAgentOptions) (*sshAgentSocket, error) {
	pid, fds := p.getenv("LISTEN_PID"), p.getenv("LISTEN_FDS")
	if o.hasAddress || pid == "" || fds == "" {
		return nil, nil
	}
	switch n, err := strconv.Atoi(pid); {
	case err != nil:
		return nil, endSSHAgent(fatal, "invalid LISTEN_PID: invalid")
	case n != os.Getpid():
		return nil, endSSHAgent(fatal, "bad LISTEN_PID: %s vs pid %d", pid, os.Getpid())
	case fds != "1":
		return nil, endSSHAgent(fatal, "unexpected LISTEN_FDS contents (want: \"1\" got \"%s\")", fds)
	}
	all, err := door.Inherited()
	if err != nil || len(all) != 1 {
		return nil, endSSHAgent(fatal, "LISTEN_FDS set but fd 3 unavailable: %v", err)
	}
	return &sshAgentSocket{listener: all[0], name: all[0].Addr().String()}, nil
}

// agentFolder is ~/.ssh/agent. As in OpenSSH's agent, unlike its client, home is what
// HOME says: a script that sets HOME to keep things apart means the agent too.
func (p *program) agentFolder() (string, error) {
	home := p.getenv("HOME")
	if home == "" {
		u, err := user.Current()
		if err != nil {
			return "", err
		}
		home = u.HomeDir
	}
	if !filepath.IsAbs(home) {
		return "", errors.New("no home folder")
	}
	return filepath.Join(home, ".ssh", "agent"), nil
}

// hostPrefix begins the names of this computer's sockets: the home may be shared. It
// is OpenSSH's, so that either tidies up after the other: of SHA-512 over the
// host name, each byte as one of 62 characters, ten of them.
func hostPrefix() string {
	const alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	name, _ := os.Hostname()
	sum := sha512.Sum512([]byte(name))
	hash := make([]byte, 10)
	for i := range hash {
		hash[i] = alphabet[int(sum[i])%len(alphabet)]
	}
	return "s." + string(hash) + "."
}

// staleAge is how old a socket must be to be taken away: one that is just being made
// does not listen yet.
const staleAge = time.Hour

// cleanSSHAgent is -u, and with everywhere -uu.
func (p *program) cleanSSHAgent(everywhere bool) error {
	folder, err := p.agentFolder()
	if err != nil {
		return err
	}
	prefix := hostPrefix()
	if everywhere {
		prefix = ""
	}
	removeStale(folder, prefix, p.now())
	fmt.Fprintln(p.stdout, "Deleted stale agent sockets in ~/.ssh/agent")
	return nil
}

// removeStale takes away the old sockets in folder that nobody listens on. A socket
// that does not answer for any other reason stays.
func removeStale(folder, prefix string, now time.Time) {
	entries, _ := os.ReadDir(folder)
	for _, e := range entries {
		if e.Type() != os.ModeSocket || !strings.HasPrefix(e.Name(), prefix) {
			continue
		}
		info, err := e.Info()
		if err != nil || now.Sub(info.ModTime()) < staleAge {
			continue
		}
		path := filepath.Join(folder, e.Name())
		c, err := door.Dial(path)
		if err == nil {
			c.Close()
		} else if errors.Is(err, syscall.ECONNREFUSED) {
			os.Remove(path)
		}
	}
}
