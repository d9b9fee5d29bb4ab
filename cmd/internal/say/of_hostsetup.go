package say

import (
	"context"
	"errors"
	"net"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"

	"kagiban/hostsetup"
)

// ofHostsetup knows the errors of a run on a server. Those that say what became of the server come first: they wrap
// the cause.
func ofHostsetup(err error) (ID, Fields) {
	var undone *hostsetup.UndoneError
	var open *hostsetup.NotEnforcedError
	switch {
	case errors.As(err, &undone):
		return ofUndone(undone)
	case errors.As(err, &open):
		var other *hostsetup.OtherServerError
		if errors.As(open.Err, &other) {
			return OtherServer, ofOtherServer(open, other)
		}
		if len(open.Open) == 0 {
			return NotChecked, Fields{"account": open.Account, "error": cause(open.Err)}
		}
		return NotEnforced, Fields{"error": cause(open.Err)}
	}
	if id, fields := ofAnswer(err); id != "" {
		return id, fields
	}
	return ofConnection(err)
}

func ofOtherServer(open *hostsetup.NotEnforcedError, other *hostsetup.OtherServerError) Fields {
	f := Fields{"account": open.Account, "error": other.Error(), "methods": list(open.Open), "fix": "turn passwords off in that server's own configuration"}
	switch {
	case len(open.Open) == 0:
		f["methods"] = "nothing that is typed (whether other accounts are was not checked)"
		f["fix"] = "kagiban host check   (it asks the server again what it offers)"
	case other.Software == "dropbear":
		f["fix"] = "DROPBEAR_EXTRA_ARGS=\"-s\" in /etc/default/dropbear, then: sudo systemctl restart dropbear   (on the server: -s takes no passwords)"
	}
	return f
}

func ofUndone(u *hostsetup.UndoneError) (ID, Fields) {
	f := Fields{"step": stepWords[u.Step], "error": cause(u.Err), "next": next(u.Err), "seconds": strconv.Itoa(u.After), "file": u.Left, "stays": stays(u.User)}
	var failure *hostsetup.Failure
	switch {
	case u.Undo == nil && u.Left != "" && errors.As(u.Err, &failure) && failure.What == "pending":
		return HostBusy, f
	case u.Undo == nil && u.Offered != nil:
		f["methods"] = strings.Join(u.Offered, ", ")
		return UndoneShut, f
	case u.Undo == nil && u.Left != "":
		return UndoneKeyLeft, f
	case u.Undo != nil:
		f["undo"] = cause(u.Undo)
		return UndoUnseen, f
	case errors.Is(u.Err, context.Canceled):
		return UndoneByPerson, f
	}
	return Undone, f
}

// Cause is what a step that failed says of its error.
func Cause(err error) string { return cause(err) }

// cause is what an error that another one wraps says, in our words where there are some.
func cause(err error) string {
	if errors.Is(err, context.Canceled) {
		return "interrupted"
	}
	id, fields := Of(err)
	return Text(id, fields)
}

// turnedAway tells whether what was said in place of a greeting is what sshd says to who may not come in now, or nothing (sshd.c: MaxStartups,
// PerSourcePenalties; tcpd says nothing).
func turnedAway(said string) bool {
	return said == "" || strings.HasPrefix(said, "Exceeded MaxStartups") || strings.HasPrefix(said, "Not allowed at this time")
}

// userOf is the user of USER@HOST.
func userOf(account string) string {
	user, _, _ := strings.Cut(account, "@")
	return user
}

// next is how to mend what an error that another one wraps tells of, where its own row is about the server.
func next(err error) string {
	switch id, fields := Of(err); id {
	case KeyRefused, Forced, NoShell, PasswordExpired, LoginEnded, HungUp, CannotWrite:
		return strings.ReplaceAll(fill(table()[id].Next, fields), "\n", "; ")
	}
	return "mend that, then the same again"
}

// ofAnswer knows what a server that was reached may say.
func ofAnswer(err error) (ID, Fields) {
	var blocked *hostsetup.BlockedError
	var others *hostsetup.OthersError
	var root *hostsetup.RootError
	var still *hostsetup.StillOpenError
	var forced *hostsetup.ForcedError
	var failure *hostsetup.Failure
	var none *hostsetup.NoDropInError
	switch {
	case errors.As(err, &blocked):
		return Blocked, ofProblems(blocked.Problems)
	case errors.As(err, &others):
		return OthersLose, Fields{"others": others.List()}
	case errors.As(err, &root) && root.Wrong:
		return SudoRefused, Fields{"error": root.Error()}
	case errors.As(err, &root):
		return NoRoot, Fields{"error": root.Error()}
	case errors.As(err, &still):
		return StillOpen, Fields{"account": still.Account, "methods": list(still.Methods)}
	case errors.As(err, &forced):
		return ofForced(forced)
	case errors.Is(err, hostsetup.ErrNoCredentials):
		return NoCredentials, Fields{}
	case errors.As(err, &none):
		return NotOurs, Fields{"host": none.Name, "methods": list(none.Offered)}
	case errors.As(err, &failure) && slices.Contains([]string{"write", "mkdir", "chmod"}, failure.What):
		return CannotWrite, Fields{"error": ofFailure(failure), "folder": folderOf(failure)}
	case errors.As(err, &failure):
		return ServerFailed, Fields{"error": ofFailure(failure)}
	case errors.Is(err, hostsetup.ErrCutOff):
		return CutOff, Fields{}
	}
	return "", nil
}

