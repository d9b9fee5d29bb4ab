package main

import "strings"

// closest is the name that a person who wrote word may have meant: one that
// begins with it, or is at most two slips away (one for words of four letters or less); "" when none is near.
func closest(word string, names []string) string {
	best, least := "", 3
	switch length := len([]rune(word)); {
	case length < 2:
		return ""
	case length < 5:
		least = 2
	}
	for _, name := range names {
		if strings.HasPrefix(name, word) {
			return name
		}
		if d := distance([]rune(word), []rune(name)); d < least {
			best, least = name, d
		}
	}
	return best
}

// distance counts the slips between two words: a letter too many, too few, or
// wrong, or two letters swapped (optimal string alignment).
func distance(a, b []rune) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range b {
		d[0][j+1] = j + 1
	}
	for i := range a {
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			d[i+1][j+1] = min(d[i][j+1]+1, d[i+1][j]+1, d[i][j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				d[i+1][j+1] = min(d[i+1][j+1], d[i-1][j-1]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}
