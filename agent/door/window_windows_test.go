package door

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// asking is what a client of the window does, or does wrong.
type asking struct {
	request []byte
	size    uint32 // of the memory
	owner   string // of the memory; "": named by nobody
	id      uintptr
	open    bool // the name does not end
	other   bool // the name is that of no memory
}

func rightly(request string) asking {
	return asking{request: []byte(request), size: maxMessage, id: copyDataID}
}

// ask returns what SendMessage does, and what stands in the memory afterwards.
func (a asking) ask(t *testing.T) (result uintptr, memory []byte) {
	t.Helper()
	runtime.LockOSThread() // it is the thread that has the answer
	defer runtime.UnlockOSThread()
	name := fmt.Sprintf("PageantRequest%08x", windows.GetCurrentThreadId())
	attributes := &windows.SecurityAttributes{}
	attributes.Length = uint32(unsafe.Sizeof(*attributes))
	if a.owner != "" {
		sd, err := windows.SecurityDescriptorFromString("O:" + a.owner + "D:(A;;GA;;;WD)")
		if err != nil {
			t.Fatal(err)
		}
		attributes.SecurityDescriptor = sd
	}
	wide, err := windows.UTF16PtrFromString(name)
	if err != nil {
		t.Fatal(err)
	}
	h, err := windows.CreateFileMapping(windows.InvalidHandle, attributes, windows.PAGE_READWRITE, 0, a.size, wide)
	if h == 0 {
		t.Fatal(err)
	}
	defer windows.CloseHandle(h)
	address, err := windows.MapViewOfFile(h, windows.FILE_MAP_WRITE, 0, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer windows.UnmapViewOfFile(address)
	view := unsafe.Slice((*byte)(*(*unsafe.Pointer)(unsafe.Pointer(&address))), a.size)
	copy(view, a.request)
	said := append([]byte(name), 0)
	if a.other {
		said[0] = 'X'
	}
	if a.open {
		said = said[:len(said)-1]
	}
	data := copyData{id: a.id, size: uint32(len(said)), data: &said[0]}
	return send(t, wmCopyData, 0, uintptr(unsafe.Pointer(&data))), bytes.Clone(view[:64])
}

// send is SendMessage, to the window that programs find.
func send(t *testing.T, message, w, l uintptr) uintptr {
	t.Helper()
	class, err := windows.UTF16PtrFromString(windowClassName)
	if err != nil {
		t.Fatal(err)
	}
	to, _, _ := procFindWindow.Call(uintptr(unsafe.Pointer(class)), uintptr(unsafe.Pointer(class)))
	if to == 0 {
		t.Fatal("there is no window")
	}
	result, _, _ := user32.NewProc("SendMessageW").Call(to, message, w, l)
	return result
}

func mustWindow(t *testing.T) *Listener {
	t.Helper()
	l, err := listenWindow()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// next is the next request with its length, and the connection to answer it by.
func next(t *testing.T, l *Listener) (net.Conn, []byte) {
	t.Helper()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(time.Minute))
	request := make([]byte, 4)
	if _, err := io.ReadFull(c, request); err != nil {
		t.Fatal(err)
	}
	request = append(request, make([]byte, binary.BigEndian.Uint32(request))...)
	if _, err := io.ReadFull(c, request[4:]); err != nil {
		t.Fatal(err)
	}
	return c, request
}

// reply is what came of asking.
type reply struct {
	result uintptr
	memory []byte
}

func (a asking) later(t *testing.T) chan reply {
	got := make(chan reply, 1)
	go func() {
		result, memory := a.ask(t)
		got <- reply{result, memory}
	}()
	return got
}

func TestWindow(t *testing.T) {
	l := mustWindow(t)
	if _, err := listenWindow(); err == nil {
		t.Error("a second window")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []uint32{maxMessage, 8192} { // 8192: PuTTY until 0.70
		a := rightly("\x00\x00\x00\x01\x0b")
		a.size, a.owner = size, me(t)
		got := a.later(t)
		c, request := next(t, l)
		if who, err := Peer(c); err != nil || who != (Caller{me(t), os.Getpid(), self}) {
			t.Errorf("who asks: %+v, %v", who, err)
		}
		if string(request) != "\x00\x00\x00\x01\x0b" {
			t.Errorf("request %q", request)
		}
		io.WriteString(c, "\x00\x00\x00\x05\x0c\x00\x00\x00\x00")
		if r := <-got; r.result != 1 || !bytes.HasPrefix(r.memory, []byte("\x00\x00\x00\x05\x0c\x00\x00\x00\x00")) {
			t.Errorf("%d, %q", r.result, r.memory)
		}
		if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Error("the connection goes on")
		}
	}
}

const refusal = "\x00\x00\x00\x01\x05"

// TestWindowMalformed: what is answered at all, is answered as Pageant does; nothing of it comes through the door.
func TestWindowMalformed(t *testing.T) {
	l := mustWindow(t)
	go func() {
		if c, err := l.Accept(); err == nil {
			t.Error("one of them came through")
			c.Close()
		}
	}()
	list := "\x00\x00\x00\x01\x0b"
	user, other := me(t), "S-1-5-32-545"
	for name, tt := range map[string]struct {
		asking
		result uintptr
		memory string
	}{
		"length beyond the memory": {asking{[]byte("\xff\xff\xff\xff\x0b"), maxMessage, user, copyDataID, false, false}, 1, refusal},
		"just beyond the memory":   {asking{[]byte("\x00\x00\x1f\xfd\x0b"), 8192, user, copyDataID, false, false}, 1, refusal},
		"no length":                {asking{[]byte("\x00\x00\x00\x00\x0b"), maxMessage, user, copyDataID, false, false}, 1, refusal},
		"another kind of message":  {asking{[]byte(list), maxMessage, user, 1, false, false}, 0, list},
		"a name that does not end": {asking{[]byte(list), maxMessage, user, copyDataID, true, false}, 0, list},
		"memory that is not there": {asking{[]byte(list), maxMessage, user, copyDataID, false, true}, 0, list},
		"memory of another":        {asking{[]byte(list), maxMessage, other, copyDataID, false, false}, 0, list},
	} {
		result, memory := tt.ask(t)
		if result != tt.result || !bytes.HasPrefix(memory, []byte(tt.memory)) {
			t.Errorf("%s: %d, %q", name, result, memory[:16])
		}
	}
	l.Close()
}

// TestWindowMemoryOfNothing: memory that is promised and not there is not touched, which would end the agent (CreateFileMapping,
// SEC_RESERVE). Wine would take the touch.
func TestWindowMemoryOfNothing(t *testing.T) {
	mustWindow(t)
	const reserve = 0x4000000
	name := append([]byte("PageantRequest0"), 0)
	sd, err := windows.SecurityDescriptorFromString("O:" + me(t) + "D:(A;;GA;;;WD)")
	if err != nil {
		t.Fatal(err)
	}
	attributes := &windows.SecurityAttributes{SecurityDescriptor: sd}
	attributes.Length = uint32(unsafe.Sizeof(*attributes))
	wide, err := windows.UTF16PtrFromString(string(name[:len(name)-1]))
	if err != nil {
		t.Fatal(err)
	}
	h, err := windows.CreateFileMapping(windows.InvalidHandle, attributes, windows.PAGE_READWRITE|reserve, 0, maxMessage, wide)
	if h == 0 {
		t.Fatal(err)
	}
	defer windows.CloseHandle(h)
	data := copyData{id: copyDataID, size: uint32(len(name)), data: &name[0]}
	if result := send(t, wmCopyData, 0, uintptr(unsafe.Pointer(&data))); result != 0 {
		t.Errorf("it was touched: %d", result)
	}
}

// TestWindowStays: no other program takes the window from an agent that goes on (taskkill asks each window to close).
func TestWindowStays(t *testing.T) {
	l := mustWindow(t)
	const sysCommand, scClose = 0x0112, 0xF060
	send(t, wmClose, 0, 0)
	send(t, sysCommand, scClose, 0)
	if ok, _, err := procPostThreadMessage.Call(uintptr(l.net.(*window).thread), wmQuit, 0, 0); ok == 0 {
		t.Fatal(err)
	}
	echo(t, l)
	for range 2 { // the thread has seen the end when it answers the second
		a := rightly("\x00\x00\x00\x01\x06")
		a.owner = me(t)
		if result, memory := a.ask(t); result != 1 || memory[4] != 6 {
			t.Errorf("%d, %q", result, memory)
		}
	}
}

// TestWindowSideBySide: one who waits for a person keeps nobody from an answer; and when the agent ends, all are refused.
func TestWindowSideBySide(t *testing.T) {
	l := mustWindow(t)
	ask := func(text string) asking {
		a := rightly("\x00\x00\x00\x01" + text)
		a.owner = me(t)
		return a
	}
	slow := ask("s").later(t)
	waiting, _ := next(t, l)
	for range 3 {
		quick := ask("q").later(t)
		c, _ := next(t, l)
		io.WriteString(c, "\x00\x00\x00\x01\x06")
		if r := <-quick; r.result != 1 || r.memory[4] != 6 {
			t.Errorf("the quick one: %d, %q", r.result, r.memory)
		}
	}
	io.WriteString(waiting, "\x00\x00\x00\x01\x06")
	if r := <-slow; r.result != 1 || r.memory[4] != 6 {
		t.Errorf("the slow one: %d, %q", r.result, r.memory)
	}
	left := ask("l").later(t)
	next(t, l)
	l.Close()
	if r := <-left; r.result != 1 || string(r.memory[:5]) != refusal {
		t.Errorf("the one that was left: %d, %q", r.result, r.memory)
	}
}

// TestWindowHangsUp: an agent that closes without an answer has refused.
func TestWindowHangsUp(t *testing.T) {
	l := mustWindow(t)
	a := rightly("\x00\x00\x00\x01\x0b")
	a.owner = me(t)
	for _, half := range []string{"", "\x00\x00", "\x00\x00\x00\x09\x0c", "\xff\xff\xff\xff"} {
		got := a.later(t)
		c, _ := next(t, l)
		io.WriteString(c, half)
		c.Close()
		if r := <-got; r.result != 1 || string(r.memory[:5]) != refusal {
			t.Errorf("after %q: %d, %q", half, r.result, r.memory)
		}
	}
}
