package remote

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"kagiban/scripts/ground"
)

// TestVerbsUnderRealShells runs what can be run anywhere, in every sh that is there.
func TestVerbsUnderRealShells(t *testing.T) {
	for _, sh := range shells(t) {
		t.Run(strings.Join(sh, " "), func(t *testing.T) {
			home := t.TempDir()
			line := "ssh-ed25519 AAAAC3Nza o'neill's \"laptop\" $(touch /nonexistent) `x`"
			a := do(t, sh, home, Look)
			if got := a.Get("keys"); got != ".ssh/authorized_keys" {
				t.Fatalf("keys = %q", got)
			}
			if _, ok := a.Text("keys"); ok {
				t.Fatal("a text of a file that is not there")
			}
			do(t, sh, home, Append, ".ssh/authorized_keys", line, "-")
			a = do(t, sh, home, Look)
			if got, _ := a.Text("keys"); got != line+"\n" {
				t.Fatalf("after append: %q", got)
			}
			do(t, sh, home, Takeback, ".ssh/authorized_keys", line, "-", ".ssh")
			a = do(t, sh, home, Look)
			if modes := a.All("mode"); len(modes) != 1 {
				t.Fatalf("takeback left something: %q", modes)
			}
		})
	}
}

// TestNoiseWithoutALineEnd: what a login shell printed last does not swallow our first line.
func TestNoiseWithoutALineEnd(t *testing.T) {
	for _, sh := range shells(t) {
		c := exec.Command(sh[0], sh[1:]...)
		c.Stdin = strings.NewReader(Look.Program("ab"))
		c.Env = []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}
		out, err := c.Output()
		if err != nil {
			t.Fatal(err)
		}
		a, err := Parse(Look, "ab", append([]byte("Welcome: "), out...))
		if err != nil || a.Get("uid") != itoa(os.Getuid()) {
			t.Errorf("%v: %v, uid %q", sh, err, a.Get("uid"))
		}
	}
}

// TestAppendKeepsEveryByte: what was in the file stays as it was, whatever it was, and takeback gives it back.
func TestAppendKeepsEveryByte(t *testing.T) {
	const line = "ssh-ed25519 AAAAnew laptop"
	for _, before := range []string{
		"", "\n", "ssh-rsa AAAA a\n", "ssh-rsa AAAA no newline", "# c\r\nssh-rsa AAAA crlf\r\n", "\xff\xfejunk", "\n\n\n", "no newline\n\n",
	} {
		for _, sh := range shells(t) {
			home := t.TempDir()
			write(t, home, before)
			size := len(before)
			do(t, sh, home, Append, ".ssh/authorized_keys", line, itoa(size))
			a := do(t, sh, home, Look)
			got, _ := a.Text("keys")
			if !strings.HasPrefix(got, before) || !strings.HasSuffix(got, "\n"+line+"\n") && got != line+"\n" {
				t.Errorf("%v: %q became %q", sh, before, got)
			}
			do(t, sh, home, Takeback, ".ssh/authorized_keys", line, itoa(size), "-")
			a = do(t, sh, home, Look)
			if got, _ := a.Text("keys"); got != before {
				t.Errorf("%v: %q came back as %q", sh, before, got)
			}
		}
	}
}

