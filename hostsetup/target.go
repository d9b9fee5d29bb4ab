package hostsetup

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	osuser "os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A Target is a server as ssh(1) would reach it.
type Target struct {
	Name    string // what the owner calls it
	Address string // dialled: a name or an IP address
	Port    int
	User    string
	// KnownAs is the name in known_hosts: HostKeyAlias, or the host, or [host]:port (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT).
	KnownAs string
	// KnownHosts are the files to look in; a new key is written to the first.
	KnownHosts []string
	Own        int // how many of them, the first ones, are the user's own (UserKnownHostsFile)
	// Further are those of KnownHosts that ssh's own configuration does not name, so that the book has to.
	Further    []string
	HashNames  bool // HashKnownHosts
	Identities []string
	// Jump is the -J that was given for it, "" where the way is left to ssh's configuration.
	Jump string
	Way  *Way // nil: it is dialled
	// Patience is how long it may take to answer (ssh_config(5), ConnectTimeout), 0 for our own.
	Patience time.Duration
}

// Account is user@name, for people.
func (t Target) Account() string { return t.User + "@" + t.Name }

// A Resolver asks ssh(1) what its configuration makes of a name, with `ssh -G`. Note that, like ssh itself, this runs the
// commands of `Match exec`.
type Resolver struct {
	Program string // "ssh"
	Config  string // -F, "" for ssh's own
	Home    string // of the user, for ~ in file names
	Shell   string // of the user, for ProxyCommand; "" for /bin/sh
	Jump    string // -J, "" for ssh's configuration, or [Direct]
}

// Resolve takes [USER@]HOST[:PORT] apart and lets ssh fill in the rest. port 0 leaves it to the name or the configuration. Where there is
// no ssh, and no configuration of it either, its defaults are taken.
//
// Errors: *[NameError], *[ConfigError].
func (r Resolver) Resolve(ctx context.Context, destination string, port int) (Target, error) {
	user, host, given, err := split(destination)
	if err != nil {
		return Target{}, err
	}
	if port == 0 {
		port = given
	}
	args := []string{"-G"}
	if strings.EqualFold(r.Jump, Direct) {
		r.Jump = Direct
	}
	if r.Jump != "" {
		if err := CheckJump(r.Jump); err != nil {
			return Target{}, err
		}
	}
	if r.Jump != "" && r.Jump != Direct {
		args = append(args, "-J", r.Jump)
	}
	if r.Config != "" {
		args = append(args, "-F", r.Config)
	}
	if user != "" {
		args = append(args, "-l", user)
	}
	if port != 0 {
		args = append(args, "-p", strconv.Itoa(port))
	}
	out, err := exec.CommandContext(ctx, r.Program, append(args, "--", host)...).Output()
	if errors.Is(err, exec.ErrNotFound) && r.unconfigured() {
		return r.read(host, plain(user, host, port))
	}
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return Target{}, &ConfigError{fmt.Sprintf("ssh -G %s: %s", host, strings.TrimSpace(string(exit.Stderr)))}
		}
		return Target{}, &ConfigError{fmt.Sprintf("ssh -G %s: %v", host, err)}
	}
	return r.read(host, out)
}

// unconfigured: nothing was said, here or in a file of the user's, that only ssh(1) could read.
func (r Resolver) unconfigured() bool {
	_, err := os.Lstat(filepath.Join(r.Home, ".ssh", "config"))
	return (r.Jump == "" || r.Jump == Direct) && r.Config == "" && errors.Is(err, fs.ErrNotExist)
}

// plain is what ssh(1) would make of a name without any configuration, for a computer that has no ssh: whoever lives with PuTTY needs none.
func plain(user, host string, port int) []byte {
	if me, err := osuser.Current(); user == "" && err == nil {
		user = me.Username[strings.LastIndexByte(me.Username, '\\')+1:] // Windows puts the domain before it
	}
	if port == 0 {
		port = 22
	}
	return fmt.Appendf(nil, "hostname %s\nuser %s\nport %d\nuserknownhostsfile ~/.ssh/known_hosts ~/.ssh/known_hosts2\n", host, user, port)
}

