package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"golang.org/x/crypto/ssh"

	"kagiban/agent"
	"kagiban/cmd/internal/say"
	"kagiban/hostsetup/authkeys"
	"kagiban/hostsetup/book"
	"kagiban/vault"
)

// rotation is one key in place of another, as far as it has come. Its whole state is in the book and in the vault: work that is owed names the
// old key by its blob and the new one by its name, a row for each server, and one without a server as long as the new key is not made. The
// old key gives its name away before the new one is made. So the names are final before the first server is touched, the keys are
// told apart by their blobs whatever they are called, and no moment is without a way to go on.
type rotation struct {
	p     *program
	v     *visits
	vault *vault.Vault

	name  string        // of the new key, which was the old one's
	key   vault.Key     // the new key, once it is made
	off   ssh.PublicKey // the old key
	old   vault.Key     // it, by the name that it has now; no name: it is not here any more
	pages []book.Host   // the servers that are not done
	owed  []book.Owed   // the rows of the book about it
	// besides are servers that the old key was seen to open, and that this client opens with another.
	besides []book.Host

	signer, oldSigner ssh.Signer // oldSigner may be nil: it is not needed, or not here
	board             *board
}

// made tells whether the new key is there.
func (r *rotation) made() bool { return r.key.Name != "" }

// work is what is owed on a server; without a name, that the new key is made.
func (r *rotation) work(host string) book.Owed {
	return book.Owed{Host: host, Work: book.OwedRotate, Key: authkeys.Format(r.off, ""), Client: r.old.Comment, By: r.name, Since: *utc(r.p.now())}
}

// findRotation is the one that is under way for the key called name (either of the two), or a new one. Without a name one that is under way goes first,
// this client's before others.
func (p *program) findRotation(v *visits, name string) (*rotation, error) {
	r := &rotation{p: p, v: v}
	var err error
	if r.vault, err = p.vault(); err != nil {
		return nil, err
	}
	keys, err := r.vault.List()
	if err != nil {
		return nil, err
	}
	owed, err := p.rotations(v.book)
	if err != nil {
		return nil, err
	}
	row, err := p.underWay(owed, keys, name)
	if err != nil {
		return nil, err
	}
	if row == nil {
		r.old, err = p.defaultKey(name)
		if err == nil && r.old.Public == nil {
			err = say.Fail(say.PublicMissing, nil, "key", r.old.Name)
		}
		r.name, r.off = r.old.Name, r.old.Public
	} else {
		r.name = row.By
		if r.off, _, _, _, err = ssh.ParseAuthorizedKey([]byte(row.Key)); err != nil {
			err = &book.FormatError{Path: v.book.Path, Err: fmt.Errorf("the key %q of [[owed]]: %w", row.Key, err)}
		}
		r.old = called(keys, r.off)
	}
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(keys, func(k vault.Key) bool { return k.Name == r.name && k.Name != r.old.Name }); i >= 0 {
		r.key = keys[i]
	}
	return r, r.findPages(owed)
}

// rotations are the rows of the book about them.
func (p *program) rotations(b book.Book) ([]book.Owed, error) {
	owed, err := b.Owed()
	return slices.DeleteFunc(owed, func(o book.Owed) bool { return o.Work != book.OwedRotate }), err
}

// underWay is a row of the rotation that name means, nil if there is none.
func (p *program) underWay(owed []book.Owed, keys []vault.Key, name string) (*book.Owed, error) {
	h, err := p.home()
	if err != nil {
		return nil, err
	}
	config, err := h.LoadConfig()
	if err != nil {
		return nil, err
	}
	wanted := name
	if name == "" {
		wanted = config.Client
	}
	for i, o := range owed {
		off, _, _, _, err := ssh.ParseAuthorizedKey([]byte(o.Key))
		if o.By == wanted || err == nil && name != "" && called(keys, off).Name == name {
			return &owed[i], nil
		}
	}
	if name == "" && len(owed) > 0 {
		return &owed[0], nil
	}
	return nil, nil
}

