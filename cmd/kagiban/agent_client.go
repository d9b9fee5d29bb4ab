package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"golang.org/x/crypto/ssh"
	sshagent "golang.org/x/crypto/ssh/agent"

	"kagiban/agent"
	"kagiban/agent/control"
	"kagiban/agent/door"
	"kagiban/cmd/internal/prompt"
	"kagiban/cmd/internal/say"
	"kagiban/vault"
)

// control connects to the running agent. The error wraps control.ErrNotRunning
// if there is none.
func (p *program) control() (*control.Client, error) {
	h, err := p.home()
	if err != nil {
		return nil, err
	}
	if err := h.CheckSockets(); err != nil {
		return nil, err
	}
	return control.Dial(h.ControlSocket(), door.Dial)
}

// controlToEnd is control for who wants keys closed: without an agent they are.
func (p *program) controlToEnd() (*control.Client, error) {
	c, err := p.control()
	if errors.Is(err, control.ErrNotRunning) {
		err = say.Fail(say.NothingOpen, err)
	}
	return c, err
}

// signer signs with a key of the vault, the default key if keyName is "". Where the
// agent runs, the agent signs: a key that is locked there is unlocked first, so
// that ssh works with it afterwards too. Else the key is opened in this process.
// src is where the passphrase comes from, if it is needed at all.
func (p *program) signer(ctx context.Context, keyName string, src prompt.Source) (ssh.Signer, error) {
	key, err := p.defaultKey(keyName)
	if err != nil {
		return nil, err
	}
	signer, err := p.signerByAgent(ctx, key.Name, src)
	if !errors.Is(err, errNotByAgent) {
		return signer, err
	}
	p.log.Info("the key is opened here, not by the agent", "key", key.Name, "why", err)
	v, err := p.vault()
	if err != nil {
		return nil, err
	}
	private, err := p.openKey(ctx, v, key.Name, src)
	if err != nil {
		return nil, keyUnasked(err, key.Name, false)
	}
	return private.Signer()
}

// errNotByAgent says that the agent cannot be of use for a key, and that nobody
// was asked anything yet.
var errNotByAgent = errors.New("not by the agent")

func (p *program) signerByAgent(ctx context.Context, name string, src prompt.Source) (ssh.Signer, error) {
	c, err := p.control()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNotByAgent, err)
	}
	defer c.Close()
	here, err := agentKey(c, name)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNotByAgent, err)
	}
	if here.Locked || here.Hidden {
		err := p.opening(ctx, src, askFor(name), func(answer []byte) error { return c.Unlock(name, answer, agent.Terms{}) })
		if err != nil {
			return nil, keyUnasked(err, name, true)
		}
		p.tell(say.KeyUnlocked, "key", name)           // the agent keeps it so: nobody should find that out later
		if here, err = agentKey(c, name); err != nil { // its public half may be known only now
			return nil, err
		}
	}
	h, err := p.home()
	if err != nil {
		return nil, err
	}
	signers, err := socketSigners(h.AgentSocket())
	if err != nil {
		return nil, err
	}
	for _, s := range signers {
		if ssh.FingerprintSHA256(s.PublicKey()) == here.Fingerprint {
			return s, nil
		}
	}
	return nil, fmt.Errorf("the agent does not list key %q: %w", name, vault.ErrNoKey)
}

// keyUnasked says that nobody could be asked for the passphrase of a key, where that is the error; of a key that the running agent holds, that it is locked there.
func keyUnasked(err error, key string, held bool) error {
	if held && errors.Is(err, prompt.ErrCannotAsk) {
		return say.Fail(say.KeyUnasked, err, "key", key, "ways", say.NoWays())
	}
	return unasked(err, "passphrase of key "+key, passphrase)
}

// agentKey is what the agent knows of a key of the vault.
func agentKey(c *control.Client, name string) (agent.KeyStatus, error) {
	status, err := c.Status()
	if err != nil {
		return agent.KeyStatus{}, err
	}
	for _, k := range status.Keys {
		if k.Name == name {
			return k, nil
		}
	}
	return agent.KeyStatus{}, fmt.Errorf("the agent has no key %q: %w", name, agent.ErrNoKey)
}