// TestTakebackOfAFolderAlone: append made the folder, and came no further. It goes, unless somebody put something into it.
func TestTakebackOfAFolderAlone(t *testing.T) {
	for _, sh := range shells(t) {
		home := t.TempDir()
		folder := filepath.Join(home, ".ssh")
		for _, other := range []bool{false, true} {
			if err := os.Mkdir(folder, 0o700); err != nil {
				t.Fatal(err)
			}
			if other {
				if err := os.WriteFile(filepath.Join(folder, "config"), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			do(t, sh, home, Takeback, ".ssh/authorized_keys", "ssh-ed25519 AAAA x", "-", ".ssh")
			if _, err := os.Stat(folder); (err == nil) != other {
				t.Errorf("%v: with another's file %v: %v", sh, other, err)
			}
		}
	}
}

// TestTakebackSparesOthers: a line that somebody else added meanwhile stays.
func TestTakebackSparesOthers(t *testing.T) {
	for _, sh := range shells(t) {
		home := t.TempDir()
		write(t, home, "ssh-rsa AAAA old\n")
		do(t, sh, home, Append, ".ssh/authorized_keys", "ssh-ed25519 AAAAnew laptop", "17")
		write(t, home, "ssh-rsa AAAA old\nssh-ed25519 AAAAnew laptop\nssh-rsa AAAA other\n")
		do(t, sh, home, Takeback, ".ssh/authorized_keys", "ssh-ed25519 AAAAnew laptop", "17", "-")
		a := do(t, sh, home, Look)
		if got, _ := a.Text("keys"); got != "ssh-rsa AAAA old\nssh-rsa AAAA other\n" {
			t.Errorf("%v: %q", sh, got)
		}
	}
}

// TestTakebackSeesThatTheFileChanged: a line that somebody adds while the copy is on its way to the disk stays.
func TestTakebackSeesThatTheFileChanged(t *testing.T) {
	for _, sh := range shells(t) {
		if sh[0] == "busybox" {
			continue // its sync is built in: it cannot be made slow
		}
		home := t.TempDir()
		write(t, home, "ssh-rsa AAAA old\n")
		do(t, sh, home, Append, ".ssh/authorized_keys", "ssh-ed25519 AAAAnew laptop", "17")
		slow := "#!/bin/sh\n[ -e " + home + "/once ] || echo 'ssh-rsa AAAA meanwhile' >>" + home + "/.ssh/authorized_keys\n: >" + home + "/once\n"
		if err := os.WriteFile(filepath.Join(home, "sync"), []byte(slow), 0o700); err != nil {
			t.Fatal(err)
		}
		t.Setenv("PATH", home+":"+os.Getenv("PATH"))
		do(t, sh, home, Takeback, ".ssh/authorized_keys", "ssh-ed25519 AAAAnew laptop", "17", "-")
		a := do(t, sh, home, Look)
		if got, _ := a.Text("keys"); got != "ssh-rsa AAAA old\nssh-rsa AAAA meanwhile\n" {
			t.Errorf("%v: %q", sh, got)
		}
	}
}

// TestAppendSeesThatTheFileChanged: two clients at once never lose each other's line.
func TestAppendSeesThatTheFileChanged(t *testing.T) {
	for _, sh := range shells(t) {
		home := t.TempDir()
		write(t, home, "ssh-rsa AAAA old\nssh-rsa AAAA meanwhile\n")
		_, err := run(t, sh, home, Append, ".ssh/authorized_keys", "ssh-ed25519 AAAAnew laptop", "17")
		var f *Failure
		if !errors.As(err, &f) || f.What != "changed" {
			t.Errorf("%v: err = %v, want changed", sh, err)
		}
	}
}

func TestParse(t *testing.T) {
	const noise = "Welcome!\nKG0000 done 0\n"
	for _, c := range []struct {
		name, out string
		cut       bool
		fail      string
	}{
		{"whole", noise + "KGab user owner\nKGab done 0\n", false, ""},
		{"another's nonce", "KGcd user owner\nKGcd done 0\n", true, ""},
		{"no end", "KGab user owner\n", true, ""},
		{"text cut off", "KGab begin keys\nssh-rsa A\nKGab done 0\n", true, ""},
		{"failure", "KGab error write /x\nKGab done 1\n", false, "write"},
		{"given up half-way", "KGab user owner\nKGab done 2\n", false, "stopped"},
		{"empty", "", true, ""},
	} {
		_, err := Parse(Look, "ab", []byte(c.out))
		var f *Failure
		errors.As(err, &f)
		if errors.Is(err, ErrCutOff) != c.cut || (f != nil) != (c.fail != "") || f != nil && f.What != c.fail {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestShellcheck: every program as the server gets it.
func TestShellcheck(t *testing.T) {
	checker := ground.Program(t, "shellcheck", "shellcheck")
	programs := map[string]string{"undo": UndoScript()}
	for _, v := range []Verb{Look, Who, Append, Takeback, Inspect, Stage, Rehearse, Newcomer, Drop, Keys, Revoke, Sessions} {
		programs[v.String()] = v.Program("0")
	}
	for name, program := range programs {
		c := exec.Command(checker, "--shell=sh", "--exclude=SC2119,SC2120", "-")
		c.Stdin = strings.NewReader(program)
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

// TestDocumented: docs/on-the-server.md shows what the scripts write.
func TestDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/on-the-server.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"# kagiban: not confirmed yet. After a reboot, or without a confirmation, this file says nothing.",
		"Include " + KeyOnly("TOKEN"),
		"#includedir " + Run + "/TOKEN/sudoers",
		"[ ! -e /etc/ssh/kagiban-recover.sh ] || sh /etc/ssh/kagiban-recover.sh recover boot >/dev/null 2>&1 # kagiban",
	} {
		if !strings.Contains(string(text), "\n"+line+"\n") {
			t.Errorf("docs do not show %q", line)
		}
		written := strings.NewReplacer(Run+"/TOKEN", "$here", "this file", "this $what", "/etc/ssh/kagiban-recover.sh", "$recover").Replace(line)
		if !strings.Contains(UndoScript(), written) {
			t.Errorf("the undo switch does not write %q", line)
		}
	}
}

// TestAFileCannotSpeak: one that somebody else writes and that knows the nonce (who may read all processes' arguments learns much) is a text
// and nothing else, byte for byte.
func TestAFileCannotSpeak(t *testing.T) {
	for _, text := range []string{
		"KGab end keys\nKGab error x y\nKGab done 0\n", "KGab end keys", "|\n|KGab end keys\n", "\n\nKGab end keys\n\n", "KGab end keys\r\nKGab done 0\r\n",
	} {
		for _, sh := range shells(t) {
			home := t.TempDir()
			write(t, home, text)
			c := exec.Command(sh[0], sh[1:]...)
			c.Stdin = strings.NewReader(Look.Program("ab"))
			c.Env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH")}
			out, err := c.Output()
			if err != nil {
				t.Fatal(err)
			}
			a, err := Parse(Look, "ab", out)
			if err != nil {
				t.Errorf("%v, %q: %v", sh, text, err)
				continue
			}
			if got, _ := a.Text("keys"); got != text {
				t.Errorf("%v: %q came as %q", sh, text, got)
			}
		}
	}
	if _, err := Parse(Look, "ab", []byte("KGab quote keys\n|a\nb\nKGab end keys\nKGab done 0\n")); !errors.Is(err, ErrCutOff) {
		t.Errorf("a line without its mark: %v", err)
	}
}

// TestNonceIsInNoArgument: whoever is on the server reads the arguments of every process.
func TestNonceIsInNoArgument(t *testing.T) {
	names, err := files.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		for line := range strings.Lines(source(strings.TrimSuffix(name.Name(), ".sh"))) {
			if strings.Contains(line, "KG") && !strings.HasPrefix(strings.TrimSpace(line), "#") && line != "say() { printf '%s %s\\n' \"$KG\" \"$*\"; }\n" {
				t.Errorf("%s: %s", name.Name(), line)
			}
		}
	}
}
