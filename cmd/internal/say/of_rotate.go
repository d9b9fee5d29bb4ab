package say

import (
	"context"
	"errors"
	"strings"

	"kagiban/hostsetup"
)

// ofRotate knows how the exchange of keys on one server may end. It comes before hostsetup's own rule: what is still true is another thing here.
func ofRotate(err error) (ID, Fields) {
	var rotate *hostsetup.RotateError
	if !errors.As(err, &rotate) {
		return "", nil
	}
	id, fields := Of(rotate.Err)
	f := Fields{"error": cause(rotate.Err), "next": "mend that"}
	for name, value := range fields {
		if name != "error" && name != "next" {
			f[name] = value
		}
	}
	if commands := fill(table()[id].Next, fields); commands != "" {
		f["next"] = strings.ReplaceAll(commands, "\n", "; ")
	}
	shut := id == LoginRefused || id == LoginShut
	if shut {
		f["next"] = "let the new key in from another computer, or from the console (kagiban key show prints its line)"
	}
	switch {
	case errors.Is(err, context.Canceled):
		return RotateCut, f
	case rotate.In:
		return RotateOldOn, f
	case shut:
		return RotateRefused, f
	}
	return RotateNotIn, f
}
