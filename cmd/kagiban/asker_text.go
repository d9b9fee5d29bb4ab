package main

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode"

	"kagiban/agent"
	"kagiban/cmd/internal/prompt"
	"kagiban/cmd/internal/say"
)

// wish is what a question about a key says before it asks: what the key is wanted for, and by whom.
func wish(q agent.Prompt) string {
	f := questionFields(q)
	return f["purpose"] + "\n" + say.Text(say.AskedBy, f)
}

// questionFields is what a question about a key may mention. Names come from
// programs, servers and those who ask, and are cleaned and cut one by one.
func questionFields(q agent.Prompt) say.Fields {
	return say.Fields{"key": keyName(q), "who": who(q), "purpose": purpose(q)}
}

// keyName is what people call the key: its name, or what it came with, which anybody can write.
func keyName(q agent.Prompt) string {
	switch {
	case q.Key != "":
		return piece(q.Key)
	case q.Comment != "":
		return `"` + words(q.Comment) + `" (` + piece(q.Fingerprint) + ")"
	}
	return piece(q.Fingerprint)
}

// who asks: the program with those that it was started by, and the servers that it forwards for.
func who(q agent.Prompt) string {
	here := callerName(q.Peer)
	if parents := parentNames(q.Origin.Parents); parents != "" {
		here = say.Text(say.WhoStarted, say.Fields{"program": here, "parents": parents})
	}
	f := say.Fields{"here": here, "via": piece(q.Use.Via), "socket": piece(q.Use.Socket)}
	switch {
	case q.Use.Socket != "": // nothing is forwarded there
		return say.Text(say.WhoAtSocket, f)
	case !q.Use.Forwarded:
		return here
	case q.Use.Via == "":
		return say.Text(say.WhoFromSomewhere, f)
	}
	return say.Text(say.WhoForwarded, f)
}

// purpose says what a signature is for.
func purpose(q agent.Prompt) string {
	u := q.Use
	f := say.Fields{
		"user": words(u.User), "server": piece(u.Server), "hostkey": piece(u.HostKey), "namespace": words(u.Namespace),
		"repository": path(q.Origin.Repository),
	}
	id := say.PurposeOther
	switch {
	case u.Purpose == agent.UseLogin && u.Server != "":
		id = say.PurposeServer
	case u.Purpose == agent.UseLogin && u.HostKey != "":
		id = say.PurposeHostKey
	case u.Purpose == agent.UseLogin:
		id = say.PurposeLogin
	case u.Purpose == agent.UseFile && u.Namespace == "git" && q.Origin.Repository != "":
		id = say.PurposeGit
	case u.Purpose == agent.UseFile && u.Namespace == "git":
		id = say.PurposeGitUnknown
	case u.Purpose == agent.UseFile:
		id = say.PurposeFile
	}
	return say.Text(id, f)
}

// maxPiece is how much of one name a question shows, in bytes as it is sent: none may push what matters off the screen, and all of them together
// fit into the one line that a pinentry takes.
const maxPiece = 100

// piece is a name as it may be shown.
func piece(s string) string { return prompt.Head(prompt.Clean(s), maxPiece) }

// words are what anybody can choose, as they may be shown between quotes: they do not end there.
func words(s string) string { return unquoted(piece(s)) }

// unquoted is without anything that looks like a quote's end.
func unquoted(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Quotation_Mark, r) {
			return '\''
		}
		return r
	}, s)
}

// path is one that could not be taken for words of ours: with anything but ASCII's plain characters it stands between quotes. There are too many that
// look like a space, or a comma.
func path(p string) string {
	p = pathTail(p)
	if strings.ContainsFunc(p, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`,"`, r) }) {
		return `"` + unquoted(p) + `"`
	}
	return p
}

// pathTail is a path as it may be shown; of a long one the end says more.
func pathTail(path string) string { return prompt.Tail(prompt.Clean(path), maxPiece) }

// programName is the path of a program.
func programName(exe string) string { return cmp.Or(path(exe), "a program") }

// refusedName is who was refused.
func refusedName(r agent.Refusal) string {
	if r.Socket == "" {
		return callerName(r.Peer)
	}
	return say.Text(say.RefusedAtSocket, say.Fields{"program": callerName(r.Peer), "socket": piece(r.Socket)})
}

// callerName is what a program is called, or its process.
func callerName(p agent.Peer) string {
	switch program := path(p.Program); {
	case program != "":
		return program
	case p.PID > 0:
		return say.Text(say.WhoUnknownProcess, say.Fields{"pid": strconv.Itoa(p.PID)})
	}
	return say.Text(say.WhoUnknown, nil)
}

// maxParents is how many programs are named above the one that asks, and maxParent how much of each name.
const maxParents, maxParent = 4, 24

// parentNames are the programs that started one, the nearest first; the same one several times in a row is named once.
func parentNames(paths string) string {
	var names []string
	for program := range strings.SplitSeq(paths, "\n") {
		name := parentName(program)
		if name == "" || len(names) > 0 && names[len(names)-1] == name {
			continue
		}
		names = append(names, name)
	}
	if len(names) > maxParents {
		names = append(names[:maxParents], "...")
	}
	return strings.Join(names, ", ")
}

func parentName(program string) string {
	if program == "" {
		return ""
	}
	return path(prompt.Head(prompt.Clean(filepath.Base(program)), maxParent))
}

// inWords is a time as people say it.
func inWords(d time.Duration) string {
	for _, unit := range []struct {
		length time.Duration
		name   string
	}{{time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}} {
		if n := d / unit.length; n > 0 && d%unit.length == 0 {
			return fmt.Sprint(int64(n), " ", unit.name, map[bool]string{true: "s"}[n > 1])
		}
	}
	return d.String()
}
