package book

import (
	"context"
	"errors"
	"slices"
	"strconv"
)

// A Tie says that a key belongs to a server. A server of the book is known by its host keys there, and by an authority that known_hosts has for it
// (@cert-authority, sshd(8)); any other by what known_hosts has under its name.
type Tie struct {
	// Key and Fingerprint are the vault's key. No fingerprint: somebody wrote the row by hand, and the name counts.
	Key         string `toml:"key"`
	Fingerprint string `toml:"fingerprint,omitempty"`
	Host        string `toml:"host"` // its name in the book, else as ssh takes it
	// KnownAs is the name in known_hosts of a server that is not in the book; "" if it is Host.
	KnownAs string `toml:"known_as,omitempty"`
	// KnownHosts are files to look in for it that ssh's own configuration does not name.
	KnownHosts []string `toml:"known_hosts,omitempty"`

	row int // in the file that was read, from 1
}

// Of tells whether it is a tie of that key.
func (t Tie) Of(key, fingerprint string) bool { return names(t.Key, t.Fingerprint, key, fingerprint) }

// names tells whether a row of the book that names a key so means the key that is called so.
func names(rowKey, rowFingerprint, key, fingerprint string) bool {
	if rowFingerprint != "" && fingerprint != "" {
		return rowFingerprint == fingerprint
	}
	return rowKey != "" && rowKey == key
}

// same: of one key and server.
func (t Tie) same(x Tie) bool { return t.Host == x.Host && t.Of(x.Key, x.Fingerprint) }

var errTie = errors.New("a [[tie]] needs a key and a host")

func (d document) tieRows() (rows []row) {
	for i, t := range d.Ties {
		id := strconv.Itoa(t.row)
		if t.row == 0 {
			id = "new " + strconv.Itoa(i)
		}
		rows = append(rows, row{id, t})
	}
	return rows
}

// tie adds a tie, or puts it in the place of the one of that key and server.
func (d *document) tie(t Tie) {
	if i := slices.IndexFunc(d.Ties, t.same); i >= 0 {
		t.row = d.Ties[i].row
		d.Ties[i] = t
		return
	}
	d.Ties = append(d.Ties, t)
}

// follow has a server's tie to the key that its page named be one to the key that the page names now.
func (d *document) follow(was, is Host) {
	if was.Key == is.Key && was.Fingerprint == is.Fingerprint {
		return
	}
	for i, t := range d.Ties {
		if t.Host != is.Name || !t.Of(was.Key, was.Fingerprint) {
			continue
		}
		t.Key, t.Fingerprint = is.Key, is.Fingerprint
		d.Ties = slices.Delete(d.Ties, i, i+1)
		if !slices.ContainsFunc(d.Ties, t.same) {
			d.Ties = slices.Insert(d.Ties, i, t)
		}
		return
	}
}

// Ties returns all ties, in the order of the file.
func (b Book) Ties() ([]Tie, error) {
	d, err := b.read()
	return d.Ties, err
}

// Tie remembers a tie. One of that key and server is written anew.
func (b Book) Tie(ctx context.Context, t Tie) error {
	return b.change(ctx, func(d *document) error {
		d.tie(t)
		return nil
	})
}

// Untie forgets those ties, and returns them.
func (b Book) Untie(ctx context.Context, which func(Tie) bool) (gone []Tie, err error) {
	return gone, b.change(ctx, func(d *document) error {
		d.Ties = slices.DeleteFunc(d.Ties, func(t Tie) bool {
			if which(t) {
				gone = append(gone, t)
				return true
			}
			return false
		})
		return nil
	})
}

// RenameKey has all pages and ties of a key name it anew, and returns the servers whose pages did. A fingerprint that a row has not is written into it, if it is known.
func (b Book) RenameKey(ctx context.Context, old, name, fingerprint string) (hosts []string, err error) {
	rename := func(key, print *string) bool {
		if *key != old && (fingerprint == "" || *print != fingerprint) {
			return false
		}
		*key = name
		if *print == "" {
			*print = fingerprint
		}
		return true
	}
	return hosts, b.change(ctx, func(d *document) error {
		for i := range d.Hosts {
			if h := &d.Hosts[i]; rename(&h.Key, &h.Fingerprint) {
				hosts = append(hosts, h.Name)
			}
		}
		for i := range d.Ties {
			rename(&d.Ties[i].Key, &d.Ties[i].Fingerprint)
		}
		return nil
	})
}

// Succeed settles work, the making of a key that takes another one's place, and ties the new key besides the old one to servers where
// nothing is owed for the old one: there nobody exchanges them, and the tie of a server where somebody does follows its page. Work that
// was settled before changes nothing.
func (b Book) Succeed(ctx context.Context, work Owed, old, made Tie) error {
	return b.change(ctx, func(d *document) error {
		if !slices.ContainsFunc(d.Owed, work.same) {
			return nil
		}
		d.Owed = slices.DeleteFunc(d.Owed, work.same)
		for _, t := range slices.Clone(d.Ties) {
			owed := slices.ContainsFunc(d.Owed, func(o Owed) bool { return o.Work == work.Work && o.Key == work.Key && o.Host == t.Host })
			if t.Of(old.Key, old.Fingerprint) && !owed {
				t.Key, t.Fingerprint, t.row = made.Key, made.Fingerprint, 0
				d.tie(t)
			}
		}
		return nil
	})
}
