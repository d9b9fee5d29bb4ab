package say

import (
	"fmt"
	"testing"

	"kagiban/agent"
	"kagiban/agent/control"
	"kagiban/agent/door"
	"kagiban/vault"
)

func agentSamples() []sample {
	return []sample{
		{fmt.Errorf("%w: no such file", control.ErrNotRunning), AgentNotRunning},
		{Fail(NothingOpen, control.ErrNotRunning), NothingOpen},
		{&control.VersionError{Ours: 1, Theirs: 2}, AgentOtherVersion},
		{fmt.Errorf("unlock: %w", agent.ErrNoKey), NoKey},
		{fmt.Errorf("unlock: %w", agent.ErrAgentLocked), AgentLocked},
		{fmt.Errorf("unlock: %w", agent.ErrWrongPassphrase), WrongPassphrase},
		{agent.ErrCannotAsk, CannotAsk},
		{door.ErrUnsupported, NoAgentHere},
		{fmt.Errorf("listen at %q: %w", "/run/x", door.ErrNotSocket), NotASocket},
		{fmt.Errorf("listen at %q: %w", "/run/x", door.ErrInUse), SocketTaken},
	}
}

// TestForFile: the command that converts a file names that very file, as a shell
// reads it; NEWFILE stays what the person chooses.
func TestForFile(t *testing.T) {
	tests := []struct {
		file string
		err  error
		next string
	}{
		{"/home/me/id_rsa", &vault.CipherError{Cipher: "x", Advice: "ssh-keygen -p -f FILE"}, "ssh-keygen -p -f /home/me/id_rsa"},
		{"it's mine", &vault.CipherError{Cipher: "x", Advice: "openssl -in FILE -out NEWFILE"}, "openssl -in " + Quote("it's mine") + " -out NEWFILE"},
		{"a b.ppk", &vault.FormatError{Looks: "a PuTTY private key", Advice: "puttygen FILE -o NEWFILE"}, "puttygen " + Quote("a b.ppk") + " -o NEWFILE"},
	}
	for _, tt := range tests {
		said := ForFile(tt.file, tt.err)
		if got := fill(table()[said.ID].Next, said.Fields); got != tt.next {
			t.Errorf("%s: next is %s, want %s", tt.file, got, tt.next)
		}
	}
}
