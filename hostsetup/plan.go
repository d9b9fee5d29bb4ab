package hostsetup

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aymanbagabas/go-udiff"
	"golang.org/x/crypto/ssh"

	"kagiban/hostsetup/authkeys"
	"kagiban/hostsetup/remote"
	"kagiban/hostsetup/sshd"
)

// A Plan is all that will be changed on a server.
type Plan struct {
	Account string
	// File and Line: the line is put at the end of the file. No Line: the key is there already.
	File, Line string
	Narrowed   []Narrowing
	DropIn     bool // the drop-in is placed
	NoRoot     bool // and shuts root out
	Removes    bool // the drop-in is taken away
	// NotEnforced says why no drop-in is placed although passwords are on; "" else.
	NotEnforced string
	Cause       error  // that, as an error
	Effect      string // how the change comes into force, in a person's words
	Diff        string // unified diff of every file
	// Others lose their login with it. Unseen says which recent logins by password could not be looked for, "" if all could.
	Others []Other
	Unseen string
	// User is the account of --create-user; nil without it.
	User *NewUser
}

// Empty tells that nothing will be changed.
func (p Plan) Empty() bool {
	return p.Line == "" && len(p.Narrowed) == 0 && !p.DropIn && !p.User.guarded()
}

// A Narrowing takes the group and other write bits from a path, where sshd would refuse the keys otherwise (sshd(8),
// StrictModes).
type Narrowing struct {
	Path     string
	From, To int // permission bits
}

// plan decides what to change; way is what leads to root. Errors: *[BlockedError].
func (f *facts) plan(o *Options, way string, rootErr error, offered []string) (Plan, error) {
	p := Plan{Account: o.Target.Account(), File: f.keysFile()}
	problems := f.keyPlan(&p, o.Key.PublicKey(), o.Comment)
	if len(offered) > 0 && !slices.Contains(offered, "publickey") {
		problems = append(problems, f.noKeys(offered))
	}
	if own := f.ownFactors(); own != nil {
		problems = append(problems, *own)
	}
	enforce := f.enforcement(&p, o, rootErr, offered)
	if enforce {
		problems = append(problems, f.problems...)
		problems = append(problems, f.layout()...)
		problems = append(problems, f.sealed()...)
		problems = append(problems, f.inRootsWay(o, way)...)
		p.Others, p.Unseen = f.lost, f.unseen
	}
	if len(problems) > 0 {
		return p, &BlockedError{problems}
	}
	if enforce {
		p.DropIn, p.NoRoot = true, o.NoRoot
		p.Effect = effect(f.manner)
		p.Diff += f.change(sshd.Ours(f.block, f.shutsRoot(o)))
	}
	return p, nil
}

// keysFile is authorized_keys with its whole path.
func (f *facts) keysFile() string {
	if strings.HasPrefix(f.keys, "/") {
		return f.keys
	}
	return f.home + "/" + f.keys
}

// sealedHomes are file systems that a login by password opens (pam_mount(8), pam_ecryptfs(8)): without one sshd cannot read the keys there.
var sealedHomes = []string{"ecryptfs", "fuse.encfs", "fuse.gocryptfs", "fuse.cryfs", "fuse.securefs"}

// sealed: our proof would see the home folder open, since we came in by the password.
func (f *facts) sealed() []Problem {
	if !slices.Contains(sealedHomes, f.filesystem) || !f.effective[f.user].HoldsKeys(".ssh/authorized_keys", f.home, f.user) {
		return nil
	}
	return []Problem{problem("home-sealed", "path", f.home, "kind", f.filesystem)}
}

// keyPlan decides which line is put into which file, and what is in its way.
func (f *facts) keyPlan(p *Plan, key ssh.PublicKey, comment string) []Problem {
	line, text := authkeys.Format(key, comment), f.text
	ours := !f.privileged || f.effective[f.user].HoldsKeys(".ssh/authorized_keys", f.home, f.user)
	present, bound := false, (*authkeys.Line)(nil)
	if ours {
		present, bound = authkeys.Find(text, key)
		p.Narrowed = f.narrow()
	}
	for _, file := range f.elsewhere { // it may have been put there by hand
		if !present && bound == nil {
			if present, bound = authkeys.Find(file.Text, key); present || bound != nil {
				p.File = file.Path
			}
		}
	}
	switch {
	case bound != nil:
		return []Problem{problem("key-bound", "file", p.File, "line", strconv.Itoa(bound.Number), "options", strings.Join(bound.Options, ","))}
	case present, f.opens && !f.privileged: // or it stands where only root can see it
		return nil
	case !ours:
		return []Problem{f.keysElsewhere(line, p.File)}
	}
	p.Line = line
	p.Diff = diff(p.File, text, authkeys.Appended(text, line))
	return f.stuck
}

// keysElsewhere: sshd does not read the file that the key would be put into.
func (f *facts) keysElsewhere(line, file string) Problem {
	effective := f.effective[f.user]
	where, files := "sshd", effective.KeyFiles()
	for _, file := range f.files {
		for _, l := range file.Lines() {
			if l.Keyword == "authorizedkeysfile" && slices.Equal(strings.Fields(l.Value), files) {
				where = fmt.Sprintf("%s has AuthorizedKeysFile %s: sshd", l.Where(), l.Value)
			}
		}
	}
	if files[0] == "none" {
		return problem("keys-nowhere", "where", where, "user", f.user, "file", file)
	}
	to, text := sshd.KeyFile(files[0], f.home, f.user), "%s\\n"
	if slices.ContainsFunc(f.elsewhere, func(g sshd.File) bool { return g.Path == to && g.Text != "" && !strings.HasSuffix(g.Text, "\n") }) {
		text = "\\n" + text // its last line has no end
	}
	return problem("keys-elsewhere", "where", where, "user", f.user, "files", strings.Join(files, " "), "file", file,
		"text", text, "key", remote.Quote(line), "to", to)
}

