package wire

import (
	"bytes"
	"errors"
	"testing"
)

// TestPuTTYAnswers: the bytes are those that Pageant's own client reads.
func TestPuTTYAnswers(t *testing.T) {
	for want, m := range map[string]Message{
		"\x00\x00\x00\x05\x06\x00\x00\x00\x00": &KeyList{},
		"\x00\x00\x00\x17\x06\x00\x00\x00\x01\x00\x00\x00\x01b\x00\x00\x00\x01c\x00\x00\x00\x04\x00\x00\x00\x03": &KeyList{
			[]ListedKey{{Identity{[]byte("b"), "c"}, FlagHasFile | FlagIsClosed}}},
		"\x00\x00\x00\x05\x06\x00\x00\x00\x07": &OpenKeys{7},
	} {
		if got := Encode(m); string(got) != want {
			t.Errorf("%#v: %q, want %q", m, got, want)
		}
	}
}

func TestDecodeString(t *testing.T) {
	for contents, want := range map[string]string{"\x00\x00\x00\x02ab": "ab", "\x00\x00\x00\x00": ""} {
		if got, err := DecodeString([]byte(contents)); err != nil || !bytes.Equal(got, []byte(want)) {
			t.Errorf("%q: %q, %v", contents, got, err)
		}
	}
	for _, contents := range []string{"", "\x00\x00\x00", "\x00\x00\x00\x02a", "\x00\x00\x00\x01ab", "\xff\xff\xff\xffa"} {
		if got, err := DecodeString([]byte(contents)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: %q, %v", contents, got, err)
		}
	}
}
