package service

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"text/template"
	"unicode"
	"unicode/utf8"
)

//go:embed kagiban-agent.socket kagiban-agent.service launchd.plist runkey.txt task.xml
var texts embed.FS

// render fills in one of the embedded texts, and its checksum.
func render(name string, spec Spec) (string, error) {
	t, err := template.New(name).Funcs(template.FuncMap{
		"systemdPath":     func(path string) string { return systemdPath(path, spec.Runtime) },
		"systemdWord":     systemdWord,
		"systemdVariable": func(path string) string { return `"SSH_AUTH_SOCK=` + systemdPath(path, spec.Runtime) + `"` },
		"xmlASCII":        xmlASCII,
		"windowsWord":     windowsWord,
		"nameOf":          func(pair string) string { name, _, _ := strings.Cut(pair, "="); return name },
		"valueOf":         func(pair string) string { _, value, _ := strings.Cut(pair, "="); return value },
	}).ParseFS(texts, name)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if err := t.Execute(&b, spec); err != nil {
		return "", err
	}
	return sealed(b.String()), nil
}

// writable says that a path can stand in a file of lines: systemd skips a line that is no UTF-8, and nothing quotes a line break for all.
func writable(path string) bool {
	return utf8.ValidString(path) && !strings.ContainsFunc(path, unicode.IsControl)
}

// systemdPath is a socket's path where the whole rest of the line is one: only the percent sign has a meaning (systemd.unit(5),
// SPECIFIERS). It has nothing in it that needs to be quoted: see systemd.files.
func systemdPath(path, runtime string) string {
	if below, ok := strings.CutPrefix(path, runtime+"/"); ok && runtime != "" {
		return "%t/" + strings.ReplaceAll(below, "%", "%%")
	}
	return strings.ReplaceAll(path, "%", "%%")
}

// systemdWord is one word of a command or of Environment= (systemd.syntax(7), QUOTING). A dollar sign has no
// meaning in the path of a program, and commands that could have one in another place begin with a colon (systemd.service(5), ExecStart=).
func systemdWord(word string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "%", "%%").Replace(word) + `"`
}

// xmlASCII is text of XML in letters that are the same in whatever encoding somebody keeps it.
func xmlASCII(s string) string {
	var b strings.Builder
	for _, r := range template.HTMLEscapeString(s) { // the same five letters have a meaning
		if r < utf8.RuneSelf {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, "&#%d;", r)
		}
	}
	return b.String()
}

// windowsWord is a path between quotes; no path of Windows has a quote in it.
func windowsWord(path string) string { return `"` + path + `"` }

// unquoted undoes systemdWord.
func unquoted(word string) string {
	return strings.NewReplacer(`\\`, `\`, `\"`, `"`, "%%", "%").Replace(word)
}

var checksum = regexp.MustCompile(`checksum ([0-9a-f]{16})\b`)

// sealed puts the checksum of text into it, in the place of the first one.
func sealed(text string) string {
	at := checksum.FindStringSubmatchIndex(text)
	if at == nil {
		return text
	}
	blank := text[:at[2]] + strings.Repeat("0", 16) + text[at[3]:]
	sum := sha256.Sum256([]byte(blank))
	return text[:at[2]] + hex.EncodeToString(sum[:8]) + text[at[3]:]
}

// likeness judges the text that is there by the one that should be. A value of the registry has no room for a checksum: it is
// ours if it starts our program (ours).
func likeness(want, text string, there, ours bool) Likeness {
	switch {
	case !there:
		return Missing
	case text == want:
		return Same
	case checksum.MatchString(text) && sealed(text) == text, !checksum.MatchString(want) && ours:
		return Older
	}
	return Foreign
}
