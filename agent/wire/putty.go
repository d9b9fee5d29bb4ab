package wire

import (
	"encoding/binary"
	"fmt"
)

// The extensions of PuTTY's agent. No document says what they are; its sources do
// (pageant.c, pageant.h, the same from 0.77 to 0.85). Where they succeed the answer
// begins with the number of Success.
const (
	ExtensionAddPPK       = "add-ppk" + ofPuTTY       // string: a whole .ppk file
	ExtensionReencrypt    = "reencrypt" + ofPuTTY     // string: a public blob
	ExtensionReencryptAll = "reencrypt-all" + ofPuTTY // nothing; answered by OpenKeys
	ExtensionListExtended = "list-extended" + ofPuTTY // nothing; answered by KeyList

	ofPuTTY = "@putty.projects.tartarus.org"
)

// Flags of a ListedKey.
const (
	FlagHasFile  uint32 = 1 // it can be closed, and opened again with a passphrase
	FlagIsClosed uint32 = 2 // its private half is not in memory
)

// KeyList is IdentitiesAnswer with flags.
type KeyList struct{ Keys []ListedKey }

// ListedKey is one row of a KeyList.
type ListedKey struct {
	Identity
	Flags uint32
}

// OpenKeys says how many keys could not be closed.
type OpenKeys struct{ Count uint32 }

func (m *KeyList) append(dst []byte) []byte {
	dst = append(dst, byte(TypeSuccess))
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(m.Keys)))
	for _, k := range m.Keys {
		dst = appendBytes(dst, k.Blob)
		dst = appendBytes(dst, k.Comment)
		dst = appendBytes(dst, binary.BigEndian.AppendUint32(nil, k.Flags)) // a string, so that more can follow in it
	}
	return dst
}

func (m *OpenKeys) append(dst []byte) []byte {
	return binary.BigEndian.AppendUint32(append(dst, byte(TypeSuccess)), m.Count)
}

// DecodeString reads the contents of an extension that has one string. The error
// wraps ErrMalformed.
func DecodeString(contents []byte) ([]byte, error) {
	c := &cursor{rest: contents}
	s := c.bytes()
	if c.bad || len(c.rest) > 0 {
		return nil, fmt.Errorf("extension: %w", ErrMalformed)
	}
	return s, nil
}
