//go:build unix

package helper

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"kagiban/agent/wire"
)

// fakeVar has this test's own program play ssh-sk-helper: it speaks its protocol,
// and holds a key in place of a device. What it is to do stands in the value.
const fakeVar = "FAKE_SK_HELPER"

// fakePIN is not told to it by the environment.
const fakePIN = "0815"

func TestMain(m *testing.M) {
	if what, ok := os.LookupEnv(fakeVar); ok {
		if what == "linger" {
			_, _ = io.Copy(io.Discard, os.Stdin)
		} else if raw, ok := strings.CutPrefix(what, "raw:"); ok {
			fakeAnswer(raw)
		} else {
			fakeHelper(what)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// fakeKey is what the "device" signs with.
func fakeKey() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
}

const fakeType = "sk-ssh-ed25519@openssh.com"

func fakePrivate() []byte {
	b := appendString(nil, fakeType)
	b = appendString(b, fakeKey().Public().(ed25519.PublicKey))
	b = appendString(b, "ssh:")
	b = append(b, 1)
	b = appendString(b, "handle")
	return appendString(b, "")
}

func fakeHelper(what string) {
	_, _ = os.Stderr.WriteString("this is a fake ssh-sk-helper\n")
	frame, err := wire.NewReader(os.Stdin).Next()
	if err != nil {
		os.Exit(3)
	}
	var request struct {
		Version   byte
		Kind      uint32
		LogToErr  bool
		Level     uint32
		Key       []byte
		Provider  string
		Data      []byte
		Algorithm string
		Compat    uint32
		PIN       string
	}
	if err := ssh.Unmarshal(frame, &request); err != nil || request.Version != skVersion || request.Kind != skSign ||
		!bytes.Equal(request.Key, fakePrivate()) || request.Provider != Internal {
		_, _ = os.Stderr.WriteString("a request that is not as it should be\n")
		os.Exit(4)
	}
	environment := strings.Join(os.Environ(), "\n")
	switch {
	case strings.Contains(environment, fakePIN) || strings.Contains(strings.Join(os.Args, " "), fakePIN):
		os.Exit(5)
	case strings.Contains(request.PIN, "\x00"): // OpenSSH's does the same
		os.Exit(8)
	case what == "hang":
		<-time.After(24 * time.Hour) // or until it is killed
	case what == "orphan": // who holds the pipe after its end
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), fakeVar+"=linger")
		child.Stdin, child.Stdout, child.Stderr = os.Stdin, os.Stdout, os.Stderr
		if child.Start() != nil {
			os.Exit(7)
		}
	case what == "pin" && request.PIN != fakePIN:
		answer(binary.BigEndian.AppendUint32([]byte{skVersion, 0, 0, 0, skError}, errWrongPassphrase))
	case what == "ok" || what == "pin":
		answer(appendString([]byte{skVersion, 0, 0, 0, skSign}, fakeSignature(request.Data)))
	}
}

// fakeAnswer answers whatever it is asked with what it was told to say.
func fakeAnswer(what string) {
	if _, err := wire.NewReader(os.Stdin).Next(); err != nil {
		os.Exit(3)
	}
	said, err := hex.DecodeString(what)
	if err != nil {
		os.Exit(6)
	}
	_, _ = os.Stdout.Write(said)
}

func answer(b []byte) { _, _ = os.Stdout.Write(appendString(nil, b)) }

// fakeSignature is made as PROTOCOL.u2f has it.
func fakeSignature(data []byte) []byte {
	app, message := sha256.Sum256([]byte("ssh:")), sha256.Sum256(data)
	signed := append(app[:], 1, 0, 0, 0, 9)
	signed = append(signed, message[:]...)
	b := appendString(nil, fakeType)
	b = appendString(b, ed25519.Sign(fakeKey(), signed))
	return append(b, 1, 0, 0, 0, 9)
}

func fake(t *testing.T, what string) *Hardware {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return New(Options{SKHelper: self, PKCS11Helper: self, Allowed: []string{"/*"}, Env: append(cleanEnv(os.Environ()), "GORACE=atexit_sleep_ms=0", fakeVar+"="+what), Patience: time.Minute})
}

func TestSignFIDO(t *testing.T) {
	data := make([]byte, 1000)
	rand.Read(data)
	encoded, err := fake(t, "ok").SignFIDO(t.Context(), "Internal", fakePrivate(), data, nil)
	if err != nil {
		t.Fatal(err)
	}
	wantFIDO(t, encoded, data)
}

