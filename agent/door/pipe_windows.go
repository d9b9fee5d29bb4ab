package door

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// pipe is a named pipe that waits for connections; a net.Listener.
type pipe struct {
	name       string
	attributes *windows.SecurityAttributes
	stop       windows.Handle // an event: Close was called
	create     makePipe

	mu      sync.Mutex     // held by Accept while it waits
	waiting windows.Handle // the instance for the next client; 0: there is none
	ended   bool           // Close was called, and seen
}

// makePipe is CreateNamedPipe, or looks at what it is told.
type makePipe func(name *uint16, flags, mode, instances, out, in, timeout uint32, who *windows.SecurityAttributes) (windows.Handle, error)

// pipeBuffer is how much is written before somebody reads it, in bytes.
const pipeBuffer = 4 << 10

// newPipe makes the first instance of a pipe. Whoever has the name keeps it: then the
// error wraps ErrInUse.
func newPipe(name, descriptor string, create makePipe) (*pipe, error) {
	sd, err := windows.SecurityDescriptorFromString(descriptor)
	if err != nil {
		return nil, err
	}
	l := &pipe{name: name, attributes: &windows.SecurityAttributes{SecurityDescriptor: sd}, create: create}
	l.attributes.Length = uint32(unsafe.Sizeof(*l.attributes))
	if !isGone(name) {
		return nil, ErrInUse
	}
	if l.waiting, err = l.instance(windows.FILE_FLAG_FIRST_PIPE_INSTANCE); err != nil {
		if errors.Is(err, windows.ERROR_ACCESS_DENIED) || errors.Is(err, windows.ERROR_PIPE_BUSY) {
			err = fmt.Errorf("%w: %w", ErrInUse, err)
		}
		return nil, err
	}
	if l.stop, err = windows.CreateEvent(nil, 1, 0, nil); err != nil {
		windows.CloseHandle(l.waiting)
		return nil, err
	}
	return l, nil
}

func (l *pipe) instance(flags uint32) (windows.Handle, error) {
	name, err := windows.UTF16PtrFromString(l.name)
	if err != nil {
		return 0, err
	}
	h, err := l.create(name, flags|windows.PIPE_ACCESS_DUPLEX|windows.FILE_FLAG_OVERLAPPED,
		windows.PIPE_TYPE_BYTE|windows.PIPE_REJECT_REMOTE_CLIENTS, windows.PIPE_UNLIMITED_INSTANCES, pipeBuffer, pipeBuffer, 0, l.attributes)
	if err != nil {
		return 0, os.NewSyscallError("CreateNamedPipe", err)
	}
	return h, nil
}

// Accept waits for a client, and has the instance for the one after it made before it
// returns.
func (l *pipe) Accept() (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return nil, net.ErrClosed
	}
	if l.waiting == 0 {
		next, err := l.instance(0)
		if err != nil {
			return nil, err
		}
		l.waiting = next
	}
	if err := l.connect(); err != nil {
		if errors.Is(err, net.ErrClosed) {
			l.end() // whoever hears of the end finds the name free
		}
		return nil, err
	}
	c := newPipeConn(l.waiting, l.name, windows.GetNamedPipeClientProcessId)
	l.waiting, _ = l.instance(0) // if not, the next call says why
	return c, nil
}

// connect waits until a client has opened the instance, or Close is called. The
// instance of one who came and went serves the next, so that the name is held all
// the time.
func (l *pipe) connect() error {
	for {
		err := l.connectOnce()
		switch {
		case err == nil, errors.Is(err, windows.ERROR_PIPE_CONNECTED):
			return nil
		case !errors.Is(err, windows.ERROR_NO_DATA):
			return err
		}
		if err := windows.DisconnectNamedPipe(l.waiting); err != nil {
			return os.NewSyscallError("DisconnectNamedPipe", err)
		}
	}
}

func (l *pipe) connectOnce() error {
	event, err := windows.CreateEvent(nil, 1, 0, nil)
	if err != nil {
		return os.NewSyscallError("CreateEvent", err)
	}
	defer windows.CloseHandle(event)
	overlapped := &windows.Overlapped{HEvent: event}
	err = windows.ConnectNamedPipe(l.waiting, overlapped)
	if !errors.Is(err, windows.ERROR_IO_PENDING) {
		return os.NewSyscallError("ConnectNamedPipe", err)
	}
	which, waitErr := windows.WaitForMultipleObjects([]windows.Handle{l.stop, event}, false, windows.INFINITE)
	if waitErr != nil || which == windows.WAIT_OBJECT_0 {
		windows.CancelIoEx(l.waiting, overlapped)
	}
	var n uint32
	err = windows.GetOverlappedResult(l.waiting, overlapped, &n, true) // the system writes into overlapped until then
	if which == windows.WAIT_OBJECT_0 {
		return net.ErrClosed
	}
	return os.NewSyscallError("ConnectNamedPipe", err)
}

