package main

import (
	"cmp"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"kagiban/agent"
	"kagiban/agent/journal"
	"kagiban/cmd/internal/say"
	"kagiban/hostsetup/book"
)

// loggedElsewhere are the servers that the log saw a key log in to and the book does not know: the last login to each. Logins of programs that do
// not tell the agent where they lead (ssh does, PuTTY does not) name no server, and are not among them.
// A log that cannot be read has seen nothing.
func (p *program) loggedElsewhere(key ssh.PublicKey, hosts []book.Host) (all []say.Fields) {
	h, err := p.home()
	if err != nil {
		return nil
	}
	log := journal.Reader{Dir: h.Uses()}
	lines, _, err := log.Next()
	if err := cmp.Or(err, log.Unread); err != nil {
		p.log.Info("where the key was used is not known", "error", err)
	}
	print, known, seen := ssh.FingerprintSHA256(key), hostPrints(hosts), map[string]bool{}
	for _, l := range slices.Backward(lines) {
		e := l.Entry
		if e == nil || e.Fingerprint != print || e.Purpose != agent.UseLogin || e.Decision == agent.Refused || e.HostKey == "" || seen[e.HostKey] {
			continue
		}
		seen[e.HostKey] = true
		alias, _, _ := strings.Cut(e.Host, " (") // of one with a certificate the log has the certificate's fingerprint
		if !known[e.HostKey] && !slices.ContainsFunc(hosts, func(h book.Host) bool { return h.Name == alias }) {
			all = append(all, say.Fields{"server": piece(cmp.Or(e.Host, e.HostKey)), "user": words(e.User), "time": clock(e.Time, p.now())})
		}
	}
	slices.Reverse(all)
	return all
}

// hostPrints are the fingerprints of all host keys in the book.
func hostPrints(hosts []book.Host) map[string]bool {
	all := map[string]bool{}
	for _, h := range hosts {
		for _, line := range h.HostKeys {
			if key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line)); err == nil {
				all[ssh.FingerprintSHA256(key)] = true
			}
		}
	}
	return all
}
