package vault

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"kagiban/scripts/ground"
	"kagiban/vault/safefile"
)

// TestPassphraseBytes: the passphrase is its bytes, whatever they are.
func TestPassphraseBytes(t *testing.T) {
	v := newTestVault(t)
	odd := []byte(" \x00\xff\n p\u00e4ss ")
	if _, err := v.Create("k", Spec{}, odd); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Unlock("k", odd); err != nil {
		t.Error(err)
	}
	for _, wrong := range [][]byte{odd[1:], odd[:len(odd)-1], []byte(" "), []byte(" \x00\xff\n pa\u0308ss ")} {
		if _, err := v.Unlock("k", wrong); !errors.Is(err, ErrWrongPassphrase) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	if _, err := v.Unlock("k", nil); !errors.Is(err, ErrEmptyPassphrase) {
		t.Error(err)
	}
}

func TestModes(t *testing.T) {
	ground.NotWindows(t, "modes of files")
	v := newTestVault(t)
	if _, err := v.Create("k", Spec{}, []byte("x")); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]fs.FileMode{v.dir: 0o700, v.keyFile("k"): 0o600, v.pubFile("k"): 0o644, filepath.Join(v.dir, ".lock"): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v, want %v", path, info, err, want)
		}
	}
	if err := os.Chmod(v.dir, 0o750); err != nil {
		t.Fatal(err)
	}
	var unfit *safefile.DirError
	if _, err := Open(v.dir, Options{}); !errors.As(err, &unfit) {
		t.Errorf("opened a folder that others may read: %v", err)
	}
	if _, err := v.Create("k2", Spec{}, []byte("x")); !errors.As(err, &unfit) {
		t.Errorf("wrote into a folder that others may read: %v", err)
	}
	for what, err := range map[string]error{"Rename": v.Rename("k", "b"), "Remove": v.Remove("k")} {
		if !errors.As(err, &unfit) {
			t.Errorf("%s in a folder that others may read: %v", what, err)
		}
	}
}

