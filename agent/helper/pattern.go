package helper

import "strings"

// MatchList says whether s matches a list of patterns with commas between them
// (ssh_config(5), PATTERNS): "*" stands for any characters, "/" too, and "?" for
// one. One that begins with "!" and matches refuses, wherever it stands.
func MatchList(s, list string) bool {
	found := false
	for pattern := range strings.SplitSeq(list, ",") {
		pattern, not := strings.CutPrefix(pattern, "!")
		if !match(s, pattern) {
			continue
		}
		if not {
			return false
		}
		found = true
	}
	return found
}

// match takes time in proportion to len(s) * len(pattern) at most: after a "*" only
// the last one is tried again.
func match(s, pattern string) bool {
	i, j := 0, 0
	star, from := -1, 0
	for i < len(s) {
		switch {
		case j < len(pattern) && pattern[j] == '*':
			star, from = j, i
			j++
		case j < len(pattern) && (pattern[j] == '?' || pattern[j] == s[i]):
			i, j = i+1, j+1
		case star >= 0:
			from++
			i, j = from, star+1
		default:
			return false
		}
	}
	return strings.Trim(pattern[j:], "*") == ""
}
