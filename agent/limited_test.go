package agent

import (
	"testing"

	"kagiban/agent/wire"
)

// TestLimitedKeysSignForGit and what else they may, for a program of this computer alone.
func TestLimitedKeysSignForGit(t *testing.T) {
	k := newEd25519(t)
	blob := newPublic(t, k).Marshal()
	a := newHostKey(t)
	git := func(namespace string) bool { return namespace == "git" }
	sshsig := func(namespace string) []byte {
		return []byte("SSHSIG\x00\x00\x00" + string(rune(len(namespace))) + namespace + "\x00\x00\x00\x00\x00\x00\x00\x06sha512\x00\x00\x00\x01h")
	}
	broken := a.bind(t, "r", false)
	broken.Contents = broken.Contents[:len(broken.Contents)-1]
	login := (&wire.Login{SessionID: []byte("a"), User: "me", Algorithm: "ssh-ed25519", Key: blob}).Data()
	tests := []struct {
		name  string
		may   func(string) bool
		binds []*wire.Extension
		data  []byte
		signs bool
	}{
		{"git, here", git, nil, sshsig("git"), true},
		{"as in OpenSSH", nil, nil, sshsig("git"), false},
		{"another namespace", git, nil, sshsig("file"), false},
		{"not to the last byte", git, nil, append(sshsig("git"), 'x'), false},
		{"no file at all", git, nil, []byte("git"), false},
		{"a login", git, nil, login, false},
		{"bound to where it may log in", git, []*wire.Extension{a.bind(t, "a", false)}, sshsig("git"), false},
		{"from where it may log in", git, []*wire.Extension{a.bind(t, "a", true)}, sshsig("git"), false},
		{"after a bind that was refused", git, []*wire.Extension{broken}, sshsig("git"), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			agent := New(Options{LimitedFiles: test.may})
			m := added(t, k, "mine")
			m.Constraints = &wire.Constraints{Destinations: []wire.Destination{{To: limit("", "a", a)}}}
			wantSuccess(t, connect(t, agent).call(m))
			c := connect(t, agent)
			for _, b := range test.binds {
				c.call(b)
			}
			if _, got := c.call(&wire.SignRequest{Blob: blob, Data: test.data}).(*wire.SignResponse); got != test.signs {
				t.Errorf("signs: %v, want %v", got, test.signs)
			}
		})
	}
}
