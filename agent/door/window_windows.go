package door

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"unsafe"

	"golang.org/x/sys/windows"
)

// The window of PuTTY's agent: a client sends it WM_COPYDATA with the name of shared
// memory in which its request stands, and finds the answer there when the message has
// returned. Each request is a connection of its own to whom Accept gives it.

var (
	user32                = windows.NewLazySystemDLL("user32.dll")
	procRegisterClass     = user32.NewProc("RegisterClassExW")
	procUnregisterClass   = user32.NewProc("UnregisterClassW")
	procCreateWindow      = user32.NewProc("CreateWindowExW")
	procDestroyWindow     = user32.NewProc("DestroyWindow")
	procDefWindow         = user32.NewProc("DefWindowProcW")
	procFindWindow        = user32.NewProc("FindWindowW")
	procGetMessage        = user32.NewProc("GetMessageW")
	procPeekMessage       = user32.NewProc("PeekMessageW")
	procDispatchMessage   = user32.NewProc("DispatchMessageW")
	procPostThreadMessage = user32.NewProc("PostThreadMessageW")
	procMsgWait           = user32.NewProc("MsgWaitForMultipleObjects")
	procGetModuleHandle   = kernel32.NewProc("GetModuleHandleW")
)

const (
	wmClose       = 0x0010
	wmQuit        = 0x0012
	wmCopyData    = 0x004A
	qsSendMessage = 0x0040
	pmQSSend      = qsSendMessage << 16
	fileMapAll    = 0xF001F // FILE_MAP_ALL_ACCESS
)

// copyData is COPYDATASTRUCT.
type copyData struct {
	id   uintptr
	size uint32
	data *byte
}

// windowClass is WNDCLASSEXW.
type windowClass struct {
	size, style        uint32
	proc               uintptr
	classExtra, extra  int32
	instance, icon     uintptr
	cursor, background uintptr
	menu, name         *uint16
	smallIcon          uintptr
}

// message is MSG.
type message struct {
	window         uintptr
	message        uint32
	wparam, lparam uintptr
	time           uint32
	point          [2]int32
	private        uint32
}

// window is a net.Listener.
type window struct {
	me     *windows.SID
	conns  chan net.Conn
	closed context.Context
	close  context.CancelFunc
	thread uint32
	ended  sync.WaitGroup // of the thread
	depth  int            // of requests that are being answered, one within another; the thread's alone
	once   sync.Once
}

// listenWindow makes the window. A system thread is its own from now on: messages come
// to the thread that made a window, and only while it waits for them.
func listenWindow() (*Listener, error) {
	name, err := windows.UTF16PtrFromString(windowClassName)
	if err != nil {
		return nil, err
	}
	if err := procMsgWait.Find(); err != nil {
		return nil, err // a Windows without windows
	}
	if windowIsThere() {
		return nil, fmt.Errorf("the window of an agent: %w", ErrInUse)
	}
	me, err := userSID()
	if err != nil {
		return nil, err
	}
	w := &window{me: me, conns: make(chan net.Conn)}
	w.closed, w.close = context.WithCancel(context.Background())
	made := make(chan error)
	w.ended.Go(func() { w.run(name, made) })
	if err := <-made; err != nil {
		return nil, fmt.Errorf("make the window of an agent: %w", err)
	}
	return &Listener{net: w, path: WindowPath, me: me.String()}, nil
}

func windowIsThere() bool { return findWindow() != 0 }

// findWindow finds the window as programs do; 0: there is none.
func findWindow() windows.HWND {
	name, err := windows.UTF16PtrFromString(windowClassName)
	if err != nil || procFindWindow.Find() != nil {
		return 0
	}
	there, _, _ := procFindWindow.Call(uintptr(unsafe.Pointer(name)), uintptr(unsafe.Pointer(name)))
	return windows.HWND(there)
}

// windowServer is the process that has the window.
func windowServer() (pid uint32, err error) {
	_, err = windows.GetWindowThreadProcessId(findWindow(), &pid)
	return pid, err
}

