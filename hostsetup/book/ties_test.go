package book

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kagiban/vault/safefile"
)

// tied is the book's ties, one a word: KEY/FINGERPRINT>HOST.
func tied(t *testing.T, b Book) string {
	t.Helper()
	ties, err := b.Ties()
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, x := range ties {
		words = append(words, fmt.Sprintf("%s/%s>%s", x.Key, x.Fingerprint, x.Host))
	}
	return strings.Join(words, " ")
}

// TestTies: what makes a tie, moves it and ends it.
func TestTies(t *testing.T) {
	ctx := context.Background()
	work := func(host string) Owed {
		return Owed{Host: host, Work: OwedRotate, Key: "old line", By: "k", Since: time.Unix(0, 0).UTC()}
	}
	for _, c := range []struct {
		name string
		do   func(Book) error
		want string
	}{
		{"a server comes", func(b Book) error { return nil }, "k/F>a k/F>b"},
		{"and again, with other host keys", func(b Book) error {
			return b.Put(ctx, Host{Name: "a", Key: "k", Fingerprint: "F", HostKeys: []string{"x"}})
		}, "k/F>a k/F>b"},
		{"again, after somebody has untied it", func(b Book) error {
			_, err := b.Untie(ctx, func(t Tie) bool { return t.Host == "a" })
			return errors.Join(err, b.Put(ctx, Host{Name: "a", Key: "k", Fingerprint: "F"}))
		}, "k/F>b"},
		{"again, with another key", func(b Book) error { return b.Put(ctx, Host{Name: "a", Key: "l", Fingerprint: "G"}) }, "k/F>a k/F>b l/G>a"},
		{"one goes", func(b Book) error { return b.Remove(ctx, "a") }, "k/F>b"},
		{"its page names another key", func(b Book) error {
			return b.Update(ctx, "a", func(h *Host) error { h.Key, h.Fingerprint = "l", "G"; return nil })
		}, "l/G>a k/F>b"},
		{"its page names another key, tied already", func(b Book) error {
			return errors.Join(b.Tie(ctx, Tie{Key: "l", Fingerprint: "G", Host: "a"}),
				b.Update(ctx, "a", func(h *Host) error { h.Key, h.Fingerprint = "l", "G"; return nil }))
		}, "k/F>b l/G>a"},
		{"its page names another key, and somebody had untied the one before", func(b Book) error {
			_, err := b.Untie(ctx, func(t Tie) bool { return t.Host == "a" })
			return errors.Join(err, b.Update(ctx, "a", func(h *Host) error { h.Key, h.Fingerprint = "l", "G"; return nil }))
		}, "k/F>b"},
		{"a tie that is there", func(b Book) error { return b.Tie(ctx, Tie{Key: "k", Fingerprint: "F", Host: "a"}) }, "k/F>a k/F>b"},
		{"a tie to elsewhere", func(b Book) error { return b.Tie(ctx, Tie{Key: "l", Fingerprint: "G", Host: "git"}) }, "k/F>a k/F>b l/G>git"},
		{"another name for the key", func(b Book) error {
			hosts, err := b.RenameKey(ctx, "k", "m", "F")
			if strings.Join(hosts, " ") != "a b" {
				t.Errorf("renamed in %q", hosts)
			}
			return err
		}, "m/F>a m/F>b"},
		{"another name, where its page was written by hand", func(b Book) error {
			err := b.Tie(ctx, Tie{Key: "n", Host: "git"})
			_, err2 := b.RenameKey(ctx, "n", "o", "N")
			return errors.Join(err, err2)
		}, "k/F>a k/F>b o/N>git"},
		{"a key takes its place", func(b Book) error {
			err := errors.Join(b.Tie(ctx, Tie{Key: "k", Fingerprint: "F", Host: "git", KnownAs: "git.example.org"}), b.Owe(ctx, work(""), work("a"), work("b")))
			_, err2 := b.RenameKey(ctx, "k", "k-old", "F")
			err = errors.Join(err, err2, b.Succeed(ctx, work(""), Tie{Key: "k-old", Fingerprint: "F"}, Tie{Key: "k", Fingerprint: "N"}))
			for range 2 { // the second time nothing is owed
				err = errors.Join(err, b.Succeed(ctx, work(""), Tie{Key: "k-old", Fingerprint: "F"}, Tie{Key: "k", Fingerprint: "X"}))
			}
			return errors.Join(err, b.Update(ctx, "b", func(h *Host) error { h.Key, h.Fingerprint = "k", "N"; return nil }))
		}, "k-old/F>a k/N>b k-old/F>git k/N>git"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := Book{filepath.Join(t.TempDir(), "kagiban", "hosts.toml")}
			for _, name := range []string{"a", "b"} {
				if err := b.Put(ctx, Host{Name: name, Key: "k", Fingerprint: "F"}); err != nil {
					t.Fatal(err)
				}
			}
			if err := c.do(b); err != nil {
				t.Fatal(err)
			}
			if got := tied(t, b); got != c.want {
				t.Errorf("%s\nwant %s", got, c.want)
			}
		})
	}
}

// TestTiesByHand: rows that a person has written, and what stands around them.
func TestTiesByHand(t *testing.T) {
	ctx := context.Background()
	const byHand = "schema = 1\n\n# for work\n[[tie]]\nkey = \"k\" # mine\nhost = \"git.example.org\"\n"
	b := Book{filepath.Join(t.TempDir(), "kagiban", "hosts.toml")}
	if err := errors.Join(safefile.PrivateDir(filepath.Dir(b.Path)), os.WriteFile(b.Path, []byte(byHand), 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.RenameKey(ctx, "k", "l", "F"); err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(byHand, `"k" #`, "'l' #", 1) + "fingerprint = 'F'\n"
	if text, _ := os.ReadFile(b.Path); string(text) != want {
		t.Errorf("%s\nwant %s", text, want)
	}
	for _, bad := range []string{"[[tie]]\nkey = 'k'\n", "[[tie]]\nhost = 'h'\n", "[[tie]]\nkey = 'k'\nhost = 'h'\nhots = 'h'\n"} {
		if err := os.WriteFile(b.Path, []byte("schema = 1\n"+bad), 0o600); err != nil {
			t.Fatal(err)
		}
		var f *FormatError
		if _, err := b.Ties(); !errors.As(err, &f) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
