package say

import (
	"runtime"
	"strings"
)

// Commands to type on this computer are said so that its shells read them alike: POSIX's, or on Windows PowerShell and cmd.exe.

// Quote is a word as a shell of this computer reads it, between quotes if it needs any.
func Quote(word string) string { return quote(runtime.GOOS, word) }

func quote(system, word string) string {
	signs := "/._-+,:@%"
	if system == "windows" {
		signs = `\/._-+:~`
	}
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(signs, r)
	}
	switch {
	case word != "" && strings.TrimFunc(word, plain) == "":
		return word
	case system != "windows":
		return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	case strings.ContainsAny(word, "$`\u201c\u201d\u201e"): // which PowerShell would fill in, or take for a quote; cmd.exe has none but the double ones
		return "'" + strings.NewReplacer("'", "''", "\u2018", "\u2018\u2018", "\u2019", "\u2019\u2019", "\u201a", "\u201a\u201a", "\u201b", "\u201b\u201b").Replace(word) + "'"
	}
	return `"` + word + `"` // a sign that no file's name has on Windows
}

// Renaming is the command that gives a file another name, unless that is taken.
func Renaming(from, to string) string { return renaming(runtime.GOOS, from, to) }

func renaming(system, from, to string) string {
	command := "mv -n "
	if system == "windows" {
		command = "move " // PowerShell refuses, cmd.exe asks
	}
	return command + quote(system, from) + " " + quote(system, to)
}

// NoWays names the ways in which a person is asked on this computer, where there is none of them.
func NoWays() string { return noWays(runtime.GOOS) }

func noWays(system string) string {
	last := "no pinentry that could show a question"
	if system == "windows" {
		last = "no dialog that may be shown (SSH_ASKPASS_REQUIRE=never) and would be seen (in a login by ssh and in a service it would not)"
	}
	return "no terminal, no SSH_ASKPASS that may be used, and " + last
}

// looking is the command that shows who may do something in a folder, and with the file in it that is meant, if it is not "".
func looking(system, folder, file string) string {
	switch {
	case system == "windows" && file == "":
		return "icacls " + quote(system, folder)
	case system == "windows":
		return "icacls " + quote(system, file)
	case file == "":
		return "ls -ld " + quote(system, folder)
	}
	return "ls -ld " + quote(system, folder) + " " + quote(system, file)
}

// room says to make room on the disk of a folder, and shows how much there is where one command does.
func room(system, folder string) string {
	if system == "windows" {
		return "make room on the disk of " + quote(system, folder)
	}
	return "df -h " + quote(system, folder) + "; df -i " + quote(system, folder) + "   (make room there)"
}
