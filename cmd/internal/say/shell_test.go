package say

import (
	"errors"
	"io/fs"
	"maps"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/crypto/ssh"

	"kagiban/agent"
	"kagiban/agent/door"
	"kagiban/cmd/internal/home"
	"kagiban/cmd/internal/prompt"
	"kagiban/cmd/internal/service"
	"kagiban/hostsetup"
	"kagiban/scripts/ground"
	"kagiban/vault/safefile"
)

// TestQuote: a shell reads the words that were meant.
func TestQuote(t *testing.T) {
	for _, test := range []struct{ word, posix, windows string }{
		{"/home/me/k.ppk", "/home/me/k.ppk", "/home/me/k.ppk"},
		{`C:\Users\me\k.ppk`, `'C:\Users\me\k.ppk'`, `C:\Users\me\k.ppk`},
		{`C:\Users\Zoë Me\k.ppk`, `'C:\Users\Zoë Me\k.ppk'`, `"C:\Users\Zoë Me\k.ppk"`},
		{`C:\RUNNER~1\k&k`, `'C:\RUNNER~1\k&k'`, `"C:\RUNNER~1\k&k"`},
		{"it's $HOME", `'it'\''s $HOME'`, "'it''s $HOME'"},
		{"`id`", "'`id`'", "'`id`'"},
		{"a\u201d; b\u2019", "'a\u201d; b\u2019'", "'a\u201d; b\u2019\u2019'"}, // quotes to PowerShell
		{"", "''", `""`},
		{"a,b@c", "a,b@c", `"a,b@c"`}, // a list to PowerShell
	} {
		if got := quote("linux", test.word); got != test.posix {
			t.Errorf("%s: %s", test.word, got)
		}
		if got := quote("windows", test.word); got != test.windows {
			t.Errorf("%s on Windows: %s", test.word, got)
		}
	}
}

// TestQuoteInShell asks a real shell.
func TestQuoteInShell(t *testing.T) {
	ground.NotWindows(t, "the words of a Unix shell")
	for _, word := range []string{"a b", `it's "$HOME" \n`, "*", "", "`id`", "~/x;y"} {
		if out, err := exec.Command("sh", "-c", "printf %s "+Quote(word)).Output(); err != nil || string(out) != word {
			t.Errorf("%s: %q, %v", word, out, err)
		}
	}
}

// TestCommandsHere: what is typed on this computer is what its system has.
func TestCommandsHere(t *testing.T) {
	for got, want := range map[string]string{
		renaming("linux", "/k/a b", "/k/c"):          "mv -n '/k/a b' /k/c",
		renaming("windows", `C:\k\a b`, `C:\k\c`):    `move "C:\k\a b" C:\k\c`,
		looking("linux", "/k", ""):                   "ls -ld /k",
		looking("linux", "/k", "/k/a"):               "ls -ld /k /k/a",
		looking("windows", `C:\k k`, ""):             `icacls "C:\k k"`,
		looking("windows", `C:\k k`, `C:\k k\a.age`): `icacls "C:\k k\a.age"`,
	} {
		if got != want {
			t.Errorf("%s, not %s", got, want)
		}
	}
}

// TestNextInEveryShell: what is to be typed on this computer needs no shell of Unix. Windows PowerShell 5 has no &&.
func TestNextInEveryShell(t *testing.T) {
	unix := regexp.MustCompile(`&&|\|\||\$\(|\beval\b|^[A-Z_]+=\S|>/dev/|\bumask\b|^(ls|mv|rm|df|cat|chmod|export) `)
	for _, id := range slices.Sorted(maps.Keys(table())) {
		for next := range strings.Lines(table()[id].Next) {
			if unix.MatchString(next) && !strings.Contains(next, "server") {
				t.Errorf("%s: %s", id, next)
			}
		}
	}
}

// TestKnownHostsFile: the file of a line is named whole, whatever system it lies on.
func TestKnownHostsFile(t *testing.T) {
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"))
	if err != nil {
		t.Fatal(err)
	}
	for where, want := range map[string]struct{ file, line string }{
		"/home/me/.ssh/known_hosts:12": {"/home/me/.ssh/known_hosts", "line 12"}, `C:\Users\me\.ssh\known_hosts:3`: {`C:\Users\me\.ssh\known_hosts`, "line 3"},
		"the first connection of this run": {"~/.ssh/known_hosts", "its line"}, `@revoked in C:\k`: {"~/.ssh/known_hosts", "its line"},
	} {
		id, f := Of(&hostsetup.HostKeyError{Known: "vps", Key: key, Changed: true, Where: where})
		if got := strings.Trim(f["file"], "'"); got != want.file {
			t.Errorf("%s: the file is %s", where, got)
		}
		if _, _, next := Parts(id, f); !strings.Contains(next, "no ssh-keygen, delete "+want.line+" of that file") {
			t.Errorf("%s: %s", where, next)
		}
	}
}

// TestPathsAreShownAsTheyAre: a backslash is one backslash.
func TestPathsAreShownAsTheyAre(t *testing.T) {
	const path = `C:\Users\x`
	cause := errors.New("why")
	for _, err := range []error{
		&home.SocketPathError{Path: path}, &home.ConfigError{Path: path, Err: cause}, &home.ConfigError{Path: path, Line: 1, Err: cause},
		&safefile.DirError{Path: path}, &safefile.LockedError{Path: path}, &safefile.BusyError{Path: path},
		&service.ForeignError{Path: path}, &service.PathError{Path: path}, &door.PathTooLongError{Path: path},
	} {
		if !strings.Contains(err.Error(), path) || !strings.Contains(Render(Of(err)), path) {
			t.Errorf("%T: %v\n%s", err, err, Render(Of(err)))
		}
	}
}

// TestFullOnWindows: Windows says in words of its own that a disk is full, and has no df.
func TestFullOnWindows(t *testing.T) {
	for number, system := range map[syscall.Errno]string{39: "windows", 112: "windows", syscall.ENOSPC: "linux"} {
		err := error(&fs.PathError{Op: "write", Path: "/k/.kagiban-tmp-1", Err: number})
		id, f := ofDiskOf(system, err)
		if id != NotLet || !strings.Contains(f["error"], "k cannot be written: its disk, or your share of it, is full") || strings.Contains(f["fix"], "df ") == (system == "windows") {
			t.Errorf("%d on %s: %s %q", number, system, id, f)
		}
	}
	if id, _ := ofDiskOf("linux", &fs.PathError{Op: "write", Path: "/k", Err: syscall.Errno(112)}); id != "" {
		t.Errorf("112 of Linux is %s", id)
	}
}

// TestNoWays: what asks where there is no terminal is a dialog of the agent's own on Windows.
func TestNoWays(t *testing.T) {
	if unix, windows := noWays("linux"), noWays("windows"); !strings.Contains(unix, "no pinentry") || strings.Contains(windows, "pinentry") || !strings.Contains(windows, "no dialog") {
		t.Error(unix, windows)
	}
	for _, err := range []error{prompt.ErrCannotAsk, agent.ErrCannotAsk} {
		if id, f := Of(err); id != CannotAsk || f["ways"] != noWays(runtime.GOOS) {
			t.Error(id, f)
		}
	}
}
