package agent

import (
	"iter"
	"runtime"
	"runtime/debug"
	"sync"
	"time"
)

const (
	// soon is when memory is given back after a key derivation, or after a key was dropped.
	soon = time.Second
	// wipePatience is how long a lock waits for what is under way with private halves:
	// a signature of RSA takes less. The wait for somebody's passphrase may take longer.
	wipePatience = 3 * time.Second
	// lightDepth and heavyDepth are how much of a stack may be used with a secret in
	// hand, in bytes, by ed25519 or ECDSA and by all else: with what Go adds a stack of
	// 16 KiB, which it has at hand, and one of 128.
	lightDepth, heavyDepth = 13 << 10, 64 << 10
)

// memory gives memory back to the system after a key derivation or after keys
// were dropped, and has what lay in it overwritten: Go would keep hundreds of
// megabytes for later, and all copies of a key that ever were. It runs in a
// goroutine of its own, a moment later, or at once (wipe), and never twice at a time.
//
// Nothing of a dropped key is left if the Go runtime overwrites what it frees, which
// it reads in GODEBUG when the process begins (Wiping).
type memory struct {
	after   func(time.Duration, func()) func() bool
	free    func()
	mu      sync.Mutex      // guards due and secret
	due     bool            // the timer of giveBackSoon runs
	secret  map[*aside]bool // what is under way; true: a wipe did not wait for it
	freeing chan struct{}   // one token, held while free runs
}

// Wiping is what GODEBUG has to hold when a process begins that is to leave no copy of a
// key it dropped (package runtime, Environment Variables): freed memory is
// overwritten; and nothing copies a stack or registers with a key in them to where
// that does not reach.
const Wiping = "clobberfree=1,gcshrinkstackoff=1,asyncpreemptoff=1"

func newMemory(after func(time.Duration, func()) func() bool) *memory {
	return &memory{after: after, free: overwriteFree, secret: map[*aside]bool{}, freeing: make(chan struct{}, 1)}
}

// Begun gives back, a moment later, the memory that only beginning needed.
func (a *Agent) Begun() { a.memory.giveBackSoon() }

// giveBackSoon has it done soon, for all who ask meanwhile: nobody puts it off by asking
// again and again.
func (m *memory) giveBackSoon() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.due {
		return
	}
	m.due = true
	m.after(soon, func() {
		m.mu.Lock()
		m.due = false
		m.mu.Unlock()
		m.wipe()
	})
}

// wipe has what was dropped overwritten before it returns. What is under way with
// it has a moment to end; what takes longer is wiped when it has.
func (m *memory) wipe() {
	m.mu.Lock()
	var under []*aside
	for one := range m.secret {
		under = append(under, one)
	}
	m.mu.Unlock()
	tooLong := make(chan struct{})
	stop := m.after(wipePatience, func() { close(tooLong) })
	defer stop()
	for _, one := range under {
		select {
		case <-one.ended:
		case <-tooLong:
			m.wipeAfter(one)
		}
	}
	m.freeing <- struct{}{}
	defer func() { <-m.freeing }()
	m.free()
	_ = leavePages() // it is as well without
}

func (m *memory) wipeAfter(one *aside) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, under := m.secret[one]; under {
		m.secret[one] = true
	}
}

// aside is work with a secret in hand.
type aside struct{ ended chan struct{} }

// aside runs f on a stack of its own, and wipes that: what functions leave on a
// stack stays there until others happen to overwrite it. The stack is small, unless
// f is heavy. A panic of f is the caller's. The caller's goroutine becomes the other
// one and back (iter.Pull), since starting one in the usual way wakes a processor.
func (m *memory) aside(heavy bool, f func()) {
	room := lightRoom
	if heavy {
		room = heavyRoom
	}
	one := m.begin()
	defer m.end(one)
	run, _ := iter.Pull(func(func(struct{}) bool) {
		room(false) // the stack grows now, with nothing on it: growing leaves a copy behind
		defer room(true)
		f()
	})
	run()
}

func (m *memory) begin() *aside {
	one := &aside{make(chan struct{})}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.secret[one] = false
	return one
}

func (m *memory) end(one *aside) {
	close(one.ended)
	m.mu.Lock()
	late := m.secret[one]
	delete(m.secret, one)
	m.mu.Unlock()
	if late {
		m.giveBackSoon()
	}
}

// lightRoom and heavyRoom have the stack grow as far as f may need it, or wipe as
// much of it.
//
//go:noinline
func lightRoom(wipe bool) {
	if wipe {
		var room [lightDepth]byte
		wiped(room[:])
	}
}

//go:noinline
func heavyRoom(wipe bool) {
	if wipe {
		var room [heavyDepth]byte
		wiped(room[:])
	}
}

// wiped is somebody who might look at the zeros, so that they are written.
//
//go:noinline
func wiped([]byte) {}

// overwriteFree collects what nothing refers to any more, and gives it back. It does so
// three times: crypto/... keeps what it derived from a key until a first collection has
// found the key gone and a cleanup has run, and a sync.Pool keeps all for two.
func overwriteFree() {
	for range 2 {
		cleaned := new(sync.Mutex) // and no channel: the cleanup runs outside of all that a test's clock is for
		cleaned.Lock()
		done := sync.OnceFunc(cleaned.Unlock)
		runtime.AddCleanup(new([64]byte), func(done func()) { done() }, done)
		runtime.GC()
		late := time.AfterFunc(cleanupPatience, done)
		cleaned.Lock()
		late.Stop()
	}
	debug.FreeOSMemory()
}

// cleanupPatience is how long a cleanup is waited for on a machine that has much else to do:
// most come at once.
const cleanupPatience = time.Second
