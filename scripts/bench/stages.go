//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/sys/unix"
)

// A stage is a part of a round. Each changes what the agents hold, so their order matters.
type stage struct {
	name    string
	measure func(b *bench, r *running) error
}

var stages = []stage{
	{"no key open", (*bench).noKey},
	{"list", (*bench).fewKeys},
	{"light signatures", (*bench).lightSignatures},
	{"many connections", (*bench).manyConnections},
	{"heavy signatures", (*bench).heavySignatures},
	{"light beside heavy", (*bench).lightBesideHeavy},
	{"what ssh does", (*bench).whatSSHDoes},
	{"idle connections", (*bench).idleConnections},
	{"key derivation", (*bench).keyDerivation},
	{"a prompt is open", (*bench).promptOpen},
	{"many keys", (*bench).manyKeys},
}

const (
	window = 2 * time.Second // of rates
	rest   = 3 * time.Second // after which an agent that is asked nothing has done what it does then
)

// first starts an agent some times, and leaves the last one running.
func (b *bench) first(a *anchor) (*running, error) {
	var all took
	for try := 10; ; try-- {
		r, answered, err := b.start(a)
		if err != nil {
			return nil, err
		}
		if all = append(all, answered); try > 1 {
			r.stop()
			continue
		}
		b.note("start to first answer", a.name, all.at(0.5)/1e3)
		return r, nil
	}
}

// noKey is what all begin with, and opens the first key.
func (b *bench) noKey(r *running) error {
	rss, err := r.rss()
	if err != nil {
		return err
	}
	b.note("RSS, no key open", r.name, rss)
	r.keys = 1
	if r.name == ours {
		return b.kagiban(b.ctx, r.home, "unlock", "bench", "--passphrase-file", b.secret)
	}
	return addTo(r.socket, b.keys.ed25519)
}

func (b *bench) fewKeys(r *running) error {
	if err := b.lists(r); err != nil {
		return err
	}
	r.keys += 3
	return addTo(r.socket, b.keys.p256, b.keys.rsa3072, b.keys.rsa4096)
}

// lists measures the list of as many keys as there are.
func (b *bench) lists(r *running) error {
	l, err := call(r.socket, startLimit)
	if err != nil {
		return err
	}
	defer l.Close()
	if err := l.list(r.keys); err != nil { // it may be made now
		return err
	}
	var all took
	err = r.together(func() (err error) {
		all, err = timed(1000, 300*time.Millisecond, func() error { return l.list(r.keys) }, nil)
		return err
	})
	if err == nil {
		b.note(fmt.Sprintf("list of %d, p50", r.keys), r.name, all.at(0.5))
	}
	return err
}

func (b *bench) lightSignatures(r *running) error {
	for _, k := range []*request{b.keys.ed25519, b.keys.p256} {
		all, cpu, err := b.oneByOne(r, k, time.Second)
		if err != nil {
			return err
		}
		b.note(k.name+" sign, CPU", r.name, cpu)
		b.note(k.name+" sign, p50", r.name, all.at(0.5))
	}
	return nil
}

func (b *bench) manyConnections(r *running) error {
	for _, n := range []int{64, 512} {
		rate, err := b.rate(r, b.keys.ed25519, n, window)
		if err != nil {
			return err
		}
		b.note(fmt.Sprintf("ed25519 a second, %d connections", n), r.name, rate)
	}
	return nil
}

func (b *bench) heavySignatures(r *running) error {
	for _, k := range []*request{b.keys.rsa3072, b.keys.rsa4096} {
		_, cpu, err := b.oneByOne(r, k, 500*time.Millisecond)
		if err != nil {
			return err
		}
		rate, err := b.rate(r, k, 8, window)
		if err != nil {
			return err
		}
		b.note(k.name+" sign, CPU", r.name, cpu)
		b.note(k.name+" a second, 8 connections", r.name, rate)
	}
	return nil
}

func (b *bench) lightBesideHeavy(r *running) error {
	all, err := b.beside(r, b.keys.ed25519, b.keys.rsa4096, 3*time.Second)
	if err == nil {
		b.note("ed25519 beside 8 of rsa-4096, p50", r.name, all.at(0.5))
		b.note("ed25519 beside 8 of rsa-4096, p99", r.name, all.at(0.99))
	}
	return err
}

func (b *bench) whatSSHDoes(r *running) error {
	var all took
	err := r.together(func() (err error) {
		all, err = b.likeSSH(r, b.keys.ed25519, r.keys)
		return err
	})
	if err == nil {
		b.note("connect, bind, list, sign, close, p50", r.name, all.at(0.5))
	}
	return err
}

