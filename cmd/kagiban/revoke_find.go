package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"

	"kagiban/cmd/internal/say"
	"kagiban/hostsetup"
	"kagiban/hostsetup/book"
)

// A suspect is a key that the person may mean, every name under which it was seen, and where.
type suspect struct {
	key   ssh.PublicKey
	names []string
	seen  []string // "this computer", or an account of a host
	word  whose    // the best reason to take it for the one that is meant
	name  string   // as who has a word in it calls it
}

// A whose is what speaks for a key's being the one that is meant.
type whose int

const (
	hearsay whose = iota // anybody may write any name behind any key, in a file of their own
	byPrint              // the fingerprint is its own
	ours                 // this computer calls it so, or the account that is logged in to
)

// suspects are all that were found, each key once.
type suspects struct {
	mu    sync.Mutex
	all   []*suspect
	known map[string]*suspect // by blob
}

// mostSuspects is how many keys may have the name that was asked for, before nobody reads on.
const mostSuspects = 64

// add takes note of a key, its name, and where it stands.
func (s *suspects) add(key ssh.PublicKey, name, where string, w whose) {
	s.mu.Lock()
	defer s.mu.Unlock()
	blob := string(key.Marshal())
	x := s.known[blob]
	if x == nil {
		if len(s.all) >= mostSuspects && w == hearsay {
			return
		}
		x = &suspect{key: key}
		if s.known == nil {
			s.known = map[string]*suspect{}
		}
		s.all, s.known[blob] = append(s.all, x), x
	}
	if x.word = max(x.word, w); w == ours {
		x.name = cmp.Or(x.name, name)
	}
	if name != "" && len(x.names) < mostSuspects && !slices.Contains(x.names, name) {
		x.names = append(x.names, name)
	}
	if len(x.seen) < mostSuspects && !slices.Contains(x.seen, where) {
		x.seen = append(x.seen, where)
	}
}

// counting are those that are known by more than hearsay.
func (s *suspects) counting() []*suspect {
	return slices.DeleteFunc(slices.Clone(s.all), func(x *suspect) bool { return x.word == hearsay })
}

// list is for people: each key, its names, and where it was seen.
func list(all []*suspect) string {
	var words []string
	for _, s := range all[:min(len(all), 16)] {
		words = append(words, ssh.FingerprintSHA256(s.key)+" ("+s.key.Type()+", called "+strings.Join(s.names, ", ")+", seen on "+strings.Join(s.seen, ", ")+")")
	}
	if len(all) > 16 {
		words = append(words, count(len(all)-16, "more key"))
	}
	return strings.Join(words, "; ")
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
		return r.lose(&suspect{key: key, names: []string{comment}, name: comment})
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
	all := found.counting()
	switch {
	case len(all) == 1:
		return r.lose(all[0])
	case len(all) > 1:
		return say.Fail(say.SeveralLostKeys, nil, "name", r.asked, "keys", list(all), "first", ssh.FingerprintSHA256(all[0].key))
	case len(found.all) > 0:
		return say.Fail(say.OthersName, nil, "name", r.asked, "keys", list(found.all), "first", ssh.FingerprintSHA256(found.all[0].key))
	}
	return say.Fail(say.NoSuchLostKey, nil, "name", r.asked, "hosts", strings.Join(r.names(), ", "))
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
	r.key, r.client = s.key, cmp.Or(s.name, r.asked)
	r.p.tell(say.RevokeKey, "type", s.key.Type(), "fingerprint", ssh.FingerprintSHA256(s.key), "names", cmp.Or(strings.Join(s.names, ", "), "no comment"))
	hosts, err := r.book.Hosts()
	for _, f := range r.p.loggedElsewhere(r.key, hosts) {
		r.p.tell(say.RevokeLogged, "server", f["server"], "user", f["user"], "time", f["time"])
	}
	return err
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
			found.add(k.Public, k.Name, here, ours)
		}
	}
	for _, w := range r.owed {
		if key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(w.Key)); err == nil && r.meant(key, w.Client) {
			found.add(key, w.Client, here, ours)
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
			if err == nil {
				err = r.suspect(ctx, found, r.pages[i], keys)
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
	return r.unseen(failed)
}

// unseen is the end of a search that found nothing: where a server could not be asked, it may be there that the key is known.
func (r *revoking) unseen(failed []error) error {
	asked, unasked, codes := []string{here}, []string{}, []int{}
	for i, err := range failed {
		name := r.pages[i].Name
		if err == nil {
			asked = append(asked, name)
			continue
		}
		e := notLetIn(r.pages[i], err)
		fmt.Fprintln(r.p.stderr, renderAmong(len(r.pages), name, e))
		unasked, codes = append(unasked, name), append(codes, say.ExitCode(e.ID))
	}
	if len(unasked) == 0 {
		return nil
	}
	fmt.Fprintln(r.p.stderr, say.Render(say.LostKeyUnseen, say.Fields{"name": r.asked, "asked": strings.Join(asked, ", "), "unasked": strings.Join(unasked, ", ")}))
	return exitStatus(sharedCode(codes))
}

// suspect takes note of the keys of one host that may be the one that was asked for, under all names that they have there. Only the account that is
// logged in to has a word in how a key is called; a fingerprint needs nobody's.
func (r *revoking) suspect(ctx context.Context, found *suspects, page book.Host, keys []hostsetup.FoundKey) error {
	meant := map[string]bool{}
	for _, k := range keys {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if r.meant(k.Key, k.Comment) {
			meant[string(k.Key.Marshal())] = true
			w := hearsay
			if k.Account == page.User {
				w = ours
			} else if strings.HasPrefix(r.asked, "SHA256:") {
				w = byPrint
			}
			found.add(k.Key, k.Comment, k.Account+"@"+page.Name, w)
		}
	}
	for _, k := range keys {
		if meant[string(k.Key.Marshal())] {
			found.add(k.Key, k.Comment, k.Account+"@"+page.Name, hearsay)
		}
	}
	return ctx.Err()
}
