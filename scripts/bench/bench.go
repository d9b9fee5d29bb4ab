//go:build linux

package main

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha512"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"time"
)

// The names of the agents in the table. The first is what the others are divided by.
const (
	openSSH = "ssh-agent"
	ours    = "kagiban"
	pageant = "pageant"
	keyring = "x/crypto"
	raw     = "crypto/rsa" // no agent: Go's RSA alone, in this process
)

// A bench is everything that is measured, and with what.
type bench struct {
	ctx      context.Context
	program  string
	dir      string
	vault    string // a home of kagiban's, which is copied
	other    string // one with the key that is not open
	secret   string // a file with their passphrase
	askpass  string // a program that does not answer as long as the file beside it is there
	gate     bool
	keys     *keys
	locked   *request // a key of the vault that is not open
	anchors  []*anchor
	figures  map[string]map[string][]float64 // by figure and agent, a value a round
	verified atomic.Int64                    // signatures
}

func newBench(ctx context.Context, program string, gate bool) (*bench, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	b := &bench{ctx: ctx, program: program, dir: dir, vault: filepath.Join(dir, "vault"), other: filepath.Join(dir, "other"), secret: filepath.Join(dir, "secret"), askpass: filepath.Join(dir, "askpass"), gate: gate, figures: map[string]map[string][]float64{}}
	b.anchors = []*anchor{
		{name: openSSH, version: versionOf("ssh", "-V"), command: func(socket string) []string { return []string{"ssh-agent", "-D", "-a", socket} }},
		{name: ours, version: versionOf(program, "version"), command: func(string) []string { return []string{program, "agent", "run"} }},
		{name: keyring, version: "golang.org/x/crypto/ssh/agent " + library(), command: func(socket string) []string { return []string{self, "keyring", socket} }},
	}
	if !gate {
		b.anchors = append(b.anchors, &anchor{name: pageant, version: versionOf("pageant", "-V"), command: func(socket string) []string { return []string{"pageant", "--permanent", "--symlink", socket} }, forks: true})
	}
	if b.keys, err = newKeys(); err == nil {
		err = b.prepare()
	}
	if err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *bench) close() { _ = os.RemoveAll(b.dir) } // a folder of the system's for what is temporary

// prepare makes the vault, and what asks without an answer.
func (b *bench) prepare() error {
	last := len(b.keys.more) - 1
	b.locked, b.keys.more = b.keys.more[last], b.keys.more[:last]
	wait := "#!/bin/sh\nn=0\nwhile [ -e \"$0.wait\" ] && [ $n -lt 300 ]; do n=$((n + 1)); sleep 0.1; done\nexit 1\n"
	if err := os.WriteFile(b.askpass, []byte(wait), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(b.secret, []byte(passphrase+"\n"), 0o600); err != nil {
		return err
	}
	if err := errors.Join(b.furnish(b.vault, "bench", b.keys.ed25519), b.furnish(b.other, "locked", b.locked)); err != nil {
		return err
	}
	return errors.Join(b.kagiban(b.ctx, b.vault, "agent", "start"), b.kagiban(b.ctx, b.vault, "agent", "stop"))
}

// furnish makes a home of kagiban's with one key.
func (b *bench) furnish(home, name string, r *request) error {
	text, err := r.file()
	if err != nil {
		return err
	}
	file := filepath.Join(b.dir, name)
	if err := errors.Join(os.WriteFile(file, text, 0o600), os.Mkdir(home, 0o700)); err != nil {
		return err
	}
	return b.kagiban(b.ctx, home, "key", "import", file, "--name", name, "--passphrase-file", b.secret, "--new-passphrase-file", b.secret)
}

// note keeps a figure.
func (b *bench) note(figure, agent string, value float64) {
	if b.figures[figure] == nil {
		b.figures[figure] = map[string][]float64{}
	}
	b.figures[figure][agent] = append(b.figures[figure][agent], value)
}

// round measures everything once.
func (b *bench) round(n int) error {
	var all []*running
	defer func() {
		for _, r := range all {
			r.stop()
		}
	}()
	for i := range b.anchors {
		r, err := b.first(b.anchors[(i+n)%len(b.anchors)])
		if err != nil {
			return err
		}
		all = append(all, r)
	}
	if err := b.alone(); err != nil {
		return err
	}
	file, err := os.Stat(b.program)
	if err != nil {
		return err
	}
	b.note("size of the program", ours, float64(file.Size())/(1<<20))
	time.Sleep(rest)
	for _, stage := range stages {
		for _, r := range all {
			if err := stage.measure(b, r); err != nil {
				return fmt.Errorf("%s: %s: %w", r.name, stage.name, err)
			}
		}
	}
	return nil
}

// alone is what Go's RSA takes without any agent, in CPU of this thread.
func (b *bench) alone() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for _, k := range []*request{b.keys.rsa3072, b.keys.rsa4096} {
		sum := sha512.Sum512(k.data)
		before, err := threadTime()
		if err != nil {
			return err
		}
		all, err := timed(100, 500*time.Millisecond, func() error {
			_, err := k.private.Sign(rand.Reader, sum[:], crypto.SHA512)
			return err
		}, nil)
		if err != nil {
			return err
		}
		after, err := threadTime()
		if err != nil {
			return err
		}
		b.note(k.name+" sign, CPU", raw, micros(after-before)/float64(len(all)))
	}
	return nil
}
