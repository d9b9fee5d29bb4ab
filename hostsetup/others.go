package hostsetup

import (
	"crypto/rsa"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"

	"kagiban/hostsetup/authkeys"
	"kagiban/hostsetup/remote"
	"kagiban/hostsetup/sshd"
)

// An Other is somebody else who logs in by a password, and would not get in any more: neither the user of the run nor root. Who
// may use root owns the server, so root's password is the owner's own affair.
type Other struct{ Name, Why string }

func (o Other) String() string { return o.Name + ": " + o.Why }

// An OthersError lists the people whom a key-only server would shut out. Nothing on the server was changed.
type OthersError struct{ Others []Other }

func (e *OthersError) Error() string {
	return "turning passwords off would shut others out: " + e.List()
}

// List is all of them, each with the reason.
func (e *OthersError) List() string {
	words := make([]string, len(e.Others))
	for i, o := range e.Others {
		words[i] = o.String()
	}
	return strings.Join(words, "; ")
}

// othersLose tells whom the plan would shut out. Error: *[OthersError], unless that is what the person wants.
func (s *setup) othersLose() error {
	p := s.result.Plan
	if !p.DropIn {
		return nil
	}
	lose := &OthersError{p.Others}
	detail := "nobody else needs a password"
	if len(p.Others) > 0 {
		detail = lose.List()
	}
	if p.Unseen != "" {
		detail += "; " + p.Unseen
	}
	ok := len(p.Others) == 0 || s.OthersLose
	s.report(Step{"others", ok, detail})
	if ok {
		return nil
	}
	return lose
}

// An account is what inspect tells of one of the others.
type account struct {
	owner
	gids       []string
	groups     []string
	password   string // usable, empty or none
	login      string // when it last logged in by something typed, "" if that was not seen
	shell      string
	shellThere bool
	singled    bool // sshd's settings for it are not those of everybody: a Match names it
	files      []keyFile
}

// A keyFile is one of the files in which sshd looks for an account's keys.
type keyFile struct {
	path  string
	modes []mode // of the file and of each folder above it that sshd looks at
	lines string
}

// accounts reads them out of inspect's answer.
func (f *facts) accounts(a *remote.Answer) []account {
	about := func(key, name string) string {
		for _, value := range a.All(key) {
			if rest, ok := strings.CutPrefix(value, name+":"); ok {
				return rest
			}
		}
		return ""
	}
	var all []account
	for _, line := range a.All("account") {
		p := strings.SplitN(line, ":", 8)
		if len(p) != 8 {
			continue
		}
		x := account{password: p[3], login: p[4], shellThere: p[5] == "there", shell: p[7], singled: slices.Contains(a.All("matched"), p[0])}
		gids, groups, _ := strings.Cut(about("groups", p[0]), ":")
		x.gids, x.groups = strings.Fields(gids), strings.Fields(groups)
		x.owner = owner{name: p[0], debian: f.debian}
		x.uid, _ = strconv.Atoi(p[1])
		x.gid, _ = strconv.Atoi(p[2])
		group, members, _ := strings.Cut(about("group", p[0]), ":")
		x.group, x.alone = group, members == "" || members == p[0]
		for _, where := range a.All("keyfile") {
			if file, ok := strings.CutPrefix(where, p[0]+":"); ok {
				x.files = append(x.files, readKeyFile(a, where, file))
			}
		}
		all = append(all, x)
	}
	return all
}

func readKeyFile(a *remote.Answer, where, file string) keyFile {
	k := keyFile{path: file}
	k.lines, _ = a.Text("lines " + where)
	modes, _ := a.Text("modes " + where)
	for line := range strings.SplitSeq(modes, "\n") {
		if m, ok := parseMode(line); ok {
			k.modes = append(k.modes, m)
		}
	}
	return k
}

// others are those whom the drop-in would shut out, as the server tells them: with a password that sshd takes and no key that it
// would take, or with a login by password of the last 30 days, whatever keys they have.
func (f *facts) others(a *remote.Answer) []Other {
	var all []Other
	for _, x := range f.accounts(a) {
		if why := x.loses(f.effective[x.name]); why != "" {
			all = append(all, Other{x.name, why})
		}
	}
	if more := a.Get("more"); more != "" {
		all = append(all, Other{more + " more accounts", "a password; they were not looked at one by one"})
	}
	return all
}

