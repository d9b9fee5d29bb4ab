package inventory

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// deepest is how far Include lines may lead, as in ssh itself (READCONF_MAX_DEPTH of readconf.c).
const deepest = 16

// statement is a keyword and what follows it (ssh_config(5)); the value may stand behind an equals sign, or between quotes.
var statement = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9]*)(?:\s*=\s*|\s+)(.*\S)$`)

// sshConfig returns the aliases of the Host lines, those without wildcards. What they stand for is for ssh to say.
func (s source) sshConfig(home string) (List, error) {
	l := List{Aliases: true}
	err := s.aliases(&l, home, 0)
	return l, err
}

func (s source) aliases(l *List, home string, depth int) error {
	for _, line := range s.lines() {
		m := statement.FindStringSubmatch(line.text)
		if m == nil {
			return s.errorf(line.number, "%.80q is no line of an ssh configuration", line.text)
		}
		var err error
		switch strings.ToLower(m[1]) {
		case "host":
			err = s.host(l, line, m[2])
		case "include":
			err = s.include(l, line, m[2], home, depth)
		}
		if l.Runs == "" && runs(strings.ToLower(m[1]), strings.ToLower(m[2])) {
			l.Runs = s.where(line.number)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// runs tells whether ssh runs a program, or loads one's code, because of a line: to make a connection, or only to see what is meant (Match exec).
func runs(keyword, value string) bool {
	switch keyword {
	case "match":
		return strings.Contains(value, "exec")
	case "proxycommand", "localcommand", "knownhostscommand", "pkcs11provider", "securitykeyprovider":
		return value != "none"
	}
	return false
}

func (s source) host(l *List, line line, value string) error {
	names, err := words(value)
	if err != nil {
		return s.errorf(line.number, "%v", err)
	}
	for _, name := range names {
		if !strings.ContainsAny(name, "*?!") {
			l.add(Host{Name: name, Destination: name, Where: s.where(line.number)})
		}
	}
	return nil
}

// include reads the files that a line names: relative ones are in ~/.ssh, and what is not there is no error.
func (s source) include(l *List, line line, value, home string, depth int) error {
	if depth == deepest {
		return s.errorf(line.number, "more than %d Includes inside of each other", deepest)
	}
	patterns, err := words(value)
	if err != nil {
		return s.errorf(line.number, "%v", err)
	}
	for _, pattern := range patterns {
		if rest, ok := strings.CutPrefix(pattern, "~/"); ok {
			pattern = filepath.Join(home, rest)
		} else if !filepath.IsAbs(pattern) {
			pattern = filepath.Join(home, ".ssh", pattern)
		}
		files, err := filepath.Glob(pattern)
		if err != nil {
			return s.errorf(line.number, "%.80q: %v", pattern, err)
		}
		slices.Sort(files)
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				return s.errorf(line.number, "%v", err)
			}
			if err := (source{file, string(text)}).aliases(l, home, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}
