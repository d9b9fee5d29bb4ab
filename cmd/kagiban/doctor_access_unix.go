//go:build unix

package main

import (
	"fmt"
	"io/fs"
	"os"

	"kagiban/cmd/internal/say"
)

// othersMay says what the mode of a file lets others do; nil if that is nothing which is forbidden.
func othersMay(f ownFile) say.Fields {
	mode := f.info.Mode().Perm()
	if mode&f.forbidden == 0 {
		return nil
	}
	may := "read"
	if mode&f.forbidden&0o022 != 0 {
		may = "change"
	}
	return say.Fields{
		"who": "others", "may": may, "how": fmt.Sprintf("mode %04o", mode),
		"still": "the folder that it is in keeps them out for now", "fix": fmt.Sprintf("chmod %o %s", f.right, say.Quote(f.path)),
	}
}

// closingCommand closes a folder, as a shell reads it.
func closingCommand(dir, _ string) string { return "chmod 700 " + say.Quote(dir) }

// closeTo gives a file or folder the mode that it should have.
func closeTo(path string, mode fs.FileMode) error { return os.Chmod(path, mode) }

// openingCommand lets the owner read and write a file.
func openingCommand(path string) string { return "chmod u+rw " + say.Quote(path) }

// openTo does that, and opens it to nobody else.
func openTo(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	return os.Chmod(path, info.Mode().Perm()|0o600)
}