// TestNoVault: nothing but making a key makes the folder.
func TestNoVault(t *testing.T) {
	v := newTestVault(t)
	_, unlock := v.Unlock("k", []byte("x"))
	for what, err := range map[string]error{"Rename": v.Rename("k", "b"), "Remove": v.Remove("k"), "Unlock": unlock,
		"Passwd": v.Passwd("k", []byte("x"), []byte("y"))} {
		if !errors.Is(err, ErrNoKey) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := os.Stat(v.dir); err == nil {
		t.Error("the folder was made")
	}
	if err := errors.Join(v.Init(), v.Init()); err != nil {
		t.Error(err)
	}
	if _, err := Open(v.dir, Options{}); err != nil {
		t.Error(err)
	}
}

// TestList: foreign files are left out and left alone, damaged keys are listed, and nothing needs a passphrase.
func TestList(t *testing.T) {
	v := newTestVault(t)
	if keys, err := v.List(); err != nil || len(keys) != 0 {
		t.Fatalf("a vault that is not there: %v, %v", keys, err)
	}
	for _, name := range []string{"b", "a-b", "a"} {
		if _, err := v.Create(name, Spec{}, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	in := func(name string) string { return filepath.Join(v.dir, name) }
	for name, text := range map[string]string{
		"README": "x", ".hidden.age": "x", "bad name.age": "x", "alone.pub": "x", "b.age.bak": "x", // not ours
		"empty.age": "", "garbage.age": "garbage", "x25519.age": "age-encryption.org/v1\n-> X25519 abc\n", // damaged
		"huge.age": ageHeader + strings.Repeat("x", maxFile), "b.pub": "garbage",
	} {
		writeAll(t, in(name), []byte(text))
	}
	if err := errors.Join(os.Mkdir(in("folder.age"), 0o700), os.Remove(in("a.pub"))); err != nil {
		t.Fatal(err)
	}
	linked := os.Symlink(v.keyFile("a-b"), in("link.age")) == nil && !ground.Wine() // where Windows allows it
	before := names(t, v)
	keys, err := v.List()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, k := range keys {
		state := "damaged"
		switch {
		case k.Problem == nil && k.Public != nil && k.Fingerprint != "":
			state = "whole"
		case k.Problem == nil && k.Public == nil && k.Fingerprint == "":
			state = "without public half"
		case !errors.Is(k.Problem, ErrDamaged):
			state = fmt.Sprint(k.Problem)
		}
		got = append(got, k.Name+" "+state)
	}
	want := "a without public half, a-b whole, b without public half, empty damaged, folder damaged, garbage damaged, huge damaged, x25519 damaged"
	if linked {
		want = strings.Replace(want, "x25519", "link damaged, x25519", 1)
		if _, err := v.Unlock("link", []byte("x")); !errors.Is(err, ErrDamaged) {
			t.Errorf("a link: %v", err)
		}
	}
	if strings.Join(got, ", ") != want {
		t.Errorf("listed %q", got)
	}
	if after := names(t, v); len(after) != len(before) {
		t.Errorf("the folder held %q, now %q", before, after)
	}
	if _, err := v.Unlock("garbage", []byte("x")); !errors.Is(err, ErrDamaged) {
		t.Error(err)
	}
	if _, err := v.Get("nobody"); !errors.Is(err, ErrNoKey) {
		t.Error(err)
	}
	if _, err := v.Unlock("nobody", []byte("x")); !errors.Is(err, ErrNoKey) {
		t.Error(err)
	}
}

// TestWorkFactor: a key sealed at more work than is done unasked is named with its price, and opened when asked.
func TestWorkFactor(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	high, err := Open(dir, Options{WorkFactor: 12})
	if err != nil {
		t.Fatal(err)
	}
	pass := []byte("x")
	if _, err := high.Create("k", Spec{}, pass); err != nil {
		t.Fatal(err)
	}
	low := openTestVault(t, dir).WithMaxWorkFactor(11)
	if k, err := low.Get("k"); err != nil || k.Problem != nil {
		t.Errorf("listing: %+v, %v", k, err)
	}
	var work *WorkFactorError
	if _, err := low.Unlock("k", pass); !errors.As(err, &work) || work.Factor != 12 || work.Max != 11 || work.Memory() != 4<<20 {
		t.Errorf("got %v", err)
	}
	if _, err := low.WithMaxWorkFactor(12).Unlock("k", pass); err != nil {
		t.Error(err)
	}
	if err := low.WithMaxWorkFactor(12).Passwd("k", pass, pass); err != nil {
		t.Error(err)
	}
	if _, err := low.Unlock("k", pass); err != nil {
		t.Errorf("sealed anew at the vault's factor: %v", err)
	}
	def, err := Open(dir, Options{})
	if err != nil || def.factor != 17 || def.maxFactor != 18 {
		t.Errorf("defaults: %+v, %v", def, err)
	}
	if n := def.WithMaxWorkFactor(30).maxFactor; n != HighestWorkFactor || def.maxFactor != 18 {
		t.Errorf("opens up to %d, and by itself %d", n, def.maxFactor)
	}
	for _, n := range []int{-1, HighestWorkFactor + 1} {
		if _, err := Open(dir, Options{WorkFactor: n}); err == nil {
			t.Errorf("%d was taken", n)
		}
	}
}

// TestLyingDisk: a key whose file does not read back as it was written is never reported as made.
func TestLyingDisk(t *testing.T) {
	v := newTestVault(t)
	pass := []byte("x")
	if _, err := v.Create("old", Spec{}, pass); err != nil {
		t.Fatal(err)
	}
	whole := readAll(t, v.keyFile("old"))
	for name, lie := range map[string]func([]byte) ([]byte, error){
		"altered":     func(b []byte) ([]byte, error) { b[len(b)-1] ^= 1; return b, nil },
		"short":       func(b []byte) ([]byte, error) { return b[:len(b)-1], nil },
		"another key": func([]byte) ([]byte, error) { return whole, nil },
		"unreadable":  func([]byte) ([]byte, error) { return nil, errors.New("input/output error") },
	} {
		v.readBack = func(path string) ([]byte, error) { return lie(readAll(t, path)) }
		if _, err := v.Create("new", Spec{}, pass); err == nil {
			t.Errorf("%s: a key was made", name)
		}
		if err := v.Passwd("old", pass, []byte("y")); err == nil && name != "another key" {
			t.Errorf("%s: the passphrase was changed", name)
		}
		if got := strings.Join(names(t, v), " "); got != "old.age old.pub" {
			t.Errorf("%s: the folder holds %q", name, got)
		}
		if got := readAll(t, v.keyFile("old")); string(got) != string(whole) {
			t.Errorf("%s: the old file was replaced", name)
		}
	}
}

// TestLockHeld: while another process holds the vault's lock, changes fail and say who holds it, and reading goes on.
func TestLockHeld(t *testing.T) {
	v := openTestVault(t, copyHome(t))
	v.wait = 50 * time.Millisecond
	unlock, err := safefile.Lock(context.Background(), filepath.Join(v.dir, ".lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	_, create := v.Create("new", Spec{}, []byte("x"))
	for what, err := range map[string]error{
		"Create": create, "Rename": v.Rename("laptop", "b"), "Remove": v.Remove("laptop"),
		"Passwd": v.Passwd("laptop", []byte("correct horse"), []byte("x")),
	} {
		var locked *safefile.LockedError
		if !errors.As(err, &locked) || !strings.Contains(err.Error(), `"`+v.dir+`"`) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if p, err := v.Unlock("laptop", []byte("correct horse")); err != nil || p.MendErr != nil {
		t.Errorf("%+v, %v", p, err)
	}
	if got := len(names(t, v)); got != 2*len(homeKeys) {
		t.Errorf("the folder holds %q", names(t, v))
	}
}

// TestTogether: of several who make one key, one does, and each who makes another succeeds.
func TestTogether(t *testing.T) {
	v := newTestVault(t)
	var made sync.Map
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			pass := fmt.Sprint("pass", i)
			if _, err := v.Create("same", Spec{}, []byte(pass)); err == nil {
				made.Store("same"+pass, pass)
			} else if !errors.Is(err, ErrKeyExists) {
				t.Error(err)
			}
			if _, err := v.Create(fmt.Sprint("own", i), Spec{}, []byte(pass)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	winners := 0
	made.Range(func(_, pass any) bool {
		winners++
		if p, err := v.Unlock("same", []byte(pass.(string))); err != nil || p.PublicMended {
			t.Errorf("the winner's key: %+v, %v", p, err)
		}
		return true
	})
	if keys, err := v.List(); winners != 1 || len(keys) != 7 || err != nil {
		t.Errorf("%d made it; %d keys, %v", winners, len(keys), err)
	}
}
