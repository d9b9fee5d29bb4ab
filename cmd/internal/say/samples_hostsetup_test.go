package say

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net"
	"syscall"

	"golang.org/x/crypto/ssh"

	"kagiban/hostsetup"
)

func hostsetupSamples() []sample {
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		panic(err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		panic(err)
	}
	down := &hostsetup.UnreachableError{Address: "192.0.2.1:22", Err: errors.New("no route to host")}
	return []sample{
		{&hostsetup.NameError{Kind: "host", Name: "-x"}, BadHostName},
		{&hostsetup.ConfigError{What: "ProxyJump is not supported yet"}, SSHConfig},
		{down, Unreachable},
		{&hostsetup.UnreachableError{Address: "vsp1.example.com:22", Err: &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "vsp1.example.com", IsNotFound: true}}}, NoSuchName},
		{&hostsetup.UnreachableError{Address: "vps1.example.com:22", Err: lookedUpInVain("vps1.example.com")}, NameUnanswered},
		{&hostsetup.UnreachableError{Address: "192.0.2.1:22", Err: errors.New("connect: connection refused")}, PortClosed},
		{&hostsetup.HostKeyError{Known: "vps1", Key: key}, HostKeyUnknown},
		{&hostsetup.HostKeyError{Known: "vps1", Key: key, Where: "the book (hosts.toml)", Page: "vps1"}, HostKeyUnknown},
		{&hostsetup.HostKeyError{Known: "vps1", Key: key, Changed: true, Where: "known_hosts:3"}, HostKeyChanged},
		{&hostsetup.HostKeyError{Known: "vps1", Key: key, Changed: true, Where: "the book (hosts.toml)", Page: "vps1"}, HostKeyNotInBook},
		{&hostsetup.HostKeyError{Known: "vps1", Key: key, Changed: true, Pin: "SHA256:x"}, HostKeyMismatch},
		{&hostsetup.LoginError{Account: "me@vps1"}, LoginRefused},
		{&hostsetup.LoginError{Account: "me@vps1", Offered: []string{"publickey", "keyboard-interactive"}}, LoginRefused},
		{&hostsetup.LoginError{Account: "me@vps1", Offered: []string{"publickey"}}, LoginShut},
		{&hostsetup.LoginError{Account: "me@vps1", Partial: []string{"publickey"}, Offered: []string{"password"}}, SecondFactor},
		{&hostsetup.RootError{Account: "me@vps1", Why: "sudo: not there; doas: not there; su: no password for it"}, NoRoot},
		{&hostsetup.RootError{Account: "me@vps1", Why: "sudo: the password was not it; doas: not there; su: no password for it", Wrong: true}, SudoRefused},
		{&hostsetup.BlockedError{Problems: []hostsetup.Problem{{ID: "sshd-broken", About: map[string]string{"tested": "d"}}, {ID: "unheard-of"}}}, Blocked},
		{&hostsetup.OthersError{Others: []hostsetup.Other{{Name: "bob", Why: "a password and no key"}, {Name: "eve", Why: "logged in by password on 2026-11-03"}}}, OthersLose},
		{&hostsetup.UndoneError{Step: "enforce", Err: down}, Undone},
		{&hostsetup.UndoneError{Step: "enforce", Err: fmt.Errorf("dial: %w", context.Canceled)}, UndoneByPerson},
		{&hostsetup.UndoneError{Step: "enforce", Err: context.Canceled, Undo: down, After: 120}, UndoUnseen},
		{&hostsetup.NotEnforcedError{Account: "me@vps1", Open: []string{"password"}, Err: &hostsetup.RootError{Account: "me@vps1", Why: "sudo: not there; doas: not there; su: no password for it"}}, NotEnforced},
		{&hostsetup.UndoneError{Step: "rehearse", Err: &hostsetup.Failure{Verb: "stage", What: "pending", Detail: "x"}, Left: "/home/me/.ssh/authorized_keys"}, HostBusy},
		{&hostsetup.UndoneError{Step: "rehearse", Err: &hostsetup.Failure{Verb: "stage", What: "write", Detail: "x"}, Left: "/home/me/.ssh/authorized_keys"}, UndoneKeyLeft},
		{&hostsetup.UndoneError{Step: "prove-again", Err: context.Canceled, Left: "/home/me/.ssh/authorized_keys", Offered: []string{"publickey"}}, UndoneShut},
		{&hostsetup.NotEnforcedError{Account: "me@vps1", Err: &hostsetup.RootError{Account: "me@vps1", Why: "sudo: not there; doas: not there; su: no password for it"}}, NotChecked},
		{&hostsetup.StillOpenError{Account: "root@vps1", Methods: []string{"password"}}, StillOpen},
		{&hostsetup.ForcedError{Account: "me@vps1"}, Forced},
		{&hostsetup.ForcedError{Account: "me@vps1", Status: 1, Output: "not available", Why: hostsetup.ForcedNoShell}, NoShell},
		{&hostsetup.ForcedError{Account: "me@vps1", Status: 1, Why: hostsetup.ForcedExpired}, PasswordExpired},
		{&hostsetup.UnreachableError{Address: "192.0.2.1:22", Err: errors.New("EOF"), HungUp: true, Said: "Exceeded MaxStartups"}, HungUp},
		{&hostsetup.UnreachableError{Address: "192.0.2.1:80", Err: errors.New("EOF"), HungUp: true, Said: "HTTP/1.1 400 Bad Request"}, NoSSH},
		{&hostsetup.LoginError{Account: "me@vps1", Err: errors.New("EOF"), Said: "System is going down"}, LoginEnded},
		{&hostsetup.UndoneError{Step: "prove", Err: &hostsetup.KeyRefusedError{Account: "me@vps1", File: "/home/me/.ssh/authorized_keys", Err: &hostsetup.LoginError{}}}, Undone},
		{&hostsetup.KeyRefusedError{Account: "me@vps1", File: "/home/me/.ssh/authorized_keys", Err: &hostsetup.LoginError{}}, KeyRefused},
		{&hostsetup.NotEnforcedError{Account: "me@vps1", Open: []string{"password"}, Err: &hostsetup.OtherServerError{Software: "dropbear"}}, OtherServer},
		{&hostsetup.NotEnforcedError{Account: "me@vps1", Err: &hostsetup.OtherServerError{Software: "tinyssh"}}, OtherServer},
		{&hostsetup.Failure{What: "write", Detail: "/etc/ssh/x", Said: "cp: Read-only file system"}, CannotWrite},
		{fmt.Errorf("inspect: %w", hostsetup.ErrCutOff), CutOff},
		{&hostsetup.UndoneError{Step: "enforce", Err: errors.Join(context.Canceled, hostsetup.ErrCutOff)}, UndoneByPerson},
		{hostsetup.ErrNoCredentials, NoCredentials},
		{&hostsetup.NoDropInError{Name: "vps1", Offered: []string{"publickey"}}, NotOurs},
		{&hostsetup.Failure{What: "reload", Detail: "exit status 1"}, ServerFailed},
		{&hostsetup.Failure{What: "a word of tomorrow", Detail: "x"}, ServerFailed},
		{hostsetup.ErrNoHost, NoHost},
		{&hostsetup.BookError{Path: "/hosts.toml"}, BadBook},
	}
}

// lookedUpInVain is what a name comes to where no DNS server listens.
func lookedUpInVain(name string) error {
	nobody := net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "udp", Err: syscall.ECONNREFUSED}
	}}
	_, err := nobody.LookupHost(context.Background(), name)
	return &net.OpError{Op: "dial", Err: err}
}
