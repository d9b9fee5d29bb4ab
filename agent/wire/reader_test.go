package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

func frameOf(body []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
}

func TestFramesHoweverTheyArrive(t *testing.T) {
	bodies := [][]byte{
		{11}, bytes.Repeat([]byte{1}, smallBuffer-4), bytes.Repeat([]byte{2}, smallBuffer+7), {5},
		bytes.Repeat([]byte{3}, MaxFrame), {6, 6}, bytes.Repeat([]byte{4}, 3*smallBuffer),
	}
	var stream []byte
	for _, b := range bodies {
		stream = append(stream, frameOf(b)...)
	}
	arrivals := map[string]func(io.Reader) io.Reader{
		"all at once":         func(r io.Reader) io.Reader { return r },
		"byte by byte":        iotest.OneByteReader,
		"half of what it can": iotest.HalfReader,
		"end with the last":   iotest.DataErrReader,
	}
	for name, arrive := range arrivals {
		t.Run(name, func(t *testing.T) {
			r := NewReader(arrive(bytes.NewReader(stream)))
			for i, want := range bodies {
				got, err := r.Next()
				if err != nil || !bytes.Equal(got, want) {
					t.Fatalf("frame %d: %d bytes, error %v; want %d bytes", i, len(got), err, len(want))
				}
			}
			if got, err := r.Next(); err != io.EOF {
				t.Errorf("at the end: %v, %v", got, err)
			}
		})
	}
}

func TestStreamsThatEndInAnError(t *testing.T) {
	broken := errors.New("broken")
	tests := []struct {
		name   string
		stream io.Reader
		want   error
	}{
		{"no bytes", bytes.NewReader(frameOf(nil)), ErrEmpty},
		{"one byte too long", bytes.NewReader([]byte{0, 4, 0, 1}), ErrTooLong},
		{"length as long as can be", bytes.NewReader([]byte{255, 255, 255, 255}), ErrTooLong},
		{"end in the length", bytes.NewReader([]byte{0, 0, 0}), io.ErrUnexpectedEOF},
		{"end after the length", bytes.NewReader([]byte{0, 0, 0, 2}), io.ErrUnexpectedEOF},
		{"end in the body", bytes.NewReader([]byte{0, 0, 0, 2, 1}), io.ErrUnexpectedEOF},
		{"end at once", bytes.NewReader(nil), io.EOF},
		{"broken", iotest.ErrReader(broken), broken},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got, err := NewReader(test.stream).Next(); !errors.Is(err, test.want) {
				t.Errorf("got %v, error %v; want error %v", got, err, test.want)
			}
		})
	}
}

func TestPromisedBytesCostNothing(t *testing.T) {
	arrived := append(frameOf(make([]byte, MaxFrame))[:4], bytes.Repeat([]byte{7}, 3000)...)
	r := NewReader(bytes.NewReader(arrived))
	r.Next()
	if len(r.buf) > 2*len(arrived) {
		t.Errorf("%d bytes arrived, %d are held", len(arrived), len(r.buf))
	}
}

func TestFramesAreWipedAndLargeBuffersLetGo(t *testing.T) {
	secret := bytes.Repeat([]byte{42}, 2*largeBuffer)
	r := NewReader(io.MultiReader(bytes.NewReader(frameOf(secret)), bytes.NewReader(frameOf([]byte{11}))))
	frame, err := r.Next()
	if err != nil || !bytes.Equal(frame, secret) {
		t.Fatalf("%d bytes, error %v", len(frame), err)
	}
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(frame, []byte{42}) {
		t.Error("the frame is still in memory after the next one was asked for")
	}
	if len(r.buf) > largeBuffer {
		t.Errorf("a buffer of %d bytes is kept for small frames", len(r.buf))
	}
}

func TestPartialTellsHalfAFrameFromNone(t *testing.T) {
	in, out := io.Pipe()
	r := NewReader(in)
	partial := make(chan bool, 3)
	r.src = readerFunc(func(p []byte) (int, error) {
		partial <- r.Partial()
		return in.Read(p)
	})
	go func() {
		out.Write([]byte{0, 0})
		out.Write([]byte{0, 1, 11})
		out.Close()
	}()
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	r.Next()
	for i, want := range []bool{false, true, false} {
		if got := <-partial; got != want {
			t.Errorf("before read %d: partial is %v", i, got)
		}
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestWipe(t *testing.T) {
	for size, large := range map[int]bool{100: false, MaxFrame / 2: true} {
		r := NewReader(bytes.NewReader(frameOf(bytes.Repeat([]byte("secret"), size/6))))
		frame, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Wipe(); got != large || bytes.Contains(frame, []byte("secret")) {
			t.Errorf("%d bytes: large %v, %q", size, got, frame[:6])
		}
	}
}
