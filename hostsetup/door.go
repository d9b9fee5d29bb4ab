package hostsetup

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"kagiban/hostsetup/remote"
)

// What those who run in place of our command say of themselves: shadow's sshd and PAM, nologin(8), and restricted shells.
var (
	saysExpired = regexp.MustCompile(`(?i)password has expired|password change required|required to change your password`)
	saysNoShell = regexp.MustCompile(`(?i)account is currently not available|rbash: |restricted`)
)

// forced tells what most likely ran in place of our command. A login shell of /bin/false says nothing and ends with 1.
func forced(t Target, cut *cutOff) *ForcedError {
	e := &ForcedError{Account: t.Account(), User: t.User, Address: t.Address, Port: t.Port, Status: cut.status, Output: printed(cut.text)}
	switch {
	case saysExpired.MatchString(cut.text):
		e.Why = ForcedExpired
	case saysNoShell.MatchString(cut.text), e.Output == "" && cut.status == 1:
		e.Why = ForcedNoShell
	}
	return e
}

// openSSH is how OpenSSH's sshd calls itself, in every version.
const openSSH = "OpenSSH"

// software is what a server's greeting says that it is: "OpenSSH", "dropbear", "tinyssh".
func software(version []byte) string {
	_, name, _ := strings.Cut(strings.TrimPrefix(string(version), "SSH-"), "-")
	name = name[:len(name)-len(strings.TrimLeftFunc(name, unicode.IsLetter))]
	return cmp.Or(printed(name), "another server")
}

// suspects are the paths that sshd refuses keys for, as far as they were seen and could not be mended by the user (sshd(8), StrictModes):
// those of another than the user and root, and root's own that others may write.
func (f *facts) suspects() []string {
	var all []string
	for _, m := range f.paths {
		if m.uid != f.uid && (m.uid != 0 || m.bits&0o022 != 0) {
			all = append(all, fmt.Sprintf("%s (owner %d, mode %o)", m.path, m.uid, m.bits))
		}
	}
	return all
}

// stuck are the reasons for which a file could not be written, as the server's half found them: "readonly MOUNT FOLDER",
// "readonly-here MOUNT FOLDER", "full MOUNT FOLDER", "fixed PATH", "denied PATH".
func stuck(user string, reasons []string) []Problem {
	var found []Problem
	for _, reason := range reasons {
		kind, what, _ := strings.Cut(reason, " ")
		mount, folder, _ := strings.Cut(what, " ")
		switch kind {
		case "readonly", "readonly-here":
			how := map[string]string{"readonly": "remount,rw", "readonly-here": "remount,bind,rw"}[kind]
			found = append(found, problem("read-only", "folder", folder, "mount", mount, "how", how))
		case "full":
			found = append(found, problem("disk-full", "folder", folder, "mount", mount))
		case "fixed":
			found = append(found, problem("immutable", "path", what, "quoted", remote.Quote(what)))
		case "denied":
			found = append(found, problem("not-writable", "user", user, "path", what, "quoted", remote.Quote(what)))
		}
	}
	return found
}

// noKeys: the server would not even look at a key.
func (f *facts) noKeys(offered []string) Problem {
	where := "the server"
	for _, file := range f.files {
		for _, l := range file.Lines() {
			if l.Keyword == "pubkeyauthentication" && strings.EqualFold(l.Value, "no") {
				where = l.Where() + " has PubkeyAuthentication no: sshd"
			}
		}
	}
	return problem("no-publickey", "where", where, "methods", strings.Join(offered, ", "))
}

// unfit is what keeps the user's own look from its end.
func unfit(f *remote.Failure, a *remote.Answer) Problem {
	id := map[string]string{"nohome": "home-missing", "home": "home-closed", "symlink": "keys-link", "toobig": "keys-too-big", "unreadable": "keys-unreadable"}[f.What]
	return problem(cmp.Or(id, "keys-unfit"), "path", f.Detail, "quoted", remote.Quote(f.Detail), "user", a.Get("user"), "seen", seen(a, f.Detail))
}

// seen is what ls(1) showed of a path.
func seen(a *remote.Answer, path string) string {
	for _, line := range a.All("mode") {
		if m, ok := parseMode(line); ok && strings.HasSuffix(path, m.path) {
			return fmt.Sprintf(" (owner %d, mode %o)", m.uid, m.bits)
		}
	}
	return ""
}
