package export

import (
	"slices"
	"strings"

	"kagiban/hostsetup/sshd"
)

// An Account is a user of a server that is yet to be made, and the keys that shall open it.
type Account struct {
	User string
	Keys []Key
}

// Accounts are those that the hosts have, each once, with the keys that open it anywhere.
func Accounts(hosts []Host) []Account {
	var all []Account
	for _, h := range hosts {
		i := slices.IndexFunc(all, func(a Account) bool { return a.User == h.User })
		if i < 0 {
			i = len(all)
			all = append(all, Account{User: h.User})
		}
		if !slices.ContainsFunc(all[i].Keys, func(k Key) bool { return k.Name == h.Key.Name }) {
			all[i].Keys = append(all[i].Keys, h.Key)
		}
	}
	return all
}

// CloudInit is a user-data (cloud-config) that makes a server key-only from its birth: sshd reads the drop-in when it first starts. The
// accounts have no password, so sudo asks for none. Errors: *[UnfitError].
func CloudInit(accounts []Account) (string, error) {
	var b strings.Builder
	b.WriteString("#cloud-config\n" + Mark + "cloud-init: user-data for a new server, which lets nobody in by a password from its birth.\n" +
		"# These accounts have no password, so sudo asks for none; the provider's console has none to log in with, either.\nusers:\n")
	for _, a := range accounts {
		if !FitsUser(a.User) {
			return "", &UnfitError{a.User, "user", a.User}
		}
		b.WriteString("  - name: " + quoted(a.User) + "\n    lock_passwd: true\n")
		if a.User != "root" {
			b.WriteString("    shell: /bin/bash\n    sudo: \"ALL=(ALL) NOPASSWD:ALL\"\n")
		}
		b.WriteString("    ssh_authorized_keys:\n")
		for _, k := range a.Keys {
			b.WriteString("      - " + quoted(k.line()) + "\n")
		}
	}
	if slices.ContainsFunc(accounts, func(a Account) bool { return a.User == "root" }) {
		b.WriteString("disable_root: false\n")
	}
	b.WriteString("ssh_pwauth: false\nwrite_files:\n  - path: " + sshd.DropInPath + "\n    owner: root:root\n    permissions: \"0644\"\n    content: |\n" +
		indented(sshd.DropIn, 6))
	return b.String(), nil
}
