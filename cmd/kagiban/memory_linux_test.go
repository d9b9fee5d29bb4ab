package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	sshagent "golang.org/x/crypto/ssh/agent"

	"kagiban/agent/door"
	"kagiban/scripts/standin"
)

// trace is a piece of what must not lie in memory.
type trace struct {
	of    string
	bytes []byte
}

// secretsOf are the pieces of a private key, 16 bytes each, in both orders of the bytes. The big numbers of math/big and of
// crypto/internal lie in memory with the last byte first, on all processors that have that order.
func secretsOf(t *testing.T, name string, private any) (all []trace) {
	t.Helper()
	add := func(what string, number []byte) {
		for piece := range slices.Chunk(number, 16) {
			if len(piece) < 16 {
				continue
			}
			turned := slices.Clone(piece)
			slices.Reverse(turned)
			all = append(all, trace{name + ", " + what, piece}, trace{name + ", " + what, turned})
		}
	}
	switch key := private.(type) {
	case ed25519.PrivateKey: // RFC 8032 section 5.1.5
		hash := sha512.Sum512(key.Seed())
		add("seed", key.Seed())
		add("prefix", hash[32:])
		hash[0] &= 248
		hash[31] = hash[31]&127 | 64
		add("scalar", hash[:32])
	case *ecdsa.PrivateKey:
		scalar, err := key.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		add("scalar", scalar)
	case *rsa.PrivateKey:
		add("prime", key.Primes[0].Bytes())
		add("prime", key.Primes[1].Bytes())
		add("exponent", key.D.Bytes())
		add("exponent", key.Precomputed.Dp.Bytes())
		add("exponent", key.Precomputed.Dq.Bytes())
		add("coefficient", key.Precomputed.Qinv.Bytes())
	default:
		t.Fatalf("%T", private)
	}
	return all
}

func secretsOfPassphrase(text string) []trace {
	coded := base64.StdEncoding.EncodeToString([]byte(text)) // on the control socket
	return []trace{{"passphrase", []byte(text)}, {"passphrase in base64", []byte(strings.TrimRight(coded, "=")[:len(text)])}}
}

// inMemoryOf counts where in what a process may write to these secrets lie. It takes root.
func inMemoryOf(t *testing.T, pid int, secrets []trace) map[string]int {
	t.Helper()
	maps, err := os.Open(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer maps.Close()
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer memory.Close()
	found, read := map[string]int{}, 0
	byStart := new([256][256][]trace)
	for _, s := range secrets {
		byStart[s.bytes[0]][s.bytes[1]] = append(byStart[s.bytes[0]][s.bytes[1]], s)
	}
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		var from, to uint64
		var mode string
		if _, err := fmt.Sscanf(lines.Text(), "%x-%x %s", &from, &to, &mode); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(mode, "rw") {
			continue
		}
		area := make([]byte, to-from)
		n, _ := memory.ReadAt(area, int64(from)) // an area may be gone again, or its end not to be read
		read += n
		for i := range max(0, n-1) {
			for _, s := range byStart[area[i]][area[i+1]] {
				if bytes.HasPrefix(area[i:n], s.bytes) {
					found[s.of]++
				}
			}
		}
	}
	if read < 1<<20 {
		t.Fatalf("only %d bytes of the agent's memory could be read", read)
	}
	return found
}

// TestLockedIsGoneFromMemory: whichever way an agent is locked, nothing of its keys and of their passphrases lies in its memory
// afterwards, while all of them lay there before.
func TestLockedIsGoneFromMemory(t *testing.T) {
	if os.Getenv("KAGIBAN_SERVERS") != "1" {
		t.Skip("who reads the memory of an agent is root: KAGIBAN_SERVERS=1, as make test has it")
	}
	bus := standin.NewBus(t)
	bus.Start()
	logind := bus.Logind()
	session := logind.Add("_31", uint32(os.Getuid()), false)
	slept := 0
	sleep := func(*holder) {
		slept++
		eventually(t, "the agent delays sleep", func() bool { return logind.Taken() == slept })
		logind.Sleep()
		logind.Wake()
	}
	const patience = time.Minute
	a := startHolder(t, bus, "lock_on = [\"suspend\", \"screen\"]\n")
	for _, way := range []struct {
		name     string
		lock     func(*holder)
		patience time.Duration // until memory is empty; 0: when lock returns
	}{
		{"kagiban lock", func(a *holder) { a.kagiban("lock") }, 0},
		{"kagiban lock while keys sign", (*holder).lockWhileUsed, 0},
		{"kagiban lock KEY", func(a *holder) { a.kagiban(append([]string{"lock"}, a.vault...)...); a.run("ssh-add", "-D") }, patience},
		{"SIGUSR1", func(a *holder) { a.run("kill", "-USR1", fmt.Sprint(a.pid)) }, patience},
		{"suspend", sleep, 0},
		{"screen lock", func(*holder) { logind.Lock(session) }, patience},
		{"suspend again", sleep, 0},
		{"ssh-add -x", func(a *holder) { a.run("ssh-add", "-x") }, patience}, // what it keeps is encrypted; the last one
	} {
		t.Run(way.name, func(t *testing.T) {
			a.t = t
			a.open()
			a.useAll()
			a.isFull()
			way.lock(a)
			a.isEmpty(way.patience)
		})
	}
	t.Run("ssh-agent and SIGUSR1", func(t *testing.T) {
		a := &holder{t: t, program: programAt(t, nil)}
		a.socket = filepath.Join(a.program.getenv("KAGIBAN_HOME"), "socket")
		a.learnSecrets()
		a.vault = nil
		agent := exec.Command(builtBinary(t), "ssh-agent", "-D", "-a", a.socket)
		agent.Dir = a.program.getenv("KAGIBAN_HOME")
		if err := agent.Start(); err != nil {
			t.Fatal(err)
		}
		defer agent.Wait()
		defer agent.Process.Kill()
		a.pid = agent.Process.Pid
		eventually(t, "it serves", func() bool { return answers(a.socket) == nil })
		a.add()
		a.useAll()
		if found := a.find(); found["added ed25519.PrivateKey, seed"] == 0 {
			t.Error("the key is not in memory")
		}
		a.run("kill", "-USR1", fmt.Sprint(a.pid))
		a.isEmpty(patience)
	})
	t.Run("idle", func(t *testing.T) {
		a := startHolder(t, standin.NewBus(t), "lock_after_idle = \"5s\"\nlock_on = []\n")
		a.kagiban("unlock", "laptop", "--passphrase-file", passphraseFile(t, passphrasesAtHome["laptop"]).File)
		stop := a.keepUsing() // or a slow machine is idle before it is looked at
		a.open()
		a.useAll()
		a.isFull()
		stop()
		a.isEmpty(patience)
	})
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: never", what)
		}
	}
}

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