func ofForced(e *hostsetup.ForcedError) (ID, Fields) {
	output := "nothing"
	if e.Output != "" {
		output = strconv.Quote(e.Output)
	}
	f := Fields{"account": e.Account, "status": strconv.Itoa(e.Status), "output": output, "user": e.User, "address": e.Address, "port": strconv.Itoa(e.Port)}
	switch e.Why {
	case hostsetup.ForcedExpired:
		return PasswordExpired, f
	case hostsetup.ForcedNoShell:
		return NoShell, f
	}
	return Forced, f
}

func ofProblems(problems []hostsetup.Problem) Fields {
	var details, fixes []string
	for _, p := range problems {
		detail, fix := Problem(p)
		details = append(details, detail)
		if fix != "" {
			fixes = append(fixes, fix)
		}
	}
	return Fields{"problems": strings.Join(details, "; "), "fixes": strings.Join(fixes, "; then ")}
}

// Problem is what stands in the way of a key-only server, and the command that mends it.
func Problem(p hostsetup.Problem) (detail, fix string) {
	m, known := table()[ID(p.ID)]
	if !known {
		return oneLine(p.String()), ""
	}
	detail, fix = fill(m.What, p.About), fill(m.Next, p.About)
	if p.ID == "key-no-longer" && KeysAlone(strings.Split(p.About["methods"], ", ")) {
		fix = Text(ProblemShut, p.About)
	}
	if first := p.About["first"]; first != "" && strings.HasPrefix(fix, "kagiban host add ") {
		fix = Text(ProblemFirst, Fields{"first": first, "fix": fix})
	}
	return detail, fix
}

// ofFailure is what the server's half says in a word, in words.
func ofFailure(f *hostsetup.Failure) string {
	words := map[string]string{
		"write": "cannot write", "chmod": "cannot change the mode of", "mkdir": "cannot make", "home": "cannot enter",
		"stopped":    "its shell gave up with",
		"changed":    "somebody else changed meanwhile:",
		"unsound":    "sshd refuses its configuration:",
		"reload":     "sshd could not be told to read its files again:",
		"watcher":    "the undo switch does not run in",
		"pending":    "another change waits for its confirmation:",
		"keygone":    "the key's line is gone from",
		"standing":   "kagiban's drop-in stands:",
		"toolate":    "too late for a confirmation:",
		"confirmed":  "it was confirmed before, and stands:",
		"notroot":    "what should have been root was",
		"nodropin":   "nothing of kagiban's stands at",
		"config":     "cannot enter",
		"offers":     "the server does not answer itself on",
		"nosshd":     "there is no sshd at",
		"nofolder":   "there is no folder",
		"noconfig":   "sshd's configuration cannot be read:",
		"norecovery": "this sshd is older than Include (OpenSSH 8.2), and nothing is known here that could take the change out at boot:",
		"unsafe":     "others may write to",
		"owner":      "the owner or the mode would not have stayed as it is:",
		"answer":     "its answer is",
		"noss":       "there is no",
		"useradd":    "useradd could not make the account:",
		"sudoers":    "visudo refuses what sudo would be told:",
		"keys":       "the key cannot be put where the account has its keys:",
		"undoing":    "the server is still undoing the change; it must offer again:",
	}
	if w, ok := words[f.What]; ok {
		w += " " + f.Detail
		if f.Said != "" {
			w += " (" + f.Said + ")"
		}
		return w
	}
	return f.Error()
}

// folderOf is where to look for the reason why something could not be written.
func folderOf(f *hostsetup.Failure) string {
	if f.What == "write" {
		return path.Dir(f.Detail)
	}
	return f.Detail
}