func wantFIDO(t *testing.T, encoded, data []byte) {
	t.Helper()
	blob := appendString(nil, fakeType)
	blob = appendString(blob, fakeKey().Public().(ed25519.PublicKey))
	public, err := ssh.ParsePublicKey(appendString(blob, "ssh:"))
	if err != nil {
		t.Fatal(err)
	}
	var signature ssh.Signature
	if err := ssh.Unmarshal(encoded, &signature); err != nil {
		t.Fatal(err)
	}
	if err := public.Verify(data, &signature); err != nil {
		t.Error(err)
	}
}

func TestSignFIDOWithPIN(t *testing.T) {
	h := fake(t, "pin")
	for _, wrong := range []string{"", "4711", fakePIN + "\x00"} {
		if _, err := h.SignFIDO(t.Context(), Internal, fakePrivate(), nil, []byte(wrong)); !errors.Is(err, ErrNeedPIN) {
			t.Errorf("PIN %q: %v", wrong, err)
		}
	}
	encoded, err := h.SignFIDO(t.Context(), Internal, fakePrivate(), nil, []byte(fakePIN))
	if err != nil {
		t.Fatal(err)
	}
	wantFIDO(t, encoded, nil)
}

// TestFIDOHelperHangs: who gives up gets the reason, and the helper is ended.
func TestFIDOHelperHangs(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("the client has gone")
	time.AfterFunc(100*time.Millisecond, func() { cancel(why) })
	if _, err := fake(t, "hang").SignFIDO(ctx, Internal, fakePrivate(), nil, nil); !errors.Is(err, why) {
		t.Error(err)
	}
	h := fake(t, "hang")
	h.patience = 100 * time.Millisecond
	if _, err := h.SignFIDO(t.Context(), Internal, fakePrivate(), nil, nil); !errors.Is(err, errGone) {
		t.Error(err)
	}
}

// TestEndedHelperIsGone: it is killed, and not asked.
func TestEndedHelperIsGone(t *testing.T) {
	h := fake(t, "hang")
	p, err := start(h.sk, h.env)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.in.Write(skRequest(Internal, fakePrivate(), nil, nil)); err != nil {
		t.Fatal(err)
	}
	p.end()
	wantGone(t, p)
}

// TestHelperLeavesAChild: a helper that has ended is not waited for, though another
// process could still write where it wrote.
func TestHelperLeavesAChild(t *testing.T) {
	if _, err := fake(t, "orphan").SignFIDO(t.Context(), Internal, fakePrivate(), nil, nil); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
}

// TestBadFIDOAnswers: each is an error, and none is waited for.
func TestBadFIDOAnswers(t *testing.T) {
	good := appendString([]byte{skVersion, 0, 0, 0, skSign}, fakeSignature(nil))
	other := appendString([]byte{skVersion, 0, 0, 0, skSign}, appendString(appendString(nil, "ssh-ed25519"), "x"))
	for name, what := range map[string]string{
		"nothing":             "",
		"a length alone":      "\x00\x00\x00\x09",
		"no bytes":            "\x00\x00\x00\x00",
		"too many bytes":      "\xff\xff\xff\xff",
		"one byte":            whole([]byte{skVersion}),
		"half of it":          whole(good)[:len(good)/2],
		"cut short":           whole(good[:len(good)-1]),
		"bytes after it":      whole(append(bytes.Clone(good), 1)),
		"another version":     whole(append([]byte{skVersion + 1}, good[1:]...)),
		"another kind":        whole(append([]byte{skVersion, 0, 0, 0, 2}, good[5:]...)),
		"an empty signature":  whole(appendString([]byte{skVersion, 0, 0, 0, skSign}, "")),
		"of another kind":     whole(other),
		"an error, no number": whole([]byte{skVersion, 0, 0, 0, skError}),
		"an unknown error":    whole([]byte{skVersion, 0, 0, 0, skError, 0, 0, 0, 4}),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := fake(t, "raw:"+hex.EncodeToString([]byte(what))).SignFIDO(t.Context(), Internal, fakePrivate(), nil, nil)
			if err == nil || errors.Is(err, ErrNeedPIN) {
				t.Error(err)
			}
		})
	}
}

func FuzzSKAnswer(f *testing.F) {
	f.Add(appendString([]byte{skVersion, 0, 0, 0, skSign}, fakeSignature(nil)))
	f.Add([]byte{skVersion, 0, 0, 0, skError, 0, 0, 0, 43})
	f.Fuzz(func(t *testing.T, b []byte) {
		signature, err := skAnswer(b, fakeType)
		if (err == nil) != (signature != nil) {
			t.Errorf("%q: signature %q, error %v", b, signature, err)
		}
	})
}
