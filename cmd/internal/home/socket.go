package home

import "fmt"

// SocketPathError says that a socket cannot be made at Path: the kernel keeps
// the path of a socket in a field of fixed size (sun_path, unix(7)).
type SocketPathError struct {
	Path  string
	Limit int // bytes that fit
}

func (e *SocketPathError) Error() string {
	return fmt.Sprintf(`the socket path "%s" has %d bytes, at most %d fit`, e.Path, len(e.Path), e.Limit)
}

// AgentSocket is where the agent speaks RFC 9987: what SSH_AUTH_SOCK names. On
// Windows it is the name of a pipe.
func (h Home) AgentSocket() string { return h.socket("agent") }

// ControlSocket is where the agent takes kagiban's own commands.
func (h Home) ControlSocket() string { return h.socket("control") }

// NarrowSocket is where the narrower socket of that name is; on Windows it is the name
// of a pipe.
func (h Home) NarrowSocket(name string) string { return h.narrowSocket(name) }

// NarrowDir is the folder that holds that socket and nothing else; "" on Windows.
func (h Home) NarrowDir(name string) string { return h.narrowDir(name) }

// CheckSockets gives a *SocketPathError when the sockets' paths are too long.
func (h Home) CheckSockets() error {
	if path := h.ControlSocket(); len(path) > maxSocketPath {
		return &SocketPathError{Path: path, Limit: maxSocketPath}
	}
	return nil
}
