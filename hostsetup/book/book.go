// Package book is hosts.toml: the servers that kagiban knows, how to reach them, every host key that each has, what was
// proved of them and when, which keys belong to them, and what is still owed there. It promises to be replaced whole or not at all, under a lock; to keep what people have written
// into it, comments too; and to refuse a file that it does not understand rather than to drop what it does not know.
package book

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
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
	// KnownHosts are files to look in that ssh's own configuration does not name.
	KnownHosts []string `toml:"known_hosts,omitempty"`
	// Key and Fingerprint are the vault's key that opens it.
	Key         string `toml:"key"`
	Fingerprint string `toml:"fingerprint"`
	// HostKeys are all that the server has proved to hold, one public line each, sorted.
	HostKeys []string `toml:"host_keys"`
	// Jump is the way there as -J gave it (ssh(1)); "" leaves it to ssh's configuration.
	Jump string `toml:"jump,omitempty"`
	// Proved are the fingerprints of the keys that were seen to open it: by this client, or in the server's own log.
	Proved    []string  `toml:"proved,omitempty"`
	KeyOnly   bool      `toml:"key_only"`
	CheckedAt time.Time `toml:"checked_at"`
	// DeepAt is when a name that does not exist was last asked for there; fail2ban counts these.
	DeepAt time.Time `toml:"deep_at,omitempty"`
}

// Owed is work that is still to be done on a server, because it was not to be reached.
type Owed struct {
	Host string `toml:"host"` // its name in the book
	Work string `toml:"work"` // [OwedRevoke] or [OwedRotate]
	// Key is the public line of the key that has to come off; Client is what the person called it.
	Key    string `toml:"key"`
	Client string `toml:"client"`
	// By is the key of the vault that takes its place, for [OwedRotate].
	By    string    `toml:"by,omitempty"`
	Since time.Time `toml:"since"`
}

// The kinds of work that may be owed.
const (
	OwedRevoke = "revoke"
	OwedRotate = "rotate"
)

type document struct {
	Schema int    `toml:"schema"`
	Hosts  []Host `toml:"host"`
	Ties   []Tie  `toml:"tie,omitempty"`
	Owed   []Owed `toml:"owed,omitempty"`
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
	d, err := b.read()
	slices.SortFunc(d.Hosts, func(x, y Host) int { return strings.Compare(x.Name, y.Name) })
	return d.Hosts, err
}

// Owed returns all work that is still to be done, the oldest first.
func (b Book) Owed() ([]Owed, error) {
	d, err := b.read()
	slices.SortStableFunc(d.Owed, func(x, y Owed) int { return x.Since.Compare(y.Since) })
	return d.Owed, err
}

func (b Book) read() (document, error) {
	_, d, err := b.load()
	return d, err
}

// load returns the file's text, too. No file is no text.
func (b Book) load() (string, document, error) {
	text, err := safefile.ReadFile(b.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", document{Schema: Version}, nil
	}
	if err != nil {
		return "", document{}, err
	}
	d, err := parse(text)
	if err != nil {
		return "", d, b.formatError(err)
	}
	return string(text), d, nil
}

