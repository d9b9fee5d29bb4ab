package book

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"testing"
	"time"

	"kagiban/vault/safefile"
)

func TestRoundTrip(t *testing.T) {
	b := Book{filepath.Join(t.TempDir(), "kagiban", "hosts.toml")}
	ctx := context.Background()
	if hosts, err := b.Hosts(); err != nil || len(hosts) != 0 {
		t.Fatalf("no file: %v, %v", hosts, err)
	}
	h := Host{Name: "vps1", Address: "192.0.2.7", Port: 22, User: "owner", KnownAs: "vps1", Key: "laptop", Fingerprint: "SHA256:x",
		HostKeys: []string{"ssh-ed25519 AAAA"}, KeyOnly: true, CheckedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	for range 2 { // the second time replaces
		if err := b.Put(ctx, h); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"vps1", "192.0.2.7", "owner@192.0.2.7"} {
		if got, err := b.Find(name); err != nil || !reflect.DeepEqual(got, h) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if err := b.Remove(ctx, "vps1"); err != nil {
		t.Fatal(err)
	}
	if err := b.Remove(ctx, "vps1"); !errors.Is(err, ErrNoHost) {
		t.Errorf("removed twice: %v", err)
	}
}

// TestWritersDoNotLoseEachOther: the lock is what holds this.
func TestWritersDoNotLoseEachOther(t *testing.T) {
	b := Book{filepath.Join(t.TempDir(), "k", "hosts.toml")}
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if err := b.Put(context.Background(), Host{Name: fmt.Sprint("h", i)}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if hosts, err := b.Hosts(); err != nil || len(hosts) != 20 {
		t.Errorf("%d hosts, %v", len(hosts), err)
	}
}

func TestStrangeFilesAreRefused(t *testing.T) {
	for text, line := range map[string]int{
		"schema = 2\n": 0,
		"\n":           0,
		"schema = 1\n[[host]]\nnmae = \"vps1\"\n": 3,
		"schema = 1\n[[host]\n":                   2,
	} {
		b := Book{filepath.Join(t.TempDir(), "kagiban", "hosts.toml")}
		if err := errors.Join(safefile.PrivateDir(filepath.Dir(b.Path)), os.WriteFile(b.Path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
		_, err := b.Hosts()
		var f *FormatError
		if !errors.As(err, &f) || f.Line != line {
			t.Errorf("%q: %v", text, err)
		}
		if err := b.Put(context.Background(), Host{Name: "x"}); !errors.As(err, &f) {
			t.Errorf("%q was written over: %v", text, err)
		}
	}
}