// run is the life of the thread.
func (w *window) run(name *uint16, made chan<- error) {
	runtime.LockOSThread() // until its end: the thread ends with it
	w.thread = windows.GetCurrentThreadId()
	instance, _, _ := procGetModuleHandle.Call(0)
	class := windowClass{proc: windows.NewCallback(w.proc), instance: instance, name: name}
	class.size = uint32(unsafe.Sizeof(class))
	if ok, _, err := procRegisterClass.Call(uintptr(unsafe.Pointer(&class))); ok == 0 {
		made <- os.NewSyscallError("RegisterClassEx", err)
		return
	}
	defer procUnregisterClass.Call(uintptr(unsafe.Pointer(name)), instance)
	handle, _, err := procCreateWindow.Call(0, uintptr(unsafe.Pointer(name)), uintptr(unsafe.Pointer(name)), 0, 0, 0, 0, 0, 0, 0, instance, 0)
	if handle == 0 {
		made <- os.NewSyscallError("CreateWindowEx", err)
		return
	}
	defer procDestroyWindow.Call(handle)
	made <- nil
	var m message
	for w.closed.Err() == nil {
		switch more, _, _ := procGetMessage.Call(uintptr(unsafe.Pointer(&m)), 0, 0, 0); {
		case int32(more) < 0:
			return
		case more > 0: // else somebody posted the end, and it is Close's to say so
			procDispatchMessage.Call(uintptr(unsafe.Pointer(&m)))
		}
	}
}

// Accept waits for a request.
func (w *window) Accept() (net.Conn, error) {
	select {
	case c := <-w.conns:
		return c, nil
	case <-w.closed.Done():
		return nil, net.ErrClosed
	}
}

// Close takes the window away. Requests that are not answered yet are refused.
func (w *window) Close() error {
	w.once.Do(func() {
		w.close()
		procPostThreadMessage.Call(uintptr(w.thread), wmQuit, 0, 0)
		w.ended.Wait()
	})
	return nil
}

func (w *window) Addr() net.Addr { return pipeAddr(WindowPath) }

// proc gets the messages. Its answer to WM_COPYDATA is 1 if there is an answer in the
// memory, a failure too, and 0 if there was none to put it in. Any program of the
// user's may send WM_CLOSE (taskkill does), and would take the window from an agent
// that goes on.
func (w *window) proc(handle, kind, wparam uintptr, data *copyData) uintptr {
	switch uint32(kind) {
	case wmCopyData:
	case wmClose:
		return 0
	default:
		result, _, _ := procDefWindow.Call(handle, kind, wparam, uintptr(unsafe.Pointer(data)))
		return result
	}
	if data == nil || data.data == nil {
		return 0
	}
	name, err := mappingName(data.id, unsafe.Slice(data.data, min(data.size, maxMappingName+1)))
	if err != nil || w.serve(name) != nil {
		return 0
	}
	return 1
}

// serve answers the request in the memory of that name.
func (w *window) serve(name string) error {
	shared, err := w.open(name)
	if err != nil {
		return err
	}
	defer shared.close()
	var answer []byte
	if request := requestIn(shared.memory); request != nil {
		answer = w.ask(request, w.callerOf(name))
	}
	if !answerIn(shared.memory, answer) {
		return io.ErrShortBuffer
	}
	return nil
}

// mapping is memory that is shared with a client.
type mapping struct {
	handle  windows.Handle
	address uintptr // 0: not in our memory yet
	memory  []byte
}

func (m *mapping) close() {
	if m.address != 0 {
		windows.UnmapViewOfFile(m.address)
	}
	windows.CloseHandle(m.handle)
}

// open shares the memory, after seeing that it is the user's: whoever else may send a
// message to our windows does not get in.
func (w *window) open(name string) (*mapping, error) {
	path, err := windows.BytePtrFromString(name)
	if err != nil {
		return nil, err
	}
	h, _, err := procOpenFileMapping.Call(fileMapAll, 0, uintptr(unsafe.Pointer(path)))
	if h == 0 {
		return nil, os.NewSyscallError("OpenFileMapping", err)
	}
	m := &mapping{handle: windows.Handle(h)}
	if err = w.checkOwner(m.handle); err == nil {
		err = m.view()
	}
	if err != nil {
		m.close()
		return nil, err
	}
	return m, nil
}