// parse reads a text, and refuses what it does not know.
func parse(text []byte) (document, error) {
	var d document
	if err := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(&d); err != nil {
		return document{}, err
	}
	if d.Schema < 1 {
		return document{}, fmt.Errorf("it has no line \"schema = %d\"", Version)
	}
	if d.Schema > Version {
		return document{}, fmt.Errorf("schema %d was written by a newer kagiban; this one reads up to %d", d.Schema, Version)
	}
	for i, h := range d.Hosts {
		if slices.ContainsFunc(d.Hosts[:i], func(x Host) bool { return x.Name == h.Name }) {
			return document{}, fmt.Errorf("%w: %q", errTwice, h.Name)
		}
	}
	for i := range d.Ties {
		if d.Ties[i].row = i + 1; d.Ties[i].Host == "" || d.Ties[i].Key == "" {
			return document{}, errTie
		}
	}
	return d, nil
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

// Put records h in place of the host of that name. Its key is tied to it, unless its page named that key before: then the tie is as somebody
// has left it.
func (b Book) Put(ctx context.Context, h Host) error {
	return b.change(ctx, func(d *document) error {
		i := slices.IndexFunc(d.Hosts, func(x Host) bool { return x.Name == h.Name })
		if h.Key != "" && (i < 0 || !names(d.Hosts[i].Key, d.Hosts[i].Fingerprint, h.Key, h.Fingerprint)) {
			d.tie(Tie{Key: h.Key, Fingerprint: h.Fingerprint, Host: h.Name})
		}
		if i < 0 {
			d.Hosts = append(d.Hosts, h)
		} else {
			d.Hosts[i] = h
		}
		return nil
	})
}

// Update changes the host of that name in place, as it stands in the file at that moment. Where it names another key then, its tie to the one before
// is one to that. Errors: [ErrNoHost], edit's own.
func (b Book) Update(ctx context.Context, name string, edit func(*Host) error) error {
	return b.change(ctx, func(d *document) error {
		for i := range d.Hosts {
			if d.Hosts[i].Name == name {
				was := d.Hosts[i]
				err := edit(&d.Hosts[i])
				d.follow(was, d.Hosts[i])
				return err
			}
		}
		return fmt.Errorf("%q: %w", name, ErrNoHost)
	})
}

// Remove forgets the host of that name, its ties, and what is owed there. Errors: [ErrNoHost].
func (b Book) Remove(ctx context.Context, name string) error {
	return b.change(ctx, func(d *document) error {
		rest := slices.DeleteFunc(slices.Clone(d.Hosts), func(x Host) bool { return x.Name == name })
		if len(rest) == len(d.Hosts) {
			return fmt.Errorf("%q: %w", name, ErrNoHost)
		}
		d.Hosts = rest
		d.Owed = slices.DeleteFunc(d.Owed, func(x Owed) bool { return x.Host == name })
		d.Ties = slices.DeleteFunc(d.Ties, func(x Tie) bool { return x.Host == name })
		return nil
	})
}

// Owe remembers work. What is owed already, of the same kind for the same key and host, keeps its date.
func (b Book) Owe(ctx context.Context, work ...Owed) error {
	return b.change(ctx, func(d *document) error {
		for _, w := range work {
			if !slices.ContainsFunc(d.Owed, w.same) {
				d.Owed = append(d.Owed, w)
			}
		}
		return nil
	})
}

// Settle forgets work that is done. Work that is not in the book is no error.
func (b Book) Settle(ctx context.Context, work ...Owed) error {
	return b.change(ctx, func(d *document) error {
		for _, w := range work {
			d.Owed = slices.DeleteFunc(d.Owed, w.same)
		}
		return nil
	})
}

// same: of one kind, for one key and host.
func (o Owed) same(x Owed) bool { return o.Host == x.Host && o.Work == x.Work && o.Key == x.Key }

func (b Book) change(ctx context.Context, edit func(*document) error) error {
	if err := safefile.PrivateDir(filepath.Dir(b.Path)); err != nil {
		return err
	}
	unlock, err := safefile.Lock(ctx, b.Path+".lock")
	if err != nil {
		return err
	}
	defer unlock()
	text, before, err := b.load()
	if err != nil {
		return err
	}
	after, err := b.read() // once more, since edit may write into what slices share
	if err != nil {
		return err
	}
	if err := edit(&after); err != nil {
		return err
	}
	if text == "" {
		text = fmt.Sprintf("schema = %d\n", Version)
	}
	if text, err = edited(text, before, after); err != nil {
		return &FormatError{b.Path, 0, err}
	}
	return safefile.WriteFile(b.Path, []byte(text), 0o600)
}
