package say

import (
	"errors"

	"kagiban/cmd/internal/service"
)

func serviceSamples() []sample {
	return []sample{
		{&service.UnavailableError{Reason: "no systemd answers for this user"}, NoServiceHere},
		{&service.ForeignError{Path: "/home/me/.config/systemd/user/kagiban-agent.socket"}, ServiceForeign},
		{&service.CommandError{Command: "systemctl --user", Output: "no", Err: errors.New("exit status 1")}, ServiceFailed},
		{&service.PathError{Path: "/a\nb", Reason: "has a control character"}, ServiceBadPath},
		{Fail(AgentByHand, nil, "pid", "4711"), AgentByHand},
		{Fail(OtherSocket, nil, "path", "/run/x", "folder", "/run/y"), OtherSocket},
	}
}
