package main

import (
	"strconv"
	"strings"
	"time"

	"kagiban/cmd/internal/say"
)

// maxLife is the longest time that ssh-add -t can name, in seconds.
const maxLife = 1<<32 - 1

// parseLife reads how long a key is to stay unlocked, as ssh-add -t does.
func parseLife(text string) (time.Duration, error) {
	seconds, ok := sshTime(text)
	if !ok || seconds == 0 || seconds > maxLife {
		return 0, say.Fail(say.BadLife, nil, "value", text)
	}
	return time.Duration(seconds) * time.Second, nil
}

// sshTime reads a time as OpenSSH does: seconds, or numbers with a unit each, s, m,
// h, d or w (sshd_config(5), TIME FORMATS).
func sshTime(text string) (seconds uint64, ok bool) {
	for rest := text; rest != ""; {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		n, err := strconv.ParseUint(rest[:digits], 10, 32)
		if err != nil {
			return 0, false
		}
		unit := "s"
		if rest = rest[digits:]; rest != "" {
			unit, rest = rest[:1], rest[1:]
		}
		length, ok := map[string]uint64{"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}[strings.ToLower(unit)]
		seconds += n * length
		if !ok || seconds > maxLife {
			return 0, false
		}
	}
	return seconds, text != ""
}
