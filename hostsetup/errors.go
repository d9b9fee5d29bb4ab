package hostsetup

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"

	"kagiban/hostsetup/book"
	"kagiban/hostsetup/remote"
)

// A NameError is a host or user name that is refused before it reaches any program or the network.
type NameError struct{ Kind, Name string }

func (e *NameError) Error() string { return fmt.Sprintf("%s name %q is not allowed", e.Kind, e.Name) }

// A ConfigError is an ssh configuration that could not be resolved, or that asks for what is not supported.
type ConfigError struct{ What string }

func (e *ConfigError) Error() string { return e.What }

// An UnreachableError means that no SSH server answered.
type UnreachableError struct {
	Address string
	Err     error
	// HungUp: something took the connection, and ended it before anything was shown to it.
	HungUp bool
	Said   string // what it said in place of a greeting
	Way    *Way   // nil, or what leads there: then Err is what came of that
}

func (e *UnreachableError) Error() string {
	if e.Way != nil {
		return fmt.Sprintf("%s is not reached by way of %s: %v", e.Address, e.Way, e.Err)
	}
	return fmt.Sprintf("no answer from %s: %v", e.Address, e.Err)
}
func (e *UnreachableError) Unwrap() error { return e.Err }

// A HostKeyError means that the server's identity is not what it should be. Nothing secret was sent.
type HostKeyError struct {
	Known   string // the name in known_hosts
	Key     ssh.PublicKey
	Changed bool   // known_hosts (or the pin) has another key
	Where   string // file:line of that other key, "" for a pin
	Page    string // the book's name of the server, where it is the book that does not have this key
	Pin     string
}

func (e *HostKeyError) Error() string {
	switch {
	case e.Pin != "":
		return fmt.Sprintf("the host key of %s is %s, not %s", e.Known, ssh.FingerprintSHA256(e.Key), e.Pin)
	case e.Changed:
		return fmt.Sprintf("the host key of %s has changed: it is %s; %s has another", e.Known, ssh.FingerprintSHA256(e.Key), e.Where)
	}
	return fmt.Sprintf("the host key of %s is not known: %s", e.Known, ssh.FingerprintSHA256(e.Key))
}

// A LoginError means that the server let nobody in with what it was shown.
type LoginError struct {
	Account string
	Offered []string // methods that the server would accept (RFC 4252 section 5)
	Tried   []string // methods
	Partial []string // methods that were accepted before another was asked for
	Err     error    // not nil: the server hung up
	Said    string   // what it said then
	// Unsigned is why the key that the server would have taken did not sign: its agent refused, for one.
	Unsigned error
}

// Ended: the server hung up, and not because too much was tried.
func (e *LoginError) Ended() bool {
	return e.Err != nil && !strings.Contains(e.Err.Error(), "Too many authentication failures") // sshd's words, the same in every version
}

func (e *LoginError) Error() string {
	if e.Ended() {
		return fmt.Sprintf("%s: the server ended the login (%s)", e.Account, cmp.Or(e.Said, "it did not say why"))
	}
	if len(e.Partial) > 0 {
		return fmt.Sprintf("%s: after %s the server asks for a second factor (%s)", e.Account, strings.Join(e.Partial, ", "), strings.Join(e.Offered, ", "))
	}
	return fmt.Sprintf("%s: login refused (the server accepts %s)", e.Account, strings.Join(e.Offered, ", "))
}
func (e *LoginError) Unwrap() error { return e.Err }

// A RootError means that the account cannot become root, so sshd's configuration is out of reach.
type RootError struct {
	Account string
	Why     string // each way that was tried, and why it failed
	// Wrong: sudo or doas asked for a password, and what it was given was not it.
	Wrong bool
}

func (e *RootError) Error() string { return fmt.Sprintf("%s cannot become root: %s", e.Account, e.Why) }

// What a [Person] says of a password for root: there is none to be had; or the one that was refused is all that there is.
var (
	ErrNoPassword    = errors.New("there is no password to be had")
	ErrWrongPassword = errors.New("there is no other password to be had")
)

