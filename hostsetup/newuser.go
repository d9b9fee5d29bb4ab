package hostsetup

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"kagiban/hostsetup/remote"
)

// A NewUser is the account of --create-user: as it will be, or as it was found.
type NewUser struct {
	Name, Home, Shell string
	Group             string // it becomes a member: sudo or wheel, "" where there is neither
	There             bool   // it exists, and is taken as it is
	Sudoers           string // the file that lets it use sudo without a password; "" where sudo lets it in already
	Asked             bool   // sudo asks for its password, and goes on to

	sudoers, before string   // what that file will say, and what it says
	groups          []string // that it is in, or will be
	linked          bool     // it has no keys yet, so the undo switch makes the file
}

// guarded tells whether the undo switch has to let it in, and out again.
func (u *NewUser) guarded() bool { return u != nil && (!u.There || u.Sudoers != "" || u.linked) }

// A UserNameError is a name that --create-user does not take.
type UserNameError struct {
	Name   string
	System bool // it is, or may be, that of a system account
}

func (e *UserNameError) Error() string {
	if e.System {
		return fmt.Sprintf("%s is the name of a system account", e.Name)
	}
	return fmt.Sprintf("%q is no name for a user", e.Name)
}

var userNames = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,31}$`)

// systemNames are accounts that systems have, or that their packages make.
var systemNames = strings.Fields(`root toor daemon bin sys sync games man lp mail news uucp proxy www-data backup list irc gnats nobody nogroup adm
	halt shutdown operator ftp dbus messagebus sshd uuidd polkitd avahi chrony ntp tss rpc rpcuser nfsnobody mysql postgres redis nginx apache
	httpd docker lxd sudo wheel users staff postfix dovecot named bind unbound tcpdump usbmux dnsmasq landscape pollinate syslog klog statd`)

// CheckUserName refuses what --create-user does not take (useradd(8) has the same pattern). Errors: *[UserNameError].
func CheckUserName(name string) error {
	switch {
	case !userNames.MatchString(name):
		return &UserNameError{name, false}
	case slices.Contains(systemNames, name), strings.HasPrefix(name, "systemd-"), strings.HasPrefix(name, "_"):
		return &UserNameError{name, true}
	}
	return nil
}

// sudoersOf is what lets a user without a password use sudo (sudoers(5)).
func sudoersOf(name string) string {
	return "# Written by kagiban: " + name + " has no password that sudo could ask for.\n" +
		"# To take its sudo away: delete this file.\n" +
		name + " ALL=(ALL:ALL) NOPASSWD: ALL\n"
}

// meeting reads what the server told of the account, and what is in its way.
func meeting(name string, a *remote.Answer) (*NewUser, *facts, []Problem) {
	u := &NewUser{Name: name, Shell: a.Get("shell"), Home: a.Get("home"), Group: a.Get("group"), groups: []string{name}}
	f := &facts{user: name, uid: -1, keys: authorizedKeys, ways: map[string]string{}}
	var found []Problem
	for _, tool := range a.All("lacks") {
		lack := problem("no-tool", "tool", tool, "user", name)
		if tool == "sudo" {
			lack = problem("no-sudo", "user", name)
		}
		found = append(found, lack)
	}
	if line := strings.Split(a.Get("account"), ":"); len(line) == 7 {
		u.There, u.Home, u.Shell, u.Group, u.groups = true, line[5], line[6], "", strings.Fields(a.Get("groups"))
		f.uid, _ = strconv.Atoi(line[2])
		f.gid, _ = strconv.Atoi(line[3])
		if f.uid < 1000 || f.uid == 65534 {
			found = append(found, problem("user-of-system", "user", name, "uid", line[2]))
		}
		if slices.Contains(noShells, path.Base(u.Shell)) {
			found = append(found, problem("user-no-shell", "user", name, "shell", u.Shell))
		}
	} else {
		if a.Has("namesake") {
			found = append(found, problem("user-is-group", "user", name))
		}
		if home := a.Get("taken"); home != "" {
			found = append(found, problem("user-home-taken", "user", name, "path", home, "quoted", remote.Quote(home)))
		}
		if u.Group != "" {
			u.groups = append(u.groups, u.Group)
		}
	}
	f.home = u.Home
	return u, f, append(found, u.sudo(a)...)
}

// sudo decides how the account will use sudo. An account with a password keeps the sudo that it has.
func (u *NewUser) sudo(a *remote.Answer) []Problem {
	may, free := sudoRights(text(a, "may"))
	switch {
	case u.There && may && free:
		return nil
	case u.There && a.Get("password") == "usable" && may:
		u.Asked = true
		return nil
	case u.There && a.Get("password") == "usable":
		return []Problem{problem("user-without-sudo", "user", u.Name)}
	case u.There && a.Get("password") == "empty":
		return []Problem{problem("user-empty-password", "user", u.Name)}
	}
	u.Sudoers, u.sudoers, u.before = sudoersFolder+"/kagiban-"+u.Name, sudoersOf(u.Name), text(a, "sudoers")
	switch {
	case !a.Has("includes"):
		return []Problem{problem("sudoers-not-read", "folder", sudoersFolder)}
	case u.before != "" && !strings.HasPrefix(u.before, "# Written by kagiban") && !strings.HasPrefix(u.before, "# kagiban: not confirmed yet"):
		return []Problem{problem("sudoers-foreign", "path", u.Sudoers)}
	}
	return nil
}

const sudoersFolder = "/etc/sudoers.d"

// sudoRights reads `sudo -l -U NAME`: whether the account may run everything as root, and without a password. The last rule wins.
func sudoRights(listed string) (may, free bool) {
	for line := range strings.Lines(listed) {
		as, what, found := strings.Cut(strings.TrimSpace(line), ") ")
		if !found || !strings.HasPrefix(as, "(ALL") && !strings.HasPrefix(as, "(root") {
			continue
		}
		if tags, all := strings.CutSuffix(what, "ALL"); all {
			may, free = true, strings.Contains(tags, "NOPASSWD:")
		}
	}
	return may, free
}

func text(a *remote.Answer, name string) string {
	text, _ := a.Text(name)
	return text
}
