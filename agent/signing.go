package agent

import (
	"cmp"
	"context"

	"kagiban/agent/wire"
)

// signing is one sign request on its way to a signature.
type signing struct {
	*session
	request   *wire.SignRequest
	entry     *entry // nil while not found
	server    string // the server that the key's limits name, as look saw it last
	confirmed bool   // a person said yes to it
	ended     uint64 // entry.ended before they did
	asked     bool   // a person gave a passphrase, a PIN or a yes for it
	touch     bool   // a device waited to be touched for it, or may have
}

// use is what the signature is for.
func (u *signing) use() Use {
	use := u.binds.use(u.request.Data, u.serverName)
	use.Server, use.Socket = cmp.Or(use.Server, u.server), u.scope.name()
	return use
}

// prompt is what a person is told.
func (u *signing) prompt() Prompt {
	v, use := u.agent.look(u.entry), u.use()
	p := Prompt{Key: v.name, Fingerprint: u.agent.o.Fingerprint(v.public), Comment: v.comment, Peer: u.peer, Use: use}
	if u.agent.o.Origin != nil {
		p.Origin = u.agent.o.Origin(u.peer, use)
	}
	p.Holds = u.scope == nil && u.binds.holds(p)
	return p
}

// sign is the way of a signature: which key; may it be used there; is it open, or
// will a person open it; does a person want it; a place to compute.
func (u *signing) sign(ctx context.Context) (_ wire.Message, err error) {
	if u.agent.isLocked() {
		return nil, ErrAgentLocked
	}
	if u.entry, err = u.agent.find(u.request.Blob); err != nil {
		return nil, err
	}
	key, err := u.look()
	if err == nil && key.signer == nil {
		if err = u.open(ctx); err == nil {
			key, err = u.look()
		}
	}
	switch {
	case err != nil:
		return nil, err
	case key.signer == nil:
		return nil, errLocked
	}
	device, heavy := key.signer.device, key.signer.heavy // nobody holds a key while a person thinks about it
	if key.limits.confirm {
		if err := u.mayUse(ctx); err != nil {
			return nil, err
		}
	}
	var signature []byte
	if device != nil {
		u.conn.watch()
		err = u.scope.ask(ctx, u.agent, func() (asked bool, err error) { // for a touch
			signature, err = u.byDevice(ctx, device)
			return u.touch && u.agent.look(u.entry).signer != nil, err
		})
	} else {
		signature, err = u.byKey(ctx, heavy)
	}
	if err != nil {
		return nil, err
	}
	if u.scope == nil || u.asked { // else who is trusted less could keep all keys open while nobody is there
		u.agent.used()
	}
	return &wire.SignResponse{Signature: signature}, nil
}

// look says what is known of the key now, or why its limits forbid the signature.
func (u *signing) look() (v view, err error) {
	v = u.agent.look(u.entry)
	v.limits.confirm = v.limits.confirm || u.scope != nil && u.scope.Confirm
	now := u.agent.o.Now()
	server, err := u.scope.maySign(v, &u.binds, u.request, now)
	if err == nil {
		u.server, err = u.binds.maySign(v.limits.destinations, u.request.Blob, u.request.Data, now)
		u.server = cmp.Or(u.server, server)
		if err != nil && u.mayFile() {
			err = nil
		}
	}
	return v, err
}

// open has a person open a locked key. Who sits on another computer may not bring
// up that question, unless the key says so, nor who is at a narrower socket.
func (u *signing) open(ctx context.Context) error {
	if u.scope != nil {
		return u.scope.leaveLocked(u.agent, u.entry, u.peer)
	}
	if f, ok := u.agent.look(u.entry).locked.(ForwardedKey); u.binds.remote() && !(ok && f.ForForwarded()) {
		return errRemoteOpen
	}
	u.conn.watch()
	u.asked = true
	_, err := u.agent.open(ctx, u.entry, u.prompt())
	return err
}

// key is the private half at the moment of its use: a person may have thought about
// it for long, or heavy work have come before, and the key have been locked, limited
// or removed meanwhile.
func (u *signing) key() (*signer, error) {
	v, err := u.look()
	switch {
	case err != nil:
		return nil, err
	case v.signer == nil || v.limits.confirm && (!u.confirmed || u.ended != v.ended):
		return nil, errLocked
	}
	return v.signer, nil
}

// byKey signs with a key that is in memory.
func (u *signing) byKey(ctx context.Context, heavy bool) (signature []byte, err error) {
	if heavy && u.scope != nil {
		if err := u.scope.heavy.take(ctx); err != nil {
			return nil, err
		}
		defer u.scope.heavy.give()
	}
	err = u.agent.work.compute(ctx, heavy, func() error {
		key, err := u.key()
		if err != nil {
			return err
		}
		if key.device != nil {
			return errLocked // another one meanwhile
		}
		signature, err = key.sign(u.request.Data, key.algorithm(u.request.Flags, u.agent.o.Legacy))
		return err
	})
	return signature, err
}
