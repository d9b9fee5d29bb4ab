package service

import (
	"encoding/xml"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata anew")

// plain and odd are a home as it usually is, and one with all that has a meaning somewhere.
func plain() Spec {
	return Spec{
		Program: "/usr/bin/kagiban", Agent: "/run/user/1000/kagiban/agent.sock", Control: "/run/user/1000/kagiban/control.sock",
		Runtime: "/run/user/1000", Config: "/home/me/.config", User: `DESK\me`,
	}
}

func odd() Spec {
	const home = "/home/me/a b%c$d`e<&>"
	return Spec{
		Program: home + "é/kagiban", Env: []string{"KAGIBAN_HOME=" + home}, Agent: home + "/run/agent.sock", Control: home + "/run/control.sock",
		Runtime: "/run/user/1000", Config: "/home/me/.config", User: `DESK\m&é`,
	}
}

// TestTexts holds every file, on every kind of system, against what was looked at once.
func TestTexts(t *testing.T) {
	for name, spec := range map[string]Spec{"plain": plain(), "odd": odd()} {
		for _, goos := range []string{"linux", "darwin", "windows"} {
			s, err := For(goos, spec)
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			for _, f := range append(s.Files(), s.Instead()...) {
				got.WriteString("-- " + f.Path + " --\n" + f.Text)
			}
			golden := filepath.Join("testdata", goos+"-"+name)
			if *update {
				if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil || got.String() != string(want) {
				t.Errorf("%s: %v, got\n%s", golden, err, got.String())
			}
		}
	}
}

// TestProgram: what a file starts is read back as it was written.
func TestProgram(t *testing.T) {
	for _, spec := range []Spec{plain(), odd()} {
		for _, goos := range []string{"linux", "darwin", "windows"} {
			s, err := For(goos, spec)
			if err != nil {
				t.Fatal(err)
			}
			found := ""
			for _, f := range s.Files() {
				found += s.system.program(f.Text)
			}
			if found != spec.Program {
				t.Errorf("%s starts %q, want %q", goos, found, spec.Program)
			}
		}
	}
}

// TestPlist: it is well-formed, and starts the program.
func TestPlist(t *testing.T) {
	for _, spec := range []Spec{plain(), odd()} {
		s, err := For("darwin", spec)
		if err != nil {
			t.Fatal(err)
		}
		var plist struct {
			Program []string `xml:"dict>array>string"`
		}
		if err := xml.Unmarshal([]byte(s.Files()[0].Text), &plist); err != nil || len(plist.Program) != 3 || plist.Program[0] != spec.Program {
			t.Errorf("%q, %v", plist.Program, err)
		}
	}
}

// TestTask: what is said of the task is well-formed, ASCII, and starts the program.
func TestTask(t *testing.T) {
	for _, spec := range []Spec{plain(), odd()} {
		s, err := For("windows", spec)
		if err != nil {
			t.Fatal(err)
		}
		text := s.Instead()[0].Text
		var task struct {
			User    string `xml:"Triggers>LogonTrigger>UserId"`
			Limit   string `xml:"Settings>ExecutionTimeLimit"`
			Command string `xml:"Actions>Exec>Command"`
		}
		if err := xml.Unmarshal([]byte(text), &task); err != nil || task.User != spec.User || task.Command != spec.Program || task.Limit != "PT0S" {
			t.Errorf("%+v, %v", task, err)
		}
		if strings.ContainsFunc(text, func(r rune) bool { return r >= 0x7f }) {
			t.Errorf("not ASCII: %s", text)
		}
	}
}

func TestNoPlace(t *testing.T) {
	var none *UnavailableError
	if _, err := For("plan9", plain()); !errors.As(err, &none) {
		t.Errorf("plan9: %v", err)
	}
	var bad *PathError
	quoted := plain()
	quoted.Program = "/it's/kagiban"
	if _, err := For("linux", quoted); !errors.As(err, &bad) || bad.Path != quoted.Program {
		t.Errorf("%v", err)
	}
	for _, goos := range []string{"linux", "darwin", "windows"} {
		broken := plain()
		broken.Env = []string{"KAGIBAN_HOME=/k\nExecStartPre=/bin/x"}
		if _, err := For(goos, broken); !errors.As(err, &bad) || bad.Path != broken.Env[0] {
			t.Errorf("%s: %v", goos, err)
		}
	}
	long := plain()
	long.Program = `C:\` + strings.Repeat("鍵", runKeyLimit-len(`C:\"" agent start`))
	if _, err := For("windows", long); err != nil {
		t.Errorf("as long as can be: %v", err)
	}
	long.Program += "x"
	if _, err := For("windows", long); !errors.As(err, &bad) || bad.Path != long.Program {
		t.Errorf("too long: %v", err)
	}
	for _, path := range []string{"/a\nExecStart=/bin/x", "/a\x01", "/a\xff", "/a'", `/a"`, `/a\b`, "/é"} {
		spec := plain()
		spec.Agent = path
		if _, err := For("linux", spec); !errors.As(err, &bad) || bad.Path != path {
			t.Errorf("%q: %v", path, err)
		}
	}
}

// TestLikeness: our own file of an earlier day is told from one that was changed by one character.
func TestLikeness(t *testing.T) {
	s, err := For("linux", plain())
	if err != nil {
		t.Fatal(err)
	}
	moved := plain()
	moved.Program = "/opt/kagiban"
	elsewhere, err := For("linux", moved)
	if err != nil {
		t.Fatal(err)
	}
	want := s.Files()[1].Text
	for text, is := range map[string]Likeness{
		want:                            Same,
		elsewhere.Files()[1].Text:       Older,
		strings.ToUpper(want):           Foreign,
		want + "Environment=A=b\n":      Foreign,
		want[:len(want)-1]:              Foreign,
		"[Service]\nExecStart=/bin/x\n": Foreign,
		"":                              Foreign,
	} {
		if got := likeness(want, text, true, false); got != is {
			t.Errorf("%s, want %s:\n%s", got, is, text)
		}
	}
	if got := likeness(want, "", false, false); got != Missing {
		t.Errorf("no file is %s", got)
	}
	if got := likeness(`"C:\kagiban.exe" agent start`, `"D:\kagiban.exe" agent start`, true, true); got != Older {
		t.Errorf("our value is %s", got)
	}
}
