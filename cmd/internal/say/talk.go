package say

import "strings"

// Talk is the text of a message that is no error: what happened, then what is
// still true and what to type next, each on lines of its own. It has no prefix and
// no last newline.
func Talk(id ID, fields Fields) string {
	m := table()[id]
	lines := []string{fill(m.What, fields)}
	if still := fill(m.StillTrue, fields); still != "" {
		lines = append(lines, "  "+still)
	}
	for _, n := range strings.Split(fill(m.Next, fields), "\n") {
		if n != "" {
			lines = append(lines, "  next: "+n)
		}
	}
	return strings.Join(lines, "\n")
}