// called is the key of the vault with that public half; none has no name.
func called(keys []vault.Key, public ssh.PublicKey) vault.Key {
	for _, k := range keys {
		if k.Public != nil && bytes.Equal(k.Public.Marshal(), public.Marshal()) {
			return k
		}
	}
	return vault.Key{}
}

// findPages are the servers that the old key opens, by the book, and those that it is still to be taken off.
func (r *rotation) findPages(owed []book.Owed) error {
	r.owed = slices.DeleteFunc(owed, func(o book.Owed) bool { return o.Key != authkeys.Format(r.off, "") })
	hosts, err := r.v.book.Hosts()
	for _, h := range hosts {
		if r.opens(h) || slices.ContainsFunc(r.owed, func(o book.Owed) bool { return o.Host == h.Name }) {
			r.pages = append(r.pages, h)
		} else if slices.Contains(h.Proved, ssh.FingerprintSHA256(r.off)) {
			r.besides = append(r.besides, h)
		}
	}
	return err
}

// opens tells whether it is the old key that the book names for a server.
func (r *rotation) opens(h book.Host) bool {
	return h.Fingerprint == ssh.FingerprintSHA256(r.off) || h.Fingerprint == "" && h.Key == r.old.Name
}

// oldName is what the old key is called once it has given its name away, for people.
func (r *rotation) oldName() string {
	if r.old.Name != r.name {
		return r.old.Name
	}
	return r.spare()
}

// spare is a name for the old key: its own, with what it is now and since when. A name has at most 64 letters.
func (r *rotation) spare() string {
	end := "-old-" + r.p.now().UTC().Format("20060102")
	for n := 1; ; n++ {
		if n > 1 {
			end = fmt.Sprintf("-old-%s-%d", r.p.now().UTC().Format("20060102"), n)
		}
		name := r.name[:min(len(r.name), 64-len(end))] + end
		if !errors.Is(isFree(r.vault, name), vault.ErrKeyExists) {
			return name
		}
	}
}

// replaced is the end of such a name.
var replaced = regexp.MustCompile(`-old-\d{8}(-\d+)?$`)

func isReplaced(name string) bool { return replaced.MatchString(name) }

// haveKeys opens both keys, and makes the new one if it is still to be made.
func (r *rotation) haveKeys(ctx context.Context) error {
	if !r.made() {
		if err := r.make(ctx); err != nil {
			return err
		}
	}
	old, made := book.Tie{Key: r.old.Name, Fingerprint: ssh.FingerprintSHA256(r.off)}, book.Tie{Key: r.key.Name, Fingerprint: r.key.Fingerprint}
	if err := r.v.book.Succeed(ctx, r.work(""), old, made); err != nil {
		return err
	}
	return r.open(ctx)
}

// open opens what is not open yet, through the agent if it runs. Where the book names the new key already, the old one is not needed.
func (r *rotation) open(ctx context.Context) (err error) {
	needed := slices.ContainsFunc(r.pages, r.opens)
	if r.oldSigner == nil && r.old.Name != "" && needed {
		if r.oldSigner, err = r.p.signer(ctx, r.old.Name, r.v.from[passphrase]); err != nil {
			return err
		}
	}
	if r.signer == nil && len(r.pages) > 0 {
		if r.signer, err = r.p.signer(ctx, r.name, r.v.from[newPassphrase]); err != nil {
			return err
		}
		if r.key, err = r.vault.Get(r.name); err != nil { // its .pub may have been written only now
			return err
		}
	}
	for _, name := range []string{r.name, r.old.Name} { // a visit opens no key besides
		r.v.signers[name] = r.signer
	}
	return nil
}

// make makes the new key. Nothing is begun before both passphrases are known.
func (r *rotation) make(ctx context.Context) error {
	held := r.p.viewOrNothing().keys[r.old.Name]
	if err := r.openOld(ctx, held); err != nil {
		return err
	}
	secret, err := r.p.newPassphraseFor(ctx, r.name, r.v.from[newPassphrase])
	if err != nil {
		return unasked(err, "passphrase for the new key", newPassphrase)
	}
	defer clear(secret)
	if err := r.begin(ctx); err != nil {
		return err
	}
	spec, err := r.spec()
	if err != nil {
		return err
	}
	if r.key, err = r.vault.Create(r.name, spec, secret); err != nil {
		return err
	}
	r.p.tellKey(say.KeyMade, r.key)
	fresh, err := r.vault.Unlock(r.name, secret)
	if err != nil {
		return err
	}
	if r.signer, err = fresh.Signer(); err != nil {
		return err
	}
	r.tellAgent(held, secret)
	return nil
}

