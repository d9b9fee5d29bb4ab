// Package sshd reads sshd_config(5) and the output of `sshd -T` as text. Its functions are pure: they touch no
// file and no network. It promises to judge by what sshd itself says where sshd was asked, and to name file and line
// where a file stands in the way.
package sshd

import (
	"bufio"
	"slices"
	"strings"
)

// DropIn is the file that makes a server key-only, /etc/ssh/sshd_config.d/00-kagiban.conf. The first value that sshd reads
// wins (sshd_config(5)), so its name sorts before a provider's. ChallengeResponseAuthentication is the name that
// OpenSSH before 8.7 knows keyboard-interactive by; later ones take it as an alias.
const DropIn = `# Written by kagiban: this server lets nobody in by a password.
# To allow passwords again: delete this file, then reload sshd (systemctl reload ssh).
` + settings

const settings = `PasswordAuthentication no
KbdInteractiveAuthentication no
ChallengeResponseAuthentication no
PubkeyAuthentication yes
`

// Names on the server.
const (
	Config     = "/etc/ssh/sshd_config"
	DropInPath = "/etc/ssh/sshd_config.d/00-kagiban.conf"
)

// Effective is what `sshd -T` printed: keywords, in lower case, and their values in the order in which they stand.
// OpenSSH 10.6 spells the keywords in CamelCase, older ones in lower case; both are read.
type Effective map[string][]string

// ParseEffective reads the output of `sshd -T`.
func ParseEffective(text string) Effective {
	e := Effective{}
	for s := bufio.NewScanner(strings.NewReader(text)); s.Scan(); {
		keyword, value, found := strings.Cut(strings.TrimSpace(s.Text()), " ")
		if found {
			keyword = strings.ToLower(keyword)
			e[keyword] = append(e[keyword], strings.TrimSpace(value))
		}
	}
	return e
}

// Get returns a keyword's first value, "" if sshd does not know the keyword.
func (e Effective) Get(keyword string) string {
	if values := e[strings.ToLower(keyword)]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// yes: an option that is on, or that this sshd does not tell about and that counts as on.
func (e Effective) yes(keyword string) bool { return !strings.EqualFold(e.Get(keyword), "no") }

// Typed returns the methods by which something typed would let this user in: "password", "keyboard-interactive". None means key-only.
// Where AuthenticationMethods demands publickey alone or publickey before anything else, a password alone opens
// nothing.
func (e Effective) Typed() []string {
	lists := e.methods()
	if len(lists) == 0 {
		return e.On()
	}
	return slices.DeleteFunc(e.On(), func(method string) bool {
		return !slices.ContainsFunc(lists, func(list string) bool { return begins(list) == method })
	})
}

// KeyFirst tells whether AuthenticationMethods asks everybody for a key before anything is typed, so that it does not matter what else is on.
func (e Effective) KeyFirst() bool {
	lists := e.methods()
	return len(lists) > 0 && !slices.ContainsFunc(lists, func(list string) bool { return begins(list) != "publickey" })
}

// begins is the method that a list of AuthenticationMethods asks for first.
func begins(list string) string {
	first, _, _ := strings.Cut(list, ",")
	first, _, _ = strings.Cut(first, ":") // keyboard-interactive:pam
	return first
}

// On returns the methods of typing that are switched on, whatever AuthenticationMethods has to say.
func (e Effective) On() []string {
	var on []string
	if e.yes("passwordauthentication") {
		on = append(on, "password")
	}
	// sshd before 8.7 has the one under the other's name; where both are told, either switches it on.
	for _, keyword := range []string{"kbdinteractiveauthentication", "challengeresponseauthentication"} {
		if e.Get(keyword) != "" && e.yes(keyword) {
			on = append(on, "keyboard-interactive")
			break
		}
	}
	return on
}

// methods returns the lists of AuthenticationMethods, none for "any".
func (e Effective) methods() []string {
	var lists []string
	for _, value := range e["authenticationmethods"] {
		for list := range strings.FieldsSeq(value) {
			if list != "any" {
				lists = append(lists, list)
			}
		}
	}
	return lists
}

// SecondFactor returns the AuthenticationMethods that ask for more than a key, "" if a key alone is enough.
func (e Effective) SecondFactor() string {
	lists := e.methods()
	if len(lists) == 0 || slices.Contains(lists, "publickey") {
		return ""
	}
	return strings.Join(lists, " ")
}

// KeyFiles returns the patterns of AuthorizedKeysFile, with sshd's default where nothing was told at all. OpenSSH 10.6 does not tell
// of "none", as earlier ones do.
func (e Effective) KeyFiles() []string {
	files := strings.Fields(e.Get("authorizedkeysfile"))
	if len(files) == 0 && e.Get("pubkeyauthentication") != "" {
		return []string{"none"}
	}
	if len(files) == 0 {
		files = []string{".ssh/authorized_keys", ".ssh/authorized_keys2"}
	}
	return files
}

// HoldsKeys tells whether sshd looks for the user's keys in file, which is relative to the home folder.
func (e Effective) HoldsKeys(file, home, user string) bool {
	return slices.ContainsFunc(e.KeyFiles(), func(pattern string) bool {
		return KeyFile(pattern, home, user) == home+"/"+file
	})
}

// KeyFile is the file that a pattern of AuthorizedKeysFile stands for.
func KeyFile(pattern, home, user string) string {
	p := strings.NewReplacer("%%", "%", "%h", home, "%u", user).Replace(pattern)
	if !strings.HasPrefix(p, "/") {
		p = home + "/" + p
	}
	return p
}