func (m *mapping) view() (err error) {
	if m.address, err = windows.MapViewOfFile(m.handle, windows.FILE_MAP_WRITE, 0, 0, 0); err != nil {
		return os.NewSyscallError("MapViewOfFile", err)
	}
	var info windows.MemoryBasicInformation
	if err := windows.VirtualQuery(m.address, &info, unsafe.Sizeof(info)); err != nil {
		return os.NewSyscallError("VirtualQuery", err)
	}
	const writable = windows.PAGE_READWRITE | windows.PAGE_EXECUTE_READWRITE
	if info.State != windows.MEM_COMMIT || info.Protect&writable == 0 { // to touch it would be the end of us
		return windows.ERROR_INVALID_ADDRESS
	}
	at := *(*unsafe.Pointer)(unsafe.Pointer(&m.address)) // memory that Go has never heard of, and will not move
	m.memory = unsafe.Slice((*byte)(at), min(info.RegionSize, maxMessage))
	return nil
}

// checkOwner lets in memory that is the user's, or that of whom our own process makes
// things for where it names nobody: clients of long ago name nobody.
func (w *window) checkOwner(memory windows.Handle) error {
	owner, err := ownerOf(memory)
	if err != nil {
		return err
	}
	if owner.Equals(w.me) {
		return nil
	}
	if usual, err := ownerOf(windows.CurrentProcess()); err == nil && owner.Equals(usual) {
		return nil
	}
	return ErrStranger
}

// callerOf is the user, and the process of the thread that the memory is named after.
// That name is the client's own word, as nothing else about it is to be had; it is
// taken only for a process of the same user.
func (w *window) callerOf(name string) Caller {
	unknown := Caller{UID: w.me.String()}
	id := askingThread(name)
	if id == 0 {
		return unknown
	}
	thread, err := windows.OpenThread(windows.THREAD_QUERY_LIMITED_INFORMATION, false, id)
	if err != nil {
		return unknown
	}
	defer windows.CloseHandle(thread)
	pid, _, _ := procGetProcessIdOfThread.Call(uintptr(thread))
	if caller, err := processCaller(uint32(pid)); err == nil && caller.UID == unknown.UID {
		return caller
	}
	return unknown
}

// windowConn is the agent's end of one request.
type windowConn struct {
	net.Conn
	caller Caller
}

// maxDepth is how many requests may be answered one within another.
const maxDepth = 16

// ask hands a request to whom Accept gives it, and waits for the answer; nil is none.
// Meanwhile the window takes further requests: who waits for a person to type a
// passphrase keeps nobody from a list. But it gets its answer only when those that
// came within it have theirs.
func (w *window) ask(request []byte, caller Caller) []byte {
	answered, err := windows.CreateEvent(nil, 1, 0, nil)
	if err != nil {
		return nil
	}
	defer windows.CloseHandle(answered)
	answer := make(chan []byte, 1)
	go func() {
		answer <- w.exchange(request, caller)
		windows.SetEvent(answered)
	}()
	w.depth++
	defer func() { w.depth-- }()
	for w.depth < maxDepth {
		which, _, _ := procMsgWait.Call(1, uintptr(unsafe.Pointer(&answered)), 0, windows.INFINITE, qsSendMessage)
		if which != windows.WAIT_OBJECT_0+1 {
			break
		}
		var m message
		procPeekMessage.Call(uintptr(unsafe.Pointer(&m)), 0, 0, 0, pmQSSend) // calls proc
	}
	windows.WaitForSingleObject(answered, windows.INFINITE)
	return <-answer
}

// exchange says the request over a connection, and hears the answer.
func (w *window) exchange(request []byte, caller Caller) []byte {
	near, far := net.Pipe()
	defer near.Close()
	stop := context.AfterFunc(w.closed, func() { near.Close() })
	defer stop()
	select {
	case w.conns <- &windowConn{far, caller}:
	case <-w.closed.Done():
		return nil
	}
	if _, err := near.Write(request); err != nil {
		return nil
	}
	clear(request)
	answer := make([]byte, 4)
	if _, err := io.ReadFull(near, answer); err != nil {
		return nil
	}
	length := binary.BigEndian.Uint32(answer)
	if length > maxMessage {
		return nil
	}
	answer = append(answer, make([]byte, length)...)
	if _, err := io.ReadFull(near, answer[4:]); err != nil {
		return nil
	}
	return answer
}
