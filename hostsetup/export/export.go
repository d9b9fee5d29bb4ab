// Package export writes the servers of the book down for other programs: Ansible, cloud-init and ssh(1). Its functions are pure. What it
// writes leads to the state in which kagiban leaves a server, holds nothing secret, and means what it says whatever the names are:
// a name that could not be one is refused, and all others are quoted.
package export

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/crypto/ssh"

	"kagiban/hostsetup/authkeys"
)

// A Host is one server.
type Host struct {
	Name    string // what the owner calls it
	Address string
	Port    int
	User    string
	KnownAs string // in known_hosts
	Jump    string // the way there as -J takes it, "" for none
	// ByName: the way there is known to ssh's own configuration, under Name, and is no jump.
	ByName bool
	Key    Key // that opens it
}

// A Key is a public key.
type Key struct {
	Name    string // in the vault
	Public  ssh.PublicKey
	Comment string
}

// line is the key as it stands on a server.
func (k Key) line() string { return authkeys.Format(k.Public, k.Comment) }

// An UnfitError is a host that cannot be written down: the book was edited by hand, and one of its names could not be one.
type UnfitError struct{ Host, What, Value string }

func (e *UnfitError) Error() string {
	return fmt.Sprintf("host %q has the %s %q, which cannot be one", e.Host, e.What, e.Value)
}

var (
	alias   = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]*$`)
	address = regexp.MustCompile(`^[A-Za-z0-9_:][A-Za-z0-9._:%-]*$`)
	account = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._@+-]*$`)
	knownAs = regexp.MustCompile(`^[A-Za-z0-9_\[:][A-Za-z0-9._:%\]-]*$`)
	way     = regexp.MustCompile(`^([A-Za-z0-9_\[:][A-Za-z0-9._:%@+,\]\[-]*)?$`)
)

// FitsUser tells whether name may be an account's.
func FitsUser(name string) bool { return account.MatchString(name) }

// check refuses a host whose names have a meaning somewhere. Errors: *[UnfitError].
func check(hosts []Host) error {
	for _, h := range hosts {
		for _, c := range []struct {
			what, value string
			rule        *regexp.Regexp
		}{{"name", h.Name, alias}, {"address", h.Address, address}, {"user", h.User, account}, {"name in known_hosts", h.KnownAs, knownAs}, {"way", h.Jump, way}, {"key name", h.Key.Name, alias}} {
			if !c.rule.MatchString(c.value) || strings.Contains(c.value, ",-") {
				return &UnfitError{h.Name, c.what, c.value}
			}
		}
		if h.Port < 1 || h.Port > 65535 {
			return &UnfitError{h.Name, "port", fmt.Sprint(h.Port)}
		}
	}
	return nil
}

// hostKeyAlias is the name in known_hosts, "" where ssh looks for that anyway.
func (h Host) hostKeyAlias() string {
	if h.KnownAs == h.Address && h.Port == 22 || h.KnownAs == fmt.Sprintf("[%s]:%d", h.Address, h.Port) {
		return ""
	}
	return h.KnownAs
}

// quoted is text as a YAML scalar: a JSON string is one (YAML 1.2, section 1.3).
func quoted(text string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(text) // a string always can be
	return strings.TrimSuffix(b.String(), "\n")
}

// indented puts a text below a key of YAML ("|").
func indented(text string, by int) string {
	margin := strings.Repeat(" ", by)
	return margin + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n"+margin) + "\n"
}

// SSHConfig is a Host block for each server (ssh_config(5)). Errors: *[UnfitError].
func SSHConfig(hosts []Host) (string, error) {
	if err := check(hosts); err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString(Mark + "ssh-config. To have ssh know these names, put at the top of ~/.ssh/config: Include THIS-FILE\n" +
		"# The key comes from the agent (kagiban env), so no IdentityFile stands here.\n")
	for _, h := range hosts {
		fmt.Fprintf(&b, "\nHost %s\n\tHostName %s\n\tUser %s\n\tPort %d\n", h.Name, escaped(h.Address), escaped(h.User), h.Port)
		if a := h.hostKeyAlias(); a != "" {
			fmt.Fprintf(&b, "\tHostKeyAlias %s\n", a)
		}
		if h.Jump != "" {
			fmt.Fprintf(&b, "\tProxyJump %s\n", escaped(h.Jump))
		}
	}
	return b.String(), nil
}

// escaped is a value in which ssh(1) looks for tokens (ssh_config(5), TOKENS).
func escaped(value string) string { return strings.ReplaceAll(value, "%", "%%") }

// Mark begins the first line of everything that is written, so that it may be written anew.
const Mark = "# Written by kagiban host export "
