package door

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"golang.org/x/sys/windows"
)

// network is what the addresses of our pipes are said to be of.
const network = "pipe"

// fileID has no use here: the system takes a pipe away with its last handle.
type fileID struct{}

// maxPath is how long the name of a pipe can be (CreateNamedPipe).
const maxPath = 256

// listen makes a pipe at a name that nobody has.
func listen(path string) (*Listener, error) {
	if len(path) > maxPath {
		return nil, &PathTooLongError{Path: path, Limit: maxPath}
	}
	sid, err := userSID()
	if err != nil {
		return nil, err
	}
	inner, err := newPipe(path, privateTo(sid.String()), windows.CreateNamedPipe)
	if err != nil {
		return nil, err
	}
	return &Listener{net: inner, path: path, me: sid.String()}, nil
}

func makeNew(path string) (*Listener, error) { return listen(path) }

func alone(path string) (*Listener, error) { return listen(path) }

func (l *Listener) own() error { return ErrUnsupported }

func fromFile(*os.File) (*Listener, error) { return nil, ErrUnsupported }

// admit lets in the user that we run as. The pipe lets in nobody else either; that
// is looked at once more.
func admit(c Caller, me string) error {
	if c.UID == me && me != "" {
		return nil
	}
	return ErrStranger
}

// isShortage says that accepting failed for want of something that may come back.
func isShortage(err error) bool {
	for _, shortage := range []error{
		windows.ERROR_NO_SYSTEM_RESOURCES, windows.ERROR_NOT_ENOUGH_MEMORY, windows.ERROR_OUTOFMEMORY,
		windows.ERROR_NOT_ENOUGH_QUOTA, windows.ERROR_TOO_MANY_OPEN_FILES,
	} {
		if errors.Is(err, shortage) {
			return true
		}
	}
	return false
}

func (l *Listener) close() error { return l.net.Close() }

// dial looks at whose pipe it is before anything is said. The pipe of Windows'
// OpenSSH may be the system's or an administrator's, who could read our memory.
func dial(path string) (net.Conn, error) {
	c, err := openPipe(path)
	if err != nil {
		return nil, err
	}
	owner, err := c.owner()
	if err == nil {
		err = checkOwner(path, owner)
	}
	if err != nil {
		c.Close()
		return nil, fmt.Errorf(`connect to "%s": %w`, path, err)
	}
	return c, nil
}

func checkOwner(path string, owner *windows.SID) error {
	me, err := userSID()
	switch {
	case err != nil:
		return err
	case owner.Equals(me):
		return nil
	case plainName(path) == OpenSSHPipe && (owner.IsWellKnown(windows.WinLocalSystemSid) || owner.IsWellKnown(windows.WinBuiltinAdministratorsSid)):
		return nil
	}
	return fmt.Errorf("the pipe is that of %s: %w", owner, ErrStranger)
}

// plainName is the name of a pipe in one spelling: capitals and the direction of
// slashes mean nothing.
func plainName(path string) string {
	return strings.ToLower(strings.ReplaceAll(path, "/", `\`))
}

func same(one, other string) bool {
	if one, other = plainName(one), plainName(other); one == other {
		return true
	}
	const pipes = `\\.\pipe\`
	if !strings.HasPrefix(one, pipes) || !strings.HasPrefix(other, pipes) {
		return false
	}
	ours, err := serverOf(one)
	if err != nil {
		return false
	}
	theirs, err := serverOf(other)
	return err == nil && ours == theirs
}

// serverOf is the process that a pipe is served by.
func serverOf(path string) (pid uint32, err error) {
	c, err := openPipe(path)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	err = c.control(func(h windows.Handle) error { return windows.GetNamedPipeServerProcessId(h, &pid) })
	return pid, err
}

// Further: see Further. Pageant's own mutex is held meanwhile, so that a Pageant that
// starts in this moment finds all of it or nothing.
func further() []Way {
	user, err := userName()
	if err != nil {
		return []Way{{Name: WayPuTTY, Err: err}, {Name: WayWindow, Path: WindowPath, Err: err}, openAt(WayOpenSSH, OpenSSHPipe)}
	}
	unlock := lockMutex(`Local\pageant-mutex.` + user)
	defer unlock()
	ways := []Way{openAt(WayPuTTY, pageantPipe(user, protect)), {Name: WayWindow, Path: WindowPath}}
	if ways[1].Listener, ways[1].Err = listenWindow(); errors.Is(ways[1].Err, ErrInUse) {
		ways[1].Holder = holder(windowServer())
	}
	return append(ways, openAt(WayOpenSSH, OpenSSHPipe))
}

func openAt(name, path string) Way {
	w := Way{Name: name, Path: path}
	if w.Listener, w.Err = Listen(path); errors.Is(w.Err, ErrInUse) {
		w.Holder = holder(serverOf(path))
	}
	return w
}

// holder is who a process is. Of a service only the name of its program may be learnt.
func holder(pid uint32, err error) (who Caller) {
	if err != nil || pid == 0 {
		return Caller{}
	}
	if who, _ = processCaller(pid); who.Program == "" {
		_, names := processes()
		who.Program = names[who.PID]
	}
	return who
}
