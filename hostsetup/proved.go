package hostsetup

import (
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"kagiban/hostsetup/authkeys"
	"kagiban/hostsetup/book"
)

// proved are the fingerprints of the keys that were seen to open the account: by this client, now or as the book has it, and in the server's own log. A
// key whose line does not stand any more is none; where not all key files were to be read, nobody can say that of those in the book.
func (f *facts) proved(page book.Host, now ...ssh.PublicKey) []string {
	stand := f.lettingIn()
	all := slices.Clone(f.opened)
	for _, key := range append([]string{page.Fingerprint}, page.Proved...) {
		if key != "" && (!f.privileged || slices.Contains(stand, key)) {
			all = append(all, key)
		}
	}
	all = slices.DeleteFunc(all, func(key string) bool { return f.privileged && !slices.Contains(stand, key) })
	for _, key := range now {
		all = append(all, fingerprint(key))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// lettingIn are the keys of the user's that let their owner in to a shell, from everywhere and for good.
func (f *facts) lettingIn() []string {
	var keys []string
	for _, text := range f.texts() {
		for _, line := range authkeys.Parse(text) {
			if line.Unbound() && !forcedLine(line) {
				keys = append(keys, fingerprint(line.Key))
			}
		}
	}
	return keys
}

// texts are all of the user's key files.
func (f *facts) texts() []string {
	all := []string{f.text}
	for _, file := range f.elsewhere {
		all = append(all, file.Text)
	}
	return all
}

// forcedLine: the line runs a command of its own, in place of what its owner wants.
func forcedLine(line authkeys.Line) bool {
	return slices.ContainsFunc(line.Options, func(option string) bool { return strings.HasPrefix(strings.ToLower(option), "command=") })
}

// seen notes which keys are known to open the server.
func (e *exam) seen() { e.health.Proved = e.facts.proved(e.page, e.opened()...) }
