package ppk

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"kagiban/scripts/ground"
)

var update = flag.Bool("update", false, "have puttygen make the files of testdata anew")

// secret is the passphrase of every locked file here, as PuTTY has it of a terminal in UTF-8.
const secret = "correct 馬"

// cheap is an Argon2 that takes no time, for files that only tests read.
const cheap = "memory=64,passes=1"

// kinds are the keys that are read, as puttygen -t and -b name them.
var kinds = []struct{ name, kind, bits string }{
	{"ed25519", "ed25519", "255"}, {"ecdsa256", "ecdsa", "256"}, {"ecdsa384", "ecdsa", "384"}, {"ecdsa521", "ecdsa", "521"}, {"rsa", "rsa", "2048"},
}

type form struct {
	name    string
	version int
	locked  bool
	param   string
}

// forms are the ways in which PuTTYgen saves a key.
var forms = []form{
	{"v3", 3, false, "version=3"}, {"v3-locked", 3, true, "version=3," + cheap},
	{"v2", 2, false, "version=2"}, {"v2-locked", 2, true, "version=2"},
}

// more are files beyond the forms of each kind: the rest of what puttygen writes.
var more = []struct{ name, kind, param string }{
	{"argon2i", "ed25519", "kdf=argon2i," + cheap}, {"lanes", "ed25519", "memory=256,passes=2,parallelism=4"},
	{"argon2d", "ed25519", "kdf=argon2d," + cheap}, {"ed448", "ed448", cheap}, {"dsa", "dsa", cheap},
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func golden(t testing.TB, name string) []byte {
	t.Helper()
	return read(t, filepath.Join("testdata", name+".ppk"))
}

// open reads a file, and gives its comment with its key.
func open(file []byte, passphrase string) (key any, comment string, err error) {
	f, err := Parse(file)
	if err != nil {
		return nil, "", err
	}
	key, err = f.PrivateKey([]byte(passphrase))
	return key, f.Comment, err
}

// line is the public line of a key, as puttygen -L has it.
func line(t testing.TB, key any, comment string) string {
	t.Helper()
	s, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(s.PublicKey()))) + " " + comment + "\n"
}

// puttygen runs puttygen in a folder of the test's, in which are "secret" and "empty", and returns what it prints.
func puttygen(t testing.TB, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("puttygen", args...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("puttygen %q: %v\n%s", args, err, stderr.Bytes())
	}
	return string(out)
}

// bench is a folder to run puttygen in.
func bench(t testing.TB) (dir string) {
	t.Helper()
	ground.Program(t, "puttygen", "putty-tools")
	dir = t.TempDir()
	for name, text := range map[string]string{"secret": secret + "\n", "wrong": "wrong\n", "empty": ""} {
		write(t, filepath.Join(dir, name), []byte(text))
	}
	return dir
}

