package say

import (
	"errors"
	"net"

	"kagiban/hostsetup"
	"kagiban/hostsetup/export"
)

// ofExport knows why servers could not be written down.
func ofExport(err error) (ID, Fields) {
	var unfit *export.UnfitError
	if errors.As(err, &unfit) {
		return ExportUnfit, Fields{"error": unfit.Error()}
	}
	return "", nil
}

// ofWay knows what may happen on the way to a server.
func ofWay(e *hostsetup.UnreachableError) (ID, Fields) {
	command := "ssh -v " + e.Way.Asked
	if host, port, err := net.SplitHostPort(e.Address); err == nil && e.Way.Jump != "" {
		command = "ssh -v -J " + e.Way.Jump + " -p " + port + " " + host
	}
	return NoWay, Fields{"address": e.Address, "way": e.Way.String(), "error": e.Err.Error(), "command": command}
}
