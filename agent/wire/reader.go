package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// MaxFrame is the longest message in bytes, its four bytes of length not
// counted: 256 KiB, the limit of OpenSSH's agent and client and of PuTTY's.
const MaxFrame = 256 << 10

// Errors of Reader.Next, after which the stream is of no more use.
var (
	ErrTooLong = errors.New("agent message longer than 256 KiB")
	ErrEmpty   = errors.New("agent message of no bytes")
)

const (
	smallBuffer = 512     // holds every request of a login by ed25519
	largeBuffer = 4 << 10 // is the longest that is kept
	lengthSize  = 4
)

// Reader cuts a stream into messages (RFC 9987 section 5). It reads as much as
// is there, so that a short message costs one read. It is for one goroutine.
type Reader struct {
	src        io.Reader
	buf        []byte
	start, end int // what has been read and not yet returned: buf[start:end]
	given      int // length of the frame returned last, which ends at start
	largest    int // that the buffer has been
}

// NewReader returns a Reader of src.
func NewReader(src io.Reader) *Reader { return &Reader{src: src} }

// Wipe ends the use of r: what has arrived is wiped. It says whether the buffer has
// been large, so that its memory is worth giving back.
func (r *Reader) Wipe() (large bool) {
	clear(r.buf)
	r.start, r.end, r.given = 0, 0, 0
	return r.largest > largeBuffer
}

// Partial says that a message has begun to arrive and has not ended.
func (r *Reader) Partial() bool { return r.end > r.start }

// Next returns the next message without its length, valid until Next is called
// again; Next wipes it then, for it may have held a key. At the end of
// the stream it returns io.EOF, or io.ErrUnexpectedEOF in the middle of a
// message; ErrTooLong and ErrEmpty for a length that is refused; else what src
// returned.
func (r *Reader) Next() ([]byte, error) {
	r.wipeGiven()
	if err := r.need(lengthSize); err != nil {
		return nil, err
	}
	length := binary.BigEndian.Uint32(r.buf[r.start:])
	switch {
	case length == 0:
		return nil, ErrEmpty
	case length > MaxFrame:
		return nil, fmt.Errorf("%w: %d bytes", ErrTooLong, length)
	}
	whole := lengthSize + int(length)
	if err := r.need(whole); err != nil {
		return nil, err
	}
	frame := r.buf[r.start+lengthSize : r.start+whole]
	r.start += whole
	r.given = whole
	return frame, nil
}

func (r *Reader) wipeGiven() {
	clear(r.buf[r.start-r.given : r.start])
	r.given = 0
	if r.start < r.end {
		return
	}
	r.start, r.end = 0, 0
	if len(r.buf) > largeBuffer {
		r.buf = nil // an idle connection holds no large buffer
	}
}

// need reads until n unreturned bytes are there.
func (r *Reader) need(n int) error {
	for r.end-r.start < n {
		r.makeRoom(n)
		got, err := r.src.Read(r.buf[r.end:])
		r.end += got
		switch {
		case r.end-r.start >= n:
			return nil
		case err == io.EOF && r.Partial():
			return io.ErrUnexpectedEOF
		case err != nil:
			return err
		}
	}
	return nil
}

// makeRoom leaves at least one free byte at the end of the buffer. The buffer
// doubles when it is full, so it is never more than twice what has arrived.
func (r *Reader) makeRoom(n int) {
	if r.buf == nil {
		r.buf = make([]byte, smallBuffer)
	}
	if r.start > 0 && r.start+n > len(r.buf) {
		moved := copy(r.buf, r.buf[r.start:r.end])
		clear(r.buf[moved:r.end])
		r.start, r.end = 0, moved
	}
	if r.end == len(r.buf) {
		larger := make([]byte, 2*len(r.buf))
		copy(larger, r.buf[:r.end])
		clear(r.buf)
		r.buf = larger
		r.largest = len(larger)
	}
}
