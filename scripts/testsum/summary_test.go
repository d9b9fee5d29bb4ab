package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the expected texts anew")

// TestRecorded plays what `go test -json` once said.
func TestRecorded(t *testing.T) {
	tests := []struct {
		name, notRun string
		clean        bool // go test ended with 0
		last         string
		code         int
	}{
		{"pass", "", true, "5 passed, 0 failed, 2 skipped", 0},
		{"pass", "servers (needs root and mount namespaces)", true, "5 passed, 0 failed, 2 skipped", 3},
		{"fail", "", false, "7 passed, 2 failed, 2 skipped", 1},
		{"fail", "servers (needs root and mount namespaces)", false, "7 passed, 2 failed, 2 skipped", 1},
		{"build", "", false, "5 passed, 1 failed, 2 skipped", 1},
		{"build-package", "", false, "0 passed, 1 failed, 0 skipped", 1},
		{"dies", "", false, "1 passed, 1 failed, 0 skipped", 1},
		{"panics", "", false, "1 passed, 1 failed, 0 skipped", 1},
		{"testmain", "", false, "1 passed, 1 failed, 0 skipped", 1},
		{"nothing", "", true, "0 passed, 0 failed, 0 skipped", 1},
		{"no-match", "", true, "0 passed, 0 failed, 0 skipped", 1},
		{"pass", "", false, "5 passed, 0 failed, 2 skipped", 1}, // go test itself broke off
	}
	for _, tt := range tests {
		name := tt.name
		if tt.notRun != "" {
			name += "-not-run"
		}
		if tt.name == "pass" && !tt.clean {
			name += "-broken-off"
		}
		t.Run(name, func(t *testing.T) {
			events, err := os.Open(filepath.Join("testdata", tt.name+".json"))
			if err != nil {
				t.Fatal(err)
			}
			defer events.Close()
			var out bytes.Buffer
			s := newSummary(&out)
			if err := s.read(events); err != nil {
				t.Fatal(err)
			}
			s.ended(tt.clean)
			if code := s.print(tt.notRun); code != tt.code {
				t.Errorf("exit %d, want %d", code, tt.code)
			}
			lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
			if got := lines[len(lines)-1]; got != tt.last {
				t.Errorf("last line %q, want %q", got, tt.last)
			}
			if got := lines[len(lines)-2]; tt.notRun != "" && got != "NOT RUN: "+tt.notRun {
				t.Errorf("last but one %q", got)
			}
			golden(t, filepath.Join("testdata", name+".txt"), out.Bytes())
		})
	}
}

// TestScenarios: one table, by number, with a column for each base; a test that was cut off before it came to its verdict has none.
func TestScenarios(t *testing.T) {
	var in strings.Builder
	for _, line := range []struct{ test, action, said string }{
		{"TestScenarios/root/trixie", "pass", "3|root|trixie|key-only"},
		{"TestScenarios/root/bookworm", "pass", "3|root|bookworm|key-only"},
		{"TestScenarios/dropbear/trixie", "pass", "17|dropbear|trixie|installed, exit 4"},
		{"TestScenarios/default/bookworm", "fail", "1|default|bookworm|FAILED"},
		{"TestScenarios/other/bookworm", "pass", "x|no number|bookworm|held"},
		{"TestScenarios/another/bookworm", "pass", "2|a name|with a bar|bookworm|held"},
	} {
		in.WriteString(`{"Action":"output","Package":"p","Test":"` + line.test + `","Output":"    a_test.go:73: scenario|` + line.said + `\n"}` + "\n")
		in.WriteString(`{"Action":"` + line.action + `","Package":"p","Test":"` + line.test + `","Elapsed":2.25}` + "\n")
	}
	var out bytes.Buffer
	s := newSummary(&out)
	if err := s.read(strings.NewReader(in.String())); err != nil {
		t.Fatal(err)
	}
	s.ended(false)
	s.print("")
	const want = `
scenarios:
                bookworm       trixie
   1  default   FAILED 2.2s    -
   3  root      key-only 2.2s  key-only 2.2s
  17  dropbear  -              installed, exit 4 2.2s

slowest:
`
	if _, table, found := strings.Cut(out.String(), "\nscenarios:\n"); !found || !strings.HasPrefix("\nscenarios:\n"+table, want) {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
	if !strings.HasSuffix(out.String(), "\n5 passed, 1 failed, 0 skipped\n") {
		t.Error("the last line is not the tally")
	}
}

// TestLeftOut: what cannot run there is no skip, and is counted by itself.
func TestLeftOut(t *testing.T) {
	var in strings.Builder
	for _, line := range []struct{ test, action, said string }{
		{"TestA", "skip", "not provable under wine: there are no links"},
		{"TestB", "skip", "not for Windows: the server's half is for sh"},
		{"TestC/one", "skip", "not provable under wine: there are no links"},
		{"TestC/two", "skip", "not provable under wine: there are no links"},
		{"TestD", "skip", "needs age"},
		{"TestE", "pass", "not for Windows: says one that went on"},
	} {
		in.WriteString(`{"Action":"output","Package":"p","Test":"` + line.test + `","Output":"    a_test.go:73: ` + line.said + `\n"}` + "\n")
		in.WriteString(`{"Action":"` + line.action + `","Package":"p","Test":"` + line.test + `","Elapsed":0}` + "\n")
	}
	var out bytes.Buffer
	s := newSummary(&out)
	if err := s.read(strings.NewReader(in.String())); err != nil {
		t.Fatal(err)
	}
	s.ended(true)
	if code := s.print(""); code != 0 {
		t.Errorf("exit %d", code)
	}
	for _, want := range []string{
		"\nnot provable under wine: there are no links\n    1  p TestA\n    2  p TestC\n\nnot for Windows: the server's half is for sh\n    1  p TestB\n",
		"\nskipped:\n  p TestD: a_test.go:73: needs age\n",
		"\nNOT PROVABLE UNDER WINE: 3\nNOT FOR WINDOWS: 1\n1 passed, 0 failed, 1 skipped\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestNoise: what is no event is shown, and harms nothing.
func TestNoise(t *testing.T) {
	var out bytes.Buffer
	s := newSummary(&out)
	err := s.read(strings.NewReader("go: cannot find main module\n{\"a\":1}\n\n" +
		`{"Action":"pass","Package":"p","Test":"TestX","Elapsed":1}` + "\n" + `{"Action":"pass","Package":"p","Elapsed":1}` + "\n"))
	s.ended(true)
	if code := s.print(""); err != nil || code != 0 || !strings.HasPrefix(out.String(), "go: cannot find main module\n{\"a\":1}\n\nok   p ") {
		t.Errorf("%d, %v, %s", code, err, out.String())
	}
}

// TestTenSlowest: ten at most, the slowest first.
func TestTenSlowest(t *testing.T) {
	var in strings.Builder
	for i := range 12 {
		name := string(rune('A' + i))
		in.WriteString(`{"Action":"pass","Package":"p","Test":"Test` + name + `","Elapsed":` + string(rune('0'+i%10)) + "}\n")
	}
	var out bytes.Buffer
	s := newSummary(&out)
	if err := s.read(strings.NewReader(in.String())); err != nil {
		t.Fatal(err)
	}
	s.ended(true)
	s.print("")
	_, list, _ := strings.Cut(out.String(), "slowest:\n")
	lines := strings.Split(strings.Split(list, "\n\n")[0], "\n")
	if len(lines) != 10 || !strings.Contains(lines[0], "9.0s  p TestJ") || !strings.Contains(lines[9], "1.0s  p Test") {
		t.Errorf("%d lines: %q", len(lines), lines)
	}
}
