package hostsetup

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"

	"kagiban/hostsetup/authkeys"
	"kagiban/hostsetup/book"
)

// Elsewhere are the servers that known_hosts files (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT) know and pages do not hold, by name or by host key:
// names, each once and sorted, and how many there are at least whose names are hashed. Lines that cannot be read are passed over, as ssh does.
func Elsewhere(files []string, pages []book.Host) (names []string, hashed int, err error) {
	byType := map[string]int{} // a server has one line for each type of key, and each is hashed in its own way
	for _, file := range files {
		text, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, 0, err
		}
		for line := range bytes.Lines(text) {
			marker, hosts, key, _, _, err := ssh.ParseKnownHosts(line)
			if err != nil || marker != "" || held(hosts, key, pages) {
				continue
			}
			name := hosts[0] // the others are its addresses
			switch {
			case strings.HasPrefix(name, "|"):
				byType[key.Type()]++
				hashed = max(hashed, byType[key.Type()])
			case !strings.ContainsAny(name, "*?!"):
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names), hashed, nil
}

// held tells whether a line of known_hosts is about a server of the book.
func held(hosts []string, key ssh.PublicKey, pages []book.Host) bool {
	line := authkeys.Format(key, "")
	return slices.ContainsFunc(pages, func(page book.Host) bool {
		return slices.Contains(page.HostKeys, line) || slices.ContainsFunc(hosts, func(name string) bool {
			return name == page.KnownAs || knownhosts.Normalize(name) == knownhosts.Normalize(page.KnownAs)
		})
	})
}