func (b *bench) idleConnections(r *running) (err error) {
	var all []*link
	defer func() {
		for _, l := range all {
			_ = l.Close()
		}
	}()
	for range 1000 {
		l, err := dial(r.socket)
		if err != nil {
			return err
		}
		if all = append(all, l); l.list(r.keys) != nil {
			return fmt.Errorf("connection %d is not served", len(all))
		}
	}
	time.Sleep(rest)
	rss, err := r.rss()
	b.note("RSS, 1000 idle connections", r.name, rss)
	return err
}

// keyDerivation is only kagiban's: the others hold no locked key.
func (b *bench) keyDerivation(r *running) error {
	if r.name != ours {
		return nil
	}
	if err := copyAll(filepath.Join(b.other, "keys"), r.home); err != nil {
		return err
	}
	r.keys++
	before, err := r.rss()
	if err != nil {
		return err
	}
	busy, failed := make(chan struct{}), error(nil)
	go func() { // once: an unlock of what is open derives nothing
		defer close(busy)
		failed = b.kagiban(b.ctx, r.home, "unlock", "locked", "--passphrase-file", b.secret)
	}()
	sign, list, err := b.whileBusy(r, b.keys.ed25519, r.keys, busy)
	<-busy
	if err := errors.Join(err, failed); err != nil {
		return err
	}
	b.note("sign during a key derivation, p99", r.name, sign)
	b.note("list during a key derivation, p99", r.name, list)
	time.Sleep(5 * time.Second) // what the figure is about
	after, err := r.rss()
	b.note("RSS, 5 s after an unlock: more than before", r.name, after-before)
	return err
}

// promptOpen: a key wants a passphrase or a yes, and nobody answers.
func (b *bench) promptOpen(r *running) error {
	switch {
	case r.name == ours:
		if err := b.kagiban(b.ctx, r.home, "lock", "locked"); err != nil {
			return err
		}
	case r.name == openSSH:
		if err := b.confirmed(r); err != nil {
			return err
		}
	default:
		return nil
	}
	wait := b.askpass + ".wait"
	if err := os.WriteFile(wait, nil, 0o600); err != nil {
		return err
	}
	asked, err := dial(r.socket)
	if err != nil {
		return err
	}
	go func() { _, _ = asked.sign(b.locked) }() // it is refused in the end
	busy := make(chan struct{})
	time.AfterFunc(2*time.Second, func() { close(busy) })
	sign, list, err := b.whileBusy(r, b.keys.ed25519, r.keys, busy)
	<-busy
	err = errors.Join(err, asked.Close(), os.Remove(wait))
	if err != nil {
		return err
	}
	b.note("sign while a prompt is open, p99", r.name, sign)
	b.note("list while a prompt is open, p99", r.name, list)
	l, err := patiently(r.socket, startLimit) // whoever stood still goes on
	if err != nil {
		return err
	}
	return l.Close()
}

// confirmed adds a key that wants a yes (ssh-add -c).
func (b *bench) confirmed(r *running) error {
	l, err := dial(r.socket)
	if err != nil {
		return err
	}
	defer l.Close()
	r.keys++
	return agent.NewClient(l).Add(agent.AddedKey{PrivateKey: b.locked.private, Comment: b.locked.name, ConfirmBeforeUse: true})
}

func (b *bench) manyKeys(r *running) error {
	_, few, err := b.oneByOne(r, b.keys.ed25519, 300*time.Millisecond)
	if err != nil {
		return err
	}
	more := b.keys.more
	for _, n := range []int{100, 1000} {
		add := n - r.keys
		if err := addTo(r.socket, more[:add]...); err != nil {
			return err
		}
		more, r.keys = more[add:], n
		if err := b.lists(r); err != nil {
			return err
		}
	}
	last := b.keys.more[len(b.keys.more)-len(more)-1]
	_, many, err := b.oneByOne(r, last, 300*time.Millisecond)
	if err != nil {
		return err
	}
	b.note("sign with the last of 1000 keys, CPU against the first of few", r.name, many/few)
	time.Sleep(rest)
	rss, err := r.rss()
	b.note("RSS, 1000 keys", r.name, rss)
	return err
}

// threadTime is the CPU of this thread.
func threadTime() (time.Duration, error) {
	var t unix.Timespec
	err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t)
	return time.Duration(t.Nano()), err
}
