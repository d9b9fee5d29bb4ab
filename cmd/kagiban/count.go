package main

import (
	"math"
	"strings"

	"kagiban/cmd/internal/say"
)

// checkCount holds the number of arguments against the command's ArgsUsage, so
// that what help shows is what is taken: "NAME", "OLD NEW", "[KEY...]", "HOST...".
func checkCount(c *call) error {
	needed, most := bounds(c.command.ArgsUsage)
	switch {
	case len(c.args) < len(needed):
		return say.Fail(say.MissingArgument, nil, "arg", needed[len(c.args)], "command", c.path())
	case len(c.args) > most:
		return say.Fail(say.TooManyArguments, nil, "arg", c.args[most], "command", c.path())
	}
	return nil
}

// bounds reads a usage text: the arguments that must be there, and how many
// there may be. A word wholly in brackets is optional, three dots repeat.
func bounds(usage string) (needed []string, most int) {
	for _, word := range strings.Fields(usage) {
		plain, repeats := strings.CutSuffix(word, "...")
		if optional(plain) {
			repeats = repeats || strings.HasSuffix(plain, "...]")
		} else {
			needed = append(needed, plain)
		}
		if repeats {
			most = math.MaxInt
		} else if most < math.MaxInt {
			most++
		}
	}
	return needed, most
}

// optional tells "[KEY]" and "[[USER@]HOST...]" from "[USER@]HOST[:PORT]": its first bracket closes at its end.
func optional(word string) bool {
	depth := 0
	for i, c := range word {
		switch c {
		case '[':
			depth++
		case ']':
			depth--
		}
		if depth == 0 {
			return i > 0 && i == len(word)-1
		}
	}
	return false
}
