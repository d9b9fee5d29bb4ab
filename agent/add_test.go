package agent

import (
	"crypto/dsa" //lint:ignore SA1019 the keys of old servers
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ssh"

	"kagiban/agent/wire"
)

// certify makes of the message that adds a key the one that adds it with a certificate.
func certify(t testing.TB, m *wire.AddIdentity, change func(*ssh.Certificate)) *wire.AddIdentity {
	t.Helper()
	private, err := privateKey(m.Key, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &ssh.Certificate{Key: newPublic(t, private), CertType: ssh.UserCert, ValidPrincipals: []string{"me"}, ValidBefore: ssh.CertTimeInfinity}
	c.CriticalOptions = map[string]string{"force-command": "date"}
	change(c)
	if err := c.SignCert(rand.Reader, newHostKey(t).Signer); err != nil {
		t.Fatal(err)
	}
	certified := &wire.AddIdentity{Certificate: c.Marshal(), Comment: m.Comment + "-cert"}
	switch key := m.Key.(type) {
	case *wire.Ed25519Key:
		certified.Key = key
	case *wire.ECDSAKey:
		certified.Key = &wire.ECDSAKey{Curve: key.Curve, D: key.D}
	case *wire.RSAKey:
		certified.Key = &wire.RSAKey{D: key.D, IQMP: key.IQMP, P: key.P, Q: key.Q}
	case *wire.DSAKey:
		certified.Key = &wire.DSAKey{X: key.X}
	}
	return certified
}

func asIs(*ssh.Certificate) {}

func TestCertificates(t *testing.T) {
	keys := someKeys(t)
	for kind, m := range keys {
		t.Run(kind, func(t *testing.T) {
			a := New(Options{Legacy: true, LockWork: 1})
			c := connect(t, a)
			certified := certify(t, m, asIs)
			wantSuccess(t, c.call(certified))
			wantSuccess(t, c.call(m)) // the plain key is another one
			c.wantList(kind+"-cert", kind)
			if got := c.signAll(); got != 2 {
				t.Errorf("%d sign", got)
			}
			wantSuccess(t, c.call(locking))
			wantSuccess(t, c.call(unlocking))
			if got := c.signAll(); got != 2 {
				t.Errorf("%d sign after a lock", got)
			}
			wantSuccess(t, c.call(&wire.RemoveIdentity{Blob: certified.Certificate}))
			c.wantList(kind)

			broken := *certified
			broken.Certificate = append([]byte{}, certified.Certificate...)
			broken.Certificate[len(broken.Certificate)-1] ^= 1 // in its signature
			wantFailure(t, c.call(&broken))
			broken.Certificate = newHostKey(t).blob() // no certificate
			wantFailure(t, c.call(&broken))
			for other, m := range keys {
				if other != kind { // the certificate of another kind of key
					broken.Certificate = certify(t, m, asIs).Certificate
					wantFailure(t, c.call(&broken))
				}
			}
			broken.Certificate = certify(t, another(t, m), asIs).Certificate
			wantFailure(t, c.call(&broken)) // of another key
			c.wantList(kind)
		})
	}
}

// another is the message that adds another key of the same kind.
func another(t testing.TB, m *wire.AddIdentity) *wire.AddIdentity {
	t.Helper()
	private, err := privateKey(m.Key, nil)
	if err != nil {
		t.Fatal(err)
	}
	switch key := private.(type) {
	case ed25519.PrivateKey:
		return added(t, newEd25519(t), "another")
	case *ecdsa.PrivateKey:
		other, err := ecdsa.GenerateKey(key.Curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return added(t, other, "another")
	case *dsa.PrivateKey:
		return addedDSA(testDSA(), "another")
	}
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return added(t, other, "another")
}

// TestACertificateGoesWhenItHasExpired, five minutes after, and its key with it; an
// earlier lifetime ends it earlier.
func TestACertificateGoesWhenItHasExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := New(Options{})
		c := connect(t, a)
		until := func(d time.Duration) func(*ssh.Certificate) {
			return func(c *ssh.Certificate) { c.ValidBefore = uint64(time.Now().Add(d).Unix()) }
		}
		wantSuccess(t, c.call(certify(t, added(t, newEd25519(t), "hour"), until(time.Hour))))
		short := certify(t, added(t, newEd25519(t), "short"), until(time.Hour))
		minute := uint32(60)
		short.Constraints = &wire.Constraints{Lifetime: &minute}
		wantSuccess(t, c.call(short))
		wantSuccess(t, c.call(certify(t, added(t, newEd25519(t), "past"), until(-time.Minute))))                                       // it was meant so
		wantSuccess(t, c.call(certify(t, added(t, newEd25519(t), "ever"), func(c *ssh.Certificate) { c.ValidBefore = 253402300799 }))) // the end of the year 9999
		c.wantList("hour-cert", "short-cert", "past-cert", "ever-cert")
		time.Sleep(time.Minute)
		synctest.Wait()
		if inMemory(a) != 3 {
			t.Errorf("%d private halves in memory", inMemory(a))
		}
		time.Sleep(time.Hour + 4*time.Minute - time.Second) // and five minutes in all
		synctest.Wait()
		c.wantList("hour-cert", "past-cert", "ever-cert")
		time.Sleep(time.Second)
		synctest.Wait()
		if inMemory(a) != 2 {
			t.Errorf("%d private halves in memory", inMemory(a))
		}
		c.wantList("past-cert", "ever-cert")
	})
}

// TestSleepBetweenTwoKeys: by the running clock the second one ends first, by the
// others the first one.
func TestSleepBetweenTwoKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var slept atomic.Int64
		start := time.Now()
		a := New(Options{Uptime: func() time.Duration { return time.Since(start) + time.Duration(slept.Load()) }})
		c := connect(t, a)
		hour, third := uint32(3600), uint32(1200)
		first, second := added(t, newEd25519(t), "first"), added(t, newEd25519(t), "second")
		first.Constraints, second.Constraints = &wire.Constraints{Lifetime: &hour}, &wire.Constraints{Lifetime: &third}
		wantSuccess(t, c.call(first))
		slept.Store(int64(50 * time.Minute))
		wantSuccess(t, c.call(second))
		time.Sleep(10*time.Minute - time.Second)
		c.wantList("first", "second")
		time.Sleep(time.Second)
		synctest.Wait()
		if inMemory(a) != 1 {
			t.Errorf("%d private halves in memory", inMemory(a))
		}
		c.wantList("second")
	})
}

// TestTheClockThatCountsSleep ends a key although the wall's clock was set back.
func TestTheClockThatCountsSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var slept atomic.Int64
		start := time.Now()
		a := New(Options{
			Now:    func() time.Time { return start }, // stands still, as after a battery went flat
			Uptime: func() time.Duration { return time.Duration(slept.Load()) },
			Life:   time.Hour,
		})
		c := connect(t, a)
		wantSuccess(t, c.call(added(t, newEd25519(t), "work")))
		slept.Store(int64(time.Hour - 1))
		c.wantList("work")
		slept.Store(int64(time.Hour))
		time.Sleep(longestNap) // by the timer, without a request
		synctest.Wait()
		if inMemory(a) != 0 {
			t.Error("the key is still in memory")
		}
		c.wantList()
	})
}
