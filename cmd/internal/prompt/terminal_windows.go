package prompt

import (
	"fmt"
	"os"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/term"
)

const ttyPath = "CONIN$"

// terminal is the console while a question stands on it.
type terminal struct {
	in, out *os.File
	saved   *term.State
	pending []byte // of a character that is more than one byte
	high    uint16 // first half of a surrogate pair
}

// openTerminal takes echo, line editing and Ctrl-C out of the console's hands,
// so that every key comes to us and the mode is always restored by us.
func openTerminal(path string) (*terminal, error) {
	in, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	out, err := os.OpenFile("CONOUT$", os.O_RDWR, 0)
	if err != nil {
		in.Close()
		return nil, err
	}
	t := &terminal{in: in, out: out}
	h := windows.Handle(in.Fd())
	const ours = windows.ENABLE_ECHO_INPUT | windows.ENABLE_LINE_INPUT | windows.ENABLE_PROCESSED_INPUT
	var mode uint32
	if t.saved, err = term.GetState(int(h)); err == nil {
		err = windows.GetConsoleMode(h, &mode)
	}
	if err == nil {
		err = windows.SetConsoleMode(h, mode&^ours)
	}
	if err != nil {
		in.Close()
		out.Close()
		return nil, err
	}
	return t, nil
}

func (t *terminal) close() {
	_ = term.Restore(int(t.in.Fd()), t.saved) // a console that went away needs none
	t.in.Close()
	t.out.Close()
}

// keyEvent is INPUT_RECORD holding a KEY_EVENT_RECORD (wincon.h).
type keyEvent struct {
	kind    uint16
	_       uint16
	down    int32
	repeat  uint16
	virtual uint16
	scan    uint16
	char    uint16
	state   uint32
}

// Read gives one byte of a typed character, or none after a tenth of a second.
func (t *terminal) Read(p []byte) (int, error) {
	if len(t.pending) == 0 {
		if err := t.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, t.pending)
	t.pending = t.pending[n:]
	return n, nil
}

// next waits for an event of the console and takes the character from it, if it has one.
func (t *terminal) next() error {
	h := windows.Handle(t.in.Fd())
	if event, err := windows.WaitForSingleObject(h, 100); err != nil || event != windows.WAIT_OBJECT_0 {
		return err
	}
	var ev keyEvent
	var n uint32
	read := windows.NewLazySystemDLL("kernel32.dll").NewProc("ReadConsoleInputW")
	if ok, _, err := read.Call(uintptr(h), uintptr(unsafe.Pointer(&ev)), 1, uintptr(unsafe.Pointer(&n))); ok == 0 {
		return fmt.Errorf("console: %w", err)
	}
	if n == 0 || ev.kind != 1 || ev.down == 0 || ev.char == 0 {
		return nil
	}
	r := rune(ev.char)
	switch {
	case utf16.IsSurrogate(r) && t.high == 0:
		t.high = ev.char
		return nil
	case t.high != 0:
		r = utf16.DecodeRune(rune(t.high), r)
		t.high = 0
	}
	t.pending = utf8.AppendRune(nil, r)
	return nil
}

func (t *terminal) Write(p []byte) (int, error) { return t.out.Write(p) }

// haveTerminal tells whether there is a console.
func haveTerminal(path string) bool {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	return term.IsTerminal(int(f.Fd()))
}

// isTerminal tells whether path is a terminal of another process: there are none here.
func isTerminal(string) bool { return false }

// heldTerminal is nothing here.
type heldTerminal struct{}

func holdTerminal(string, func()) (*heldTerminal, error) { return nil, os.ErrNotExist }

func (*heldTerminal) isGone() bool { return false }

func (*heldTerminal) release() {}

// endGently ends a program.
func endGently(p *os.Process) error { return p.Kill() }

// show writes a line to the console, whatever question may stand on it.
func (p *Prompter) show(text string) {
	f, err := os.OpenFile("CONOUT$", os.O_WRONLY, 0)
	if err != nil {
		return
	}
	defer f.Close()
	fmt.Fprintf(f, "\r%s\r\n", visible(text))
}
