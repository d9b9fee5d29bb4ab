package door

import (
	"fmt"
	"net"
	"strconv"

	"golang.org/x/sys/unix"
)

// maxPath is how long sun_path can be, without the zero at its end (unix(4)).
const maxPath = 103

// socketCaller asks the kernel (LOCAL_PEERCRED, unix(4)). The structure that x/sys
// knows has no process id.
func socketCaller(c *net.UnixConn) (Caller, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return Caller{}, err
	}
	var cred *unix.Xucred
	var credErr error
	err = raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptXucred(int(fd), unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
	})
	if err != nil {
		return Caller{}, err
	}
	if credErr != nil {
		return Caller{}, fmt.Errorf("ask who is calling: %w", credErr)
	}
	return Caller{UID: strconv.FormatUint(uint64(cred.Uid), 10)}, nil
}