func (r Resolver) read(host string, out []byte) (Target, error) {
	t := Target{Name: host, Port: 22, Jump: r.Jump}
	var alias, jump, command string
	passed := false // ProxyUseFdpass
	var global []string
	for s := bufio.NewScanner(bytes.NewReader(out)); s.Scan(); {
		keyword, value, _ := strings.Cut(s.Text(), " ")
		switch keyword {
		case "hostname":
			t.Address = value
		case "port":
			t.Port, _ = strconv.Atoi(value)
		case "user":
			t.User = value
		case "hostkeyalias":
			alias = value
		case "userknownhostsfile":
			t.KnownHosts = r.expandAll(value)
		case "globalknownhostsfile":
			global = r.expandAll(value)
		case "hashknownhosts":
			t.HashNames = value == "yes"
		case "identityfile":
			if !strings.Contains(value, "%") {
				t.Identities = append(t.Identities, r.expand(value))
			}
		case "connecttimeout":
			seconds, _ := strconv.Atoi(value) // "none"
			t.Patience = time.Duration(seconds) * time.Second
		case "proxyjump":
			jump = value
		case "proxycommand":
			command = value
		case "proxyusefdpass":
			passed = value == "yes"
		}
	}
	t.Own, t.KnownHosts = len(t.KnownHosts), append(t.KnownHosts, global...)
	if !allowed(t.Address) || !allowed(t.User) {
		return t, &NameError{"host or user", t.User + "@" + t.Address}
	}
	t.KnownAs = t.Address
	switch {
	case alias != "":
		t.KnownAs = alias
	case t.Port != 22:
		t.KnownAs = fmt.Sprintf("[%s]:%d", t.Address, t.Port)
	}
	var err error
	switch {
	case r.Jump == Direct: // ssh itself would still take a ProxyCommand
	case jump != "":
		t.Way, err = r.byJump(t, tokens(t, alias), jump)
	case command != "" && passed:
		err = &ConfigError{fmt.Sprintf("%s has a ProxyCommand that passes a socket (ProxyUseFdpass), which kagiban cannot take", host)}
	case command != "":
		t.Way, err = r.byCommand(t, tokens(t, alias), command)
	}
	return t, err
}

func (r Resolver) expandAll(files string) []string {
	var all []string
	for file := range strings.FieldsSeq(files) {
		all = append(all, r.expand(file))
	}
	return all
}

func (r Resolver) expand(file string) string {
	if rest, ok := strings.CutPrefix(file, "~/"); ok {
		return filepath.Join(r.Home, rest)
	}
	return file
}

// CheckDestination refuses a [USER@]HOST[:PORT] that could not be one. Errors: *[NameError].
func CheckDestination(destination string) error {
	_, _, _, err := split(destination)
	return err
}

// split takes [USER@]HOST[:PORT] apart; an IPv6 address with a port stands in brackets.
func split(destination string) (user, host string, port int, err error) {
	host = destination
	if i := strings.LastIndex(destination, "@"); i >= 0 {
		user, host = destination[:i], destination[i+1:]
		if !allowed(user) {
			return "", "", 0, &NameError{"user", user}
		}
	}
	switch name, number, err := net.SplitHostPort(host); {
	case err == nil:
		host = name
		if port, err = strconv.Atoi(number); err != nil || port < 1 || port > 65535 {
			return "", "", 0, &NameError{"host", destination}
		}
	case strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]"):
		host = host[1 : len(host)-1]
	}
	if !allowed(host) {
		return "", "", 0, &NameError{"host", host}
	}
	return user, host, port, nil
}

// CheckUser says whether user may be the name of an account. Errors: *[NameError].
func CheckUser(user string) error {
	if !allowed(user) {
		return &NameError{"user", user}
	}
	return nil
}

// allowed: what may be a host or a user. No leading dash (it would be an option somewhere), nothing that a shell, a file of lines or a
// terminal gives a meaning to.
func allowed(name string) bool {
	if name == "" || name[0] == '-' || len(name) > 255 {
		return false
	}
	for _, r := range name {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("._-:%+@", r):
		default:
			return false
		}
	}
	return true
}
