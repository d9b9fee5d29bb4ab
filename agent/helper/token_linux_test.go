package helper

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"kagiban/agent/wire"
)

const (
	softhsm = "/usr/lib/softhsm/libsofthsm2.so"
	testPIN = "4711"
)

// newToken makes a token of SoftHSM with an RSA key, three of ECDSA, and no more.
func newToken(t *testing.T) (env []string) {
	t.Helper()
	dir := t.TempDir()
	conf := filepath.Join(dir, "softhsm2.conf")
	if err := os.WriteFile(conf, []byte("directories.tokendir = "+dir+"\nobjectstore.backend = file\nlog.level = ERROR\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env = append(cleanEnv(os.Environ()), "SOFTHSM2_CONF="+conf)
	run := func(name string, args ...string) {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Env = env
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s %q: %v\n%s", name, args, err, out)
		}
	}
	run("softhsm2-util", "--init-token", "--free", "--label", "kagiban", "--pin", testPIN, "--so-pin", "12345678")
	for i, kind := range []string{"rsa:2048", "EC:prime256v1", "EC:secp384r1", "EC:secp521r1"} {
		id := string(rune('1' + i))
		run("pkcs11-tool", "--module", softhsm, "--login", "--pin", testPIN, "--keypairgen", "--key-type", kind,
			"--id", "0"+id, "--label", "key "+id, "--usage-sign")
	}
	return env
}

func openToken(t *testing.T, h *Hardware, pin string) *Token {
	t.Helper()
	token, err := h.OpenToken(t.Context(), softhsm, []byte(pin))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		token.Close()
		wantGone(t, token.process)
	})
	return token
}

func wantSignature(t *testing.T, k *Key, data []byte, flags uint32, algorithm string) {
	t.Helper()
	encoded, err := k.Sign(t.Context(), data, flags)
	if err != nil {
		t.Error(err)
		return
	}
	public, err := ssh.ParsePublicKey(k.Blob())
	if err != nil {
		t.Fatal(err)
	}
	var signature ssh.Signature
	if err := ssh.Unmarshal(encoded, &signature); err != nil {
		t.Fatal(err)
	}
	if signature.Format != algorithm {
		t.Errorf("a signature of kind %q, want %q", signature.Format, algorithm)
	}
	if err := public.Verify(data, &signature); err != nil {
		t.Errorf("%s: %v", algorithm, err)
	}
}

// TestToken has all kinds of keys of a real token sign by OpenSSH's own helper.
func TestToken(t *testing.T) {
	h := New(Options{Env: newToken(t)})
	token := openToken(t, h, testPIN)
	data := bytes.Repeat([]byte("what is signed "), 100)
	seen := map[string]bool{}
	for _, k := range token.Keys() {
		kind := k.public.Type()
		seen[kind] = true
		t.Logf("%s %q, the helper signs the data themselves: %v", kind, k.Label(), k.whole)
		if kind == ssh.KeyAlgoRSA {
			wantSignature(t, k, data, 0, ssh.KeyAlgoRSASHA512)
			wantSignature(t, k, data, wire.FlagRSASHA512, ssh.KeyAlgoRSASHA512)
			wantSignature(t, k, data, wire.FlagRSASHA256, ssh.KeyAlgoRSASHA256)
			wantSignature(t, k, nil, wire.FlagRSASHA256|wire.FlagRSASHA512, ssh.KeyAlgoRSASHA256)
			continue
		}
		wantSignature(t, k, data, 0, kind)
		wantSignature(t, k, nil, wire.FlagRSASHA256, kind)
	}
	for _, kind := range []string{ssh.KeyAlgoRSA, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521} {
		if !seen[kind] {
			t.Errorf("no key of kind %s", kind)
		}
	}
	if k := token.Keys()[0]; k.Label() == "" {
		t.Error("a key has no label")
	}
}

// TestWrongPIN: no key is offered, and the helper goes.
func TestWrongPIN(t *testing.T) {
	h := New(Options{Env: newToken(t)})
	for _, pin := range []string{"0815", "", "4711\x00"} {
		token, err := h.OpenToken(t.Context(), softhsm, []byte(pin))
		if err == nil {
			token.Close()
			t.Errorf("the token opens with the PIN %q", pin)
		}
		t.Logf("PIN %q: %v", pin, err)
	}
	openToken(t, h, testPIN)
}

// TestManyAtOnce: signatures wait for one another, and each is its asker's own.
func TestManyAtOnce(t *testing.T) {
	token := openToken(t, New(Options{Env: newToken(t)}), testPIN)
	keys := token.Keys()
	done := make(chan error)
	const askers = 32
	for i := range askers {
		go func() {
			_, err := keys[i%len(keys)].Sign(t.Context(), []byte{byte(i)}, 0) // which verifies it
			done <- err
		}()
	}
	for range askers {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// TestHelperDies: signatures end in an error, those that wait too.
func TestHelperDies(t *testing.T) {
	token := openToken(t, New(Options{Env: newToken(t)}), testPIN)
	done := make(chan error)
	for _, k := range token.Keys() {
		go func() {
			for {
				if _, err := k.Sign(t.Context(), []byte("x"), 0); err != nil {
					done <- err
					return
				}
			}
		}()
	}
	if err := token.process.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for range token.Keys() {
		select {
		case err := <-done:
			if !errors.Is(err, errGone) {
				t.Error(err)
			}
		case <-time.After(time.Minute):
			t.Fatal("a signature hangs")
		}
	}
}

// TestStoppedHelper: a helper that does not answer is given up with the context, and
// ended when Patience is over.
func TestStoppedHelper(t *testing.T) {
	token := openToken(t, New(Options{Env: newToken(t)}), testPIN)
	halt(t, token.process.cmd.Process)
	k := token.Keys()[0]
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("the client has gone")
	asked := make(chan error)
	go func() {
		_, err := k.Sign(ctx, []byte("x"), 0)
		asked <- err
	}()
	cancel(why)
	if err := <-asked; !errors.Is(err, why) {
		t.Error(err)
	}
	resume(t, token.process.cmd.Process)
	wantSignature(t, k, []byte("y"), 0, algorithm(k.public.Type(), 0))

	halt(t, token.process.cmd.Process)
	token.patience = time.Millisecond
	if _, err := k.Sign(t.Context(), []byte("x"), 0); !errors.Is(err, errGone) {
		t.Error(err)
	}
	wantGone(t, token.process)
}

// TestTooMuchData: what would end the helper is not sent.
func TestTooMuchData(t *testing.T) {
	token := openToken(t, New(Options{Env: newToken(t)}), testPIN)
	for _, k := range token.Keys() {
		data := make([]byte, 1<<18)
		if k.whole {
			data = data[:9<<10]
		}
		wantSignature(t, k, data, 0, algorithm(k.public.Type(), 0))
		whole := k.whole
		k.whole = true
		if _, err := k.Sign(t.Context(), data[:cap(data)], 0); err == nil || errors.Is(err, errGone) {
			t.Error("what the helper does not take was sent to it:", err)
		}
		k.whole = whole
	}
}
