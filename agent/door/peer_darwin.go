package door

import (
	"bytes"
	"fmt"
	"net"
	"strconv"

	"golang.org/x/sys/unix"
)

// maxPath is how long sun_path can be, without the zero at its end (unix(4)).
const maxPath = 103

// socketCaller asks the kernel (LOCAL_PEERCRED and LOCAL_PEERPID, unix(4)).
func socketCaller(c *net.UnixConn) (Caller, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return Caller{}, err
	}
	var cred *unix.Xucred
	var pid int
	var credErr error
	err = raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptXucred(int(fd), unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
		pid, _ = unix.GetsockoptInt(int(fd), unix.SOL_LOCAL, unix.LOCAL_PEERPID) // 0: not known
	})
	if err != nil {
		return Caller{}, err
	}
	if credErr != nil {
		return Caller{}, fmt.Errorf("ask who is calling: %w", credErr)
	}
	return Caller{
		UID:     strconv.FormatUint(uint64(cred.Uid), 10),
		PID:     pid,
		Program: program(pid),
	}, nil
}

// program returns the executable of a process. kern.procargs2 gives a count,
// then the path that was executed, then the arguments.
func program(pid int) string {
	args, err := unix.SysctlRaw("kern.procargs2", pid)
	if err != nil || len(args) < 4 {
		return ""
	}
	path, _, _ := bytes.Cut(args[4:], []byte{0})
	return string(path)
}
