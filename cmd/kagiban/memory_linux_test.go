package main

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kagiban/scripts/ground"
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
		ground.Until(t, "the agent delays sleep", func() bool { return logind.Taken() == slept })
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
		ground.Until(t, "it serves", func() bool { return answers(a.socket) == nil })
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