// ofConnection knows what may happen before anything is changed.
func ofConnection(err error) (ID, Fields) {
	var name *hostsetup.NameError
	var config *hostsetup.ConfigError
	var unreachable *hostsetup.UnreachableError
	var lookup *net.DNSError
	var key *hostsetup.HostKeyError
	var login *hostsetup.LoginError
	var book *hostsetup.BookError
	var refused *hostsetup.KeyRefusedError
	switch {
	case errors.As(err, &name):
		return BadHostName, Fields{"error": name.Error()}
	case errors.As(err, &config):
		return SSHConfig, Fields{"error": config.Error()}
	case errors.As(err, &key):
		return ofHostKey(key)
	case errors.As(err, &refused):
		return KeyRefused, Fields{"error": refused.Error(), "file": refused.File}
	case errors.As(err, &login) && login.Ended():
		return LoginEnded, Fields{"account": login.Account, "user": userOf(login.Account), "said": said(login.Said)}
	case errors.As(err, &login) && len(login.Partial) > 0:
		return SecondFactor, Fields{"account": login.Account, "methods": list(login.Offered)}
	case errors.As(err, &login) && KeysAlone(login.Offered):
		return LoginShut, Fields{"account": login.Account, "user": userOf(login.Account), "methods": list(login.Offered)}
	case errors.As(err, &login):
		return LoginRefused, Fields{"account": login.Account, "methods": list(login.Offered)}
	case errors.As(err, &unreachable) && unreachable.Way != nil:
		return ofWay(unreachable)
	case errors.As(err, &unreachable) && unreachable.HungUp && !turnedAway(unreachable.Said):
		return NoSSH, Fields{"address": unreachable.Address, "said": said(unreachable.Said)}
	case errors.As(err, &unreachable) && unreachable.HungUp:
		return HungUp, Fields{"address": unreachable.Address, "said": said(unreachable.Said)}
	case errors.As(err, &unreachable) && errors.As(unreachable.Err, &lookup) && lookup.IsNotFound:
		return NoSuchName, Fields{"name": lookup.Name}
	case errors.As(err, &unreachable) && errors.As(unreachable.Err, &lookup): // before a word of it is taken for the server's
		return NameUnanswered, Fields{"name": lookup.Name, "error": lookup.Err}
	case errors.As(err, &unreachable) && strings.Contains(unreachable.Error(), "refused"): // the word of every system
		return PortClosed, Fields{"address": unreachable.Address}
	case errors.As(err, &unreachable):
		host, port, _ := net.SplitHostPort(unreachable.Address)
		why := unreachable.Error()
		if wentSilent(unreachable.Err) {
			why = "no answer from " + unreachable.Address + ": nothing comes from there any more"
		}
		return Unreachable, Fields{"error": why, "address": host, "port": port}
	case errors.Is(err, hostsetup.ErrNoHost):
		return NoHost, Fields{}
	case errors.As(err, &book):
		return BadBook, Fields{"error": book.Error(), "path": book.Path}
	}
	return "", nil
}

// wentSilent tells whether it was waiting that came to an end: the library has no error for a connection that was closed under it while
// it opened a channel.
func wentSilent(err error) bool {
	return err != nil && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, net.ErrClosed) ||
		strings.Contains(err.Error(), "response to channel open: <nil>"))
}

// lineOf takes the name of a file and the number of a line in it apart. The name may have colons: C:\...
var lineOf = regexp.MustCompile(`^(.+):(\d+)$`)

func ofHostKey(e *hostsetup.HostKeyError) (ID, Fields) {
	f := HostKey(e.Known, e.Key)
	f["where"], f["pin"], f["file"], f["line"] = e.Where, e.Pin, "~/.ssh/known_hosts", "its line"
	if m := lineOf.FindStringSubmatch(e.Where); m != nil {
		f["file"], f["line"] = Quote(m[1]), "line "+m[2]
	}
	switch {
	case e.Pin != "":
		return HostKeyMismatch, f
	case e.Page != "" && e.Changed:
		f["page"] = Quote(e.Page)
		return HostKeyNotInBook, f
	case e.Changed:
		return HostKeyChanged, f
	}
	f["again"] = "the same again with"
	if e.Page != "" { // a page without host keys: nothing was known that this one could contradict
		f["again"] = "kagiban host add " + Quote(e.Page)
	}
	return HostKeyUnknown, f
}

// HostKey are the fields of a sentence about a host key, and about the file of its public half on the server.
func HostKey(host string, key ssh.PublicKey) Fields {
	f := Fields{"host": host, "type": key.Type(), "fingerprint": ssh.FingerprintSHA256(key), "kind": "rsa"}
	for _, kind := range []string{"ed25519", "ecdsa"} { // as ssh-keygen -A names the files
		if strings.Contains(key.Type(), kind) {
			f["kind"] = kind
		}
	}
	return f
}

// said is what a server said when it hung up.
func said(words string) string {
	if words == "" {
		return "it did not say why"
	}
	return "it said: " + words
}

// KeysAlone tells whether a server that takes these methods takes a key, and nothing that is typed.
func KeysAlone(methods []string) bool {
	return slices.Contains(methods, "publickey") && !slices.Contains(methods, "password") && !slices.Contains(methods, "keyboard-interactive")
}

func list(words []string) string {
	if len(words) == 0 {
		return "nothing"
	}
	return strings.Join(words, ", ")
}

// ForHost gives an error of a run its message, and the message its host.
func ForHost(host string, err error) *Error {
	id, fields := Of(err)
	if fields == nil {
		fields = Fields{}
	}
	if fields["host"] == "" {
		fields["host"] = host
	}
	return &Error{ID: id, Fields: fields, Err: err}
}
