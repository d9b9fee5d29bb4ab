package hostsetup

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"kagiban/hostsetup/remote"
	"kagiban/hostsetup/sshd"
)

// TestUnsettledChange: a change that is not over stands in the way, and where its undo waits for something that is told.
func TestUnsettledChange(t *testing.T) {
	for said, want := range map[string]Problem{
		"pending":                    problem("change-pending", "state", "pending"),
		"undoing: sshd refuses: a b": problem("undo-waiting", "why", "sshd refuses: a b"),
	} {
		a, err := remote.Parse(remote.Inspect, "ab", []byte("KGab sound 0\nKGab pending "+said+"\nKGab done 0\n"))
		if err != nil {
			t.Fatal(err)
		}
		f := &facts{files: []sshd.File{{Path: sshd.Config}}}
		if found := f.obstacles(a); len(found) != 1 || found[0].String() != want.String() {
			t.Errorf("%s: %v, want %v", said, found, want)
		}
	}
}

// TestInterruptedCommand: who interrupts a command is told so, and not of a link that broke.
func TestInterruptedCommand(t *testing.T) {
	cut := fmt.Errorf("look: %w", remote.ErrCutOff)
	ctx, cancel := context.WithCancel(context.Background())
	if _, err := (&setup{}).fail(ctx, cut); !errors.Is(err, ErrCutOff) {
		t.Error(err)
	}
	cancel()
	if r, err := (&setup{}).fail(ctx, cut); !errors.Is(err, context.Canceled) || errors.Is(err, ErrCutOff) || r.Verdict != Failed {
		t.Errorf("%+v, %v", r, err)
	}
}
