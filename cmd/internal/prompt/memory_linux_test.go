package prompt

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"unsafe"
)

// The answer lies in memory in two pieces, but where it was read to.
const half, otherHalf = "kagibanFirstHalf", "kagibanOtherHalf"

// answersInMemory counts them in all that this process may write to.
func answersInMemory(t *testing.T) (found int) {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	memory, err := os.Open("/proc/self/mem")
	if err != nil {
		t.Fatal(err)
	}
	defer memory.Close()
	piece := make([]byte, 1<<20)
	defer clear(piece)
	own := uint64(uintptr(unsafe.Pointer(&piece[0])))
	for lines := bufio.NewScanner(bytes.NewReader(maps)); lines.Scan(); {
		var from, to uint64
		var mode string
		if _, err := fmt.Sscanf(lines.Text(), "%x-%x %s", &from, &to, &mode); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(mode, "rw") || to-from > 1<<30 { // what the race detector keeps has no end
			continue
		}
		for at := from; at < to; at += uint64(len(piece) - len(half+otherHalf) + 1) { // one may lie across an end
			n, _ := memory.ReadAt(piece[:min(uint64(len(piece)), to-at)], int64(at)) // it may be gone again
			for i := 0; ; {
				next := bytes.Index(piece[i:n], []byte(half))
				if next < 0 {
					break
				}
				i += next + len(half)
				where := at + uint64(i)
				if bytes.HasPrefix(piece[i:n], []byte(otherHalf)) && (where < own || where >= own+uint64(len(piece))) {
					found++
				}
			}
		}
	}
	return found
}

// TestAnswerLiesInOnePlace, which its reader clears: what a program answers goes through no other memory of this process.
func TestAnswerLiesInOnePlace(t *testing.T) {
	say := fmt.Sprintf("printf %%s%%s %s %s", half, otherHalf)
	for name, ask := range map[string]func(context.Context) ([]byte, error){
		"askpass": func(ctx context.Context) ([]byte, error) {
			return prompter(map[string]string{"SSH_ASKPASS": script(t, say), "SSH_ASKPASS_REQUIRE": "force"}).Secret(ctx, "?")
		},
		"command": func(ctx context.Context) ([]byte, error) {
			return Source{Command: say}.Read(ctx, nil, io.Discard)
		},
	} {
		answer, err := ask(t.Context())
		if err != nil || len(answer) != len(half+otherHalf) {
			t.Fatalf("%s: %d bytes, %v", name, len(answer), err)
		}
		before := answersInMemory(t)
		clear(answer)
		if after := answersInMemory(t); before != 1 || after != 0 {
			t.Errorf("%s: the answer lies in %d places, and in %d when it was cleared", name, before, after)
		}
	}
}
