// Package book is hosts.toml: the servers that kagiban knows, how to reach them, every host key that each has, and what was
// proved of them and when. It promises to be replaced whole or not at all, under a lock, and to refuse a file that it does not understand
// rather than to drop what it does not know.
package book

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"kagiban/vault/safefile"
)

// Version is the schema that this program writes and the newest that it reads.
const Version = 1

// A Host is one server.
type Host struct {
	Name    string `toml:"name"`    // what the owner calls it
	Address string `toml:"address"` // what is dialled: a name or an IP address, without port
	Port    int    `toml:"port"`
	User    string `toml:"user"`
	// KnownAs is the name under which known_hosts has it (HostKeyAlias, or host, or [host]:port).
	KnownAs string `toml:"known_as"`
	// Key and Fingerprint are the vault's key that opens it.
	Key         string `toml:"key"`
	Fingerprint string `toml:"fingerprint"`
	// HostKeys are all that the server has proved to hold, one public line each, sorted.
	HostKeys  []string  `toml:"host_keys"`
	KeyOnly   bool      `toml:"key_only"`
	CheckedAt time.Time `toml:"checked_at"`
}

type document struct {
	Schema int    `toml:"schema"`
	Hosts  []Host `toml:"host"`
}

// ErrNoHost means that no host of that name is in the book.
var ErrNoHost = errors.New("no such host in the book")

// A FormatError is a hosts.toml that cannot be read; it names the file and, where it is known, the line.
type FormatError struct {
	Path string
	Line int
	Err  error
}

func (e *FormatError) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("%s:%d: %v", e.Path, e.Line, e.Err)
	}
	return fmt.Sprintf("%s: %v", e.Path, e.Err)
}

func (e *FormatError) Unwrap() error { return e.Err }

// A Book is the file at Path. It holds no state of its own: two programs may use it at once.
type Book struct{ Path string }

// Hosts returns all hosts, sorted by name. No file is no hosts.
func (b Book) Hosts() ([]Host, error) {
	text, err := os.ReadFile(b.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var d document
	decoder := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields()
	if err := decoder.Decode(&d); err != nil {
		return nil, b.formatError(err)
	}
	if d.Schema < 1 || d.Schema > Version {
		return nil, &FormatError{b.Path, 0, fmt.Errorf("schema %d was written by a newer kagiban; this one reads up to %d", d.Schema, Version)}
	}
	slices.SortFunc(d.Hosts, func(x, y Host) int { return strings.Compare(x.Name, y.Name) })
	return d.Hosts, nil
}

func (b Book) formatError(err error) error {
	var strict *toml.StrictMissingError
	var decode *toml.DecodeError
	switch {
	case errors.As(err, &strict) && len(strict.Errors) > 0:
		line, _ := strict.Errors[0].Position()
		return &FormatError{b.Path, line, fmt.Errorf("unknown key %q", strings.Join(strict.Errors[0].Key(), "."))}
	case errors.As(err, &decode):
		line, _ := decode.Position()
		return &FormatError{b.Path, line, decode}
	}
	return &FormatError{b.Path, 0, err}
}

// Find returns the host of that name, or else the one that is reached by [user@]address[:port]. Errors: [ErrNoHost].
func (b Book) Find(name string) (Host, error) {
	hosts, err := b.Hosts()
	if err != nil {
		return Host{}, err
	}
	for _, h := range hosts {
		if h.Name == name {
			return h, nil
		}
	}
	for _, h := range hosts {
		if name == h.Address || name == h.User+"@"+h.Address || name == h.KnownAs {
			return h, nil
		}
	}
	return Host{}, fmt.Errorf("%q: %w", name, ErrNoHost)
}

// Put records h in place of the host of that name.
func (b Book) Put(ctx context.Context, h Host) error {
	return b.change(ctx, func(hosts []Host) ([]Host, error) {
		hosts = slices.DeleteFunc(hosts, func(x Host) bool { return x.Name == h.Name })
		return append(hosts, h), nil
	})
}

// Remove forgets the host of that name. Errors: [ErrNoHost].
func (b Book) Remove(ctx context.Context, name string) error {
	return b.change(ctx, func(hosts []Host) ([]Host, error) {
		rest := slices.DeleteFunc(slices.Clone(hosts), func(x Host) bool { return x.Name == name })
		if len(rest) == len(hosts) {
			return nil, fmt.Errorf("%q: %w", name, ErrNoHost)
		}
		return rest, nil
	})
}

func (b Book) change(ctx context.Context, edit func([]Host) ([]Host, error)) error {
	if err := safefile.PrivateDir(filepath.Dir(b.Path)); err != nil {
		return err
	}
	unlock, err := safefile.Lock(ctx, b.Path+".lock")
	if err != nil {
		return err
	}
	defer unlock()
	hosts, err := b.Hosts()
	if err != nil {
		return err
	}
	if hosts, err = edit(hosts); err != nil {
		return err
	}
	slices.SortFunc(hosts, func(x, y Host) int { return strings.Compare(x.Name, y.Name) })
	text, err := toml.Marshal(document{Version, hosts})
	if err != nil {
		return err
	}
	return safefile.WriteFile(b.Path, text, 0o600)
}
