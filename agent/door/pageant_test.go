package door

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
)

// TestPageantPipe: with a protection that changes nothing the name is one that was read off a real Pageant where that is so.
func TestPageantPipe(t *testing.T) {
	const want = `\\.\pipe\pageant.alice.2e9e7389b30cd8240bf15518e9a228d6537dc38d64b2070a189ca2fe5452d492`
	plain := func(block []byte) {
		if string(block) != "Pageant\x00\x00\x00\x00\x00\x00\x00\x00\x00" {
			t.Errorf("to be protected: %q", block)
		}
	}
	if got := pageantPipe("alice", plain); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	turned := func(block []byte) { block[15] ^= 1 }
	if got := pageantPipe("alice", turned); got == want || len(got) != len(want) {
		t.Errorf("%s: what was protected does not count", got)
	}
}

func TestUserOf(t *testing.T) {
	for principal, want := range map[string]string{
		"alice@example.com": "alice", "alice": "alice", "a@b@c": "a", "": "", "@x": "", "Jürgen Müller@x": "Jürgen Müller",
	} {
		if got := userOf(principal); got != want {
			t.Errorf("%q is %q, want %q", principal, got, want)
		}
	}
}

func TestPrivateTo(t *testing.T) {
	if got := privateTo("S-1-5-21-1-2-3-1001"); got != "O:S-1-5-21-1-2-3-1001D:P(A;;GRGW;;;S-1-5-21-1-2-3-1001)" {
		t.Error(got)
	}
}

func TestMappingName(t *testing.T) {
	tests := []struct {
		id   uintptr
		data string
		want string
		err  error
	}{
		{copyDataID, "PageantRequest00000010\x00", "PageantRequest00000010", nil},
		{copyDataID, "\x00", "", nil},
		{copyDataID, "short\x00long\x00", "short", nil}, // as C reads it
		{1, "PageantRequest00000010\x00", "", errNotForUs},
		{copyDataID, "PageantRequest00000010", "", errNoMapping},
		{copyDataID, "", "", errNoMapping},
		{copyDataID, strings.Repeat("x", 255) + "\x00", strings.Repeat("x", 255), nil},
		{copyDataID, strings.Repeat("x", 256) + "\x00", "", errNoMapping},
	}
	for _, tt := range tests {
		if got, err := mappingName(tt.id, []byte(tt.data)); got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%x, %q: %q, %v", tt.id, tt.data, got, err)
		}
	}
}

func TestAskingThread(t *testing.T) {
	for name, want := range map[string]uint32{
		"PageantRequest00001a2b": 0x1a2b, "PageantRequestffffffff": 0xffffffff,
		"PageantRequest": 0, "PageantRequest1ffffffff": 0, "PageantRequest-1": 0, "pageantrequest0000001": 0, "": 0,
	} {
		if got := askingThread(name); got != want {
			t.Errorf("%q: %x, want %x", name, got, want)
		}
	}
}

func TestRequestInMemory(t *testing.T) {
	whole := make([]byte, maxMessage+4096)
	binary.BigEndian.PutUint32(whole, maxMessage-4)
	tooLong := bytes.Clone(whole)
	binary.BigEndian.PutUint32(tooLong, maxMessage-3)
	tests := map[string]struct {
		memory string
		want   int // bytes with the length; 0: none
	}{
		"a list":                {"\x00\x00\x00\x01\x0b\x00\x00\x00", 5},
		"all of it":             {"\x00\x00\x00\x04abcd", 8},
		"one too many":          {"\x00\x00\x00\x05abcd", 0},
		"far too many":          {"\xff\xff\xff\xffabcd", 0},
		"nothing":               {"\x00\x00\x00\x00abcd", 0},
		"no room for a length":  {"\x00\x00\x00", 0},
		"no memory":             {"", 0},
		"the longest":           {string(whole), maxMessage},
		"longer than a message": {string(tooLong), 0},
	}
	for name, tt := range tests {
		memory := []byte(tt.memory)
		got := requestIn(memory)
		if len(got) != tt.want || tt.want > 0 && !bytes.Equal(got, memory[:tt.want]) {
			t.Errorf("%s: %d bytes, want %d", name, len(got), tt.want)
		}
		clear(memory)
		if tt.want > 0 && binary.BigEndian.Uint32(got) != uint32(tt.want-4) {
			t.Errorf("%s: what was taken changes with the memory", name)
		}
	}
}

func TestAnswerInMemory(t *testing.T) {
	for name, tt := range map[string]struct {
		memory int
		answer string
		want   string
	}{
		"fits":         {8, "\x00\x00\x00\x02\x06x", "\x00\x00\x00\x02\x06x"},
		"just fits":    {5, "\x00\x00\x00\x01\x06", "\x00\x00\x00\x01\x06"},
		"too long":     {5, "\x00\x00\x00\x02\x06x", "\x00\x00\x00\x01\x05"},
		"none":         {5, "", "\x00\x00\x00\x01\x05"},
		"no room":      {4, "\x00\x00\x00\x01\x06", ""},
		"no room, nil": {4, "", ""},
	} {
		memory := make([]byte, tt.memory)
		ok := answerIn(memory, []byte(tt.answer))
		if ok != (tt.want != "") || !bytes.HasPrefix(memory, []byte(tt.want)) {
			t.Errorf("%s: %v, %q", name, ok, memory)
		}
	}
}

// FuzzWindowMessage: whatever a message says and whatever stands in the memory, what is taken is one whole frame that was there, and
// what is put back is one, too.
func FuzzWindowMessage(f *testing.F) {
	f.Add(uint32(copyDataID), []byte("PageantRequest00000010\x00"), []byte("\x00\x00\x00\x01\x0b\x00\x00\x00"), []byte("\x00\x00\x00\x01\x06"))
	f.Add(uint32(1), []byte("x"), []byte("\xff\xff\xff\xff"), []byte{})
	f.Add(uint32(copyDataID), []byte{}, []byte("\x00\x00\x00\x00\x00"), make([]byte, 100))
	f.Fuzz(func(t *testing.T, id uint32, said, memory, answer []byte) {
		if name, err := mappingName(uintptr(id), said); err == nil && (strings.IndexByte(name, 0) >= 0 || len(name) >= maxMappingName) {
			t.Errorf("a name that is none: %q", name)
		}
		before := bytes.Clone(memory)
		if r := requestIn(memory); r != nil && (len(r) < 5 || !bytes.HasPrefix(before, r) || binary.BigEndian.Uint32(r) != uint32(len(r)-4)) {
			t.Errorf("a request that is none: %q", r)
		}
		if !bytes.Equal(memory, before) {
			t.Error("reading changed the memory")
		}
		if answerIn(memory, answer) != (len(memory) >= 5 || len(answer) > 0 && len(answer) <= len(memory)) {
			t.Errorf("room for %d in %d", len(answer), len(memory))
		}
	})
}