// openOld opens the old key: by the agent, where that has it open and asks nobody about each use; else in this process.
func (r *rotation) openOld(ctx context.Context, held agent.KeyStatus) (err error) {
	if r.old.Name == "" {
		return say.Fail(say.RotateNoOld, nil, "key", r.name, "fingerprint", ssh.FingerprintSHA256(r.off))
	}
	if !held.Locked && !held.Hidden && !held.Confirm && held.Fingerprint == ssh.FingerprintSHA256(r.off) {
		if r.oldSigner, err = r.p.signerByAgent(ctx, r.old.Name, r.v.from[passphrase]); err == nil {
			return nil
		}
		r.p.log.Info("the old key is opened here, not by the agent", "why", err)
	}
	private, err := r.p.openKey(ctx, r.vault, r.old.Name, r.v.from[passphrase])
	if err != nil {
		return keyUnasked(err, r.old.Name, held.Name != "")
	}
	r.oldSigner, err = private.Signer()
	return err
}

// begin writes down what is to be done, gives the old key its new name, and then whatever of the book names it.
func (r *rotation) begin(ctx context.Context) error {
	owed := []book.Owed{r.work("")}
	for _, page := range r.pages {
		owed = append(owed, r.work(page.Name))
	}
	if err := r.v.book.Owe(ctx, owed...); err != nil {
		return fmt.Errorf("what is to be done cannot be written down, so no key was made and no server was reached: %w", err)
	}
	spare := r.oldName()
	switch err := r.vault.Rename(r.name, spare); {
	case errors.Is(err, vault.ErrNoKey) && r.old.Name == spare: // an earlier run has done it
	case err != nil:
		return err
	default:
		r.p.tell(say.KeyRenamed, "old", r.name, "key", spare)
	}
	r.old.Name = spare
	_, err := r.v.book.RenameKey(ctx, r.name, spare, ssh.FingerprintSHA256(r.off))
	return err
}

// spec is the kind of key that the old one is, with this client's name on it.
func (r *rotation) spec() (vault.Spec, error) {
	s := vault.Spec{Type: r.old.Type, Bits: r.old.Bits, Comment: r.old.Comment}
	if s.Type == "rsa" {
		s.Bits = max(s.Bits, 3072) // what is made today; an imported one may be weaker
	}
	h, err := r.p.home()
	if err != nil {
		return s, err
	}
	config, err := h.LoadConfig()
	if config.Client != "" {
		s.Comment = config.Client
	}
	return s, err
}

// tellAgent has the agent hold the new key as it goes on holding the old one: open until the same time, or locked. Without it both are locked, and ssh asks.
func (r *rotation) tellAgent(held agent.KeyStatus, secret []byte) {
	if held.Name == "" || held.Locked || held.Hidden {
		return
	}
	c, err := r.p.control()
	if err != nil {
		r.p.log.Info("the agent is gone", "error", err)
		return
	}
	defer c.Close()
	terms := agent.Terms{Confirm: held.Confirm}
	if !held.Until.IsZero() {
		if terms.Life = held.Until.Sub(r.p.now()); terms.Life <= 0 {
			return
		}
	}
	u := unlocking{p: r.p, client: c, terms: terms, locked: []string{r.name}}
	r.p.complain(u.try(secret))
}

// notRotating refuses to rename a key that servers are still waiting for: work that is owed knows it by its name.
func (p *program) notRotating(name string) error {
	b, err := p.book()
	if err != nil {
		return err
	}
	owed, err := p.rotations(b)
	if slices.ContainsFunc(owed, func(o book.Owed) bool { return o.By == name }) {
		return say.Fail(say.RotateFirst, nil, "key", name)
	}
	return err
}
