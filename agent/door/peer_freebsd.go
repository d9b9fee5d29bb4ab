package door

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// socketCaller asks the kernel (LOCAL_PEERCRED, unix(4)). The structure that x/sys
// knows has no process id.
func socketCaller(fd int) (Caller, error) {
	cred, err := unix.GetsockoptXucred(fd, unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
	if err != nil {
		return Caller{}, err
	}
	return Caller{UID: strconv.FormatUint(uint64(cred.Uid), 10)}, nil
}
