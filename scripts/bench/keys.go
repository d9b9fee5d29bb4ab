//go:build linux

package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/binary"
	"encoding/pem"
	"fmt"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// A request is a sign request of the kind that a login makes (RFC 4252, section 7), with what tells that its answer is right.
type request struct {
	name     string
	private  crypto.Signer
	public   ssh.PublicKey
	data     []byte
	frame    []byte
	flags    uint32
	verified []byte // by check; nil for ecdsa, whose signatures differ
}

const flagSHA512 = 4 // SSH_AGENT_RSA_SHA2_512, RFC 9987, section 8.3

func newRequest(name string, private crypto.Signer) (*request, error) {
	public, err := ssh.NewPublicKey(private.Public())
	if err != nil {
		return nil, err
	}
	r := &request{name: name, private: private, public: public}
	algorithm := public.Type()
	if algorithm == ssh.KeyAlgoRSA {
		algorithm, r.flags = ssh.KeyAlgoRSASHA512, flagSHA512
	}
	session := make([]byte, 32)
	if _, err := rand.Read(session); err != nil {
		return nil, err
	}
	r.data = r.login(session, algorithm)
	r.frame = r.signFrame(r.data)
	return r, nil
}

// login is what is signed to log in to a session.
func (r *request) login(session []byte, algorithm string) []byte {
	return ssh.Marshal(struct {
		Session       []byte
		Type          byte
		User, Service string
		Method        string
		Sign          bool
		Algorithm     string
		Key           []byte
	}{session, 50, "root", "ssh-connection", "publickey", true, algorithm, r.public.Marshal()})
}

func (r *request) signFrame(data []byte) []byte {
	body := str(str([]byte{signRequest}, r.public.Marshal()), data)
	return str(nil, binary.BigEndian.AppendUint32(body, r.flags))
}

// check verifies a signature by the public key.
func (r *request) check(data, signature []byte) error {
	var s ssh.Signature
	if err := ssh.Unmarshal(signature, &s); err != nil {
		return fmt.Errorf("%s: %w", r.name, err)
	}
	if r.flags == flagSHA512 && s.Format != ssh.KeyAlgoRSASHA512 {
		return fmt.Errorf("%s: signed with %s", r.name, s.Format)
	}
	return r.public.Verify(data, &s)
}

// settle has an agent sign once, verifies that, and keeps it to compare with.
func (r *request) settle(l *link) error {
	signature, err := l.sign(r)
	if err != nil {
		return err
	}
	if err := r.check(r.data, signature); err != nil {
		return err
	}
	if _, random := r.private.(*ecdsa.PrivateKey); !random {
		r.verified = append([]byte(nil), signature...)
	}
	return nil
}

// keys are those that all agents get.
type keys struct {
	ed25519, p256, rsa3072, rsa4096 *request
	more                            []*request // ed25519, to 1000 in all
	host                            ssh.Signer // of the server that a connection is bound to
}

func newKeys() (*keys, error) {
	k := &keys{}
	var err error
	add := func(name string, private crypto.Signer, failed error) (r *request) {
		if err == nil {
			err = failed
		}
		if err == nil {
			r, err = newRequest(name, private)
		}
		return r
	}
	light := func(name string) *request {
		_, private, failed := ed25519.GenerateKey(rand.Reader)
		return add(name, private, failed)
	}
	heavy := func(name string, bits int) *request {
		private, failed := rsa.GenerateKey(rand.Reader, bits)
		return add(name, private, failed)
	}
	k.ed25519, k.rsa3072, k.rsa4096 = light("ed25519"), heavy("rsa-3072", 3072), heavy("rsa-4096", 4096)
	p256, failed := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	k.p256 = add("p256", p256, failed)
	for i := range 1000 {
		k.more = append(k.more, light(fmt.Sprintf("ed25519 %d", i)))
	}
	if err != nil {
		return nil, err
	}
	k.host, err = ssh.NewSignerFromKey(light("host key").private)
	return k, err
}

// addTo adds keys by the agent protocol.
func addTo(path string, all ...*request) error {
	l, err := dial(path)
	if err != nil {
		return err
	}
	defer l.Close()
	client := agent.NewClient(l)
	for _, r := range all {
		if err := client.Add(agent.AddedKey{PrivateKey: r.private, Comment: r.name}); err != nil {
			return fmt.Errorf("adding %s: %w", r.name, err)
		}
	}
	return nil
}

// file is the key as kagiban imports it.
func (r *request) file() ([]byte, error) {
	block, err := ssh.MarshalPrivateKeyWithPassphrase(r.private, r.name, []byte(passphrase))
	return pem.EncodeToMemory(block), err
}

// bind is a session bind (PROTOCOL.agent of OpenSSH, section 1) to a new session, and that session.
func (k *keys) bind() (request, session []byte, err error) {
	session = make([]byte, 32)
	if _, err = rand.Read(session); err != nil {
		return nil, nil, err
	}
	signature, err := k.host.Sign(rand.Reader, session)
	if err != nil {
		return nil, nil, err
	}
	body := str(str([]byte{extension}, []byte("session-bind@openssh.com")), k.host.PublicKey().Marshal())
	return str(nil, append(str(str(body, session), ssh.Marshal(signature)), 0)), session, nil
}
