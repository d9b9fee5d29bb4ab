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
	var path *service.PathError
	switch {
	case errors.As(err, &none):
		return NoServiceHere, Fields{"error": none.Reason}
	case errors.As(err, &foreign):
		return ServiceForeign, Fields{"path": foreign.Path, "verb": "install"}
	case errors.As(err, &failed):
		return ServiceFailed, Fields{"error": failed.Error()}
	case errors.As(err, &path):
		return ServiceBadPath, Fields{"error": path.Error()}
	}
	return "", nil
}
