package vault

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

var nameRule = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]*$`)

const longestName = 64

// deviceRule matches what Windows takes for a device, whatever follows the first dot. A vault may be carried there.
var deviceRule = regexp.MustCompile(`(?i)^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)`)

// CheckName says whether name may name a key: 1 to 64 of A-Z a-z 0-9 . _ -, not beginning with a dot or a dash, and no name of
// a Windows device (con, nul, com1...). The error wraps [ErrBadName].
func CheckName(name string) error {
	if len(name) > longestName || !nameRule.MatchString(name) {
		return fmt.Errorf(`%w: "%.80s" (1 to 64 of A-Z a-z 0-9 . _ -, not beginning with . or -)`, ErrBadName, name)
	}
	if deviceRule.MatchString(name) {
		return fmt.Errorf("%w: %q is a device on Windows", ErrBadName, name)
	}
	return nil
}

// maxComment is the length of a comment in bytes. OpenSSH allows 1024, sshkey.c; a line of a table does not.
const maxComment = 256

// CleanComment makes a comment from outside fit for one line of text: white space of every kind becomes one space, control,
// format and bidirectional characters (Unicode Cc, Cf, Zl, Zp) and bytes that are not UTF-8 go, the ends are trimmed, and it is
// cut at 256 bytes. Cleaning twice is cleaning once.
func CleanComment(s string) string {
	var b strings.Builder
	space := false
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			space = b.Len() > 0
			continue
		case r == utf8.RuneError, unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs):
			continue
		}
		need := utf8.RuneLen(r)
		if space {
			need++
		}
		if b.Len()+need > maxComment {
			break
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	return b.String()
}