// loses says why the account would be shut out, "" if it would not be: it never came in by a password, or a key lets it in as well.
func (x account) loses(e sshd.Effective) string {
	if len(e.Typed()) == 0 || !e.Admits(x.name, x.groups) || x.uid == 0 && !e.RootByPassword() || !x.hasSession(e) {
		return ""
	}
	var why []string
	if x.password == "usable" || x.password == "empty" && e.EmptyPasswords() {
		if without := x.keyless(e); without != "" {
			why = append(why, "a password and "+without)
		}
	}
	if x.login != "" {
		why = append(why, "logged in by password on "+x.login)
	}
	return strings.Join(why, "; ")
}

// noShells are those that end a login at once; sftp that runs inside of sshd does without a shell.
var noShells = []string{"nologin", "false", "sync", "shutdown", "halt"}

// hasSession tells whether a login would be good for something: it has a shell, or sftp without one, or the configuration speaks of it
// by name or by group, so that somebody means it to be used (a tunnel, say).
func (x account) hasSession(e sshd.Effective) bool {
	if !x.shellThere && !e.Chroots() {
		return false // sshd lets nobody in whose shell is not there
	}
	return !slices.Contains(noShells, path.Base(x.shell)) || e.InternalSFTP() || x.singled || e.Allows(x.name, x.groups)
}

// keyless says that no key opens the account, and why; "" if one does.
func (x account) keyless(e sshd.Effective) string {
	if !e.TakesKeys() {
		return "no key, since sshd takes none from it"
	}
	without := "no key"
	for _, file := range x.files {
		plain, bound := 0, 0
		for _, line := range authkeys.Parse(file.lines) {
			switch {
			case !e.Takes(line.Key.Type()) || !e.TakesBits(rsaBits(line.Key)):
			case line.Unbound():
				plain++
			default:
				bound++
			}
		}
		refused := x.refuses(file, e.Strict())
		switch {
		case plain > 0 && refused == "":
			return ""
		case plain > 0:
			without = "a key that sshd refuses (" + refused + ")"
		case bound > 0:
			without = "no key that lets it in from everywhere and for good (options in " + file.path + ")"
		}
	}
	return without
}

// rsaBits is how long an RSA key is; 0 for others.
func rsaBits(key ssh.PublicKey) int {
	if k, ok := key.(ssh.CryptoPublicKey); ok {
		if public, ok := k.CryptoPublicKey().(*rsa.PublicKey); ok {
			return public.N.BitLen()
		}
	}
	return 0
}

// refuses says what sshd has against the file, "" if nothing: it must be able to read it as the account, and nobody else may
// write to it or to the folders above.
func (x account) refuses(file keyFile, strict bool) string {
	for i, m := range file.modes {
		need := 0o4
		if i > 0 {
			need = 0o1 // a folder is passed through
		}
		switch {
		case !x.may(m, need):
			return m.path + " cannot be read by it"
		case !strict:
		case m.uid != 0 && m.uid != x.uid:
			return m.path + " belongs to another"
		case x.sharesWriting(m):
			return fmt.Sprintf("%s may be written by others: %o", m.path, m.bits)
		}
	}
	return ""
}

// may tells whether the account has the permission (4 read, 1 pass through).
func (x account) may(m mode, need int) bool {
	switch {
	case x.uid == 0:
		return true
	case m.uid == x.uid:
		need <<= 6
	case slices.Contains(x.gids, strconv.Itoa(m.gid)):
		need <<= 3
	}
	return m.bits&need != 0
}

// unseen says which logins of the last 30 days could not be looked for, "" if all could.
func unseen(a *remote.Answer) string {
	switch cut := a.All("unread"); {
	case len(cut) > 0:
		return "there was no time to read all of " + strings.Join(cut, ", ") + ", so recent logins by password may be missing"
	case !a.Has("seen"):
		return "recent logins could not be seen: neither journal nor log tells of them"
	}
	return ""
}
