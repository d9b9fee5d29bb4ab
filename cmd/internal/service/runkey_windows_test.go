package service

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/windows/registry"
)

// keepRegistry puts back what the test changes: the Run key is this user's own.
func keepRegistry(t *testing.T) {
	t.Helper()
	before, err := readRunKey()
	if err == nil {
		t.Cleanup(func() { _ = writeRunKey(before) })
	} else {
		t.Cleanup(func() { _ = removeRunKey() })
	}
	if err := errors.Join(removeRunKey(), removeUserValue(approvedPath, runKeyName)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = removeUserValue(approvedPath, runKeyName) })
}

// TestRunKey: the whole life of it, with a real registry.
func TestRunKey(t *testing.T) {
	keepRegistry(t)
	var calls []string
	var fails error
	spec := plain()
	spec.Program = `C:\Users\鍵 番\kagibanw.exe`
	s, err := newService(&runKey{runCommand: func(_ context.Context, name string, args ...string) (string, error) {
		calls = append(calls, name+" "+strings.Join(args, " "))
		return "", fails
	}}, spec)
	if err != nil {
		t.Fatal(err)
	}
	want := func(enabled bool, is Likeness, program string) {
		t.Helper()
		state, err := s.State(t.Context())
		if err != nil || state.Enabled != enabled || state.Files[0].Is != is || state.Program != program {
			t.Errorf("%+v, %v", state, err)
		}
	}
	install := func(wrote int, did bool) {
		t.Helper()
		calls = nil
		got, done, err := s.Install(t.Context(), false)
		if err != nil || len(got) != wrote || done != did || did != slices.Equal(calls, []string{spec.Program + " agent start"}) {
			t.Errorf("wrote %q, done %v, called %q, %v", got, done, calls, err)
		}
	}
	want(false, Missing, "")
	install(1, true)
	want(true, Same, spec.Program)
	install(0, false)
	if text, err := userValue(runKeyPath, runKeyName); err != nil || text != `"`+spec.Program+`" agent start` {
		t.Errorf("the value is %q, %v", text, err)
	}

	// turned off in the Task Manager, and asked for again
	key, _, err := registry.CreateKey(registry.CURRENT_USER, approvedPath, registry.SET_VALUE)
	if err != nil {
		t.Fatal(err)
	}
	defer key.Close()
	off := append([]byte{3}, make([]byte, 11)...)
	if err := key.SetBinaryValue(runKeyName, off); err != nil {
		t.Fatal(err)
	}
	want(false, Same, spec.Program)
	install(0, true)
	want(true, Same, spec.Program)

	// kagiban was somewhere else; and something else has the name
	if err := writeRunKey(`"D:\kagiban.exe" agent start`); err != nil {
		t.Fatal(err)
	}
	want(true, Older, `D:\kagiban.exe`)
	install(1, true)
	if err := writeRunKey(`C:\other.exe /x`); err != nil {
		t.Fatal(err)
	}
	var foreign *ForeignError
	if _, _, err := s.Install(t.Context(), false); !errors.As(err, &foreign) {
		t.Errorf("install over another's: %v", err)
	}
	if _, err := s.Uninstall(t.Context(), false); !errors.As(err, &foreign) {
		t.Errorf("uninstall another's: %v", err)
	}
	want(true, Foreign, "")

	calls = nil
	if removed, err := s.Uninstall(t.Context(), true); err != nil || len(removed) != 1 || !slices.Equal(calls, []string{spec.Program + " agent stop"}) {
		t.Errorf("removed %q, called %q, %v", removed, calls, err)
	}
	want(false, Missing, "")
	if removed, err := s.Uninstall(t.Context(), false); err != nil || removed != nil {
		t.Errorf("nothing was there: %q, %v", removed, err)
	}
	fails = &CommandError{Command: "kagibanw", Err: errors.New("exit status 1")}
	var failed *CommandError
	if _, _, err := s.Install(t.Context(), false); !errors.As(err, &failed) {
		t.Errorf("an agent that does not start: %v", err)
	}
}

// TestStopWithoutAgent: what does not run cannot be ended, and that is well.
func TestStopWithoutAgent(t *testing.T) {
	for code, well := range map[string]bool{"3": true, "1": false} {
		ended := exec.Command(os.Args[0])
		ended.Env = append(os.Environ(), exitEnv+"="+code)
		r := &runKey{runCommand: func(context.Context, string, ...string) (string, error) {
			return "", &CommandError{Command: "kagibanw", Err: ended.Run()}
		}}
		if err := r.stop(t.Context()); (err == nil) != well {
			t.Errorf("exit %s: %v", code, err)
		}
	}
}

// exitEnv makes the test binary end with the code that it names.
const exitEnv = "SERVICE_TEST_EXIT"

func TestMain(m *testing.M) {
	switch os.Getenv(exitEnv) {
	case "3":
		os.Exit(3)
	case "1":
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func TestAtLogin(t *testing.T) {
	const name = "KAGIBAN_TEST_AT_LOGIN"
	key, _, err := registry.CreateKey(registry.CURRENT_USER, "Environment", registry.SET_VALUE)
	if err != nil {
		t.Fatal(err)
	}
	defer key.Close()
	t.Cleanup(func() { _ = removeUserValue("Environment", name) })
	if got := AtLogin(name); got != "" {
		t.Errorf("not set, and %q", got)
	}
	if err := key.SetExpandStringValue(name, `%SystemRoot%\k`); err != nil {
		t.Fatal(err)
	}
	if got, want := AtLogin(name), os.Getenv("SystemRoot")+`\k`; !strings.EqualFold(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
