package main

import (
	"crypto/hmac"
	"crypto/sha1" // what known_hosts hides names with
	"encoding/base64"
	"net"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"kagiban/agent"
	"kagiban/agent/wire"
	"kagiban/hostsetup/authkeys"
	"kagiban/hostsetup/book"
	"kagiban/vault"
)

// At says how the vault's keys are tied to the server with that host key, by the book and by known_hosts as they are now.
func (s *serverNames) At(host ssh.PublicKey) func(agent.LockedKey) agent.Tie {
	known := s.look()
	if known.untold || len(known.ties) == 0 {
		return nil
	}
	here := known.tiesAt(host, s.now())
	return func(k agent.LockedKey) agent.Tie {
		key, ok := k.(*vaultKey)
		of := func(t book.Tie) bool { return t.Of(key.key.Name, key.key.Fingerprint) }
		switch {
		case ok && slices.ContainsFunc(here, of):
			return agent.TiedHere
		case ok && slices.ContainsFunc(known.ties, of):
			return agent.TiedElsewhere
		}
		return agent.Untied
	}
}

// perServerOff is what config.toml says now; of one that cannot be read, what it said before. `kagiban status` complains about it.
func (s *serverNames) perServerOff() bool {
	if s.settings == nil {
		return false
	}
	config, err := s.settings.LoadConfig()
	if err != nil {
		return s.known.untold
	}
	return config.PerServer != nil && !*config.PerServer
}

// further are the files of known hosts that the book names.
func (k knownServers) further() (files []string) {
	for _, h := range k.pages {
		files = append(files, h.KnownHosts...)
	}
	for _, t := range k.ties {
		files = append(files, t.KnownHosts...)
	}
	return files
}

// tiesAt are the ties to the server that holds that host key or certificate. Two servers of the book that are one have the ties of both.
func (k knownServers) tiesAt(host ssh.PublicKey, now time.Time) (here []book.Tie) {
	certificate, _ := host.(*ssh.Certificate)
	if certificate != nil {
		host = certificate.Key // it has signed for the server as any host key does
	}
	if k.revoked[blob(host)] {
		return nil
	}
	pages := k.aliases[blob(host)]
	for _, t := range k.ties {
		name := k.knownAs(t)
		if slices.Contains(pages, t.Host) || k.has(host, name) || certificate != nil && k.certifies(certificate, name, now) {
			here = append(here, t)
		}
	}
	return here
}

// knownAs is the name under which known_hosts has the server of a tie.
func (k knownServers) knownAs(t book.Tie) string {
	if name, ok := k.called[t.Host]; ok {
		return name
	}
	if t.KnownAs != "" {
		return t.KnownAs
	}
	if host, port, err := net.SplitHostPort(t.Host); err == nil { // written by hand
		return "[" + host + "]:" + port
	}
	return t.Host
}

// knows tells whether any server is known by which the tie could fit.
func (k knownServers) knows(t book.Tie) bool {
	for key, pages := range k.aliases {
		if slices.Contains(pages, t.Host) && !k.revoked[key] {
			return true
		}
	}
	keys, authorities := k.count(k.knownAs(t))
	return keys+authorities > 0
}

// has tells whether known_hosts has that host key under that name.
func (k knownServers) has(key ssh.PublicKey, name string) bool {
	return slices.ContainsFunc(k.lines[blob(key)], func(names string) bool { return isNamed(names, name) })
}

// certifies tells whether an authority that known_hosts has for that name says that the server is called so.
func (k knownServers) certifies(c *ssh.Certificate, name string, now time.Time) bool {
	by := blob(c.SignatureKey)
	return !k.revoked[by] && slices.ContainsFunc(k.authorities, func(a hostAuthority) bool { return a.key == by && isNamed(a.patterns, name) }) &&
		agent.CertifiedHost(c, strings.ToLower(withoutPort(name)), now)
}

// count is how many host keys, and authorities, known_hosts has for that name.
func (k knownServers) count(name string) (keys, authorities int) {
	all, by := k.keysOf(name)
	return len(all), len(by)
}

// keysOf are the host keys, and authorities, that known_hosts has for that name: public lines, in order.
func (k knownServers) keysOf(name string) (keys, authorities []string) {
	for key, lines := range k.lines {
		if !k.revoked[key] && slices.ContainsFunc(lines, func(names string) bool { return isNamed(names, name) }) {
			keys = append(keys, publicOf(key))
		}
	}
	for _, a := range k.authorities {
		if !k.revoked[a.key] && isNamed(a.patterns, name) {
			authorities = append(authorities, publicOf(a.key))
		}
	}
	return sorted(keys), sorted(authorities)
}

// isRevoked tells whether known_hosts takes back the key of a public line.
func (k knownServers) isRevoked(line string) bool {
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
	return err == nil && k.revoked[blob(key)]
}

// publicOf is the public line of a key that was parsed before.
func publicOf(blob string) string {
	key, err := ssh.ParsePublicKey([]byte(blob))
	if err != nil {
		return ""
	}
	return authkeys.Format(key, "")
}

// withoutPort is the name that a host certificate has for a server that known_hosts knows as name.
func withoutPort(name string) string {
	if host, _, err := net.SplitHostPort(name); err == nil && strings.HasPrefix(name, "[") {
		return host
	}
	return name
}

// isNamed tells whether the names of a line of known_hosts mean that server (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT): patterns, or one hidden name.
func isNamed(names, name string) bool {
	name = strings.ToLower(name)
	hidden, ok := strings.CutPrefix(names, "|1|")
	if !ok {
		return wire.MatchPatternList(strings.ToLower(names), name)
	}
	salt, sum, _ := strings.Cut(hidden, "|")
	key, err := base64.StdEncoding.DecodeString(salt)
	if err != nil {
		return false
	}
	mac := hmac.New(sha1.New, key)
	mac.Write([]byte(name))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil)) == sum
}

// tiesOf are the servers that a key is tied to, each once.
func tiesOf(ties []book.Tie, key vault.Key) []string {
	var hosts []string
	for _, t := range ties {
		if t.Of(key.Name, key.Fingerprint) {
			hosts = append(hosts, t.Host)
		}
	}
	return unique(hosts)
}
