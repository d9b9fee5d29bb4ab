package sshd

import (
	"cmp"
	"slices"
	"strings"
)

// Reading returns all settings in the order in which sshd comes to them: in place of an Include stands what it reads, file by file (glob(7), by
// bytes), and what is included inside of a Match block belongs to it. files are the configuration's files, the main one first.
func Reading(files []File) []Line {
	if len(files) == 0 {
		return nil
	}
	return read(files, files[0], "", nil)
}

// read is that for one file, which the files of above include; sshd refuses a file that includes itself.
func read(files []File, f File, match string, above []string) []Line {
	above = append(slices.Clip(above), f.Path)
	var all []Line
	for _, l := range f.Lines() {
		l.Match = cmp.Or(l.Match, match)
		if l.Keyword != "include" {
			all = append(all, l)
			continue
		}
		for pattern := range strings.FieldsSeq(l.Value) {
			var found []File
			for _, g := range files {
				known := slices.ContainsFunc(found, func(x File) bool { return x.Path == g.Path })
				if !known && (Line{Keyword: l.Keyword, Value: pattern}).includes(g.Path) {
					found = append(found, g)
				}
			}
			slices.SortFunc(found, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
			for _, g := range found {
				if !slices.Contains(above, g.Path) {
					all = append(all, read(files, g, l.Match, above)...)
				}
			}
		}
	}
	return all
}

// Decides returns the line by which a typed method ("password" or "keyboard-interactive") is on for everybody: of each of its names the first
// value that sshd reads wins (sshd_config(5)). ok is false where no line says so, and sshd's default is what holds.
func Decides(files []File, method string) (decides Line, ok bool) {
	names := []string{"passwordauthentication"}
	if method == "keyboard-interactive" {
		names = []string{"kbdinteractiveauthentication", "challengeresponseauthentication", "skeyauthentication"}
	}
	lines := Reading(files)
	for _, name := range names {
		first := slices.IndexFunc(lines, func(l Line) bool { return l.Keyword == name && l.Match == "" })
		if first >= 0 && lines[first].opens() {
			return lines[first], true
		}
	}
	return Line{}, false
}
