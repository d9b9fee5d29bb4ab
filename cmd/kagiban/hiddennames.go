package main

import (
	"net"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"

	"kagiban/agent/door"
)

// How many words and ports are held against each hidden name.
const maxGuesses, maxGuessedPorts = 400, 10

// hiddenName is the name that known_hosts hides of who holds that host key, where the program that is connected to it was told it, or ssh's
// configuration, the book or a tie has it: who comes through a forward tells no name here. It is no matter who says a name: a wrong one does not fit what is hidden.
func (k knownServers) hiddenName(hostKey ssh.PublicKey, pid int) string {
	if certificate, ok := hostKey.(*ssh.Certificate); ok {
		hostKey = certificate.Key
	}
	key := blob(hostKey)
	hidden := slices.DeleteFunc(slices.Clone(k.lines[key]), func(names string) bool { return !strings.HasPrefix(names, "|") })
	if len(hidden) == 0 || k.revoked[key] {
		return ""
	}
	for _, name := range append(guesses(append(door.Args(pid), k.configured...)), k.recorded()...) {
		if slices.ContainsFunc(hidden, func(names string) bool { return isNamed(names, name) }) {
			return name
		}
	}
	return ""
}

// recorded are the names that known_hosts has, if it has them, for the servers of the book and of ties.
func (k knownServers) recorded() (names []string) {
	for _, h := range k.pages {
		names = append(names, h.KnownAs)
	}
	for _, t := range k.ties {
		names = append(names, k.knownAs(t))
	}
	return names
}

// guesses are what may be names of servers in words that ssh was told: HOST, USER@HOST, ssh://USER@HOST:PORT, -W HOST:PORT; each as it is
// and with each number that may be its port (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT).
func guesses(words []string) (names []string) {
	var hosts, ports []string
	for _, word := range words {
		word, _ = strings.CutPrefix(word, "ssh://")
		word, _, _ = strings.Cut(word[strings.LastIndexByte(word, '@')+1:], "/")
		if host, port, err := net.SplitHostPort(word); err == nil {
			hosts, ports = append(hosts, host), append(ports, port)
		}
		number := strings.TrimLeft(word, "-pPortORT= ") // -p 22, -p22, -oPort=22
		if _, err := strconv.ParseUint(number, 10, 16); err == nil {
			ports = append(ports, number)
		} else if word != "" && word[0] != '-' {
			hosts = append(hosts, strings.Trim(word, "[]"))
		}
	}
	ports = unique(ports)
	for _, host := range hosts[:min(len(hosts), maxGuesses)] {
		names = append(names, host)
		for _, port := range ports[:min(len(ports), maxGuessedPorts)] {
			names = append(names, "["+host+"]:"+port)
		}
	}
	return names
}
