package sshd

import "strings"

// Marks of the block in sshd_config.
const (
	blockBegin = "# kagiban: begin"
	blockEnd   = "# kagiban: end"
)

// Block is what stands at line 1 of sshd_config where no Include reads the drop-in for everybody: because somebody took that line out, or
// because sshd is older than Include (OpenSSH 8.2). The first value that sshd reads wins, so nothing after it can overrule it, except in a
// Match block.
const Block = blockBegin + `
# Written by kagiban: this server lets nobody in by a password.
# To allow passwords again: delete all from "begin" to "end", then reload sshd (systemctl reload ssh).
` + settings + blockEnd + "\n"

// Unblocked returns sshd_config without our block. ok is false where one mark is there without the other.
func Unblocked(text string) (rest string, ok bool) {
	var b strings.Builder
	begun, ended := false, false
	for line := range strings.SplitAfterSeq(text, "\n") {
		switch {
		case !begun && strings.HasPrefix(line, blockBegin):
			begun = true
		case begun && !ended:
			ended = strings.TrimSuffix(line, "\n") == blockEnd
		case !begun && strings.TrimSuffix(line, "\n") == blockEnd:
			return text, false
		default:
			b.WriteString(line)
		}
	}
	return b.String(), begun == ended
}

// Blocked tells whether the settings must stand in sshd_config itself, and why: the drop-in would not be read, or not for everybody.
// files are the configuration's files, the main one first.
func Blocked(files []File) (why string, blocked bool) {
	for _, l := range files[0].Lines() {
		if !l.includes(DropInPath) {
			continue
		}
		if l.Match != "" {
			return l.Where() + ": the Include stands inside the block \"" + l.Match + "\", so it is not read for everybody", true
		}
		return "", false
	}
	return files[0].Path + " has no line \"Include /etc/ssh/sshd_config.d/*.conf\"", true
}
