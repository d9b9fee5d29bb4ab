package agent

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"os"
	"os/exec"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"golang.org/x/crypto/ssh"

	"kagiban/agent/wire"
)

// countFree has a give back nothing, and counts how often it would.
func countFree(a *Agent) *atomic.Int32 {
	n := new(atomic.Int32)
	a.memory.free = func() { n.Add(1) }
	return n
}

// TestALockWaitsForWhatIsUnderWay before it has the memory overwritten; and what is
// opened before a lock and ready after it is not kept.
func TestALockWaitsForWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newFakeKey(t, "work")
		k.opened, k.gate = make(chan struct{}), make(chan struct{})
		a := New(Options{Source: sourceOf(k)})
		freed := countFree(a)
		unlocked, locked := make(chan error, 1), make(chan error, 1)
		go func() { unlocked <- a.Unlock("work", []byte("right"), Terms{}) }()
		<-k.opened
		go func() { locked <- a.Lock() }()
		synctest.Wait()
		if len(locked) != 0 || freed.Load() != 0 {
			t.Error("the lock is done while a key is being opened")
		}
		close(k.gate)
		if err := <-locked; err != nil {
			t.Error(err)
		}
		if err := <-unlocked; err == nil || inMemory(a) != 0 {
			t.Errorf("what was opened before the lock was kept after it (error %v)", err)
		}
		if freed.Load() != 1 {
			t.Errorf("the memory was overwritten %d times, want once", freed.Load())
		}
	})
}

func TestALockThatCannotWaitIsFollowedByAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := New(Options{})
		freed := countFree(a)
		gate := make(chan struct{})
		go a.memory.aside(false, func() { <-gate })
		synctest.Wait()
		begin := time.Now()
		a.Lock()
		if took := time.Since(begin); took != wipePatience || freed.Load() != 1 {
			t.Errorf("the lock took %v, and memory was overwritten %d times", took, freed.Load())
		}
		time.Sleep(time.Hour)
		if freed.Load() != 1 {
			t.Error("overwritten again while it is under way")
		}
		close(gate)
		time.Sleep(2 * soon)
		if freed.Load() != 2 {
			t.Error("what a lock did not wait for was never overwritten")
		}
	})
}

// TestNobodyPutsOffAWipe by giving cause for another one again and again.
func TestNobodyPutsOffAWipe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := New(Options{})
		freed := countFree(a)
		c := connect(t, a)
		for range 20 {
			wantSuccess(t, c.call(added(t, newEd25519(t), "key")))
			wantSuccess(t, c.call(&wire.RemoveAll{}))
			time.Sleep(soon / 2)
		}
		synctest.Wait()
		if n := freed.Load(); n < 5 || n > 11 {
			t.Errorf("in ten seconds memory was overwritten %d times, want once a second or two", n)
		}
	})
}

// TestARemovalWaitsForWhatIsUnderWay, as a lock does, before it has the memory overwritten.
func TestARemovalWaitsForWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := New(Options{})
		freed := countFree(a)
		gate := make(chan struct{})
		go a.memory.aside(false, func() { <-gate })
		wantSuccess(t, connect(t, a).call(&wire.RemoveAll{}))
		time.Sleep(2 * soon)
		if freed.Load() != 0 {
			t.Error("overwritten while it is under way")
		}
		close(gate)
		synctest.Wait()
		if freed.Load() != 1 {
			t.Errorf("overwritten %d times, want once", freed.Load())
		}
	})
}

func TestAPanicAsideIsTheCallers(t *testing.T) {
	a := New(Options{})
	said := new(strings.Builder)
	func() {
		defer func() { said.WriteString(recover().(string)) }()
		a.memory.aside(false, func() { panic("a mistake") })
	}()
	if said.String() != "a mistake" || len(a.memory.secret) != 0 {
		t.Errorf("the caller heard %q; %d are under way", said, len(a.memory.secret))
	}
}

// TestAPublicHalfKeepsNoPrivateOne: an entry has it while its key is locked.
func TestAPublicHalfKeepsNoPrivateOne(t *testing.T) {
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, private := range []crypto.Signer{curve, testRSA()} {
		s, err := newSigner(private)
		if err != nil {
			t.Fatal(err)
		}
		if s.public.(ssh.CryptoPublicKey).CryptoPublicKey() == s.private.(crypto.Signer).Public() {
			t.Errorf("%T: the public half is a part of the private one", private)
		}
	}
}

// TestTheStackIsWipedDeepEnough: as deep as anything with a secret in hand goes. It has a process of its own, where no agent of another test
// collects and moves the stack to where nothing is painted.
func TestTheStackIsWipedDeepEnough(t *testing.T) {
	if os.Getenv("GODEBUG") != Wiping {
		alone := exec.Command(os.Args[0], "-test.run=^TestTheStackIsWipedDeepEnough$")
		alone.Env = append(os.Environ(), "GODEBUG="+Wiping)
		if said, err := alone.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, said)
		}
		return
	}
	keys := map[string]any{"ed25519": newFakeKey(t, "").private, "rsa": testRSA()}
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		keys[curve.Params().Name] = key
	}
	for name, key := range keys {
		s, err := newSigner(key)
		if err != nil {
			t.Fatal(err)
		}
		wiped := lightDepth
		if s.heavy {
			wiped = heavyDepth
		}
		for what, do := range map[string]func(){
			"sign": func() { _, _ = s.sign([]byte("anything"), s.algorithm(0, false)) },
			"add":  func() { _, _ = newSigner(key) },
		} {
			if n := depthOf(do); n == 0 || n > wiped-2048 {
				t.Errorf("%s with %s takes %d bytes of the stack, and %d are wiped", what, name, n, wiped)
			}
		}
	}
}

const (
	paintDepth   = 120 << 10 // more would lie on the heap
	paintedDepth = paintDepth * 3 / 4
)

// depthOf is how many bytes of its stack f uses, but those that it leaves as they were.
func depthOf(f func()) int {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	done := make(chan int)
	go func() {
		paint()
		f()
		done <- unpainted()
	}()
	return <-done
}

//go:noinline
func paint() {
	var room [paintDepth]byte
	for i := range room {
		room[i] = 0xa5
	}
	wiped(room[:])
}

// unpainted looks at the stack below itself, where paint was.
//
//go:noinline
//go:nocheckptr
func unpainted() int {
	var here byte
	for depth := paintedDepth; depth > 0; depth-- {
		if *(*byte)(unsafe.Add(unsafe.Pointer(&here), -depth)) != 0xa5 {
			return depth
		}
	}
	return 0
}
