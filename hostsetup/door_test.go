package hostsetup

import (
	"cmp"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kagiban/hostsetup/authkeys"
	"kagiban/hostsetup/remote"
	"kagiban/hostsetup/sshd"
	"kagiban/scripts/ground"
)

func TestSoftware(t *testing.T) {
	for version, want := range map[string]string{
		"SSH-2.0-OpenSSH_9.2p1 Debian-2": openSSH, "SSH-2.0-dropbear_2022.83": "dropbear", "SSH-2.0-tinyssh_20230101": "tinyssh",
		"SSH-2.0-tinyssh_noversion abc": "tinyssh", "SSH-1.99-Cisco-1.25": "Cisco", "SSH-2.0-\x1b[31mx": "another server", "SSH-2.0-": "another server", "": "another server",
	} {
		if got := software([]byte(version)); got != want {
			t.Errorf("%q is %q, want %q", version, got, want)
		}
	}
}

func TestForced(t *testing.T) {
	for _, c := range []struct {
		status int
		text   string
		why    Forced
		output string
	}{
		{1, "This account is currently not available.\n", ForcedNoShell, "This account is currently not available."},
		{1, "\n", ForcedNoShell, ""},
		{127, "\nrbash: line 1: sh: command not found", ForcedNoShell, "rbash: line 1: sh: command not found"},
		{0, "hello\x1b[31m there\r\nand more", ForcedSomehow, "hello[31m there"},
		{0, "", ForcedSomehow, ""},
		{1, "WARNING: Your password has expired.\nPassword change required but no TTY available.", ForcedExpired, "WARNING: Your password has expired."},
		{1, strings.Repeat("ü", 200), ForcedSomehow, strings.Repeat("ü", 77) + "..."},
	} {
		got := forced(Target{Name: "vps", User: "me"}, &cutOff{remote.ErrCutOff, c.status, c.text})
		if got.Why != c.why || got.Output != c.output || got.Status != c.status {
			t.Errorf("%q: %+v", c.text, got)
		}
	}
}

// TestStuck: each reason is told apart.
func TestStuck(t *testing.T) {
	all := stuck("me", []string{"readonly / /etc/ssh", "readonly-here /home /home/me", "fixed /home/me/.ssh/authorized_keys", "full /run /run", "denied /home/me/.ssh", "word of tomorrow"})
	var found []string
	for _, p := range all {
		found = append(found, p.String())
	}
	want := `read-only folder="/etc/ssh" how="remount,rw" mount="/"
read-only folder="/home/me" how="remount,bind,rw" mount="/home"
immutable path="/home/me/.ssh/authorized_keys" quoted="'/home/me/.ssh/authorized_keys'"
disk-full folder="/run" mount="/run"
not-writable path="/home/me/.ssh" quoted="'/home/me/.ssh'" user="me"`
	if got := strings.Join(found, "\n"); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// TestLine: how a connection began, and who ended it.
func TestLine(t *testing.T) {
	for _, c := range []struct {
		name, said, greeting string
		close, hungUp        bool
	}{
		{"sent away", "Exceeded MaxStartups\r\n", "Exceeded MaxStartups", true, true},
		{"an SSH server", "SSH-2.0-x\r\n", "", true, true},
		{"an SSH server that says something first", "hello\nSSH-2.0-x\r\n", "", true, true},
		{"silence", "", "", true, true},
		{"too slow", "", "", false, false},
	} {
		here, there := net.Pipe()
		l := &line{Conn: here, heard: new(atomic.Int64)}
		go func() {
			_, _ = there.Write([]byte(c.said))
			if c.close {
				_ = there.Close()
			}
		}()
		_ = l.SetDeadline(time.Now().Add(50 * time.Millisecond))
		buffer := make([]byte, 1)
		for l.ended() == nil {
			_, _ = l.Read(buffer)
		}
		if l.greeting() != c.greeting || l.hungUp() != c.hungUp {
			t.Errorf("%s: %q, hung up %v (%v)", c.name, l.greeting(), l.hungUp(), l.ended())
		}
	}
}

// TestTalkAfterNoise: however much a login shell has printed before, the question behind it is heard, and the noise is gone.
func TestTalkAfterNoise(t *testing.T) {
	w := way{name: "sudo"}
	noise := &talk{begins: begins("KG1"), asks: w.question("KG1"), asked: make(chan string, 8)}
	for range 10000 {
		_, _ = noise.Write([]byte("welcome, friend\n"))
	}
	if len(noise.heard) > complaintLimit {
		t.Errorf("%d bytes of noise are kept", len(noise.heard))
	}
	for _, part := range []string{"KG1-beg", "ins\nKG1-password-of-", "me:"} {
		_, _ = noise.Write([]byte(part))
	}
	select {
	case whose := <-noise.asked:
		if whose != "me" || noise.text() != "" {
			t.Errorf("asked for %q, and %q is left", whose, noise.text())
		}
	default:
		t.Error("the question was not heard")
	}
}

// TestKeysElsewhere: the command that puts the key where sshd looks, whatever is there already.
func TestKeysElsewhere(t *testing.T) {
	key := ground.Signer(t)
	for _, c := range []struct{ name, files, there, want string }{
		{"an empty place", "/etc/ssh/keys/%u", "", `%s\n`},
		{"a file", "/etc/ssh/keys/%u .keys", "ssh-rsa A\n", `%s\n`},
		{"a file without a last newline", "/etc/ssh/keys/%u", "ssh-rsa A", `\n%s\n`},
		{"nowhere", "none", "", ""},
		{"nowhere, and sshd -T does not tell", "", "", ""},
	} {
		f := keyOnlyServer()
		f.files = append(f.files, sshd.File{Path: "/etc/ssh/sshd_config.d/60.conf", Text: "# x\nAuthorizedKeysFile " + cmp.Or(c.files, "none") + "\n"})
		f.effective["owner"] = sshd.ParseEffective("PubkeyAuthentication yes\nAuthorizedKeysFile " + c.files) // 10.6 has no such line for none
		if c.there != "" {
			f.elsewhere = []sshd.File{{Path: "/etc/ssh/keys/owner", Text: c.there}}
		}
		_, err := f.plan(&Options{Key: key, Target: Target{User: "owner", Name: "vps"}}, "sudo", nil, nil)
		var blocked *BlockedError
		if !errors.As(err, &blocked) {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		p := blocked.Problems[0]
		if p.About["text"] != c.want || !strings.HasPrefix(p.About["where"], "/etc/ssh/sshd_config.d/60.conf:2 has AuthorizedKeysFile") || c.want != "" &&
			(p.About["to"] != "/etc/ssh/keys/owner" || p.About["key"] != "'"+authkeys.Format(key.PublicKey(), "")+"'") {
			t.Errorf("%s: %s", c.name, p)
		}
	}
}
