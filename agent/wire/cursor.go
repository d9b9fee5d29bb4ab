package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/big"
)

// ErrMalformed says that a message does not have the shape that its type asks
// for. Errors of Decode wrap it, or ErrUnknown.
var ErrMalformed = errors.New("malformed agent message")

// maxNumberBytes bounds a big number: 16384 bits, as in OpenSSH, so that nobody
// can make us compute with a larger one.
const maxNumberBytes = 16384 / 8

// cursor reads the data types of RFC 4251 section 5 from front to back. The
// first mistake sticks: later reads give zero values, and the caller asks for
// bad once, at the end.
type cursor struct {
	rest []byte
	bad  bool
}

func (c *cursor) take(n uint32) []byte {
	if c.bad || uint64(n) > uint64(len(c.rest)) {
		c.bad = true
		return nil
	}
	taken := c.rest[:n:n]
	c.rest = c.rest[n:]
	return taken
}

func (c *cursor) byte() byte {
	if b := c.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) uint32() uint32 {
	if b := c.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

// bytes reads a string. It is never nil when it was there.
func (c *cursor) bytes() []byte { return c.take(c.uint32()) }

// string reads a string of text: a zero byte in it would end it for programs in C,
// which would then see another name than we do.
func (c *cursor) string() string {
	b := c.bytes()
	if bytes.IndexByte(b, 0) >= 0 {
		c.bad = true
		return ""
	}
	return string(b)
}

// number reads an mpint that is not negative. Leading zero bytes are let
// through, as OpenSSH does.
func (c *cursor) number() *big.Int {
	b := c.bytes()
	if len(b) > 0 && b[0]&0x80 != 0 {
		c.bad = true
	}
	for len(b) > 0 && b[0] == 0 {
		b = b[1:]
	}
	if c.bad || len(b) > maxNumberBytes {
		c.bad = true
		return nil
	}
	return new(big.Int).SetBytes(b)
}

// all takes what is left.
func (c *cursor) all() []byte { return c.take(uint32(len(c.rest))) }

func appendBytes[T []byte | string](dst []byte, b T) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(b)))
	return append(dst, b...)
}

func appendNumber(dst []byte, n *big.Int) []byte {
	size := n.BitLen()/8 + 1 // room for a clear sign bit
	if n.Sign() == 0 {
		size = 0
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(size))
	start := len(dst)
	dst = append(dst, make([]byte, size)...)
	n.FillBytes(dst[start:])
	return dst
}
