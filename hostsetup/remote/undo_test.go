package remote

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// switchAt runs a piece of shell behind the functions of the undo switch of the change "token", whose folder is made in a new place.
func switchAt(t *testing.T, sh []string, piece string) (run, said string) {
	t.Helper()
	run = t.TempDir()
	if err := os.Mkdir(filepath.Join(run, "token"), 0o700); err != nil {
		t.Fatal(err)
	}
	functions := strings.Replace(UndoScript(), "trap 'say \"done\" $?' EXIT", "", 1)
	c := exec.Command(sh[0], sh[1:]...)
	c.Stdin = strings.NewReader("KG=KG0\n" + functions + "run=" + Quote(run) + " token=token here=" + Quote(run+"/token") + "\n" + piece)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", sh, err, out)
	}
	return run, string(out)
}

// TestConfirmedAtTheDeadline: whoever renames first has decided, also when it was between two looks of the watcher: what was confirmed is kept.
func TestConfirmedAtTheDeadline(t *testing.T) {
	for _, sh := range shells(t) {
		run, _ := switchAt(t, sh, `
echo token 5 user 127.0.0.1 22 publickey,password >"$run/pending"
uptime_s() { echo 5; }
alive() { true; }
mv() { # the confirmation is a moment earlier
	command mv "$run/pending" "$run/confirmed"
	false
}
keep() { [ -e "$here" ] && command mv "$run/confirmed" "$run/kept"; }
watch
`)
		if _, err := os.Stat(filepath.Join(run, "kept")); err != nil {
			t.Errorf("%v: %v", sh, err)
		}
		if _, err := os.Stat(filepath.Join(run, "token")); err == nil {
			t.Errorf("%v: the change's folder is left", sh)
		}
	}
}

// TestUndoIsOver: what the server must offer again before an undo is over, where it is not what it was before.
func TestUndoIsOver(t *testing.T) {
	for _, c := range []struct {
		offered, files string
		over           bool
	}{
		{"", "true", false},
		{"publickey,password", "true", true},
		{"publickey,password", "false", false},
		{"publickey", "true", false},
		{"publickey", "false", true},
		{"config:passwordauthentication=no,", "false", true}, // no ssh client there: nobody can be asked
		{"config:passwordauthentication=yes,", "true", true},
	} {
		for _, sh := range shells(t) {
			_, said := switchAt(t, sh, "typed_in_files() { "+c.files+"; }\nagree "+Quote(c.offered)+" && echo over\n:\n")
			if over := said == "over\n"; over != c.over {
				t.Errorf("%v: offered %q, a password by the files: %s: over %v (%s)", sh, c.offered, c.files, over, said)
			}
		}
	}
}

// TestDeadProcess: that a process is gone is no complaint.
func TestDeadProcess(t *testing.T) {
	for _, sh := range shells(t) {
		if _, said := switchAt(t, sh, "echo 999999999 >\"$here/watcher\"\nalive watcher && echo alive\n:\n"); said != "" {
			t.Errorf("%v: %s", sh, said)
		}
	}
}