// Close ends Accept, and gives up the name. Connections stay. It is called once.
func (l *pipe) Close() error {
	windows.SetEvent(l.stop)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.end()
	windows.CloseHandle(l.stop)
	return nil
}

// end gives up the name. It is for who holds mu.
func (l *pipe) end() {
	l.ended = true
	if l.waiting != 0 {
		windows.CloseHandle(l.waiting)
		l.waiting = 0
	}
}

func (l *pipe) Addr() net.Addr { return pipeAddr(l.name) }

type pipeAddr string

func (a pipeAddr) Network() string { return network }
func (a pipeAddr) String() string  { return string(a) }

// pipeConn is either end of a connection over a pipe. The race detector takes it for a race to read and write at the same time: os.File
// (Go 1.26) counts for both where in a file it is, and a pipe has no such place (ReadFile, OVERLAPPED).
type pipeConn struct {
	*os.File
	peer func(windows.Handle, *uint32) error // asks for the process at the other end
}

func newPipeConn(h windows.Handle, name string, peer func(windows.Handle, *uint32) error) *pipeConn {
	return &pipeConn{os.NewFile(uintptr(h), name), peer}
}

func (c *pipeConn) LocalAddr() net.Addr  { return pipeAddr(c.Name()) }
func (c *pipeConn) RemoteAddr() net.Addr { return pipeAddr(c.Name()) }

// control calls f with the handle.
func (c *pipeConn) control(f func(windows.Handle) error) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	if err := raw.Control(func(h uintptr) { inner = f(windows.Handle(h)) }); err != nil {
		return err
	}
	return inner
}

// owner is whose pipe it is.
func (c *pipeConn) owner() (sid *windows.SID, err error) {
	err = c.control(func(h windows.Handle) error {
		sid, err = ownerOf(h)
		return err
	})
	return sid, err
}

// ownerOf is who owns an object of the kernel.
func ownerOf(h windows.Handle) (*windows.SID, error) {
	sd, err := windows.GetSecurityInfo(h, windows.SE_KERNEL_OBJECT, windows.OWNER_SECURITY_INFORMATION)
	if err != nil {
		return nil, err
	}
	owner, _, err := sd.Owner()
	if err != nil {
		return nil, err
	}
	if owner == nil {
		return nil, ErrStranger
	}
	return owner.Copy()
}

// busyTime is how long to wait for a pipe whose instances are all taken.
const busyTime = 5 * time.Second

// openPipe connects to a pipe, and to nothing else that has the name: a socket of MSYS and Cygwin is a file. Its server may learn who we
// are, and not act as us.
func openPipe(name string) (*pipeConn, error) {
	path, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return nil, err
	}
	for start := time.Now(); ; {
		h, err := windows.CreateFile(path, windows.GENERIC_READ|windows.GENERIC_WRITE, 0, nil, windows.OPEN_EXISTING,
			windows.FILE_FLAG_OVERLAPPED|windows.SECURITY_SQOS_PRESENT|windows.SECURITY_IDENTIFICATION, 0)
		switch {
		case err == nil:
			if kind, _ := windows.GetFileType(h); kind != windows.FILE_TYPE_PIPE { // what is said would stand in the file then
				windows.CloseHandle(h)
				return nil, &fs.PathError{Op: "connect", Path: name, Err: ErrNotSocket}
			}
			return newPipeConn(h, name, windows.GetNamedPipeServerProcessId), nil
		case !errors.Is(err, windows.ERROR_PIPE_BUSY) || time.Since(start) > busyTime:
			return nil, &fs.PathError{Op: "connect", Path: name, Err: err}
		}
		waitPipe(path, busyTime)
	}
}

// isGone: no instance of the pipe is left, neither free nor taken; or no window.
func isGone(name string) bool {
	if name == WindowPath {
		return !windowIsThere()
	}
	path, err := windows.UTF16PtrFromString(name)
	return err == nil && errors.Is(waitPipe(path, time.Millisecond), windows.ERROR_FILE_NOT_FOUND)
}

// waitPipe waits until an instance of a pipe is free; x/sys does not have it.
func waitPipe(path *uint16, patience time.Duration) error {
	ok, _, err := procWaitNamedPipe.Call(uintptr(unsafe.Pointer(path)), uintptr(patience.Milliseconds()))
	if ok == 0 {
		return err
	}
	return nil
}
