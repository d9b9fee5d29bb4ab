package door

import (
	"bytes"
	"strconv"

	"golang.org/x/sys/unix"
)

// socketCaller asks the kernel (LOCAL_PEERCRED and LOCAL_PEERPID, unix(4)).
func socketCaller(fd int) (Caller, error) {
	cred, err := unix.GetsockoptXucred(fd, unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
	if err != nil {
		return Caller{}, err
	}
	pid, _ := unix.GetsockoptInt(fd, unix.SOL_LOCAL, unix.LOCAL_PEERPID) // 0: not known
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
