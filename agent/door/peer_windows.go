package door

import (
	"bytes"
	"fmt"
	"net"
	"runtime"
	"unsafe"

	"golang.org/x/sys/windows"
)

// What x/sys has no function for.
var (
	kernel32                 = windows.NewLazySystemDLL("kernel32.dll")
	procWaitNamedPipe        = kernel32.NewProc("WaitNamedPipeW")
	procOpenFileMapping      = kernel32.NewProc("OpenFileMappingA")
	procGetProcessIdOfThread = kernel32.NewProc("GetProcessIdOfThread")

	procGetUserName        = windows.NewLazySystemDLL("advapi32.dll").NewProc("GetUserNameA")
	procGetUserNameEx      = windows.NewLazySystemDLL("secur32.dll").NewProc("GetUserNameExA")
	procCryptProtectMemory = windows.NewLazySystemDLL("crypt32.dll").NewProc("CryptProtectMemory")
)

// callerOf asks the system which process is at the other end, and that process whose
// it is. A process whose user is not to be learnt is nobody's.
func callerOf(c net.Conn) (Caller, error) {
	switch c := c.(type) {
	case *windowConn:
		return c.caller, nil
	case *pipeConn:
		var pid uint32
		if err := c.control(func(h windows.Handle) error { return c.peer(h, &pid) }); err != nil {
			return Caller{}, fmt.Errorf("ask who is calling: %w", err)
		}
		return processCaller(pid)
	}
	return Caller{}, strange(c)
}

func processCaller(pid uint32) (Caller, error) {
	caller := Caller{PID: int(pid)}
	process, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, pid)
	if err != nil {
		return caller, fmt.Errorf("look at process %d, which is calling: %w", pid, err)
	}
	defer windows.CloseHandle(process)
	path := make([]uint16, windows.MAX_LONG_PATH)
	size := uint32(len(path))
	if windows.QueryFullProcessImageName(process, 0, &path[0], &size) == nil {
		caller.Program = windows.UTF16ToString(path[:size])
	}
	var token windows.Token
	if err := windows.OpenProcessToken(process, windows.TOKEN_QUERY, &token); err != nil {
		return caller, fmt.Errorf("learn whose process %d is, which is calling: %w", pid, err)
	}
	defer token.Close()
	user, err := token.GetTokenUser()
	if err != nil {
		return caller, fmt.Errorf("learn whose process %d is, which is calling: %w", pid, err)
	}
	caller.UID = user.User.Sid.String()
	return caller, nil
}

// userSID is the user that we run as.
func userSID() (*windows.SID, error) {
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return nil, fmt.Errorf("ask the system who we are: %w", err)
	}
	return user.User.Sid.Copy()
}

// userName is the user's name as PuTTY has it: that of the domain without the domain,
// else that of this computer; of letters that the system's code page has.
func userName() (string, error) {
	const userPrincipal = 8 // NameUserPrincipal
	name := make([]byte, 1024)
	size := uint32(len(name))
	if ok, _, _ := procGetUserNameEx.Call(userPrincipal, uintptr(unsafe.Pointer(&name[0])), uintptr(unsafe.Pointer(&size))); byte(ok) != 0 {
		text, err := fromCodePage(name)
		return userOf(text), err
	}
	size = uint32(len(name))
	if ok, _, err := procGetUserName.Call(uintptr(unsafe.Pointer(&name[0])), uintptr(unsafe.Pointer(&size))); ok == 0 {
		return "", fmt.Errorf("ask the system for the user's name: %w", err)
	}
	return fromCodePage(name)
}

// fromCodePage reads text that ends in a zero byte, in the system's code page.
func fromCodePage(text []byte) (string, error) {
	text, _, _ = bytes.Cut(text, []byte{0})
	if len(text) == 0 {
		return "", nil
	}
	wide := make([]uint16, len(text))
	n, err := windows.MultiByteToWideChar(0, 0, &text[0], int32(len(text)), &wide[0], int32(len(wide))) // 0: CP_ACP
	return windows.UTF16ToString(wide[:n]), err
}

// protect encrypts a block for this session of the user; see pageantPipe.
func protect(block []byte) {
	const crossProcess = 1 // CRYPTPROTECTMEMORY_CROSS_PROCESS
	if procCryptProtectMemory.Find() == nil {
		procCryptProtectMemory.Call(uintptr(unsafe.Pointer(&block[0])), uintptr(len(block)), crossProcess)
	}
}

// mutexTime is how long to wait for somebody who holds a mutex, in milliseconds.
const mutexTime = 5000

// lockMutex takes a named mutex, or goes on without it: it only keeps two beginnings
// apart. It belongs to the thread, which is held as long.
func lockMutex(name string) (unlock func()) {
	path, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return func() {}
	}
	h, _ := windows.CreateMutex(nil, false, path) // one that is there already is an error, too
	if h == 0 {
		return func() {}
	}
	runtime.LockOSThread()
	got, err := windows.WaitForSingleObject(h, mutexTime)
	return func() {
		if err == nil && (got == windows.WAIT_OBJECT_0 || got == windows.WAIT_ABANDONED) {
			windows.ReleaseMutex(h)
		}
		runtime.UnlockOSThread()
		windows.CloseHandle(h)
	}
}