// agentSigners are the keys of another agent that SSH_AUTH_SOCK names; none if
// that is ours, or there is no agent.
func (p *program) agentSigners() []ssh.Signer {
	path := p.getenv("SSH_AUTH_SOCK")
	if path == "" || p.isOurSocket(path) {
		return nil
	}
	signers, err := socketSigners(path)
	if err != nil {
		p.log.Info("the agent that SSH_AUTH_SOCK names is of no use", "error", err)
	}
	return signers
}

// isOurSocket tells whether path leads to a socket of our agent, by whatever name: a narrower one is chosen on purpose.
func (p *program) isOurSocket(path string) bool {
	h, err := p.home()
	if err != nil {
		return false
	}
	paths := []string{h.AgentSocket()}
	narrower, _ := readSockets(h.Sockets()) // doctor says what is wrong with the list
	for _, s := range narrower {
		paths = append(paths, h.NarrowSocket(s.Name))
	}
	return slices.ContainsFunc(paths, func(ours string) bool { return path == ours || door.Same(ours, path) })
}

// unseal is the command that ends what ssh-add -x did. The agent's own socket alone takes it, and no narrower one.
func (p *program) unseal() string {
	const command = "ssh-add -X"
	h, err := p.home()
	if err != nil {
		return command
	}
	path, own := cmp.Or(p.getenv("SSH_AUTH_SOCK"), usualSocket), h.AgentSocket()
	if path != "" && (path == own || door.Same(own, path)) {
		return command
	}
	return withSocket(own, command)
}

// asksOurs tells whether ssh in this shell asks our agent.
func (p *program) asksOurs() bool {
	path := cmp.Or(p.getenv("SSH_AUTH_SOCK"), usualSocket)
	return path != "" && p.isOurSocket(path)
}

// listPatience is how long an agent may take to list its keys.
const listPatience = 5 * time.Second

// socketSigners are the keys of the agent at path.
func socketSigners(path string) ([]ssh.Signer, error) {
	conn, err := door.Dial(path)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(listPatience)) // if it fails, so will what follows
	keys, err := sshagent.NewClient(conn).List()
	if err != nil {
		return nil, err
	}
	var signers []ssh.Signer
	for _, k := range keys {
		public, err := ssh.ParsePublicKey(k.Blob)
		if err != nil {
			continue // of a kind that we cannot use
		}
		if s, err := newSocketSigner(path, public); err == nil {
			signers = append(signers, s)
		}
	}
	return signers, nil
}

// socketSigner signs through the agent at a socket, by a connection of its own for
// each signature: it holds nothing open, and lives through a restart of the agent.
type socketSigner struct {
	path   string
	public ssh.PublicKey
}

func newSocketSigner(path string, public ssh.PublicKey) (ssh.Signer, error) {
	s := &socketSigner{path, public}
	if !isRSA(public) {
		return s, nil
	}
	m, err := ssh.NewSignerWithAlgorithms(s, []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}) // never SHA-1
	return m, err
}

func isRSA(public ssh.PublicKey) bool {
	return public.Type() == ssh.KeyAlgoRSA || public.Type() == ssh.CertAlgoRSAv01
}

// PublicKey implements ssh.Signer.
func (s *socketSigner) PublicKey() ssh.PublicKey { return s.public }

// Sign implements ssh.Signer.
func (s *socketSigner) Sign(rand io.Reader, data []byte) (*ssh.Signature, error) {
	return s.SignWithAlgorithm(rand, data, "")
}

// SignWithAlgorithm implements ssh.AlgorithmSigner. The agent has its own entropy.
func (s *socketSigner) SignWithAlgorithm(_ io.Reader, data []byte, algorithm string) (*ssh.Signature, error) {
	conn, err := door.Dial(s.path)
	if err != nil {
		return nil, fmt.Errorf("sign through the agent: %w", err)
	}
	defer conn.Close()
	var flags sshagent.SignatureFlags
	switch rsa := isRSA(s.public); {
	case rsa && algorithm == ssh.KeyAlgoRSASHA256:
		flags = sshagent.SignatureFlagRsaSha256
	case rsa:
		flags = sshagent.SignatureFlagRsaSha512
	}
	signature, err := sshagent.NewClient(conn).SignWithFlags(s.public, data, flags)
	if err != nil {
		return nil, fmt.Errorf("sign through the agent: %w", err)
	}
	return signature, nil
}
