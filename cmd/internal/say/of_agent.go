package say

import (
	"errors"

	"kagiban/agent"
	"kagiban/agent/control"
	"kagiban/agent/door"
)

// ofAgent knows the errors of the agent, its doors and its control socket.
func ofAgent(err error) (ID, Fields) {
	var version *control.VersionError
	var long *door.PathTooLongError
	text := Fields{"error": err.Error()}
	switch {
	case errors.Is(err, control.ErrNotRunning):
		return AgentNotRunning, nil
	case errors.As(err, &version):
		return AgentOtherVersion, Fields{"error": version.Error()}
	case errors.Is(err, agent.ErrNoKey):
		return NoKey, text
	case errors.Is(err, agent.ErrWrongPassphrase):
		return WrongPassphrase, text
	case errors.Is(err, agent.ErrAgentLocked):
		return AgentLocked, Fields{"command": "ssh-add -X"}
	case errors.Is(err, agent.ErrCannotAsk):
		return CannotAsk, Unasked(err).Fields
	case errors.Is(err, door.ErrUnsupported):
		return NoAgentHere, Fields{"error": door.ErrUnsupported.Error()}
	case errors.Is(err, door.ErrNotSocket):
		return NotASocket, text
	case errors.Is(err, door.ErrInUse):
		return SocketTaken, Fields{"path": "the agent's socket"}
	case errors.As(err, &long):
		return Failed, text
	}
	return "", nil
}