func write(t testing.TB, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// generate has puttygen make a key file, in the clear.
func generate(t testing.TB, dir, name, kind, bits, comment string) {
	t.Helper()
	args := []string{"-q", "-t", kind, "-C", comment, "-O", "private", "-o", name + ".ppk", "--new-passphrase", "empty"}
	if bits != "" {
		args = append(args, "-b", bits)
	}
	puttygen(t, dir, args...)
}

// save has puttygen save a file that is in the clear in another way.
func save(t testing.TB, dir, from, to, param string, locked bool) {
	t.Helper()
	passphrase := "empty"
	if locked {
		passphrase = "secret"
	}
	puttygen(t, dir, from+".ppk", "-P", "--new-passphrase", passphrase, "-O", "private", "--ppk-param", param, "-o", to+".ppk")
}

// TestGolden reads the files that puttygen 0.78 made once, of each kind in each form, and what else it writes.
func TestGolden(t *testing.T) {
	if *update {
		makeGolden(t)
	}
	public := string(read(t, "testdata/public"))
	check := func(name, kind string, locked bool) {
		file := golden(t, name)
		for end, file := range map[string][]byte{"LF": file, "CR LF": ends(file, "\r\n"), "CR": ends(file, "\r"), "no": bytes.TrimSuffix(file, []byte("\n"))} {
			key, comment, err := open(file, secret)
			if err != nil {
				t.Errorf("%s, %s at line ends: %v", name, end, err)
			} else if got := line(t, key, comment); !strings.Contains(public, got) || comment != "鍵番 "+kind {
				t.Errorf("%s, %s at line ends: %s", name, end, got)
			}
		}
		if !locked {
			return
		}
		if _, _, err := open(file, "wrong"); !errors.Is(err, ErrPassphrase) {
			t.Errorf("%s, under a wrong passphrase: %v", name, err)
		}
		if _, _, err := open(file, ""); !errors.Is(err, ErrNeedPassphrase) {
			t.Errorf("%s, without passphrase: %v", name, err)
		}
	}
	for _, k := range kinds {
		for _, f := range forms {
			check(k.name+"-"+f.name, k.name, f.locked)
		}
	}
	check("argon2i", "ed25519", true)
	check("lanes", "ed25519", true)
}

func ends(file []byte, end string) []byte { return bytes.ReplaceAll(file, []byte("\n"), []byte(end)) }

func makeGolden(t *testing.T) {
	dir := bench(t)
	var public []byte
	keep := func(name string) {
		write(t, filepath.Join("testdata", name+".ppk"), read(t, filepath.Join(dir, name+".ppk")))
	}
	for _, k := range kinds {
		generate(t, dir, k.name, k.kind, k.bits, "鍵番 "+k.name)
		public = append(public, puttygen(t, dir, k.name+".ppk", "-L")...)
		for _, f := range forms {
			save(t, dir, k.name, k.name+"-"+f.name, f.param, f.locked)
			keep(k.name + "-" + f.name)
		}
	}
	write(t, "testdata/public", public)
	for _, m := range more {
		if m.kind != "ed25519" {
			generate(t, dir, m.kind, m.kind, "", m.kind)
		}
		save(t, dir, m.kind, m.name, m.param, true)
		keep(m.name)
	}
}

// TestUnread: a file that is whole but not read is told from a broken one, before a passphrase is asked for; and what the person is told to
// type works.
func TestUnread(t *testing.T) {
	dir := bench(t)
	locked, typed := golden(t, "ed25519-v3-locked"), map[string]bool{}
	change := func(from, to string) []byte { return bytes.Replace(locked, []byte(from), []byte(to), 1) }
	for name, test := range map[string]struct {
		file  []byte
		what  string
		saved string // by the command, from this file instead of a costly one
	}{
		"argon2d":      {golden(t, "argon2d"), "Argon2d", "argon2d"},
		"version 1":    {change("File-3", "File-1"), "version 1", "ed25519-v3-locked"},
		"version 4":    {change("File-3", "File-4"), "version 4", "ed25519-v3-locked"},
		"much memory":  {change("Memory: 64", fmt.Sprint("Memory: ", maxMemory+1)), "1 passes over 524289 KiB", "ed25519-v3-locked"},
		"many passes":  {change("Passes: 1", "Passes: 262145"), "262145 passes over 64 KiB", "ed25519-v3-locked"},
		"2^32 KiB":     {change("64\nArgon2-Passes: 1", fmt.Sprint(maxMemory, "\nArgon2-Passes: 8192")), "8192 passes", "ed25519-v3-locked"},
		"most of both": {change("64\nArgon2-Passes: 1", "4294967295\nArgon2-Passes: 4294967295"), "4294967295 passes", "ed25519-v3-locked"},
		"ed448":        {golden(t, "ed448"), `"ssh-ed448"`, ""},
		"dsa":          {golden(t, "dsa"), `"ssh-dss"`, ""},
	} {
		_, err := Parse(test.file)
		var unread *UnreadError
		if !errors.As(err, &unread) || !strings.Contains(err.Error(), test.what) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		_, command, there := strings.Cut(unread.Advice, "puttygen FILE ")
		if there != (test.saved != "") {
			t.Errorf("%s: %v", name, unread)
		}
		if there && !typed[command] {
			typed[command] = true
			write(t, filepath.Join(dir, "FILE"), golden(t, test.saved))
			puttygen(t, dir, append(append([]string{"FILE"}, strings.Fields(command)...), "--old-passphrase", "secret")...)
			if key, _, err := open(read(t, filepath.Join(dir, "NEWFILE")), secret); err != nil || key == nil {
				t.Errorf("%s: saved anew as advised: %v", name, err)
			}
		}
	}
	for what, file := range map[string][]byte{"memory": change("Memory: 64", fmt.Sprint("Memory: ", maxMemory)), "work": change("Passes: 1", "Passes: 262144")} {
		if _, err := Parse(file); err != nil {
			t.Errorf("as much %s as is allowed: %v", what, err)
		}
	}
}

// TestBroken: what is no PuTTY key file, or asks for what there cannot be.
func TestBroken(t *testing.T) {
	locked, clear := golden(t, "ed25519-v3-locked"), golden(t, "ed25519-v3")
	change := func(file []byte, from, to string) []byte {
		if !bytes.Contains(file, []byte(from)) {
			t.Fatalf("no %q", from)
		}
		return bytes.Replace(file, []byte(from), []byte(to), 1)
	}
	for what, file := range map[string][]byte{
		"empty":                 nil,
		"another file":          []byte("-----BEGIN OPENSSH PRIVATE KEY-----\n"),
		"no version":            change(clear, "File-3", "File-x"),
		"version 259":           change(clear, "File-3", "File-259"),
		"only its beginning":    []byte(Begins),
		"very long":             append(bytes.Clone(clear), bytes.Repeat([]byte("\n"), maxFile)...),
		"another encryption":    change(clear, ": none", ": aes128-ctr"),
		"and locked":            change(locked, ": aes256-cbc", ": aes128-ctr"),
		"no encryption":         change(locked, ": aes256-cbc", ": none"),
		"encrypted, not padded": change(change(clear, ": none", ": aes256-cbc"), "Private-L", "Key-Derivation: Argon2id\nArgon2-Memory: 64\nArgon2-Passes: 1\nArgon2-Parallelism: 1\nArgon2-Salt: 00\nPrivate-L"),
		"another derivation":    change(locked, "Argon2id", "Argon2"),
		"no passes":             change(locked, "Passes: 1", "Passes: 0"),
		"no lanes":              change(locked, "Parallelism: 1", "Parallelism: 0"),
		"256 lanes":             change(locked, "Parallelism: 1", "Parallelism: 256"),
		"memory for 8 lanes":    change(locked, "Parallelism: 1", "Parallelism: 9"),
		"memory beyond 32 bits": change(locked, "Memory: 64", "Memory: 4294967296"),
		"negative passes":       change(locked, "Passes: 1", "Passes: -1"),
		"salt":                  change(locked, "Salt: ", "Salt: x"),
		"many lines":            change(clear, "Public-Lines: 2\n", fmt.Sprint("Public-Lines: ", maxLines+1, strings.Repeat("\n", maxLines))),
		"fewer lines":           change(clear, "Public-Lines: 2", "Public-Lines: 1"),
		"lines to the end":      change(clear, "Private-Lines: 1", "Private-Lines: 9"),
		"no public half":        change(clear, "Public-Lines: 2", "Public-Lines: 0"),
		"another's kind":        change(clear, "ssh-ed25519", "ssh-rsa"),
		"two files":             append(bytes.Clone(clear), clear...),
		"bytes after":           append(bytes.Clone(clear), 0),
		"a line too many":       change(clear, "Comment", "\nComment"),
		"fields in other order": change(change(clear, "Comment", "X"), "Encryption", "Comment"),
	} {
		f, err := Parse(file)
		if !errors.Is(err, ErrBroken) || f != nil {
			t.Errorf("%s: %v, %v", what, f, err)
		}
	}
}
