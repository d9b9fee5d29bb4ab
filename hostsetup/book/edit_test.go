package book

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kagiban/vault/safefile"
)

const byHand = `# my servers
schema = 1 # do not touch

# the shop
[[host]]
name = "shop"   # at the provider's
address = "192.0.2.1"
port = 22
user = "owner"
known_as = "192.0.2.1"
key = "laptop"
fingerprint = "SHA256:x"
# two of them
host_keys = [
  "ssh-ed25519 AAAA", # the one that counts
  "ssh-rsa BBBB",
]
key_only = true # since spring
checked_at = 2026-01-02T03:04:05Z

# -------- mine alone --------

# the old one
[[host]]
name = "attic"
address = "192.0.2.2"
`

// TestHandEdits: what a change does not need to touch stays, byte for byte.
func TestHandEdits(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		name string
		text string
		edit func(Book) error
		want func(string) string
		err  error
	}{
		{"nothing changes", byHand, func(b Book) error { return b.Update(ctx, "shop", func(*Host) error { return nil }) }, func(s string) string { return s }, nil},
		{"a value with a comment behind it", byHand, func(b Book) error {
			return b.Update(ctx, "shop", func(h *Host) error { h.KeyOnly = false; return nil })
		}, func(s string) string { return strings.Replace(s, "key_only = true #", "key_only = false #", 1) }, nil},
		{"a value that was not there", byHand, func(b Book) error {
			return b.Update(ctx, "attic", func(h *Host) error { h.Port = 22; return nil })
		}, func(s string) string { return s + "port = 22\n" }, nil},
		{"a value that comes before a free comment", byHand, func(b Book) error {
			return b.Update(ctx, "shop", func(h *Host) error { h.Jump = "gate"; return nil })
		}, func(s string) string {
			return strings.Replace(s, "03:04:05Z\n", "03:04:05Z\njump = 'gate'\n", 1)
		}, nil},
		{"a comment inside of a value", byHand, func(b Book) error {
			return b.Update(ctx, "shop", func(h *Host) error { h.HostKeys = nil; return nil })
		}, nil, errComment},
		{"a host goes, with its comment", byHand, func(b Book) error { return b.Remove(ctx, "attic") },
			func(s string) string { return s[:strings.Index(s, "# the old one")] }, nil},
		{"a host goes, and what stands below it stays", byHand, func(b Book) error { return b.Remove(ctx, "shop") },
			func(s string) string {
				return s[:strings.Index(s, "# the shop")] + s[strings.Index(s, "\n# -------- mine"):]
			}, nil},
		{"a host comes", byHand, func(b Book) error { return b.Put(ctx, Host{Name: "new"}) },
			func(s string) string {
				return s + "\n[[host]]\n" + strings.Join(statements(Host{Name: "new"}), "\n") + "\n"
			}, nil},
		{"a value goes", "schema = 1\n[[host]]\nname = 'a'\njump = 'b' # by way of b\n", func(b Book) error {
			return b.Update(ctx, "a", func(h *Host) error { h.Jump = ""; return nil })
		}, func(s string) string { return strings.Replace(s, "jump = 'b' #", "#", 1) }, nil},
		{"CRLF, no last line end", "schema = 1\r\n[[host]]\r\nname = 'a # b'", func(b Book) error {
			return b.Update(ctx, "a # b", func(h *Host) error { h.Port = 1; return nil })
		}, func(s string) string { return s + "\r\nport = 1\r\n" }, nil},
		{"written as one line", "schema = 1\nhost = [{name = 'a'}]\n", func(b Book) error {
			return b.Update(ctx, "a", func(h *Host) error { h.Port = 1; return nil })
		}, nil, errShape},
		{"one name twice", "schema = 1\n[[host]]\nname = 'a'\n[[host]]\nname = 'a'\n", func(b Book) error { return b.Remove(ctx, "a") }, nil, errTwice},
		{"work comes and goes", "schema = 1\n# mine\n", func(b Book) error {
			w := Owed{Host: "a", Work: OwedRevoke, Key: "k", Since: time.Unix(0, 0).UTC()}
			if err := b.Owe(ctx, w, w); err != nil {
				return err
			}
			if owed, err := b.Owed(); err != nil || len(owed) != 1 || owed[0] != w {
				t.Errorf("owed: %v, %v", owed, err)
			}
			return b.Settle(ctx, w)
		}, func(s string) string { return s }, nil},
	} {
		b := Book{filepath.Join(t.TempDir(), "kagiban", "hosts.toml")}
		if err := errors.Join(safefile.PrivateDir(filepath.Dir(b.Path)), os.WriteFile(b.Path, []byte(c.text), 0o600)); err != nil {
			t.Fatal(err)
		}
		err := c.edit(b)
		want := c.text
		if c.want != nil {
			want = c.want(c.text)
		}
		if !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
			t.Errorf("%s: %v, want %v", c.name, err, c.err)
		}
		if got, _ := os.ReadFile(b.Path); strings.TrimRight(string(got), "\r\n") != strings.TrimRight(want, "\r\n") {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, want)
		}
	}
}

// FuzzEdit: whatever a book looks like, an edit either says what it should and keeps every comment line of the other hosts, or is refused.
func FuzzEdit(f *testing.F) {
	f.Add(byHand)
	f.Add("schema = 1\n[[host]]\nname = '''\na'''\n[[owed]]\nhost='x'#\n\n[[host]]\n\"name\" = \"b\"\n")
	f.Add("schema = 1\n[[tie]]\nkey='k'#\nhost='a'\n# b\n[[tie]]\n\"key\" = \"k\"\nhost = 'a'\n")
	f.Fuzz(func(t *testing.T, text string) {
		before, err := parse([]byte(text))
		if err != nil {
			t.Skip()
		}
		after, _ := parse([]byte(text))
		if len(after.Hosts) > 0 {
			after.Hosts[0].Port++
			after.Hosts[0].Proved = append(after.Hosts[0].Proved, "SHA256:y")
		}
		if len(after.Ties) > 0 {
			after.Ties[0].Fingerprint += "F"
		}
		after.Ties = append(after.Ties, Tie{Key: "a new one", Host: "x"})
		after.Hosts = append(after.Hosts, Host{Name: "a new one, that nobody else is called"})
		out, err := edited(text, before, after)
		if err != nil {
			return
		}
		says, err := parse([]byte(out))
		if err != nil || !same(says, after) {
			t.Errorf("%q became %q: %v", text, out, err)
		}
		for line := range strings.Lines(text) {
			if strings.HasPrefix(line, "#") && !strings.Contains(out, strings.TrimRight(line, "\r\n")) {
				t.Errorf("%q lost %q: %q", text, line, out)
			}
		}
	})
}
