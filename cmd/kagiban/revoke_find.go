package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"

	"kagiban/cmd/internal/say"
	"kagiban/hostsetup"
)

// A suspect is a key that the person may mean, and where it was seen under which name.
type suspect struct {
	key   ssh.PublicKey
	names []string
	seen  []string // "this computer", or a host
}

func (s *suspect) add(name, where string) {
	if name != "" && !slices.Contains(s.names, name) {
		s.names = append(s.names, name)
	}
	if !slices.Contains(s.seen, where) {
		s.seen = append(s.seen, where)
	}
}

// suspects are all that were found, each key once.
type suspects struct {
	mu  sync.Mutex
	all []*suspect
}

func (s *suspects) add(key ssh.PublicKey, name, where string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.all, func(x *suspect) bool { return bytes.Equal(x.key.Marshal(), key.Marshal()) })
	if i < 0 {
		i, s.all = len(s.all), append(s.all, &suspect{key: key})
	}
	s.all[i].add(name, where)
}

// narrow keeps those that have the very name, where there are such: laptop, before me@laptop.
func (s *suspects) narrow(name string) {
	exactly := slices.DeleteFunc(slices.Clone(s.all), func(x *suspect) bool { return !slices.Contains(x.names, name) })
	if len(exactly) > 0 {
		s.all = exactly
	}
}

// here is where the keys of this computer were seen, for people.
const here = "this computer"

// find finds out which key is meant: a file says it, or the vault, or work that is owed; else the servers are asked. A key that is in use is refused
// before any of them is connected to, where that is known by then.
func (r *revoking) find(ctx context.Context) error {
	if isFile(r.asked) {
		text, err := readSmall(r.asked)
		if err != nil {
			return say.Fail(say.FileUnread, err, "error", err.Error())
		}
		key, comment, err := hostsetup.ReadPublicKey(text)
		clear(text) // it may have been a private one
		if err != nil {
			return say.ForFile(r.asked, err)
		}
		return r.lose(&suspect{key: key, names: []string{comment}})
	}
	var found suspects
	if err := r.lookHere(&found); err != nil {
		return err
	}
	if strings.HasPrefix(r.asked, "SHA256:") && len(found.all) > 0 {
		return r.lose(found.all[0])
	}
	for _, s := range found.all {
		if err := r.inUse(s.key); err != nil {
			return err
		}
	}
	if err := r.lookThere(ctx, &found); err != nil {
		return err
	}
	found.narrow(r.asked)
	switch len(found.all) {
	case 0:
		return say.Fail(say.NoSuchLostKey, nil, "name", r.asked, "hosts", strings.Join(r.names(), ", "))
	case 1:
		return r.lose(found.all[0])
	}
	var words []string
	for _, s := range found.all {
		words = append(words, ssh.FingerprintSHA256(s.key)+" ("+s.key.Type()+", seen on "+strings.Join(s.seen, ", ")+")")
	}
	return say.Fail(say.SeveralLostKeys, nil, "name", r.asked, "keys", strings.Join(words, "; "), "first", ssh.FingerprintSHA256(found.all[0].key))
}

// isFile tells a file from a name and from a fingerprint, in which a slash may stand.
func isFile(asked string) bool {
	return !strings.HasPrefix(asked, "SHA256:") && (strings.ContainsAny(asked, `/\`) || strings.HasSuffix(asked, ".pub"))
}

// lose settles which key it is.
func (r *revoking) lose(s *suspect) error {
	if err := r.inUse(s.key); err != nil {
		return err
	}
	r.key, r.client = s.key, cmp.Or(strings.Join(s.names, ", "), r.asked)
	r.p.tell(say.RevokeKey, "type", s.key.Type(), "fingerprint", ssh.FingerprintSHA256(s.key), "names", cmp.Or(strings.Join(s.names, ", "), "no comment"))
	return nil
}

// inUse refuses the key by which one of the servers is logged in to.
func (r *revoking) inUse(key ssh.PublicKey) error {
	for _, page := range r.pages {
		if page.Fingerprint == ssh.FingerprintSHA256(key) {
			return say.ForHost(page.Name, &hostsetup.KeyInUseError{Host: page.Name, Key: page.Key, Fingerprint: page.Fingerprint})
		}
	}
	return nil
}

// meant tells whether a key of that name may be the one that was asked for.
func (r *revoking) meant(key ssh.PublicKey, name string) bool {
	if strings.HasPrefix(r.asked, "SHA256:") {
		return ssh.FingerprintSHA256(key) == strings.TrimRight(r.asked, "=")
	}
	return name == r.asked || strings.HasSuffix(name, "@"+r.asked)
}

// lookHere looks among the keys of the vault, and the work that is owed.
func (r *revoking) lookHere(found *suspects) error {
	v, err := r.p.vault()
	if err != nil {
		return err
	}
	keys, err := v.List()
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, k := range keys {
		if k.Public != nil && r.meant(k.Public, k.Name) {
			found.add(k.Public, k.Name, here)
		}
	}
	for _, w := range r.owed {
		if key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(w.Key)); err == nil && r.meant(key, w.Client) {
			found.add(key, w.Client, here)
		}
	}
	return nil
}

// lookThere asks every server. Those that cannot be reached are no hindrance, as long as another knows the key.
func (r *revoking) lookThere(ctx context.Context, found *suspects) error {
	word := r.asked
	if strings.HasPrefix(word, "SHA256:") {
		word = "" // of that nothing stands in a file
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	r.floor.stop = stop
	r.p.tell(say.RevokeLook, "name", r.asked, "count", count(len(r.pages), "server"))
	failed := make([]error, len(r.pages))
	several(ctx, r.names(), revokesAtOnce, func(i int, name string) int {
		o, err := r.options(ctx, r.pages[i])
		if err == nil {
			var keys []hostsetup.FoundKey
			o.DryRun, o.Steps = true, nil
			keys, _, err = hostsetup.FindKeys(ctx, o, word)
			for _, k := range keys {
				if r.meant(k.Key, k.Comment) {
					found.add(k.Key, k.Comment, name)
				}
			}
		}
		failed[i] = err
		return 0
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if len(found.all) > 0 {
		return nil
	}
	for i, err := range failed {
		if err != nil {
			return say.ForHost(r.pages[i].Name, err) // it may be there that the key is known
		}
	}
	return nil
}
