package vault

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"kagiban/scripts/ground"
)

func TestPasswd(t *testing.T) {
	v := newTestVault(t)
	v.now = func() time.Time { return time.Date(2020, 5, 17, 12, 0, 0, 0, time.UTC) }
	old, new := []byte("old"), []byte("new")
	made, err := v.Create("k", Spec{Comment: "c"}, old)
	if err != nil {
		t.Fatal(err)
	}
	before := readAll(t, v.keyFile("k"))
	for what, test := range map[string]struct {
		name     string
		old, new []byte
		want     error
	}{
		"wrong":     {"k", new, new, ErrWrongPassphrase},
		"empty new": {"k", old, nil, ErrEmptyPassphrase},
		"empty old": {"k", nil, new, ErrEmptyPassphrase},
		"nobody":    {"nobody", old, new, ErrNoKey},
	} {
		if err := v.Passwd(test.name, test.old, test.new); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if !bytes.Equal(before, readAll(t, v.keyFile("k"))) {
		t.Fatal("a refused change changed the file")
	}
	if err := v.Passwd("k", old, new); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Unlock("k", old); !errors.Is(err, ErrWrongPassphrase) {
		t.Errorf("the old one: %v", err)
	}
	p, err := v.Unlock("k", new)
	if err != nil {
		t.Fatal(err)
	}
	if p.PublicMended || p.Key.Fingerprint != made.Fingerprint || p.Key.Comment != "c" || !p.Key.Created.Equal(made.Created) {
		t.Errorf("was %+v, is %+v", made, p.Key)
	}
	if got := strings.Join(names(t, v), " "); got != "k.age k.pub" {
		t.Errorf("the folder holds %q", got)
	}
}

// TestChangedMeanwhile: somebody else's change between our reading and our writing is not undone by us.
func TestChangedMeanwhile(t *testing.T) {
	v := newTestVault(t)
	old, ours, theirs := []byte("old"), []byte("ours"), []byte("theirs")
	if _, err := v.Create("k", Spec{}, old); err != nil {
		t.Fatal(err)
	}
	other := openTestVault(t, v.dir)
	v.readBack = func(path string) ([]byte, error) { // called after the old file was read, and before the lock is taken
		v.readBack = readFile
		if err := other.Passwd("k", old, theirs); err != nil {
			t.Error(err)
		}
		return readFile(path)
	}
	if err := v.Passwd("k", old, ours); !errors.Is(err, ErrChanged) {
		t.Errorf("got %v", err)
	}
	if _, err := v.Unlock("k", theirs); err != nil {
		t.Error(err)
	}
}

func TestRename(t *testing.T) {
	v := openTestVault(t, copyHome(t))
	writeAll(t, v.pubFile("stray"), []byte("somebody's\n"))
	for what, test := range map[string]struct {
		old, new string
		want     error
	}{
		"nobody":        {"nobody", "b", ErrNoKey},
		"taken":         {"laptop", "desk", ErrKeyExists},
		"taken in caps": {"laptop", "DESK", ErrKeyExists},
		"stray .pub":    {"laptop", "stray", ErrKeyExists},
	} {
		if err := v.Rename(test.old, test.new); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := errors.Join(os.Remove(v.pubFile("stray")), v.Rename("laptop", "laptop")); err != nil {
		t.Fatal(err)
	}
	before, err := v.Get("laptop")
	if err != nil {
		t.Fatal(err)
	}
	from := "laptop"
	for _, to := range []string{"phone", "Phone", "laptop"} {
		if err := v.Rename(from, to); err != nil {
			t.Fatalf("to %s: %v", to, err)
		}
		p, err := v.Unlock(to, []byte("correct horse"))
		if err != nil {
			t.Fatal(err)
		}
		if p.PublicMended || p.Key.Name != to || p.Key.Fingerprint != before.Fingerprint || !p.Key.Created.Equal(before.Created) {
			t.Errorf("%s: was %+v, is %+v", to, before, p.Key)
		}
		if got := len(names(t, v)); got != 2*len(homeKeys) {
			t.Errorf("the folder holds %q", names(t, v))
		}
		from = to
	}
}

// TestRenameCaseTaken: where the disk tells the case of letters apart, another key may bear the name.
func TestRenameCaseTaken(t *testing.T) {
	ground.NotWindows(t, "two files whose names differ in case alone")
	v := openTestVault(t, copyHome(t))
	writeAll(t, v.keyFile("Laptop"), []byte("another"))
	if got := readAll(t, v.keyFile("laptop")); string(got) == "another" {
		t.Skip("this disk does not tell the case of letters apart")
	}
	if err := v.Rename("laptop", "Laptop"); !errors.Is(err, ErrKeyExists) {
		t.Error(err)
	}
	if got := readAll(t, v.keyFile("Laptop")); string(got) != "another" {
		t.Error("the other key is lost")
	}
}

// TestRenameCutShort: a rename that died before its last step is done by the same again; a .pub that is not this key's stays.
func TestRenameCutShort(t *testing.T) {
	v := openTestVault(t, copyHome(t))
	line := readAll(t, v.pubFile("laptop"))
	if err := v.Rename("laptop", "phone"); err != nil {
		t.Fatal(err)
	}
	writeAll(t, v.pubFile("laptop"), readAll(t, v.pubFile("desk")))
	if err := v.Rename("laptop", "phone"); !errors.Is(err, ErrNoKey) || len(readAll(t, v.pubFile("laptop"))) == 0 {
		t.Errorf("with another's .pub: %v", err)
	}
	writeAll(t, v.pubFile("laptop"), line)
	if err := v.Rename("laptop", "phone"); err != nil {
		t.Error(err)
	}
	if got := len(names(t, v)); got != 2*len(homeKeys) {
		t.Errorf("the folder holds %q", names(t, v))
	}
	if err := v.Rename("laptop", "phone"); !errors.Is(err, ErrNoKey) {
		t.Errorf("once more: %v", err)
	}
}

// TestRenameWithoutPub: a key that lost its .pub is renamed as well, and a rename that died half-way can be done again.
func TestRenameWithoutPub(t *testing.T) {
	v := openTestVault(t, copyHome(t))
	if err := errors.Join(os.Remove(v.pubFile("laptop")), v.Rename("laptop", "a")); err != nil {
		t.Fatal(err)
	}
	if p, err := v.Unlock("a", []byte("correct horse")); err != nil || !p.PublicMended {
		t.Errorf("%+v, %v", p, err)
	}
	writeAll(t, v.pubFile("b"), readAll(t, v.pubFile("desk"))) // what dying after the first step leaves
	if err := v.Rename("desk", "b"); err != nil {
		t.Error(err)
	}
	if _, err := v.Unlock("b", []byte("battery staple")); err != nil {
		t.Error(err)
	}
}

func TestRemove(t *testing.T) {
	v := openTestVault(t, copyHome(t))
	writeAll(t, v.keyFile("garbage"), []byte("garbage"))
	if err := os.Mkdir(v.keyFile("folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]error{"nobody": ErrNoKey, "folder": ErrDamaged, "laptop": nil, "garbage": nil} {
		if err := v.Remove(name); !errors.Is(err, want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := strings.Join(names(t, v), " "); got != "desk.age desk.pub folder.age rsa.age rsa.pub" {
		t.Errorf("the folder holds %q", got)
	}
	if err := v.Remove("laptop"); !errors.Is(err, ErrNoKey) {
		t.Errorf("twice: %v", err)
	}
}

// TestPubIsNeverTrusted: whatever NAME.pub says, the opened key is NAME.age's, and the file is put right.
func TestPubIsNeverTrusted(t *testing.T) {
	v := openTestVault(t, copyHome(t))
	right := readAll(t, v.pubFile("laptop"))
	pass := []byte("correct horse")
	for what, line := range map[string][]byte{
		"another key":   readAll(t, v.pubFile("desk")),
		"comment":       bytes.Replace(right, []byte("me@laptop"), []byte("you@elsewhere"), 1),
		"with options":  append([]byte(`command="evil" `), right...),
		"second line":   append(bytes.Clone(right), readAll(t, v.pubFile("desk"))...),
		"garbage":       []byte("garbage\n"),
		"empty":         {},
		"missing":       nil,
		"much too long": bytes.Repeat([]byte("#\n"), maxFile),
	} {
		if err := os.Remove(v.pubFile("laptop")); err != nil {
			t.Fatal(err)
		}
		if line != nil {
			writeAll(t, v.pubFile("laptop"), line)
		}
		p, err := v.Unlock("laptop", pass)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if !p.PublicMended || p.MendErr != nil || p.Key.Comment != "me@laptop" {
			t.Errorf("%s: %+v", what, p)
		}
		if !bytes.Equal(publicLine(p.Key.Public, p.Key.Comment), right) || !bytes.Equal(readAll(t, v.pubFile("laptop")), right) {
			t.Errorf("%s: not put right", what)
		}
		if p, err := v.Unlock("laptop", pass); err != nil || p.PublicMended {
			t.Errorf("%s: mended twice: %v", what, err)
		}
	}
	// A .pub that cannot be written is no reason not to open the key.
	if err := errors.Join(os.Remove(v.pubFile("laptop")), os.Mkdir(v.pubFile("laptop"), 0o700)); err != nil {
		t.Fatal(err)
	}
	if p, err := v.Unlock("laptop", pass); err != nil || p.PublicMended || p.MendErr == nil {
		t.Errorf("%+v, %v", p, err)
	}
}

// TestMendOnlyWhatWasOpened: a key that is removed while it is being opened does not get its .pub back.
func TestMendOnlyWhatWasOpened(t *testing.T) {
	v := openTestVault(t, copyHome(t))
	if err := os.Remove(v.pubFile("laptop")); err != nil {
		t.Fatal(err)
	}
	v.now = func() time.Time { // called when the lock is held, after the key was opened
		if err := os.Remove(v.keyFile("laptop")); err != nil {
			t.Error(err)
		}
		return time.Now()
	}
	p, err := v.Unlock("laptop", []byte("correct horse"))
	if err != nil || p.PublicMended || !errors.Is(p.MendErr, ErrNoKey) {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := os.Stat(v.pubFile("laptop")); err == nil {
		t.Error("a .pub without its key")
	}
}
