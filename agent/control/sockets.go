package control

import (
	"errors"
	"fmt"

	"kagiban/agent"
)

// Errors about narrower sockets.
var (
	// ErrNoSocket says that there is no narrower socket of that name.
	ErrNoSocket = errors.New("there is no narrower socket of that name")
	// ErrSocketThere says that there is one of that name, for something else.
	ErrSocketThere = errors.New("there is a narrower socket of that name, for something else")
)

// Socket is a narrower socket of the agent.
type Socket struct {
	agent.Scope
	Path  string `json:"path"`
	Error string `json:"error,omitempty"` // why it is shut; "": it is open
}

// Sockets are the narrower sockets that a server of this package adds to and takes from.
// Its methods may be called from any goroutine.
type Sockets interface {
	// Add opens one, for good. One of that name that is for the very same is opened
	// anew, and its connections end. The error wraps agent.ErrScope or ErrSocketThere
	// where that is the reason; then nothing was changed.
	Add(agent.Scope) error
	// Remove ends one and all its connections. The error wraps ErrNoSocket if there is none.
	Remove(name string) error
	// RenameKey has all that are for the key called old be for the one called name, for
	// good; they are opened anew, and their connections end.
	RenameKey(old, name string) error
	List() []Socket
}

// AddSocket has the agent open a narrower socket, at once and whenever it begins. The
// errors are those of Sockets.
func (c *Client) AddSocket(s agent.Scope) error {
	if _, err := c.call(request{Op: opAddSocket, Scope: &s}, answerTime); err != nil {
		return fmt.Errorf("add the socket %q: %w", s.Name, err)
	}
	return nil
}

// RemoveSocket ends a narrower socket. The errors are those of Sockets.
func (c *Client) RemoveSocket(name string) error {
	if _, err := c.call(request{Op: opRemoveSocket, Name: name}, answerTime); err != nil {
		return fmt.Errorf("remove the socket %q: %w", name, err)
	}
	return nil
}

// RenameKey has the narrower sockets know a key by another name.
func (c *Client) RenameKey(old, name string) error {
	if _, err := c.call(request{Op: opRenameKey, Key: old, Name: name}, answerTime); err != nil {
		return fmt.Errorf("rename the key %q at the narrower sockets: %w", old, err)
	}
	return nil
}