// enforcement decides whether the drop-in is to be placed.
func (f *facts) enforcement(p *Plan, o *Options, rootErr error, offered []string) bool {
	switch {
	case o.NoEnforce:
		p.NotEnforced, p.Cause = "you asked for the key alone (--no-enforce)", nil
	case rootErr != nil:
		p.NotEnforced, p.Cause = rootErr.Error(), rootErr
	default:
		return !f.keyOnly() || len(typed(offered)) > 0 || o.NoRoot && !f.rootShut()
	}
	return false
}

// layout finds what the drop-in could not close.
func (f *facts) layout() []Problem {
	var found []Problem
	for _, l := range sshd.Factors(f.files) {
		if l.Match == "" && f.ownFactors() != nil {
			continue
		}
		found = append(found, problem("second-factor-of-others", "where", l.Where(), "value", l.Value, "match", inside(l)))
	}
	for _, d := range sshd.Walls(f.files) {
		found = append(found, problem("no-key-there", "where", d.Where(), "keyword", d.Keyword, "value", d.Value, "match", inside(d.Line)))
	}
	for _, d := range sshd.Doors(f.files) {
		found = append(found, f.door(d))
	}
	return found
}

// ownFactors: this account needs more than a key, so no login by a key alone could prove anything.
func (f *facts) ownFactors() *Problem {
	methods := f.effective[f.user].SecondFactor()
	if methods == "" && !f.partial {
		return nil
	}
	where := "sshd"
	for _, l := range sshd.Factors(f.files) {
		if strings.Join(strings.Fields(l.Value), " ") == methods {
			where = l.Where()
		}
	}
	p := problem("own-second-factor", "where", where, "user", f.user, "methods", cmp.Or(methods, "as the login showed"))
	return &p
}

// inside is the Match block that a line stands in, for people.
func inside(l sshd.Line) string {
	if l.Match == "" {
		return "for everybody"
	}
	return fmt.Sprintf("inside %q", l.Match)
}

// narrow finds the paths that sshd would object to: writable by others than their owner.
func (f *facts) narrow() []Narrowing {
	if !f.effective[f.user].Strict() {
		return nil
	}
	var all []Narrowing
	self := owner{f.user, f.uid, f.gid, f.group, f.alone, f.debian}
	for _, m := range f.paths {
		if m.uid == f.uid && self.sharesWriting(m) { // what is another's is not ours to change; the proof will tell
			all = append(all, Narrowing{m.path, m.bits, m.bits &^ 0o022})
		}
	}
	return all
}

// An owner is what sshd knows of an account when it looks at the modes of its files.
type owner struct {
	name     string
	uid, gid int
	group    string
	alone    bool // the account's group has no other member
	debian   bool // sshd's banner says Debian or Ubuntu
}

// sharesWriting tells whether sshd would say that too many may write there. Debian's sshd lets a group pass that is the account's
// own and has no other member.
func (o owner) sharesWriting(m mode) bool {
	own := o.debian && m.gid == o.gid && o.group == o.name && o.alone
	return m.bits&0o002 != 0 || m.bits&0o020 != 0 && !own
}

func effect(manner string) string {
	kind, what, _ := strings.Cut(manner, " ")
	switch kind {
	case "reload":
		return "systemctl reload " + what
	case "socket":
		if what == "-" {
			return "nothing to reload: each connection reads the files anew"
		}
		return "systemctl restart " + what + " (ssh.socket holds the port; open sessions stay)"
	case "hup":
		return "kill -HUP " + what + " (sshd reads its files again; open sessions stay)"
	}
	return what + " reload"
}

// fingerprint is a key's SHA256 fingerprint, as ssh-keygen prints it.
func fingerprint(key ssh.PublicKey) string { return ssh.FingerprintSHA256(key) }

// undoPlan is the plan of [Undo]: the drop-in goes, all else stays.
func (f *facts) undoPlan(o *Options) Plan {
	return Plan{Account: o.Target.Account(), Removes: true, Effect: effect(f.manner),
		Diff: f.change("")}
}

// change is what becomes of sshd's files when ours stands there; "" is nothing.
func (f *facts) change(ours string) string {
	if !f.block {
		return diff(sshd.DropInPath, f.dropIn, ours)
	}
	rest, _ := sshd.Unblocked(f.files[0].Text)
	return diff(sshd.Config, f.files[0].Text, ours+rest)
}

// place is where our settings stand, for people.
func (f *facts) place() string {
	if f.block {
		return sshd.Config + ", lines marked by kagiban"
	}
	return sshd.DropInPath
}

// diff is a unified diff of one file; one that comes or goes is /dev/null on that side, as in diff(1).
func diff(path, before, after string) string {
	from, to := path, path
	if before == "" {
		from = "/dev/null"
	}
	if after == "" {
		to = "/dev/null"
	}
	return udiff.Unified(from, to, before, after)
}
