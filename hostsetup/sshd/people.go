package sshd

import (
	"path"
	"slices"
	"strconv"
	"strings"
)

// named tells whether one of the keyword's patterns fits one of names. A pattern of AllowUsers and DenyUsers may end in @HOST; anywhere says
// how such a one counts, since the person may come from any host.
func (e Effective) named(keyword string, anywhere bool, names ...string) bool {
	for _, value := range e[keyword] {
		for pattern := range strings.FieldsSeq(value) {
			user, _, bound := strings.Cut(pattern, "@")
			if bound && !anywhere {
				continue
			}
			// sshd's patterns have * and ? alone.
			user = strings.NewReplacer(`\`, `\\`, "[", `\[`).Replace(user)
			if slices.ContainsFunc(names, func(name string) bool {
				fits, err := path.Match(user, strings.ReplaceAll(name, "/", "_"))
				return err == nil && fits
			}) {
				return true
			}
		}
	}
	return false
}

// Allows tells whether AllowUsers or AllowGroups speak of the account.
func (e Effective) Allows(user string, groups []string) bool {
	return e.named("allowusers", true, user) || e.named("allowgroups", true, groups...)
}

// Admits tells whether AllowUsers, DenyUsers and their like let the account in, from some host at least. sshd_config(5): each of the four
// that is set must agree.
func (e Effective) Admits(user string, groups []string) bool {
	return !e.named("denyusers", false, user) && !e.named("denygroups", true, groups...) &&
		(len(e["allowusers"]) == 0 || e.named("allowusers", true, user)) &&
		(len(e["allowgroups"]) == 0 || e.named("allowgroups", true, groups...))
}

// is compares a value without regard to case, since OpenSSH 10.6 spells some otherwise.
func (e Effective) is(keyword, value string) bool { return strings.EqualFold(e.Get(keyword), value) }

// Strict tells whether sshd looks at the modes of key files.
func (e Effective) Strict() bool { return !e.is("strictmodes", "no") }

// TakesKeys tells whether a key opens anything.
func (e Effective) TakesKeys() bool { return !e.is("pubkeyauthentication", "no") }

// RootByPassword tells whether accounts of uid 0 get in by a password.
func (e Effective) RootByPassword() bool { return e.is("permitrootlogin", "yes") }

// EmptyPasswords tells whether an account without a password gets in by none.
func (e Effective) EmptyPasswords() bool { return e.is("permitemptypasswords", "yes") }

// Chroots: the login is put into a folder of its own; then its shell need not be there.
func (e Effective) Chroots() bool {
	return e.Get("chrootdirectory") != "" && !e.is("chrootdirectory", "none")
}

// InternalSFTP tells whether the login is good for sftp without any shell.
func (e Effective) InternalSFTP() bool {
	forced := e.Get("forcecommand")
	if forced != "" && !strings.EqualFold(forced, "none") {
		return first(forced) == "internal-sftp"
	}
	return slices.ContainsFunc(e["subsystem"], func(value string) bool {
		name, command, _ := strings.Cut(value, " ")
		return name == "sftp" && first(command) == "internal-sftp"
	})
}

func first(command string) string {
	word, _, _ := strings.Cut(strings.TrimSpace(command), " ")
	return word
}

// Takes tells whether sshd takes keys of this type; RSA keys sign by several names.
func (e Effective) Takes(keyType string) bool {
	taken := e.Get("pubkeyacceptedalgorithms")
	if taken == "" {
		taken = e.Get("pubkeyacceptedkeytypes") // OpenSSH before 8.5
	}
	names := []string{keyType}
	if keyType == "ssh-rsa" {
		names = append(names, "rsa-sha2-256", "rsa-sha2-512")
	}
	return taken == "" || slices.ContainsFunc(strings.Split(taken, ","), func(name string) bool { return slices.Contains(names, name) })
}

// TakesBits tells whether an RSA key is long enough (RequiredRSASize, since OpenSSH 9.1); 0 stands for keys of other types.
func (e Effective) TakesBits(bits int) bool {
	least, err := strconv.Atoi(e.Get("requiredrsasize"))
	return bits == 0 || err != nil || bits >= least
}