// An OtherServerError means that the SSH server is not OpenSSH's sshd, which is the only one whose passwords kagiban turns off.
type OtherServerError struct{ Software string }

func (e *OtherServerError) Error() string {
	return fmt.Sprintf("this server is %s, and kagiban turns passwords off for OpenSSH's sshd only", e.Software)
}

// A KeyRefusedError means that sshd did not take the key although its line stands where keys are looked for.
type KeyRefusedError struct {
	Account, File string
	Suspects      []string // what sshd may object to: paths with their owners and modes
	Err           error
}

func (e *KeyRefusedError) Error() string {
	why := "sshd may look for keys elsewhere, or take none of this type"
	if len(e.Suspects) > 0 {
		why = "sshd objects to " + strings.Join(e.Suspects, ", ")
	}
	return fmt.Sprintf("the key was not taken for %s although it stands in %s: %s", e.Account, e.File, why)
}
func (e *KeyRefusedError) Unwrap() error { return e.Err }

// An UndoneError means that a step failed after something had been changed, and that the change was taken back.
type UndoneError struct {
	Step string
	Err  error
	// Undo is nil when the server was seen to be as before. Else the server will do it by itself, no later than After seconds after the switch was armed.
	Undo  error
	After int
	// Left is the file in which this key's line was left, "" if it was taken back.
	Left string
	// User is the account that was made and stays, locked: no password, no key, no sudo. "" if none was made.
	User string
	// Offered is what sshd offers now, where nothing typed is among it any more although it was: then the line was left on purpose.
	Offered []string
}

func (e *UndoneError) Error() string {
	if e.Undo != nil {
		return fmt.Sprintf("%s: %v (and the undo was not seen to end: %v)", e.Step, e.Err, e.Undo)
	}
	return fmt.Sprintf("%s: %v", e.Step, e.Err)
}
func (e *UndoneError) Unwrap() error { return e.Err }

// A NotEnforcedError means that the key opens the server, and that passwords were left as they are.
type NotEnforcedError struct {
	Account string
	Open    []string // what is typed and offered to the account; none: what others are offered was not seen
	Err     error
}

func (e *NotEnforcedError) Error() string {
	if len(e.Open) == 0 {
		return fmt.Sprintf("only publickey is offered to %s; not checked for others: %v", e.Account, e.Err)
	}
	return fmt.Sprintf("passwords are still accepted: %v", e.Err)
}
func (e *NotEnforcedError) Unwrap() error { return e.Err }

// A StillOpenError means that a typed password is still offered.
type StillOpenError struct {
	Account string
	Methods []string
}

func (e *StillOpenError) Error() string {
	return fmt.Sprintf("%s is still offered %s", e.Account, strings.Join(e.Methods, ", "))
}

// A ForcedError means that a login worked but did not run what it was told to run.
type ForcedError struct {
	Account string
	User    string // on the server at Address
	Address string
	Port    int
	Status  int    // exit status of what ran in its place; -1: none
	Output  string // the first line of what it printed
	Why     Forced
}

// Forced is what most likely ran in place of our command.
type Forced int

// The kinds of [Forced].
const (
	ForcedSomehow Forced = iota // startup files that end the session, ForceCommand, command=
	ForcedNoShell               // a login shell that runs nothing, or not this
	ForcedExpired               // a new password is demanded first
)

func (e *ForcedError) Error() string {
	return fmt.Sprintf("%s logs in, but our command did not run: what ran in its place ended with exit status %d and printed %s", e.Account, e.Status, quoted(e.Output))
}

func quoted(text string) string {
	if text == "" {
		return "nothing"
	}
	return strconv.Quote(text)
}

// ErrNoCredentials means that the server lets this user in without any credential.
var ErrNoCredentials = errors.New("the server asks for no credentials at all")

// ErrCutOff means that the link broke before a command of ours had answered.
var ErrCutOff = remote.ErrCutOff

// A Failure is what the server's half says when it cannot do its work.
type Failure = remote.Failure

// ErrNoHost means that the book has no such server; it stands here for those who have no other business with the book.
var ErrNoHost = book.ErrNoHost

// A BookError is a hosts.toml that cannot be read.
type BookError = book.FormatError
