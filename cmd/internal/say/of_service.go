package say

import (
	"errors"

	"kagiban/cmd/internal/service"
)

// ofService knows why the agent cannot be started at login.
func ofService(err error) (ID, Fields) {
	var none *service.UnavailableError
	var foreign *service.ForeignError
	var failed *service.CommandError
	switch {
	case errors.As(err, &none):
		return NoServiceHere, Fields{"error": none.Reason}
	case errors.As(err, &foreign):
		return ServiceForeign, Fields{"path": foreign.Path, "verb": "install"}
	case errors.As(err, &failed):
		return ServiceFailed, Fields{"error": failed.Error()}
	case errors.Is(err, service.ErrPath):
		return ServiceBadPath, Fields{"error": err.Error()}
	}
	return "", nil
}
