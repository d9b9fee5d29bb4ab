package main

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"kagiban/cmd/internal/say"
)

// pages are the texts for people, by their paths.
func pages(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(files) < 10 {
		t.Fatal(files, err)
	}
	tops, err := filepath.Glob("../../*.md")
	if err != nil || len(tops) < 2 {
		t.Fatal(tops, err)
	}
	all := map[string]string{}
	for _, file := range append(files, tops...) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all[file] = strings.ReplaceAll(string(text), "\r\n", "\n")
	}
	return all
}

// TestDocsCommands: each command that a page names is there, with these flags, and takes as many arguments.
func TestDocsCommands(t *testing.T) {
	p := &program{stdout: new(bytes.Buffer), stderr: new(bytes.Buffer), verbose: new(slog.LevelVar)}
	app, found := newApp(p, commands(p)), 0
	for page, text := range pages(t) {
		for _, c := range namedCommands(text) {
			words := shellWords(c.text)
			if runtime.GOOS != "windows" && slices.Contains(words, "--task") {
				continue // which is asked for there
			}
			found++
			_, err := permute(app, words)
			wrong := new(say.Error)
			if !errors.As(err, &wrong) {
				continue
			}
			switch wrong.ID {
			case say.MissingArgument, say.MissingFlag, say.FlagNeedsValue: // in a sentence a command may stand without them
				if !c.typed {
					continue
				}
			}
			t.Errorf("%s: %s: %v", filepath.Base(page), c.text, err)
		}
	}
	if found < 150 {
		t.Errorf("%d commands found: the test looks in the wrong places", found)
	}
}

// named is a command in a page: typed, line for line, or spoken of in a sentence.
type named struct {
	text  string
	typed bool
}

var (
	fences  = regexp.MustCompile("(?ms)^ *```.*?^ *```")
	spans   = regexp.MustCompile("`([^`]+)`")
	calls   = regexp.MustCompile(`(?:^|[(:]['"]?|[|;:&] )kagiban(?:\.exe)?((?: +(?:"[^"]*"|'[^']*'|[^\s"'|;()<>#&]+))+)`)
	unclear = regexp.MustCompile(`[{}…]|\.\.\.`)
)

// namedCommands are all in the text of a page that are meant to be typed.
func namedCommands(text string) (all []named) {
	add := func(code string, typed bool) {
		for _, m := range calls.FindAllStringSubmatch(strings.ReplaceAll(code, " 2>", " >"), -1) {
			words, _, _ := strings.Cut(m[1], ", ")
			if !unclear.MatchString(words + " ") {
				all = append(all, named{"kagiban" + words, typed})
			}
		}
	}
	for _, block := range fences.FindAllString(text, -1) {
		for line := range strings.Lines(strings.ReplaceAll(block, "\\\n", " ")) {
			add(strings.TrimSpace(line), true)
		}
	}
	for _, span := range spans.FindAllStringSubmatch(fences.ReplaceAllString(text, ""), -1) {
		add(strings.ReplaceAll(span[1], "\n", " "), false)
	}
	return all
}

// shellWords takes a command apart at spaces, quotes held together.
func shellWords(command string) (words []string) {
	for _, word := range regexp.MustCompile(`"[^"]*"|'[^']*'|\S+`).FindAllString(command, -1) {
		words = append(words, strings.Trim(word, `"'`))
	}
	return words
}

// heading is how a link names a heading: as its words, with dashes between them.
func heading(line string) string {
	return strings.ReplaceAll(regexp.MustCompile(`[^a-z0-9 -]`).ReplaceAllString(strings.ToLower(strings.TrimLeft(line, "# ")), ""), " ", "-")
}

// TestDocsLinks: each page that a page leads to is there, and so is the heading.
func TestDocsLinks(t *testing.T) {
	found, all := 0, pages(t)
	for page, text := range all {
		for _, m := range regexp.MustCompile(`\]\(([^)#\s]*)(?:#([^)]*))?\)`).FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], ":") {
				continue // somebody else's
			}
			found++
			there := page
			if m[1] != "" {
				there = filepath.Join(filepath.Dir(page), filepath.FromSlash(m[1]))
			}
			if _, err := os.Stat(there); err != nil {
				t.Errorf("%s: %v", filepath.Base(page), err)
			}
			headings := regexp.MustCompile(`(?m)^#+ .*$`).FindAllString(all[there], -1)
			if m[2] != "" && !slices.ContainsFunc(headings, func(line string) bool { return heading(line) == m[2] }) {
				t.Errorf("%s: no heading %s in %s", filepath.Base(page), m[2], filepath.Base(there))
			}
		}
	}
	if found < 20 {
		t.Errorf("%d links found", found)
	}
}
