//go:build unix

package helper

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// whole is a message with its length.
func whole(b []byte) string { return string(appendString(nil, b)) }

func someKeys(t testing.TB) (keys []*Key) {
	t.Helper()
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	e, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, half := range []any{&r.PublicKey, &e.PublicKey, fakeKey().Public()} {
		public, err := ssh.NewPublicKey(half)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, &Key{public: public})
	}
	return keys
}

func wantGone(t *testing.T, p *process) {
	t.Helper()
	select {
	case <-p.gone:
	case <-time.After(time.Minute):
		t.Error("the helper is still there")
	}
}

func TestCheckProvider(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	good, bad := filepath.Join(dir, "good"), filepath.Join(dir, "bad")
	for _, folder := range []string{good, bad} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, "p.so"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	link, back := filepath.Join(good, "link.so"), filepath.Join(bad, "back.so")
	if err := errors.Join(os.Symlink(filepath.Join(bad, "p.so"), link), os.Symlink(filepath.Join(good, "p.so"), back)); err != nil {
		t.Fatal(err)
	}
	h := New(Options{Allowed: []string{filepath.Join(good, "*")}})
	for provider, want := range map[string]string{
		Internal:                    Internal,
		"Internal":                  Internal,
		filepath.Join(good, "p.so"): filepath.Join(good, "p.so"),
		back:                        filepath.Join(good, "p.so"),
		good + "/../good/p.so":      filepath.Join(good, "p.so"),
		link:                        "", // what it leads to counts
		good + "/../bad/p.so":       "",
		filepath.Join(bad, "p.so"):  "",
		filepath.Join(good, "none"): "",
		"p.so":                      "",
		"":                          "",
		good + "/p.so\x00":          "",
	} {
		path, err := h.CheckProvider(provider)
		if path != want || errors.Is(err, ErrNotAllowed) != (want == "") {
			t.Errorf("%q: %q, %v", provider, path, err)
		}
		if want == "" {
			_, err = h.SignFIDO(t.Context(), provider, fakePrivate(), nil, nil)
			if !errors.Is(err, ErrNotAllowed) {
				t.Errorf("%q signs: %v", provider, err)
			}
		}
		if want == "" || want == Internal {
			if _, err = h.OpenToken(t.Context(), provider, nil); !errors.Is(err, ErrNotAllowed) {
				t.Errorf("%q opens: %v", provider, err)
			}
		}
	}
}

// TestProviderIsAWholePath: a name alone would be looked for who knows where.
func TestProviderIsAWholePath(t *testing.T) {
	if path, err := New(Options{Allowed: []string{"*"}}).CheckProvider("helper.go"); !errors.Is(err, ErrNotAllowed) {
		t.Errorf("%q, %v", path, err)
	}
}

func TestNoHelper(t *testing.T) {
	h := New(Options{SKHelper: "/nowhere/ssh-sk-helper", PKCS11Helper: "/nowhere/ssh-pkcs11-helper", Allowed: []string{"*"}})
	if _, err := h.SignFIDO(t.Context(), Internal, fakePrivate(), nil, nil); !errors.Is(err, ErrNoHelper) {
		t.Error(err)
	}
	if _, err := h.OpenToken(t.Context(), t.TempDir(), nil); !errors.Is(err, ErrNoHelper) {
		t.Error(err)
	}
}

func TestCleanEnv(t *testing.T) {
	got := cleanEnv([]string{"HOME=/h", "SOFTHSM2_CONF=/c", "SSH_AUTH_SOCK=/s", "SSH_ASKPASS=/a", "KAGIBAN_HOME=/k",
		"MY_PASSPHRASE=x", "github_token=x", "PATH=/bin", "NOTE=PASS"})
	if want := []string{"HOME=/h", "SOFTHSM2_CONF=/c", "PATH=/bin", "NOTE=PASS"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
