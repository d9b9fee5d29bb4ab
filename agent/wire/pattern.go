package wire

import "strings"

// MatchPattern compares text with a pattern (ssh_config(5), PATTERNS): "*" stands
// for any characters, "/" too, and "?" for one. It takes len(pattern)*len(text)
// steps at most: after a "*" only the last one is tried again.
func MatchPattern(pattern, text string) bool {
	star, taken := -1, 0 // where the last "*" stands, and what of text it has taken
	p, t := 0, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, taken = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			taken++
			p, t = star+1, taken
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// MatchPatternList compares text with patterns that have commas between them. One
// that begins with "!" and matches refuses, wherever it stands. The empty pattern
// matches nothing.
func MatchPatternList(list, text string) bool {
	found := false
	for pattern := range strings.SplitSeq(list, ",") {
		pattern, not := strings.CutPrefix(pattern, "!")
		if pattern == "" || !MatchPattern(pattern, text) {
			continue
		}
		if not {
			return false
		}
		found = true
	}
	return found
}
