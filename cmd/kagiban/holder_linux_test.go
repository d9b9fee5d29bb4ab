package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	sshagent "golang.org/x/crypto/ssh/agent"

	"kagiban/agent/door"
	"kagiban/scripts/standin"
)

// holder is an agent that holds keys.
type holder struct {
	t       *testing.T
	program *program
	pid     int
	socket  string
	env     []string
	vault   []string // the names of its keys
	added   []any    // what ssh-add adds
	secrets []trace
}

// passphrasesAtHome are those of the committed home.
var passphrasesAtHome = map[string]string{"laptop": "correct horse", "rsa": "correct horse", "desk": "battery staple"}

func startHolder(t *testing.T, bus *standin.Bus, config string) *holder {
	t.Helper()
	a := &holder{t: t, program: programAt(t, nil)}
	home := a.program.getenv("KAGIBAN_HOME")
	h, err := a.program.home()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(h.Config(), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	a.env = []string{
		"KAGIBAN_HOME=" + home, "PATH=" + os.Getenv("PATH"), "DBUS_SYSTEM_BUS_ADDRESS=" + bus.Address, "SSH_AUTH_SOCK=" + h.AgentSocket(),
		"SSH_ASKPASS=" + filepath.Join(home, "askpass"), "SSH_ASKPASS_REQUIRE=force",
	}
	askpass := fmt.Sprintf("#!/bin/sh\necho '%s'\n", passphrasesAtHome["desk"])
	if err := os.WriteFile(filepath.Join(home, "askpass"), []byte(askpass), 0o700); err != nil {
		t.Fatal(err)
	}
	a.socket = h.AgentSocket()
	a.learnSecrets()
	a.kagiban("agent", "start")
	t.Cleanup(func() { endAgent(home) })
	view, err := a.program.lookAtAgent()
	if err != nil {
		t.Fatal(err)
	}
	a.pid = view.status.PID
	return a
}

// learnSecrets opens the vault itself, and makes the keys that are to be added.
func (a *holder) learnSecrets() {
	v, err := a.program.vault()
	if err != nil {
		a.t.Fatal(err)
	}
	for name, passphrase := range passphrasesAtHome {
		key, err := v.Unlock(name, []byte(passphrase))
		if err != nil {
			a.t.Fatal(err)
		}
		a.vault = append(a.vault, name)
		a.secrets = append(a.secrets, slices.Concat(secretsOf(a.t, name, key.Crypto), secretsOfPassphrase(passphrase))...)
	}
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	p521, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	rsa2048, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		a.t.Fatal(err)
	}
	a.added = []any{edwards, p521, rsa2048}
	for _, key := range a.added {
		a.secrets = append(a.secrets, secretsOf(a.t, fmt.Sprintf("added %T", key), key)...)
	}
}

func (a *holder) run(program string, args ...string) {
	a.t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = a.env
	if out, err := cmd.CombinedOutput(); err != nil {
		a.t.Fatalf("%s %q: %v\n%s", program, args, err, out)
	}
}

func (a *holder) kagiban(args ...string) {
	a.t.Helper()
	a.run(builtBinary(a.t), args...)
}

// open unlocks the keys of the vault, but for the one that is asked for when it is used, and adds the others.
func (a *holder) open() {
	a.t.Helper()
	a.kagiban("unlock", "desk", "--passphrase-file", passphraseFile(a.t, passphrasesAtHome["desk"]).File) // it may be hidden
	a.kagiban("lock", "desk")
	for name, passphrase := range passphrasesAtHome {
		if name == "desk" {
			continue
		}
		a.kagiban("unlock", name, "--passphrase-file", passphraseFile(a.t, passphrase).File)
	}
	a.add()
}

// add adds the others.
func (a *holder) add() {
	a.t.Helper()
	c := a.connect()
	for _, key := range a.added {
		if err := c.Add(sshagent.AddedKey{PrivateKey: key}); err != nil {
			a.t.Fatal(err)
		}
	}
}

func (a *holder) connect() sshagent.ExtendedAgent {
	a.t.Helper()
	conn, err := door.Dial(a.socket)
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(func() { conn.Close() }) // until then its goroutine and stack stay
	return sshagent.NewClient(conn)
}

// keepUsing signs with one key until stop is called.
func (a *holder) keepUsing() (stop func()) {
	c, key := a.connect(), a.public("laptop")
	ctx, end := context.WithCancel(a.t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for pause := time.NewTicker(100 * time.Millisecond); ctx.Err() == nil; <-pause.C {
			if err := signWith(c, key); err != nil {
				a.t.Error(err)
			}
		}
	}()
	return func() { end(); <-ended }
}

func (a *holder) public(name string) ssh.PublicKey {
	a.t.Helper()
	v, err := a.program.vault()
	if err != nil {
		a.t.Fatal(err)
	}
	key, err := v.Get(name)
	if err != nil {
		a.t.Fatal(err)
	}
	return key.Public
}

func signWith(c sshagent.ExtendedAgent, key ssh.PublicKey) error {
	_, err := c.SignWithFlags(key, []byte("anything"), sshagent.SignatureFlagRsaSha512)
	return err
}

// lockWhileUsed locks while the keys that were added sign as fast as they can.
func (a *holder) lockWhileUsed() {
	a.t.Helper()
	var signing, begun sync.WaitGroup
	for _, key := range slices.Concat(a.added, a.added) {
		c := a.connect()
		signer, err := ssh.NewSignerFromKey(key)
		if err != nil {
			a.t.Fatal(err)
		}
		begun.Add(1)
		signing.Go(func() {
			if err := signWith(c, signer.PublicKey()); err != nil {
				a.t.Error(err)
			}
			begun.Done()
			for signWith(c, signer.PublicKey()) == nil { // until it is gone
			}
		})
	}
	begun.Wait()
	a.kagiban("lock")
	signing.Wait()
}

// useAll signs with every key, over several connections at a time.
func (a *holder) useAll() {
	a.t.Helper()
	var signing sync.WaitGroup
	for range 4 {
		c := a.connect()
		signing.Go(func() {
			keys, err := c.List()
			if err != nil || len(keys) != len(a.vault)+len(a.added) {
				a.t.Errorf("%d keys, %v", len(keys), err)
				return
			}
			for i := range 5 * len(keys) {
				key, err := ssh.ParsePublicKey(keys[i%len(keys)].Blob)
				if err == nil {
					err = signWith(c, key)
				}
				if err != nil {
					a.t.Error(err)
				}
			}
		})
	}
	signing.Wait()
}

func (a *holder) find() map[string]int { return inMemoryOf(a.t, a.pid, a.secrets) }

// isFull sees that the search finds something while all keys are open.
func (a *holder) isFull() {
	a.t.Helper()
	found := a.find()
	for _, name := range []string{
		"laptop, seed", "desk, scalar", "rsa, prime",
		"added ed25519.PrivateKey, seed", "added *ecdsa.PrivateKey, scalar", "added *rsa.PrivateKey, prime",
	} {
		if found[name] == 0 {
			a.t.Errorf("%s is not in memory while the key is open: nothing is shown", name)
		}
	}
}

// isEmpty waits until nothing is found any more.
func (a *holder) isEmpty(patience time.Duration) {
	a.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		found := a.find()
		if len(found) == 0 {
			return
		}
		if time.Now().After(deadline) {
			a.t.Fatalf("of locked keys there lie in memory: %v", found)
		}
	}
}
