package door

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// socketCaller asks the kernel (SO_PEERCRED, unix(7)): these are the ids that the
// process had when it connected.
func socketCaller(fd int) (Caller, error) {
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return Caller{}, err
	}
	return Caller{
		UID:     strconv.FormatUint(uint64(cred.Uid), 10),
		PID:     int(cred.Pid),
		Program: program(int(cred.Pid)),
	}, nil
}

// program returns the executable of a process, or, where the system hides that
// (a process that nobody may trace, or another user's), the short name that it
// gives itself.
func program(pid int) string {
	folder := "/proc/" + strconv.Itoa(pid)
	if exe, err := os.Readlink(folder + "/exe"); err == nil {
		return exe
	}
	name, _ := os.ReadFile(folder + "/comm")
	return strings.TrimSpace(string(name))
}
