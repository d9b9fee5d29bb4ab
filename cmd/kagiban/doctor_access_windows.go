package main

import (
	"io/fs"

	"kagiban/cmd/internal/say"
	"kagiban/vault/safefile"
)

// The same names as in doctor_access_unix.go. Modes say nothing on Windows, access lists do.

// mendingCommand says no access list: they are long.
const mendingCommand = "kagiban doctor --fix"

// othersMay: nobody else has anything to do with a file of ours. Its folder does not keep others out: Windows lets everybody pass
// through folders (SeChangeNotifyPrivilege).
func othersMay(f ownFile) say.Fields {
	who, err := safefile.OthersMay(f.path)
	if err != nil || who == "" {
		return nil // what cannot be looked at has its row: unreadableKeys
	}
	return say.Fields{
		"who": who, "may": "open", "how": "its access list says so", "still": "nothing was changed", "fix": mendingCommand,
	}
}

func closingCommand(_, fix string) string { return fix }

func openingCommand(string) string { return mendingCommand }

func openTo(path string) error { return safefile.ClosePath(path) }

func closeTo(path string, _ fs.FileMode) error { return safefile.ClosePath(path) }
