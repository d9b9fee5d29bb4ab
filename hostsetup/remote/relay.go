package remote

// Words are two lines that nobody can guess, by which a shell and who speaks with a program through it find their places.
type Words struct{ Begins, Over string }

// NewWords returns words of their own for one program.
func NewWords() Words {
	n := Nonce()
	return Words{"KG" + n + " begins", "KG" + n + " over"}
}

// Relay is what a shell is told so that it runs program, whose input is then told in lines as [Line] makes them, until the line Over. The shell says
// Begins when it is ready for these, and Over when the program has ended.
func (w Words) Relay(program string) string {
	return "printf '\\n%s\\n' " + Quote(w.Begins) + "; { trap '' PIPE; while IFS= read -r line && [ \"$line\" != " + Quote(w.Over) + " ]; do printf \"${line#?}\"; done; } 2>/dev/null | { " +
		program + "; printf '\\n%s\\n' " + Quote(w.Over) + "; }\n"
}

// Line is a line of text that [Words.Relay] turns into b. It has none but digits in it, and to a shell it is a comment: one that nobody reads any more does nothing.
func Line(b []byte) string {
	line := append(make([]byte, 0, 4*len(b)+2), '#')
	for _, x := range b {
		line = append(line, '\\', '0'+x>>6, '0'+x>>3&7, '0'+x&7)
	}
	return string(append(line, '\n'))
}
