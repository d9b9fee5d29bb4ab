package hostsetup

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Problem is one thing that stands in the way of a key-only server. Its sentence, by its ID, is in cmd/internal/say; About fills in
// the placeholders.
type Problem struct {
	ID    string
	About map[string]string
}

// problem makes one out of its id and pairs of placeholder and value.
func problem(id string, pairs ...string) Problem {
	p := Problem{ID: id, About: map[string]string{}}
	for i := 0; i+1 < len(pairs); i += 2 {
		p.About[pairs[i]] = pairs[i+1]
	}
	return p
}

// String is for logs: the id, and what it is about.
func (p Problem) String() string {
	words := []string{p.ID}
	for _, name := range slices.Sorted(maps.Keys(p.About)) {
		words = append(words, fmt.Sprintf("%s=%q", name, p.About[name]))
	}
	return strings.Join(words, " ")
}

// A BlockedError lists what stands in the way. Nothing on the server was changed.
type BlockedError struct{ Problems []Problem }

func (e *BlockedError) Error() string {
	all := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		all[i] = p.String()
	}
	return strings.Join(all, "; ")
}
