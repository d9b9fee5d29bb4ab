package say

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"kagiban/cmd/internal/home"
	"kagiban/cmd/internal/prompt"
)

// ofFrame knows the errors of prompt and home, and a cancelled context, which
// in a command always means that the person ended it.
func ofFrame(err error) (ID, Fields) {
	var long *home.SocketPathError
	var config *home.ConfigError
	var unread *prompt.SourceError
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, prompt.ErrInterrupted):
		return Interrupted, nil
	case errors.Is(err, prompt.ErrCannotAsk):
		return CannotAsk, Unasked(err).Fields
	case errors.Is(err, prompt.ErrNoAnswer):
		return NoAnswer, nil
	case errors.Is(err, prompt.ErrEmpty):
		return EmptySecret, nil
	case errors.Is(err, prompt.ErrDiffer):
		return SecretsDiffer, nil
	case errors.As(err, &unread):
		return SecretUnread, Fields{"error": unread.Error()}
	case errors.Is(err, home.ErrNoHome):
		return NoHome, Fields{"error": err.Error()}
	case errors.As(err, &long):
		return SocketPathLong, Fields{"path": long.Path, "length": strconv.Itoa(len(long.Path)), "limit": strconv.Itoa(long.Limit)}
	case errors.As(err, &config):
		return BadConfig, Fields{"error": config.Error(), "path": config.Path}
	}
	return "", nil
}

// Unasked is the end of a question that cannot be asked here. The flags, each with its value, are what would have answered it.
func Unasked(cause error, flags ...string) *Error {
	instead := ""
	if len(flags) > 0 {
		instead = ", or with " + strings.Join(flags, " and ")
	}
	return Fail(CannotAsk, cause, "ways", NoWays(), "instead", instead)
}
